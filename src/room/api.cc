#include "room/api.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

namespace ahoy::room::api {
namespace {

namespace json = boost::json;

constexpr std::string_view bearer = "bearer ";
constexpr auto retry_after = "10";  // seconds

template <class Integer>
std::optional<Integer> number_of(std::string_view text) {
    Integer value{};
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || rest != end) return {};
    return value;
}

// ---- answers

HttpResponse answer(unsigned status, std::string body) {
    return {.status = status,
            .content_type = "application/json",
            .body = std::move(body),
            .headers = {{"Cache-Control", "no-store"}}};
}

std::string_view title_of(unsigned status) {
    switch (status) {
        case 401:
            return "Unauthorized";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 409:
            return "Conflict";
        case 503:
            return "Service Unavailable";
        default:
            return "Bad Request";
    }
}

HttpResponse problem(unsigned status, std::string_view code, std::string_view detail) {
    HttpResponse response = answer(status, json::serialize(json::object{{"type", "about:blank"},
                                                                        {"title", title_of(status)},
                                                                        {"status", status},
                                                                        {"code", code},
                                                                        {"detail", detail}}));
    response.content_type = "application/problem+json";
    return response;
}

HttpResponse bad_request(std::string_view detail) {
    return problem(400, "bad-request", detail);
}

HttpResponse unknown_path() {
    return problem(404, "unknown-path", "There is nothing here; GET /openapi.json says what is.");
}

HttpResponse unknown_room() {
    return problem(404, "unknown-room",
                   "There is no such room: nobody is in it, and nobody has made it.");
}

HttpResponse unknown_name() {
    return problem(404, "unknown-room",
                   "Names are secrets here, and this server has not made this one; POST /v1/rooms "
                   "makes a room with a name.");
}

HttpResponse unknown_participant() {
    return problem(404, "unknown-participant", "Nobody with this id is in the room.");
}

HttpResponse wrong_method(const std::string& allow) {
    HttpResponse response =
        problem(405, "wrong-method", "This path takes the methods in the Allow header.");
    response.headers.emplace_back("Allow", allow);
    return response;
}

HttpResponse refused(Rooms::ArrangeRefusal why) {
    if (why == Rooms::ArrangeRefusal::bad_room_id) {
        return bad_request("A room's name has 1 to 256 of the characters a-z, A-Z, 0-9, - and _.");
    }
    if (why == Rooms::ArrangeRefusal::unknown_room) return unknown_name();
    const bool draining = why == Rooms::ArrangeRefusal::draining;
    HttpResponse response =
        problem(503, draining ? "draining" : "too-many-rooms",
                draining ? "The server is about to stop and opens no new room."
                         : "There are as many rooms as rooms.max_rooms allows.");
    response.headers.emplace_back("Retry-After", retry_after);
    return response;
}

// ---- rooms as JSON

json::object participant_json(const Room::Member& member) {
    Profile profile;
    if (member.participant) {
        profile = member.participant->profile;
    } else {  // whose client does not say
        profile.shows[Showing::mic] = profile.shows[Showing::camera] = true;
    }
    json::object entry{{"id", member.number},
                       {"name", profile.name},
                       {"role", label(profile.role)},
                       {"connected", member.connection.has_value()},
                       {"legacy", member.participant == nullptr}};
    for (const auto& [what, name] : showings) entry[name] = profile.shows[what];
    return entry;
}

json::object summary_json(std::string_view name, const Room& room) {
    json::object entry{{"room", name},
                       {"locked", room.locked()},
                       {"lobby", room.has_lobby()},
                       {"capacity", room.capacity()},
                       {"empty_timeout", nullptr},
                       {"occupancy", room.members().size()},
                       {"waiting", room.waiting_in_lobby()}};
    if (const auto timeout = room.empty_timeout()) {
        entry["empty_timeout"] = std::chrono::floor<std::chrono::seconds>(*timeout).count();
    }
    return entry;
}

std::string room_json(std::string_view name, const Room& room) {
    json::object entry = summary_json(name, room);
    json::array participants;
    for (const Room::Member& member : room.members()) {
        participants.push_back(participant_json(member));
    }
    entry["participants"] = std::move(participants);
    return json::serialize(entry);
}

// ---- what a room shall be

constexpr std::string_view wish_shape =
    "The body is a JSON object with any of these fields and no other: \"locked\" and \"lobby\" "
    "(true or false), \"capacity\" and \"empty_timeout\" (whole numbers).";

bool read(const json::value& value, std::optional<bool>& out) {
    if (value.is_bool()) out = value.get_bool();
    return value.is_bool();
}

bool read(const json::value& value, std::optional<int64_t>& out) {
    if (value.is_int64()) out = value.get_int64();
    return value.is_int64();
}

Result<RoomWish, std::string> parse_wish(std::string_view body, const Limits& limits) {
    if (body.empty()) return RoomWish{};
    json::error_code error;
    const json::value parsed = json::parse({body.data(), body.size()}, error);
    if (error || !parsed.is_object()) return unexpected(std::string(wish_shape));
    RoomWish wish;
    std::optional<int64_t> capacity, empty_timeout;
    for (const auto& [name, value] : parsed.get_object()) {
        const bool right = name == "locked"          ? read(value, wish.locked)
                           : name == "lobby"         ? read(value, wish.lobby)
                           : name == "capacity"      ? read(value, capacity)
                           : name == "empty_timeout" ? read(value, empty_timeout)
                                                     : false;
        if (!right) return unexpected(std::string(wish_shape));
    }
    const auto least = static_cast<int64_t>(limits.capacity);
    const auto most = static_cast<int64_t>(limits.conference_capacity);
    if (capacity && (*capacity < least || *capacity > most)) {
        return unexpected("\"capacity\" is from " + std::to_string(least) + " to " +
                          std::to_string(most) + " (rooms.capacity).");
    }
    const auto longest = std::chrono::floor<std::chrono::seconds>(limits.lifetime).count();
    if (empty_timeout && (*empty_timeout < 1 || *empty_timeout > longest)) {
        return unexpected("\"empty_timeout\" is in seconds, from 1 to " + std::to_string(longest) +
                          " (rooms.lifetime).");
    }
    if (capacity) wish.capacity = static_cast<size_t>(*capacity);
    if (empty_timeout) wish.empty_timeout = std::chrono::seconds(*empty_timeout);
    return wish;
}

// ---- what a token shall say

constexpr std::string_view token_shape =
    "The body is a JSON object with any of these fields and no other: \"name\" (64 characters at "
    "most), \"sub\" and \"kid\" (texts), \"role\" (\"host\" or \"guest\") and \"expires_in\" "
    "(whole seconds, from 1 to 2592000).";
constexpr int64_t usual_token_seconds = 3600;
constexpr int64_t most_token_seconds = 30 * 24 * 3600;

struct TokenWish {
    Claims claims;
    std::string kid;
};

bool read(const json::value& value, std::string& out) {
    if (value.is_string()) out.assign(value.get_string().begin(), value.get_string().end());
    return value.is_string();
}

bool read(const json::value& value, std::optional<Role>& out) {
    std::string text;
    if (read(value, text)) out = role_of(text);
    return out.has_value();
}

// Nothing if it has another shape.
std::optional<TokenWish> parse_token_wish(const HttpRequest& request, const Route& route, Now now) {
    json::error_code error;
    const std::string_view body = request.body.empty() ? "{}" : std::string_view(request.body);
    const json::value parsed = json::parse({body.data(), body.size()}, error);
    if (error || !parsed.is_object()) return {};
    TokenWish wish{.claims = {.room = route.room}, .kid = {}};
    std::optional<int64_t> seconds = usual_token_seconds;
    for (const auto& [name, value] : parsed.get_object()) {
        const bool right = name == "name"         ? read(value, wish.claims.name)
                           : name == "sub"        ? read(value, wish.claims.subject)
                           : name == "role"       ? read(value, wish.claims.role)
                           : name == "expires_in" ? read(value, seconds)
                           : name == "kid"        ? read(value, wish.kid)
                                                  : false;
        if (!right) return {};
    }
    if (*seconds < 1 || *seconds > most_token_seconds) return {};
    wish.claims.expires_at = now.wall + std::chrono::seconds(*seconds);
    return wish;
}

// ---- handlers

HttpResponse inspect(Now now, const Route& route, Rooms& rooms, Deliveries& out) {
    const Room* room = rooms.look(now, route.room, out);
    return room ? answer(200, room_json(route.room, *room)) : unknown_room();
}

HttpResponse arrange(Now now, const HttpRequest& request, const Route& route, Rooms& rooms,
                     Deliveries& out) {
    if (!is_route_id(route.room)) return refused(Rooms::ArrangeRefusal::bad_room_id);
    const auto wish = parse_wish(request.body, rooms.limits());
    if (!wish) return bad_request(wish.error());
    const auto is_new = rooms.arrange(now, route.room, *wish, out);
    if (!is_new) return refused(is_new.error());
    HttpResponse response = inspect(now, route, rooms, out);
    if (*is_new) response.status = 201;
    return response;
}

HttpResponse create(Now now, const HttpRequest& request, const Route& route, Rooms& rooms,
                    Deliveries& out) {
    HttpResponse response = arrange(now, request, route, rooms, out);
    if (response.status == 201)
        response.headers.emplace_back("Location", "/v1/rooms/" + route.room);
    return response;
}

HttpResponse remove(Now now, const Route& route, Rooms& rooms, Deliveries& out) {
    if (!rooms.look(now, route.room, out)) return unknown_room();
    const bool removed = rooms.expel(now, route.room, route.participant, out);
    return removed ? HttpResponse{.status = 204} : unknown_participant();
}

// Whether the path is that of the operation, and with which names in the places of {…}.
std::optional<Route> match(const Operation& operation,
                           const std::vector<std::string_view>& pieces) {
    const auto wanted = split_path(operation.path);
    if (wanted.size() != pieces.size()) return {};
    Route route{.to = operation.to};
    for (size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i] == "{room}") {
            if (pieces[i].empty() || !is_utf8(pieces[i])) return {};
            route.room = pieces[i];
        } else if (wanted[i] == "{id}") {
            const auto number = number_of<Number>(pieces[i]);
            if (!number) return {};
            route.participant = *number;
        } else if (wanted[i] != pieces[i]) {
            return {};
        }
    }
    return route;
}

}  // namespace

