#include "room/apprtc.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "room/collider.h"

namespace ahoy::room::apprtc {
namespace {

namespace json = boost::json;
using To = Route::To;

// Those with ids, also by their names of 2014 (apprtc.md, section 2.15).
std::optional<To> action_of(std::string_view word) {
    if (word == "join" || word == "register") return To::join;
    if (word == "message") return To::message;
    if (word == "leave" || word == "bye") return To::leave;
    return {};
}

std::string_view allowed_methods(To to) {
    if (to == To::params) return "GET";
    if (to == To::ice_config || to == To::turn) return "GET, HEAD, POST, OPTIONS";
    return "POST";
}

bool lists(std::string_view methods, std::string_view method) {
    return (", " + std::string(methods) + ",").find(", " + std::string(method) + ",") !=
           std::string::npos;
}

HttpResponse answer(const json::object& body) {
    return {.content_type = "application/json",  // D3
            .body = json::serialize(body),
            .headers = {{"Cache-Control", "no-cache"}, {"X-Content-Type-Options", "nosniff"}}};
}

// For pages of other origins; without credentials, so the star is harmless.
HttpResponse shared_answer(const json::object& body) {
    HttpResponse response = answer(body);
    response.headers[0].second = "no-store";
    response.headers.emplace_back("Access-Control-Allow-Origin", "*");
    return response;
}

HttpResponse preflight() {
    return {.headers = {{"Access-Control-Allow-Origin", "*"},
                        {"Access-Control-Allow-Methods", "GET, POST"}}};
}

HttpResponse result(std::string_view word) {
    return answer({{"result", word}});
}

// --- refusals in AppRTC's words

std::string_view word(JoinRefusal why) {
    return why == JoinRefusal::full ? "FULL" : "ERROR";
}

// As our own protocol says it.
std::string_view code(EntryRefusal why) {
    switch (why) {
        case EntryRefusal::token_required:
            return "token-required";
        case EntryRefusal::token_expired:
            return "token-expired";
        case EntryRefusal::bad_token:
            break;
    }
    return "bad-token";
}

// --- handlers

HttpResponse message(Now now, const HttpRequest& request, const Route& route, Rooms& rooms,
                     Deliveries& out) {
    if (!collider::deliverable(request.body)) return result("ERROR");
    const auto said = rooms.message(now, route.room, route.client, request.body, out);
    return said ? result("SUCCESS") : refused(said.error());
}

HttpResponse leave(Now now, const Route& route, Rooms& rooms, Deliveries& out) {
    rooms.leave(now, route.room, route.client, out);
    return {.content_type = "text/html; charset=utf-8", .headers = {{"Cache-Control", "no-cache"}}};
}

// A number, or one in a string, which was as good.
bool is_time(const json::value* value) {
    if (!value || !value->is_string()) return value && value->is_number();
    const std::string_view text = value->get_string();
    double number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    return end.ec == std::errc() && end.ptr == text.data() + text.size();
}

bool is_event(const json::value& body) {
    if (!body.is_object()) return false;
    const json::object& top = body.get_object();
    const auto* type = top.if_contains("type");
    const auto* details = top.if_contains("event");
    if (!type || *type != "event" || !details || !details->is_object()) return false;
    const json::object& event = details->get_object();
    const auto* kind = event.if_contains("event_type");
    return kind && !kind->is_null() && is_time(top.if_contains("request_time_ms")) &&
           is_time(event.if_contains("event_time_ms"));
}

// Checked as the original did, and then nothing is kept.
HttpResponse analytics(const HttpRequest& request) {
    json::error_code error;
    const json::value body = json::parse(request.body, error);
    return result(!error && is_event(body) ? "SUCCESS" : "INVALID_REQUEST");
}

json::array ice_servers(const std::vector<IceServer>& all) {
    json::array servers;
    for (const IceServer& server : all) {
        if (server.urls.empty()) continue;
        json::object entry{{"urls", json::array(server.urls.begin(), server.urls.end())}};
        if (!server.username.empty()) {
            entry["username"] = server.username;
            entry["credential"] = server.credential;
        }
        servers.push_back(std::move(entry));
    }
    return servers;
}

}  // namespace

std::string to_json(const std::vector<IceServer>& servers) {
    return json::serialize(ice_servers(servers));
}

// AppRTC says all with 200.  Its clients look at the status or at the result, so that an error may
// have its own.
HttpResponse refused(JoinRefusal why) {
    json::object body{{"params", {{"messages", json::array{}}}}, {"result", word(why)}};
    if (why == JoinRefusal::unknown_room) body["error"] = "unknown-room";
    HttpResponse response = answer(body);
    if (why == JoinRefusal::unknown_room) response.status = 404;
    if (why == JoinRefusal::draining) response.status = 503;
    if (why == JoinRefusal::too_many_joins) {
        response.status = 429;
        response.headers.emplace_back("Retry-After", "60");
    }
    return response;
}

HttpResponse refused(SendRefusal why) {
    switch (why) {
        case SendRefusal::unknown_room:
            return result("UNKNOWN_ROOM");
        case SendRefusal::unknown_client:
            return result("UNKNOWN_CLIENT");
        case SendRefusal::too_fast: {
            HttpResponse response = result("ERROR");
            response.status = 429;
            response.headers.emplace_back("Retry-After", "10");
            return response;
        }
        case SendRefusal::bad_id:
        case SendRefusal::room_full:
        case SendRefusal::too_many_rooms:
        case SendRefusal::too_large:
        case SendRefusal::queue_full:
            break;
    }
    return result("ERROR");
}

// Its challenge is that of RFC 6750, section 3, although the token comes in the target: AppRTC's
// clients can be given URL parameters, and no header fields.
HttpResponse refused(EntryRefusal why) {
    HttpResponse response = answer(
        {{"params", {{"messages", json::array{}}}}, {"result", "ERROR"}, {"error", code(why)}});
    response.status = 401;
    response.headers.emplace_back("WWW-Authenticate", why == EntryRefusal::token_required
                                                          ? "Bearer"
                                                          : "Bearer error=\"invalid_token\"");
    return response;
}

std::optional<Route> route_of(std::string_view target) {
    const std::string path = path_of(target);
    if (path == "/params") return Route{.to = To::params};
    if (path == "/a/") return Route{.to = To::analytics};
    if (path == "/v1alpha/iceconfig") return Route{.to = To::ice_config};
    if (path == "/turn") return Route{.to = To::turn};

    const auto pieces = split_path(path);
    if (pieces.size() < 2 || !pieces[0].empty()) return {};
    const auto action = action_of(pieces[1]);
    if (!action) return {};
    const size_t ids = *action == To::join ? 1 : 2;
    if (pieces.size() != 2 + ids) return Route{};
    if (!std::all_of(pieces.begin() + 2, pieces.end(), is_route_id)) return Route{};
    return Route{*action, std::string(pieces[2]), std::string(ids == 2 ? pieces[3] : "")};
}

HttpResponse Dialect::handle(Now now, const HttpRequest& request, const Route& route, Rooms& rooms,
                             Deliveries& out) const {
    if (route.to == To::nothing) return not_found();
    const std::string_view methods = allowed_methods(route.to);
    if (!lists(methods, request.method)) return method_not_allowed(request.method, methods);
    if (request.method == "OPTIONS") return preflight();
    if (const auto why = entry_refusal(now, request, route)) return refused(*why);
    switch (route.to) {
        case To::join:
            return join(now, request, route, rooms, out);
        case To::message:
            return message(now, request, route, rooms, out);
        case To::leave:
            return leave(now, route, rooms, out);
        case To::params:
            return answer(params(config_, request, Parameters::of(request)));
        case To::analytics:
            return analytics(request);
        case To::ice_config:
            return ice_config(now, request);
        case To::turn:
            return turn(now, request);
        case To::nothing:
            break;
    }
    return not_found();
}

// TURN credentials too: who may not enter a room shall not be relayed either.  Everything else asks
// for a client id, which only /join gives.
std::optional<EntryRefusal> Dialect::entry_refusal(Now now, const HttpRequest& request,
                                                   const Route& route) const {
    const bool gives_ice = route.to == To::ice_config || route.to == To::turn;
    if (!tokens_ || (route.to != To::join && !gives_ice)) return {};
    const auto room = gives_ice ? std::nullopt : std::optional<std::string_view>(route.room);
    const auto claims = tokens_->admit(Parameters::of(request).get("token"), room, now.wall);
    if (claims) return {};
    return claims.error();
}

HttpResponse Dialect::join(Now now, const HttpRequest& request, const Route& route, Rooms& rooms,
                           Deliveries& out) const {
    const Parameters asked = Parameters::of(request);
    const auto mode = asked.get("debug") == "loopback" ? Rooms::Mode::loopback : Rooms::Mode::call;
    const auto joined = rooms.join(now, route.room, mode, out);
    if (!joined) return refused(joined.error());
    return answer(
        {{"params", params(config_, request, asked, route.room, *joined)}, {"result", "SUCCESS"}});
}

HttpResponse Dialect::ice_config(Now now, const HttpRequest& request) const {
    const IceConfig ice = ice_(now, host_of(request.host));
    json::array servers = ice_servers(ice.servers);
    const std::string lifetime = std::to_string(ice.lifetime.count()) + ".000s";
    return shared_answer({{"lifetimeDuration", lifetime}, {"iceServers", std::move(servers)}});
}

// Clients of 2014 to 2016 know one TURN server with many addresses (apprtc.md, section 2.8).
HttpResponse Dialect::turn(Now now, const HttpRequest& request) const {
    const IceConfig ice = ice_(now, host_of(request.host));
    for (const IceServer& server : ice.servers) {
        if (server.username.empty() || server.urls.empty()) continue;
        return shared_answer({{"username", server.username},
                              {"password", server.credential},
                              {"ttl", ice.lifetime.count()},
                              {"uris", json::array(server.urls.begin(), server.urls.end())}});
    }
    return shared_answer({{"username", ""}, {"password", ""}, {"ttl", 0}, {"uris", json::array{}}});
}

}  // namespace ahoy::room::apprtc
