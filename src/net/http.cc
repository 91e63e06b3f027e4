#include "net/http.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <deque>
#include <optional>
#include <unordered_set>

#include "base/check.h"
#include "net/clock.h"
#include "net/http_text.h"
#include "net/socket_address.h"
#include "net/start_error.h"

namespace ahoy::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

using Plain = beast::tcp_stream;
using Tls = beast::ssl_stream<beast::tcp_stream>;

constexpr auto tuple_awaitable = asio::as_tuple(asio::use_awaitable);

TransportAddress to_address(const tcp::endpoint& endpoint) {
    return SocketAddress(*endpoint.data()).address();
}

tcp::endpoint to_endpoint(const TransportAddress& address) {
    const SocketAddress socket(address);
    tcp::endpoint endpoint;
    std::memcpy(endpoint.data(), socket.get(), socket.size());
    endpoint.resize(socket.size());
    return endpoint;
}

// What all connections of a server share.
struct Shared {
    HttpService& service;
    const HttpLimits limits;
    const std::vector<Prefix> trusted_proxies;
    HttpCounts counts;
};

// Something that stop() can end.
class Closable {
  public:
    virtual void stop() = 0;

  protected:
    ~Closable() = default;
};

using Connections = std::unordered_set<Closable*>;

// ---- WebSocket
// --------------------------------------------------------------------------------------

// One open WebSocket.  Kept alive by its reading coroutine and by each write that is under way.
template <class Stream>
class Socket final : public WebSocket,
                     public Closable,
                     public std::enable_shared_from_this<Socket<Stream>> {
  public:
    Socket(Stream stream, Shared& shared) : stream_(std::move(stream)), shared_(shared) {
        const HttpLimits& limits = shared.limits;
        stream_.read_message_max(limits.websocket_message);
        stream_.auto_fragment(false);
        stream_.text(true);
        stream_.set_option(websocket::stream_base::timeout{
            .handshake_timeout = limits.header_time,
            .idle_timeout = limits.websocket_idle_time,
            .keep_alive_pings = true,
        });
    }

    asio::awaitable<void> run(http::request<http::string_body> upgrade,
                              std::unique_ptr<WebSocketHandler> handler) {
        const auto [refused] = co_await stream_.async_accept(upgrade, tuple_awaitable);
        if (refused) co_return;
        ++shared_.counts.websockets;
        handler->opened(*this);
        beast::flat_buffer buffer;
        while (true) {
            const auto [error, size] = co_await stream_.async_read(buffer, tuple_awaitable);
            if (error) break;
            const auto data = buffer.cdata();
            handler->message({static_cast<const char*>(data.data()), size});
            buffer.consume(size);
            if (buffer.capacity() > roomy) buffer.shrink_to_fit();
        }
        state_ = State::closed;
        --shared_.counts.websockets;
        handler->closed();
    }

    void send(std::string text) override {
        if (state_ != State::open) return;
        const HttpLimits& limits = shared_.limits;
        queued_bytes_ += text.size();
        queue_.push_back(std::move(text));
        if (queued_bytes_ > limits.queued_bytes || queue_.size() > limits.queued_messages) {
            ++shared_.counts.slow_readers;
            state_ = State::closed;
            beast::get_lowest_layer(stream_).cancel();
            return;
        }
        if (queue_.size() == 1) write_next();
    }

    void close() override { close_after_queue(websocket::close_code::normal); }
    void stop() override { close_after_queue(websocket::close_code::going_away); }

  private:
    enum class State { open, closing, closed };
    static constexpr size_t roomy = 64 * 1024;

    void close_after_queue(websocket::close_code code) {
        if (state_ != State::open) return;
        state_ = State::closing;
        close_code_ = code;
        if (queue_.empty()) send_close();
    }

    void write_next() {
        stream_.async_write(
            asio::buffer(queue_.front()),
            [self = this->shared_from_this()](error_code error, size_t) { self->written(error); });
    }

    void written(error_code error) {
        if (error || state_ == State::closed) return;
        queued_bytes_ -= queue_.front().size();
        queue_.pop_front();
        if (!queue_.empty()) {
            write_next();
        } else if (state_ == State::closing) {
            send_close();
        }
    }

    void send_close() {
        stream_.async_close(close_code_, [self = this->shared_from_this()](error_code) {});
    }

    websocket::stream<Stream> stream_;
    Shared& shared_;
    State state_ = State::open;
    websocket::close_code close_code_ = websocket::close_code::normal;
    std::deque<std::string> queue_;  // the front one is being written
    size_t queued_bytes_ = 0;
};

// ---- one connection
// -----------------------------------------------------------------------------------

std::string header(const http::request<http::string_body>& request, std::string_view name) {
    return std::string(request[name]);
}

