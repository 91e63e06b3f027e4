#include "sim/turn_ports.h"

#include <algorithm>

namespace ahoy::sim {

bool TurnPorts::supports(AddressFamily family) const {
    return std::ranges::any_of(pool_.addresses,
                               [&](const auto& ip) { return ip.family() == family; });
}

// On which address; nothing when the call fails.
std::optional<IpAddress> TurnPorts::begin_to_open(AddressFamily family) {
    const auto ip = std::ranges::find(pool_.addresses, family, &IpAddress::family);
    if (ip == pool_.addresses.end()) {
        throw Violation("TI5", "a port is opened only of a family that is supported", "opening");
    }
    calls_.refused = true;
    calls_.failed = fails();
    if (calls_.failed) return {};
    return *ip;
}

std::optional<turn::OpenedPorts> TurnPorts::open(AddressFamily family, turn::Parity parity,
                                                 const IpAddress&) {
    const auto ip = begin_to_open(family);
    if (!ip) return {};
    const size_t size = pool_.high - pool_.low + 1u;
    const size_t start = dice_.below(size);
    for (size_t i = 0; i < size; ++i) {
        const auto port = static_cast<uint16_t>(pool_.low + (start + i) % size);
        if (parity != turn::Parity::any && port % 2 != 0) continue;
        if (!is_free({*ip, port})) continue;
        const auto above = static_cast<uint16_t>(port + 1);
        if (parity == turn::Parity::even_and_next &&
            (above > pool_.high || !is_free({*ip, above}))) {
            continue;
        }
        calls_.refused = false;
        turn::OpenedPorts opened{.port = bind({*ip, port}), .next = {}};
        if (parity == turn::Parity::even_and_next) opened.next = bind({*ip, above});
        return opened;
    }
    return {};
}

void TurnPorts::close(const turn::RelayPort& port) {
    const auto found = table_.open.find(port.address);
    if (found == table_.open.end() || !(found->second.port == port)) {
        throw Violation("TI5", "a relay port is closed once, by whom it was opened",
                        port.address.to_string());
    }
    if (found->second.shard != shard_) {
        throw Violation("TI5", "a shard closes its own ports only", port.address.to_string());
    }
    table_.open.erase(found);
    table_.rests_until[port.address] = now_ + pool_.rest;
    calls_.closed.push_back(port);
}

std::optional<turn::RelayPort> TurnPorts::listen(AddressFamily family) {
    const auto ip = begin_to_open(family);
    if (!ip) return {};
    const size_t size = pool_.high - pool_.low + 1u;
    const size_t start = dice_.below(size);
    for (size_t i = 0; i < size; ++i) {
        const TransportAddress address{*ip, static_cast<uint16_t>(pool_.low + (start + i) % size)};
        if (table_.listening.contains(address)) continue;
        calls_.refused = false;
        const turn::RelayPort port{SocketId{table_.next_socket++}, address};
        table_.listening.emplace(address, RelayTable::Port{port, shard_});
        calls_.opened.push_back(port);
        return port;
    }
    return {};
}

void TurnPorts::stop_listening(const turn::RelayPort& port) {
    const auto found = table_.listening.find(port.address);
    if (found == table_.listening.end() || !(found->second.port == port) ||
        found->second.shard != shard_) {
        throw Violation("TI5", "a relayed TCP address is closed once, by whom it was opened",
                        port.address.to_string());
    }
    table_.listening.erase(found);
    calls_.closed.push_back(port);
}

void TurnPorts::reserve(const turn::RelayPort& port, turn::Reservation reservation) {
    RelayTable::Port& held = table_.open.at(port.address);
    if (held.shard != shard_ || held.held) {
        throw Violation("TI5", "a shard reserves its own ports only", port.address.to_string());
    }
    held.held = true;
    table_.reservations.put(std::move(reservation), port);
}

std::optional<turn::RelayPort> TurnPorts::redeem(const stun::ReservationToken& token,
                                                 const turn::User& user, Instant now) {
    const auto port = table_.reservations.redeem(token, user, now);
    if (!port) return {};
    table_.open.at(port->address) = {*port, shard_};
    if (fails()) {
        calls_.refused = calls_.failed = true;
        close(*port);
        return {};
    }
    calls_.redeemed.push_back(*port);
    return port;
}

Instant TurnPorts::withdraw_expired(Instant now) {
    const auto expired = table_.reservations.take_expired(now);
    for (const turn::RelayPort& port : expired.ports) {
        table_.open.at(port.address) = {port, shard_};
        close(port);
    }
    return expired.next;
}

std::optional<turn::Quotas::Refused> TurnPorts::charge(const turn::User& user,
                                                       const IpAddress& client,
                                                       const turn::Counts& more,
                                                       const turn::Quotas::Limits& limits) {
    const auto refused = table_.quotas.charge(user, client, more, limits);
    if (!refused) table_.charges += more;
    return refused;
}

void TurnPorts::discharge(const turn::User& user, const IpAddress& client,
                          const turn::Counts& fewer) {
    table_.quotas.discharge(user, client, fewer);
    table_.charges -= fewer;
}

bool TurnPorts::is_own(const IpAddress& ip) const {
    return std::ranges::find(own_, ip) != own_.end();
}

bool TurnPorts::is_free(const TransportAddress& address) const {
    if (table_.open.contains(address)) return false;
    const auto rests = table_.rests_until.find(address);
    return rests == table_.rests_until.end() || now_ >= rests->second;
}

turn::RelayPort TurnPorts::bind(const TransportAddress& address) {
    const turn::RelayPort port{SocketId{table_.next_socket++}, address};
    table_.open.emplace(address, RelayTable::Port{port, shard_});
    calls_.opened.push_back(port);
    return port;
}

}  // namespace ahoy::sim
