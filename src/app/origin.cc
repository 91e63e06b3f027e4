#include "app/origin.h"

#include <algorithm>

namespace ahoy::app {

bool may_use_rooms(const net::Request& request, const std::vector<std::string>& allowed) {
    const std::string& origin = request.origin;
    return allowed.empty() || origin.empty() ||
           origin == request.http.scheme + "://" + request.http.host ||
           std::ranges::find(allowed, origin) != allowed.end();
}

std::string frame_ancestors(const std::vector<std::string>& allowed) {
    if (allowed.empty()) return "frame-ancestors 'none'";
    std::string directive = "frame-ancestors";
    for (const std::string& origin : allowed) directive += ' ' + origin;
    return directive;
}

}  // namespace ahoy::app
