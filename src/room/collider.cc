#include "room/collider.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "room/go_json.h"

namespace ahoy::room::collider {
namespace {

namespace json = boost::json;

// --- frames

// As Go's encoding/json writes a string; the only difference to any other is which escapes it uses.
void append_quoted(std::string& to, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    to += '"';
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const auto byte = static_cast<uint8_t>(c);
        const std::string_view rest = text.substr(i);
        if (c == '"' || c == '\\') {
            to += {'\\', c};
        } else if (c == '\n') {
            to += "\\n";
        } else if (c == '\r') {
            to += "\\r";
        } else if (c == '\t') {
            to += "\\t";
        } else if (byte < 0x20 || c == '<' || c == '>' || c == '&') {
            to += {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 0x0f]};
        } else if (rest.starts_with("\xe2\x80\xa8") || rest.starts_with("\xe2\x80\xa9")) {
            to += rest[2] == '\xa8' ? "\\u2028" : "\\u2029";  // line ends of JavaScript
            i += 2;
        } else {
            to += c;
        }
    }
    to += '"';
}

std::string frame(std::string_view message, std::string_view error) {
    std::string text;
    text.reserve(message.size() + message.size() / 8 + error.size() + 32);
    text += R"({"msg":)";
    append_quoted(text, message);
    text += R"(,"error":)";
    append_quoted(text, error);
    text += "}\n";
    return text;
}

Failure failure(std::string_view error, bool close = true) {
    return {.frame = error_frame(error), .close = close};
}

// --- parsing, with Go's complaints

Failure not_received(std::string_view error) {
    return failure("websocket.JSON.Receive error: " + std::string(error));
}

std::string_view go_kind(const json::value& value) {
    switch (value.kind()) {
        case json::kind::object:
            return "object";
        case json::kind::array:
            return "array";
        case json::kind::string:
            return "string";
        case json::kind::bool_:
            return "bool";
        case json::kind::null:
            return "null";
        case json::kind::int64:
        case json::kind::uint64:
        case json::kind::double_:
            break;
    }
    return "number";
}

Failure syntax_error(std::string_view text, const json::error_code& error) {
    const std::string complaint = go_syntax_error(text);
    // Go takes some of what is refused here, such as half a surrogate pair.
    return not_received(complaint.empty() ? error.message() : complaint);
}

struct Fields {
    std::string cmd, room, client, message;
};

// Every frame stands for itself: a missing field is empty, whatever the frame before said.
Result<Fields, Failure> parse(std::string_view text) {
    json::error_code error;
    const json::value value = json::parse({text.data(), text.size()}, error);
    if (error) return unexpected(syntax_error(text, error));
    Fields fields;
    if (value.is_null()) return fields;
    if (!value.is_object()) {
        return unexpected(not_received("json: cannot unmarshal " + std::string(go_kind(value)) +
                                       " into Go value of type collider.wsClientMsg"));
    }
    const std::pair<std::string_view, std::string*> wanted[] = {{"cmd", &fields.cmd},
                                                                {"roomid", &fields.room},
                                                                {"clientid", &fields.client},
                                                                {"msg", &fields.message}};
    for (const auto& [name, field] : wanted) {
        const json::value* found = value.get_object().if_contains({name.data(), name.size()});
        if (!found || found->is_null()) continue;
        if (!found->is_string()) {
            return unexpected(not_received(
                "json: cannot unmarshal " + std::string(go_kind(*found)) +
                " into Go struct field wsClientMsg." + std::string(name) + " of type string"));
        }
        field->assign(found->get_string().begin(), found->get_string().end());
    }
    return fields;
}

// --- HTTP

std::string escape_html(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        switch (c) {
            case '<':
                escaped += "&lt;";
                break;
            case '>':
                escaped += "&gt;";
                break;
            case '&':
                escaped += "&amp;";
                break;
            case '\'':
                escaped += "&#39;";
                break;
            case '"':
                escaped += "&#34;";
                break;
            default:
                escaped += c;
        }
    }
    return escaped;
}

HttpResponse respond(unsigned status, std::string body) {
    HttpResponse response{.status = status,
                          .body = std::move(body),
                          .headers = {{"Access-Control-Allow-Origin", "*"},
                                      {"Access-Control-Allow-Methods", "POST, DELETE"}}};
    if (!response.body.empty()) response.content_type = "text/plain; charset=utf-8";
    if (status >= 400) response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    return response;
}

HttpResponse not_sent(std::string_view why, unsigned status = 500) {
    return respond(status, "Failed to send the message: " + std::string(why) + "\n");
}

HttpResponse post(Now now, const HttpRequest& request, const Route& route, Rooms& rooms,
                  Deliveries& out) {
    if (request.body.empty()) return respond(500, "Empty request body\n");
    if (!is_utf8(request.body)) return not_sent("Invalid UTF-8");
    if (!deliverable(request.body)) return refused_post(SendRefusal::too_large);
    const auto said = rooms.post(now, route.room, route.client, request.body, out);
    return said ? respond(200, "OK\n") : refused_post(said.error());
}

}  // namespace

HttpResponse refused_post(SendRefusal why) {
    switch (why) {
        case SendRefusal::room_full:
            return not_sent("Max room capacity reached");
        case SendRefusal::too_many_rooms:
            return not_sent("Max number of rooms reached");
        case SendRefusal::too_large:
            return not_sent("Message too large");
        case SendRefusal::queue_full:
            return not_sent("Too many messages queued for the client");
        case SendRefusal::too_fast:
            return not_sent("Too many messages in the room", 429);
        case SendRefusal::unknown_room:
        case SendRefusal::unknown_client:
        case SendRefusal::bad_id:
            break;
    }
    return not_sent("Unknown client", 403);  // one answer, whichever of the two is wrong
}

