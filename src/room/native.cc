// What a client says in our own protocol, parsed.
#include "room/native.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "room/http.h"

namespace ahoy::room::native {
namespace {

namespace json = boost::json;

// Reads fields of an object.  A field of the wrong kind, or one that is missing and must not be,
// makes it spent, so that a parser asks once, at the end.
class Object {
  public:
    explicit Object(const json::object& object) : object_(object) {}

    std::string text(std::string_view name, size_t most) {
        return optional_text(name, most, true).value_or("");
    }
    std::optional<std::string> optional_text(std::string_view name, size_t most,
                                             bool required = false) {
        const json::value* value = find(name, required);
        if (!value) return {};
        if (!value->is_string()) return wrong();
        const auto& string = value->get_string();
        if (string.size() > most) too_large_ = true;
        return std::string(string.begin(), string.end());
    }
    std::optional<std::string> name() {
        auto name = optional_text("name", max_name * 4);
        if (name && characters(*name) > max_name) too_large_ = true;
        return name;
    }
    std::optional<bool> flag(std::string_view name) {
        const json::value* value = find(name, false);
        if (!value) return {};
        if (!value->is_bool()) return wrong();
        return value->get_bool();
    }
    uint64_t number(std::string_view name, bool required = true) {
        const json::value* value = find(name, required);
        if (!value) return 0;
        if (!value->is_int64() || value->get_int64() < 0) return wrong(), 0;
        return static_cast<uint64_t>(value->get_int64());
    }
    uint32_t participant(std::string_view name) {
        const uint64_t wide = number(name);
        const auto number = static_cast<uint32_t>(wide);
        return number == wide ? number : 0;  // which nobody has
    }
    bool has(std::string_view name) const { return object_.contains({name.data(), name.size()}); }

    bool ok() const { return ok_; }
    bool too_large() const { return too_large_; }
    std::nullopt_t wrong() {
        ok_ = false;
        return std::nullopt;
    }

  private:
    const json::value* find(std::string_view name, bool required) {
        const json::value* value = object_.if_contains({name.data(), name.size()});
        if (value && value->is_null()) value = nullptr;
        if (!value && required) wrong();
        return value;
    }

