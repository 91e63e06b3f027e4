#include "sim/turn_kernel.h"

#include "fastpath/test_frames.h"
#include "sim/trace.h"

namespace ahoy::sim {
namespace {

constexpr uint32_t capacity = 8;  // channels at once; further ones are left to the server
constexpr unsigned interface = 1;

std::string bytes_of(const ahoy_flow& flow) {
    return {reinterpret_cast<const char*>(&flow), sizeof flow};
}

}  // namespace

Kernel::Kernel(std::set<IpAddress> own, unsigned mtu) : paths_(maps_, vicinity_, 0, capacity) {
    vicinity_.own = std::move(own);
    vicinity_.mtu = mtu;
    maps_.programs.traffic.resize(2 * size_t{capacity});
}

bool Kernel::Maps::put(const ahoy_flow& flow, const ahoy_path& path) {
    programs.paths[bytes_of(flow)] = path;
    return true;
}

void Kernel::Maps::remove(const ahoy_flow& flow) {
    programs.paths.erase(bytes_of(flow));
}

turn::Traffic Kernel::Maps::traffic(uint32_t index) const {
    const ahoy_traffic& counters = programs.traffic.at(index);
    return {counters.packets, counters.bytes};
}

std::optional<fastpath::Surroundings> Kernel::Vicinity::of(const turn::Shortcut& shortcut) const {
    if (static_cast<uint32_t>(shortcut.client.socket) >= first_stream_socket) return {};
    const auto to = [&](const IpAddress& next) { return fastpath::Route{interface, next, mtu}; };
    return fastpath::Surroundings{.relay = shortcut.relay.address,
                                  .peer = shortcut.peer,
                                  .peer_is_ours = own.contains(shortcut.peer.ip),
                                  .to_peer = to(shortcut.peer.ip),
                                  .to_client = to(shortcut.client.client.ip)};
}

std::optional<Kernel::Datagram> Kernel::relay(Instant at, const Datagram& in) {
    const auto now = static_cast<uint64_t>(at.time_since_epoch().count());
    maps_.programs.owner.alive_until = now + 1;
    auto frame = fastpath::write({in.from, in.to, in.payload});
    const auto before = frame;
    if (!run_program(maps_.programs, frame, interface, now)) {
        if (frame == before) return {};
        throw Violation("TI3", "what passes up is as it came", in.from.to_string());
    }
    const auto out = fastpath::read(frame);
    if (!out || out->ttl >= 64) {
        throw Violation("TI3", "what leaves has the right lengths, checksums and hops",
                        in.from.to_string());
    }
    return Datagram{out->from, out->to, out->payload};
}

}  // namespace ahoy::sim
