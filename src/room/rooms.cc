#include "room/rooms.h"

#include <algorithm>

#include "base/check.h"
#include "room/http.h"

namespace ahoy::room {
namespace {

constexpr size_t client_id_bytes = 16;  // D1
constexpr std::string_view loopback_id = "LOOPBACK_CLIENT_ID";

// Where the numbers of a run begin: with the seconds since then, and somewhere behind that, lest
// who enters after a restart has the number of somebody who has yet to come back.
Number first_number(WallTime now, uint64_t instance) {
    constexpr WallTime begin = std::chrono::sys_days(std::chrono::January / 1 / 2026);
    const auto seconds = now < begin ? 0 : static_cast<Number>((now - begin).count());
    return seconds + static_cast<Number>(instance % (1 << 16) << 8);
}

ClosedReason closed_reason(LeftReason last) {
    if (last == LeftReason::room_expired) return ClosedReason::idle;
    if (last == LeftReason::room_closed) return ClosedReason::closed;
    return last == LeftReason::gave_way ? ClosedReason::gave_way : ClosedReason::empty;
}

}  // namespace

Rooms::Rooms(const Limits& limits, Random random, Observer& observer, const ResumeTickets& tickets,
             RoomNames names)
    : limits_(limits),
      random_(std::move(random)),
      observer_(observer),
      tickets_(tickets),
      names_(std::move(names)) {
    CHECK(limits_.capacity >= 2);
}

// --- the room server's side

Result<Joined, JoinRefusal> Rooms::join(Now now, std::string_view name, Mode mode,
                                        Deliveries& out) {
    const auto refuse = [&](JoinRefusal why) {
        ++stats_.joins_refused;
        return unexpected(why);
    };
    if (!good_room_id(name)) return refuse(JoinRefusal::bad_room_id);
    const auto opened = find_or_open(now, name, out);
    if (!opened) return refuse(refusal_of<JoinRefusal>(opened.error()));
    const auto at = *opened;
    Room& room = at->second.room;
    if (room.full()) return refuse(JoinRefusal::full);

    const bool first = !room.has_seats();
    Room::Member& member =
        seat(now.steady, at, random_.token(client_id_bytes), Room::Kind::person, out);
    member.joined = true;
    Joined joined{
        .client_id = member.id, .is_initiator = first, .messages = member.inbox.hand_out()};
    if (first && mode == Mode::loopback) {
        seat(now.steady, at, std::string(loopback_id), Room::Kind::loopback, out);
    }
    ++stats_.joins;
    settle(now.steady, at, out);
    return joined;
}

Result<void, SendRefusal> Rooms::message(Now now, std::string_view name, std::string_view client,
                                         std::string text, Deliveries& out) {
    const auto at = find(now, name, out);
    if (at == rooms_.end() || !at->second.room.has_seats()) {
        return count(unexpected(SendRefusal::unknown_room));
    }
    Room& room = at->second.room;
    Room::Member* member = room.find(client);
    if (!member) return count(unexpected(SendRefusal::unknown_client));
    const auto said = say(now.steady, room, *member, std::move(text), out);
    settle(now.steady, at, out);
    return count(said);
}

void Rooms::leave(Now now, std::string_view name, std::string_view client, Deliveries& out) {
    const auto at = find(now, name, out);
    if (at == rooms_.end()) return;
    Room& room = at->second.room;
    if (const Room::Member* member = room.find(client)) {
        freed(at, room.leave(now.steady, member->number, out), out);
    }
    settle(now.steady, at, out);
}

// --- Collider's side

Result<Room::Member*, RegisterRefusal> Rooms::find_to_register(Now now, std::string_view name,
                                                               std::string_view client,
                                                               Deliveries& out) {
    if (!good_room_id(name) || !good_client_id(client)) {
        return unexpected(RegisterRefusal::bad_id);
    }
    auto at = find(now, name, out);
    if (at != rooms_.end()) {
        if (Room::Member* member = at->second.room.find_to_register(client)) return member;
    }
    if (limits_.require_join) return unexpected(RegisterRefusal::unknown_client);
    const auto opened = find_or_open(now, name, out);
    if (!opened) {
        return unexpected(opened.error() == Unopened::unknown_room
                              ? RegisterRefusal::bad_id
                              : RegisterRefusal::too_many_rooms);
    }
    at = *opened;
    if (at->second.room.full()) return unexpected(RegisterRefusal::room_full);
    return &seat(now.steady, at, std::string(client), Room::Kind::person, out);
}

Result<void, RegisterRefusal> Rooms::register_client(Now now, ConnectionId connection,
                                                     std::string_view name, std::string_view client,
                                                     Deliveries& out) {
    if (connections_.contains(connection)) return unexpected(RegisterRefusal::duplicate);
    const auto member = find_to_register(now, name, client, out);
    if (!member) return unexpected(member.error());
    if ((*member)->connection) return unexpected(RegisterRefusal::duplicate);
    const auto at = rooms_.find(name);
    connections_.emplace(connection, Seat{at->first, at->second.epoch, (*member)->number});
    at->second.room.attach(now.steady, **member, connection, out);
    ++stats_.registrations;
    settle(now.steady, at, out);
    return {};
}

Result<void, SendRefusal> Rooms::send(Now now, ConnectionId connection, std::string text,
                                      Deliveries& out) {
    const auto seat = connections_.find(connection);
    if (seat == connections_.end()) return count(unexpected(SendRefusal::unknown_client));
    const auto [name, epoch, number] = seat->second;
    const auto at = find(now, name, out);
    // Whoever left last talks to nobody.
    if (at == rooms_.end() || at->second.epoch != epoch) return {};
    Room& room = at->second.room;
    Result<void, SendRefusal> said;
    if (Room::Member* member = room.find(number)) {
        said = say(now.steady, room, *member, std::move(text), out);
    } else if (const Room::Departed* departed = room.find_departed(number)) {
        said = say(now.steady, room, *departed, text, out);
    }
    settle(now.steady, at, out);
    return count(said);
}

Result<void, SendRefusal> Rooms::post(Now now, std::string_view name, std::string_view client,
                                      std::string text, Deliveries& out) {
    const auto said = post_to(now, name, client, std::move(text), out);
    if (const auto at = rooms_.find(name); at != rooms_.end()) settle(now.steady, at, out);
    return count(said);
}

Result<void, SendRefusal> Rooms::post_to(Now now, std::string_view name, std::string_view client,
                                         std::string text, Deliveries& out) {
    if (!good_room_id(name) || !good_client_id(client)) return unexpected(SendRefusal::bad_id);
    auto at = find(now, name, out);
    if (at != rooms_.end()) {
        Room& room = at->second.room;
        if (Room::Member* member = room.find(client)) {
            return say(now.steady, room, *member, std::move(text), out);
        }
        if (const Room::Departed* departed = room.find_departed(client)) {
            return say(now.steady, room, *departed, text, out);
        }
    }
    if (limits_.require_join) return unexpected(SendRefusal::unknown_client);
    const auto opened = find_or_open(now, name, out);
    if (!opened) {
        return unexpected(opened.error() == Unopened::unknown_room ? SendRefusal::unknown_room
                                                                   : SendRefusal::too_many_rooms);
    }
    if ((*opened)->second.room.full()) return unexpected(SendRefusal::room_full);
    at = *opened;
    Room::Member& member = seat(now.steady, at, std::string(client), Room::Kind::person, out);
    return say(now.steady, at->second.room, member, std::move(text), out);
}

Result<void, SendRefusal> Rooms::say(Instant now, Room& room, Room::Member& sender,
                                     std::string text, Deliveries& out) {
    if (!may_talk(now, room)) return unexpected(SendRefusal::too_fast);
    return room.say(now, sender, std::move(text), space(), out);
}

Result<void, SendRefusal> Rooms::say(Instant now, Room& room, const Room::Departed& sender,
                                     const std::string& text, Deliveries& out) {
    if (!may_talk(now, room)) return unexpected(SendRefusal::too_fast);
    return room.say_afterwards(sender, text, space(), out);
}

void Rooms::remove(Now now, std::string_view name, std::string_view client, Deliveries& out) {
    const auto at = find(now, name, out);
    if (at == rooms_.end()) return;
    Room& room = at->second.room;
    if (const Room::Member* member = room.find(client)) {
        freed(at, room.remove(member->number, LeftReason::removed, out), out);
    } else if (const auto departed = room.forget_departed(client)) {
        if (departed->connection) close(*departed->connection, out);
    }
    settle(now.steady, at, out);
}

void Rooms::socket_lost(Now now, ConnectionId connection, Deliveries& out) {
    const auto seat = connections_.find(connection);
    if (seat == connections_.end()) return;
    const auto [name, epoch, number] = seat->second;
    connections_.erase(seat);
    // First of all, lest what is due now be told to a dead socket.
    const auto at = rooms_.find(name);
    if (at == rooms_.end() || at->second.epoch != epoch) return;
    Room& room = at->second.room;
    room.detach(now.steady, connection, out);
    room.take_knock(number, out);
    settle(now.steady, at, out);
}

// --- the API's side

Result<bool, Rooms::ArrangeRefusal> Rooms::arrange(Now now, std::string_view name,
                                                   const RoomWish& wish, Deliveries& out) {
    if (!good_room_id(name)) return unexpected(ArrangeRefusal::bad_room_id);
    const auto opened = find_or_open(now, name, out);
    if (!opened) return unexpected(refusal_of<ArrangeRefusal>(opened.error()));
    const auto at = *opened;
    const bool is_new = !at->second.room.exists();
    at->second.room.arrange(now.steady, wish, out);
    settle(now.steady, at, out);
    return is_new;
}

const Room* Rooms::look(Now now, std::string_view name, Deliveries& out) {
    const auto at = find(now, name, out);
    return at != rooms_.end() && at->second.room.exists() ? &at->second.room : nullptr;
}

bool Rooms::end(Now now, std::string_view name, Deliveries& out) {
    if (!look(now, name, out)) return false;
    const auto at = rooms_.find(name);
    at->second.room.release();
    close_room(at, out);
    settle(now.steady, at, out);
    return true;
}

bool Rooms::expel(Now now, std::string_view name, Number number, Deliveries& out) {
    const auto at = find(now, name, out);
    if (at == rooms_.end() || !at->second.room.find(number)) return false;
    freed(at, at->second.room.expel(number, out), out);
    settle(now.steady, at, out);
    return true;
}

// --- the table

bool Rooms::good_room_id(std::string_view id) const {
    return !id.empty() && id.size() <= limits_.max_room_id && is_utf8(id);
}

bool Rooms::good_client_id(std::string_view id) const {
    return !id.empty() && id.size() <= limits_.max_client_id && is_utf8(id);
}

Rooms::Table::iterator Rooms::find(Now now, std::string_view name, Deliveries& out) {
    const auto at = rooms_.find(name);
    return at == rooms_.end() ? at : settle(now.steady, at, out);
}

Result<Rooms::Table::iterator, Rooms::Unopened> Rooms::find_or_open(Now now, std::string_view name,
                                                                    Deliveries& out) {
    // First, so that looking for a room tells nothing to those who guess.
    if (!names_.accepts(name)) return unexpected(Unopened::unknown_room);
    const auto at = find(now, name, out);
    const bool has_company = at != rooms_.end() && at->second.room.has_seats();
    if (draining_ && !has_company) return unexpected(Unopened::draining);
    if (at != rooms_.end()) return at;
    if (!make_space(now, out)) return unexpected(Unopened::too_many_rooms);
    // Numbers of a room that is opened again are not those of before.
    last_number_ = std::max(last_number_, first_number(now.wall, tickets_.instance()));
    Entry entry{.room = Room(limits_, now.steady, last_number_), .epoch = ++last_epoch_};
    return rooms_.emplace(std::string(name), std::move(entry)).first;
}

// When the table is full, the room that has waited longest for anybody to register gives way:
// otherwise joins alone, which anybody can make, would close this server to everybody else.
bool Rooms::make_space(Now now, Deliveries& out) {
    if (rooms_.size() >= limits_.max_rooms) expire(now, out);
    if (rooms_.size() < limits_.max_rooms) return true;
    if (giving_way_.empty() || giving_way_.begin()->first > now.steady) return false;
    const auto at = rooms_.find(giving_way_.begin()->second);
    Room& room = at->second.room;
    while (room.has_seats()) {
        const Number last = room.members().back().number;
        freed(at, room.remove(last, LeftReason::gave_way, out), out);
    }
    forget(at);
    return true;
}

Room::Member& Rooms::seat(Instant now, Table::iterator at, std::string id, Room::Kind kind,
                          Deliveries& out) {
    Room& room = at->second.room;
    const bool first = !room.has_seats();
    Room::Member& member = room.seat(now, std::move(id), kind, out);
    seated(at, member, first);
    return member;
}

void Rooms::seated(Table::iterator at, const Room::Member& member, bool first) {
    ++stats_.clients;
    if (first) observer_.room_opened(at->first);
    observer_.client_joined(at->first, member.number);
}

void Rooms::freed(Table::iterator at, const Room::Freed& freed, Deliveries& out) {
    auto& [name, entry] = *at;
    --stats_.clients;
    if (freed.connection) close(*freed.connection, out);
    observer_.client_left(name, freed.number, freed.reason);
    for (const Room::Knock& knock : entry.room.reset_conference()) {
        turn_away(knock.connection, native::Refusal::lobby_closed, out);
    }
    if (entry.room.has_seats()) return;
    observer_.room_closed(name, closed_reason(freed.reason));
}

void Rooms::close(ConnectionId connection, Deliveries& out) {
    connections_.erase(connection);
    out.push_back({.to = connection, .message = {}, .close = true});
}

// --- time

// Lets go what is due in a room, and the room itself when it is over; end() then.
Rooms::Table::iterator Rooms::settle(Instant now, Table::iterator at, Deliveries& out) {
    auto& [name, entry] = *at;
    Room& room = entry.room;
    while (const auto gone = room.expire_one(now, out)) freed(at, *gone, out);
    room.expire_hostless(now, out);
    room.expire_departed(now);
    room.expire_stay(now);
    sum_up(entry);
    if (stats_.queued_bytes > limits_.max_total_bytes) {
        room.forget_events();
        sum_up(entry);
    }
    if (room.over()) {
        forget(at);
        return rooms_.end();
    }
    schedule(at, room.next_deadline());
    move(giving_way_, name, entry.gives_way, room.gives_way_at());
    return at;
}

void Rooms::forget(Table::iterator at) {
    auto& [name, entry] = *at;
    sum_up(entry);
    move(schedule_, name, entry.scheduled, Instant::max());
    move(giving_way_, name, entry.gives_way, Instant::max());
    last_number_ = std::max(last_number_, entry.room.last_number());
    rooms_.erase(at);
}

// One place per room.  A deadline that moved away keeps the place it has: looking too early is
// cheap, and a message then costs no change here.
void Rooms::schedule(Table::iterator at, Instant next) {
    Instant& scheduled = at->second.scheduled;
    if (scheduled > next || next == Instant::max()) move(schedule_, at->first, scheduled, next);
}

void Rooms::move(Order& order, std::string_view name, Instant& place, Instant to) {
    if (place == to) return;
    if (place != Instant::max()) order.erase({place, name});
    place = to;
    if (place != Instant::max()) order.emplace(place, name);
}

void Rooms::expire(Now now, Deliveries& out) {
    while (!schedule_.empty() && schedule_.begin()->first <= now.steady) {
        const auto at = rooms_.find(schedule_.begin()->second);
        schedule(at, Instant::max());
        settle(now.steady, at, out);
    }
}

Instant Rooms::next_deadline() const {
    return schedule_.empty() ? Instant::max() : schedule_.begin()->first;
}

// --- counting

void Rooms::sum_up(Entry& entry) {
    const auto update = [](size_t& sum, size_t& part, size_t now) {
        sum += now - part;
        part = now;
    };
    update(stats_.queued_bytes, entry.queued, entry.room.queued_memory());
    update(stats_.connected, entry.connected, entry.room.connected());
}

size_t Rooms::space() const {
    return limits_.max_total_bytes - std::min(stats_.queued_bytes, limits_.max_total_bytes);
}

bool Rooms::may_talk(Instant now, Room& room) {
    const bool may = room.may_talk(now);
    if (!may) ++stats_.too_fast;
    return may;
}

Result<void, SendRefusal> Rooms::count(Result<void, SendRefusal> said) {
    ++(said ? stats_.messages : stats_.messages_refused);
    return said;
}

Stats Rooms::stats() const {
    Stats stats = stats_;
    stats.rooms = rooms_.size();
    stats.connections = connections_.size();
    return stats;
}

size_t Rooms::seats_taken(std::string_view name) const {
    const auto at = rooms_.find(name);
    return at == rooms_.end() ? 0 : at->second.room.members().size();
}

}  // namespace ahoy::room
