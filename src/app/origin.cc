#include "app/origin.h"

#include <algorithm>

namespace ahoy::app {

bool may_use_rooms(const net::Request& request, const std::vector<std::string>& allowed) {
    const std::string& origin = request.origin;
    return allowed.empty() || origin.empty() ||
           origin == request.http.scheme + "://" + request.http.host ||
           std::ranges::find(allowed, origin) != allowed.end();
}

}  // namespace ahoy::app
