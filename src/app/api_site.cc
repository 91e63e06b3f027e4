#include <algorithm>

#include "app/log.h"
#include "app/site.h"

namespace ahoy::app {
namespace {

namespace api = room::api;
namespace asio = boost::asio;
using room::HttpResponse;

asio::awaitable<HttpResponse> list_rooms(const Workers& workers, const net::Request& request) {
    const auto page = api::page_of(request.http);
    if (!page) co_return page.error();
    std::vector<api::Entry> all;
    for (const auto& worker : workers) {
        auto part = co_await net::on_shard(worker->shard, [&] {
            return worker->with_rooms([&](Now, room::Rooms& rooms, room::Deliveries&) {
                return api::list(rooms, *page);
            });
        });
        std::move(part.begin(), part.end(), std::back_inserter(all));
    }
    co_return api::listed(std::move(all), *page);
}

asio::awaitable<HttpResponse> carry_out(const Workers& workers, const api::Route& route,
                                        const net::Request& request) {
    if (route.to == api::To::list_rooms) co_return co_await list_rooms(workers, request);
    if (route.to == api::To::make_token) {  // the keys are the same everywhere
        Worker& any = *workers.front();
        const auto tokens = co_await net::on_shard(any.shard, [&] { return any.join_tokens; });
        co_return api::make_token(net::read_clocks(), request.http, route, tokens.get(),
                                  any.room_names);
    }
    Worker& owner = owner_of(workers, route.room);
    co_return co_await net::on_shard(owner.shard, [&] {
        return owner.with_rooms([&](Now now, room::Rooms& rooms, room::Deliveries& deliveries) {
            return api::handle(now, request.http, route, rooms, deliveries);
        });
    });
}

bool is_change(api::To to) {
    return to == api::To::create_room || to == api::To::arrange_room || to == api::To::end_room ||
           to == api::To::remove_participant || to == api::To::make_token;
}

std::string path_for_log(const api::Route& route, const room::RoomNames& names) {
    std::string path(std::ranges::find(api::operations, route.to, &api::Operation::to)->path);
    const auto fill = [&](std::string_view place, std::string_view value) {
        const size_t at = path.find(place);
        if (at != path.npos) path.replace(at, place.size(), value);
    };
    fill("{id}", std::to_string(route.participant));
    fill("{room}", names.for_log(route.room));
    return path;
}

}  // namespace

asio::awaitable<HttpResponse> ApiSite::respond(const net::Request& request) {
    auto route = api::route_of(request.http);
    if (route && route->to == api::To::describe) co_return api::describe();
    const std::string* key = worker_.api_keys->find(request.http.authorization);
    if (!key) {
        ++worker_.api.unauthorized;
        co_return api::unauthorized();
    }
    const std::string name = *key;  // the keys may be others before the answer is there
    if (!route) {
        ++worker_.api.refused;
        co_return route.error();
    }
    if (route->to == api::To::create_room) route->room = worker_.make_room_name();
    HttpResponse response = co_await carry_out(worker_.all(), *route, request);
    const bool done = response.status < 400;
    ++(done ? worker_.api.answered : worker_.api.refused);
    if (done && is_change(route->to)) {
        log::info("api.changed", {{"key", name},
                                  {"method", request.http.method},
                                  {"path", path_for_log(*route, worker_.room_names)},
                                  {"status", uint64_t{response.status}}});
    }
    co_return response;
}

Result<std::unique_ptr<net::WebSocketHandler>, HttpResponse> ApiSite::open_websocket(
    const net::Request&) {
    return unexpected(room::not_found());
}

}  // namespace ahoy::app
