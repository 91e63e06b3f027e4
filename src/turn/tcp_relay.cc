// TCP allocations (RFC 6062): the server's side of sections 5.2 to 5.5.  Streams are the shell's;
// here is who may connect to whom, and for how long a connection waits for its client.
#include <algorithm>

#include "base/check.h"
#include "turn/server.h"

namespace ahoy::turn {
namespace {

using stun::AttributeType;
using stun::ErrorCode;
using State = PeerConnection::State;

// For the peer's answer, and for the client's ConnectionBind request (sections 5.2 and 5.3).
constexpr Duration connection_time = 30s;

// Relayed TCP addresses of ours are other ports than the relayed UDP ones.
class OwnStreams final : public OwnAddresses {
  public:
    OwnStreams(const OwnAddresses& addresses, const PeerStreams& streams)
        : addresses_(addresses), streams_(streams) {}
    bool is_own(const IpAddress& ip) const override { return addresses_.is_own(ip); }
    bool is_live(const TransportAddress& peer) const override { return streams_.is_live(peer); }

  private:
    const OwnAddresses& addresses_;
    const PeerStreams& streams_;
};

auto find_connection(std::vector<PeerConnection>& connections, ConnectionId id) {
    return std::ranges::find(connections, id, &PeerConnection::id);
}

}  // namespace

Allocation* Server::of_relay(SocketId relay) {
    const auto found = by_relay_.find(relay);
    return found == by_relay_.end() ? nullptr : &*slots_[found->second].allocation;
}

PeerConnection& Server::add_connection(Allocation& allocation, const TransportAddress& peer,
                                       State state, Instant now) {
    // Of 32 random bits some come twice, and a pending Connect is found by them.
    ConnectionId id{};
    do {
        std::array<uint8_t, 4> bits{};
        random_.fill(bits);
        id = ConnectionId{Reader(bits).u32()};
    } while (connects_.contains(id));
    auto& added =
        allocation.connections.emplace_back(PeerConnection{id, peer, state, now + connection_time});
    look_again(by_five_tuple_.find(allocation.five_tuple())->second);
    return added;
}

std::optional<Server::Reply> Server::connect(const Exchange& x) {
    const auto refuse = [](ErrorCode code) { return unexpected(Refusal(code)); };
    if (x.allocation == nullptr) return refuse(ErrorCode::allocation_mismatch);
    Allocation& allocation = *x.allocation;
    const auto peer = x.request.xor_address(AttributeType::xor_peer_address);
    if (!allocation.over_tcp() || !peer || peer->port == 0) return refuse(ErrorCode::bad_request);
    if (x.in.bytes.size() > longest_connect) return refuse(ErrorCode::bad_request);

    auto& connections = allocation.connections;
    if (std::ranges::find(connections, *peer, &PeerConnection::peer) != connections.end()) {
        return refuse(ErrorCode::connection_already_exists);
    }
    const auto verdict = admit(x, *peer, OwnStreams(relay_ports_, *streams_));
    if (!verdict) return unexpected(verdict.error());
    const RelayPort& relay = allocation.relay(peer->ip.family(), x.now.steady)->port;
    // TCP would connect a port with itself.
    if (relay.address == *peer) return refuse(ErrorCode::forbidden);
    if (!charge(allocation, {.connections = 1}, x.now.steady)) {
        return refuse(ErrorCode::insufficient_capacity);
    }
    const auto id = add_connection(allocation, *peer, State::connecting, x.now.steady).id;
    connects_[id] = {{x.in.bytes.begin(), x.in.bytes.end()}, *x.proof};
    streams_->connect(relay, *peer, id, {allocation.user(), allocation.buckets});
    return {};
}

// The request itself is kept, so the answer is made as any other is.
void Server::answer_connect(Now now, Allocation& allocation, ConnectionId id, const Reply& reply,
                            Outbox& out) {
    const auto found = connects_.find(id);
    CHECK(found != connects_.end());
    const PendingConnect pending = std::move(found->second);
    connects_.erase(found);
    const FiveTuple& five_tuple = allocation.five_tuple();
    const Datagram in{.socket = five_tuple.socket,
                      .from = five_tuple.client,
                      .local = five_tuple.server,
                      .bytes = pending.request,
                      .transport = Transport::tcp};
    const auto request = stun::Message::parse(in.bytes);
    respond({.now = now,
             .in = in,
             .request = *request,
             .five_tuple = five_tuple,
             .allocation = &allocation,
             .realm = allocation.user().realm(),
             .username = allocation.user().name(),
             .proof = pending.proof},
            reply, out);
}

void Server::peer_answered(Now now, SocketId relay, ConnectionId id, bool connected, Outbox& out) {
    Allocation* const allocation = of_relay(relay);
    if (allocation == nullptr) return;
    auto& connections = allocation->connections;
    const auto connection = find_connection(connections, id);
    if (connection == connections.end() || connection->state != State::connecting) return;
    if (!connected) {
        connections.erase(connection);
        give_back(*allocation);
        const Refusal refusal(ErrorCode::connection_timeout_or_failure);
        return answer_connect(now, *allocation, id, unexpected(refusal), out);
    }
    connection->state = State::waiting;
    connection->expires_at = now.steady + connection_time;
    answer_connect(now, *allocation, id, Answer{.connection = id}, out);
}

std::optional<Server::Attempt> Server::peer_arrived(Now now, SocketId relay,
                                                    const TransportAddress& peer, Outbox& out) {
    Allocation* const allocation = of_relay(relay);
    if (allocation == nullptr || now.steady >= allocation->last_expiry()) return {};
    const OwnStreams own(relay_ports_, *streams_);
    const Permission* const permission = allocation->permission(peer.ip, now.steady);
    const bool denied = permission != nullptr && permission->per_datagram &&
                        !realm_of(*allocation).peers.check(peer, own).allowed();
    auto& connections = allocation->connections;
    const bool known =
        std::ranges::find(connections, peer, &PeerConnection::peer) != connections.end();
    if (permission == nullptr || denied || known) {
        drop(denied ? Drop::peer_denied : Drop::no_permission);
        return {};
    }
    if (!charge(*allocation, {.connections = 1}, now.steady)) {
        drop(Drop::capacity);
        return {};
    }
    const auto id = add_connection(*allocation, peer, State::waiting, now.steady).id;

    const auto buffer = out.scratch(64);
    stun::TransactionId transaction;
    random_.fill(transaction);
    stun::MessageWriter writer(buffer, {stun::Method::connection_attempt, stun::Class::indication},
                               transaction);
    writer.xor_address(AttributeType::xor_peer_address, peer);
    writer.number(AttributeType::connection_id, static_cast<uint32_t>(id));
    const FiveTuple& client = allocation->five_tuple();
    out.send({.socket = client.socket,
              .from = client.server.ip,
              .to = client.client,
              .bytes = writer.finish()});
    return Attempt{id, {allocation->user(), allocation->buckets}};
}

Server::Reply Server::connection_bind(const Exchange& x) {
    const auto id =
        stun::read_connection_id(x.request.find(AttributeType::connection_id).value_or(Bytes{}));
    if (!id || !is_stream(x.in.transport) || x.allocation != nullptr) {
        return unexpected(Refusal(ErrorCode::bad_request));
    }
    switch (streams_->join(x.in.socket, ConnectionId{*id}, x.user())) {
        case PeerStreams::Joined::yes:
            return Answer{};
        case PeerStreams::Joined::other_user:
            return unexpected(Refusal(ErrorCode::wrong_credentials));
        case PeerStreams::Joined::unknown:
            break;
    }
    return unexpected(Refusal(ErrorCode::bad_request));
}

void Server::peer_gone(SocketId relay, ConnectionId id) {
    Allocation* const allocation = of_relay(relay);
    if (allocation == nullptr) return;
    std::erase_if(allocation->connections, [&](const auto& c) { return c.id == id; });
    give_back(*allocation);
}

void Server::expire_connections(Allocation& allocation, Now now, Outbox& out) {
    std::erase_if(allocation.connections, [&](PeerConnection& connection) {
        if (connection.state == State::joined || now.steady < connection.expires_at) return false;
        if (connection.state == State::waiting) {
            if (streams_->abandon(connection.id)) return true;
            connection.state = State::joined;
            return false;
        }
        if (!out.has_room()) return false;  // it stays due, and the rest comes when this is sent
        const bool denied = connection.state == State::denied;
        if (!denied) streams_->disconnect(connection.id);
        const Refusal refusal(denied ? ErrorCode::forbidden
                                     : ErrorCode::connection_timeout_or_failure);
        answer_connect(now, allocation, connection.id, unexpected(refusal), out);
        return true;
    });
}

// RFC 6062, section 5.1: they end with the allocation.
void Server::end_connections(Allocation& allocation) {
    for (const PeerConnection& connection : allocation.connections) {
        connects_.erase(connection.id);
        streams_->disconnect(connection.id);
    }
    allocation.connections.clear();
}

void Server::disconnect_denied(Allocation& allocation) {
    if (!allocation.over_tcp()) return;
    const OwnStreams own(relay_ports_, *streams_);
    const PeerPolicy& policy = realm_of(allocation).peers;
    std::erase_if(allocation.connections, [&](PeerConnection& connection) {
        if (connection.state == State::denied) return false;
        // Who connected from an own address is not listening there.
        const PeerVerdict verdict = policy.check(connection.peer, own);
        if (verdict.allowed()) return false;
        streams_->disconnect(connection.id);
        if (connection.state != State::connecting) return true;
        ++stats_.denied_peers[static_cast<size_t>(verdict.reason)];
        connection.state = State::denied;
        connection.expires_at = Instant{};
        return false;
    });
}

}  // namespace ahoy::turn
