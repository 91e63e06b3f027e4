#include "room/room.h"

#include <algorithm>

#include "base/check.h"
#include "base/crypto.h"

namespace ahoy::room {
namespace {

// A slow phone between /join and register: ICE servers 5 s, WebSocket 6 s, TLS and retries (D6).
constexpr Duration slowest_registration = 30s;
constexpr std::string_view loopback_names[] = {"LOOPBACK_CLIENT_ID", "loopback_client_id"};
constexpr std::string_view bye = R"({"type":"bye"})";
// Remembering who left costs memory, and leaving is free.
constexpr size_t most_departed = 16;

bool same_id(std::string_view a, std::string_view b) {
    return equal_in_constant_time(as_bytes(a), as_bytes(b));
}

}  // namespace

// --- Inbox

bool Inbox::has_room_for(size_t bytes, const Limits& limits) const {
    return messages_.size() < limits.max_queued_messages &&
           bytes_ + bytes <= limits.max_queued_bytes;
}

void Inbox::put(Message message) {
    bytes_ += message.text.size();
    messages_.push_back(std::move(message));
}

void Inbox::put_back(Message message) {
    const auto at = std::ranges::lower_bound(messages_, message.order, {}, &Message::order);
    if (at != messages_.end() && at->order == message.order) return;
    bytes_ += message.text.size();
    messages_.insert(at, std::move(message));
}

std::vector<Message> Inbox::take_all() {
    bytes_ = 0;
    return std::exchange(messages_, {});
}

template <class Predicate>
void Inbox::erase_if(Predicate predicate) {
    std::erase_if(messages_, [&](const Message& message) {
        if (!predicate(message)) return false;
        bytes_ -= message.text.size();
        return true;
    });
}

void Inbox::forget_handed() {
    erase_if([](const Message& m) { return m.handed; });
}

void Inbox::forget_returned_by(Number number) {
    erase_if([&](const Message& m) { return m.returned == number; });
}

void Inbox::forget_from(Number number) {
    erase_if([&](const Message& m) { return m.from == number; });
}

std::vector<std::string> Inbox::hand_out() {
    std::vector<std::string> texts;
    for (Message& message : messages_) {
        message.handed = true;
        texts.push_back(message.text);
    }
    return texts;
}

// --- who is here

// Participants have no id, which is why the empty one must not find them.
Room::Member* Room::find(std::string_view id) {
    Member* found = nullptr;
    for (Member& member : members_) {
        const bool has_id = member.kind == Kind::person && !member.participant;
        if (has_id && same_id(member.id, id)) found = &member;
    }
    return found;
}

Room::Member* Room::find_to_register(std::string_view id) {
    const bool loopback = std::ranges::find(loopback_names, id) != std::end(loopback_names);
    if (!loopback) return find(id);
    const auto member = std::ranges::find(members_, Kind::loopback, &Member::kind);
    return member == members_.end() ? find(id) : &*member;
}

Room::Member* Room::find(Number number) {
    const auto member = std::ranges::find(members_, number, &Member::number);
    return member == members_.end() ? nullptr : &*member;
}

Room::Departed* Room::find_departed(std::string_view id) {
    Departed* found = nullptr;
    for (Departed& departed : departed_) {
        if (same_id(departed.id, id)) found = &departed;
    }
    return found;
}

Room::Departed* Room::find_departed(Number number) {
    const auto departed = std::ranges::find(departed_, number, &Departed::number);
    return departed == departed_.end() ? nullptr : &*departed;
}

// --- coming

Room::Member& Room::seat(Instant now, std::string id, Kind kind, Deliveries& out) {
    CHECK(!full());
    Member& member = add_seat(now, std::move(id), kind, 0);
    announce(member, out);
    return member;
}

// `number`: of an earlier run of the server; 0 is the next one of this.
Room::Member& Room::add_seat(Instant now, std::string id, Kind kind, Number number) {
    active_at_ = now;
    if (!members_.empty()) company_since_ = now;
    Member& member = members_.emplace_back();
    member.number = number != 0 ? number : ++last_number_;
    member.id = std::move(id);
    member.kind = kind;
    member.since = now;
    for (Message& message : unclaimed_.take_all()) member.inbox.put(std::move(message));
    return member;
}

void Room::attach(Instant now, Member& member, ConnectionId connection, Deliveries& out) {
    CHECK(!member.connection);
    active_at_ = now;
    showed_up(member);
    member.registered_once = true;
    member.connection = connection;
    for (Message& message : member.inbox.take_all()) {
        out.push_back({.to = connection, .message = std::move(message.text)});
    }
    tell_others(member, native::changed_event(member.number, {.connected = true}), out);
}

void Room::detach(Instant now, ConnectionId connection, Deliveries& out) {
    for (Member& member : members_) {
        if (member.connection != connection) continue;
        member.connection.reset();
        member.since = now;
        active_at_ = now;
        tell_others(member, native::changed_event(member.number, {.connected = false}), out);
    }
    for (Departed& departed : departed_) {
        if (departed.connection == connection) departed.connection.reset();
    }
}

// Its /join answer has arrived, so what was handed out in it is delivered.
void Room::showed_up(Member& member) {
    if (!member.showed_up()) member.inbox.forget_handed();
}

// --- talking

// The queues a message will need space in: of those without a socket, or of the next to come.
std::vector<Inbox*> Room::waiting(const Member& sender) {
    if (members_.size() == 1) return {&unclaimed_};
    std::vector<Inbox*> inboxes;
    for (Member& member : members_) {
        if (&member == &sender || member.connection || member.participant) continue;
        inboxes.push_back(&member.inbox);
    }
    return inboxes;
}

bool Room::have_room_for(size_t bytes, const std::vector<Inbox*>& inboxes, size_t space) const {
    return inboxes.size() * (bytes + sizeof(Message)) <= space &&
           std::ranges::all_of(inboxes,
                               [&](const Inbox* i) { return i->has_room_for(bytes, *limits_); });
}

size_t Room::queued_memory() const {
    size_t memory = unclaimed_.memory() + chat_.memory();
    for (const Member& member : members_) {
        memory += member.inbox.memory();
        if (member.participant) memory += member.participant->events.memory();
    }
    return memory;
}

void Room::give(Member& to, Message message, Deliveries& out) {
    if (to.participant) {
        tell(to, native::signal_event(message.from, message.text), out);
    } else if (to.connection) {
        out.push_back({.to = *to.connection, .message = std::move(message.text)});
    } else {
        to.inbox.put(std::move(message));
    }
}

Result<void, SendRefusal> Room::say(Instant now, Member& sender, std::string text, size_t space,
                                    Deliveries& out) {
    showed_up(sender);
    sender.spoke = true;
    active_at_ = now;
    if (text.size() > limits_->max_message_bytes) return unexpected(SendRefusal::too_large);
    const auto participant_reached = [&](const Member& m) {
        return !m.participant || reaches(m, text.size(), space);
    };
    if (!have_room_for(text.size(), waiting(sender), space) ||
        !std::ranges::all_of(members_, participant_reached)) {
        return unexpected(SendRefusal::queue_full);
    }
    const uint64_t order = ++last_order_;
    if (members_.size() == 1) {
        unclaimed_.put({.from = sender.number, .text = std::move(text), .order = order});
        return {};
    }
    for (Member& member : members_) {
        if (&member == &sender) continue;
        give(member, {.from = sender.number, .text = text, .order = order}, out);
    }
    return {};
}

Result<void, SendRefusal> Room::say_afterwards(const Departed& sender, const std::string& text,
                                               size_t space, Deliveries& out) {
    if (text.size() > limits_->max_message_bytes) return unexpected(SendRefusal::too_large);
    // It did get what it was handed; its peer will start over, and the next joiner must not be
    // given the old offer as well.
    unclaimed_.forget_returned_by(sender.number);
    std::vector<Member*> audience;
    std::vector<Inbox*> inboxes;
    for (Member& member : members_) {
        // Participants have been told that it left.
        if (member.number > sender.knows_up_to || member.participant) continue;
        audience.push_back(&member);
        if (!member.connection) inboxes.push_back(&member.inbox);
    }
    if (!have_room_for(text.size(), inboxes, space)) return unexpected(SendRefusal::queue_full);
    for (Member* member : audience) give(*member, {.from = sender.number, .text = text}, out);
    return {};
}

// --- going

Room::Freed Room::leave(Instant now, Number number, Deliveries& out) {
    active_at_ = now;
    const Member gone = take_out(number, LeftReason::left, out);
    if (departed_.size() == most_departed) departed_.erase(departed_.begin());
    departed_.push_back({.number = gone.number,
                         .id = gone.id,
                         .connection = gone.connection,
                         .knows_up_to = last_number_,
                         .expires_at = now + limits_->register_timeout});
    return {gone.number, LeftReason::left, {}};
}

Room::Freed Room::remove(Number number, LeftReason reason, Deliveries& out) {
    const Member gone = take_out(number, reason, out);
    const bool is_conference = has_participants() || gone.participant;
    if (is_conference || reason == LeftReason::room_closed) say_goodbye(gone, reason, out);
    return {gone.number, reason, gone.connection};
}

Room::Freed Room::expel(Number number, Deliveries& out) {
    const Member* member = find(number);
    CHECK(member);
    return remove_heard_of(*member, LeftReason::removed, out);
}

std::optional<Room::Departed> Room::forget_departed(std::string_view id) {
    const Departed* found = find_departed(id);
    if (!found) return {};
    Departed gone = *found;
    departed_.erase(departed_.begin() + (found - departed_.data()));
    return gone;
}

Room::Member Room::take_out(Number number, LeftReason reason, Deliveries& out) {
    const auto at = std::ranges::find(members_, number, &Member::number);
    CHECK(at != members_.end());
    Member gone = std::move(*at);
    members_.erase(at);
    unclaimed_.forget_from(number);
    if (!gone.showed_up()) give_back(gone);
    announce_left(gone, reason, out);
    if (is_host(gone) && !host() && !ends_the_room(reason)) find_new_host(out);
    return gone;
}

// What was kept for somebody who never showed up is for the next to come, if its sender is here;
// once, also when it was kept for several such.  Not what a participant said: it names whom it
// means, and hears who came and went.
void Room::give_back(Member& gone) {
    for (Message& message : gone.inbox.take_all()) {
        const Member* sender = find(message.from);
        if (!sender || sender->participant) continue;
        message.handed = false;
        message.returned = gone.number;
        unclaimed_.put_back(std::move(message));
    }
}

// --- time

// A client that never had a socket harms nobody while it is alone (D6); one that lost its socket
// has a moment to come back (D7).  Whoever came by Collider's side alone must register soon, as
// there. The loopback seat lives as long as the person who asked for it.
Instant Room::deadline(const Member& member) const {
    if (member.kind == Kind::loopback) return has_people() ? Instant::max() : Instant::min();
    if (member.connection) return Instant::max();
    if (member.participant) return member.since + limits_->resume_timeout;
    if (member.registered_once || !member.joined) return member.since + limits_->register_timeout;
    if (members_.size() == 1) return Instant::max();
    return std::max(member.since, company_since_) +
           std::max(slowest_registration, limits_->register_timeout);
}

std::optional<Room::Freed> Room::expire_one(Instant now, Deliveries& out) {
    // The latest to come goes first: when it goes, the one before is alone, and need not.
    for (size_t i = members_.size(); i-- > 0;) {
        const Member& member = members_[i];
        if (deadline(member) > now) continue;
        return remove_heard_of(
            member, member.registered_once ? LeftReason::socket_lost : LeftReason::never_registered,
            out);
    }
    if (members_.empty() || connected() > 0 || now < idle_until()) return {};
    return remove(members_.back().number, LeftReason::room_expired, out);
}

// First the seat, then the news: on `bye` the peer posts a new offer at once, which must be kept
// for the next to come (D7).
Room::Freed Room::remove_heard_of(const Member& member, LeftReason reason, Deliveries& out) {
    const bool heard_of = member.showed_up() && !member.participant;
    const Freed freed = remove(member.number, reason, out);
    if (!heard_of) return freed;
    for (Member& other : members_) {
        if (other.kind != Kind::person || other.participant) continue;
        give(other, {.text = std::string(bye)}, out);
    }
    return freed;
}

void Room::expire_departed(Instant now) {
    std::erase_if(departed_, [&](const Departed& departed) {
        // While its socket is open it may say bye at leisure, if there is anybody to hear.
        const bool may_talk = departed.connection && !members_.empty();
        return !may_talk && now >= departed.expires_at;
    });
}

void Room::expire_stay(Instant now) {
    if (has_seats()) {
        empty_since_ = Instant::max();
        return;
    }
    empty_since_ = std::min(empty_since_, now);
    if (stays_for_ && now >= empty_since_ + *stays_for_) release();
}

// To join costs nothing, and so a room in which nobody ever registered has proved nothing.  Who
// came last gets the time to open a socket.
Instant Room::gives_way_at() const {
    if (stays_for_) return Instant::max();
    Instant at = Instant::min();
    for (const Member& member : members_) {
        if (member.registered_once) return Instant::max();
        at = std::max(at, member.since + limits_->register_timeout);
    }
    return at;
}

bool Room::has_people() const {
    return std::ranges::find(members_, Kind::person, &Member::kind) != members_.end();
}

size_t Room::connected() const {
    return static_cast<size_t>(
        std::ranges::count_if(members_, [](const Member& m) { return m.connection.has_value(); }));
}

Instant Room::next_deadline() const {
    Instant next = members_.empty() || connected() > 0 ? Instant::max() : idle_until();
    for (const Member& member : members_) next = std::min(next, deadline(member));
    for (const Departed& departed : departed_) {
        if (departed.connection && !members_.empty()) continue;
        next = std::min(next, departed.expires_at);
    }
    if (!has_seats() && stays_for_) next = std::min(next, empty_since_ + *stays_for_);
    return std::min(next, hostless_until_);
}

// --- made by the API

void Room::arrange(Instant now, const RoomWish& wish, Deliveries& out) {
    initial_ = {.locked = wish.locked.value_or(initial_.locked),
                .lobby = wish.lobby.value_or(initial_.lobby),
                .capacity = wish.capacity.value_or(initial_.capacity)};
    stays_for_ = wish.empty_timeout.value_or(stays_for_.value_or(limits_->empty_timeout));
    if (!has_seats()) empty_since_ = now;
    set({.locked = wish.locked, .lobby = wish.lobby}, out);
}

void Room::release() {
    stays_for_.reset();
    initial_ = {.lobby = limits_->lobby, .capacity = limits_->conference_capacity};
    reset_conference();
}

}  // namespace ahoy::room
