// What the rooms may do, from AppRTC's and Collider's protocols (apprtc.md) and our own
// (docs/protocol.md): an oracle that is told every event and says what must come of it.
//
// A room here is one list of letters in the order in which they were accepted, each with the seat
// that it waits for.  What the server keeps in a queue per client and one for the next to come is
// only a view of that list; that is how order is known not to depend on queues.
#pragma once

#include <boost/json/object.hpp>
#include <deque>
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

inline bool ends_the_room(LeftReason why) {
    return why == LeftReason::room_closed || why == LeftReason::room_expired ||
           why == LeftReason::gave_way;
}

// A frame of our own protocol as it is compared: keys in order, and without what nobody can
// foretell or what is for people.
std::string comparable(const boost::json::object& frame);

class RoomsModel {
  public:
    RoomsModel(const room::Limits& limits, Trace& trace) : limits_(limits), trace_(trace) {}

    // `id`: what the server made for the new client, had it a seat.
    Expected join(Now, const std::string& room, const std::string& id, bool loopback);
    Expected message(Instant, const std::string& room, const std::string& id, std::string text);
    Expected leave(Instant, const std::string& room, const std::string& id);
    Expected connect(Now, ConnectionId, const std::string& room, const std::string& id);
    Expected send(Instant, ConnectionId, std::string text);
    Expected post(Now, const std::string& room, const std::string& id, std::string text);
    Expected remove(Instant, const std::string& room, const std::string& id);
    Expected socket_lost(Instant, ConnectionId);
    Expected expire(Instant);

    // Our own protocol (rooms_model_native.cc).  `key`: of the invite that the server made.
    Expected enter(Now, ConnectionId, const room::native::Enter&);
    Expected resume(Now, ConnectionId, const std::string& token, const room::native::Resume&);
    Expected request(Now, ConnectionId, const room::native::Request&, const std::string& key);
    void acknowledge(ConnectionId, uint64_t seq);
    // What a welcome to that socket said: good for the seat that it holds.
    void gave_token(Now, ConnectionId, const std::string& token);
    bool knows_token(WallTime, const std::string& token) const;

    // All is forgotten but what clients keep.
    void restart(Instant restore_until);

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
    // What a participant of our own protocol is besides.
    struct Native {
        room::Profile profile;
        uint64_t seq = 0;
        std::deque<std::pair<uint64_t, std::string>> kept;  // events, comparable
        uint64_t received = 0;
        uint64_t attempt = 0;
        bool restored = false;

        bool is_host() const { return profile.role == room::Role::host; }
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
        std::optional<Native> native;
        bool showed_up() const { return spoke || registered; }
    };
    struct Knock {
        Number number = 0;
        ConnectionId socket;
        room::native::Enter wish;
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

        bool locked = false, lobby = false;
        Instant hostless_until = Instant::max();
        std::vector<Knock> knocks;
        std::set<std::string> invites;
        std::deque<boost::json::object> chat;
        uint64_t last_line = 0;

        bool has_natives() const;
        bool has_legacy() const;
        bool is_full_for_legacy(const room::Limits&) const;
        Person* host();
        Person* find(const std::string& id);
        Person* find(Number);
        Gone* find_gone(const std::string& id);
    };
    struct Bound {
        std::string room;
        uint64_t epoch = 0;
        Number number = 0;
    };
    // What a client may come back with.
    struct Ticket {
        Bound seat;
        uint64_t run = 0;
        room::Profile profile;
        WallTime issued;
    };
    using Frame = boost::json::object;
    using Code = std::string_view;  // of an error, or empty

    Room* look_up(Instant, const std::string& name, Expected&);
    Room* open(Now, const std::string& name, Expected&);
    void give_way(Instant, Expected&);
    Instant gives_way_at(const Room&) const;
    Person& seat(Instant, Room&, const std::string& id, bool loopback);
    void say(Instant, Room&, Number sender, const std::string& text, Expected&);
    void say_bye(Room&, const Gone&, const std::string& text, Expected&);
    void give(Room&, const Person&, Number from, const std::string& text, Expected&);
    bool has_room(const Room&, Number to, size_t bytes) const;
    void show_up(Room&, Person&);
    void take_out(Room&, Number, LeftReason, Expected&);
    // take_out(), and the end of the socket.
    void dismiss(Room&, Number, LeftReason, Expected&);
    void close(ConnectionId, Expected&);
    void settle(Instant, const std::string& name, Expected&);
    bool expire_one(Instant, Room&, Expected&);
    Instant deadline(const Room&, const Person&) const;

    // rooms_model_native.cc
    void hear(ConnectionId, const Frame&, Expected&);
    void tell(Person&, Frame event, Expected&);
    void tell_natives(Room&, const Frame& event, Expected&, const Person* but = nullptr);
    bool reaches(const Room&, const Person&, size_t bytes) const;
    Frame seen_by(const Room&, const Person& viewer, const Person& other) const;
    void announce(Room&, const Person&, Expected&);
    void announce_left(Room&, const Person& gone, LeftReason, Expected&);
    void say_goodbye(const Room&, const Person& gone, LeftReason, Expected&);
    void find_heir(Room&, Expected&);
    void change(Room&, Person&, const room::ProfileChange&, bool tells_itself, Expected&);
    void end_conference(Room&, Expected&);
    void turn_away(ConnectionId, Code, Expected&);
    bool is_let_in(const Room&, const room::native::Enter&) const;
    Code refuses(const Room&, const room::native::Enter&) const;
    void sit(Now, Room&, const std::string& name, ConnectionId, const room::Profile&, Number,
             Expected&);
    void greet(Room&, const std::string& name, Person&, std::optional<uint64_t> seq,
               bool knows_past, Expected&);
    void restore(Now, ConnectionId, const Ticket&, const room::native::Resume&, Expected&);
    std::optional<Knock> take_knock(Room&, Number, Expected&);
    Code carry_out(Now, Room&, const std::string& name, Number self, const room::native::Request&,
                   const std::string& key, Expected&);

    room::Limits limits_;
    Trace& trace_;
    std::map<std::string, Room> rooms_;
    std::map<ConnectionId, Bound> connections_;
    std::set<std::string> names_;            // that any room ever had
    std::map<std::string, Ticket> tickets_;  // by token
    uint64_t run_ = 1;
    uint64_t last_epoch_ = 0;
    Number last_number_ = 0;  // of rooms that are gone
    uint64_t last_said_ = 0;
};

}  // namespace ahoy::sim
