// The API for products that embed calls (docs/api.md): rooms made, seen and ended over HTTP.
//
// Its contract is docs/openapi.json, which is compiled in and served.  Errors are problems of RFC
// 9457, whose `detail` is a sentence and whose `code` is for programs.  Holds no state; the shell
// asks for the bearer key first, and carries what is about one room to that room's shard.
#pragma once

#include <array>
#include <map>

#include "base/crypto.h"
#include "room/http.h"
#include "room/join_token.h"
#include "room/rooms.h"

namespace ahoy::room::api {

enum class To {
    describe,
    list_rooms,
    inspect_room,
    create_room,
    arrange_room,
    end_room,
    remove_participant,
    make_token,
};

// One of the API's; `path` as OpenAPI writes it.
struct Operation {
    To to;
    std::string_view method;
    std::string_view path;
};
inline constexpr std::array operations{
    Operation{To::describe, "GET", "/openapi.json"},
    Operation{To::list_rooms, "GET", "/v1/rooms"},
    Operation{To::create_room, "POST", "/v1/rooms"},
    Operation{To::inspect_room, "GET", "/v1/rooms/{room}"},
    Operation{To::arrange_room, "PUT", "/v1/rooms/{room}"},
    Operation{To::end_room, "DELETE", "/v1/rooms/{room}"},
    Operation{To::remove_participant, "DELETE", "/v1/rooms/{room}/participants/{id}"},
    Operation{To::make_token, "POST", "/v1/rooms/{room}/tokens"},
};

// What a request asks for; read once, because its room says on which shard to handle it.
struct Route {
    To to{};
    std::string room;
    Number participant = 0;
};
Result<Route, HttpResponse> route_of(const HttpRequest&);

// Who may use the API.  Keeps no key, only what it takes to know one again.
class Keys {
  public:
    explicit Keys(const std::map<std::string, std::string>& by_name = {});
    // Whose key an Authorization header has (RFC 6750, section 2.1); null if it is nobody's.
    const std::string* find(std::string_view authorization) const;

  private:
    std::map<std::string, Sha256> digests_;
};
HttpResponse unauthorized();

// The contract itself.
std::string_view openapi();
HttpResponse describe();

// What is about one room, on its shard.  Of a room to be created the shell has made the name.
HttpResponse handle(Now, const HttpRequest&, const Route&, Rooms&, Deliveries&);

// A token for one room, which need not be there; null: rooms are open.
HttpResponse make_token(Now, const HttpRequest&, const Route&, const JoinTokens*, const RoomNames&);

// A page of the list: each shard has a part of it.
struct Page {
    static constexpr size_t most = 1000;
    static constexpr size_t usual = 100;

    std::string after;  // the name before the first; "" for the very first
    size_t limit = usual;
};
struct Entry {
    std::string name;
    std::string json;
};
Result<Page, HttpResponse> page_of(const HttpRequest&);
std::vector<Entry> list(const Rooms&, const Page&);
// `all`: of all shards, in any order.
HttpResponse listed(std::vector<Entry> all, const Page&);

}  // namespace ahoy::room::api
