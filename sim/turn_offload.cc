// Bound channels relayed by the kernel path: what it sends instead of the server must be the same.
#include "sim/turn_shard.h"

namespace ahoy::sim {

// Without what the kernel of before had, if there was one.
void TurnWorld::offload(Shard& shard) {
    if (offload_ == Offload::no) return;
    shard.kernel = std::make_unique<Kernel>(std::set(own_.begin(), own_.end()), mtu_);
    shard.server->relay_by(shard.kernel->paths());
}

std::optional<Sent> TurnWorld::relay_in_kernel(Shard& shard, const Datagram& in) {
    if (!shard.kernel) return {};
    const auto out = shard.kernel->relay(town_.now.steady,
                                         {in.from, in.local, {in.bytes.begin(), in.bytes.end()}});
    if (!out) {
        if (!in.bytes.empty() && in.bytes[0] >> 6 == 1) town_.trace.mark(Mark::passed_kernel);
        return {};
    }
    town_.trace.mark(Mark::relayed_in_kernel);
    if (const auto socket = listening_socket(out->from)) {
        return Sent{*socket, out->from.ip, out->to, out->payload};
    }
    const auto relay = town_.relays.open.find(out->from);
    if (relay == town_.relays.open.end()) {
        throw Violation("TI5", "the kernel sends from open ports only", out->from.to_string());
    }
    return Sent{relay->second.port.socket, {}, out->to, out->payload};
}

void TurnWorld::count_carried(Shard& shard) {
    for (std::optional<size_t> from = 0; shard.kernel && from;) {
        from = shard.server->count_carried(*from);
    }
}

}  // namespace ahoy::sim
