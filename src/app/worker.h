// What one shard owns: its rooms, the sockets that talk to rooms, its TURN server and listeners.
//
// A room lives on the shard that its name hashes to; a WebSocket on the shard that accepted it.
// Everything between the two travels as posted values: events of a socket to the room's worker,
// deliveries back to the socket's.
#pragma once

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "app/access.h"
#include "app/counts.h"
#include "app/ice.h"
#include "app/life_log.h"
#include "fastpath/host_vicinity.h"
#include "net/clock.h"
#include "net/dtls.h"
#include "net/http.h"
#include "net/shard.h"
#include "net/tcp_relays.h"
#include "net/tcp_server.h"
#include "net/turn_moves.h"
#include "net/turn_sockets.h"
#include "net/turn_streams.h"
#include "room/api.h"
#include "room/apprtc.h"
#include "room/collider.h"
#include "room/native.h"
#include "room/network_limit.h"
#include "room/rooms.h"
#include "turn/server.h"

namespace ahoy::app {

class Worker;
using Workers = std::vector<std::unique_ptr<Worker>>;

// The worker that owns a room.
Worker& owner_of(const Workers&, std::string_view room);
// The worker that counts the joins of a client's network, wherever it connects to.
Worker& counter_of(const Workers&, const IpAddress& client);

// What each worker is built from; the same for all but for the randomness.
struct Parts {
    room::Limits rooms;
    turn::ServerConfig turn;
    turn::Nonces nonces;
    std::optional<turn::Tickets> tickets;  // with them there is mobility
    std::shared_ptr<const turn::Realms> realms;
    PortRange ports;
    bool tcp_relay = false;
    net::TcpLimits tcp;
    unsigned joins_per_minute = 0;
    unsigned address_messages_per_second = 0;
    room::SessionLimits sessions;
    room::ResumeTickets::Key resume_key{};
    uint64_t instance = 0;  // of this run of the program
    room::RoomNames room_names;
    room::apprtc::Config apprtc;
    IceSettings ice;
};

class Worker {
  public:
    // The references outlive this.
    Worker(unsigned index, const Parts&, const Workers& all, net::RelayAddresses&, net::TurnShared&,
           LifeLog&, Random);

    // Before start(): something that answers HTTP on this shard.
    net::HttpServer& add_server(std::unique_ptr<net::HttpService>,
                                const std::vector<Prefix>& trusted_proxies);

    void start();
    // Closes everything, in an orderly way; what is left to do then ends by itself.
    void stop();
    Counts count() const;
    // Before start(): channels go into the kernel, this shard's share of its capacity of them.
    void relay_by(fastpath::KernelRelay&);
    // After a change of this machine's routes.
    void reroute(size_t from = 0);
    // From time to time: what the kernel has relayed is counted as relayed.
    void count_carried(size_t from = 0);
    // `ends_revoked`: also those whose allocations began with credentials that are gone.
    void use(const Access&, bool ends_revoked);
    void use(std::shared_ptr<const room::JoinTokens>);
    std::string make_room_name() { return room_names.make(names_random_); }

    // ---- rooms of this shard
    template <class Call>
    auto with_rooms(Call call) {
        room::Deliveries deliveries;
        auto result = call(net::read_clocks(), rooms_, deliveries);
        deliver(std::move(deliveries));
        expire_in_time();
        return result;
    }
    // The same for events that need no answer; `this` outlives what is posted.
    template <class Call>
    void post_to_rooms(Call call) {
        boost::asio::post(shard.io(), [this, call = std::move(call)] {
            with_rooms([&](Now now, room::Rooms& rooms, room::Deliveries& deliveries) {
                call(now, rooms, deliveries);
                return 0;
            });
        });
    }

    // ---- WebSockets of this shard
    room::ConnectionId add_socket(net::WebSocket&);
    void remove_socket(room::ConnectionId);

    net::Shard shard;  // first, because everything else hangs on its io_context
    net::TurnSockets turn_sockets;
    std::unique_ptr<fastpath::Vicinity> vicinity;
    std::unique_ptr<fastpath::KernelPaths> kernel_paths;  // null: all is relayed here
    turn::Server turn;
    net::TurnMoves turn_moves;
    net::Dtls dtls;
    net::TurnStreams turn_streams;
    net::TcpRelays tcp_relays;
    net::TcpServer tcp;
    IceServers ice;
    room::apprtc::Dialect apprtc;
    std::shared_ptr<const room::JoinTokens> join_tokens;  // null: rooms are open
    room::NetworkLimit join_limit;     // of the networks that belong to this shard
    room::NetworkLimit message_limit;  // of the clients of this shard
    const room::SessionLimits session_limits;
    const room::ResumeTickets resume_tickets;
    const room::RoomNames room_names;
    std::shared_ptr<const room::api::Keys> api_keys = std::make_shared<room::api::Keys>();
    ApiCounts api;
    uint64_t http_errors = 0;    // Collider's httperrors
    uint64_t socket_errors = 0;  // and wserrors
    uint64_t sockets_too_fast = 0;
    std::string moved_to;  // where participants go when this server stops; empty: nowhere

    const Workers& all() const { return all_; }

  private:
    void deliver(room::Deliveries);
    void deliver_here(const room::Delivery&);
    void expire_in_time();
    void end_revoked(size_t from);

    struct Endpoint {
        std::unique_ptr<net::HttpService> service;
        std::unique_ptr<net::HttpServer> server;
    };

    const Workers& all_;
    const net::RelayAddresses& relay_addresses_;
    room::Rooms rooms_;
    Random names_random_;
    boost::asio::steady_timer timer_;
    Instant timer_at_ = Instant::max();
    bool stopped_ = false;
    std::unordered_map<uint64_t, net::WebSocket*> sockets_;
    uint64_t last_socket_ = 0;
    std::vector<Endpoint> endpoints_;
};

}  // namespace ahoy::app
