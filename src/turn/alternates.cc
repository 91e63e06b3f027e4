#include "turn/alternates.h"

namespace ahoy::turn {
namespace {

constexpr AddressFamily other(AddressFamily family) {
    return family == AddressFamily::ipv4 ? AddressFamily::ipv6 : AddressFamily::ipv4;
}

}  // namespace

Alternates::Alternates(Redirect redirect, const std::vector<Alternate>& plain,
                       const std::vector<Alternate>& secure)
    : redirect_(redirect) {
    for (const Alternate& server : plain) {
        of(plain_, server.address.ip.family()).servers.push_back(server);
    }
    for (const Alternate& server : secure) {
        of(secure_, server.address.ip.family()).servers.push_back(server);
    }
}

Alternates::Choice Alternates::next(Transport transport, AddressFamily family) {
    const bool is_secure = transport == Transport::tls || transport == Transport::dtls;
    auto& rings = is_secure ? secure_ : plain_;
    const Alternate* const first = of(rings, family).next();
    if (first == nullptr) return {};
    // There is one ALTERNATE-DOMAIN for both.
    const Alternate* const second = of(rings, other(family)).next();
    return {first, second != nullptr && second->domain == first->domain ? second : nullptr};
}

const Alternate* Alternates::Ring::next() {
    return servers.empty() ? nullptr : &servers[turn++ % servers.size()];
}

Alternates::Ring& Alternates::of(std::array<Ring, 2>& rings, AddressFamily family) {
    return rings[family == AddressFamily::ipv4 ? 0 : 1];
}

}  // namespace ahoy::turn
