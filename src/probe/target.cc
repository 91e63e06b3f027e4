#include "probe/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/address.h"

namespace ahoy::probe {
namespace {

constexpr uint16_t default_port = 3478;
constexpr uint16_t default_secure_port = 5349;
constexpr size_t longest_name = 253;

constexpr std::string_view right =
    "expected turn:HOST:PORT?transport=udp (or tcp), turns:HOST:PORT, stun:HOST:PORT, "
    "stuns:HOST:PORT or a HOST alone";

bool is_secure(Transport transport) {
    return transport == Transport::tls || transport == Transport::dtls;
}

bool is_host(std::string_view text) {
    if (IpAddress::parse(text)) return true;
    return !text.empty() && text.size() <= longest_name &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) {
               return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c >= 0x80;
           });
}

std::optional<uint16_t> read_port(std::string_view text) {
    uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0) return {};
    return port;
}

struct Authority {
    std::string_view host;
    std::optional<std::string_view> port;
};

// "host", "host:port", "[address]:port", and an IPv6 address without brackets or port.
std::optional<Authority> split(std::string_view text) {
    const bool bracketed = text.starts_with('[');
    if (!bracketed && IpAddress::parse(text)) return Authority{text, {}};
    const size_t end = bracketed ? text.find(']') : text.find(':');
    if (bracketed && end == text.npos) return {};
    const std::string_view host =
        bracketed ? text.substr(1, end - 1) : text.substr(0, std::min(end, text.size()));
    if (bracketed && !IpAddress::parse(host)) return {};
    const std::string_view rest =
        end == text.npos ? std::string_view{} : text.substr(end + (bracketed ? 1 : 0));
    if (rest.empty()) return Authority{host, {}};
    if (rest[0] != ':') return {};
    return Authority{host, rest.substr(1)};
}

}  // namespace

Result<Target, std::string> Target::parse(std::string_view text) {
    const auto refuse = [&](std::string_view why) {
        return unexpected(fmt::format("{}: {}", text, why));
    };
    Target target;
    std::string_view rest = text;
    bool secure = false;
    bool has_scheme = false;
    for (const std::string_view scheme : {"turn:", "turns:", "stun:", "stuns:"}) {
        if (!text.starts_with(scheme)) continue;
        has_scheme = true;
        target.relays = scheme.starts_with("turn");
        secure = scheme.ends_with("s:");
        rest.remove_prefix(scheme.size());
    }
    if (rest.find('/') != rest.npos) {
        return refuse(fmt::format("such URIs have no slashes; leave them out ({})", right));
    }
    if (rest.find('@') != rest.npos) return refuse("the user's name goes into --user");

    const size_t question = rest.find('?');
    const std::string_view query =
        question == rest.npos ? std::string_view{} : rest.substr(question + 1);
    const auto authority = split(rest.substr(0, question));
    if (!authority || !is_host(authority->host)) return refuse(right);
    target.host = authority->host;
    if (authority->port) {
        target.port = read_port(*authority->port);
        if (!target.port) return refuse("a port is a number from 1 to 65535");
    }
    if (!has_scheme) {
        if (question != rest.npos) return refuse(right);
        return target;
    }
    if (question == rest.npos) {
        target.transport = secure ? Transport::tls : Transport::udp;
        return target;
    }
    const bool over_udp = query == "transport=udp";
    if (!target.relays || (!over_udp && query != "transport=tcp")) {
        return refuse(target.relays ? "the transport is udp or tcp; over TLS or DTLS it is turns:"
                                    : "a stun: URI takes no ?transport; with --all every "
                                      "transport is tried");
    }
    target.transport = secure     ? (over_udp ? Transport::dtls : Transport::tls)
                       : over_udp ? Transport::udp
                                  : Transport::tcp;
    return target;
}

std::string to_uri(const Way& way) {
    const auto ip = IpAddress::parse(way.host);
    const std::string host = ip && !ip->is_v4() ? '[' + way.host + ']' : way.host;
    const bool datagrams = way.transport == Transport::udp || way.transport == Transport::dtls;
    return fmt::format("{}{}:{}:{}{}", way.relays ? "turn" : "stun",
                       is_secure(way.transport) ? "s" : "", host, way.port,
                       !way.relays ? ""
                       : datagrams ? "?transport=udp"
                                   : "?transport=tcp");
}

std::vector<Way> ways(const Target& target, bool all) {
    std::vector<Way> found;
    for (const Transport transport :
         {Transport::udp, Transport::tcp, Transport::tls, Transport::dtls}) {
        const bool named = target.transport == transport;
        if (target.transport && !named && !all) continue;
        // Without a scheme a port is meant for both kinds: many servers tell them apart there.
        const bool same_kind =
            !target.transport || is_secure(*target.transport) == is_secure(transport);
        const uint16_t by_default = is_secure(transport) ? default_secure_port : default_port;
        found.push_back({.host = target.host,
                         .port = same_kind ? target.port.value_or(by_default) : by_default,
                         .transport = transport,
                         .relays = target.relays});
    }
    return found;
}

}  // namespace ahoy::probe
