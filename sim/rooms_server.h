// The rooms behind their dialects, as the shell runs them, with the oracle beside: every event
// goes to both, and what comes of it must be the same.
#pragma once

#include <memory>
#include <set>

#include "room/apprtc.h"
#include "room/collider.h"
#include "room/native.h"
#include "sim/rooms_model.h"

namespace ahoy::sim {

struct RoomsEvent {
    enum class Kind { join, message, leave, post, remove };
    Kind kind{};
    std::string room, client, text;
    bool loopback = false;
};

struct RoomsReply {
    Answer answer = Answer::ok;
    std::string client;  // of a join
    bool initiator = false;
    std::vector<std::string> messages;
};

enum class Dialect { collider, native };

class RoomsServer : private room::Observer {
  public:
    // What the shell does next, in order: `frame` to a socket, or close it.
    struct Frame {
        ConnectionId to;
        std::string text;
        bool close = false;
    };

    RoomsServer(const room::Limits&, uint64_t seed, Trace&);

    RoomsReply http(Now, const RoomsEvent&);
    void socket_opened(Now, ConnectionId, Dialect);
    void frame(Now, ConnectionId, std::string_view text);
    void socket_lost(Now, ConnectionId);
    void expire(Now);
    Instant next_deadline() const { return rooms_->next_deadline(); }
    // Nothing stays but the key of the resume tokens; all sockets are gone.
    void restart(Now);

    std::vector<Frame> take_frames() { return std::exchange(frames_, {}); }
    const RoomsModel& model() const { return model_; }
    room::Stats stats() const { return rooms_->stats(); }

  private:
    void client_joined(std::string_view room, Number) override;
    void client_left(std::string_view room, Number, LeftReason) override;

    room::HttpResponse respond(Now, const room::HttpRequest&);
    RoomsReply join(Now, const RoomsEvent&, const room::HttpResponse&);
    void registers(Now, ConnectionId, const room::collider::Register&);
    void sends(Now, ConnectionId, std::string text);
    void refuse(ConnectionId, const room::collider::Failure&);
    void hears_native(Now, ConnectionId, room::native::Session&, std::string_view text);
    void enters(Now, ConnectionId, room::native::Enter);
    void resumes(Now, ConnectionId, room::native::Resume, const std::string& token);
    void asks(Now, ConnectionId, room::native::Request);
    void learn_tokens(Now);
    void compare(const Expected&, Answer, std::string_view what);
    void carry_out();

    room::Limits limits_;
    Trace& trace_;
    const uint64_t seed_;
    uint64_t run_ = 1;
    room::ResumeTickets tickets_;
    std::optional<room::Rooms> rooms_;
    room::apprtc::Dialect apprtc_;
    RoomsModel model_;
    std::map<ConnectionId, room::collider::Session> sessions_;
    std::map<ConnectionId, room::native::Session> native_sessions_;
    room::Deliveries out_;
    std::vector<std::pair<Number, LeftReason>> left_;
    std::map<std::string, size_t, std::less<>> occupancy_;
    std::set<std::string> issued_;
    std::vector<Frame> frames_;
};

}  // namespace ahoy::sim
