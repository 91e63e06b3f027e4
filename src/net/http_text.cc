#include "net/http_text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

namespace ahoy::net {
namespace {

std::string_view trim(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// "192.0.2.1", "192.0.2.1:4711", "[2001:db8::1]:4711", "2001:db8::1"
std::optional<TransportAddress> parse_node(std::string_view text) {
    if (const auto ip = IpAddress::parse(text)) return TransportAddress{*ip, 0};
    return TransportAddress::parse(text);
}

// The last of a list: the one that the proxy next to us has written.
std::string_view last_of(std::string_view list) {
    return trim(list.substr(list.rfind(',') == list.npos ? 0 : list.rfind(',') + 1));
}

}  // namespace

std::string http_date(WallTime at) {
    // The same second asks many times.
    thread_local WallTime cached_at = WallTime::min();
    thread_local std::string cached;
    if (at != cached_at) {
        cached_at = at;
        cached = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT",
                             fmt::gmtime(std::chrono::system_clock::to_time_t(at)));
    }
    return cached;
}

void take_absolute_form(room::HttpRequest& request) {
    const std::string_view target = request.target;
    const size_t scheme = target.find("://");
    if (target.starts_with('/') || scheme == target.npos) return;
    const size_t begin = scheme + 3;
    const size_t path = std::min(target.find_first_of("/?", begin), target.size());
    request.host = target.substr(begin, path - begin);
    std::string origin_form(target.substr(path));
    if (!origin_form.starts_with('/')) origin_form.insert(0, 1, '/');
    request.target = std::move(origin_form);
}

void apply_forwarded(Request& request, const std::vector<Prefix>& trusted,
                     std::string_view forwarded_for, std::string_view proto,
                     std::string_view host) {
    if (!any_contains(trusted, request.remote.ip)) return;
    while (!forwarded_for.empty() && any_contains(trusted, request.remote.ip)) {
        const auto node = parse_node(last_of(forwarded_for));
        if (!node) break;
        request.remote = *node;
        const size_t comma = forwarded_for.rfind(',');
        forwarded_for = forwarded_for.substr(0, comma == forwarded_for.npos ? 0 : comma);
    }
    const std::string_view scheme = last_of(proto);
    if (scheme == "http" || scheme == "https") request.http.scheme = scheme;
    if (!last_of(host).empty()) request.http.host = last_of(host);
}

}  // namespace ahoy::net
