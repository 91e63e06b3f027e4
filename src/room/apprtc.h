// AppRTC's room server on the wire (apprtc.md, section 2): /join, /message, /leave, /params,
// /v1alpha/iceconfig, /turn and /a/.
//
// Translates HTTP into calls of `Rooms` and its answers back; the one place that turns refusals
// into AppRTC's words.  Holds no state of its own.  It serves no pages: what is not its business it
// leaves to the shell.
#pragma once

#include <functional>
#include <memory>

#include "room/http.h"
#include "room/join_token.h"
#include "room/params.h"
#include "room/rooms.h"

namespace ahoy::room::apprtc {

struct IceServer {
    std::vector<std::string> urls;  // an entry without any is left out
    std::string username;           // empty for STUN
    std::string credential;
};
std::string to_json(const std::vector<IceServer>&);  // a browser's iceServers
struct IceConfig {
    std::vector<IceServer> servers;
    std::chrono::seconds lifetime{};  // of the credentials
};
// The shell makes credentials and knows its addresses; `host` is host_of() the request's.
using IceProvider = std::function<IceConfig(Now, std::string_view host)>;

// What a target asks for; read once, because its room says on which shard to handle it.
struct Route {
    enum class To { nothing, join, message, leave, params, analytics, ice_config, turn };
    To to = To::nothing;  // nothing: it begins like one of ours, but an id has a strange character
    std::string room;     // empty: any shard may handle it
    std::string client;
};
// Nothing when the path is not AppRTC's.
std::optional<Route> route_of(std::string_view target);

// Also of what the shell refuses itself.
HttpResponse refused(JoinRefusal);
HttpResponse refused(EntryRefusal);
HttpResponse refused(SendRefusal);

class Dialect {
  public:
    Dialect(Config config, IceProvider ice) : config_(std::move(config)), ice_(std::move(ice)) {}

    // From now on rooms and TURN credentials are for who has one of these; null: for anybody.
    void use_tokens(std::shared_ptr<const JoinTokens> tokens) { tokens_ = std::move(tokens); }

    HttpResponse handle(Now, const HttpRequest&, const Route&, Rooms&, Deliveries&) const;

  private:
    std::optional<EntryRefusal> entry_refusal(Now, const HttpRequest&, const Route&) const;
    HttpResponse join(Now, const HttpRequest&, const Route&, Rooms&, Deliveries&) const;
    HttpResponse ice_config(Now, const HttpRequest&) const;
    HttpResponse turn(Now, const HttpRequest&) const;

    Config config_;
    IceProvider ice_;
    std::shared_ptr<const JoinTokens> tokens_;
};

}  // namespace ahoy::room::apprtc
