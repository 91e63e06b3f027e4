#include "net/http.h"

#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "net/clock.h"
#include "net/http_shared.h"
#include "net/http_text.h"
#include "net/stream.h"
#include "net/websocket.h"

namespace ahoy::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

// ---- one connection

std::string header(const http::request<http::string_body>& request, std::string_view name) {
    return std::string(request[name]);
}

// A list may be spread over several fields of one name (RFC 9110, section 5.3).
std::string joined(const http::request<http::string_body>& request, std::string_view name) {
    std::string list;
    const auto [first, last] = request.equal_range(name);
    for (auto field = first; field != last; ++field) {
        if (field != first) list += ',';
        list += std::string_view(field->value());
    }
    return list;
}

Request to_request(const http::request<http::string_body>& message, const TransportAddress& remote,
                   bool encrypted, const std::vector<Prefix>& trusted) {
    Request request;
    request.http = {
        .method = std::string(message.method_string()),
        .target = std::string(message.target()),
        .scheme = encrypted ? "https" : "http",
        .host = header(message, "Host"),
        .user_agent = header(message, "User-Agent"),
        .content_type = header(message, "Content-Type"),
        .body = message.body(),
        .authorization = header(message, "Authorization"),
    };
    request.remote = remote;
    request.origin = header(message, "Origin");
    request.accepts_gzip =
        message[http::field::accept_encoding].find("gzip") != beast::string_view::npos;
    take_absolute_form(request.http);
    apply_forwarded(request, trusted, joined(message, "X-Forwarded-For"),
                    joined(message, "X-Forwarded-Proto"), joined(message, "X-Forwarded-Host"));
    return request;
}

// A view of `response`, which outlives it.
using Message = http::response<http::span_body<const char>>;

Message to_message(const room::HttpResponse& response, bool is_head, unsigned version,
                   bool keep_alive) {
    Message message(static_cast<http::status>(response.status), version);
    message.set(http::field::date, http_date(read_clocks().wall));
    message.set("X-Content-Type-Options", "nosniff");
    if (!response.content_type.empty()) {
        message.set(http::field::content_type, response.content_type);
    }
    for (const auto& [name, value] : response.headers) message.set(name, value);
    const std::string_view body =
        response.static_body.empty() ? response.body : response.static_body;
    message.body() = {body.data(), body.size()};
    message.keep_alive(keep_alive);
    message.prepare_payload();
    // RFC 9110, section 8.6.
    if (message.result() == http::status::no_content) message.content_length(boost::none);
    if (is_head) message.body() = {};  // Content-Length stays what GET would have
    return message;
}

// What RFC 9112 refuses and Beast lets pass: a host that is missing or said twice (section 3.2),
// and a body whose length two readers may see differently (section 6.1), by which a second request
// can be smuggled past a proxy.
bool is_sound(const http::request_header<>& request) {
    const bool is_1_1 = request.version() == 11;
    const size_t hosts = request.count(http::field::host);
    if (hosts > 1 || (is_1_1 && hosts == 0)) return false;
    // Beast takes several lengths for one when they are equal.
    const auto length = request[http::field::content_length];
    if (request.count(http::field::content_length) > 1 ||
        length.find_first_not_of("0123456789") != length.npos) {
        return false;
    }
    const size_t encodings = request.count(http::field::transfer_encoding);
    if (encodings == 0) return true;
    return is_1_1 && encodings == 1 &&
           beast::iequals(request[http::field::transfer_encoding], "chunked") &&
           request.count(http::field::content_length) == 0;
}

// Beast's limit is on what it cannot take yet, and so of many small fields it takes more.
bool has_long_header(const http::request_header<>& request, size_t most) {
    size_t size = 0;
    for (const auto& field : request) size += field.name_string().size() + field.value().size() + 4;
    return size > most;
}

