#include "turn/peer_policy.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace ahoy::turn {
namespace {

std::vector<Prefix> prefixes(std::initializer_list<std::string_view> texts) {
    std::vector<Prefix> parsed;
    for (const std::string_view text : texts) {
        const auto prefix = Prefix::parse(text);
        CHECK(prefix);
        parsed.push_back(*prefix);
    }
    return parsed;
}

bool any_contains(const std::vector<Prefix>& prefixes, const IpAddress& ip) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](const Prefix& prefix) { return prefix.contains(ip); });
}

// Nothing makes these a peer, because no UDP datagram to them means anything, or, for 0.0.0.0/8,
// because Linux takes 0.0.0.0 for itself.
bool never_a_peer(const IpAddress& ip) {
    static const auto list =
        prefixes({"0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32", "::/128", "ff00::/8"});
    return any_contains(list, ip);
}

}  // namespace

bool is_special_purpose(const IpAddress& ip) {
    static const auto list = prefixes({
        "10.0.0.0/8",       // private use, RFC 1918
        "100.64.0.0/10",    // shared address space, RFC 6598
        "127.0.0.0/8",      // loopback
        "169.254.0.0/16",   // link-local, with the clouds' metadata services
        "172.16.0.0/12",    // private use
        "192.0.0.0/24",     // IETF protocol assignments
        "192.0.2.0/24",     // documentation
        "192.88.99.0/24",   // 6to4 relay anycast, deprecated
        "192.168.0.0/16",   // private use
        "198.18.0.0/15",    // benchmarking
        "198.51.100.0/24",  // documentation
        "203.0.113.0/24",   // documentation
        "240.0.0.0/4",      // reserved
        "::1/128",          // loopback
        "64:ff9b:1::/48",   // translation within a network, RFC 8215
        "100::/64",         // discard only, RFC 6666
        "100:0:0:1::/64",   // dummy prefix, RFC 9780
        "2001::/23",        // IETF protocol assignments
        "2001:db8::/32",    // documentation
        "3fff::/20",        // documentation, RFC 9637
        "5f00::/16",        // segment routing, RFC 9602
        "fc00::/7",         // unique local
        "fe80::/10",        // link-local
        "fec0::/10",        // site-local, deprecated
    });
    return any_contains(list, ip);
}

namespace {

// The IPv4 addresses that a transition form stands for; as many as it embeds.
struct Embedded {
    std::array<IpAddress, 2> addresses;
    size_t count = 0;

    void add(const IpAddress& ip, size_t at, uint8_t mask = 0) {
        uint32_t v4 = 0;
        for (size_t i = at; i < at + 4; ++i) {
            v4 = v4 << 8 | static_cast<uint8_t>(ip.bytes()[i] ^ mask);
        }
        addresses[count++] = IpAddress::v4(v4);
    }
};

bool is_isatap(const IpAddress& ip) {
    const auto& b = ip.bytes();
    return (b[8] & ~0x02) == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe;
}

Embedded embedded_in(const IpAddress& ip) {
    static const auto low_bits = prefixes({
        "::/96",            // IPv4-compatible, RFC 4291
        "::ffff:0:0:0/96",  // IPv4-translated, RFC 2765
        "64:ff9b::/96",     // NAT64, RFC 6052
        "64:ff9b:1::/96",   // NAT64 within a network, with this one of its forms
    });
    static const Prefix six_to_four = prefixes({"2002::/16"}).front();
    static const Prefix teredo = prefixes({"2001::/32"}).front();
    Embedded found;
    if (ip.is_v4() || ip.is_loopback()) return found;
    if (any_contains(low_bits, ip) || is_isatap(ip)) {
        found.add(ip, 12);
    } else if (six_to_four.contains(ip)) {
        found.add(ip, 2);
    } else if (teredo.contains(ip)) {
        found.add(ip, 4);         // the server
        found.add(ip, 12, 0xff);  // the client, inverted (RFC 4380, section 4)
    }
    return found;
}

// The longest prefix that contains the address; -1 without one.
int longest(const std::vector<Prefix>& prefixes, const IpAddress& ip) {
    int length = -1;
    for (const Prefix& prefix : prefixes) {
        if (prefix.contains(ip)) length = std::max(length, prefix.length());
    }
    return length;
}

}  // namespace

std::string_view label(PeerReason reason) {
    switch (reason) {
        case PeerReason::ordinary:
            return "ordinary";
        case PeerReason::live_relay:
            return "live_relay";
        case PeerReason::operator_allow:
            return "operator_allow";
        case PeerReason::never_a_peer:
            return "never_a_peer";
        case PeerReason::own_listener:
            return "own_listener";
        case PeerReason::operator_deny:
            return "operator_deny";
        case PeerReason::own_address:
            return "own_address";
        case PeerReason::special_purpose:
            return "special_purpose";
        case PeerReason::transition_form:
            return "transition_form";
        case PeerReason::count:
            break;
    }
    return {};
}

PeerPolicy::PeerPolicy(PeerLists lists, std::vector<TransportAddress> listening)
    : lists_(std::move(lists)), listening_(std::move(listening)) {}

PeerVerdict PeerPolicy::check(const TransportAddress& peer, const OwnAddresses& relays) const {
    if (peer.port == 0 || never_a_peer(peer.ip)) return {PeerReason::never_a_peer};
    const bool own = relays.is_own(peer.ip);
    if (is_listener(peer, own || peer.ip.is_loopback())) return {PeerReason::own_listener};
    if (own && relays.is_live(peer)) return {PeerReason::live_relay};
    return without_port(peer.ip, own);
}

// An own address passes, because one of its ports may be a relayed address; then every datagram
// counts by itself.  So does loopback that the operator allows, where listeners may be, too.
PeerVerdict PeerPolicy::check(const IpAddress& peer, const OwnAddresses& relays) const {
    if (never_a_peer(peer)) return {PeerReason::never_a_peer};
    const bool own = relays.is_own(peer);
    if (own) return {PeerReason::live_relay, true};
    PeerVerdict verdict = without_port(peer, own);
    verdict.per_datagram = peer.is_loopback();
    return verdict;
}

bool PeerPolicy::is_listener(const TransportAddress& peer, bool own) const {
    return std::any_of(listening_.begin(), listening_.end(), [&](const TransportAddress& l) {
        return l.port == peer.port && (l.ip == peer.ip || (own && l.ip.is_unspecified()));
    });
}

PeerVerdict PeerPolicy::without_port(const IpAddress& peer, bool own) const {
    if (embedded_in(peer).count > 0) {
        const bool allowed = explicitly_allowed(peer) && embedded_allowed(peer);
        return {allowed ? PeerReason::operator_allow : PeerReason::transition_form};
    }
    const int allow = longest(lists_.allow, peer), deny = longest(lists_.deny, peer);
    if (allow > deny) return {PeerReason::operator_allow};
    if (deny >= 0) return {PeerReason::operator_deny};
    if (own) return {PeerReason::own_address};
    if (is_special_purpose(peer)) return {PeerReason::special_purpose};
    return {PeerReason::ordinary};
}

bool PeerPolicy::explicitly_allowed(const IpAddress& ip) const {
    return longest(lists_.allow, ip) > longest(lists_.deny, ip);
}

bool PeerPolicy::embedded_allowed(const IpAddress& ip) const {
    const Embedded embedded = embedded_in(ip);
    return std::all_of(
        embedded.addresses.begin(),
        embedded.addresses.begin() + static_cast<ptrdiff_t>(embedded.count),
        [&](const IpAddress& v4) { return !never_a_peer(v4) && explicitly_allowed(v4); });
}

}  // namespace ahoy::turn
