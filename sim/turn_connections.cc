// The connections of TCP allocations (RFC 6062): who may connect to whom, who is told of it, and
// who may join what for how long.
#include <algorithm>

#include "sim/turn_model.h"

namespace ahoy::sim {
namespace {

using State = RelayTable::Link::State;

constexpr Duration time_to_join = 30s, time_to_answer = 30s;
constexpr size_t longest_connect = 2048;  // which is ours

void require(bool holds, std::string_view id, std::string_view sentence, const std::string& seen) {
    if (!holds) throw Violation(id, sentence, seen);
}

auto answer_to(Bytes request, SocketId client, std::span<const Sent> out) {
    const auto asked = wire::decode(request);
    return std::ranges::find_if(out, [&](const Sent& sent) {
        const auto answer = wire::decode(sent.bytes);
        return answer && answer->id == asked->id && sent.socket == client;
    });
}

}  // namespace

// Section 5.1.
void TurnModel::tcp_allocate_reasons(const Request& r, Reasons& why) const {
    if (!rules_.relays_tcp) {
        why.must.insert(442);
        return;
    }
    if (r.stun.has(wire::mobility_ticket)) why.must.insert(405);
    if (!is_stream(r.step.in.transport)) why.must.insert(400);
    for (const auto udp_only : {wire::dont_fragment, wire::even_port, wire::reservation_token,
                                wire::additional_address_family}) {
        if (r.stun.has(udp_only)) why.must.insert(400);
    }
}

// Section 5.2.
void TurnModel::connect_reasons(Request& r, Reasons& why) const {
    const auto peer = r.stun.address(wire::xor_peer_address);
    if (peer) r.peers = {*peer};
    if (!peer || peer->port == 0 || r.step.in.bytes.size() > longest_connect) why.must.insert(400);
    if (r.grant == nullptr) {
        why.must.insert(437);
        return;
    }
    const Grant& grant = *r.grant;
    if (!grant.over_tcp) why.must.insert(400);
    if (!peer) return;
    if (!grant.relays.contains(peer->ip.family())) why.must.insert(443);
    if (!rules_.tcp_peers.allows(*peer) || is_to_itself(r)) why.must.insert(403);
    if (std::ranges::any_of(grant.connections,
                            [&](const auto& c) { return c.second.peer == *peer; })) {
        why.must.insert(446);
    }
    if (grant.connections.size() >= rules_.config.max_connections) why.must.insert(508);
    limit_reasons(r, {.connections = 1}, why);
}

bool TurnModel::is_to_itself(const Request& r) const {
    return r.grant != nullptr && !r.peers.empty() &&
           std::ranges::any_of(r.grant->relays, [&](const auto& relay) {
               return relay.second.port.address == r.peers[0];
           });
}

// It is answered when the peer has.
void TurnModel::connecting(const Request& r, const Reasons& why) {
    require(why.must.empty() && r.step.out.empty(), "TI17",
            "the server connects only if nothing speaks against it", r.place.first.to_string());
    const StreamCalls::Connect& connect = *r.step.streams.connect;
    Grant& grant = *r.grant;
    const TransportAddress& peer = r.peers.at(0);
    require(connect.peer == peer &&
                connect.relay == grant.relays.at(peer.ip.family()).port.socket &&
                connect.user == grant.user,
            "TI17", "the server connects as it was asked to", connect.peer.to_string());
    grant.connections[static_cast<uint32_t>(connect.id)] = {
        .state = Connection::State::connecting,
        .peer = peer,
        .until = r.step.now.steady + time_to_answer,
        .request = {r.step.in.bytes.begin(), r.step.in.bytes.end()},
        .key = *r.password};
    ++kept_;
    trace_.mark(Mark::connected_to_peer);
}

TurnModel::Found TurnModel::with_connection(uint32_t id) {
    for (auto& [place, grant] : grants_) {
        const auto found = grant.connections.find(id);
        if (found != grant.connections.end()) return {&place, &grant, &found->second};
    }
    return {};
}

void TurnModel::late_answer(Now now, const Place& place, Grant& grant, const Connection& connection,
                            const Sent& sent, uint32_t id, int code) {
    const Datagram in{grant.socket, place.first, place.second, connection.request, Transport::tcp};
    const auto stun = wire::decode(in.bytes);
    const TurnPorts::Calls no_calls;
    const MoveCalls no_moves;
    const StreamCalls no_streams;
    const Step step{now, in, {&sent, 1}, no_calls, no_moves, no_streams, grant.shard, {}};
    const Request request{.step = step,
                          .stun = *stun,
                          .place = place,
                          .grant = &grant,
                          .user = grant.user,
                          .password = connection.key,
                          .peers = {connection.peer}};
    const wire::Stun answer = check_answer(request);
    require(answer.error().value_or(0) == code, "TI17", "Connect is answered as it went",
            std::to_string(answer.error().value_or(0)) + " instead of " + std::to_string(code));
    if (code == 0) {
        require(answer.connection() == id, "TI17", "Connect is answered with its connection's id",
                std::to_string(id));
        return;
    }
    ++counted_[grant.shard].errors[code];
    trace_.mark(code == 447 ? Mark::refused_447 : Mark::denied_while_connecting);
}

void TurnModel::peer_answered(Now now, turn::ConnectionId number, bool connected,
                              std::span<const Sent> out) {
    const auto id = static_cast<uint32_t>(number);
    const Found found = with_connection(id);
    if (found.grant == nullptr || found.connection->state != Connection::State::connecting) {
        return require(out.empty(), "TI17", "Connect is answered once", std::to_string(id));
    }
    require(out.size() == 1, "TI17", "Connect is answered once the peer has answered",
            std::to_string(out.size()));
    late_answer(now, *found.place, *found.grant, *found.connection, out[0], id,
                connected ? 0 : 447);
    if (!connected) {
        found.grant->connections.erase(id);
        return;
    }
    found.connection->state = Connection::State::unjoined;
    found.connection->until = now.steady + time_to_join;
}

// Section 5.3.
void TurnModel::peer_arrived(Now now, SocketId relay, const TransportAddress& peer,
                             const std::optional<turn::Server::Attempt>& attempt,
                             std::span<const Sent> out, const turn::Counts& charged) {
    const auto owner = std::ranges::find_if(grants_, [&](const auto& entry) {
        return std::ranges::any_of(entry.second.relays,
                                   [&](const auto& r) { return r.second.port.socket == relay; });
    });
    const auto may_connect = [&](const Grant& grant) {
        const auto permission = grant.permissions.find(peer.ip);
        return is_live(grant, now.steady) && permission != grant.permissions.end() &&
               now.steady < permission->second && rules_.tcp_peers.allows(peer) &&
               grant.connections.size() < rules_.config.max_connections &&
               !std::ranges::any_of(grant.connections,
                                    [&](const auto& c) { return c.second.peer == peer; });
    };
    Exceeded exceeded;
    if (owner != grants_.end()) {
        exceeded = limits_exceeded(owner->second.user, owner->second.charged_to, {.connections = 1},
                                   now.steady, charged);
    }
    const bool full = exceeded.share || exceeded.all || (exceeded.perhaps && !attempt);
    if (owner == grants_.end() || !may_connect(owner->second) || full) {
        trace_.mark(Mark::peer_turned_away);
        return require(!attempt && out.empty(), "TI1", "a peer connects only with permission",
                       peer.to_string());
    }
    auto& [place, grant] = *owner;
    require(attempt && attempt->holder.user.name() == grant.user && out.size() == 1, "TI17",
            "a client is told of a peer who connects", peer.to_string());
    const Sent& sent = out[0];
    const auto told = wire::decode(sent.bytes);
    require(sent.socket == grant.socket && sent.to == place.first && told &&
                told->type == wire::connection_attempt_indication &&
                told->address(wire::xor_peer_address) == peer &&
                told->connection() == static_cast<uint32_t>(attempt->id),
            "TI17", "a client is told who connects, and by which id", peer.to_string());
    grant.connections[static_cast<uint32_t>(attempt->id)] = {.state = Connection::State::unjoined,
                                                             .peer = peer,
                                                             .until = now.steady + time_to_join,
                                                             .request = {}};
    trace_.mark(Mark::peer_connected);
}

// Section 5.4.
void TurnModel::connection_bind_reasons(const Request& r, Reasons& why) const {
    const auto id = r.stun.connection();
    if (!id || !is_stream(r.step.in.transport) || r.grant != nullptr) why.must.insert(400);
    if (!id) return;
    const Found found = const_cast<TurnModel*>(this)->with_connection(*id);
    if (found.grant == nullptr || found.connection->state != Connection::State::unjoined) {
        if (found.grant != nullptr && found.connection->state == Connection::State::joined) {
            trace_.mark(Mark::joined_again);
        }
        why.must.insert(400);
        return;
    }
    if (found.grant->user != r.user) {
        trace_.mark(Mark::joined_by_another);
        why.must.insert(441);
    }
}

void TurnModel::joined(const Request& r) {
    const auto id = r.stun.connection().value();
    require(r.step.streams.joined == std::pair(r.step.in.socket, turn::ConnectionId{id}), "TI17",
            "the stream that binds a connection joins it", std::to_string(id));
    with_connection(id).connection->state = Connection::State::joined;
    trace_.mark(Mark::joined_peer);
}

void TurnModel::peer_gone(turn::ConnectionId id) {
    const Found found = with_connection(static_cast<uint32_t>(id));
    if (found.grant != nullptr) found.grant->connections.erase(static_cast<uint32_t>(id));
}

// Who has waited for too long for an answer is told so, and what nobody has joined is closed.
void TurnModel::expired(Now now, size_t shard, const RelayTable& table, std::span<const Sent> out) {
    size_t told = 0;
    for (auto& [place, grant] : grants_) {
        if (grant.shard != shard || !is_live(grant, now.steady)) continue;
        for (auto at = grant.connections.begin(); at != grant.connections.end();) {
            const auto here = at++;
            auto& [id, connection] = *here;
            if (now.steady < connection.until) continue;
            if (connection.state == Connection::State::joined &&
                table.links.contains(turn::ConnectionId{id})) {
                connection.until = Instant::max();
                continue;
            }
            if (connection.state == Connection::State::joined) {
                // It has been closed meanwhile, which the shard will hear later.
            } else if (connection.state == Connection::State::unjoined) {
                trace_.mark(Mark::never_joined);
            } else {
                const auto answer = answer_to(connection.request, grant.socket, out);
                require(answer != out.end(), "TI17", "Connect is answered within thirty seconds",
                        connection.peer.to_string());
                const bool denied = connection.state == Connection::State::denied;
                late_answer(now, place, grant, connection, *answer, id, denied ? 403 : 447);
                ++told;
            }
            grant.connections.erase(here);
        }
    }
    require(told == out.size(), "TI13", "expiring sends nothing but answers to Connect",
            std::to_string(out.size()));
}

void TurnModel::disconnect_denied(Grant& grant) {
    for (auto at = grant.connections.begin(); at != grant.connections.end();) {
        const auto here = at++;
        Connection& connection = here->second;
        if (connection.state == Connection::State::denied ||
            rules_.tcp_peers.allows(connection.peer)) {
            continue;
        }
        trace_.mark(Mark::disconnected_by_policy);
        if (connection.state == Connection::State::connecting) {
            connection.state = Connection::State::denied;
            connection.until = {};
            ++counted_[grant.shard].denied;
        } else {
            grant.connections.erase(here);
        }
    }
}

// TI5, TI13: who listens for peers is a live TCP allocation; how many do.
size_t TurnModel::check_listening(const RelayTable& table, size_t shard) const {
    std::set<TransportAddress> granted;
    for (const auto& [place, grant] : grants_) {
        if (!grant.over_tcp || grant.shard != shard) continue;
        for (const auto& [family, relay] : grant.relays) granted.insert(relay.port.address);
    }
    for (const TransportAddress& address : granted) {
        const auto listening = table.listening.find(address);
        require(listening != table.listening.end() && listening->second.shard == shard, "TI13",
                "a TCP allocation lives to its end", address.to_string());
    }
    for (const auto& [address, port] : table.listening) {
        require(port.shard != shard || granted.contains(address), "TI5",
                "who listens for peers is allocated", address.to_string());
    }
    return granted.size();
}

// TI17: what is connected is some live allocation's, and not for longer than it may be.
void TurnModel::check_connections(const RelayTable& table, size_t shard) const {
    const auto state_of = [&](const auto& link) { return link.second.state; };
    for (const auto& link : table.links) {
        if (link.second.shard != shard) continue;
        const auto id = static_cast<uint32_t>(link.first);
        const Found found = const_cast<TurnModel*>(this)->with_connection(id);
        require(found.grant != nullptr, "TI17",
                "a connection is closed when nobody has joined it in time, and with its allocation",
                std::to_string(id));
        const auto expected =
            found.connection->state == Connection::State::connecting ? State::connecting
            : found.connection->state == Connection::State::joined   ? State::joined
                                                                     : State::unjoined;
        require(state_of(link) == expected, "TI17", "a connection is joined once it is bound",
                std::to_string(id));
    }
    for (const auto& [place, grant] : grants_) {
        require(grant.connections.size() <= rules_.config.max_connections, "TI17",
                "an allocation has not more connections than it may have", place.first.to_string());
        if (grant.shard != shard) continue;
        for (const auto& [id, connection] : grant.connections) {
            if (connection.state != Connection::State::unjoined) continue;
            require(table.links.contains(turn::ConnectionId{id}), "TI17",
                    "what may be joined is there", std::to_string(id));
        }
    }
}

}  // namespace ahoy::sim
