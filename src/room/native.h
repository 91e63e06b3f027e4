// Our own protocol on the wire (docs/protocol.md): what a client says, parsed, and what it is told,
// written.
//
// A `Session` is one WebSocket's half of it and lives with the socket; `Rooms` lives on the room's
// shard and carries the actions out.  The one place that turns refusals into the protocol's words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "room/join_token.h"
#include "room/participant.h"
#include "room/resume_ticket.h"
#include "room/session_limits.h"

namespace ahoy::room::native {

inline constexpr unsigned version = 1;
inline constexpr size_t max_frame = 128 << 10;  // bytes, both ways
inline constexpr size_t max_data = 64 << 10;    // bytes, of a signal or message
inline constexpr size_t max_chat = 4000;        // bytes
inline constexpr size_t max_room = 256;         // characters
inline constexpr size_t max_key = 64;           // characters, of an invite
inline constexpr size_t max_token = JoinTokens::max_size;

enum class Refusal : uint8_t {
    bad_message,
    unsupported_version,
    bad_room,
    unknown_room,
    room_full,
    room_locked,
    denied,
    lobby_closed,
    token_required,
    bad_token,
    token_expired,
    too_many_rooms,
    too_many_joins,
    draining,
    not_host,
    unknown_participant,
    too_large,
    queue_full,
    too_fast,
    session_ended,
    bad_resume,
    not_in_time,
    too_many_invites,
};

// ---- what a client says

// Into a room, as somebody new.
struct Enter {
    std::string room;
    Profile profile;
    std::string token;
    std::string invite;
    std::string ice_servers = {};  // for the welcome: JSON, put in by the shell
};
// Asks the token whether its bearer may enter; its name and role win over what the client said.
std::optional<Refusal> present_token(const JoinTokens&, WallTime, Enter&);

// Back to one's seat.
struct Resume {
    ResumeTicket ticket;
    uint64_t seq = 0;  // of the latest event that was handled
    EachShowing<bool> shows;
    uint64_t attempt = 0;  // grows from hello to hello; 0: the client does not say
    std::string ice_servers = {};
};

struct Signal {
    uint32_t to = 0;
    std::string data;
};
struct Say {
    std::optional<uint32_t> to;  // nothing: all others
    std::string data;
};
struct Chat {
    std::string text;
};
struct Set {
    ProfileChange change;
};
struct Ice {
    std::string ice_servers = {};
};
struct Leave {};
struct SetRoom {
    std::optional<bool> locked, lobby;
};
struct Answer {  // to a knock
    uint32_t knock = 0;
    bool admits = false;
};
struct Mute {
    uint32_t to = 0;
    Showing what{};
};
struct Remove {
    uint32_t to = 0;
};
struct MakeHost {
    uint32_t to = 0;
};
struct Invite {};
struct Revoke {
    std::string key;
};
struct Close {};
using Command = std::variant<Signal, Say, Chat, Set, Ice, Leave, SetRoom, Answer, Mute, Remove,
                             MakeHost, Invite, Revoke, Close>;

struct Request {
    uint64_t id = 0;
    Command command;
};
struct Acknowledge {
    uint64_t seq = 0;
};
// Nothing for a room to do: to be sent, and then perhaps the end.
struct Tell {
    std::string frame;
    std::optional<uint16_t> close = {};  // with this status (RFC 6455, section 7.4.1)
};
struct Nothing {};
using Action = std::variant<Nothing, Enter, Resume, Request, Acknowledge, Tell>;

// Of a request, or, without an id, of the socket, which is then to be closed.
std::string error_frame(Refusal, std::optional<uint64_t> id = {});
Tell refuse(Refusal);

class Session {
  public:
    // `tickets` outlives this.
    Session(Instant opened, const SessionLimits&, const ResumeTickets& tickets);

    // After a Tell with `close` the session is over, and what still comes means Nothing.
    Action receive(Now, std::string_view frame);
    // By itself, so that it was ended.
    bool was_too_fast() const { return pace_.exceeded(); }
    // Its network has sent too much; the session is over.
    Tell too_fast() { return end(refuse(Refusal::too_fast)); }
    // How long the server has waited for the answer to its latest ping.
    void measured(Duration round_trip) { round_trip_ = round_trip; }
    // When to call expire(): a socket that never says hello must not stay for ever.
    Instant hello_by() const { return hello_by_; }
    std::optional<Tell> expire(Instant);
    // Where to carry requests, and the loss of the socket; empty before hello.
    const std::string& room() const { return room_; }

  private:
    Action understand(Now, std::string_view frame);
    Tell end(Tell);

    const ResumeTickets& tickets_;
    Instant hello_by_;
    Pace pace_;
    std::string room_;
    std::optional<Duration> round_trip_;
    uint64_t last_id_ = 0;
    bool over_ = false;
};

// ---- what a client is told

std::string ack_frame(uint64_t id);
std::string waiting_frame();
// `time`: the JSON number of the ping.
std::string pong_frame(std::string_view time, std::optional<Duration> round_trip);

enum class ByeReason : uint8_t { left, removed, closed, replaced, expired, shutdown, moved };
std::string bye_frame(ByeReason);
// The server stops: whoever is here may come back, here or, with a URL, there.
std::string shutdown_frame(Duration retry_after, std::string_view moved_to);

// Another participant, as one of them sees it.
struct Other {
    uint32_t number = 0;
    Profile profile;
    bool connected = true;
    bool legacy = false;
    bool offer = false;  // the viewer makes the first offer
};
struct ChatLine {
    uint64_t n = 0;
    uint32_t from = 0;
    std::string name;
    std::string text;
    WallTime time;
};
struct Welcome {
    uint64_t seq = 0;
    uint64_t received = 0;
    bool resumed = false;
    std::optional<uint64_t> missed = 0;
    uint32_t number = 0;
    const Profile* you = nullptr;
    std::string_view ice_servers;
    std::string_view resume;
    Duration resume_timeout{};
    // The rest of what one has to know, unless it is known already.
    struct Scene {
        std::string_view name;
        size_t capacity = 0;
        bool locked = false, lobby = false;
        std::vector<Other> others;
        std::vector<const ChatLine*> chat;
    };
    std::optional<Scene> scene;
};
std::string welcome_frame(const Welcome&);

// Events: the insides of JSON objects, to which EventLog adds the number.
std::string error_event(Refusal, uint64_t id);
std::string invite_event(uint64_t id, std::string_view key);
std::string ice_event(uint64_t id, std::string_view ice_servers);
std::string joined_event(const Other&);
std::string left_event(uint32_t number, std::string_view reason);
std::string changed_event(uint32_t number, const ProfileChange&);
std::string signal_event(uint32_t from, std::string_view data);
std::string message_event(uint32_t from, std::string_view data, bool is_private);
std::string chat_event(const ChatLine&);
std::string room_event(std::optional<bool> locked, std::optional<bool> lobby);
std::string mute_event(uint32_t from, Showing what);
std::string knock_event(uint32_t knock, std::string_view name);
std::string knock_over_event(uint32_t knock);

}  // namespace ahoy::room::native
