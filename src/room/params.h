// The `params` object of /join and /params: what a client is told about its room and its servers
// (apprtc.md, sections 2.9 and 2.10).
//
// URL parameters such as wshpp and ts shape only what is handed back to the client who wrote them,
// escaped; the server itself never connects to anything they name (D5).
#pragma once

#include <boost/json/object.hpp>

#include "room/http.h"
#include "room/rooms.h"

namespace ahoy::room::apprtc {

struct Config {
    std::string public_url;      // with its scheme; "" = from each request's scheme and host
    std::string header_message;  // "" = none
    bool bypass_join_confirmation = false;
    std::string version_info = "null";  // JSON
};

// Where the client sees this server: "https://call.example.org", no trailing slash.
std::string base_url(const Config&, const HttpRequest&);

// GET /params: without a room.
boost::json::object params(const Config&, const HttpRequest&, const Parameters&);
// POST /join: the same and the five fields about the room.
boost::json::object params(const Config&, const HttpRequest&, const Parameters&,
                           std::string_view room, const Joined&);

}  // namespace ahoy::room::apprtc
