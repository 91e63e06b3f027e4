#include "room/apprtc.h"

#include <boost/json.hpp>

#include "room/collider.h"

namespace ahoy::room::apprtc {
namespace {

namespace json = boost::json;

// join, leave and message, also by their names of 2014 (apprtc.md, section 2.15).
enum class Action { join, message, leave };
struct Route {
    Action action;
    std::string room;
    std::string client;
};
struct NoRoute {};  // begins like one of ours and is not: an id with a strange character, say

std::optional<Action> action_of(std::string_view word) {
    if (word == "join" || word == "register") return Action::join;
    if (word == "message") return Action::message;
    if (word == "leave" || word == "bye") return Action::leave;
    return {};
}

std::optional<std::variant<Route, NoRoute>> route_of(std::string_view path) {
    const auto pieces = split_path(path);
    if (pieces.size() < 2 || !pieces[0].empty()) return {};
    const auto action = action_of(pieces[1]);
    if (!action) return {};
    const size_t ids = *action == Action::join ? 1 : 2;
    if (pieces.size() != 2 + ids) return NoRoute{};
    for (size_t i = 2; i < pieces.size(); ++i) {
        if (!is_route_id(pieces[i])) return NoRoute{};
    }
    return Route{*action, std::string(pieces[2]), std::string(ids == 2 ? pieces[3] : "")};
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

HttpResponse refused(JoinRefusal why) {
    HttpResponse response =
        answer({{"params", {{"messages", json::array{}}}}, {"result", word(why)}});
    if (why == JoinRefusal::draining) response.status = 503;
    return response;
}

HttpResponse refused(SendRefusal why) {
    switch (why) {
        case SendRefusal::unknown_room:
            return result("UNKNOWN_ROOM");
        case SendRefusal::unknown_client:
            return result("UNKNOWN_CLIENT");
        case SendRefusal::bad_id:
        case SendRefusal::room_full:
        case SendRefusal::too_large:
        case SendRefusal::queue_full:
            break;
    }
    return result("ERROR");
}

// --- handlers

HttpResponse message(Now now, const HttpRequest& request, const Route& route, Rooms& rooms,
                     Deliveries& out) {
    if (!collider::deliverable(request.body)) return result("ERROR");  // D4
    const auto said = rooms.message(now, route.room, route.client, request.body, out);
    return said ? result("SUCCESS") : refused(said.error());
}

HttpResponse leave(Now now, const Route& route, Rooms& rooms, Deliveries& out) {
    rooms.leave(now, route.room, route.client, out);
    return {.content_type = "text/html; charset=utf-8", .headers = {{"Cache-Control", "no-cache"}}};
}

bool is_event(const json::value& body) {
    if (!body.is_object()) return false;
    const json::object& top = body.get_object();
    const auto* type = top.if_contains("type");
    const auto* time = top.if_contains("request_time_ms");
    const auto* event = top.if_contains("event");
    if (!type || !time || !event || !event->is_object()) return false;
    const auto* kind = event->get_object().if_contains("event_type");
    const auto* event_time = event->get_object().if_contains("event_time_ms");
    return *type == "event" && time->is_number() && kind &&
           (!event_time || event_time->is_number());
}

// Checked as the original did, and then nothing is kept.
HttpResponse analytics(const HttpRequest& request) {
    json::error_code error;
    const json::value body = json::parse(request.body, error);
    return result(!error && is_event(body) ? "SUCCESS" : "INVALID_REQUEST");
}

std::string_view without_port(std::string_view host) {
    if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
    return host.substr(0, host.find(':'));
}

}  // namespace

std::optional<std::string> room_of(std::string_view target) {
    const auto route = route_of(path_of(target));
    if (!route || !std::holds_alternative<Route>(*route)) return {};
    return std::get<Route>(*route).room;
}

std::optional<HttpResponse> Dialect::handle(Now now, const HttpRequest& request, Rooms& rooms,
                                            Deliveries& out) const {
    const std::string path = path_of(request.target);
    const std::string& method = request.method;
    if (const auto found = route_of(path)) {
        const Route* route = std::get_if<Route>(&*found);
        if (!route) return not_found();
        if (method != "POST") return method_not_allowed(method, "POST");
        switch (route->action) {
            case Action::join:
                return join(now, request, route->room, rooms, out);
            case Action::message:
                return message(now, request, *route, rooms, out);
            case Action::leave:
                return leave(now, *route, rooms, out);
        }
    }
    if (path == "/params") {
        if (method != "GET") return method_not_allowed(method, "GET");
        return answer(params(config_, request, Parameters::of(request)));
    }
    if (path == "/a/") {
        if (method != "POST") return method_not_allowed(method, "POST");
        return analytics(request);
    }
    if (path == "/v1alpha/iceconfig" || path == "/turn") {
        if (method == "OPTIONS") return preflight();
        if (method != "GET" && method != "POST" && method != "HEAD") {
            return method_not_allowed(method, "GET, HEAD, POST, OPTIONS");
        }
        return path == "/turn" ? turn(now, request) : ice_config(now, request);
    }
    return {};
}

HttpResponse Dialect::join(Now now, const HttpRequest& request, std::string_view room, Rooms& rooms,
                           Deliveries& out) const {
    const Parameters asked = Parameters::of(request);
    const auto mode = asked.get("debug") == "loopback" ? Rooms::Mode::loopback : Rooms::Mode::call;
    const auto joined = rooms.join(now, room, mode, out);
    if (!joined) return refused(joined.error());
    return answer(
        {{"params", params(config_, request, asked, room, *joined)}, {"result", "SUCCESS"}});
}

HttpResponse Dialect::ice_config(Now now, const HttpRequest& request) const {
    const IceConfig ice = ice_(now, without_port(request.host));
    json::array servers;
    for (const IceServer& server : ice.servers) {
        if (server.urls.empty()) continue;
        json::object entry{{"urls", json::array(server.urls.begin(), server.urls.end())}};
        if (!server.username.empty()) {
            entry["username"] = server.username;
            entry["credential"] = server.credential;
        }
        servers.push_back(std::move(entry));
    }
    const std::string lifetime = std::to_string(ice.lifetime.count()) + ".000s";
    return shared_answer({{"lifetimeDuration", lifetime}, {"iceServers", std::move(servers)}});
}

// Clients of 2014 to 2016 know one TURN server with many addresses (apprtc.md, section 2.8).
HttpResponse Dialect::turn(Now now, const HttpRequest& request) const {
    const IceConfig ice = ice_(now, without_port(request.host));
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
