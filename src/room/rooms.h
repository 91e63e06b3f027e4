// All rooms of one shard: events in, deliveries and answers out.
//
// AppRTC's room server and Collider are two programs that keep the same rooms apart from each
// other; here they are one (apprtc.md, section 8).  A `Rooms` belongs to one shard, which feeds it
// every event of its rooms and carries out the deliveries.  It does no I/O, reads no clock and
// knows neither HTTP nor Collider's frames: `apprtc` and `collider` translate.  What is said in our
// own protocol it answers itself (rooms_native.cc), because answers and events come in one order.
//
// Nothing waits for a timer: each call first lets expire what is due in the room it concerns.
#pragma once

#include <map>
#include <set>

#include "base/random.h"
#include "room/room.h"
#include "room/room_names.h"

namespace ahoy::room {

enum class JoinRefusal {
    full,
    bad_room_id,
    unknown_room,  // its name is not one that the server has made
    too_many_rooms,
    too_many_joins,
    draining
};

struct Joined {
    std::string client_id;  // 128 bits, base64url: the only credential of the protocol (D1)
    bool is_initiator = false;
    std::vector<std::string> messages;
};

enum class ClosedReason { empty, idle, gave_way, closed };

// For log lines and metrics.  Clients appear as their public numbers.
class Observer {
  public:
    virtual ~Observer() = default;
    virtual void room_opened(std::string_view /*room*/) {}
    virtual void room_closed(std::string_view /*room*/, ClosedReason) {}
    virtual void client_joined(std::string_view /*room*/, Number) {}
    virtual void client_left(std::string_view /*room*/, Number, LeftReason) {}
};

struct Stats {
    size_t rooms = 0;
    size_t clients = 0;          // seats taken
    size_t connected = 0;        // of these, with a socket
    size_t connections = 0;      // Collider's openws: also of those who have left
    uint64_t registrations = 0;  // Collider's totalws
    uint64_t joins = 0;
    uint64_t joins_refused = 0;
    size_t queued_bytes = 0;  // memory of what waits for somebody to hear it
    uint64_t messages = 0;    // accepted
    uint64_t messages_refused = 0;
    uint64_t too_fast = 0;         // of these, because their room talked too much
    uint64_t resumed = 0;          // participants who came back to their seats
    uint64_t resumed_in_part = 0;  // of these, who had to be told everything anew
    uint64_t resumes_refused = 0;
};

class Rooms {
  public:
    enum class Mode { call, loopback };

    Rooms(const Limits&, Random, Observer&, const ResumeTickets&, RoomNames = RoomNames());
    Rooms(const Rooms&) = delete;
    Rooms& operator=(const Rooms&) = delete;

    // The room server's side.
    Result<Joined, JoinRefusal> join(Now, std::string_view room, Mode, Deliveries&);
    Result<void, SendRefusal> message(Now, std::string_view room, std::string_view client,
                                      std::string text, Deliveries&);
    void leave(Now, std::string_view room, std::string_view client, Deliveries&);

    // Collider's side.  A connection registers once; after a refusal the shell closes it.
    Result<void, RegisterRefusal> register_client(Now, ConnectionId, std::string_view room,
                                                  std::string_view client, Deliveries&);
    Result<void, SendRefusal> send(Now, ConnectionId, std::string text, Deliveries&);
    Result<void, SendRefusal> post(Now, std::string_view room, std::string_view client,
                                   std::string text, Deliveries&);
    void remove(Now, std::string_view room, std::string_view client, Deliveries&);
    // The socket closed, or stopped answering pings (D9).  Harmless for one that never registered.
    void socket_lost(Now, ConnectionId, Deliveries&);

    // Our own protocol (rooms_native.cc).  All answers are deliveries.  A connection enters or
    // resumes once.
    void enter(Now, ConnectionId, native::Enter, Deliveries&);
    void resume(Now, ConnectionId, const native::Resume&, Deliveries&);
    void carry_out(Now, ConnectionId, const native::Request&, Deliveries&);
    void acknowledge(ConnectionId, uint64_t seq);

    // The API's side (api.h).  Clients go by their numbers.
    enum class ArrangeRefusal { bad_room_id, unknown_room, too_many_rooms, draining };
    // Makes the room if it does not exist; was that so?
    Result<bool, ArrangeRefusal> arrange(Now, std::string_view room, const RoomWish&, Deliveries&);
    // Null when there is none.  Valid until the next call.
    const Room* look(Now, std::string_view room, Deliveries&);
    // In the order of names, from behind `after`, while visit(name, room) returns true.
    template <class Visit>
    void visit(std::string_view after, Visit visit) const {
        for (auto at = rooms_.upper_bound(after); at != rooms_.end(); ++at) {
            if (at->second.room.exists() && !visit(at->first, at->second.room)) return;
        }
    }
    // False when there is nothing to end, nobody to expel.
    bool end(Now, std::string_view room, Deliveries&);
    bool expel(Now, std::string_view room, Number, Deliveries&);