// ---- routes

Result<Route, HttpResponse> route_of(const HttpRequest& request) {
    const std::string path = path_of(request.target);
    const auto pieces = split_path(path);
    std::string_view method = request.method;
    if (method == "HEAD") method = "GET";
    std::string allow;
    for (const Operation& operation : operations) {
        auto route = match(operation, pieces);
        if (!route) continue;
        if (operation.method == method) return *std::move(route);
        allow += (allow.empty() ? "" : ", ") + std::string(operation.method);
        if (operation.method == "GET") allow += ", HEAD";
    }
    return unexpected(allow.empty() ? unknown_path() : wrong_method(allow));
}

HttpResponse handle(Now now, const HttpRequest& request, const Route& route, Rooms& rooms,
                    Deliveries& out) {
    switch (route.to) {
        case To::inspect_room:
            return inspect(now, route, rooms, out);
        case To::create_room:
            return create(now, request, route, rooms, out);
        case To::arrange_room:
            return arrange(now, request, route, rooms, out);
        case To::end_room:
            return rooms.end(now, route.room, out) ? HttpResponse{.status = 204} : unknown_room();
        case To::remove_participant:
            return remove(now, route, rooms, out);
        case To::describe:
        case To::list_rooms:
        case To::make_token:
            break;
    }
    return unknown_path();
}

