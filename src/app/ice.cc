#include "app/ice.h"

#include <fmt/format.h>

#include "base/address.h"
#include "turn/credentials.h"

namespace ahoy::app {
namespace {

// As it stands in a stun: or turn: URL (RFC 7064, RFC 7065).
std::string url_host(std::string_view host) {
    // Not every client resolves it, and those that do may try ::1 first.
    if (host == "localhost") return "127.0.0.1";
    const auto ip = IpAddress::parse(host);
    if (!ip) return std::string(host);
    return ip->is_v4() ? ip->to_string() : '[' + ip->to_string() + ']';
}

}  // namespace

room::apprtc::IceConfig IceServers::make(Now now, std::string_view asked) {
    room::apprtc::IceConfig config{settings_.extra,
                                   std::chrono::floor<std::chrono::seconds>(settings_.lifetime)};
    const std::string host =
        url_host(room::host_of(settings_.public_host.empty() ? asked : settings_.public_host));
    if (host.empty()) return config;

    room::apprtc::IceServer stun;
    room::apprtc::IceServer turn;
    for (const uint16_t port : settings_.ports.udp) {
        if (settings_.ports.stun) stun.urls.push_back(fmt::format("stun:{}:{}", host, port));
        turn.urls.push_back(fmt::format("turn:{}:{}?transport=udp", host, port));
    }
    for (const uint16_t port : settings_.ports.tcp) {
        turn.urls.push_back(fmt::format("turn:{}:{}?transport=tcp", host, port));
    }
    for (const uint16_t port : settings_.ports.tls) {
        turn.urls.push_back(fmt::format("turns:{}:{}?transport=tcp", host, port));
    }
    if (settings_.ports.turn && !turn.urls.empty()) {
        // A name of its own for each client, so that one cannot use up another's quota.
        const auto credential =
            turn::mint(settings_.secret, random_.token(9), settings_.lifetime, now);
        turn.username = credential.username;
        turn.credential = credential.password;
        config.servers.insert(config.servers.begin(), std::move(turn));
    }
    if (!stun.urls.empty()) config.servers.insert(config.servers.begin(), std::move(stun));
    return config;
}

}  // namespace ahoy::app
