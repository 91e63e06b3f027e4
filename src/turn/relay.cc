// The data path (RFC 8656, sections 11 and 12): no heap, no copy where a channel is bound.
#include "turn/server.h"

namespace ahoy::turn {
namespace {

// A peer that has gone answers every datagram; the client need not hear of each.
constexpr Duration icmp_interval = 100ms;

// RFC 8656, section 11.5: Destination Unreachable, Time Exceeded and, of ICMPv6, Packet Too Big.
bool is_relayed(const IcmpError& error) {
    if (error.to.ip.is_v4()) return error.type == 3 || error.type == 11;
    return error.type >= 1 && error.type <= 3;
}

bool tells_mtu(const IcmpError& error) {
    if (error.to.ip.is_v4()) return error.type == 3 && error.code == 4;
    return error.type == 2;
}

}  // namespace

using stun::AttributeType;

void Server::on_channel_data(Now now, const Datagram& in, Outbox& out) {
    const auto data = ChannelData::parse(in.bytes);
    if (!data) return drop(Drop::malformed);
    Allocation* const allocation = find({in.socket, in.from, in.local}, now);
    if (allocation == nullptr) return waits(in) ? void() : drop(Drop::no_allocation);
    const Channel* const channel = allocation->channel(data->channel, now.steady);
    if (channel == nullptr) return drop(Drop::no_channel);
    to_peer(now, *allocation, channel->peer, {data->payload, in.traffic_class}, out);
}

// Not authenticated, not answered (RFC 8656, section 11.2).
void Server::on_send(Now now, const Datagram& in, const stun::Message& indication, Outbox& out) {
    bool understood = true;
    indication.each(
        [&](AttributeType type, Bytes) { understood = understood && understands(type); });
    if (!understood) return drop(Drop::unknown_attribute);
    Allocation* const allocation = find({in.socket, in.from, in.local}, now);
    if (allocation == nullptr) return waits(in) ? void() : drop(Drop::no_allocation);
    const auto peer = indication.xor_address(AttributeType::xor_peer_address);
    const auto data = indication.find(AttributeType::data);
    if (!peer || !data) return drop(Drop::incomplete);
    const bool dont_fragment = indication.has(AttributeType::dont_fragment);
    to_peer(now, *allocation, *peer, {*data, in.traffic_class, dont_fragment}, out);
}

std::optional<Drop> Server::forbids(const Allocation& allocation, const Permission* permission,
                                    const TransportAddress& peer) const {
    if (peer.port == 0) return Drop::peer_denied;
    if (permission == nullptr) return Drop::no_permission;
    // Between two relayed addresses of ours, which always may, the policy need not be asked.
    if (permission->per_datagram && !relay_ports_.is_live(peer) &&
        !realm_of(allocation).peers.check(peer, relay_ports_).allowed()) {
        return Drop::peer_denied;
    }
    return {};
}

bool Server::fits(Now now, Direction direction, Allocation& allocation, Bytes payload) {
    if (!bandwidth_.is_limited()) return true;
    return bandwidth_.take(direction, allocation.buckets, payload.size(), now.steady) == Duration{};
}

void Server::to_peer(Now now, Allocation& allocation, const TransportAddress& peer,
                     const Payload& payload, Outbox& out) {
    const Relay* const relay = allocation.relay(peer.ip.family(), now.steady);
    if (relay == nullptr) return drop(Drop::family_mismatch);
    if (allocation.over_tcp()) return drop(Drop::over_tcp);
    const Permission* const permission = allocation.permission(peer.ip, now.steady);
    if (const auto why = forbids(allocation, permission, peer)) return drop(*why);
    if (payload.bytes.size() > max_udp_payload) return drop(Drop::too_large);
    if (!fits(now, Direction::to_peer, allocation, payload.bytes)) return drop(Drop::bandwidth);
    allocation.to_peers.add(payload.bytes.size());
    stats_.to_peers.add(payload.bytes.size());
    // Two clients of this shard in one call: nothing has to leave and come back.
    if (permission->per_datagram) {
        const auto found = by_relayed_address_.find(peer);
        if (found != by_relayed_address_.end()) {
            Allocation& theirs = *slots_[found->second].allocation;
            if (!theirs.relay(peer.ip.family(), now.steady)) return drop(Drop::no_allocation);
            return to_client(now, theirs, relay->port.address, payload, out);
        }
    }
    out.send({.socket = relay->port.socket,
              .to = peer,
              .traffic_class = payload.traffic_class,
              .dont_fragment = payload.dont_fragment,
              .bytes = payload.bytes});
}

void Server::from_peer(Now now, const Datagram& in, Outbox& out) {
    const auto found = by_relay_.find(in.socket);
    if (found == by_relay_.end()) return drop(Drop::no_allocation);
    Allocation& allocation = *slots_[found->second].allocation;
    const Relay* const relay = allocation.relay(in.from.ip.family(), now.steady);
    if (relay == nullptr || relay->port.socket != in.socket) return drop(Drop::no_allocation);
    to_client(now, allocation, in.from, {in.bytes, in.traffic_class}, out);
}

void Server::to_client(Now now, Allocation& allocation, const TransportAddress& peer,
                       const Payload& payload, Outbox& out) {
    const Bytes bytes = payload.bytes;
    const Permission* const permission = allocation.permission(peer.ip, now.steady);
    if (const auto why = forbids(allocation, permission, peer)) return drop(*why);
    if (allocation.client_has_left()) return drop(Drop::client_left);
    if (!fits(now, Direction::to_client, allocation, bytes)) return drop(Drop::bandwidth);
    const Channel* const channel = allocation.channel(peer, now.steady);
    const FiveTuple& client = allocation.five_tuple();
    Transmit transmit{.socket = client.socket,
                      .from = client.server.ip,
                      .to = client.client,
                      .traffic_class = payload.traffic_class};
    if (channel != nullptr) {
        transmit.prefix = ChannelData::header(channel->number, bytes.size());
        transmit.prefix_size = ChannelData::header_size;
        transmit.bytes = bytes;
    } else {
        transmit.bytes = data_indication(peer, AttributeType::data, bytes, out);
        if (transmit.bytes.empty()) return drop(Drop::too_large);
    }
    out.send(transmit);
    allocation.to_client.add(bytes.size());
    stats_.to_clients.add(bytes.size());
}

// RFC 8656, sections 11.5 and 18.13.  The permission is for whom the datagram was sent to, not for
// the router that complains.
void Server::from_icmp(Now now, const IcmpError& error, Outbox& out) {
    const auto found = by_relay_.find(error.socket);
    if (found == by_relay_.end()) return drop(Drop::no_allocation);
    Allocation& allocation = *slots_[found->second].allocation;
    const Relay* const relay = allocation.relay(error.to.ip.family(), now.steady);
    if (relay == nullptr || relay->port.socket != error.socket) return drop(Drop::no_allocation);
    if (!is_relayed(error)) return drop(Drop::icmp);
    if (!allocation.permission(error.to.ip, now.steady)) return drop(Drop::no_permission);
    if (allocation.client_has_left()) return drop(Drop::client_left);
    if (now.steady < allocation.next_icmp) return drop(Drop::icmp);
    allocation.next_icmp = now.steady + icmp_interval;

    std::array<uint8_t, 8> value{};
    Writer writer(value);
    writer.u16(0);
    writer.u8(error.type);
    writer.u8(error.code);
    writer.u32(tells_mtu(error) ? error.mtu : 0);
    const Bytes message = data_indication(error.to, AttributeType::icmp, value, out);
    const FiveTuple& client = allocation.five_tuple();
    if (message.empty()) return drop(Drop::too_large);
    out.send(
        {.socket = client.socket, .from = client.server.ip, .to = client.client, .bytes = message});
}

// With DATA or ICMP.  Empty when the value is too long for a STUN message, or the outbox has no
// room.
Bytes Server::data_indication(const TransportAddress& peer, AttributeType type, Bytes value,
                              Outbox& out) {
    static constexpr size_t overhead =
        stun::header_size + 24 + 4 + 3;  // IPv6, the attribute's head, padding
    const auto buffer = out.scratch(value.size() + overhead);
    if (buffer.empty()) return {};
    stun::TransactionId id;
    random_.fill(id);
    stun::MessageWriter writer(buffer, {stun::Method::data, stun::Class::indication}, id);
    writer.xor_address(AttributeType::xor_peer_address, peer);
    writer.attribute(type, value);
    const auto message = writer.finish();
    out.trim(buffer, message.size());
    return message;
}

}  // namespace ahoy::turn
