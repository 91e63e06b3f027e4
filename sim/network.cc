#include "sim/network.h"

namespace ahoy::sim {

void Network::put_behind(const IpAddress& inside, Nat& nat) {
    by_inside_[inside] = &nat;
    by_external_[nat.config().external] = &nat;
}

void Network::send(Instant now, const TransportAddress& from, const TransportAddress& to,
                   Bytes bytes) {
    if (from.ip.family() != to.ip.family()) return;  // there is no such packet
    Packet packet{from, to, {bytes.begin(), bytes.end()}};
    if (const auto behind = by_inside_.find(from.ip); behind != by_inside_.end()) {
        packet.from = behind->second->outbound(now, from, to);
    }
    if (dice_.percent(faults_.doubled)) carry(now, packet);
    carry(now, std::move(packet));
}

void Network::carry(Instant now, Packet packet) {
    if (dice_.percent(faults_.lost)) return;
    if (dice_.percent(faults_.damaged)) damage(packet.bytes);
    if (dice_.percent(faults_.cut_short)) packet.bytes.resize(dice_.below(packet.bytes.size() + 1));
    const Duration delay = dice_.between(faults_.fastest, faults_.slowest);
    queue_.push({now + delay, order_++, std::move(packet)});
}

void Network::damage(std::vector<uint8_t>& bytes) {
    if (bytes.empty()) return;
    dice_.pick(bytes) ^= static_cast<uint8_t>(1u << dice_.below(8));
}

std::optional<Packet> Network::take(Instant now) {
    Packet packet = std::move(queue_.top().packet);
    queue_.pop();
    const auto nat = by_external_.find(packet.to.ip);
    if (nat == by_external_.end()) return packet;
    const auto inside = nat->second->inbound(now, packet.from, packet.to.port);
    if (!inside) return {};
    packet.to = *inside;
    return packet;
}

}  // namespace ahoy::sim