    // From now on nobody opens a room; who has company there may still come.
    void drain() { draining_ = true; }

    void expire(Now, Deliveries&);
    Instant next_deadline() const;  // Instant::max() when there is none

    const Limits& limits() const { return limits_; }
    Stats stats() const;
    size_t seats_taken(std::string_view room) const;  // as of the latest call

  private:
    struct Entry {
        Room room;
        uint64_t epoch;                      // of a later room with the same name, another one
        Instant scheduled = Instant::max();  // its place in the schedule; early is fine
        Instant gives_way = Instant::max();  // its place among those that may give way
        // Its part of the sums in stats_.
        size_t queued = 0;
        size_t connected = 0;
    };
    // In the order of time; views of the table's keys.
    using Order = std::set<std::pair<Instant, std::string_view>>;
    using Table = std::map<std::string, Entry, std::less<>>;
    struct Seat {
        std::string room;
        uint64_t epoch;
        Number number;
    };

    bool good_room_id(std::string_view) const;
    bool good_client_id(std::string_view) const;
    Table::iterator find(Now, std::string_view room, Deliveries&);
    enum class Unopened { unknown_room, too_many_rooms, draining };
    // As who wanted it open is told.
    template <class Refusal>
    static Refusal refusal_of(Unopened why) {
        if (why == Unopened::unknown_room) return Refusal::unknown_room;
        return why == Unopened::draining ? Refusal::draining : Refusal::too_many_rooms;
    }
    Result<Table::iterator, Unopened> find_or_open(Now, std::string_view room, Deliveries&);
    void sum_up(Entry&);
    bool make_space(Now, Deliveries&);
    Room::Member& seat(Instant, Table::iterator, std::string id, Room::Kind, Deliveries&);
    void seated(Table::iterator, const Room::Member&, bool first);
    Result<Room::Member*, RegisterRefusal> find_to_register(Now, std::string_view room,
                                                            std::string_view client, Deliveries&);
    Result<void, SendRefusal> say(Instant, Room&, Room::Member& sender, std::string text,
                                  Deliveries&);
    Result<void, SendRefusal> say(Instant, Room&, const Room::Departed& sender,
                                  const std::string& text, Deliveries&);
    Result<void, SendRefusal> post_to(Now, std::string_view room, std::string_view client,
                                      std::string text, Deliveries&);
    size_t space() const;
    bool may_talk(Instant, Room&);
    Result<void, SendRefusal> count(Result<void, SendRefusal>);
    void freed(Table::iterator, const Room::Freed&, Deliveries&);
    void close(ConnectionId, Deliveries&);

    // rooms_native.cc
    struct Place {
        Table::iterator at;
        Room::Member* member;  // null: in the lobby
        Number number;
    };
    std::optional<Place> place_of(Now, ConnectionId, Deliveries&);
    void sit_down(Now, Table::iterator, ConnectionId, native::Enter, Deliveries&);
    void restore(Now, ConnectionId, const native::Resume&, Deliveries&);
    std::string ticket(Now, Table::const_iterator, const Room::Member&) const;
    void turn_away(ConnectionId, native::Refusal, Deliveries&);
    Room::Done carry_out(Now, const Place&, const native::Request&, Deliveries&);
    Room::Done answer_knock(Now, const Place&, const native::Answer&, Deliveries&);
    Room::Done take_seat_of(Table::iterator, Number, LeftReason, Deliveries&);
    void close_room(Table::iterator, Deliveries&);

    Table::iterator settle(Instant, Table::iterator, Deliveries&);
    void schedule(Table::iterator, Instant);
    void forget(Table::iterator);
    static void move(Order&, std::string_view name, Instant& place, Instant to);

    const Limits limits_;
    Random random_;
    Observer& observer_;
    const ResumeTickets tickets_;
    const RoomNames names_;
    Table rooms_;
    Order schedule_;
    Order giving_way_;
    std::map<ConnectionId, Seat> connections_;
    Stats stats_;
    uint64_t last_epoch_ = 0;
    Number last_number_ = 0;  // of rooms that are gone
    bool draining_ = false;
};

}  // namespace ahoy::room