room::HttpResponse refusal(error_code error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
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
    Connection(Accepted<Stream> accepted, HttpShared& shared)
        : stream_(std::move(accepted.stream)),
          remote_(accepted.remote),
          shared_(shared),
          buffer_(std::move(accepted.first)) {
        // Beast reads on until a header, a chunk's line or a trailer is complete.
        buffer_.max_size(shared_.limits.header + room_for_body);
        shared_.open.insert(this);
        ++shared_.counts.connections;
    }
    ~Connection() {
        shared_.open.erase(this);
        --shared_.counts.connections;
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    asio::awaitable<void> run() {
        // Not awaited in the loop's condition, which g++ 12 translates wrongly.
        bool more = true;
        while (more) more = co_await serve_one();
        // Not from there, so that what it took to read the request is not kept for so long.
        if (upgrade_) {
            co_await upgrade();
        } else {
            co_await finish();
        }
    }

    void stop() override {
        if (socket_) {
            socket_->stop();
        } else {
            lowest().close();
        }
    }

  private:
    PlainStream& lowest() { return net::lowest(stream_); }

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
        if (!error && has_long_header(parser.get(), limits.header)) {
            error = http::error::header_limit;
        }
        if (!error && !is_sound(parser.get())) error = http::error::bad_field;
        if (!error && websocket::is_upgrade(parser.get())) {
            upgrade_ = std::make_unique<Upgrade>(parser.release());
            co_return false;
        }
        if (!error) {
            lowest().expires_after(limits.body_time);
            if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
                static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
                co_await asio::async_write(stream_, asio::buffer(go_on), tuple_awaitable);
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
        const Request request =
            to_request(message, remote_, is_tls<Stream>, shared_.trusted_proxies);
        room::HttpResponse response = co_await shared_.service.respond(request);
        co_return co_await send(std::move(response), message.method() == http::verb::head,
                                message.version(), message.keep_alive());
    }

    asio::awaitable<bool> send(room::HttpResponse response, bool is_head, unsigned version,
                               bool keep_alive) {
        const auto message = to_message(response, is_head, version, keep_alive);
        lowest().expires_after(shared_.limits.body_time);
        const auto [error, size] = co_await http::async_write(stream_, message, tuple_awaitable);
        co_return !error && keep_alive;
    }

    asio::awaitable<void> upgrade() {
        auto handler = open_websocket();
        if (!handler) {
            co_await send(std::move(handler.error()), false, upgrade_->version(), false);
            co_return co_await finish();
        }
        const auto socket =
            co_await accept_websocket(std::move(stream_), std::move(buffer_), *upgrade_, shared_);
        if (!socket) co_return;
        upgrade_.reset();
        socket_ = socket.get();
        co_await socket->run(std::move(*handler));
        socket_ = nullptr;
    }

    Result<std::unique_ptr<WebSocketHandler>, room::HttpResponse> open_websocket() {
        if (!is_sound_upgrade(*upgrade_)) {
            return unexpected(room::HttpResponse{426,
                                                 "text/plain",
                                                 "WebSockets of version 13 (RFC 6455) only.\n",
                                                 {{"Sec-WebSocket-Version", "13"}}});
        }
        return shared_.service.open_websocket(
            to_request(*upgrade_, remote_, is_tls<Stream>, shared_.trusted_proxies));
    }

    // Says goodbye, so that the last answer is not lost to a reset.
    asio::awaitable<void> finish() {
        lowest().expires_after(goodbye);
        if constexpr (is_tls<Stream>) (void)co_await stream_.async_shutdown(tuple_awaitable);
        error_code ignored;
        lowest().socket().shutdown(tcp::socket::shutdown_send, ignored);
    }

    static constexpr size_t first_read = 2048;
    static constexpr size_t room_for_body = 64 * 1024;
    static constexpr auto goodbye = 2s;

    Stream stream_;
    const TransportAddress remote_;
    HttpShared& shared_;
    beast::flat_buffer buffer_;
    using Upgrade = http::request<http::string_body>;
    std::unique_ptr<Upgrade> upgrade_;  // the request for it
    Closable* socket_ = nullptr;        // once it is a WebSocket
};

}  // namespace

// ---- the server

HttpServer::HttpServer(HttpService& service, HttpLimits limits, std::vector<Prefix> trusted_proxies)
    : shared_(std::make_shared<HttpShared>(service, limits, std::move(trusted_proxies))) {}

HttpServer::~HttpServer() = default;

template <class Stream>
asio::awaitable<void> HttpServer::serve(Accepted<Stream> accepted) {
    const auto shared = shared_;
    Connection<Stream> connection(std::move(accepted), *shared);
    co_await connection.run();
}

template asio::awaitable<void> HttpServer::serve(Accepted<PlainStream>);
template asio::awaitable<void> HttpServer::serve(Accepted<TlsStream>);

void HttpServer::stop() {
    const auto open = shared_->open;  // a copy: who stops may leave
    for (Closable* connection : open) connection->stop();
}

const HttpCounts& HttpServer::counts() const {
    return shared_->counts;
}

}  // namespace ahoy::net