std::string message_frame(std::string_view text) {
    return frame(text, "");
}

std::string error_frame(std::string_view error) {
    return frame("", error);
}

bool deliverable(std::string_view text) {
    // Escapes make a byte six at most; most messages need no second look.
    const size_t longest = text.size() * 6 + 32;
    return !text.empty() && is_utf8(text) &&
           (longest <= max_frame || message_frame(text).size() <= max_frame);
}

Session::Session(Instant opened, const SessionLimits& limits)
    : register_by_(opened + limits.register_timeout), pace_(limits) {}

Failure Session::failed(Failure failure) {
    over_ = failure.close;
    return failure;
}

Action Session::receive(Instant now, std::string_view text) {
    if (over_) return Nothing{};
    if (!pace_.take(now, text.size())) return too_fast();
    Action action = understand(text);
    if (const auto* failure = std::get_if<Failure>(&action)) return failed(*failure);
    return action;
}

Failure Session::too_fast() {
    return failed({.frame = error_frame("Too many messages or bytes"), .status = 1008});
}

std::optional<Failure> Session::expire(Instant now) {
    if (over_ || registered_ || now < register_by_) return {};
    return failed(failure("Not registered in time"));
}

std::optional<Failure> Session::answered(const Result<void, RegisterRefusal>& answer) {
    registered_ = answer.has_value();
    if (answer) return {};
    return failed(refused(answer.error()));
}

std::optional<Failure> Session::answered(const Result<void, SendRefusal>& answer) {
    if (answer) return {};
    return failed(refused(answer.error()));
}

Action Session::understand(std::string_view text) {
    auto fields = parse(text);
    if (!fields) return fields.error();
    if (fields->cmd == "register") {
        if (!room_.empty()) return failure("Duplicated register request");
        if (fields->room.empty() || fields->client.empty()) {
            return failure("Invalid register request: missing 'clientid' or 'roomid'");
        }
        room_ = fields->room;
        return Register{std::move(fields->room), std::move(fields->client)};
    }
    if (fields->cmd == "send") {
        if (room_.empty()) return failure("Client not registered");
        if (fields->message.empty()) return failure("Invalid send request: missing 'msg'");
        if (!deliverable(fields->message)) return refused(SendRefusal::too_large);
        return Send{std::move(fields->message)};
    }
    return failure("Invalid message: unexpected 'cmd'", /*close=*/false);
}

Failure refused(RegisterRefusal why) {
    switch (why) {
        case RegisterRefusal::duplicate:
            return failure("Duplicated registration");
        case RegisterRefusal::room_full:
            return failure("Max room capacity reached");
        case RegisterRefusal::too_many_rooms:
            return failure("Max number of rooms reached");
        case RegisterRefusal::unknown_client:
        case RegisterRefusal::bad_id:
            break;
    }
    return failure("Invalid register request: unknown 'clientid' or 'roomid'");
}

// Collider lost such messages without a word; whoever sent one is told, and goes on.
Failure refused(SendRefusal why) {
    switch (why) {
        case SendRefusal::too_large:
            return failure("Message too large", false);
        case SendRefusal::queue_full:
            return failure("Too many messages queued for the client", false);
        case SendRefusal::too_fast:
            return failure("Too many messages in the room", false);
        case SendRefusal::room_full:
            return failure("Max room capacity reached", false);
        case SendRefusal::too_many_rooms:
            return failure("Max number of rooms reached", false);
        case SendRefusal::unknown_room:
        case SendRefusal::unknown_client:
        case SendRefusal::bad_id:
            break;
    }
    return failure("Client not registered");
}

std::optional<Route> route_of(std::string_view target, std::string_view prefix) {
    std::string path = path_of(target);
    if (!path.starts_with(prefix)) return {};
    path.erase(0, prefix.size());
    if (!path.starts_with('/')) return {};
    const auto pieces = split_path(path);
    if (pieces.size() != 3) return Route{.path = path};
    return Route{path, std::string(pieces[1]), std::string(pieces[2]), true};
}

HttpResponse handle(Now now, const HttpRequest& request, const Route& route, Rooms& rooms,
                    Deliveries& out) {
    if (!route.has_ids) return respond(500, "Invalid path: " + escape_html(route.path) + "\n");
    if (request.method == "POST") return post(now, request, route, rooms, out);
    if (request.method != "DELETE") return respond(200, "");
    rooms.remove(now, route.room, route.client, out);
    return respond(200, "OK\n");
}

HttpResponse status(const Status& status) {
    // Milliseconds are enough, and the shortest digits are what Go writes.
    const double up =
        static_cast<double>(
            std::chrono::duration_cast<std::chrono::milliseconds>(status.up).count()) /
        1000;
    char digits[32];
    const auto end =
        std::to_chars(std::begin(digits), std::end(digits), up, std::chars_format::fixed);
    HttpResponse response{
        .content_type = "text/plain; charset=utf-8",
        .headers = {{"Access-Control-Allow-Origin", "*"}, {"Access-Control-Allow-Methods", "GET"}}};
    response.body = "{\"upsec\":" + std::string(digits, end.ptr) +
                    ",\"openws\":" + std::to_string(status.open_sockets) +
                    ",\"totalws\":" + std::to_string(status.total_sockets) +
                    ",\"wserrors\":" + std::to_string(status.socket_errors) +
                    ",\"httperrors\":" + std::to_string(status.http_errors) + "}\n";
    return response;
}

}  // namespace ahoy::room::collider
