#include "net/tcp_server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <map>
#include <optional>
#include <unordered_set>

#include "net/endpoint.h"
#include "net/http.h"
#include "net/proxy_header.h"
#include "net/shard.h"
#include "net/start_error.h"
#include "net/stream.h"
#include "net/turn_streams.h"
#include "turn/quotas.h"

namespace ahoy::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr size_t first_read = 2048;  // most ClientHellos and requests come whole
constexpr auto pause_without_descriptors = 100ms;
constexpr int unacknowledged_ms = 30'000;  // then the other side is gone (RFC 5482)

enum class Protocol { tls, turn, http, unknown };

// RFC 7983, section 7, and HTTP's methods, which are upper-case words.  ChannelData, whose first
// byte is an upper-case letter too, cannot be the first message of a connection.
Protocol protocol_of(uint8_t first) {
    constexpr uint8_t tls_handshake = 22;
    if (first == tls_handshake) return Protocol::tls;
    if (first <= 3) return Protocol::turn;
    return first >= 'A' && first <= 'Z' ? Protocol::http : Protocol::unknown;
}

// Whether the first record is here (RFC 8446, section 5.1), which is all of most ClientHellos. What
// cannot be one is OpenSSL's to refuse.
bool has_first_record(Bytes bytes) {
    constexpr size_t header = 5;
    constexpr size_t longest = 1 << 14;
    if (bytes.size() < header) return false;
    const size_t length = size_t{bytes[3]} << 8 | bytes[4];
    return length > longest || bytes.size() >= header + length;
}

template <class Stream>
Bytes first_bytes(const Accepted<Stream>& accepted) {
    const auto data = accepted.first.cdata();
    return {static_cast<const uint8_t*>(data.data()), data.size()};
}

template <class Stream>
asio::awaitable<bool> read_more(Accepted<Stream>& accepted) {
    const auto [error, size] = co_await accepted.stream.async_read_some(
        accepted.first.prepare(first_read), tuple_awaitable);
    accepted.first.commit(size);
    co_return !error;
}

}  // namespace

