#include "sim/turn_ports.h"

#include <algorithm>

namespace ahoy::sim {

bool TurnPorts::supports(AddressFamily family) const {
    return std::ranges::any_of(pool_.addresses,
                               [&](const auto& ip) { return ip.family() == family; });
}

std::optional<turn::OpenedPorts> TurnPorts::open(AddressFamily family, turn::Parity parity,
                                                 const IpAddress&) {
    const auto ip = std::ranges::find(pool_.addresses, family, &IpAddress::family);
    if (ip == pool_.addresses.end()) {
        throw Violation("TI5", "a port is opened only of a family that is supported", "open()");
    }
    calls_.refused = true;
    calls_.failed = dice_.percent(pool_.failures);
    if (calls_.failed) return {};
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