    const json::object& object_;
    bool ok_ = true;
    bool too_large_ = false;
};

EachShowing<bool> read_shows(Object& from) {
    EachShowing<bool> shows;
    for (const auto& [what, name] : showings) shows[what] = from.flag(name).value_or(false);
    return shows;
}

Set read_set(Object& from) {
    Set set;
    set.change.name = from.name();
    for (const auto& [what, name] : showings) set.change.shows[what] = from.flag(name);
    return set;
}

Mute read_mute(Object& from) {
    Mute mute{.to = from.participant("to")};
    const std::string wanted = from.text("what", max_key);
    const auto found = std::ranges::find(showings, wanted, [](const auto& s) { return s.second; });
    if (found == showings.end()) {
        from.wrong();
    } else {
        mute.what = found->first;
    }
    return mute;
}

std::optional<Command> read_command(std::string_view type, Object& from) {
    if (type == "signal") return Signal{from.participant("to"), from.text("data", max_data)};
    if (type == "message") {
        Say say;
        if (from.has("to")) say.to = from.participant("to");
        say.data = from.text("data", max_data);
        return say;
    }
    if (type == "chat") return Chat{from.text("text", max_chat)};
    if (type == "set") return read_set(from);
    if (type == "ice") return Ice{};
    if (type == "leave") return Leave{};
    if (type == "room") return SetRoom{from.flag("locked"), from.flag("lobby")};
    if (type == "admit") return Answer{from.participant("knock"), true};
    if (type == "deny") return Answer{from.participant("knock"), false};
    if (type == "mute") return read_mute(from);
    if (type == "remove") return Remove{from.participant("to")};
    if (type == "host") return MakeHost{from.participant("to")};
    if (type == "invite") return Invite{};
    if (type == "revoke") return Revoke{from.text("key", max_key)};
    if (type == "close") return Close{};
    return {};
}

Action read_hello(WallTime now, Object& from, const ResumeTickets& tickets) {
    const uint64_t wanted = from.number("version");
    if (from.ok() && wanted != version) return refuse(Refusal::unsupported_version);
    const EachShowing<bool> shows = read_shows(from);
    if (from.has("resume")) {
        const std::string text = from.text("resume", max_token);
        Resume resume{
            .seq = from.number("seq"), .shows = shows, .attempt = from.number("attempt", false)};
        if (!from.ok()) return refuse(Refusal::bad_message);
        auto ticket = tickets.open(text, now);
        if (!ticket) return refuse(Refusal::bad_resume);
        resume.ticket = *std::move(ticket);
        return resume;
    }
    Enter enter{.room = from.text("room", max_frame), .profile = {.shows = shows}};
    enter.profile.name = from.name().value_or("");
    enter.token = from.optional_text("token", max_token).value_or("");
    enter.invite = from.optional_text("invite", max_key).value_or("");
    if (!from.ok()) return refuse(Refusal::bad_message);
    if (enter.room.size() > max_room || !is_route_id(enter.room)) return refuse(Refusal::bad_room);
    if (from.too_large()) return refuse(Refusal::too_large);
    return enter;
}

// The time comes back as it was, whatever clock it is of.
Action read_ping(const json::object& from, std::optional<Duration> round_trip) {
    const json::value* time = from.if_contains("time");
    if (!time || !time->is_number()) return refuse(Refusal::bad_message);
    return Tell{pong_frame(json::serialize(*time), round_trip)};
}

Refusal refusal_of(EntryRefusal why) {
    switch (why) {
        case EntryRefusal::token_required:
            return Refusal::token_required;
        case EntryRefusal::token_expired:
            return Refusal::token_expired;
        case EntryRefusal::bad_token:
            break;
    }
    return Refusal::bad_token;
}

}  // namespace

std::optional<Refusal> present_token(const JoinTokens& tokens, WallTime now, Enter& enter) {
    auto claims = tokens.admit(enter.token, enter.room, now);
    if (!claims) return refusal_of(claims.error());
    Profile& profile = enter.profile;
    profile.name_given = !claims->name.empty();
    if (profile.name_given) profile.name = std::move(claims->name);
    profile.role_given = claims->role.has_value();
    profile.role = claims->role.value_or(profile.role);
    return {};
}

Session::Session(Instant opened, const SessionLimits& limits, const ResumeTickets& tickets)
    : tickets_(tickets), hello_by_(opened + limits.register_timeout), pace_(limits) {}

Tell Session::end(Tell tell) {
    if (tell.close) over_ = true;
    return tell;
}

Action Session::receive(Now now, std::string_view frame) {
    if (over_) return Nothing{};
    if (!pace_.take(now.steady, frame.size())) return too_fast();
    if (frame.size() > max_frame) return end(refuse(Refusal::too_large));
    Action action = understand(now, frame);
    if (const auto* tell = std::get_if<Tell>(&action)) return end(*tell);
    return action;
}

std::optional<Tell> Session::expire(Instant now) {
    if (over_ || !room_.empty() || now < hello_by_) return {};
    return end(refuse(Refusal::not_in_time));
}

Action Session::understand(Now now, std::string_view frame) {
    json::error_code error;
    const json::value value = json::parse({frame.data(), frame.size()}, error);
    if (error || !value.is_object()) return refuse(Refusal::bad_message);
    Object object(value.get_object());
    const std::string type = object.text("type", max_key);
    if (type == "ping") return read_ping(value.get_object(), round_trip_);
    if (room_.empty()) {
        if (type != "hello") return refuse(Refusal::bad_message);
        Action action = read_hello(now.wall, object, tickets_);
        if (const auto* enter = std::get_if<Enter>(&action)) room_ = enter->room;
        if (const auto* resume = std::get_if<Resume>(&action)) room_ = resume->ticket.room;
        return action;
    }
    if (type == "ack") {
        const Acknowledge acknowledge{object.number("seq")};
        return object.ok() ? Action(acknowledge) : refuse(Refusal::bad_message);
    }
    Request request{.id = object.number("id")};
    auto command = read_command(type, object);
    if (!command || !object.ok() || request.id <= last_id_) return refuse(Refusal::bad_message);
    last_id_ = request.id;
    if (object.too_large()) return Tell{error_frame(Refusal::too_large, request.id)};
    request.command = *std::move(command);
    return request;
}

}  // namespace ahoy::room::native
