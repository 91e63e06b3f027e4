// What the server says in our own protocol, as JSON text.
#include <boost/json/serialize.hpp>

#include "room/native.h"

namespace ahoy::room::native {
namespace {

namespace json = boost::json;

std::string quoted(std::string_view text) {
    return json::serialize(json::string_view(text.data(), text.size()));
}

std::string_view word(bool value) {
    return value ? "true" : "false";
}

int64_t milliseconds(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

// The inside of an object, written field by field.
class Fields {
  public:
    Fields() = default;
    explicit Fields(std::string_view type) { text("type", type); }

    Fields& raw(std::string_view name, std::string_view value) {
        if (!text_.empty()) text_ += ',';
        text_ += '"';
        text_ += name;
        text_ += "\":";
        text_ += value;
        return *this;
    }
    Fields& text(std::string_view name, std::string_view value) { return raw(name, quoted(value)); }
    Fields& number(std::string_view name, uint64_t value) {
        return raw(name, std::to_string(value));
    }
    Fields& flag(std::string_view name, bool value) { return raw(name, word(value)); }

    Fields& profile(const Profile& profile) {
        text("name", profile.name).text("role", label(profile.role));
        for (const auto& [what, name] : showings) flag(name, profile.shows[what]);
        return *this;
    }
    Fields& other(const Other& other) {
        return number("id", other.number)
            .profile(other.profile)
            .flag("connected", other.connected)
            .flag("legacy", other.legacy)
            .flag("offer", other.offer);
    }
    Fields& line(const ChatLine& line) {
        return number("n", line.n)
            .number("from", line.from)
            .text("name", line.name)
            .text("text", line.text)
            .number("time", static_cast<uint64_t>(milliseconds(line.time.time_since_epoch())));
    }

    std::string inside() const { return text_; }
    std::string object() const { return '{' + text_ + '}'; }

  private:
    std::string text_;
};

template <class Things, class Write>
std::string array(const Things& things, Write write) {
    std::string text = "[";
    for (const auto& thing : things) {
        if (text.size() > 1) text += ',';
        text += write(thing);
    }
    return text + ']';
}

struct Words {
    std::string_view code;
    std::string_view message;
    bool retry = false;
    Duration retry_after{};
    uint16_t status = 1000;
};

Words words(Refusal refusal) {
    switch (refusal) {
        case Refusal::bad_message:
            return {"bad-message", "This message is not one of the protocol's.", false, {}, 1008};
        case Refusal::unsupported_version:
            return {"unsupported-version", "This server speaks version 1."};
        case Refusal::bad_room:
            return {"bad-room", "A room's name is made of letters, digits, - and _."};
        case Refusal::unknown_room:
            return {"unknown-room", "This server makes the names of its rooms, and not this one."};
        case Refusal::room_full:
            return {"room-full", "The room is full.", true, 10s};
        case Refusal::room_locked:
            return {"room-locked", "The room is locked.", true, 10s};
        case Refusal::denied:
            return {"denied", "The host did not let you in."};
        case Refusal::lobby_closed:
            return {"lobby-closed", "Nobody can let you in at the moment.", true, 10s};
        case Refusal::token_required:
            return {"token-required", "This room is for who has a token."};
        case Refusal::bad_token:
            return {"bad-token", "This token is not for this room, or not of this server's keys."};
        case Refusal::token_expired:
            return {"token-expired", "This token was good until a moment that is over."};
        case Refusal::too_many_rooms:
            return {"too-many-rooms", "This server has as many rooms as it may.", true, 60s};
        case Refusal::too_many_joins:
            return {"too-many-joins", "Your network has joined too often.", true, 60s};
        case Refusal::draining:
            return {"draining", "This server is about to stop.", true, 10s};
        case Refusal::not_host:
            return {"not-host", "Only the host may do that."};
        case Refusal::unknown_participant:
            return {"unknown-participant", "They are not here any more."};
        case Refusal::too_large:
            return {"too-large", "This is longer than it may be."};
        case Refusal::queue_full:
            return {"queue-full", "Too much waits for them already.", true, 1s};
        case Refusal::too_fast:
            return {"too-fast", "Too many messages or bytes.", true, 10s, 1008};
        case Refusal::session_ended:
            return {"session-ended", "The seat is gone; enter the room anew."};
        case Refusal::bad_resume:
            return {"bad-resume", "This is no token of this server; enter the room anew."};
        case Refusal::not_in_time:
            return {"not-in-time", "No hello came in time.", true};
        case Refusal::too_many_invites:
            return {"too-many-invites", "Revoke an invite first."};
    }
    return {};
}

Fields error(Refusal refusal, std::optional<uint64_t> id) {
    const Words w = words(refusal);
    Fields fields("error");
    if (id) fields.number("id", *id);
    fields.text("code", w.code).text("message", w.message).flag("retry", w.retry);
    if (w.retry_after > Duration{}) {
        fields.number("retry_after", static_cast<uint64_t>(milliseconds(w.retry_after)));
    }
    return fields;
}

std::string_view label(ByeReason reason) {
    switch (reason) {
        case ByeReason::left:
            return "left";
        case ByeReason::removed:
            return "removed";
        case ByeReason::closed:
            return "closed";
        case ByeReason::replaced:
            return "replaced";
        case ByeReason::expired:
            return "expired";
        case ByeReason::shutdown:
            return "shutdown";
        case ByeReason::moved:
            return "moved";
    }
    return "";
}

std::string_view message(ByeReason reason) {
    switch (reason) {
        case ByeReason::left:
            return "You have left.";
        case ByeReason::removed:
            return "You were removed from the room.";
        case ByeReason::closed:
            return "The call was ended for all.";
        case ByeReason::replaced:
            return "You have come back over another connection.";
        case ByeReason::expired:
            return "The room was idle for too long.";
        case ByeReason::shutdown:
            return "The server stops; it may be back soon.";
        case ByeReason::moved:
            return "The server stops; another one goes on.";
    }
    return "";
}

Fields bye(ByeReason reason) {
    Fields fields("bye");
    fields.text("reason", label(reason)).text("message", message(reason));
    return fields;
}

}  // namespace

// ---- answers

std::string error_frame(Refusal refusal, std::optional<uint64_t> id) {
    return error(refusal, id).object();
}

Tell refuse(Refusal refusal) {
    return {error_frame(refusal), words(refusal).status};
}

std::string ack_frame(uint64_t id) {
    return Fields("ack").number("id", id).object();
}

std::string waiting_frame() {
    return Fields("waiting").object();
}

std::string pong_frame(std::string_view time, std::optional<Duration> round_trip) {
    Fields fields("pong");
    fields.raw("time", time);
    if (round_trip) fields.number("rtt", static_cast<uint64_t>(milliseconds(*round_trip)));
    return fields.object();
}

std::string bye_frame(ByeReason reason) {
    return bye(reason).flag("retry", false).object();
}

std::string shutdown_frame(Duration retry_after, std::string_view moved_to) {
    Fields fields = bye(moved_to.empty() ? ByeReason::shutdown : ByeReason::moved);
    fields.flag("retry", true)
        .number("retry_after", static_cast<uint64_t>(milliseconds(retry_after)));
    if (!moved_to.empty()) fields.text("url", moved_to);
    return fields.object();
}

// What version 1 did not have from the beginning.  A client asks for nothing that is not among
// them.
constexpr std::string_view features = R"(["attempt"])";

std::string welcome_frame(const Welcome& welcome) {
    Fields fields("welcome");
    fields.number("version", version)
        .raw("features", features)
        .number("seq", welcome.seq)
        .number("received", welcome.received)
        .flag("resumed", welcome.resumed)
        .raw("missed", welcome.missed ? std::to_string(*welcome.missed) : "null")
        .raw("you", Fields().number("id", welcome.number).profile(*welcome.you).object());
    if (const auto& scene = welcome.scene) {
        fields
            .raw("room", Fields()
                             .text("name", scene->name)
                             .number("capacity", scene->capacity)
                             .flag("locked", scene->locked)
                             .flag("lobby", scene->lobby)
                             .object())
            .raw("participants",
                 array(scene->others, [](const Other& o) { return Fields().other(o).object(); }))
            .raw("chat",
                 array(scene->chat, [](const ChatLine* l) { return Fields().line(*l).object(); }));
    }
    return fields.raw("ice_servers", welcome.ice_servers)
        .text("resume", welcome.resume)
        .number("resume_timeout", static_cast<uint64_t>(milliseconds(welcome.resume_timeout)))
        .object();
}

// ---- events

std::string error_event(Refusal refusal, uint64_t id) {
    return error(refusal, id).inside();
}

std::string invite_event(uint64_t id, std::string_view key) {
    return Fields("invite").number("id", id).text("key", key).inside();
}

std::string ice_event(uint64_t id, std::string_view ice_servers) {
    return Fields("ice").number("id", id).raw("ice_servers", ice_servers).inside();
}

std::string joined_event(const Other& other) {
    return Fields("joined").raw("participant", Fields().other(other).object()).inside();
}

std::string left_event(uint32_t number, std::string_view reason) {
    return Fields("left").number("id", number).text("reason", reason).inside();
}

std::string changed_event(uint32_t number, const ProfileChange& change) {
    Fields fields("changed");
    fields.number("id", number);
    if (change.name) fields.text("name", *change.name);
    if (change.role) fields.text("role", room::label(*change.role));
    for (const auto& [what, name] : showings) {
        if (const auto& shows = change.shows[what]) fields.flag(name, *shows);
    }
    if (change.connected) fields.flag("connected", *change.connected);
    return fields.inside();
}

std::string signal_event(uint32_t from, std::string_view data) {
    return Fields("signal").number("from", from).text("data", data).inside();
}

std::string message_event(uint32_t from, std::string_view data, bool is_private) {
    return Fields("message")
        .number("from", from)
        .text("data", data)
        .flag("private", is_private)
        .inside();
}

std::string chat_event(const ChatLine& line) {
    return Fields("chat").line(line).inside();
}

std::string room_event(std::optional<bool> locked, std::optional<bool> lobby) {
    Fields fields("room");
    if (locked) fields.flag("locked", *locked);
    if (lobby) fields.flag("lobby", *lobby);
    return fields.inside();
}

std::string mute_event(uint32_t from, Showing what) {
    return Fields("mute")
        .number("from", from)
        .text("what", showings[static_cast<size_t>(what)].second)
        .inside();
}

std::string knock_event(uint32_t knock, std::string_view name) {
    return Fields("knock").number("knock", knock).text("name", name).inside();
}

std::string knock_over_event(uint32_t knock) {
    return Fields("knock_over").number("knock", knock).inside();
}

}  // namespace ahoy::room::native
