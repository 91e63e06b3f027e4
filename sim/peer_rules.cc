#include "sim/peer_rules.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string>

namespace ahoy::sim {
namespace {

struct Block {
    std::array<uint8_t, 16> bytes{};
    int bits = 0;  // of 128, as IPv4 is ::ffff:0:0/96

    bool holds(const IpAddress& ip) const {
        for (int i = 0; i < bits; ++i) {
            const auto at = static_cast<size_t>(i / 8);
            if ((ip.bytes()[at] ^ bytes[at]) >> (7 - i % 8) & 1) return false;
        }
        return true;
    }
};

const Block& block(std::string_view text) {
    static std::map<std::string_view, Block> known;
    if (const auto found = known.find(text); found != known.end()) return found->second;
    const size_t slash = text.find('/');
    const IpAddress ip = IpAddress::parse(text.substr(0, slash)).value();
    Block made{ip.bytes(), 0};
    std::from_chars(text.data() + slash + 1, text.data() + text.size(), made.bits);
    if (text.find(':') == text.npos) made.bits += 96;
    return known.emplace(text, made).first->second;
}

bool in_any(const IpAddress& ip, const std::vector<std::string_view>& blocks) {
    return std::ranges::any_of(blocks, [&](auto text) { return block(text).holds(ip); });
}

int longest(const IpAddress& ip, const std::vector<std::string_view>& blocks) {
    int bits = -1;
    for (const auto text : blocks) {
        if (block(text).holds(ip)) bits = std::max(bits, block(text).bits);
    }
    return bits;
}

const std::vector<std::string_view> nowhere{"0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32",
                                            "::/128", "ff00::/8"};
// Neither private nor local nor set aside: not globally reachable by IANA's registries.
const std::vector<std::string_view> not_global{
    "10.0.0.0/8",     "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24",   "192.0.2.0/24",   "192.168.0.0/16", "198.18.0.0/15",  "198.51.100.0/24",
    "203.0.113.0/24", "240.0.0.0/4",    "::1/128",        "100::/64",       "2001::/23",
    "2001:db8::/32",  "64:ff9b:1::/48", "fc00::/7",       "fe80::/10",      "3fff::/20",
    "5f00::/16",      "192.88.99.0/24"};
// The simulation has the operator allow none of what these stand for.
const std::vector<std::string_view> disguises{"::/96", "::ffff:0:0:0/96", "64:ff9b::/96",
                                              "2002::/16", "2001::/32"};

}  // namespace

bool PeerRules::allows(const TransportAddress& peer) const {
    if (peer.port == 0 || in_any(peer.ip, nowhere)) return false;
    if (std::ranges::find(listening, peer) != listening.end()) return false;
    if (is_own(peer.ip) && is_live(peer)) return true;
    return allows_elsewhere(peer.ip);
}

bool PeerRules::allows(const IpAddress& peer) const {
    if (in_any(peer, nowhere)) return false;
    return is_own(peer) || allows_elsewhere(peer);
}

bool PeerRules::allows_elsewhere(const IpAddress& peer) const {
    if (in_any(peer, disguises) && !block("::1/128").holds(peer)) return false;
    const int allowed = longest(peer, allow), denied = longest(peer, deny);
    if (allowed > denied) return true;
    if (denied >= 0 || is_own(peer)) return false;
    return !in_any(peer, not_global);
}

bool PeerRules::is_own(const IpAddress& ip) const {
    return std::ranges::find(own, ip) != own.end();
}

}  // namespace ahoy::sim
