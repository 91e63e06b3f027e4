#include "app/webhooks.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <fstream>

#include "app/log.h"
#include "app/secret_file.h"
#include "net/clock.h"
#include "net/start_error.h"
#include "net/stream.h"

namespace ahoy::app {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using net::tuple_awaitable;
using Result = WebhookResult;

constexpr WebhookQueue::Limits limits;
constexpr auto attempt_time = 10s;  // from connecting to the status
constexpr size_t run_bytes = 12;
constexpr uint32_t largest_answer = 16 * 1024;  // its header; the body is not read

std::string secret_of(const Config& config) {
    std::string secret = config.webhooks.secret;
    if (!config.webhooks.secret_file.empty()) {
        std::ifstream file(config.webhooks.secret_file);
        const auto secrets = read_secrets(file);
        if (secrets.empty()) {
            throw net::StartError(
                fmt::format("webhooks.secret_file: {}: cannot be read or is empty; "
                            "`openssl rand -hex 32 > FILE` makes one",
                            config.webhooks.secret_file));
        }
        secret = secrets.front();
    }
    if (secret.size() < min_secret) {
        throw net::StartError(
            fmt::format("webhooks.secret_file: its first line has {} characters, expected at least "
                        "{}; `openssl rand -hex 32` makes a good one",
                        secret.size(), min_secret));
    }
    return secret;
}

using Request = http::request<http::string_body>;

Request to_request(const WebhookTarget& target, std::string_view secret,
                   const WebhookQueue::Event& event) {
    const WallTime now = net::read_clocks().wall;
    Request request(http::verb::post, target.target, 11);
    request.set(http::field::host, target.authority);
    request.set(http::field::user_agent, "Ahoy/" AHOY_VERSION);
    request.set(http::field::content_type, "application/json");
    request.set(http::field::connection, "close");
    request.set("webhook-id", event.id);
    request.set("webhook-timestamp", std::to_string(now.time_since_epoch().count()));
    request.set("webhook-signature", webhook_signature(secret, event.id, now, event.body));
    request.body() = event.body;
    request.prepare_payload();
    return request;
}

Result failure(error_code error, Result otherwise) {
    return error == beast::error::timeout ? Result::timed_out : otherwise;
}

template <class Stream>
asio::awaitable<Result> exchange(Stream& stream, const Request& request) {
    const auto [unsent, sent] = co_await http::async_write(stream, request, tuple_awaitable);
    if (unsent) co_return failure(unsent, Result::broken);
    beast::flat_buffer buffer;
    http::response_parser<http::empty_body> parser;
    parser.header_limit(largest_answer);
    const auto [unread, size] =
        co_await http::async_read_header(stream, buffer, parser, tuple_awaitable);
    if (unread) co_return failure(unread, Result::broken);
    const bool taken =
        http::to_status_class(parser.get().result()) == http::status_class::successful;
    co_return taken ? Result::delivered : Result::refused;
}

}  // namespace

std::string_view label(WebhookResult result) {
    switch (result) {
        case Result::delivered:
            return "delivered";
        case Result::unresolved:
            return "unresolved";
        case Result::unreachable:
            return "unreachable";
        case Result::bad_tls:
            return "bad_tls";
        case Result::timed_out:
            return "timed_out";
        case Result::broken:
            return "broken";
        case Result::refused:
            return "refused";
    }
    return "unknown";
}

std::unique_ptr<Webhooks> Webhooks::make(const Config& config, asio::io_context& main,
                                         Random& random) {
    if (config.webhooks.url.empty()) return {};
    auto target = parse_webhook_url(config.webhooks.url);
    if (!target) {
        throw net::StartError(
            "webhooks.url: expected a URL such as \"https://shop.example.org/ahoy\", without a "
            "user");
    }
    return std::unique_ptr<Webhooks>(
        new Webhooks(main, *std::move(target), secret_of(config), random));
}

