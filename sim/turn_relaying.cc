// What of the data a server may pass on (RFC 8656, sections 11 and 12): each datagram that goes in
// has exactly one that comes out, or none.
#include <algorithm>

#include "sim/turn_model.h"

namespace ahoy::sim {

using wire::number;

void TurnModel::on_channel_data(const Step& step) {
    const Bytes bytes = step.in.bytes;
    const bool whole = bytes.size() >= 4 && number(bytes.subspan(2, 2)) <= bytes.size() - 4;
    const auto channel = whole ? static_cast<uint16_t>(number(bytes.first(2))) : uint16_t{0};
    if (channel < 0x4000 || channel > 0x7ffe) {
        return expect_silence(step, "TI4", "channel numbers are 0x4000 to 0x7FFE");
    }
    const auto place = std::pair(step.in.from, step.in.local);
    Grant* const grant = find(place, step.now.steady);
    if (grant == nullptr && waits(step)) return;
    if (grant == nullptr || !grant->channels.contains(channel)) {
        if (grant != nullptr && grant->lapsed_channels.contains(channel)) {
            trace_.mark(Mark::channel_expired);
        }
        return expect_silence(step, "TI4", "ChannelData passes only on a channel that is bound");
    }
    if (!step.out.empty()) trace_.mark(Mark::relayed_to_channel);
    const Bytes payload = bytes.subspan(4, number(bytes.subspan(2, 2)));
    expect_to_peer(step, grant, grant->channels.at(channel).peer, payload);
}

void TurnModel::on_send(const Step& step, const wire::Stun& stun) {
    if (!stun.unknown().empty()) {
        return expect_silence(step, "TI12", "what is not understood is not acted on");
    }
    Grant* const grant = find({step.in.from, step.in.local}, step.now.steady);
    if (grant == nullptr && waits(step)) return;
    const auto peer = stun.address(wire::xor_peer_address);
    const auto payload = stun.find(wire::data);
    if (!peer || !payload) {
        return expect_silence(step, "TI12", "a Send indication has a peer and data");
    }
    if (!step.out.empty()) trace_.mark(Mark::relayed_to_send);
    expect_to_peer(step, grant, *peer, *payload);
}

// Why a datagram between this allocation and this peer is not relayed: the invariant it would
// break.
std::optional<std::pair<std::string_view, std::string_view>> TurnModel::forbidden(
    const Grant& grant, const TransportAddress& peer, Instant now) {
    using Why = std::pair<std::string_view, std::string_view>;
    const auto relay = grant.relays.find(peer.ip.family());
    if (relay == grant.relays.end() || now >= relay->second.expires_at) {
        return Why{"TI13", "nothing passes without a live relayed address of the peer's family"};
    }
    if (grant.over_tcp) return Why{"TI17", "a TCP allocation relays no datagrams"};
    const auto permission = grant.permissions.find(peer.ip);
    if (permission == grant.permissions.end() || now >= permission->second) {
        if (grant.lapsed_permissions.contains(peer.ip)) trace_.mark(Mark::permission_expired);
        return Why{"TI1", "nothing passes without a live permission for the peer's address"};
    }
    if (!rules_.peers.allows(peer)) {
        trace_.mark(Mark::peer_denied);
        return Why{"TI1", "nothing passes to or from a peer whom the policy denies"};
    }
    return {};
}

void TurnModel::expect_to_peer(const Step& step, Grant* grant, const TransportAddress& peer,
                               Bytes payload) {
    if (grant == nullptr) {
        return expect_silence(step, "TI6", "nothing is relayed without an allocation");
    }
    if (const auto why = forbidden(*grant, peer, step.now.steady)) {
        return expect_silence(step, why->first, why->second);
    }
    const turn::RelayPort& port = grant->relays.at(peer.ip.family()).port;
    counted_[step.shard].to_peers.add(payload.size());
    if (const auto socket = relay_at(peer, step.shard)) {
        const Datagram across{*socket, port.address, peer, payload};
        return from_peer({step.now, across, step.out, step.calls, step.moves, step.streams,
                          step.shard, step.charged_before});
    }
    if (step.out.size() != 1) {
        throw Violation("TI3", "what is permitted passes exactly once",
                        peer.to_string() + ", " + std::to_string(step.out.size()) + " times");
    }
    const Sent& sent = step.out.front();
    if (sent.socket != port.socket) {
        throw Violation("TI3", "data leaves from its own allocation's relayed address",
                        port.address.to_string());
    }
    if (sent.to != peer) {
        throw Violation("TI4", "data goes to the peer it is meant for",
                        sent.to.to_string() + " instead of " + peer.to_string());
    }
    if (!std::ranges::equal(sent.bytes, payload)) {
        throw Violation("TI3", "payload out is payload in", peer.to_string());
    }
}

// Of an allocation on this shard: what is sent there takes no way over the network.
std::optional<SocketId> TurnModel::relay_at(const TransportAddress& address, size_t shard) const {
    std::optional<SocketId> socket;
    const auto look_at = [&](const Grant& grant) {
        if (grant.shard != shard || grant.over_tcp) return;
        for (const auto& [family, relay] : grant.relays) {
            if (relay.port.address == address) socket = relay.port.socket;
        }
    };
    for (const auto& [place, grant] : grants_) look_at(grant);
    for (const auto& [id, grant] : over_) look_at(grant);
    return socket;
}

void TurnModel::from_peer(const Step& step) {
    const TransportAddress& peer = step.in.from;
    const Instant now = step.now.steady;
    const auto owner = std::ranges::find_if(grants_, [&](const auto& entry) {
        return std::ranges::any_of(entry.second.relays, [&](const auto& relay) {
            return relay.second.port.socket == step.in.socket;
        });
    });
    if (owner == grants_.end()) {
        return expect_silence(step, "TI2", "what nobody's relayed address gets reaches nobody");
    }
    const Place place = owner->first;
    Grant* const grant = find(place, now);
    if (grant == nullptr) {
        return expect_silence(step, "TI13", "nothing passes after the allocation's end");
    }
    if (const auto why = forbidden(*grant, peer, now)) {
        trace_.mark(Mark::peer_without_permission);
        return expect_silence(step, why->first, why->second);
    }
    if (grant->client_left) {
        trace_.mark(Mark::client_has_left);
        return expect_silence(step, "TI2", "nobody is heard by a client whose stream is closed");
    }
    if (step.out.size() != 1) {
        throw Violation("TI3", "what is permitted passes exactly once",
                        peer.to_string() + ", " + std::to_string(step.out.size()) + " times");
    }
    const Sent& sent = step.out.front();
    if (sent.to != place.first || sent.from != place.second.ip || sent.socket != grant->socket) {
        throw Violation("TI2", "a peer's data reaches the five-tuple of its allocation",
                        sent.to.to_string() + " instead of " + place.first.to_string());
    }
    const auto channel =
        std::ranges::find_if(grant->channels, [&](const auto& c) { return c.second.peer == peer; });
    Bytes payload;
    if (channel != grant->channels.end()) {
        if (sent.bytes.size() < 4 || number(Bytes(sent.bytes).first(2)) != channel->first ||
            number(Bytes(sent.bytes).subspan(2, 2)) != sent.bytes.size() - 4) {
            throw Violation("TI4", "a peer with a channel is heard over it", peer.to_string());
        }
        payload = Bytes(sent.bytes).subspan(4);
    } else {
        const auto stun = wire::decode(sent.bytes);
        if (!stun || stun->type != wire::data_indication || !stun->padded_with_zeros ||
            stun->address(wire::xor_peer_address) != peer || !stun->has(wire::data)) {
            throw Violation("TI16", "a Data indication tells the peer and what it said",
                            peer.to_string());
        }
        payload = *stun->find(wire::data);
    }
    if (!std::ranges::equal(payload, step.in.bytes)) {
        throw Violation("TI3", "payload out is payload in", peer.to_string());
    }
    counted_[step.shard].to_clients.add(payload.size());
}

}  // namespace ahoy::sim
