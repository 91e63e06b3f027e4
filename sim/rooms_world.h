// Rooms in a bad world: clients of AppRTC and of our own protocol whose requests, answers and
// sockets get lost at any point, who come twice, leave in every order, and make things up; a server
// that starts anew, and a wall clock that jumps.
#pragma once

#include <functional>
#include <memory>
#include <queue>

#include "sim/dice.h"
#include "sim/rooms_server.h"

namespace ahoy::sim {

// Whoever is called by name in a call, and hears what its sockets do.
class SocketOwner {
  public:
    virtual ~SocketOwner() = default;
    virtual void hear(ConnectionId, const std::string& frame) = 0;
    virtual void socket_closed(ConnectionId) = 0;
    virtual void call(const std::string& room) = 0;
    virtual bool has_talked() const = 0;
    virtual void hang_up() = 0;
};

class RoomsWorld {
  public:
    RoomsWorld(uint64_t seed, std::optional<Duration> length, Trace& trace);
    ~RoomsWorld();
    void run();

    // For visitors.
    Dice& dice() { return dice_; }
    Now now() const { return now_; }
    Trace& trace() { return trace_; }
    const room::Limits& limits() const { return limits_; }
    const std::vector<std::string>& rooms() const { return rooms_; }
    bool is_calm() const { return calm_; }
    Duration pace() const { return pace_; }
    bool doubles_requests() const { return doubled_requests_ > 0; }
    // Keys that were given out, in any room; some are revoked.
    std::vector<std::string>& invites() { return invites_; }
    void later(Duration, std::function<void()>);
    // The answer may get lost, or the request itself.
    void request(RoomsEvent, std::function<void(const RoomsReply&)> answered);
    ConnectionId open_socket(SocketOwner&, Dialect);
    void send_frame(ConnectionId, std::string text);
    void lose_socket(ConnectionId);   // the server learns it later
    void close_socket(ConnectionId);  // the server learns it behind all that was sent

  private:
    struct Event {
        Instant at;
        uint64_t order;
        mutable std::function<void()> happens;
        bool operator>(const Event& other) const {
            return std::pair(at, order) > std::pair(other.at, other.order);
        }
    };
    // A WebSocket: two pipes that keep order.
    struct Socket {
        SocketOwner* owner = nullptr;
        bool slow = false;
        Instant up, down;  // when the latest frame each way arrives
    };

    void draw_limits();
    void run_until(Instant);
    bool step(Instant limit);
    void at(Instant, std::function<void()>);
    Duration delay();
    void move_to(Instant);
    void carry_frames();
    void deliver(const RoomsServer::Frame&);
    void calm();
    void check_nothing_remains();
    void converge(Dialect, Dialect);
    void add_people();
    void schedule_troubles();
    void restart();
    std::unique_ptr<SocketOwner> make(Dialect, uint32_t number);

    Dice dice_;
    Trace& trace_;
    Now now_{Instant{} + 1000h, WallTime(1'770'000'000s)};
    Instant clock_set_at_ = now_.steady;
    WallTime clock_set_to_ = now_.wall;
    Duration length_, pace_;
    room::Limits limits_;
    std::vector<std::string> rooms_;
    unsigned lost_requests_ = 0, lost_answers_ = 0, doubled_requests_ = 0;  // percent
    unsigned natives_ = 0;
    Duration slowest_ = 100ms;
    Duration lateness_{};  // of the timer
    bool calm_ = false;
    std::unique_ptr<RoomsServer> server_;
    std::vector<std::unique_ptr<SocketOwner>> visitors_;
    std::vector<std::string> invites_;
    std::map<ConnectionId, Socket> sockets_;
    uint64_t last_socket_ = 0;
    uint64_t run_ = 1;  // of the server
    std::priority_queue<Event, std::vector<Event>, std::greater<>> queue_;
    uint64_t order_ = 0;
};

}  // namespace ahoy::sim
