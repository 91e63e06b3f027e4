#include "app/webhook_text.h"

#include <fmt/chrono.h>

#include <boost/json.hpp>
#include <boost/url/parse.hpp>

#include "base/crypto.h"
#include "room/http.h"

namespace ahoy::app {

namespace json = boost::json;

std::string webhook_body(std::string_view id, const RoomEvent& event, WallTime time) {
    json::object body{{"id", id},
                      {"type", event.type},
                      {"time", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                                           fmt::gmtime(time.time_since_epoch().count()))},
                      // JSON cannot carry every name that Collider's clients may choose.
                      {"room", room::is_utf8(event.room) ? std::string(event.room)
                                                         : room::escape_url(event.room, "-_")}};
    if (event.client) body["client"] = *event.client;
    if (!event.reason.empty()) body["reason"] = event.reason;
    return json::serialize(body);
}

std::string webhook_signature(std::string_view secret, std::string_view id, WallTime attempted_at,
                              std::string_view body) {
    const std::string head = fmt::format("{}.{}.", id, attempted_at.time_since_epoch().count());
    return "v1," + base64(hmac_sha256(as_bytes(secret), {as_bytes(head), as_bytes(body)}));
}

std::optional<WebhookTarget> parse_webhook_url(std::string_view text) {
    const auto url = boost::urls::parse_uri({text.data(), text.size()});
    if (!url || url->has_userinfo() || url->has_fragment() || url->encoded_host().empty())
        return {};
    const bool tls = url->scheme_id() == boost::urls::scheme::https;
    if (!tls && url->scheme_id() != boost::urls::scheme::http) return {};
    WebhookTarget target{.tls = tls,
                         .host = url->host_address(),
                         .port = std::string(url->port()),
                         .authority = std::string(url->encoded_host_and_port()),
                         .target = std::string(url->encoded_target())};
    if (target.port.empty()) target.port = tls ? "443" : "80";
    if (!target.target.starts_with('/')) target.target = fmt::format("/{}", target.target);
    return target;
}

}  // namespace ahoy::app
