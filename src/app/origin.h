// Which web pages may use the rooms from a browser (`http.origins`; RFC 6454), and which may show a
// call in a frame (`http.embed_origins`).
//
// Browsers name the page's origin in what it asks of other servers and in WebSocket handshakes;
// other programs say what they like, or nothing.  So this protects visitors of foreign pages, and
// no room.
#pragma once

#include <string>
#include <vector>

#include "net/http.h"

namespace ahoy::app {

// Our own origin, one of `allowed`, or none; any when the list is empty.
bool may_use_rooms(const net::Request&, const std::vector<std::string>& allowed);

// The directive of a Content-Security-Policy (CSP3, section 6.4.2): all who may frame a page, up to
// the top; nobody when the list is empty.
std::string frame_ancestors(const std::vector<std::string>& allowed);

}  // namespace ahoy::app
