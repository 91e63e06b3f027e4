#include "fastpath/kernel_paths.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace ahoy::fastpath {
namespace {

using turn::Shortcut;
using turn::ShortcutId;

// What IPv6 carries everywhere.  Of anything longer we may be told that it is too big for a link on
// the way, and have to send it in fragments then; IPv4's routers make these.
constexpr unsigned ipv6_smallest_mtu = 1280;

void copy(uint8_t (&out)[16], const IpAddress& ip) {
    std::ranges::copy(ip.bytes(), out);
}

// Both have addresses of the same names.
template <class Ends>
void set_ends(Ends& ends, const TransportAddress& from, const TransportAddress& to) {
    copy(ends.from, from.ip);
    copy(ends.to, to.ip);
    ends.from_port = htons(from.port);
    ends.to_port = htons(to.port);
}

void set_route(ahoy_path& path, const Route& route) {
    const auto wire = route.next_hop.wire();
    path.interface = route.interface;
    path.next_hop.nh_family = route.next_hop.is_v4() ? AF_INET : AF_INET6;
    std::memcpy(path.next_hop.ipv6_nh, wire.data(), wire.size());
    path.mtu = route.next_hop.is_v4() ? route.mtu : std::min(route.mtu, ipv6_smallest_mtu);
}

uint64_t nanoseconds(Instant at) {
    return static_cast<uint64_t>(std::max<int64_t>(at.time_since_epoch().count(), 0));
}

turn::Traffic difference(const turn::Traffic& now, const turn::Traffic& before) {
    return {now.packets - before.packets, now.bytes - before.bytes};
}

}  // namespace

PathPair make_paths(const Shortcut& shortcut, const Surroundings& around, Instant until,
                    uint32_t traffic) {
    PathPair pair{};
    const auto& [client, server] = std::tie(shortcut.client.client, shortcut.client.server);
    const uint16_t channel = htons(shortcut.channel.to_wire());

    set_ends(pair.to_peer.flow, client, server);
    pair.to_peer.flow.channel = channel;
    set_ends(pair.to_peer.path, around.relay, around.peer);
    pair.to_peer.path.to_ourselves = around.peer_is_ours;
    pair.to_peer.path.traffic = traffic;
    pair.to_peer.path.came_by = around.to_client.interface;
    if (!around.peer_is_ours) set_route(pair.to_peer.path, around.to_peer);

    set_ends(pair.to_client.flow, around.peer, around.relay);
    set_ends(pair.to_client.path, server, client);
    pair.to_client.path.channel = channel;
    pair.to_client.path.traffic = traffic + 1;
    // What a relayed address of ours sends comes from no interface.
    pair.to_client.path.came_by = around.peer_is_ours ? 0 : around.to_peer.interface;
    set_route(pair.to_client.path, around.to_client);

    pair.to_peer.path.expires_at = pair.to_client.path.expires_at = nanoseconds(until);
    return pair;
}

KernelPaths::KernelPaths(PathMaps& maps, Vicinity& vicinity, uint32_t first, uint32_t capacity)
    : maps_(maps), vicinity_(vicinity), first_(first), capacity_(capacity) {}

std::optional<Surroundings> KernelPaths::surroundings(const Shortcut& shortcut) const {
    if (shortcut.client.client.ip.family() != shortcut.peer.ip.family()) return {};
    return vicinity_.of(shortcut);
}

std::optional<ShortcutId> KernelPaths::open(const Shortcut& shortcut, Instant until) {
    if (free_.empty() && entries_.size() == capacity_) return {};
    const auto around = surroundings(shortcut);
    if (!around) return {};
    if (free_.empty()) {
        free_.push_back(static_cast<uint32_t>(entries_.size()));
        entries_.emplace_back();
    }
    const uint32_t index = free_.front();
    Entry& entry = entries_[index];
    entry.shortcut = shortcut;
    entry.until = until;
    entry.counted = counters(index);
    if (!put(index, *around)) {
        entry.shortcut.reset();
        return {};
    }
    free_.pop_front();
    vicinity_.begin(shortcut);
    return ShortcutId{index};
}

// Both ways or none.
bool KernelPaths::put(size_t index, const Surroundings& around) {
    Entry& entry = entries_[index];
    const auto traffic = static_cast<uint32_t>(2 * (first_ + index));
    entry.paths = make_paths(*entry.shortcut, around, entry.until, traffic);
    auto& [to_peer, to_client] = entry.paths;
    // No other shard has these numbers either.
    to_peer.path.id = uint64_t{first_} << 40 | ++puts_;
    to_client.path.id = uint64_t{first_} << 40 | ++puts_;
    if (maps_.put(to_peer.flow, to_peer.path) && maps_.put(to_client.flow, to_client.path)) {
        return true;
    }
    remove(entry.paths);
    return false;
}

void KernelPaths::remove(const PathPair& pair) {
    maps_.remove(pair.to_peer.flow);
    maps_.remove(pair.to_client.flow);
}

void KernelPaths::prolong(ShortcutId id, Instant until) {
    const auto index = static_cast<size_t>(id);
    entries_[index].until = until;
    route(index);
}

// As the routes are now.  Without one the server relays, and its routes may come back.
void KernelPaths::route(size_t index) {
    remove(entries_[index].paths);
    if (const auto around = surroundings(*entries_[index].shortcut)) put(index, *around);
}

std::optional<size_t> KernelPaths::reroute(size_t from) {
    constexpr size_t at_once = 64;  // some ten microseconds each
    const size_t to = std::min(from + at_once, entries_.size());
    for (size_t i = from; i < to; ++i) {
        if (entries_[i].shortcut) route(i);
    }
    if (to >= entries_.size()) return {};
    return to;
}

turn::FastPath::Carried KernelPaths::counters(size_t index) const {
    const auto traffic = static_cast<uint32_t>(2 * (first_ + index));
    return {.to_peer = maps_.traffic(traffic), .to_client = maps_.traffic(traffic + 1)};
}

turn::FastPath::Carried KernelPaths::carried(ShortcutId id) {
    const auto index = static_cast<size_t>(id);
    const Carried now = counters(index);
    const Carried before = std::exchange(entries_[index].counted, now);
    return {.to_peer = difference(now.to_peer, before.to_peer),
            .to_client = difference(now.to_client, before.to_client)};
}

turn::FastPath::Carried KernelPaths::close(ShortcutId id) {
    Entry& entry = entries_[static_cast<size_t>(id)];
    remove(entry.paths);
    vicinity_.end(*entry.shortcut);
    entry.shortcut.reset();
    free_.push_back(static_cast<uint32_t>(id));
    return carried(id);
}

}  // namespace ahoy::fastpath
