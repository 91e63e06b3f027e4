// Collider on the wire (apprtc.md, section 3): its WebSocket frames, its HTTP side and its
// counters.
//
// A `Session` is one WebSocket's half of the protocol and lives with the socket; `Rooms` lives on
// the room's shard.  The shell carries the one's actions to the other.  The one place that turns
// refusals into Collider's words.
#pragma once

#include <variant>

#include "room/http.h"
#include "room/rooms.h"
#include "room/session_limits.h"

namespace ahoy::room::collider {

// Android refuses longer frames.
inline constexpr size_t max_frame = 128 << 10;

// Server to client: both keys in every frame, escaped as Go does, and a newline.
std::string message_frame(std::string_view text);
std::string error_frame(std::string_view error);
// Fit to be delivered to any client: valid UTF-8 (D4) that fits into a frame, and not empty, which
// native clients take for the end of the call.
bool deliverable(std::string_view text);

struct Register {
    std::string room;
    std::string client;
};
struct Send {
    std::string text;
};
struct Failure {  // counts as one of Collider's wserrors
    std::string frame;
    bool close = true;
    uint16_t status = 1000;  // of the close (RFC 6455, section 7.4.1)
};
struct Nothing {};
using Action = std::variant<Nothing, Register, Send, Failure>;

class Session {
  public:
    explicit Session(Instant opened = {}, const SessionLimits& = {});

    // One text or binary message.  After a Failure with `close`, for which the shell sends the
    // frame and closes, the session is over, and what still comes means Nothing.
    Action receive(Instant, std::string_view frame);
    // By itself, so that it was ended.
    bool was_too_fast() const { return pace_.exceeded(); }
    // Its network has sent too much; the session is over.
    Failure too_fast();
    // When to call expire(): a socket that never registers must not stay for ever.
    Instant register_by() const { return register_by_; }
    std::optional<Failure> expire(Instant);
    // What the rooms answered to the latest action, and what to tell the client of it.
    std::optional<Failure> answered(const Result<void, RegisterRefusal>&);
    std::optional<Failure> answered(const Result<void, SendRefusal>&);
    // Where to carry Send, and the loss of the socket; empty before Register.
    const std::string& room() const { return room_; }

  private:
    Action understand(std::string_view frame);
    Failure failed(Failure);

    Instant register_by_;
    Pace pace_;
    std::string room_;
    bool registered_ = false;
    bool over_ = false;
};

Failure refused(RegisterRefusal);
Failure refused(SendRefusal);
HttpResponse refused_post(SendRefusal);

// The HTTP side: POST and DELETE of `prefix`/{room}/{client}, where the prefix is "/collider" on
// the shared port and "" on a port of Collider's own.  What a target asks for, read once, because
// its room says on which shard to handle it:
struct Route {
    std::string path;  // below the prefix
    std::string room;  // of a path of two ids, which may be empty
    std::string client;
    bool has_ids = false;
};
// Nothing when the path is not below the prefix.
std::optional<Route> route_of(std::string_view target, std::string_view prefix);
// A status of 400 and more counts as one of Collider's httperrors.
HttpResponse handle(Now, const HttpRequest&, const Route&, Rooms&, Deliveries&);

// GET /status: sums over all shards.
struct Status {
    Duration up{};
    size_t open_sockets = 0;
    uint64_t total_sockets = 0;
    uint64_t socket_errors = 0;
    uint64_t http_errors = 0;
};
HttpResponse status(const Status&);

}  // namespace ahoy::room::collider
