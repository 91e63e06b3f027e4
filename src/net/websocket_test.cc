// A server's WebSocket and a client's end of it, both on one io_context and loopback.
#include "net/websocket.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <string>

#include "net/http.h"
#include "net/timeouts.h"

namespace ahoy::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::string_literals;

class WebSocketTest : public testing::Test, public HttpService {
  protected:
    class Handler final : public WebSocketHandler {
      public:
        explicit Handler(WebSocketTest& test) : test_(test) {}
        void opened(WebSocket&) override {}
        void message(std::string_view) override {}
        void measured(Duration round_trip) override { test_.measured = round_trip; }
        void closed() override { test_.closed = true; }

      private:
        WebSocketTest& test_;
    };

    asio::awaitable<room::HttpResponse> respond(const Request&) override {
        co_return room::not_found();
    }
    Result<std::unique_ptr<WebSocketHandler>, room::HttpResponse> open_websocket(
        const Request&) override {
        return std::make_unique<Handler>(*this);
    }

    // The client's end of a connection that the server has.
    tcp::socket connect(Duration pong_time) {
        limits.pong_time = pong_time;
        server.emplace(timeouts, *this, limits, std::vector<Prefix>());
        tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
        tcp::socket client(io);
        client.connect(acceptor.local_endpoint());
        asio::co_spawn(io,
                       server->serve(Accepted<PlainStream>{
                           .stream = acceptor.accept(), .remote = {}, .local = {}}),
                       rethrow);
        return client;
    }

    asio::io_context io;
    Timeouts timeouts{io};
    HttpLimits limits{.ping_time = 1ms};
    std::optional<HttpServer> server;
    std::optional<Duration> measured;
    bool closed = false;
};

// Answers one ping, twice.
asio::awaitable<void> answer_one_ping(tcp::socket& socket) {
    const auto say = [&](std::string text) -> asio::awaitable<void> {
        co_await asio::async_write(socket, asio::buffer(text), tuple_awaitable);
    };
    co_await say(
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    std::string heard;
    const auto [error, head] = co_await asio::async_read_until(socket, asio::dynamic_buffer(heard),
                                                               "\r\n\r\n", tuple_awaitable);
    EXPECT_TRUE(heard.starts_with("HTTP/1.1 101 ")) << heard;
    heard.erase(0, head);
    const std::string ping = "\x89\x01"s + "1";
    while (heard.size() < ping.size()) {
        const auto [failed, size] = co_await asio::async_read_until(
            socket, asio::dynamic_buffer(heard), "1", tuple_awaitable);
        if (failed) co_return;
    }
    EXPECT_EQ(heard, ping);
    const std::string pong = "\x8a\x81\0\0\0\0"s + "1";
    co_await say(pong + pong);
}

TEST_F(WebSocketTest, MeasuresTheRoundTripOfAPingOnce) {
    tcp::socket client = connect(1h);  // however slow this machine is
    asio::co_spawn(io, answer_one_ping(client), rethrow);
    while (!measured && !closed) io.run_one();
    ASSERT_TRUE(measured);
    EXPECT_GT(*measured, 0ns);
    EXPECT_EQ(server->counts().pongs, 1u);
    EXPECT_EQ(server->counts().round_trips, *measured);
    client.close();
    io.run();
    EXPECT_TRUE(closed);
    EXPECT_EQ(server->counts().websockets, 0u);
}

TEST_F(WebSocketTest, WhoAnswersNoPingIsLost) {
    tcp::socket client = connect(1ms);
    asio::write(client, asio::buffer("GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                                     "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                     "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"s));
    io.run();
    EXPECT_TRUE(closed);
    EXPECT_FALSE(measured);
}

}  // namespace
}  // namespace ahoy::net
