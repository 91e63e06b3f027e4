#include "sim/nat.h"

#include <algorithm>

namespace ahoy::sim {
namespace {

constexpr uint16_t first_port = 20000;
constexpr uint16_t last_port = 49151;

// As much of an address as the behaviour looks at.
TransportAddress as_seen_by(NatBehaviour behaviour, const TransportAddress& address) {
    switch (behaviour) {
        case NatBehaviour::endpoint_independent:
            return {};
        case NatBehaviour::address_dependent:
            return {address.ip, 0};
        case NatBehaviour::address_and_port_dependent:
            break;
    }
    return address;
}

}  // namespace

TransportAddress Nat::outbound(Instant now, const TransportAddress& inside,
                               const TransportAddress& to) {
    std::erase_if(mappings_, [&](const auto& entry) { return !lives(entry.second, now); });
    const TransportAddress towards = as_seen_by(config_.mapping, to);
    auto found = std::find_if(mappings_.begin(), mappings_.end(), [&](const auto& entry) {
        return entry.second.inside == inside && entry.second.towards == towards;
    });
    if (found == mappings_.end()) {
        found = mappings_.emplace(free_port(inside.port), Mapping{inside, towards, now, {}}).first;
    }
    Mapping& mapping = found->second;
    mapping.used_at = now;
    if (std::find(mapping.sent_to.begin(), mapping.sent_to.end(), to) == mapping.sent_to.end()) {
        mapping.sent_to.push_back(to);
    }
    return {config_.external, found->first};
}

std::optional<TransportAddress> Nat::inbound(Instant now, const TransportAddress& from,
                                             uint16_t port) const {
    const auto found = mappings_.find(port);
    if (found == mappings_.end() || !lives(found->second, now)) return {};
    const auto& sent_to = found->second.sent_to;
    const bool passes = std::any_of(sent_to.begin(), sent_to.end(), [&](const auto& to) {
        return as_seen_by(config_.filtering, to) == as_seen_by(config_.filtering, from);
    });
    if (!passes) return {};
    return found->second.inside;
}

// One after another, so that a port is used again only after a long time: the next who got it
// would be taken for whom it belonged to, which is no fault of the server's.
uint16_t Nat::free_port(uint16_t wanted) {
    if (config_.preserves_ports && !mappings_.contains(wanted)) return wanted;
    do {
        next_port_ = next_port_ >= last_port ? first_port : static_cast<uint16_t>(next_port_ + 1);
    } while (mappings_.contains(next_port_));
    return next_port_;
}

}  // namespace ahoy::sim