Request to_request(const http::request<http::string_body>& message, const TransportAddress& remote,
                   bool is_tls, const std::vector<Prefix>& trusted) {
    Request request;
    request.http = {
        .method = std::string(message.method_string()),
        .target = std::string(message.target()),
        .scheme = is_tls ? "https" : "http",
        .host = header(message, "Host"),
        .user_agent = header(message, "User-Agent"),
        .content_type = header(message, "Content-Type"),
        .body = message.body(),
    };
    request.remote = remote;
    request.accepts_gzip =
        message[http::field::accept_encoding].find("gzip") != beast::string_view::npos;
    apply_forwarded(request, trusted, header(message, "X-Forwarded-For"),
                    header(message, "X-Forwarded-Proto"), header(message, "X-Forwarded-Host"));
    return request;
}

http::response<http::string_body> to_message(room::HttpResponse response, bool is_head,
                                             unsigned version, bool keep_alive) {
    http::response<http::string_body> message(static_cast<http::status>(response.status), version);
    message.set(http::field::date, http_date(read_clocks().wall));
    message.set("X-Content-Type-Options", "nosniff");
    if (!response.content_type.empty()) {
        message.set(http::field::content_type, response.content_type);
    }
    for (const auto& [name, value] : response.headers) message.set(name, value);
    message.body() = std::move(response.body);
    message.keep_alive(keep_alive);
    message.prepare_payload();
    if (is_head) message.body().clear();  // Content-Length stays what GET would have
    return message;
}

room::HttpResponse refusal(error_code error) {
    if (error == http::error::header_limit) {
        return {431, "text/plain", "The request's headers are larger than 16 KiB.\n", {}};
    }
    if (error == http::error::body_limit) {
        return {413, "text/plain", "The request's body is larger than 256 KiB.\n", {}};
    }
    return {400, "text/plain", "This is not a valid HTTP/1.1 request.\n", {}};
}

// Did the client say something wrong, or did it only go away?
bool is_bad_request(error_code error) {
    return error.category() == http::make_error_code(http::error::bad_method).category() &&
           error != http::error::end_of_stream && error != http::error::partial_message;
}

template <class Stream>
class Connection final : public Closable {
  public:
    Connection(Stream stream, TransportAddress remote, Shared& shared, Connections& connections)
        : stream_(std::move(stream)), remote_(remote), shared_(shared), connections_(connections) {
        connections_.insert(this);
        ++shared_.counts.connections;
    }
    ~Connection() {
        connections_.erase(this);
        --shared_.counts.connections;
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    asio::awaitable<void> run() {
        if constexpr (is_tls) {
            lowest().expires_after(shared_.limits.header_time);
            const auto [failed] =
                co_await stream_.async_handshake(asio::ssl::stream_base::server, tuple_awaitable);
            if (failed) co_return;
        }
        // Not awaited in the loop's condition, which g++ 12 translates wrongly.
        bool more = true;
        while (more) more = co_await serve_one();
        if (!upgraded_) co_await finish();
    }

    void stop() override {
        if (socket_) {
            socket_->stop();
        } else {
            lowest().close();
        }
    }

  private:
    static constexpr bool is_tls = std::is_same_v<Stream, Tls>;

    beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }

    // Reads a request and answers it; false when it was the connection's last.
    asio::awaitable<bool> serve_one() {
        const HttpLimits& limits = shared_.limits;
        if (buffer_.size() == 0) {
            lowest().expires_after(limits.idle_time);
            const auto [error, size] =
                co_await stream_.async_read_some(buffer_.prepare(first_read), tuple_awaitable);
            if (error) co_return false;
            buffer_.commit(size);
        }
        http::request_parser<http::string_body> parser;
        parser.header_limit(static_cast<std::uint32_t>(limits.header));
        parser.body_limit(limits.body);
        lowest().expires_after(limits.header_time);
        auto [error, ignored] =
            co_await http::async_read_header(stream_, buffer_, parser, tuple_awaitable);
        if (!error && websocket::is_upgrade(parser.get())) {
            co_return co_await upgrade(parser.release());
        }
        if (!error) {
            lowest().expires_after(limits.body_time);
            if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
                co_await send({100, "", "", {}}, false, parser.get().version(), true);
            }
            std::tie(error, ignored) =
                co_await http::async_read(stream_, buffer_, parser, tuple_awaitable);
        }
        if (error) {
            if (!is_bad_request(error)) co_return false;
            ++shared_.counts.bad_requests;
            co_await send(refusal(error), false, 11, false);
            co_return false;
        }
        const auto message = parser.release();
        const Request request = to_request(message, remote_, is_tls, shared_.trusted_proxies);
        room::HttpResponse response = co_await shared_.service.respond(request);
        co_return co_await send(std::move(response), message.method() == http::verb::head,
                                message.version(), message.keep_alive());
    }

    asio::awaitable<bool> send(room::HttpResponse response, bool is_head, unsigned version,
                               bool keep_alive) {
        const auto message = to_message(std::move(response), is_head, version, keep_alive);
        lowest().expires_after(shared_.limits.body_time);
        const auto [error, size] = co_await http::async_write(stream_, message, tuple_awaitable);
        co_return !error && keep_alive;
    }

    asio::awaitable<bool> upgrade(http::request<http::string_body> message) {
        const Request request = to_request(message, remote_, is_tls, shared_.trusted_proxies);
        auto handler = shared_.service.open_websocket(request);
        if (!handler) {
            co_await send(room::not_found(), false, message.version(), false);
            co_return false;
        }
        lowest().expires_never();  // the WebSocket has deadlines of its own
        upgraded_ = true;
        const auto socket = std::make_shared<Socket<Stream>>(std::move(stream_), shared_);
        socket_ = socket.get();
        co_await socket->run(std::move(message), std::move(handler));
        socket_ = nullptr;
        co_return false;
    }

    // Says goodbye, so that the last answer is not lost to a reset.
    asio::awaitable<void> finish() {
        lowest().expires_after(goodbye);
        if constexpr (is_tls) (void)co_await stream_.async_shutdown(tuple_awaitable);
        error_code ignored;
        lowest().socket().shutdown(tcp::socket::shutdown_send, ignored);
    }

    static constexpr size_t first_read = 2048;
    static constexpr auto goodbye = 2s;

    Stream stream_;
    const TransportAddress remote_;
    Shared& shared_;
    Connections& connections_;
    beast::flat_buffer buffer_;
    Closable* socket_ = nullptr;  // once it is a WebSocket
    bool upgraded_ = false;
};

}  // namespace

