// What the rooms may do, from AppRTC's and Collider's protocols: an oracle that is told every event
// and says what must come of it.
//
// A room here is one list of letters in the order in which they were accepted, each with the seat
// that it waits for.  What the server keeps in a queue per client and one for the next to come is
// only a view of that list; that is how order is known not to depend on queues.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "room/rooms.h"
#include "sim/trace.h"

namespace ahoy::sim {

using room::ConnectionId;
using room::Delivery;
using room::LeftReason;
using room::Number;

enum class Answer { ok, full, too_many, unknown_room, unknown, duplicate, too_large, queue_full };
std::string_view label(Answer);

struct Expected {
    Answer answer = Answer::ok;
    bool initiator = false;
    std::vector<std::string> handed;  // in a join's answer
    std::vector<Delivery> deliveries;
    std::vector<std::pair<Number, LeftReason>> left;
};

class RoomsModel {
  public:
    RoomsModel(const room::Limits& limits, Trace& trace) : limits_(limits), trace_(trace) {}

    // `id`: what the server made for the new client, had it a seat.
    Expected join(Instant, const std::string& room, const std::string& id, bool loopback);
    Expected message(Instant, const std::string& room, const std::string& id, std::string text);
    Expected leave(Instant, const std::string& room, const std::string& id);
    Expected connect(Instant, ConnectionId, const std::string& room, const std::string& id);
    Expected send(Instant, ConnectionId, std::string text);
    Expected post(Instant, const std::string& room, const std::string& id, std::string text);
    Expected remove(Instant, const std::string& room, const std::string& id);
    Expected socket_lost(Instant, ConnectionId);
    Expected expire(Instant);

    size_t rooms() const { return rooms_.size(); }
    size_t seats() const;
    size_t connections() const { return connections_.size(); }

  private:
    struct Letter {
        Number from = 0;  // 0: the server
        Number to = 0;    // 0: whoever comes next
        std::string text;
        bool handed = false;     // in a join's answer, which may be lost
        Number returned_by = 0;  // by somebody who never showed up
        uint64_t said = 0;       // the same of all copies of what was said once
    };
    struct Person {
        Number number = 0;
        std::string id;
        bool is_loopback = false;
        bool joined = false;
        bool spoke = false;
        bool registered = false;
        std::optional<ConnectionId> socket;
        Instant since;
        bool showed_up() const { return spoke || registered; }
    };
    struct Gone {
        Number number = 0;
        std::string id;
        std::optional<ConnectionId> socket;
        Number knew = 0;
        Instant until;
    };
    struct Room {
        uint64_t epoch = 0;
        std::vector<Person> people;
        std::vector<Gone> gone;
        std::vector<Letter> letters;
        Number last = 0;
        Instant active, company;

        Person* find(const std::string& id);
        Person* find(Number);
        Gone* find_gone(const std::string& id);
    };
    struct Bound {
        std::string room;
        uint64_t epoch = 0;
        Number number = 0;
    };

    Room* look_up(Instant, const std::string& name, Expected&);
    Room* open(Instant, const std::string& name, Expected&);
    void give_way(Instant, Expected&);
    Instant gives_way_at(const Room&) const;
    Person& seat(Instant, Room&, const std::string& id, bool loopback);
    void say(Instant, Room&, Number sender, const std::string& text, Expected&);
    void say_bye(Room&, const Gone&, const std::string& text, Expected&);
    void give(Room&, const Person&, Number from, const std::string& text, Expected&);
    bool has_room(const Room&, Number to, size_t bytes) const;
    void show_up(Room&, Person&);
    void take_out(Room&, Number, LeftReason, Expected&);
    void close(ConnectionId, Expected&);
    void settle(Instant, const std::string& name, Expected&);
    bool expire_one(Instant, Room&, Expected&);
    Instant deadline(const Room&, const Person&) const;

    room::Limits limits_;
    Trace& trace_;
    std::map<std::string, Room> rooms_;
    std::map<ConnectionId, Bound> connections_;
    std::set<std::string> names_;  // that any room ever had
    uint64_t last_epoch_ = 0;
    uint64_t last_said_ = 0;
};

}  // namespace ahoy::sim
