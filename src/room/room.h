// One room: who holds a seat, who just left, and what was said to those who cannot hear yet.
//
// The rules are AppRTC's and Collider's seen as one thing (their two servers keep the same room
// twice): a message goes to the other seats, at once over their sockets, or into their inboxes, or,
// when the sender is alone, to whoever comes next.  Owned by `Rooms`, which knows names,
// deadlines and sockets.
//
// Participants of our own protocol sit on the same seats (conference.cc): they address each other,
// have roles, a lobby and a chat, and come back to their seats.  With a client of AppRTC among them
// a room holds two, and what one says to the other is the same text on both sides.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "room/allowance.h"
#include "room/chat_history.h"
#include "room/native.h"
#include "room/participant.h"

namespace ahoy::room {

// A WebSocket of the shell.  Opaque to the rooms.
struct ConnectionId {
    uint32_t shard = 0;
    uint64_t number = 0;
    friend constexpr auto operator<=>(const ConnectionId&, const ConnectionId&) = default;
};

// What the shell does next: send `message`, or close.
struct Delivery {
    ConnectionId to;
    std::string message;
    bool close = false;   // then there is no message
    bool framed = false;  // as it is, rather than in a frame of Collider's

    friend bool operator==(const Delivery&, const Delivery&) = default;
};
using Deliveries = std::vector<Delivery>;

struct Limits {
    size_t capacity = 2;             // AppRTC's; its clients know no third participant
    size_t conference_capacity = 8;  // of participants of our own protocol among themselves
    size_t max_rooms = 100'000;
    size_t max_queued_messages = 1024;   // for one client (Collider's number)
    size_t max_queued_bytes = 1 << 20;   // for one client
    size_t max_total_bytes = 256 << 20;  // of memory for all queues of all rooms
    size_t max_message_bytes = 128 << 10;
    // Of all in one room, ten seconds' worth at once; 0: no limit.
    unsigned room_messages_per_second = 2000;
    size_t max_room_id = 256;
    size_t max_client_id = 256;
    EventLog::Limits events;  // of one participant
    size_t max_knocks = 16;   // waiting in one lobby
    size_t max_invites = 16;  // of one room
    Duration register_timeout = 10s;
    Duration resume_timeout = 30s;  // for a participant who has lost its socket
    Duration lifetime = 24h;
    Duration empty_timeout = 5min;  // of a room that the API has made, unless it says otherwise
    bool require_join = true;
    bool lobby = false;  // of a new room
    // Seats that an earlier run of the server gave can be taken again before then.
    Instant restore_until;
};

// A participant's public number within its room: for logs and other people, where the client id,
// which is a secret, must not appear.  Numbers grow in the order of joining.
using Number = uint32_t;

enum class SendRefusal {
    unknown_room,
    unknown_client,
    bad_id,
    room_full,
    too_many_rooms,
    too_large,
    queue_full,
    too_fast
};
enum class RegisterRefusal { unknown_client, bad_id, duplicate, room_full, too_many_rooms };

// Why a client is not in its room any more.
enum class LeftReason {
    left,
    removed,
    never_registered,
    socket_lost,
    room_expired,
    gave_way,
    room_closed,  // by its host or the API
};

// How the API wants a room to be; what it leaves out stays as it is.
struct RoomWish {
    std::optional<bool> locked, lobby;
    std::optional<size_t> capacity;         // of participants of our own protocol
    std::optional<Duration> empty_timeout;  // how long it stays with nobody in it
};

struct Message {
    Number from = 0;  // 0: the server
    std::string text;
    uint64_t order = 0;   // in the room; copies for several listeners share it
    bool handed = false;  // given out in a /join answer that may have been lost on the way
    Number returned = 0;  // the joiner it was handed to before, who never showed up
};

// The queue of one client.  Bounded, because the sender is a stranger; when full it refuses rather
// than evicts, so that the offer, without which the rest is useless, is never the message lost.
class Inbox {
  public:
    bool has_room_for(size_t bytes, const Limits&) const;
    void put(Message);
    // Where it belongs in the order, unless a copy is there already.
    void put_back(Message);
    std::vector<Message> take_all();
    void forget_handed();
    void forget_returned_by(Number);
    void forget_from(Number);
    std::vector<std::string> hand_out();  // copies, in order; they stay until forget_handed()
    size_t memory() const { return bytes_ + messages_.size() * sizeof(Message); }

  private:
    template <class Predicate>
    void erase_if(Predicate);

    std::vector<Message> messages_;
    size_t bytes_ = 0;
};

class Room {
  public:
    enum class Kind { person, loopback };

