// A connection after its upgrade to the WebSocket protocol (RFC 6455), until it is closed.
//
// The framing is ours (ws_frames.h): a server of many small messages and of many idle sockets wants
// to read and write several at once, and to keep no buffer for who says nothing
// (docs/decisions.md).
#pragma once

#include <memory>
#include <string_view>

#include "net/http_shared.h"
#include "net/stream.h"

namespace ahoy::net {

// Accepts a request to upgrade, with what accept_key() makes of its key, and hands the messages to
// the handler until the socket is closed.  Defined for PlainStream and TlsStream.
template <class Stream>
void start_websocket(Accepted<Stream>, std::string_view accept, std::unique_ptr<WebSocketHandler>,
                     std::shared_ptr<HttpShared>);

}  // namespace ahoy::net
