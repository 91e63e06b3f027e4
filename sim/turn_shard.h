// One server with its ports, and its way to the other shards.
#pragma once

#include <functional>

#include "sim/turn_kernel.h"
#include "sim/turn_world.h"
#include "turn/stream_framer.h"

namespace ahoy::sim {

// What shards ask of each other about mobile allocations (RFC 8016) arrives later, in its order.
class TurnWorld::Moves final : public turn::Moves {
  public:
    Moves(TurnWorld& world, unsigned shard) : world_(world), shard_(shard) {}

    turn::MobileId begin() override;
    void end(turn::MobileId) override;
    std::optional<turn::ClaimId> claim(const turn::Ticket&, const turn::FiveTuple&) override;
    void prolong(turn::MobileId, Duration lifetime) override;
    void fetch(turn::MobileId, turn::ClaimId) override;
    void offer(turn::MobileId) override;

    MoveCalls take_calls() { return std::exchange(calls_, {}); }

  private:
    void post_to_owner(turn::MobileId, const std::function<void(Shard&)>&);
    void hand_over(Shard&, turn::MobileId, std::optional<turn::ClaimId> only);
    void void_claim(const turn::Claim&);

    TurnWorld& world_;
    const unsigned shard_;
    MoveCalls calls_;
};

// What a shard asks of its TCP connections (RFC 6062).
class TurnWorld::PeerStreams final : public turn::PeerStreams {
  public:
    PeerStreams(TurnWorld& world, Shard& shard) : world_(world), shard_(shard) {}

    std::optional<turn::RelayPort> listen(AddressFamily, const IpAddress& near) override;
    void close(const turn::RelayPort&) override;
    void connect(const turn::RelayPort&, const TransportAddress& peer, turn::ConnectionId,
                 const turn::Holder&) override;
    Joined join(SocketId client, turn::ConnectionId, const turn::User& user) override;
    bool abandon(turn::ConnectionId) override;
    void disconnect(turn::ConnectionId) override;
    bool is_live(const TransportAddress&) const override;

    StreamCalls take_calls() { return std::exchange(calls_, {}); }

  private:
    TurnWorld& world_;
    Shard& shard_;
    StreamCalls calls_;
};

// The server's ends of TCP connections, as the shell has them: clients', whose messages are framed,
// and those of peers, unread until a client has joined them; from then on the two are one.
class TurnWorld::Connections {
  public:
    explicit Connections(TurnWorld& world) : world_(world), town_(world.town_) {}

    void hear(const Streams::Heard&);
    bool has(SocketId socket) const { return clients_.contains(socket); }
    void send(SocketId, Bytes);  // a message, to a client
    void close_all();

    void connect(Shard&, const turn::RelayPort&, const TransportAddress& peer, turn::ConnectionId,
                 const turn::User& user);
    PeerStreams::Joined join(SocketId client, turn::ConnectionId, const turn::User& user);
    bool abandon(turn::ConnectionId);
    void disconnect(turn::ConnectionId);

  private:
    using Link = RelayTable::Link;
    using Heard = Streams::Heard;
    struct Client {
        End end{};
        size_t shard = 0;
        turn::FiveTuple five_tuple;
        turn::StreamFramer framer;
        std::vector<uint8_t> unread;  // what has come and was no message yet, for a second reading
        bool in_pieces = false;
        std::optional<turn::ConnectionId> joined;
    };

    void called(End);
    void accept_client(End, const Town::Call&);
    void accept_peer(End, const Town::Call&, const RelayTable::Port& relay);
    void from_client(SocketId, const Heard&);
    void hand_up(Client&, Bytes);
    std::optional<Bytes> next_message(Client&);
    void lose_client(SocketId);
    void from_peer(turn::ConnectionId, const Heard&);
    void answered(turn::ConnectionId, bool connected);
    void finish_if_both_have(turn::ConnectionId);
    void release(turn::ConnectionId);
    void close_client(SocketId);

    TurnWorld& world_;
    Town& town_;
    uint32_t next_socket_ = first_stream_socket;
    std::map<SocketId, Client> clients_;
    std::map<End, SocketId> client_ends_;
    std::map<End, turn::ConnectionId> peer_ends_;
};

struct TurnWorld::Shard {
    Shard(size_t number, TurnPorts relay_ports) : index(number), ports(std::move(relay_ports)) {}

    struct Post {
        Instant at;
        std::function<void(Shard&)> call;
    };

    size_t index;
    TurnPorts ports;
    std::unique_ptr<Kernel> kernel;  // without offload there is none
    std::unique_ptr<Moves> moves;
    std::unique_ptr<PeerStreams> streams;
    std::unique_ptr<turn::Server> server;
    Instant expire_at = Instant::max();
    std::deque<Post> posts;

    Instant next_post() const { return posts.empty() ? Instant::max() : posts.front().at; }
};

}  // namespace ahoy::sim
