// HTTP/1.1 and WebSocket connections of one shard, plain or TLS.
//
// A connection's requests are read within fixed limits and deadlines, and an HttpService is asked
// for the answers; a request to upgrade becomes a WebSocket, whose messages go to a
// WebSocketHandler.  Everything runs on the shard that accepted the connection.  What a client may
// cost is bounded: by the size of a request, the time it may take, and what waits to be sent to it.
//
// Requests are parsed by Beast.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "base/time.h"
#include "room/http.h"

namespace ahoy::net {

template <class Stream>
struct Accepted;
struct HttpShared;
class Timeouts;

struct Request {
    room::HttpRequest http;   // scheme and host as the client sees them
    TransportAddress remote;  // the client, behind trusted proxies too
    std::string origin;       // of the page that asks; empty when no browser says so
    bool accepts_gzip = false;
};

// The sending side of one WebSocket; used on its shard only, while its handler lives.
class WebSocket {
  public:
    // Queues a text message.  A peer that does not read is disconnected when its queue is full.
    virtual void send(std::string_view text) = 0;
    // After what is queued, with a status of RFC 6455, section 7.4.1.
    virtual void close(uint16_t status) = 0;
    // No more messages until go_on(): for a handler that has to wait, so that nobody can send more
    // than it takes.  Each hold() has its go_on(), which is not called from within message().
    virtual void hold() = 0;
    virtual void go_on() = 0;

  protected:
    ~WebSocket() = default;
};

class WebSocketHandler {
  public:
    virtual ~WebSocketHandler() = default;
    virtual void opened(WebSocket&) = 0;  // the socket outlives the handler
    virtual void message(std::string_view) = 0;
    // How long the answer to a ping took; pings go out all the time.
    virtual void measured(Duration /*round_trip*/) {}
    // The server stops, and closes the socket after what this sends.
    virtual void stopping() {}
    // The last call; the socket is gone, or answers pings no more.
    virtual void closed() = 0;
};

class HttpService {
  public:
    virtual ~HttpService() = default;
    virtual boost::asio::awaitable<room::HttpResponse> respond(const Request&) = 0;
    // Or the answer that refuses it.
    virtual Result<std::unique_ptr<WebSocketHandler>, room::HttpResponse> open_websocket(
        const Request&) = 0;
};

struct HttpLimits {
    size_t header = 16 * 1024;              // bytes
    size_t body = 256 * 1024;               // bytes
    size_t websocket_message = 256 * 1024;  // bytes, received
    size_t queued_bytes = 1024 * 1024;      // waiting to be sent to one WebSocket
    size_t queued_messages = 1024;
    Duration header_time = 10s;
    Duration body_time = 30s;
    Duration idle_time = 60s;  // between requests
    Duration ping_time = 20s;  // of silence, or since the last ping: then a WebSocket gets one
    Duration pong_time = 20s;  // to answer it, or it is lost
};

struct HttpCounts {
    size_t connections = 0;  // open
    size_t websockets = 0;   // open
    uint64_t bad_requests = 0;
    uint64_t slow_readers = 0;  // WebSockets closed because they did not read
    uint64_t pongs = 0;         // that answered a ping of ours
    Duration round_trips{};     // of these, in all
};

class HttpServer {
  public:
    // `service`, and the timeouts of the shard, outlive this.
    HttpServer(Timeouts&, HttpService& service, HttpLimits, std::vector<Prefix> trusted_proxies);
    ~HttpServer();

    // Until the connection is closed or is a WebSocket.  Defined for PlainStream and TlsStream.
    template <class Stream>
    boost::asio::awaitable<void> serve(Accepted<Stream>);
    // Closes what is open: WebSockets with status 1001, the rest as it is.  Afterwards the
    // connections end by themselves within seconds.
    void stop();

    const HttpCounts& counts() const;

  private:
    std::shared_ptr<HttpShared> shared_;
};

}  // namespace ahoy::net
