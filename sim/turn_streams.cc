#include <algorithm>

#include "sim/turn_shard.h"

namespace ahoy::sim {

using turn::ConnectionId;
using Kind = Streams::Heard::Kind;
using State = RelayTable::Link::State;

// ---- what a shard asks

std::optional<turn::RelayPort> TurnWorld::PeerStreams::listen(AddressFamily family,
                                                              const IpAddress&) {
    return shard_.ports.listen(family);
}
void TurnWorld::PeerStreams::close(const turn::RelayPort& port) {
    shard_.ports.stop_listening(port);
}
void TurnWorld::PeerStreams::connect(const turn::RelayPort& port, const TransportAddress& peer,
                                     ConnectionId id, const turn::Holder& holder) {
    calls_.connect = {port.socket, peer, id, std::string(holder.user.name())};
    world_.connections_->connect(shard_, port, peer, id, holder.user);
}
turn::PeerStreams::Joined TurnWorld::PeerStreams::join(SocketId client, ConnectionId id,
                                                       const turn::User& user) {
    const Joined joined = world_.connections_->join(client, id, user);
    if (joined == Joined::yes) calls_.joined.emplace(client, id);
    return joined;
}
bool TurnWorld::PeerStreams::abandon(ConnectionId id) {
    return world_.connections_->abandon(id);
}
void TurnWorld::PeerStreams::disconnect(ConnectionId id) {
    world_.connections_->disconnect(id);
}
bool TurnWorld::PeerStreams::is_live(const TransportAddress& address) const {
    return world_.town_.relays.listening.contains(address);
}

// ---- whose end it is

void TurnWorld::Connections::hear(const Heard& heard) {
    if (const auto client = client_ends_.find(heard.end); client != client_ends_.end()) {
        from_client(client->second, heard);
    } else if (const auto peer = peer_ends_.find(heard.end); peer != peer_ends_.end()) {
        from_peer(peer->second, heard);
    } else if (heard.kind == Kind::opened) {
        called(heard.end);
    }
}

void TurnWorld::Connections::called(End end) {
    const auto found = town_.calls.extract(end);
    if (!found) return;
    const Town::Call& call = found.mapped();
    if (std::ranges::count(town_.listeners, call.to) > 0) return accept_client(end, call);
    const auto relay = town_.relays.listening.find(call.to);
    if (relay != town_.relays.listening.end()) return accept_peer(end, call, relay->second);
    town_.streams.close(town_.now.steady, end);
}

// ---- clients

void TurnWorld::Connections::accept_client(End end, const Town::Call& call) {
    Shard& shard = world_.shard_of(call.from, call.to);
    if (shard.ports.fails()) return town_.trace.mark(Mark::accept_failed);
    town_.streams.accept(town_.now.steady, end);
    const SocketId socket{next_socket_++};
    client_ends_[end] = socket;
    Client& client = clients_[socket];
    client.end = end;
    client.shard = shard.index;
    client.five_tuple = {socket, call.from, call.to};
}

void TurnWorld::Connections::from_client(SocketId socket, const Heard& heard) {
    Client& client = clients_.at(socket);
    if (heard.kind == Kind::data) return hand_up(client, heard.bytes);
    if (heard.kind == Kind::opened) return;
    if (!client.joined) return lose_client(socket);
    const ConnectionId id = *client.joined;
    if (heard.kind == Kind::closed) return release(id);
    Link& link = town_.relays.links.at(id);
    link.client_finished = true;
    town_.streams.finish(town_.now.steady, link.end);
    finish_if_both_have(id);
}

// As much at a time as the framer has room for.  What follows the request that joins a peer is the
// peer's.
void TurnWorld::Connections::hand_up(Client& client, Bytes bytes) {
    const SocketId socket = client.five_tuple.socket;
    while (!bytes.empty() && !client.joined) {
        const auto space = client.framer.space();
        const size_t size = std::min(space.size(), bytes.size());
        std::copy_n(bytes.begin(), size, space.begin());
        client.framer.received(size);
        client.unread.insert(client.unread.end(), bytes.begin(),
                             bytes.begin() + static_cast<ptrdiff_t>(size));
        bytes = bytes.subspan(size);
        while (!client.joined) {
            const auto message = next_message(client);
            if (!message) break;
            world_.to_server(*world_.shards_[client.shard],
                             {.socket = socket,
                              .from = client.five_tuple.client,
                              .local = client.five_tuple.server,
                              .bytes = *message,
                              .transport = Transport::tcp},
                             true);
        }
        if (client.framer.broken()) return lose_client(socket);
    }
    if (!client.joined) return;
    const Bytes rest = client.framer.rest();
    if (!std::ranges::equal(rest, client.unread)) {
        throw Violation("TI18", "what follows the last message is handed on as it came",
                        std::to_string(rest.size()) + " bytes");
    }
    const End peer = town_.relays.links.at(*client.joined).end;
    town_.streams.say(town_.now.steady, peer, std::exchange(client.unread, {}));
    town_.streams.say(town_.now.steady, peer, bytes);
    client.framer = {};
}

// TI18: a second reading of the whole stream finds the same message.
std::optional<Bytes> TurnWorld::Connections::next_message(Client& client) {
    const auto message = client.framer.next();
    const auto expected = wire::first_message(client.unread);
    const bool breaks = expected && expected->message.empty();
    if (breaks != client.framer.broken() || (expected && !breaks) != message.has_value() ||
        (message && !std::ranges::equal(*message, expected->message))) {
        throw Violation("TI18", "a message is the same however its stream was cut",
                        client.five_tuple.client.to_string() + ", " +
                            std::to_string(client.unread.size()) + " bytes");
    }
    if (breaks) town_.trace.mark(Mark::stream_broken);
    if (!message) {
        client.in_pieces = !client.unread.empty();
        return {};
    }
    if (std::exchange(client.in_pieces, false)) town_.trace.mark(Mark::message_in_pieces);
    client.unread.erase(client.unread.begin(),
                        client.unread.begin() + static_cast<ptrdiff_t>(expected->size));
    if (!client.unread.empty()) town_.trace.mark(Mark::messages_at_once);
    return message;
}

// Whole messages are lost when it reads slowly.
void TurnWorld::Connections::send(SocketId socket, Bytes message) {
    const Client& client = clients_.at(socket);
    if (!client.joined && world_.shards_[client.shard]->ports.fails()) {
        return town_.trace.mark(Mark::client_reads_slowly);
    }
    std::vector<uint8_t> padded(message.begin(), message.end());
    padded.insert(padded.end(), turn::stream_padding(message.size()), 0);
    town_.streams.say(town_.now.steady, client.end, padded);
}

void TurnWorld::Connections::lose_client(SocketId socket) {
    const turn::FiveTuple five_tuple = clients_.at(socket).five_tuple;
    Shard& shard = *world_.shards_[clients_.at(socket).shard];
    close_client(socket);
    shard.ports.set_now(town_.now.steady);
    shard.server->client_gone(town_.now, five_tuple);
    shard.ports.take_calls();
    world_.model_->client_gone({five_tuple.client, five_tuple.server}, town_.now.steady);
}

void TurnWorld::Connections::close_client(SocketId socket) {
    const auto found = clients_.extract(socket);
    if (!found) return;
    client_ends_.erase(found.mapped().end);
    town_.streams.close(town_.now.steady, found.mapped().end);
}

// ---- peers

void TurnWorld::Connections::connect(Shard& shard, const turn::RelayPort& relay,
                                     const TransportAddress& peer, ConnectionId id,
                                     const turn::User& user) {
    if (shard.ports.fails()) {
        town_.trace.mark(Mark::connect_failed);
        return world_.post(shard.index, [this, id, socket = relay.socket](Shard& there) {
            there.server->peer_answered(town_.now, socket, id, false, world_.out_);
            const auto out = world_.sent();
            world_.model_->peer_answered(town_.now, id, false, out);
            world_.forward(there, out);
        });
    }
    const End end = town_.streams.open(town_.now.steady);
    town_.calls[other(end)] = {relay.address, peer};
    peer_ends_[end] = id;
    town_.relays.links[id] = {
        .end = end, .shard = shard.index, .relay = relay.socket, .user = user};
    if (!world_.reloads_ || !town_.dice.one_in(4)) return;
    // Which it would seldom be by chance.
    world_.post(shard.index, [&world = world_](Shard&) { world.reload(); });
}

void TurnWorld::Connections::accept_peer(End end, const Town::Call& call,
                                         const RelayTable::Port& relay) {
    Shard& shard = *world_.shards_[relay.shard];
    if (shard.ports.fails()) return town_.trace.mark(Mark::accept_failed);
    town_.streams.accept(town_.now.steady, end);
    const SocketId socket = relay.port.socket;
    const turn::Counts charged = town_.relays.charges;
    const auto attempt = shard.server->peer_arrived(town_.now, socket, call.from, world_.out_);
    const auto out = world_.sent();
    world_.model_->peer_arrived(town_.now, socket, call.from, attempt, out, charged);
    if (!attempt) return town_.streams.close(town_.now.steady, end);
    world_.forward(shard, out);
    if (shard.ports.fails()) {
        town_.trace.mark(Mark::hold_failed);
        town_.streams.close(town_.now.steady, end);
        shard.server->peer_gone(socket, attempt->id);
        world_.model_->peer_gone(attempt->id);
    } else {
        town_.streams.hold(end);
        peer_ends_[end] = attempt->id;
        town_.relays.links[attempt->id] = {.state = State::unjoined,
                                           .end = end,
                                           .shard = shard.index,
                                           .relay = socket,
                                           .user = attempt->holder.user};
    }
    shard.expire_at = std::min(shard.expire_at, shard.server->next_deadline());
}

void TurnWorld::Connections::from_peer(ConnectionId id, const Heard& heard) {
    Link& link = town_.relays.links.at(id);
    if (link.state == State::connecting) {
        return answered(id, heard.kind == Kind::opened);
    }
    const End client = clients_.at(link.client).end;
    if (heard.kind == Kind::data) town_.streams.say(town_.now.steady, client, heard.bytes);
    if (heard.kind == Kind::closed) return release(id);
    if (heard.kind != Kind::finished) return;
    link.peer_finished = true;
    town_.streams.finish(town_.now.steady, client);
    finish_if_both_have(id);
}

void TurnWorld::Connections::answered(ConnectionId id, bool connected) {
    Link& link = town_.relays.links.at(id);
    Shard& shard = *world_.shards_[link.shard];
    const SocketId relay = link.relay;
    const bool holds = connected && !shard.ports.fails();
    if (connected && !holds) town_.trace.mark(Mark::hold_failed);
    if (holds) {
        link.state = State::unjoined;
        town_.streams.hold(link.end);
    } else {
        disconnect(id);
    }
    shard.server->peer_answered(town_.now, relay, id, holds, world_.out_);
    const auto out = world_.sent();
    world_.model_->peer_answered(town_.now, id, holds, out);
    world_.forward(shard, out);
    shard.expire_at = std::min(shard.expire_at, shard.server->next_deadline());
}

turn::PeerStreams::Joined TurnWorld::Connections::join(SocketId client, ConnectionId id,
                                                       const turn::User& user) {
    const auto found = town_.relays.links.find(id);
    if (found == town_.relays.links.end() || found->second.state != State::unjoined) {
        return turn::PeerStreams::Joined::unknown;
    }
    Link& link = found->second;
    if (link.user != user) return turn::PeerStreams::Joined::other_user;
    link.state = State::joined;
    link.client = client;
    Client& joining = clients_.at(client);
    joining.joined = id;
    town_.joined[other(joining.end)] = other(link.end);
    town_.joined[other(link.end)] = other(joining.end);
    town_.streams.read(town_.now.steady, link.end);
    return turn::PeerStreams::Joined::yes;
}

bool TurnWorld::Connections::abandon(ConnectionId id) {
    const auto found = town_.relays.links.find(id);
    if (found == town_.relays.links.end()) return true;
    if (found->second.state == State::joined) return false;
    disconnect(id);
    return true;
}

void TurnWorld::Connections::disconnect(ConnectionId id) {
    const auto found = town_.relays.links.extract(id);
    if (!found) return;
    const Link& link = found.mapped();
    peer_ends_.erase(link.end);
    town_.calls.erase(other(link.end));
    town_.streams.close(town_.now.steady, link.end);
    if (link.state != State::joined) return;
    town_.trace.mark(Mark::joined_connection_ended);
    close_client(link.client);
}

// Half of it is kept until the other half is finished, too.
void TurnWorld::Connections::finish_if_both_have(ConnectionId id) {
    const Link& link = town_.relays.links.at(id);
    if (link.client_finished && link.peer_finished) return release(id);
    town_.trace.mark(Mark::half_closed);
}

// Its own shard hears of it later.
void TurnWorld::Connections::release(ConnectionId id) {
    const auto found = town_.relays.links.extract(id);
    const Link& link = found.mapped();
    peer_ends_.erase(link.end);
    town_.streams.close(town_.now.steady, link.end);
    close_client(link.client);
    world_.post(link.shard, [this, id, relay = link.relay](Shard& there) {
        there.server->peer_gone(relay, id);
        world_.model_->peer_gone(id);
    });
}

// With the program.
void TurnWorld::Connections::close_all() {
    if (!town_.relays.links.empty()) {
        throw Violation("TI17", "connections end with their allocations",
                        std::to_string(town_.relays.links.size()));
    }
    while (!clients_.empty()) close_client(clients_.begin()->first);
}

}  // namespace ahoy::sim
