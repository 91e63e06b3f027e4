#include "net/tcp_relays.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <string>
#include <unordered_map>

#include "base/check.h"
#include "net/clock.h"
#include "net/endpoint.h"
#include "net/joined_peer.h"
#include "net/stream.h"

namespace ahoy::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using turn::ConnectionId;

constexpr unsigned most_refusals = 256;
// TurnSockets counts from 0 and never gets here.
constexpr uint32_t first_socket_id = 1u << 31;
constexpr auto pause_without_descriptors = 100ms;

// A listener and the connections that leave from it share the port.
template <class Socket>
error_code open_and_bind(Socket& socket, const TransportAddress& bound) {
    using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
    const tcp::endpoint endpoint = to_endpoint(bound);
    error_code error;
    if (socket.open(endpoint.protocol(), error)) return error;
    if (socket.set_option(asio::socket_base::reuse_address(true), error)) return error;
    if (socket.set_option(reuse_port(true), error)) return error;
    if (!bound.ip.is_v4() && socket.set_option(asio::ip::v6_only(true), error)) return error;
    socket.bind(endpoint, error);
    return error;
}

}  // namespace

class TcpRelays::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(asio::io_context& io, RelayAddresses& addresses, PeerSockets& peers, TurnSockets& sockets,
         TurnStreams& streams, PortRange ports, Random random)
        : io_(io),
          addresses_(addresses),
          peers_(peers),
          sockets_(sockets),
          streams_(streams),
          ports_(ports),
          random_(std::move(random)) {}

    void stop() {
        for (auto& [id, listener] : listeners_) listener->close();
        for (auto& [id, socket] : connecting_) close(*socket);
    }

    std::optional<turn::RelayPort> listen(AddressFamily family, const IpAddress& near) {
        const auto relay_address = addresses_.choose(family, near);
        if (!relay_address) return {};
        const auto listener = std::make_shared<Listener>(io_, *relay_address);
        const size_t slots = size_t{ports_.high} - ports_.low + 1;
        const uint64_t start = random_.below(slots);
        unsigned refusals = 0;
        for (size_t i = 0; i < slots && refusals < most_refusals; ++i) {
            const auto port = static_cast<uint16_t>(ports_.low + (start + i) % slots);
            if (!addresses_.claim_tcp(*relay_address, port)) continue;
            if (opens(*listener, port)) return add(listener, port);
            addresses_.release_tcp(*relay_address, port);
            ++refusals;
        }
        return {};
    }

    void close(const turn::RelayPort& port) {
        const auto found = listeners_.find(port.socket);
        CHECK(found != listeners_.end());
        addresses_.release_tcp(found->second->relay_address, port.address.port);
        found->second->close();
        listeners_.erase(found);
    }

    void connect(const turn::RelayPort& port, const TransportAddress& peer, ConnectionId id,
                 const turn::Holder& holder) {
        const auto& listener = listeners_.at(port.socket);
        const TransportAddress bound{addresses_.all()[listener->relay_address].bound,
                                     port.address.port};
        const auto socket = std::make_shared<tcp::socket>(io_);
        connecting_[id] = socket;
        asio::co_spawn(
            io_, connect(shared_from_this(), socket, Route{port.socket, bound, peer}, id, holder),
            rethrow);
    }

    Joined join(SocketId client, ConnectionId id, const turn::User& user) {
        const auto taken = peers_.join(id, user);
        if (!taken) return taken.error();
        tcp::socket socket(io_);
        SocketAddress local;
        CHECK(::getsockname(taken->fd, local.get(), local.capacity()) == 0);
        error_code error;
        socket.assign(local.address().ip.is_v4() ? tcp::v4() : tcp::v6(), taken->fd, error);
        CHECK(!error);
        streams_.join(client, JoinedPeer(peers_, id, std::move(socket), taken->buckets));
        return Joined::yes;
    }

    bool abandon(ConnectionId id) { return peers_.abandon(id); }

    void disconnect(ConnectionId id) {
        const auto connecting = connecting_.find(id);
        if (connecting == connecting_.end()) return peers_.disconnect(id);
        close(*connecting->second);
        connecting_.erase(connecting);
    }

    bool is_live(const TransportAddress& told) const { return addresses_.is_live_tcp(told); }

  private:
    struct Listener {
        Listener(asio::io_context& io, size_t address)
            : acceptor(io), pause(io), relay_address(address) {}
        void close() {
            error_code ignored;
            acceptor.close(ignored);
            pause.cancel();
        }
        tcp::acceptor acceptor;
        asio::steady_timer pause;
        const size_t relay_address;  // index into addresses_
    };
    struct Route {
        SocketId relay;
        TransportAddress from;
        TransportAddress to;
    };

    static void close(tcp::socket& socket) {
        error_code ignored;
        socket.close(ignored);
    }

    bool opens(Listener& listener, uint16_t port) {
        const IpAddress& bound = addresses_.all()[listener.relay_address].bound;
        error_code error = open_and_bind(listener.acceptor, {bound, port});
        if (!error) listener.acceptor.listen(asio::socket_base::max_listen_connections, error);
        if (error) listener.close();
        return !error;
    }

    turn::RelayPort add(const std::shared_ptr<Listener>& listener, uint16_t port) {
        const SocketId id{first_socket_id + next_id_++ % first_socket_id};
        listeners_[id] = listener;
        asio::co_spawn(io_, accept(shared_from_this(), listener, id), rethrow);
        return {id, {addresses_.all()[listener->relay_address].told, port}};
    }

    static asio::awaitable<void> accept(std::shared_ptr<Impl> self,
                                        std::shared_ptr<Listener> listener, SocketId id) {
        while (listener->acceptor.is_open()) {
            auto [error, socket] = co_await listener->acceptor.async_accept(tuple_awaitable);
            if (!listener->acceptor.is_open()) break;
            if (error) {
                listener->pause.expires_after(pause_without_descriptors);
                co_await listener->pause.async_wait(tuple_awaitable);
                continue;
            }
            self->arrived(std::move(socket), id);
        }
    }

    void arrived(tcp::socket socket, SocketId relay) {
        error_code error;
        const auto remote = socket.remote_endpoint(error);
        if (error) return;
        const TransportAddress peer = addresses_.to_told_tcp(to_address(remote));
        sockets_.tell([&](turn::Server& server, Outbox& out) {
            const auto attempt = server.peer_arrived(read_clocks(), relay, peer, out);
            if (!attempt) return;
            const bool held = hold(std::move(socket), relay, attempt->id, attempt->holder);
            if (!held) server.peer_gone(relay, attempt->id);  // the id is another connection's
        });
    }

    static asio::awaitable<void> connect(std::shared_ptr<Impl> self,
                                         std::shared_ptr<tcp::socket> socket, Route route,
                                         ConnectionId id, turn::Holder holder) {
        error_code error = open_and_bind(*socket, route.from);
        if (!error) {
            const auto to = to_endpoint(self->addresses_.to_bound_tcp(route.to));
            std::tie(error) = co_await socket->async_connect(to, tuple_awaitable);
        }
        if (self->connecting_.erase(id) == 0) co_return;  // disconnected meanwhile
        const bool connected = !error && self->hold(std::move(*socket), route.relay, id, holder);
        self->sockets_.tell([&](turn::Server& server, Outbox& out) {
            server.peer_answered(read_clocks(), route.relay, id, connected, out);
        });
    }

    // Until a client joins it.
    bool hold(tcp::socket socket, SocketId relay, ConnectionId id, const turn::Holder& holder) {
        error_code error;
        socket.set_option(tcp::no_delay(true), error);
        socket.set_option(asio::socket_base::keep_alive(true), error);
        const int fd = socket.release(error);
        if (error) return false;
        // Called on any shard.
        return peers_.put(id, fd, holder, [weak = weak_from_this(), &io = io_, relay, id] {
            asio::post(io, [weak, relay, id] {
                const auto self = weak.lock();
                if (!self) return;
                self->sockets_.tell(
                    [&](turn::Server& server, Outbox&) { server.peer_gone(relay, id); });
            });
        });
    }

    asio::io_context& io_;
    RelayAddresses& addresses_;
    PeerSockets& peers_;
    TurnSockets& sockets_;
    TurnStreams& streams_;
    const PortRange ports_;
    Random random_;
    uint32_t next_id_ = 0;
    std::unordered_map<SocketId, std::shared_ptr<Listener>> listeners_;
    std::unordered_map<ConnectionId, std::shared_ptr<tcp::socket>> connecting_;
};

