#include "room/network_limit.h"

#include <utility>

namespace ahoy::room {

IpAddress network_of(const IpAddress& ip) {
    if (ip.is_v4()) return ip;
    std::array<uint8_t, 16> bytes = ip.bytes();
    std::fill(bytes.begin() + 7, bytes.end(), uint8_t{0});
    return IpAddress::v6(bytes);
}

NetworkLimit::NetworkLimit(Allowance of_each, Random random)
    : whole_(of_each), hash_(random.next(), random.next()), recent_(0, hash_), older_(0, hash_) {}

bool NetworkLimit::allows(Instant now, const IpAddress& client) {
    if (client.is_loopback() || find(network_of(client)).take(now)) return true;
    ++refused_;
    return false;
}

Allowance& NetworkLimit::find(const IpAddress& network) {
    if (const auto at = recent_.find(network); at != recent_.end()) return at->second;
    const auto old = older_.find(network);
    const Allowance allowance = old == older_.end() ? whole_ : old->second;
    if (recent_.size() >= most_networks / 2) {
        older_ = std::exchange(recent_, Table(0, hash_));
    } else if (old != older_.end()) {
        older_.erase(old);
    }
    return recent_.emplace(network, allowance).first->second;
}

}  // namespace ahoy::room