HttpResponse make_token(Now now, const HttpRequest& request, const Route& route,
                        const JoinTokens* tokens, const RoomNames& names) {
    if (tokens == nullptr) {
        return problem(409, "rooms-are-open",
                       "Nobody needs a token here; rooms.access = \"token\" changes that.");
    }
    if (!is_route_id(route.room)) return refused(Rooms::ArrangeRefusal::bad_room_id);
    if (!names.accepts(route.room)) return unknown_name();
    const auto wish = parse_token_wish(request, route, now);
    if (!wish) return bad_request(token_shape);
    const auto token = tokens->mint(wish->claims, wish->kid);
    if (!token) {
        return bad_request(
            "\"kid\" is that of one of rooms.tokens.keys, or left out if there is one alone.");
    }
    // So that nobody is given one that this server would refuse.
    if (!tokens->verify(*token, now.wall)) return bad_request(token_shape);
    const auto expires_at = wish->claims.expires_at.time_since_epoch().count();
    return answer(201, json::serialize(json::object{
                           {"room", route.room}, {"token", *token}, {"expires_at", expires_at}}));
}

HttpResponse describe() {
    HttpResponse response = answer(200, "");
    response.static_body = openapi();
    return response;
}

// ---- keys

Keys::Keys(const std::map<std::string, std::string>& by_name) {
    for (const auto& [name, key] : by_name) digests_.emplace(name, sha256(as_bytes(key)));
}