    struct Member {
        Number number = 0;
        std::string id;
        Kind kind = Kind::person;
        bool joined = false;  // by /join, rather than made up by a Collider client
        bool spoke = false;   // has sent something
        bool registered_once = false;
        std::optional<ConnectionId> connection;
        Instant since;  // of taking the seat, or of losing the socket
        Inbox inbox;
        std::unique_ptr<Participant> participant;  // null: a client of AppRTC or Collider

        // Proof that the answer to its /join arrived, and so what was handed out in it.
        bool showed_up() const { return spoke || registered_once; }
    };
    // Somebody who left may still say bye, because clients leave first (apprtc.md, section 1.2).
    struct Departed {
        Number number = 0;
        std::string id;
        std::optional<ConnectionId> connection;
        Number knows_up_to = 0;  // people who came later are none of its business
        Instant expires_at;
    };
    // A seat freed, and the socket to be closed with it.
    struct Freed {
        Number number = 0;
        LeftReason reason{};
        std::optional<ConnectionId> connection;
    };

    // Its participants have the numbers after `numbers_from`.
    Room(const Limits& limits, Instant now, Number numbers_from)
        : limits_(&limits),
          last_number_(numbers_from),
          active_at_(now),
          initial_{.lobby = limits.lobby, .capacity = limits.conference_capacity},
          locked_(initial_.locked),
          lobby_(initial_.lobby),
          pace_(Allowance::per_second(limits.room_messages_per_second)) {}

    // The latest that was given here.
    Number last_number() const { return last_number_; }
    // No seat for a client of AppRTC or Collider.
    bool full() const {
        return members_.size() >= limits_->capacity || locked_ || (lobby_ && has_participants());
    }
    bool has_seats() const { return !members_.empty(); }
    // Somebody is here, or the API wants it to stay.
    bool exists() const { return has_seats() || stays_for_; }
    // Nobody is here, nobody who left may still say anything, and it need not stay.
    bool over() const { return !exists() && departed_.empty(); }
    bool locked() const { return locked_; }
    bool has_lobby() const { return lobby_; }
    size_t capacity() const { return initial_.capacity; }
    // How long it stays with nobody in it; nothing for one that people have opened.
    std::optional<Duration> empty_timeout() const { return stays_for_; }
    const std::vector<Member>& members() const { return members_; }
    size_t queued_memory() const;
    size_t connected() const;  // members with a socket
    // False when all of them together say too much.
    bool may_talk(Instant now) { return pace_.take(now); }

    // Client ids are compared in constant time.  The loopback seat has two published names
    // (apprtc.md, section 1.3), with which one may register and do nothing else.
    Member* find(std::string_view id);
    Member* find_to_register(std::string_view id);
    Member* find(Number);
    Departed* find_departed(std::string_view id);
    Departed* find_departed(Number);

    // The new member's inbox holds what was said while nobody was there to hear it.
    Member& seat(Instant, std::string id, Kind, Deliveries&);
    void attach(Instant, Member&, ConnectionId, Deliveries&);
    void detach(Instant, ConnectionId, Deliveries&);

    // `space`: the memory that queues may still take.
    Result<void, SendRefusal> say(Instant, Member&, std::string text, size_t space, Deliveries&);
    Result<void, SendRefusal> say_afterwards(const Departed&, const std::string& text, size_t space,
                                             Deliveries&);

    // Frees a seat.  Of somebody who left by itself, `say_afterwards` stays possible for a while.
    Freed leave(Instant, Number, Deliveries&);
    Freed remove(Number, LeftReason, Deliveries&);
    // The same by the API, where nobody in the room would tell a client of AppRTC of it.
    Freed expel(Number, Deliveries&);
    std::optional<Departed> forget_departed(std::string_view id);

    // Frees one seat whose time is up, and tells the others; call until nothing comes.
    std::optional<Freed> expire_one(Instant, Deliveries&);
    void expire_departed(Instant);
    // The time that it stays begins when nobody is here.
    void expire_stay(Instant);
    Instant next_deadline() const;
    // From when on it may be closed in favour of another room, should there be too many.
    Instant gives_way_at() const;

    // From now on it stays for a while also when nobody is here.
    void arrange(Instant, const RoomWish&, Deliveries&);
    // It need not stay any more.
    void release();

    // ---- our own protocol (conference.cc)
    // What a welcome says besides what the room knows.
    struct Greeting {
        std::string_view room;
        std::string_view ice_servers;
        std::string_view resume;
        bool unknown_past = false;  // nobody knows what was missed
    };
    // Somebody in the lobby.
    struct Knock {
        Number number = 0;
        ConnectionId connection;
        native::Enter wish;
    };

