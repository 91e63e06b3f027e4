// One room: who holds a seat, who just left, and what was said to those who cannot hear yet.
//
// The rules are AppRTC's and Collider's seen as one thing (their two servers keep the same room
// twice): a message goes to the other seats, at once over their sockets, or into their inboxes, or,
// when the sender is alone, to whoever comes next.  Owned by `Rooms`, which knows names,
// deadlines and sockets; a Room formats no frame and knows no dialect.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace ahoy::room {

// A WebSocket of the shell.  Opaque to the rooms.
struct ConnectionId {
    uint32_t shard = 0;
    uint64_t number = 0;
    friend constexpr auto operator<=>(const ConnectionId&, const ConnectionId&) = default;
};

// What the shell does next: send `message` (unframed: the connection's dialect wraps it), or close.
struct Delivery {
    ConnectionId to;
    std::string message;
    bool close = false;  // then there is no message

    friend bool operator==(const Delivery&, const Delivery&) = default;
};
using Deliveries = std::vector<Delivery>;

struct Limits {
    size_t capacity = 2;  // AppRTC's; its clients know no third participant
    size_t max_rooms = 100'000;
    size_t max_queued_messages = 1024;   // for one client (Collider's number)
    size_t max_queued_bytes = 1 << 20;   // for one client
    size_t max_total_bytes = 256 << 20;  // of memory for all queues of all rooms
    size_t max_message_bytes = 128 << 10;
    size_t max_room_id = 256;
    size_t max_client_id = 256;
    Duration register_timeout = 10s;
    Duration lifetime = 24h;
    bool require_join = true;
};

// A participant's public number within its room: for logs and other people, where the client id,
// which is a secret, must not appear.  Numbers grow in the order of joining.
using Number = uint32_t;

enum class SendRefusal { unknown_room, unknown_client, bad_id, room_full, too_large, queue_full };
enum class RegisterRefusal { unknown_client, bad_id, duplicate, room_full, too_many_rooms };

// Why a client is not in its room any more.
enum class LeftReason { left, removed, never_registered, socket_lost, room_expired, gave_way };

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
    // A seat freed, and the socket that was bound to it.
    struct Freed {
        Number number = 0;
        LeftReason reason{};
        std::optional<ConnectionId> connection;
    };

    explicit Room(const Limits& limits, Instant now) : limits_(&limits), active_at_(now) {}

    bool full() const { return members_.size() >= limits_->capacity; }
    bool has_seats() const { return !members_.empty(); }
    // Nobody is here, and nobody who left may still say anything.
    bool over() const { return members_.empty() && departed_.empty(); }
    const std::vector<Member>& members() const { return members_; }
    size_t queued_memory() const;
    size_t connected() const;  // members with a socket

    // Client ids are compared in constant time.  The loopback seat has two published names
    // (apprtc.md, section 1.3), with which one may register and do nothing else.
    Member* find(std::string_view id);
    Member* find_to_register(std::string_view id);
    Member* find(Number);
    Departed* find_departed(std::string_view id);
    Departed* find_departed(Number);

    // The new member's inbox holds what was said while nobody was there to hear it.
    Member& seat(Instant, std::string id, Kind);
    void attach(Instant, Member&, ConnectionId, Deliveries&);
    void detach(Instant, ConnectionId);

    // `space`: the memory that queues may still take.
    Result<void, SendRefusal> say(Instant, Member&, std::string text, size_t space, Deliveries&);
    Result<void, SendRefusal> say_afterwards(const Departed&, const std::string& text, size_t space,
                                             Deliveries&);

    // Frees a seat.  Of somebody who left by itself, `say_afterwards` stays possible for a while.
    Freed leave(Instant, Number);
    Freed remove(Number, LeftReason);
    std::optional<Departed> forget_departed(std::string_view id);

    // Frees one seat whose time is up, and tells the others; call until nothing comes.
    std::optional<Freed> expire_one(Instant, Deliveries&);
    void expire_departed(Instant);
    Instant next_deadline() const;
    // From when on it may be closed in favour of another room, should there be too many.
    Instant gives_way_at() const;

  private:
    Instant deadline(const Member&) const;
    Instant idle_until() const { return active_at_ + limits_->lifetime; }
    bool has_people() const;
    std::vector<Inbox*> waiting(const Member& sender);
    bool have_room_for(size_t bytes, const std::vector<Inbox*>&, size_t space) const;
    void give(Member&, Message, Deliveries&);
    void showed_up(Member&);
    void give_back(Member& gone);
    Member take_out(Number);
    Freed expire_member(const Member&, Deliveries&);

    const Limits* limits_;
    std::vector<Member> members_;     // in the order of joining
    std::vector<Departed> departed_;  // oldest first; few
    Inbox unclaimed_;                 // said while alone: for whoever comes next
    Number last_number_ = 0;
    uint64_t last_order_ = 0;
    Instant active_at_;
    Instant company_since_{};  // since when nobody here is alone
};

}  // namespace ahoy::room
