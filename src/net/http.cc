#include "net/http.h"

#include <algorithm>
#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "net/clock.h"
#include "net/http_shared.h"
#include "net/http_text.h"
#include "net/stream.h"
#include "net/websocket.h"
#include "net/ws_frames.h"

namespace ahoy::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;
using Parser = http::request_parser<http::string_body>;
using Message = http::request<http::string_body>;

// ---- one connection

std::string header(const Message& request, std::string_view name) {
    return std::string(request[name]);
}

// A list may be spread over several fields of one name (RFC 9110, section 5.3).
std::string joined(const Message& request, std::string_view name) {
    std::string list;
    const auto [first, last] = request.equal_range(name);
    for (auto field = first; field != last; ++field) {
        if (field != first) list += ',';
        list += std::string_view(field->value());
    }
    return list;
}

Request to_request(Message message, const TransportAddress& remote, bool encrypted,
                   const std::vector<Prefix>& trusted) {
    Request request;
    request.http = {
        .method = std::string(message.method_string()),
        .target = std::string(message.target()),
        .scheme = encrypted ? "https" : "http",
        .host = header(message, "Host"),
        .user_agent = header(message, "User-Agent"),
        .content_type = header(message, "Content-Type"),
        .body = std::move(message.body()),
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

bool has(const room::HttpResponse& response, std::string_view name) {
    return std::ranges::any_of(response.headers,
                               [&](const auto& field) { return field.first == name; });
}

// What a request says of its answer.
struct Wanted {
    bool is_head = false;
    unsigned version = 11;
    bool keep_alive = false;
};

Wanted wanted_by(const Message& message) {
    return {message.method() == http::verb::head, message.version(), message.keep_alive()};
}

std::string_view body_of(const room::HttpResponse& response) {
    return response.static_body.empty() ? response.body : response.static_body;
}

// RFC 9112, section 4; the status line says 1.1, as a server of that version does to everybody.
std::string head_of(const room::HttpResponse& response, const Wanted& wanted) {
    std::string head = "HTTP/1.1 " + std::to_string(response.status) + ' ';
    head += http::obsolete_reason(static_cast<http::status>(response.status));
    const auto say = [&head](std::string_view name, std::string_view value) {
        head.append("\r\n").append(name).append(": ").append(value);
    };
    say("Date", http_date(read_clocks().wall));
    constexpr std::string_view no_sniffing = "X-Content-Type-Options";
    if (!has(response, no_sniffing)) say(no_sniffing, "nosniff");
    if (!response.content_type.empty()) say("Content-Type", response.content_type);
    for (const auto& [name, value] : response.headers) say(name, value);
    if (!wanted.keep_alive) say("Connection", "close");
    if (wanted.keep_alive && wanted.version < 11) say("Connection", "keep-alive");
    // RFC 9110, section 8.6; to HEAD what GET would have.
    if (response.status != 204) say("Content-Length", std::to_string(body_of(response).size()));
    head += "\r\n\r\n";
    return head;
}

// The key of a sound request to open one (RFC 6455, section 4.2.1), as it is answered.
std::optional<std::string> websocket_key(const Message& message) {
    const bool is_sound = message.method() == http::verb::get && message.version() == 11 &&
                          message[http::field::sec_websocket_version] == "13";
    return is_sound ? accept_key(message[http::field::sec_websocket_key]) : std::nullopt;
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
class Connection final : public Closable, private Timed {
  public:
    Connection(Accepted<Stream> accepted, std::shared_ptr<HttpShared> shared)
        : Timed(shared->timeouts), accepted_(std::move(accepted)), shared_(std::move(shared)) {
        // The parser wants a header, a chunk's line or a trailer in one piece.
        accepted_.first.max_size(limits().header + room_for_body);
        shared_->open.insert(this);
        ++shared_->counts.connections;
    }
    ~Connection() override {
        shared_->open.erase(this);
        --shared_->counts.connections;
    }

    asio::awaitable<void> run() {
        // Not awaited in the loop's condition, which g++ 12 translates wrongly.
        bool more = true;
        while (more) more = co_await serve_one();
        if (!is_websocket_) finish();
    }

    void stop() override { close(accepted_.stream); }

  private:
    const HttpLimits& limits() const { return shared_->limits; }
    void expired() override { close(accepted_.stream); }

    // Reads a request and answers it; false when it was the connection's last.
    asio::awaitable<bool> serve_one() {
        if (accepted_.first.size() == 0) {
            expires_after(limits().idle_time);
            const error_code gone = co_await read();
            if (gone) co_return false;
        }
        Parser parser;
        parser.header_limit(static_cast<std::uint32_t>(limits().header));
        parser.body_limit(limits().body);
        expires_after(limits().header_time);
        error_code error = co_await parse(parser, &Parser::is_header_done);
        if (!error && has_long_header(parser.get(), limits().header)) {
            error = http::error::header_limit;
        }
        if (!error && !is_sound(parser.get())) error = http::error::bad_field;
        if (!error && websocket::is_upgrade(parser.get())) co_return co_await upgrade(parser);
        if (!error && !parser.is_done()) {
            expires_after(limits().body_time);
            if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
                static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
                co_await asio::async_write(accepted_.stream, asio::buffer(go_on), tuple_awaitable);
            }
            error = co_await parse(parser, &Parser::is_done);
        }
        if (error) {
            if (!is_bad_request(error)) co_return false;
            ++shared_->counts.bad_requests;
            co_return co_await send(refusal(error), Wanted());
        }
        const Wanted wanted = wanted_by(parser.get());
        const Request request = understand(parser.release());
        expires_at(Instant::max());  // it is not the client who takes time now
        room::HttpResponse response = co_await shared_->service.respond(request);
        co_return co_await send(std::move(response), wanted);
    }

    // Until `done`.
    asio::awaitable<error_code> parse(Parser& parser, bool (Parser::*done)() const) {
        while (!(parser.*done)()) {
            error_code error;
            if (accepted_.first.size() > 0) {
                accepted_.first.consume(parser.put(accepted_.first.data(), error));
                if (!error) continue;
                if (error != http::error::need_more) co_return error;
            }
            error = co_await read();
            if (error) co_return error;
        }
        co_return error_code();
    }

    asio::awaitable<error_code> read() {
        auto& buffer = accepted_.first;
        const size_t most = std::min(read_size, buffer.max_size() - buffer.size());
        if (most == 0) co_return http::error::buffer_overflow;
        const auto [error, size] =
            co_await accepted_.stream.async_read_some(buffer.prepare(most), tuple_awaitable);
        buffer.commit(size);
        co_return error;
    }

    Request understand(Message message) const {
        return to_request(std::move(message), accepted_.remote, is_tls<Stream>,
                          shared_->trusted_proxies);
    }

    asio::awaitable<bool> send(room::HttpResponse response, Wanted wanted) {
        std::string text = head_of(response, wanted);
        std::string_view body = wanted.is_head ? std::string_view() : body_of(response);
        if (body.size() <= copied_body) text.append(std::exchange(body, {}));
        const std::array<asio::const_buffer, 2> all{asio::buffer(text), asio::buffer(body)};
        expires_after(limits().body_time);
        const auto [error, size] =
            co_await asio::async_write(accepted_.stream, all, tuple_awaitable);
        co_return !error && wanted.keep_alive;
    }

    asio::awaitable<bool> upgrade(Parser& parser) {
        const auto key = websocket_key(parser.get());
        auto handler = open_websocket(key, parser);
        if (!handler) {
            co_return co_await send(std::move(handler.error()), Wanted());
        }
        start_websocket(std::move(accepted_), *key, std::move(*handler), shared_);
        is_websocket_ = true;
        co_return false;
    }

    Result<std::unique_ptr<WebSocketHandler>, room::HttpResponse> open_websocket(
        const std::optional<std::string>& key, Parser& parser) {
        if (!key) return unexpected(room::bad_handshake());
        return shared_->service.open_websocket(understand(parser.release()));
    }

    // Says goodbye, so that the last answer is not lost to a reset.
    void finish() {
        if constexpr (is_tls<Stream>) accepted_.stream.shutdown();
        error_code ignored;
        socket_of(accepted_.stream).shutdown(tcp::socket::shutdown_send, ignored);
    }

    static constexpr size_t read_size = 2048;
    static constexpr size_t room_for_body = 64 * 1024;
    static constexpr size_t copied_body = 8 * 1024;  // is cheaper than a second buffer to send

    Accepted<Stream> accepted_;
    const std::shared_ptr<HttpShared> shared_;
    bool is_websocket_ = false;  // then others have the stream
};

}  // namespace

// ---- the server

HttpServer::HttpServer(Timeouts& timeouts, HttpService& service, HttpLimits limits,
                       std::vector<Prefix> trusted_proxies)
    : shared_(std::make_shared<HttpShared>(timeouts, service, limits, std::move(trusted_proxies))) {
}

HttpServer::~HttpServer() = default;

template <class Stream>
asio::awaitable<void> HttpServer::serve(Accepted<Stream> accepted) {
    Connection<Stream> connection(std::move(accepted), shared_);
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
