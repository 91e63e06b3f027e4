#include "fastpath/host_vicinity.h"

namespace ahoy::fastpath {

HostVicinity::HostVicinity(const KernelRelay& relay, net::TurnSockets& sockets,
                           const net::RelayAddresses& addresses)
    : relay_(relay), sockets_(sockets), addresses_(addresses) {}

std::optional<Surroundings> HostVicinity::of(const turn::Shortcut& shortcut) const {
    const auto& [socket, client, server] = shortcut.client;
    if (!sockets_.is_listener(socket)) return {};
    Surroundings around{.relay = addresses_.to_bound(shortcut.relay.address),
                        .peer = addresses_.to_bound(shortcut.peer),
                        .peer_is_ours = addresses_.is_own(shortcut.peer.ip),
                        .to_peer = {},
                        .to_client = {}};
    const auto to_client = route(server.ip, client.ip);
    if (!to_client) return {};
    around.to_client = *to_client;
    if (around.peer_is_ours) return around;
    const auto to_peer = route(around.relay.ip, around.peer.ip);
    if (!to_peer) return {};
    around.to_peer = *to_peer;
    return around;
}

void HostVicinity::begin(const turn::Shortcut& shortcut) {
    sockets_.forbid_coalescing(shortcut.client.socket);
    sockets_.forbid_coalescing(shortcut.relay.socket);
}

void HostVicinity::end(const turn::Shortcut& shortcut) {
    sockets_.allow_coalescing(shortcut.client.socket);
    sockets_.allow_coalescing(shortcut.relay.socket);
}

std::optional<Route> HostVicinity::route(const IpAddress& from, const IpAddress& to) const {
    const auto found = routes_.find(from, to);
    return found && relay_.is_attached_to(found->interface) ? found : std::nullopt;
}

}  // namespace ahoy::fastpath
