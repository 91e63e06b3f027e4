#include "sim/rooms_model.h"

#include <algorithm>

namespace ahoy::sim {
namespace {

const std::string bye = R"({"type":"bye"})";
constexpr size_t most_gone = 16;
// Rooms begin to count from the seconds since then and a number of the run's, so that after a
// restart nobody has another's number.
constexpr WallTime numbers_begin = std::chrono::sys_days(std::chrono::January / 1 / 2026);

bool is_loopback_name(const std::string& id) {
    return id == "LOOPBACK_CLIENT_ID" || id == "loopback_client_id";
}

}  // namespace

std::string_view label(Answer answer) {
    static constexpr std::string_view labels[] = {"ok",           "full",      "too many",
                                                  "unknown room", "unknown",   "duplicate",
                                                  "too large",    "queue full"};
    return labels[static_cast<size_t>(answer)];
}

// --- events

Expected RoomsModel::join(Now now, const std::string& name, const std::string& id, bool loopback) {
    Expected expected;
    Room* const room = open(now, name, expected);
    if (room == nullptr) {
        expected.answer = Answer::too_many;
        return expected;
    }
    if (room->is_full_for_legacy(limits_)) {
        expected.answer = Answer::full;
        return expected;
    }
    expected.initiator = room->people.empty();
    const Number number = seat(now.steady, *room, id, false).number;
    announce(*room, *room->find(number), expected);
    room->find(number)->joined = true;
    for (Letter& letter : room->letters) {
        if (letter.to != number) continue;
        letter.handed = true;
        expected.handed.push_back(letter.text);
    }
    if (expected.initiator && loopback) seat(now.steady, *room, "LOOPBACK_CLIENT_ID", true);
    settle(now.steady, name, expected);
    return expected;
}

Expected RoomsModel::message(Instant now, const std::string& name, const std::string& id,
                             std::string text) {
    Expected expected;
    Room* const room = look_up(now, name, expected);
    if (room == nullptr || room->people.empty()) {
        expected.answer = Answer::unknown_room;
        return expected;
    }
    const Person* const sender = room->find(id);
    if (sender == nullptr) {
        expected.answer = Answer::unknown;
        return expected;
    }
    say(now, *room, sender->number, text, expected);
    settle(now, name, expected);
    return expected;
}

Expected RoomsModel::leave(Instant now, const std::string& name, const std::string& id) {
    Expected expected;
    Room* const room = look_up(now, name, expected);
    if (room == nullptr) return expected;
    if (const Person* const found = room->find(id)) {
        const Person person = *found;
        room->active = now;
        take_out(*room, person.number, LeftReason::left, expected);
        if (room->gone.size() == most_gone) room->gone.erase(room->gone.begin());
        room->gone.push_back(
            {person.number, id, person.socket, room->last, now + limits_.register_timeout});
    }
    settle(now, name, expected);
    return expected;
}

Expected RoomsModel::connect(Now now, ConnectionId socket, const std::string& name,
                             const std::string& id) {
    Expected expected;
    if (connections_.contains(socket)) {
        expected.answer = Answer::duplicate;
        return expected;
    }
    Room* room = look_up(now.steady, name, expected);
    Person* person = nullptr;
    if (room != nullptr && is_loopback_name(id)) {
        const auto found = std::ranges::find(room->people, true, &Person::is_loopback);
        if (found != room->people.end()) person = &*found;
    }
    if (room != nullptr && person == nullptr) person = room->find(id);
    if (person == nullptr) {  // Collider made up whoever registered
        if (limits_.require_join) expected.answer = Answer::unknown;
        if (!limits_.require_join && room == nullptr) room = open(now, name, expected);
        if (!limits_.require_join && room == nullptr) expected.answer = Answer::too_many;
        if (!limits_.require_join && room != nullptr) {
            if (room->is_full_for_legacy(limits_)) {
                expected.answer = Answer::full;
            } else {
                person = &seat(now.steady, *room, id, false);
                announce(*room, *person, expected);
            }
        }
    }
    if (person == nullptr) return expected;
    if (person->socket) {
        expected.answer = Answer::duplicate;
        return expected;
    }
    room->active = now.steady;
    show_up(*room, *person);
    trace_.mark(person->registered ? Mark::registered_again : Mark::registered);
    person->registered = true;
    person->socket = socket;
    connections_[socket] = {name, room->epoch, person->number};
    for (const Letter& letter : room->letters) {
        if (letter.to != person->number) continue;
        expected.deliveries.push_back({.to = socket, .message = letter.text});
        trace_.mark(Mark::queued_then_delivered);
    }
    std::erase_if(room->letters, [&](const Letter& l) { return l.to == person->number; });
    tell_natives(*room, {{"type", "changed"}, {"id", person->number}, {"connected", true}},
                 expected, person);
    settle(now.steady, name, expected);
    return expected;
}

Expected RoomsModel::send(Instant now, ConnectionId socket, std::string text) {
    Expected expected;
    const auto bound = connections_.find(socket);
    if (bound == connections_.end()) {
        expected.answer = Answer::unknown;
        return expected;
    }
    const auto [name, epoch, number] = bound->second;
    Room* const room = look_up(now, name, expected);
    if (room == nullptr || room->epoch != epoch) return expected;  // alone, and left
    if (room->find(number) != nullptr) {
        say(now, *room, number, text, expected);
    } else {
        const auto gone = std::ranges::find(room->gone, number, &Gone::number);
        if (gone != room->gone.end()) say_bye(*room, *gone, text, expected);
    }
    settle(now, name, expected);
    return expected;
}

Expected RoomsModel::post(Now now, const std::string& name, const std::string& id,
                          std::string text) {
    Expected expected;
    Room* room = look_up(now.steady, name, expected);
    if (room != nullptr) {
        if (const Person* const person = room->find(id)) {
            say(now.steady, *room, person->number, text, expected);
            settle(now.steady, name, expected);
            return expected;
        }
        if (const Gone* const gone = room->find_gone(id)) {
            say_bye(*room, *gone, text, expected);
            settle(now.steady, name, expected);
            return expected;
        }
    }
    if (limits_.require_join) {
        expected.answer = Answer::unknown;
    } else if (room = open(now, name, expected); room == nullptr) {
        expected.answer = Answer::too_many;
    } else if (room->is_full_for_legacy(limits_)) {
        expected.answer = Answer::full;
    } else {
        trace_.mark(Mark::post_opened_room);
        const Number number = seat(now.steady, *room, id, false).number;
        announce(*room, *room->find(number), expected);
        say(now.steady, *room, number, text, expected);
    }
    if (rooms_.contains(name)) settle(now.steady, name, expected);
    return expected;
}

Expected RoomsModel::remove(Instant now, const std::string& name, const std::string& id) {
    Expected expected;
    Room* const room = look_up(now, name, expected);
    if (room == nullptr) return expected;
    if (const Person* const person = room->find(id)) {
        dismiss(*room, person->number, LeftReason::removed, expected);
    } else if (const Gone* const found = room->find_gone(id)) {
        const auto socket = found->socket;
        const Number number = found->number;
        std::erase_if(room->gone, [&](const Gone& g) { return g.number == number; });
        if (socket) close(*socket, expected);
    }
    settle(now, name, expected);
    return expected;
}

Expected RoomsModel::socket_lost(Instant now, ConnectionId socket) {
    Expected expected;
    const auto bound = connections_.find(socket);
    if (bound == connections_.end()) return expected;
    const auto [name, epoch, number] = bound->second;
    connections_.erase(bound);
    const auto found = rooms_.find(name);
    if (found == rooms_.end() || found->second.epoch != epoch) return expected;
    Room& room = found->second;
    for (Person& person : room.people) {
        if (person.socket != socket) continue;
        person.socket.reset();
        person.since = room.active = now;
        tell_natives(room, {{"type", "changed"}, {"id", person.number}, {"connected", false}},
                     expected, &person);
    }
    for (Gone& gone : room.gone) {
        if (gone.socket == socket) gone.socket.reset();
    }
    take_knock(room, number, expected);
    settle(now, name, expected);
    return expected;
}

Expected RoomsModel::expire(Instant now) {
    Expected expected;
    std::vector<std::string> names;
    for (const auto& [name, room] : rooms_) names.push_back(name);
    for (const auto& name : names) settle(now, name, expected);
    return expected;
}

// --- people

RoomsModel::Person* RoomsModel::Room::find(const std::string& id) {
    const auto found = std::ranges::find_if(
        people, [&](const Person& p) { return !p.is_loopback && !p.native && p.id == id; });
    return found == people.end() ? nullptr : &*found;
}

RoomsModel::Person* RoomsModel::Room::find(Number number) {
    const auto found = std::ranges::find(people, number, &Person::number);
    return found == people.end() ? nullptr : &*found;
}

RoomsModel::Gone* RoomsModel::Room::find_gone(const std::string& id) {
    const auto found =
        std::find_if(gone.rbegin(), gone.rend(), [&](const Gone& g) { return g.id == id; });
    return found == gone.rend() ? nullptr : &*found;
}

RoomsModel::Room* RoomsModel::look_up(Instant now, const std::string& name, Expected& expected) {
    if (rooms_.contains(name)) settle(now, name, expected);
    const auto found = rooms_.find(name);
    return found == rooms_.end() ? nullptr : &found->second;
}

RoomsModel::Room* RoomsModel::open(Now now, const std::string& name, Expected& expected) {
    if (Room* const room = look_up(now.steady, name, expected)) return room;
    if (rooms_.size() >= limits_.max_rooms) {
        Expected more = expire(now.steady);
        for (Delivery& delivery : more.deliveries) expected.deliveries.push_back(delivery);
        for (const auto& left : more.left) expected.left.push_back(left);
    }
    if (rooms_.size() >= limits_.max_rooms) give_way(now.steady, expected);
    if (rooms_.size() >= limits_.max_rooms) return nullptr;
    Room& room = rooms_[name];
    room.epoch = ++last_epoch_;
    if (!names_.insert(name).second) trace_.mark(Mark::room_reused);
    room.active = now.steady;
    const auto seconds =
        static_cast<Number>(std::max<int64_t>(0, (now.wall - numbers_begin).count()));
    last_number_ = std::max(last_number_, seconds + static_cast<Number>(run_ << 8));
    room.last = last_number_;
    room.lobby = limits_.lobby;
    return &room;
}

// One room in which nobody ever registered, of those the one that waits longest.
void RoomsModel::give_way(Instant now, Expected& expected) {
    const auto oldest = std::ranges::min_element(
        rooms_, {}, [&](const auto& entry) { return gives_way_at(entry.second); });
    Room& room = oldest->second;
    if (gives_way_at(room) > now) return;
    if (!room.people.empty()) trace_.mark(Mark::room_gave_way);
    while (!room.people.empty()) {
        dismiss(room, room.people.back().number, LeftReason::gave_way, expected);
    }
    last_number_ = std::max(last_number_, room.last);
    rooms_.erase(oldest);
}

Instant RoomsModel::gives_way_at(const Room& room) const {
    Instant at = Instant::min();
    for (const Person& person : room.people) {
        if (person.registered) return Instant::max();
        at = std::max(at, person.since + limits_.register_timeout);
    }
    return at;
}

RoomsModel::Person& RoomsModel::seat(Instant now, Room& room, const std::string& id,
                                     bool loopback) {
    room.active = now;
    if (!room.people.empty()) room.company = now;
    Person& person = room.people.emplace_back();
    person.number = ++room.last;
    person.id = id;
    person.is_loopback = loopback;
    person.since = now;
    for (Letter& letter : room.letters) {
        if (letter.to == 0) letter.to = person.number;
    }
    return person;
}

void RoomsModel::show_up(Room& room, Person& person) {
    if (person.showed_up()) return;
    std::erase_if(room.letters, [&](const Letter& l) { return l.to == person.number && l.handed; });
}

// RI7: what waited for somebody who never came is for the next, if its sender is still here.
void RoomsModel::take_out(Room& room, Number number, LeftReason why, Expected& expected) {
    const Person person = *room.find(number);
    std::erase_if(room.people, [&](const Person& p) { return p.number == number; });
    std::erase_if(room.letters, [&](const Letter& l) { return l.to == 0 && l.from == number; });
    for (Letter& letter : room.letters) {
        if (letter.to != number || person.showed_up()) continue;
        const Person* const sender = room.find(letter.from);
        // What our own protocol says is for one participant, and not for the next.
        if (sender != nullptr && sender->native) continue;
        const bool is_copy = std::ranges::any_of(
            room.letters, [&](const Letter& l) { return l.to == 0 && l.said == letter.said; });
        if (sender == nullptr || is_copy) continue;
        trace_.mark(Mark::handed_messages_returned);
        letter.to = 0;
        letter.handed = false;
        letter.returned_by = number;
    }
    std::erase_if(room.letters, [&](const Letter& l) { return l.to == number; });
    expected.left.emplace_back(number, why);
    announce_left(room, person, why, expected);
    if (!ends_the_room(why) && person.native && person.native->is_host() &&
        room.host() == nullptr) {
        find_heir(room, expected);
    }
    if (why == LeftReason::left && !person.native) end_conference(room, expected);
}

void RoomsModel::dismiss(Room& room, Number number, LeftReason why, Expected& expected) {
    const Person person = *room.find(number);
    take_out(room, number, why, expected);
    if (person.socket) {
        say_goodbye(room, person, why, expected);
        close(*person.socket, expected);
    }
    end_conference(room, expected);
}

void RoomsModel::close(ConnectionId socket, Expected& expected) {
    connections_.erase(socket);
    expected.deliveries.push_back({.to = socket, .message = {}, .close = true});
}

size_t RoomsModel::seats() const {
    size_t seats = 0;
    for (const auto& [name, room] : rooms_) seats += room.people.size();
    return seats;
}

// --- talking

bool RoomsModel::has_room(const Room& room, Number to, size_t bytes) const {
    size_t count = 0;
    for (const Letter& letter : room.letters) {
        if (letter.to != to) continue;
        ++count;
        bytes += letter.text.size();
    }
    return count < limits_.max_queued_messages && bytes <= limits_.max_queued_bytes;
}

void RoomsModel::give(Room& room, const Person& to, Number from, const std::string& text,
                      Expected& expected) {
    if (to.native) {
        tell(*room.find(to.number), {{"type", "signal"}, {"from", from}, {"data", text}}, expected);
    } else if (to.socket) {
        expected.deliveries.push_back({.to = *to.socket, .message = text});
    } else {
        room.letters.push_back({.from = from, .to = to.number, .text = text, .said = last_said_});
    }
}

void RoomsModel::say(Instant now, Room& room, Number sender, const std::string& text,
                     Expected& expected) {
    Person& speaker = *room.find(sender);
    show_up(room, speaker);
    speaker.spoke = true;
    room.active = now;
    if (text.size() > limits_.max_message_bytes) {
        expected.answer = Answer::too_large;
        return;
    }
    const bool alone = room.people.size() == 1;
    bool fits = !alone || has_room(room, 0, text.size());
    for (const Person& person : room.people) {
        fits = fits && (person.number == sender || reaches(room, person, text.size()));
    }
    if (!fits) {
        expected.answer = Answer::queue_full;
        return;
    }
    ++last_said_;
    if (alone) room.letters.push_back({.from = sender, .to = 0, .text = text, .said = last_said_});
    for (const Person& person : room.people) {
        if (person.number != sender) give(room, person, sender, text, expected);
    }
}

void RoomsModel::say_bye(Room& room, const Gone& gone, const std::string& text,
                         Expected& expected) {
    trace_.mark(Mark::bye_after_leave);
    if (text.size() > limits_.max_message_bytes) {
        expected.answer = Answer::too_large;
        return;
    }
    std::erase_if(room.letters, [&](const Letter& l) {
        return l.to == 0 && l.returned_by != 0 && l.returned_by == gone.number;
    });
    bool fits = true;
    for (const Person& person : room.people) {
        if (person.number > gone.knew || person.socket || person.native) continue;
        fits = fits && has_room(room, person.number, text.size());
    }
    if (!fits) {
        expected.answer = Answer::queue_full;
        return;
    }
    for (const Person& person : room.people) {
        if (person.number <= gone.knew && !person.native)
            give(room, person, gone.number, text, expected);
    }
}

// --- time

// D6, D7: alone one may stay without a socket; in company one has half a minute to register, and
// who lost a socket, or came by Collider alone, the register timeout.
Instant RoomsModel::deadline(const Room& room, const Person& person) const {
    if (person.is_loopback) {
        const bool anybody = std::ranges::count(room.people, false, &Person::is_loopback) > 0;
        return anybody ? Instant::max() : Instant::min();
    }
    if (person.socket) return Instant::max();
    if (person.native) return person.since + limits_.resume_timeout;
    const Duration timeout = limits_.register_timeout;
    if (person.registered || !person.joined) return person.since + timeout;
    if (room.people.size() == 1) return Instant::max();
    return std::max(person.since, room.company) + std::max<Duration>(30s, timeout);
}

bool RoomsModel::expire_one(Instant now, Room& room, Expected& expected) {
    for (auto at = room.people.rbegin(); at != room.people.rend(); ++at) {
        if (deadline(room, *at) > now) continue;
        const Person person = *at;
        trace_.mark(person.registered ? Mark::seat_expired : Mark::never_registered);
        dismiss(room, person.number,
                person.registered ? LeftReason::socket_lost : LeftReason::never_registered,
                expected);
        if (!person.showed_up() || person.native) return true;
        for (const Person& other : room.people) {
            if (other.is_loopback || other.native) continue;
            trace_.mark(Mark::peer_told_bye);
            give(room, other, 0, bye, expected);
        }
        return true;
    }
    const bool connected =
        std::ranges::any_of(room.people, [](const Person& p) { return p.socket.has_value(); });
    if (room.people.empty() || connected || now < room.active + limits_.lifetime) return false;
    trace_.mark(Mark::room_idle);
    dismiss(room, room.people.back().number, LeftReason::room_expired, expected);
    return true;
}

void RoomsModel::settle(Instant now, const std::string& name, Expected& expected) {
    Room& room = rooms_.at(name);
    while (expire_one(now, room, expected)) {
    }
    if (now >= room.hostless_until) {
        room.hostless_until = Instant::max();
        if (room.host() == nullptr) find_heir(room, expected);
    }
    std::erase_if(room.gone, [&](const Gone& gone) {
        return now >= gone.until && !(gone.socket && !room.people.empty());
    });
    if (!room.people.empty() || !room.gone.empty()) return;
    last_number_ = std::max(last_number_, room.last);
    rooms_.erase(name);
}

}  // namespace ahoy::sim
