#include "app/site.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "app/metrics.h"
#include "app/origin.h"
#include "app/room_socket.h"
#include "net/clock.h"

namespace ahoy::app {
namespace {

namespace asio = boost::asio;
using room::HttpResponse;

constexpr std::string_view collider_prefix = "/collider";
constexpr std::string_view collider_socket = "/ws";
constexpr std::string_view native_socket = "/v1/ws";

std::string_view path_part(const net::Request& request) {
    return std::string_view(request.http.target).substr(0, request.http.target.find('?'));
}

HttpResponse text(unsigned status, std::string body) {
    return {status, "text/plain; charset=utf-8", std::move(body), {{"Cache-Control", "no-store"}}};
}

bool is_read(const net::Request& request) {
    return request.http.method == "GET" || request.http.method == "HEAD";
}

// A preflight does nothing, and the page must be told what comes of the rest.
bool is_foreign(const net::Request& request, const ServerState& state) {
    return request.http.method != "OPTIONS" && !may_use_rooms(request, state.origins);
}

HttpResponse refuse_foreign() {
    return text(403, "Pages of this origin may not use this server (http.origins).\n");
}

// ---- the pages

constexpr std::string_view embed_prefix = "/embed/";

std::string content_security_policy(const std::string& host, const std::string& framing) {
    // Browsers disagree on whether 'self' covers WebSockets.
    const std::string sockets =
        !room::host_of(host).empty() ? " ws://" + host + " wss://" + host : "";
    return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
           "media-src 'self' blob:; connect-src 'self'" +
           sockets + "; manifest-src 'self'; base-uri 'none'; form-action 'none'; " + framing +
           "; require-trusted-types-for 'script'; trusted-types ahoy";
}

const net::Asset* find_asset(std::string_view path) {
    const bool is_call = path.starts_with("/r/") || path.starts_with(embed_prefix);
    const std::string_view wanted = is_call ? "/" : path;
    const auto assets = net::web_assets();
    const auto match = std::find_if(assets.begin(), assets.end(),
                                    [&](const net::Asset& a) { return a.path == wanted; });
    return match == assets.end() ? nullptr : &*match;
}

HttpResponse serve_asset(const net::Asset& asset, const net::Request& request,
                         const ServerState& state) {
    HttpResponse response{200, std::string(asset.content_type), "", {}};
    const bool compressed = request.accepts_gzip && !asset.gzip.empty();
    response.static_body = compressed ? asset.gzip : asset.body;
    if (compressed) response.headers.emplace_back("Content-Encoding", "gzip");
    if (!asset.gzip.empty()) response.headers.emplace_back("Vary", "Accept-Encoding");
    response.headers.emplace_back(
        "Cache-Control", asset.immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (asset.content_type.starts_with("text/html")) {
        const bool may_be_framed = path_part(request).starts_with(embed_prefix);
        const std::string framing =
            frame_ancestors(may_be_framed ? state.embed_origins : std::vector<std::string>());
        response.headers.emplace_back("Content-Security-Policy",
                                      content_security_policy(request.http.host, framing));
        response.headers.emplace_back("Referrer-Policy", "no-referrer");
        response.headers.emplace_back("Permissions-Policy", "camera=(self), microphone=(self)");
    }
    return response;
}

// Of this server, for programs.
bool is_report(std::string_view path) {
    return path == "/v1/embed" || path == "/livez" || path == "/readyz" || path == "/metrics";
}

// Where AppRTC's rooms were in 2014 (apprtc.md, section 2.15).
constexpr std::string_view old_page_prefix = "/room/";

HttpResponse at_its_new_name(std::string_view target) {
    const std::string now = "/r/" + std::string(target.substr(old_page_prefix.size()));
    return {308, "", "", {{"Location", now}, {"Cache-Control", "no-cache"}}};
}

// Whom a framed call may talk to: the page around it cannot be asked.
HttpResponse embedding(const ServerState& state) {
    const boost::json::object answer{
        {"origins", boost::json::array(state.embed_origins.begin(), state.embed_origins.end())}};
    return {200,
            "application/json; charset=utf-8",
            boost::json::serialize(answer),
            {{"Cache-Control", "no-store"}}};
}

// A name for a new room; where `required`, no other than one of these will do.
HttpResponse new_name(Worker& worker, const net::Request& request) {
    if (request.http.method != "POST") return room::method_not_allowed(request.http.method, "POST");
    const boost::json::object answer{{"room", worker.make_room_name()},
                                     {"required", worker.room_names.are_secret()}};
    return {200,
            "application/json; charset=utf-8",
            boost::json::serialize(answer),
            {{"Cache-Control", "no-store"}}};
}

// ---- AppRTC

asio::awaitable<bool> may_join(const Worker& worker, const net::Request& request) {
    Worker& counter = counter_of(worker.all(), request.remote.ip);
    co_return co_await net::on_shard(counter.shard, [&] {
        return counter.join_limit.allows(net::read_clocks().steady, request.remote.ip);
    });
}

bool may_talk(Worker& worker, const net::Request& request) {
    return worker.message_limit.allows(net::read_clocks().steady, request.remote.ip);
}

asio::awaitable<HttpResponse> apprtc(Worker& worker, const net::Request& request) {
    const auto route = room::apprtc::route_of(request.http.target);
    if (!route) co_return room::not_found();
    if (route->to == room::apprtc::Route::To::join && request.http.method == "POST") {
        const bool may = co_await may_join(worker, request);
        if (!may) co_return room::apprtc::refused(room::JoinRefusal::too_many_joins);
    }
    if (route->to == room::apprtc::Route::To::message && !may_talk(worker, request)) {
        co_return room::apprtc::refused(room::SendRefusal::too_fast);
    }
    Worker& owner = route->room.empty() ? worker : owner_of(worker.all(), route->room);
    co_return co_await net::on_shard(owner.shard, [&] {
        return owner.with_rooms([&](Now now, room::Rooms& rooms, room::Deliveries& deliveries) {
            return owner.apprtc.handle(now, request.http, *route, rooms, deliveries);
        });
    });
}

// ---- Collider

asio::awaitable<HttpResponse> collider_http(Worker& worker, const net::Request& request,
                                            std::string_view prefix) {
    const auto route = room::collider::route_of(request.http.target, prefix);
    if (!route) co_return room::not_found();
    if (request.http.method == "POST" && !may_talk(worker, request)) {
        ++worker.http_errors;
        co_return room::collider::refused_post(room::SendRefusal::too_fast);
    }
    Worker& owner = owner_of(worker.all(), route->room);
    auto response = co_await net::on_shard(owner.shard, [&] {
        return owner.with_rooms([&](Now now, room::Rooms& rooms, room::Deliveries& deliveries) {
            return room::collider::handle(now, request.http, *route, rooms, deliveries);
        });
    });
    if (response.status >= 400) ++worker.http_errors;
    co_return response;
}

Result<std::unique_ptr<net::WebSocketHandler>, HttpResponse> open_collider_socket(
    Worker& worker, const net::Request& request, const ServerState& state) {
    if (path_part(request) != collider_socket) return unexpected(room::not_found());
    if (is_foreign(request, state)) return unexpected(refuse_foreign());
    return make_collider_socket(worker, request);
}

asio::awaitable<HttpResponse> collider_status(const Worker& worker, const ServerState& state) {
    const Counts total = co_await gather(worker.all());
    co_return room::collider::status({
        .up = net::read_clocks().steady - state.started_at,
        .open_sockets = total.rooms.connections,
        .total_sockets = total.rooms.registrations,
        .socket_errors = total.socket_errors,
        .http_errors = total.http_errors,
    });
}

}  // namespace

asio::awaitable<HttpResponse> Site::respond(const net::Request& request) {
    const std::string_view path = path_part(request);
    const net::Asset* const asset = find_asset(path);
    if ((asset || is_report(path)) && !is_read(request)) {
        co_return room::method_not_allowed(request.http.method, "GET, HEAD");
    }
    if (asset) co_return serve_asset(*asset, request, state_);
    if (path == "/status") co_return co_await collider_status(worker_, state_);
    if (path == collider_socket || path == native_socket) co_return room::bad_handshake();
    if (is_read(request)) {
        if (path.starts_with(old_page_prefix)) co_return at_its_new_name(request.http.target);
        if (path == "/v1/embed") co_return embedding(state_);
        if (path == "/livez") co_return text(200, "ok\n");
        if (path == "/readyz") {
            co_return state_.ready ? text(200, "ready\n") : text(503, "not ready\n");
        }
        if (path == "/metrics") {
            const Counts total = co_await gather(worker_.all());
            // Takes long with many descriptors, and shards have packets to relay.
            std::string metrics = co_await asio::co_spawn(
                state_.main,
                [&]() -> asio::awaitable<std::string> {
                    co_return prometheus_text(
                        total, look_at_process(),
                        state_.webhooks ? state_.webhooks->counts() : WebhookCounts());
                },
                asio::use_awaitable);
            co_return HttpResponse{200,
                                   "text/plain; version=0.0.4; charset=utf-8",
                                   std::move(metrics),
                                   {{"Cache-Control", "no-store"}}};
        }
    }
    if (is_foreign(request, state_)) co_return refuse_foreign();
    if (path == "/v1/names") co_return new_name(worker_, request);
    if (path.starts_with(collider_prefix)) {
        co_return co_await collider_http(worker_, request, collider_prefix);
    }
    co_return co_await apprtc(worker_, request);
}

Result<std::unique_ptr<net::WebSocketHandler>, HttpResponse> Site::open_websocket(
    const net::Request& request) {
    if (path_part(request) != native_socket) return open_collider_socket(worker_, request, state_);
    if (is_foreign(request, state_)) return unexpected(refuse_foreign());
    return make_native_socket(worker_, request);
}

asio::awaitable<HttpResponse> ColliderSite::respond(const net::Request& request) {
    const std::string_view path = path_part(request);
    if (path == "/status") co_return co_await collider_status(worker_, state_);
    if (path == collider_socket) co_return room::bad_handshake();
    if (is_foreign(request, state_)) co_return refuse_foreign();
    co_return co_await collider_http(worker_, request, "");
}

Result<std::unique_ptr<net::WebSocketHandler>, HttpResponse> ColliderSite::open_websocket(
    const net::Request& request) {
    return open_collider_socket(worker_, request, state_);
}

}  // namespace ahoy::app