    bool has_participants() const;
    // For one of our own protocol.
    bool has_place() const;
    size_t waiting_in_lobby() const { return knocks_.size(); }
    // Why somebody new does not get in, nor as far as the lobby.
    std::optional<native::Refusal> refuses(const native::Enter&) const;
    bool must_knock(const native::Enter&) const;
    Number knock(ConnectionId, native::Enter, Deliveries&);
    // Nothing when they do not wait any more.
    std::optional<Knock> take_knock(Number, Deliveries&);

    // Seats somebody, whose welcome is for greet().  `number`: of a seat that an earlier run of the
    // server gave, or 0.
    Member& enter(Instant, ConnectionId, Profile, Number number, Deliveries&);
    // Welcomes somebody who has come, or, with all that happened after the event `seq`, come back.
    void greet(Member&, const Greeting&, std::optional<uint64_t> seq, Deliveries&);
    // Back to the seat.  Another socket that still holds it is given back, for a goodbye.
    std::optional<ConnectionId> resume(Instant, Member&, ConnectionId, const native::Resume&,
                                       const Greeting&, Deliveries&);

    using Done = Result<void, native::Refusal>;
    Done signal(Instant, const Member& from, const native::Signal&, size_t space, Deliveries&);
    Done say(Instant, const Member& from, const native::Say&, size_t space, Deliveries&);
    void chat(Now, const Member& from, const native::Chat&, Deliveries&);
    void set(const native::SetRoom&, Deliveries&);
    Done mute(const Member& from, const native::Mute&, Deliveries&);
    Done make_host(Member& from, Number, Deliveries&);
    // When the host has not come back after a restart, somebody else is.
    void expire_hostless(Instant, Deliveries&);
    // The key; nothing when there are as many as there may be.
    std::optional<std::string> invite(Random&);
    void revoke(std::string_view key);

    void tell(Member&, std::string_view event, Deliveries&);
    void change(Member&, const ProfileChange&, bool tells_itself, Deliveries&);
    // Once the last participant is gone: who waited for one.
    std::vector<Knock> reset_conference();
    // When memory is short: who comes back is told that something is missed.
    void forget_events();

  private:
    Member& add_seat(Instant, std::string id, Kind, Number);
    Instant deadline(const Member&) const;
    Instant idle_until() const { return active_at_ + limits_->lifetime; }
    bool has_people() const;
    std::vector<Inbox*> waiting(const Member& sender);
    bool have_room_for(size_t bytes, const std::vector<Inbox*>&, size_t space) const;
    void give(Member&, Message, Deliveries&);
    void showed_up(Member&);
    void give_back(Member& gone);
    Member take_out(Number, LeftReason, Deliveries&);
    Freed remove_heard_of(const Member&, LeftReason, Deliveries&);

    // conference.cc
    static bool ends_the_room(LeftReason reason) {
        return reason == LeftReason::room_closed || reason == LeftReason::room_expired ||
               reason == LeftReason::gave_way;
    }
    static bool is_host(const Member& member) {
        return member.participant && member.participant->profile.role == Role::host;
    }
    Member* host();
    Role role_of_next(Instant, Role wanted, bool is_back);
    bool is_invited(std::string_view key) const;
    native::Other seen_by(const Member& viewer, const Member& other) const;
    native::Welcome::Scene scene_for(const Member&, std::string_view name) const;
    void tell_others(const Member& but, std::string_view event, Deliveries&);
    void tell_of(const Knock&, Member&, Deliveries&);
    bool reaches(const Member&, size_t bytes, size_t space) const;
    void announce(const Member&, Deliveries&);
    void announce_left(const Member& gone, LeftReason, Deliveries&);
    void find_new_host(Deliveries&);
    void say_goodbye(const Member& gone, LeftReason, Deliveries&);

    const Limits* limits_;
    std::vector<Member> members_;     // in the order of joining
    std::vector<Departed> departed_;  // oldest first; few
    Inbox unclaimed_;                 // said while alone: for whoever comes next
    Number last_number_ = 0;
    uint64_t last_order_ = 0;
    Instant active_at_;
    Instant company_since_{};  // since when nobody here is alone

    // How it is for the first participant of our own protocol.
    struct Initial {
        bool locked = false;
        bool lobby = false;
        size_t capacity = 0;
    };
    Initial initial_;
    std::optional<Duration> stays_for_;     // with nobody in it
    Instant empty_since_ = Instant::max();  // max: not known to be empty

    // Of participants of our own protocol.
    bool locked_;
    bool lobby_;
    // After a restart of the server, while guests are back and their host is not.  max: not so.
    Instant hostless_until_ = Instant::max();
    std::vector<Knock> knocks_;
    std::vector<std::string> invites_;  // their keys
    ChatHistory chat_;

    Allowance pace_;  // of all who are here
};

}  // namespace ahoy::room