class TcpServer::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(Shard& shard, TcpLimits limits)
        : io_(shard.io()), timeouts_(shard.timeouts()), limits_(std::move(limits)) {}

    TransportAddress listen(const TransportAddress& address, const TcpServices& services,
                            std::string_view key) {
        const auto check = [&](error_code error) {
            if (error) throw StartError(explain_listen_error(key, "TCP", address, error.value()));
        };
        using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
        Listener listener{tcp::acceptor(io_), services, {}};
        const tcp::endpoint endpoint = to_endpoint(address);
        error_code error;
        check(listener.acceptor.open(endpoint.protocol(), error));
        check(listener.acceptor.set_option(tcp::acceptor::reuse_address(true), error));
        check(listener.acceptor.set_option(reuse_port(true), error));
        if (!address.ip.is_v4()) {
            check(listener.acceptor.set_option(asio::ip::v6_only(true), error));
        }
        check(listener.acceptor.bind(endpoint, error));
        check(listener.acceptor.listen(tcp::acceptor::max_listen_connections, error));
        listeners_.push_back(std::move(listener));
        return to_address(listeners_.back().acceptor.local_endpoint());
    }

    void set_limits(size_t connections, size_t of_one_address) {
        limits_.connections = connections;
        limits_.of_one_address = of_one_address;
    }
    void set_tls(std::shared_ptr<asio::ssl::context> tls) { tls_ = std::move(tls); }

    void start() {
        for (Listener& listener : listeners_) {
            asio::co_spawn(io_, accept(shared_from_this(), listener), rethrow);
        }
    }

    void stop() {
        stopping_ = true;
        for (Listener& listener : listeners_) {
            error_code ignored;
            listener.acceptor.close(ignored);
            if (listener.pause) listener.pause->cancel();
        }
        for (PlainStream* stream : opening_) close(*stream);
    }

    const TcpCounts& counts() const { return counts_; }

  private:
    struct Listener {
        tcp::acceptor acceptor;
        TcpServices services;
        std::optional<asio::steady_timer> pause;
    };

    // While nobody else does, stop() closes the stream, and so does the time.
    class Opening final : public Timed {
      public:
        Opening(Impl& server, PlainStream& stream)
            : Timed(server.timeouts_), server_(server), stream_(&stream) {
            server_.opening_.insert(stream_);
            expires_after(server_.limits_.opening_time);
        }
        ~Opening() override { server_.opening_.erase(stream_); }

      private:
        void expired() override { close(*stream_); }

        Impl& server_;
        PlainStream* const stream_;
    };

    class PlaceHere final : public Place {
      public:
        explicit PlaceHere(std::shared_ptr<Impl> server) : server_(std::move(server)) {
            ++server_->counts_.connections;
        }
        ~PlaceHere() override {
            --server_->counts_.connections;
            if (!network_) return;
            const auto found = server_->by_network_.find(*network_);
            if (--found->second == 0) server_->by_network_.erase(found);
        }
        // Also one among those of its client's network, if there is one left.
        bool take(const IpAddress& client) {
            const TcpLimits& limits = server_->limits_;
            if (limits.of_one_address == 0 || client.is_loopback() ||
                any_contains(limits.of_many, client)) {
                return true;
            }
            const IpAddress network = turn::network_of_client(client);
            const auto counted = server_->by_network_.try_emplace(network, 0).first;
            if (counted->second >= limits.of_one_address) return false;
            ++counted->second;
            network_ = network;
            return true;
        }

      private:
        const std::shared_ptr<Impl> server_;
        std::optional<IpAddress> network_;
    };

    // `self` keeps this alive as long as there is anything of it on the shard.
    static asio::awaitable<void> accept(std::shared_ptr<Impl> self, Listener& listener) {
        while (!self->stopping_) {
            auto [error, socket] = co_await listener.acceptor.async_accept(tuple_awaitable);
            if (self->stopping_) break;
            if (error) {
                // Most likely out of descriptors: trying again at once would only burn the core.
                listener.pause.emplace(self->io_, pause_without_descriptors);
                co_await listener.pause->async_wait(tuple_awaitable);
                continue;
            }
            ++self->counts_.accepted;
            if (self->counts_.connections >= self->limits_.connections) {
                ++self->counts_.refused;
                continue;
            }
            asio::co_spawn(self->io_, serve(self, std::move(socket), listener.services), rethrow);
        }
    }

    static asio::awaitable<void> serve(std::shared_ptr<Impl> self, tcp::socket socket,
                                       TcpServices services) {
        error_code error;
        const auto remote = socket.remote_endpoint(error);
        if (error) co_return;
        const auto local = socket.local_endpoint(error);
        if (error) co_return;
        using user_timeout = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>;
        socket.set_option(tcp::no_delay(true), error);
        socket.set_option(asio::socket_base::keep_alive(true), error);
        socket.set_option(user_timeout(unacknowledged_ms), error);
        auto place = std::make_unique<PlaceHere>(self);
        PlaceHere& place_here = *place;
        Accepted<PlainStream> plain{
            std::move(socket), {}, to_address(remote), to_address(local), std::move(place)};
        bool ready = co_await self->learn_remote(plain);
        if (!ready) co_return;
        if (!place_here.take(plain.remote.ip)) {
            ++self->counts_.crowded;
            co_return;
        }
        ready = co_await self->open_plain(plain);
        if (ready) co_await self->open(std::move(plain), services);
    }

    asio::awaitable<void> open(Accepted<PlainStream> plain, const TcpServices& services) {
        if (protocol_of(first_bytes(plain)[0]) != Protocol::tls) {
            if (services.plain) {
                co_await hand_over(std::move(plain), services);
            } else {
                co_await say_tls_only(plain);
            }
            co_return;
        }
        const auto tls = tls_;  // a reload may replace it meanwhile
        if (!tls) {
            ++counts_.unknown;
            co_return;
        }
        const bool greeted = co_await read_hello(plain);
        if (!greeted) co_return;
        Accepted<TlsStream> encrypted{TlsStream(std::move(plain.stream), *tls, first_bytes(plain)),
                                      {},
                                      plain.remote,
                                      plain.local,
                                      std::move(plain.place)};
        plain.first = {};
        const bool ready = co_await open_tls(encrypted);
        if (ready) co_await hand_over(std::move(encrypted), services);
    }

    // From the PROXY header, where there has to be one.
    asio::awaitable<bool> learn_remote(Accepted<PlainStream>& plain) {
        if (!any_contains(limits_.balancers, plain.remote.ip)) co_return true;
        const Opening opening(*this, plain.stream);
        const bool good = co_await read_proxy_header(plain);
        co_return good;
    }

    // Up to the first byte.
    asio::awaitable<bool> open_plain(Accepted<PlainStream>& plain) {
        const Opening opening(*this, plain.stream);
        bool good = true;
        if (plain.first.size() == 0) good = co_await read_more(plain);
        if (!good) ++counts_.unopened;
        co_return good;
    }

    asio::awaitable<bool> read_proxy_header(Accepted<PlainStream>& plain) {
        auto header = parse_proxy_header({});
        bool more = true;
        while (!header && header.error() == ProxyError::incomplete && more) {
            more = co_await read_more(plain);
            header = parse_proxy_header(first_bytes(plain));
        }
        if (!header) {
            ++counts_.bad_proxy;
            co_return false;
        }
        if (header->source) plain.remote = *header->source;
        plain.first.consume(header->size);
        co_return true;
    }

    // OpenSSL has some 80 KiB for each connection from the beginning: not for who says half a word.
    asio::awaitable<bool> read_hello(Accepted<PlainStream>& plain) {
        const Opening opening(*this, plain.stream);
        bool more = true;
        while (more && !has_first_record(first_bytes(plain))) more = co_await read_more(plain);
        if (!more) ++counts_.bad_tls;
        co_return more;
    }

    asio::awaitable<bool> open_tls(Accepted<TlsStream>& tls) {
        const Opening opening(*this, socket_of(tls.stream));
        const auto [failed, ignored] = co_await tls.stream.async_handshake(tuple_awaitable);
        if (failed) {
            ++counts_.bad_tls;
            co_return false;
        }
        const bool good = co_await read_more(tls);
        if (!good) ++counts_.unopened;
        co_return good;
    }

    template <class Stream>
    asio::awaitable<void> hand_over(Accepted<Stream> accepted, const TcpServices& services) {
        const Protocol protocol = protocol_of(first_bytes(accepted)[0]);
        if (protocol == Protocol::turn && services.turn != nullptr) {
            co_await services.turn->serve(std::move(accepted));
        } else if (protocol == Protocol::http && services.http != nullptr) {
            co_await services.http->serve(std::move(accepted));
        } else {
            ++counts_.unknown;
        }
    }

    // Somebody wrote http:// where https:// belongs.
    asio::awaitable<void> say_tls_only(Accepted<PlainStream>& plain) {
        static constexpr std::string_view answer =
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 47\r\n"
            "Connection: close\r\n\r\nThis port speaks TLS only: begin with https://\n";
        ++counts_.unknown;
        if (protocol_of(first_bytes(plain)[0]) != Protocol::http) co_return;
        const Opening opening(*this, plain.stream);
        co_await asio::async_write(plain.stream, asio::buffer(answer), tuple_awaitable);
        error_code ignored;
        plain.stream.shutdown(tcp::socket::shutdown_send, ignored);
    }

    asio::io_context& io_;
    Timeouts& timeouts_;
    TcpLimits limits_;
    std::shared_ptr<asio::ssl::context> tls_;
    std::deque<Listener> listeners_;
    std::unordered_set<PlainStream*> opening_;
    std::map<IpAddress, size_t> by_network_;  // connections; never more entries than those
    TcpCounts counts_;
    bool stopping_ = false;
};

TcpServer::TcpServer(Shard& shard, TcpLimits limits)
    : impl_(std::make_shared<Impl>(shard, std::move(limits))) {}

TcpServer::~TcpServer() = default;

TransportAddress TcpServer::listen(const TransportAddress& address, const TcpServices& services,
                                   std::string_view key) {
    return impl_->listen(address, services, key);
}
void TcpServer::set_limits(size_t connections, size_t of_one_address) {
    impl_->set_limits(connections, of_one_address);
}
void TcpServer::set_tls(std::shared_ptr<asio::ssl::context> tls) {
    impl_->set_tls(std::move(tls));
}
void TcpServer::start() {
    impl_->start();
}
void TcpServer::stop() {
    impl_->stop();
}
const TcpCounts& TcpServer::counts() const {
    return impl_->counts();
}

}  // namespace ahoy::net
