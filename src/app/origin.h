// Which web pages may use the rooms from a browser (`http.origins`; RFC 6454).
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

}  // namespace ahoy::app
