#include "net/relay_addresses.h"

#include <algorithm>

namespace ahoy::net {

RelayAddresses::RelayAddresses(std::vector<RelayAddress> addresses, std::vector<IpAddress> own)
    : addresses_(std::move(addresses)), own_(std::move(own)) {
    for (const RelayAddress& address : addresses_) {
        own_.push_back(address.told);
        own_.push_back(address.bound);
        mapped_ |= address.told != address.bound;
        live_.push_back(std::make_unique<Ports>());
        resting_.push_back(std::make_unique<Ports>());
        tcp_.push_back(std::make_unique<Ports>());
    }
    std::sort(own_.begin(), own_.end());
    own_.erase(std::unique(own_.begin(), own_.end()), own_.end());
}

bool RelayAddresses::supports(AddressFamily family) const {
    return choose(family, {}).has_value();
}

std::optional<size_t> RelayAddresses::choose(AddressFamily family, const IpAddress& near) const {
    std::optional<size_t> first;
    for (size_t i = 0; i < addresses_.size(); ++i) {
        if (addresses_[i].told.family() != family) continue;
        if (addresses_[i].bound == near || addresses_[i].told == near) return i;
        if (!first) first = i;
    }
    return first;
}

bool RelayAddresses::is_own(const IpAddress& ip) const {
    return std::binary_search(own_.begin(), own_.end(), ip);
}

bool RelayAddresses::test(const PortSets& sets, size_t index, uint32_t port) {
    const uint64_t word = (*sets[index])[port / 64].load(std::memory_order_relaxed);
    return (word >> (port % 64) & 1) != 0;
}

bool RelayAddresses::set(PortSets& sets, size_t index, uint32_t port, bool value) {
    auto& word = (*sets[index])[port / 64];
    const uint64_t bit = uint64_t{1} << (port % 64);
    const uint64_t before = value ? word.fetch_or(bit, std::memory_order_relaxed)
                                  : word.fetch_and(~bit, std::memory_order_relaxed);
    return (before & bit) != 0;
}

bool RelayAddresses::is_live(const PortSets& sets, const TransportAddress& told) const {
    for (size_t i = 0; i < addresses_.size(); ++i) {
        if (addresses_[i].told == told.ip && test(sets, i, told.port)) return true;
    }
    return false;
}

TransportAddress RelayAddresses::map(const PortSets& sets, const TransportAddress& address,
                                     IpAddress RelayAddress::*from,
                                     IpAddress RelayAddress::*to) const {
    if (!mapped_) return address;
    for (size_t i = 0; i < addresses_.size(); ++i) {
        if (addresses_[i].*from == address.ip && test(sets, i, address.port)) {
            return {addresses_[i].*to, address.port};
        }
    }
    return address;
}

bool RelayAddresses::is_live(const TransportAddress& told) const {
    return is_live(live_, told);
}
void RelayAddresses::set_live(size_t index, uint16_t port, bool live) {
    set(live_, index, port, live);
}
void RelayAddresses::set_resting(size_t index, uint16_t port, bool resting) {
    set(resting_, index, port, resting);
}
TransportAddress RelayAddresses::to_bound(const TransportAddress& told) const {
    return map(live_, told, &RelayAddress::told, &RelayAddress::bound);
}
TransportAddress RelayAddresses::to_told(const TransportAddress& bound) const {
    return map(live_, bound, &RelayAddress::bound, &RelayAddress::told);
}

bool RelayAddresses::claim_tcp(size_t index, uint16_t port) {
    return !set(tcp_, index, port, true);
}
void RelayAddresses::release_tcp(size_t index, uint16_t port) {
    set(tcp_, index, port, false);
}
bool RelayAddresses::is_live_tcp(const TransportAddress& told) const {
    return is_live(tcp_, told);
}
TransportAddress RelayAddresses::to_bound_tcp(const TransportAddress& told) const {
    return map(tcp_, told, &RelayAddress::told, &RelayAddress::bound);
}
TransportAddress RelayAddresses::to_told_tcp(const TransportAddress& bound) const {
    return map(tcp_, bound, &RelayAddress::bound, &RelayAddress::told);
}

}  // namespace ahoy::net
