// What the tests of this folder share: rooms with a virtual clock, and people who speak.
#pragma once

#include <gmock/gmock.h>

#include "room/rooms.h"

namespace ahoy::room {

inline void PrintTo(const Delivery& d, std::ostream* os) {
    *os << "to " << d.to.number << (d.close ? " close" : ": " + d.message);
}

inline std::string text(LeftReason reason) {
    switch (reason) {
        case LeftReason::left:
            return "left";
        case LeftReason::removed:
            return "removed";
        case LeftReason::never_registered:
            return "never registered";
        case LeftReason::socket_lost:
            return "socket lost";
        case LeftReason::room_expired:
            return "room expired";
        case LeftReason::gave_way:
            return "gave way";
        case LeftReason::room_closed:
            return "room closed";
    }
    return "?";
}

inline std::string text(ClosedReason reason) {
    switch (reason) {
        case ClosedReason::empty:
            return "";
        case ClosedReason::idle:
            return ", idle";
        case ClosedReason::gave_way:
            return ", gave way";
        case ClosedReason::closed:
            return ", closed";
    }
    return "?";
}

// Writes down what happened, one line each.
class Diary : public Observer {
  public:
    void room_opened(std::string_view room) override { add(room, "opened"); }
    void room_closed(std::string_view room, ClosedReason why) override {
        add(room, "closed" + text(why));
    }
    void client_joined(std::string_view room, Number n) override {
        add(room, std::to_string(n) + " joined");
    }
    void client_left(std::string_view room, Number n, LeftReason why) override {
        add(room, std::to_string(n) + " " + text(why));
    }

    std::vector<std::string> lines;

  private:
    void add(std::string_view room, const std::string& what) {
        lines.push_back(std::string(room) + " " + what);
    }
};

class RoomsTest : public testing::Test {
  public:
    static Limits relaxed() {
        Limits limits;
        limits.require_join = false;
        return limits;
    }
    static ConnectionId socket(uint64_t number) { return {.shard = 0, .number = number}; }

  protected:
    explicit RoomsTest(const Limits& limits = {}) { start(limits); }

    void start(const Limits& limits) {
        rooms = std::make_unique<Rooms>(limits, Random::from_number(1), diary, tickets, room_names);
    }
    void pass(Duration time) {
        now.steady += time;
        rooms->expire(now, out);
    }
    Joined join(std::string_view room = "room", Rooms::Mode mode = Rooms::Mode::call) {
        auto joined = rooms->join(now, room, mode, out);
        EXPECT_TRUE(joined);
        return joined.value_or(Joined{});
    }
    bool full(std::string_view room = "room") {
        const auto joined = rooms->join(now, room, Rooms::Mode::call, out);
        return !joined && joined.error() == JoinRefusal::full;
    }
    bool connect(uint64_t number, const std::string& client, std::string_view room = "room") {
        return rooms->register_client(now, socket(number), room, client, out).has_value();
    }
    // By HTTP to the room server, by WebSocket, by HTTP to Collider.
    bool message(const std::string& client, std::string what) {
        return rooms->message(now, "room", client, std::move(what), out).has_value();
    }
    bool send(uint64_t number, std::string what) {
        return rooms->send(now, socket(number), std::move(what), out).has_value();
    }
    bool post(const std::string& client, std::string what) {
        return rooms->post(now, "room", client, std::move(what), out).has_value();
    }
    void leave(const std::string& client) { rooms->leave(now, "room", client, out); }
    void remove(const std::string& client) { rooms->remove(now, "room", client, out); }
    void lose(uint64_t number) { rooms->socket_lost(now, socket(number), out); }

    Deliveries delivered() { return std::exchange(out, {}); }
    static Delivery to(uint64_t number, std::string what) {
        return {.to = socket(number), .message = std::move(what)};
    }
    static Delivery close(uint64_t number) {
        return {.to = socket(number), .message = {}, .close = true};
    }

    Diary diary;
    ResumeTickets tickets{ResumeTickets::Key{1, 2, 3}, 0};  // numbers begin with 1
    RoomNames room_names;
    std::unique_ptr<Rooms> rooms;
    Now now{Instant{} + 1000h, WallTime{}};
    Deliveries out;
};

}  // namespace ahoy::room