Webhooks::Webhooks(asio::io_context& main, WebhookTarget target, std::string secret, Random& random)
    : main_(main),
      target_(std::move(target)),
      secret_(std::move(secret)),
      run_(random.token(run_bytes)),
      tls_(asio::ssl::context::tls_client),
      timer_(main),
      queue_(limits, Random(random.seed())) {
    SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_2_VERSION);
    tls_.set_default_verify_paths();
    tls_.set_verify_mode(asio::ssl::verify_peer);
    tls_.set_verify_callback(asio::ssl::host_name_verification(target_.host));
}

void Webhooks::tell(const RoomEvent& event) {
    if (on_their_way_.fetch_add(1) >= limits.events) {
        --on_their_way_;
        ++lost_on_the_way_;
        return;
    }
    const Now now = net::read_clocks();
    std::string id = fmt::format("{}-{}", run_, ++last_id_);
    std::string body = webhook_body(id, event, now.wall);
    asio::post(main_, [this, room = std::string(event.room),
                       queued = WebhookQueue::Event{std::move(id), std::move(body),
                                                    now.steady}]() mutable {
        --on_their_way_;
        put(room, std::move(queued));
    });
}

void Webhooks::put(const std::string& room, WebhookQueue::Event event) {
    if (!queue_.put(room, std::move(event)) && counts_.queue_full++ == 0) {
        log::warning("webhooks.queue_full", {{"hint", "events are lost; /metrics counts them"}});
    }
    go_on();
}

void Webhooks::go_on() {
    const Instant now = net::read_clocks().steady;
    while (auto next = queue_.take(now)) {
        asio::co_spawn(main_, attempt(*std::move(next)), net::rethrow);
    }
    const Instant due = queue_.next_due();
    if (due == Instant::max()) return;
    timer_.expires_at(net::to_steady(due));
    timer_.async_wait([this](error_code error) {
        if (!error) go_on();
    });
}

asio::awaitable<void> Webhooks::attempt(WebhookQueue::Attempt attempt) {
    const Result result = co_await post(attempt.event);
    const Instant now = net::read_clocks().steady;
    const bool failed_before = queue_.fails();
    if (result == Result::delivered) {
        queue_.done(now, attempt.room);
    } else {
        counts_.given_up += queue_.failed(now, attempt.room);
    }
    note(result, failed_before);
    go_on();
}

asio::awaitable<Result> Webhooks::post(const WebhookQueue::Event& event) {
    asio::ip::tcp::resolver resolver(main_);
    // The system's resolver gives up by itself.
    const auto [unresolved, found] =
        co_await resolver.async_resolve(target_.host, target_.port, tuple_awaitable);
    if (unresolved) co_return Result::unresolved;

    beast::ssl_stream<beast::tcp_stream> stream(beast::tcp_stream(main_), tls_);
    beast::tcp_stream& tcp = stream.next_layer();
    tcp.expires_after(attempt_time);
    const auto [unconnected, where] = co_await tcp.async_connect(found, tuple_awaitable);
    if (unconnected) co_return failure(unconnected, Result::unreachable);

    const Request request = to_request(target_, secret_, event);
    if (!target_.tls) co_return co_await exchange(tcp, request);
    SSL_set_tlsext_host_name(stream.native_handle(), target_.host.c_str());
    const auto [untrusted] =
        co_await stream.async_handshake(asio::ssl::stream_base::client, tuple_awaitable);
    if (untrusted) co_return failure(untrusted, Result::bad_tls);
    co_return co_await exchange(stream, request);
}

// One line when it begins to fail, and one when it is over.
void Webhooks::note(Result result, bool failed_before) {
    ++counts_.attempts.at(static_cast<size_t>(result));
    if (queue_.fails() == failed_before) return;
    if (queue_.fails()) {
        log::warning("webhooks.failing",
                     {{"reason", label(result)}, {"hint", "events are kept and tried again"}});
    } else {
        log::info("webhooks.delivering_again", {{"queued", uint64_t{queue_.size()}}});
    }
}

WebhookCounts Webhooks::counts() const {
    WebhookCounts counts = counts_;
    counts.queue_full += lost_on_the_way_;
    counts.queued = queue_.size();
    return counts;
}

bool Webhooks::busy() const {
    return on_their_way_ > 0 || queue_.attempts() > 0 ||
           queue_.next_due() <= net::read_clocks().steady;
}

}  // namespace ahoy::app