TcpRelays::TcpRelays(asio::io_context& io, RelayAddresses& addresses, PeerSockets& peers,
                     TurnSockets& sockets, TurnStreams& streams, PortRange ports, Random random)
    : impl_(std::make_shared<Impl>(io, addresses, peers, sockets, streams, ports,
                                   std::move(random))) {}

TcpRelays::~TcpRelays() = default;

void TcpRelays::stop() {
    impl_->stop();
}
std::optional<turn::RelayPort> TcpRelays::listen(AddressFamily family, const IpAddress& near) {
    return impl_->listen(family, near);
}
void TcpRelays::close(const turn::RelayPort& port) {
    impl_->close(port);
}
void TcpRelays::connect(const turn::RelayPort& port, const TransportAddress& peer, ConnectionId id,
                        const turn::Holder& holder) {
    impl_->connect(port, peer, id, holder);
}
TcpRelays::Joined TcpRelays::join(SocketId client, ConnectionId id, const turn::User& user) {
    return impl_->join(client, id, user);
}
bool TcpRelays::abandon(ConnectionId id) {
    return impl_->abandon(id);
}
void TcpRelays::disconnect(ConnectionId id) {
    impl_->disconnect(id);
}
bool TcpRelays::is_live(const TransportAddress& told) const {
    return impl_->is_live(told);
}

}  // namespace ahoy::net
