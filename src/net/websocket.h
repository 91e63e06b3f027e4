// A connection after its upgrade to the WebSocket protocol (RFC 6455), until it is closed.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>

#include "net/http_shared.h"

namespace ahoy::net {

class WebSocketSession : public Closable {
  public:
    // Answers the upgrade and hands the messages to the handler; returns when the socket is closed.
    virtual boost::asio::awaitable<void> run(
        boost::beast::http::request<boost::beast::http::string_body> upgrade,
        std::unique_ptr<WebSocketHandler>) = 0;

  protected:
    ~WebSocketSession() = default;
};

// Defined for PlainStream and TlsStream.
template <class Stream>
std::shared_ptr<WebSocketSession> make_websocket_session(Stream, HttpShared&);

}  // namespace ahoy::net
