// AppRTC's room server on the wire (apprtc.md, section 2): /join, /message, /leave, /params,
// /v1alpha/iceconfig, /turn and /a/.
//
// Translates HTTP into calls of `Rooms` and its answers back; the one place that turns refusals
// into AppRTC's words.  Holds no state of its own.  It serves no pages: what is not its business it
// leaves to the shell.
#pragma once

#include <functional>

#include "room/http.h"
#include "room/params.h"
#include "room/rooms.h"

namespace ahoy::room::apprtc {

struct IceServer {
    std::vector<std::string> urls;  // an entry without any is left out
    std::string username;           // empty for STUN
    std::string credential;
};
struct IceConfig {
    std::vector<IceServer> servers;
    std::chrono::seconds lifetime{};  // of the credentials
};
// The shell makes credentials and knows its addresses; `host` is the request's, without a port.
using IceProvider = std::function<IceConfig(Now, std::string_view host)>;

// The room that a request belongs to, and thereby the shard on which to handle it; nothing when any
// shard may.
std::optional<std::string> room_of(std::string_view target);

class Dialect {
  public:
    Dialect(Config config, IceProvider ice) : config_(std::move(config)), ice_(std::move(ice)) {}

    // Nothing when the path is not AppRTC's.
    std::optional<HttpResponse> handle(Now, const HttpRequest&, Rooms&, Deliveries&) const;

  private:
    HttpResponse join(Now, const HttpRequest&, std::string_view room, Rooms&, Deliveries&) const;
    HttpResponse ice_config(Now, const HttpRequest&) const;
    HttpResponse turn(Now, const HttpRequest&) const;

    Config config_;
    IceProvider ice_;
};

}  // namespace ahoy::room::apprtc