// All are compared, and in constant time.
const std::string* Keys::find(std::string_view authorization) const {
    const std::string_view scheme = authorization.substr(0, bearer.size());
    const bool is_bearer = std::ranges::equal(scheme, bearer, [](char a, char b) {
        return a == b || (a >= 'A' && a <= 'Z' && a + ('a' - 'A') == b);
    });
    if (!is_bearer) return nullptr;
    const Sha256 digest = sha256(as_bytes(authorization.substr(bearer.size())));
    const std::string* found = nullptr;
    for (const auto& [name, known] : digests_) {
        if (equal_in_constant_time(digest, known)) found = &name;
    }
    return found;
}

HttpResponse unauthorized() {
    HttpResponse response = problem(
        401, "unauthorized",
        "The request needs \"Authorization: Bearer KEY\" with one of the server's api.keys.");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
}

// ---- the list

Result<Page, HttpResponse> page_of(const HttpRequest& request) {
    const auto query = Parameters::of_query(request.target);
    Page page{.after = query.get("after")};
    if (const auto text = query.find("limit")) {
        const auto limit = number_of<size_t>(*text);
        if (!limit || *limit < 1 || *limit > Page::most) {
            return unexpected(
                bad_request("\"limit\" is from 1 to " + std::to_string(Page::most) + "."));
        }
        page.limit = *limit;
    }
    return page;
}

std::vector<Entry> list(const Rooms& rooms, const Page& page) {
    std::vector<Entry> entries;
    rooms.visit(page.after, [&](const std::string& name, const Room& room) {
        // Another name, which JSON cannot carry, is known to who chose it.
        if (is_utf8(name)) entries.push_back({name, json::serialize(summary_json(name, room))});
        return entries.size() < page.limit;
    });
    return entries;
}

HttpResponse listed(std::vector<Entry> all, const Page& page) {
    std::ranges::sort(all, {}, &Entry::name);
    const bool more = all.size() >= page.limit;
    all.resize(std::min(all.size(), page.limit));
    std::string body = R"({"rooms":[)";
    for (const Entry& entry : all) {
        if (body.back() == '}') body += ',';
        body += entry.json;
    }
    body += ']';
    if (more) body += R"(,"next":)" + json::serialize(json::string(all.back().name));
    return answer(200, body + '}');
}

}  // namespace ahoy::room::api