// ---- the server
// -----------------------------------------------------------------------------------------

class HttpServer::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(asio::io_context& io, HttpService& service, HttpLimits limits,
         std::vector<Prefix> trusted_proxies)
        : io_(io), shared_{service, limits, std::move(trusted_proxies), {}} {}

    TransportAddress listen(const TransportAddress& address,
                            std::shared_ptr<asio::ssl::context> tls, std::string_view key) {
        const auto check = [&](error_code error) {
            if (error) throw StartError(explain_listen_error(key, "TCP", address, error.value()));
        };
        using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
        Listener listener{tcp::acceptor(io_), std::move(tls)};
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

    void start() {
        for (Listener& listener : listeners_) {
            asio::co_spawn(io_, accept(shared_from_this(), listener), asio::detached);
        }
    }

    void stop() {
        stopping_ = true;
        for (Listener& listener : listeners_) {
            error_code ignored;
            listener.acceptor.close(ignored);
            if (listener.pause) listener.pause->cancel();
        }
        for (Closable* connection : Connections(connections_)) connection->stop();
    }

    const HttpCounts& counts() const { return shared_.counts; }

  private:
    struct Listener {
        tcp::acceptor acceptor;
        std::shared_ptr<asio::ssl::context> tls;
        std::optional<asio::steady_timer> pause;
    };

    // `self` keeps this alive as long as there is anything of it on the shard.
    static asio::awaitable<void> accept(std::shared_ptr<Impl> self, Listener& listener) {
        while (!self->stopping_) {
            auto [error, socket] = co_await listener.acceptor.async_accept(tuple_awaitable);
            if (self->stopping_) break;
            if (error) {
                // Most likely out of descriptors: trying again at once would only burn the core.
                listener.pause.emplace(self->io_, 100ms);
                co_await listener.pause->async_wait(tuple_awaitable);
                continue;
            }
            ++self->shared_.counts.accepted;
            if (self->connections_.size() >= self->shared_.limits.connections) {
                ++self->shared_.counts.refused;
                continue;
            }
            const auto remote = socket.remote_endpoint(error);
            if (error) continue;
            socket.set_option(tcp::no_delay(true), error);
            Plain stream(std::move(socket));
            if (listener.tls) {
                asio::co_spawn(
                    self->io_,
                    serve(self, Tls(std::move(stream), *listener.tls), to_address(remote)),
                    asio::detached);
            } else {
                asio::co_spawn(self->io_, serve(self, std::move(stream), to_address(remote)),
                               asio::detached);
            }
        }
    }

    template <class Stream>
    static asio::awaitable<void> serve(std::shared_ptr<Impl> self, Stream stream,
                                       TransportAddress remote) {
        Connection<Stream> connection(std::move(stream), remote, self->shared_, self->connections_);
        co_await connection.run();
    }

    asio::io_context& io_;
    Shared shared_;
    Connections connections_;
    std::deque<Listener> listeners_;
    bool stopping_ = false;
};

HttpServer::HttpServer(asio::io_context& io, HttpService& service, HttpLimits limits,
                       std::vector<Prefix> trusted_proxies)
    : impl_(std::make_shared<Impl>(io, service, limits, std::move(trusted_proxies))) {}

HttpServer::~HttpServer() = default;

TransportAddress HttpServer::listen(const TransportAddress& address,
                                    std::shared_ptr<asio::ssl::context> tls, std::string_view key) {
    return impl_->listen(address, std::move(tls), key);
}
void HttpServer::start() {
    impl_->start();
}
void HttpServer::stop() {
    impl_->stop();
}
const HttpCounts& HttpServer::counts() const {
    return impl_->counts();
}

}  // namespace ahoy::net
