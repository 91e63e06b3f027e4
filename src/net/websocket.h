// A connection after its upgrade to the WebSocket protocol (RFC 6455), until it is closed.
//
// The framing is ours (ws_frames.h): a server of many small messages and of many idle sockets wants
// to read and write several at once, and to keep no buffer for who says nothing
// (docs/decisions.md).
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>

#include "net/http_shared.h"

namespace ahoy::net {

class WebSocketSession : public Closable {
  public:
    // Hands the messages to the handler; returns when the socket is closed.
    virtual boost::asio::awaitable<void> run(std::unique_ptr<WebSocketHandler>) = 0;

  protected:
    ~WebSocketSession() = default;
};

// Whether a request to upgrade is one that this version of the protocol knows.
bool is_sound_upgrade(const boost::beast::http::request<boost::beast::http::string_body>& upgrade);

// Answers a sound request; nothing when the client is gone.  `first`: what it has sent behind it.
// Defined for PlainStream and TlsStream.
template <class Stream>
boost::asio::awaitable<std::shared_ptr<WebSocketSession>> accept_websocket(
    Stream stream, boost::beast::flat_buffer first,
    const boost::beast::http::request<boost::beast::http::string_body>& upgrade,
    HttpShared& shared);

}  // namespace ahoy::net
