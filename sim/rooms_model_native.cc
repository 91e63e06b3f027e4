// Our own protocol's half of the oracle, from docs/protocol.md.
#include <algorithm>
#include <boost/json.hpp>

#include "sim/rooms_model.h"

namespace ahoy::sim {
namespace {

namespace json = boost::json;
namespace native = room::native;
using room::ProfileChange;
using room::Role;
using room::Showing;

constexpr auto token_lifetime = 24h;
constexpr size_t most_lines = 100;
const std::string bye = R"({"type":"bye"})";

template <class... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

void write(const json::value& value, std::string& to) {
    if (value.is_array()) {
        to += '[';
        for (const json::value& item : value.get_array()) {
            write(item, to);
            to += ',';
        }
        to += ']';
    } else if (value.is_object()) {
        std::vector<std::string_view> keys;
        for (const auto& [key, item] : value.get_object())
            keys.emplace_back(key.data(), key.size());
        std::ranges::sort(keys);
        to += '{';
        for (const std::string_view key : keys) {
            to.append(key).append(":");
            write(value.get_object().at({key.data(), key.size()}), to);
            to += ',';
        }
        to += '}';
    } else {
        to += json::serialize(value);
    }
}

bool may_come_again(std::string_view code) {
    static constexpr std::string_view codes[] = {"room-full",  "room-locked",    "lobby-closed",
                                                 "queue-full", "too-many-rooms", "too-fast"};
    return std::ranges::find(codes, code) != std::end(codes);
}

json::object error(std::string_view code) {
    return {{"type", "error"}, {"code", code}, {"retry", may_come_again(code)}};
}

json::object goodbye(std::string_view reason) {
    return {{"type", "bye"}, {"reason", reason}, {"retry", false}};
}

void describe(const room::Profile& profile, json::object& frame) {
    frame["name"] = profile.name;
    frame["role"] = room::label(profile.role);
    for (const auto& [what, name] : room::showings) frame[name] = profile.shows[what];
}

bool is_for_hosts(const native::Command& command) {
    return std::visit(
        Overloaded{
            [](const native::Signal&) { return false; }, [](const native::Say&) { return false; },
            [](const native::Chat&) { return false; }, [](const native::Set&) { return false; },
            [](const native::Ice&) { return false; }, [](const native::Leave&) { return false; },
            [](const auto&) { return true; }},
        command);
}

}  // namespace

std::string comparable(const json::object& frame) {
    json::object without = frame;
    const auto& type = frame.at("type").as_string();
    if (type == "welcome") {
        without.erase("resume");
        without.erase("ice_servers");
    } else if (type == "error" || type == "bye") {
        without.erase("message");
        without.erase("retry_after");
    } else if (type == "invite") {
        without.erase("key");
    }
    std::string text;
    write(without, text);
    return text;
}

// --- who is here

bool RoomsModel::Room::has_natives() const {
    return std::ranges::any_of(people, [](const Person& p) { return p.native.has_value(); });
}

bool RoomsModel::Room::has_legacy() const {
    return std::ranges::any_of(people, [](const Person& p) { return !p.native; });
}

// AppRTC's clients know no third, no lock and no lobby.
bool RoomsModel::Room::is_full_for_legacy(const room::Limits& limits) const {
    return people.size() >= limits.capacity || locked || (lobby && has_natives());
}

RoomsModel::Person* RoomsModel::Room::host() {
    const auto found = std::ranges::find_if(
        people, [](const Person& p) { return p.native && p.native->is_host(); });
    return found == people.end() ? nullptr : &*found;
}

// Of two participants the later one offers, by their numbers; of a participant and a client of
// AppRTC the one that took its seat first.
RoomsModel::Frame RoomsModel::seen_by(const Room& room, const Person& viewer,
                                      const Person& other) const {
    Frame frame{
        {"id", other.number}, {"legacy", !other.native}, {"connected", other.socket.has_value()}};
    if (other.native) {
        describe(other.native->profile, frame);
        frame["offer"] = viewer.number > other.number;
    } else {
        room::Profile profile;
        profile.shows[Showing::mic] = profile.shows[Showing::camera] = true;
        describe(profile, frame);
        const auto place = [&](const Person& who) {
            return std::ranges::find(room.people, who.number, &Person::number) -
                   room.people.begin();
        };
        frame["offer"] = place(viewer) < place(other);
    }
    return frame;
}

// --- telling

void RoomsModel::hear(ConnectionId socket, const Frame& frame, Expected& expected) {
    expected.deliveries.push_back({.to = socket, .message = comparable(frame), .framed = true});
}

void RoomsModel::tell(Person& person, Frame event, Expected& expected) {
    Native& self = *person.native;
    event["seq"] = ++self.seq;
    const size_t most = limits_.events.events;
    if (!person.socket && self.kept.size() >= most) {
        trace_.mark(Mark::events_missed);
        return self.kept.clear();
    }
    if (self.kept.size() >= most) self.kept.pop_front();
    std::string text = comparable(event);
    self.kept.emplace_back(self.seq, text);
    if (person.socket) {
        expected.deliveries.push_back(
            {.to = *person.socket, .message = std::move(text), .framed = true});
    }
}

void RoomsModel::tell_natives(Room& room, const Frame& event, Expected& expected,
                              const Person* but) {
    for (Person& person : room.people) {
        if (person.native && &person != but) tell(person, event, expected);
    }
}

// RI6: what is accepted is delivered.
bool RoomsModel::reaches(const Room& room, const Person& person, size_t bytes) const {
    if (person.socket) return true;
    if (person.native) return person.native->kept.size() < limits_.events.events;
    return has_room(room, person.number, bytes);
}

void RoomsModel::announce(Room& room, const Person& newcomer, Expected& expected) {
    for (Person& person : room.people) {
        if (!person.native || &person == &newcomer) continue;
        tell(person, {{"type", "joined"}, {"participant", seen_by(room, person, newcomer)}},
             expected);
    }
}

void RoomsModel::announce_left(Room& room, const Person& gone, LeftReason why, Expected& expected) {
    if (ends_the_room(why)) return;
    const char* const reason = why == LeftReason::left      ? "left"
                               : why == LeftReason::removed ? "removed"
                                                            : "lost";
    for (Person& person : room.people) {
        if (person.native) {
            tell(person, {{"type", "left"}, {"id", gone.number}, {"reason", reason}}, expected);
        } else if (gone.native && !person.is_loopback) {
            trace_.mark(Mark::legacy_told_bye);
            give(room, person, 0, bye, expected);
        }
    }
}

void RoomsModel::say_goodbye(const Room& room, const Person& gone, LeftReason why,
                             Expected& expected) {
    if (gone.native) {
        hear(*gone.socket,
             goodbye(why == LeftReason::left          ? "left"
                     : why == LeftReason::room_closed ? "closed"
                     : why == LeftReason::removed     ? "removed"
                                                      : "expired"),
             expected);
    } else if (room.has_natives() || why == LeftReason::room_closed) {
        expected.deliveries.push_back({.to = *gone.socket, .message = bye});
    }
}

// The first who is connected, else the first; nobody whom a token made a guest.
void RoomsModel::find_heir(Room& room, Expected& expected) {
    Person* heir = nullptr;
    for (Person& person : room.people) {
        if (!person.native || person.native->profile.role_given) continue;
        if (heir == nullptr || (!heir->socket && person.socket)) heir = &person;
    }
    if (heir == nullptr) return;
    trace_.mark(Mark::host_inherited);
    change(room, *heir, {.role = Role::host}, true, expected);
}

void RoomsModel::change(Room& room, Person& person, const ProfileChange& wanted, bool tells_itself,
                        Expected& expected) {
    room::Profile& profile = person.native->profile;
    Frame event{{"type", "changed"}, {"id", person.number}};
    const size_t nothing = event.size();
    const bool becomes_host = wanted.role == Role::host && profile.role != Role::host;
    if (wanted.name && *wanted.name != profile.name) event["name"] = profile.name = *wanted.name;
    if (wanted.role && *wanted.role != profile.role) {
        profile.role = *wanted.role;
        event["role"] = room::label(profile.role);
    }
    for (const auto& [what, name] : room::showings) {
        const auto shows = wanted.shows[what];
        if (shows && *shows != profile.shows[what]) event[name] = profile.shows[what] = *shows;
    }
    if (event.size() == nothing) return;
    tell_natives(room, event, expected, &person);
    if (tells_itself) tell(person, event, expected);
    if (!becomes_host) return;
    for (const Knock& knock : room.knocks) {
        tell(person,
             {{"type", "knock"}, {"knock", knock.number}, {"name", knock.wish.profile.name}},
             expected);
    }
}

// Without participants nobody can let anybody in, and the room is as new.
void RoomsModel::end_conference(Room& room, Expected& expected) {
    if (room.has_natives()) return;
    room.locked = false;
    room.lobby = limits_.lobby;
    room.hostless_until = Instant::max();
    room.invites.clear();
    room.chat.clear();
    for (const Knock& knock : std::exchange(room.knocks, {})) {
        turn_away(knock.socket, "lobby-closed", expected);
    }
}

// --- coming

void RoomsModel::turn_away(ConnectionId socket, Code code, Expected& expected) {
    trace_.mark(Mark::turned_away);
    hear(socket, error(code), expected);
    close(socket, expected);
}

bool RoomsModel::is_let_in(const Room& room, const native::Enter& wish) const {
    return wish.profile.role == Role::host || room.invites.contains(wish.invite);
}

RoomsModel::Code RoomsModel::refuses(const Room& room, const native::Enter& wish) const {
    const size_t most = room.has_legacy() ? limits_.capacity : limits_.conference_capacity;
    if (room.people.size() >= most) return "room-full";
    if (room.locked && !is_let_in(room, wish)) return "room-locked";
    const bool knocks = room.lobby && room.has_natives() && !is_let_in(room, wish);
    if (knocks && room.knocks.size() >= limits_.max_knocks) return "lobby-closed";
    return {};
}

Expected RoomsModel::enter(Now now, ConnectionId socket, const native::Enter& wish) {
    Expected expected;
    Room* const room = open(now, wish.room, expected);
    if (room == nullptr) {
        turn_away(socket, "too-many-rooms", expected);
        return expected;
    }
    if (const Code code = refuses(*room, wish); !code.empty()) {
        turn_away(socket, code, expected);
        return expected;
    }
    if (room->lobby && room->has_natives() && !is_let_in(*room, wish)) {
        trace_.mark(Mark::knocked);
        room->knocks.push_back({++room->last, socket, wish});
        connections_[socket] = {wish.room, room->epoch, room->last};
        hear(socket, {{"type", "waiting"}}, expected);
        for (Person& person : room->people) {
            if (!person.native || !person.native->is_host()) continue;
            tell(person, {{"type", "knock"}, {"knock", room->last}, {"name", wish.profile.name}},
                 expected);
        }
    } else {
        sit(now, *room, wish.room, socket, wish.profile, 0, expected);
    }
    settle(now.steady, wish.room, expected);
    return expected;
}

void RoomsModel::sit(Now now, Room& room, const std::string& name, ConnectionId socket,
                     const room::Profile& profile, Number number, Expected& expected) {
    const bool has_host = room.host() != nullptr;
    Person& person = seat(now.steady, room, {}, false);
    if (number != 0) {
        for (Letter& letter : room.letters) {
            if (letter.to == person.number) letter.to = number;
        }
        person.number = number;
        --room.last;
    }
    person.registered = true;
    person.socket = socket;
    person.native = Native{.profile = profile, .restored = number != 0};
    Role& role = person.native->profile.role;
    if (!profile.role_given) {
        const bool awaits_host = number != 0 && role == Role::guest;
        if (!has_host && awaits_host && room.hostless_until == Instant::max()) {
            room.hostless_until = now.steady + limits_.resume_timeout;
        }
        const bool waits = room.hostless_until != Instant::max();
        role = has_host || (role == Role::guest && waits) ? Role::guest : Role::host;
    }
    if (role == Role::host) room.hostless_until = Instant::max();
    connections_[socket] = {name, room.epoch, person.number};
    announce(room, person, expected);
    trace_.mark(room.has_legacy() ? Mark::entered_beside_legacy : Mark::entered);
    greet(room, name, person, {}, number == 0, expected);
}

void RoomsModel::greet(Room& room, const std::string& name, Person& person,
                       std::optional<uint64_t> seq, bool knows_past, Expected& expected) {
    Native& self = *person.native;
    const uint64_t forgotten = self.seq - self.kept.size();
    const bool resumed = seq && knows_past && *seq >= forgotten && *seq <= self.seq;
    Frame you{{"id", person.number}};
    describe(self.profile, you);
    Frame welcome{{"type", "welcome"},
                  {"version", 1},
                  {"features", boost::json::array{"attempt"}},
                  {"seq", resumed ? *seq : self.seq},
                  {"received", self.received},
                  {"resumed", resumed},
                  {"missed", 0},
                  {"you", you},
                  {"resume_timeout",
                   std::chrono::milliseconds(std::chrono::duration_cast<std::chrono::milliseconds>(
                                                 limits_.resume_timeout))
                       .count()}};
    if (!resumed) {
        const bool is_known = knows_past && (!seq || *seq <= self.seq);
        if (!is_known) welcome["missed"] = nullptr;
        if (is_known && seq) welcome["missed"] = self.seq - *seq;
        welcome["room"] = {{"name", name},
                           {"capacity", limits_.conference_capacity},
                           {"locked", room.locked},
                           {"lobby", room.lobby}};
        json::array others;
        for (const Person& other : room.people) {
            if (&other != &person) others.push_back(seen_by(room, person, other));
        }
        welcome["participants"] = others;
        welcome["chat"] = json::array(room.chat.begin(), room.chat.end());
        self.kept.clear();
    }
    hear(*person.socket, welcome, expected);
    for (const auto& [number, event] : self.kept) {
        if (number <= *seq) continue;
        trace_.mark(Mark::events_replayed);
        expected.deliveries.push_back({.to = *person.socket, .message = event, .framed = true});
    }
    const std::vector<Letter> letters = room.letters;
    std::erase_if(room.letters, [&](const Letter& l) { return l.to == person.number; });
    for (const Letter& letter : letters) {
        if (letter.to == person.number) give(room, person, letter.from, letter.text, expected);
    }
    if (resumed || !self.is_host()) return;
    for (const Knock& knock : room.knocks) {
        tell(person,
             {{"type", "knock"}, {"knock", knock.number}, {"name", knock.wish.profile.name}},
             expected);
    }
}

// --- coming back

void RoomsModel::gave_token(Now now, ConnectionId socket, const std::string& token) {
    const auto bound = connections_.find(socket);
    if (bound == connections_.end()) return;
    const Bound& seat = bound->second;
    const Person* const person = rooms_.at(seat.room).find(seat.number);
    if (person == nullptr) return;
    tickets_[token] = {seat, run_, person->native->profile, now.wall};
}

bool RoomsModel::knows_token(WallTime now, const std::string& token) const {
    const auto found = tickets_.find(token);
    return found != tickets_.end() && now <= found->second.issued + token_lifetime;
}

Expected RoomsModel::resume(Now now, ConnectionId socket, const std::string& token,
                            const native::Resume& wish) {
    Expected expected;
    const Ticket& ticket = tickets_.at(token);
    const auto& [name, epoch, number] = ticket.seat;
    Room* const room = look_up(now.steady, name, expected);
    Person* const person = room == nullptr ? nullptr : room->find(number);
    const bool ours = ticket.run == run_;
    if (!ours && person == nullptr) {
        restore(now, socket, ticket, wish, expected);
        return expected;
    }
    const bool same = person != nullptr && person->native &&
                      (ours ? room->epoch == epoch : person->native->restored);
    if (!same) {
        turn_away(socket, "session-ended", expected);
        return expected;
    }
    if (wish.attempt < person->native->attempt) {
        trace_.mark(Mark::late_hello);
        hear(socket, goodbye("replaced"), expected);
        close(socket, expected);
        return expected;
    }
    person->native->attempt = wish.attempt;
    room->active = now.steady;
    connections_[socket] = {name, room->epoch, number};
    const auto replaced = std::exchange(person->socket, socket);
    trace_.mark(replaced ? Mark::socket_replaced : Mark::resumed);
    ProfileChange shows;
    for (const auto& [what, word] : room::showings) shows.shows[what] = wish.shows[what];
    change(*room, *person, shows, false, expected);
    greet(*room, name, *person, wish.seq, ours, expected);
    if (replaced) {
        hear(*replaced, goodbye("replaced"), expected);
        close(*replaced, expected);
    } else {
        tell_natives(*room, {{"type", "changed"}, {"id", number}, {"connected", true}}, expected,
                     person);
    }
    settle(now.steady, name, expected);
    return expected;
}

void RoomsModel::restore(Now now, ConnectionId socket, const Ticket& ticket,
                         const native::Resume& wish, Expected& expected) {
    const std::string& name = ticket.seat.room;
    Room* const room = now.steady < limits_.restore_until ? open(now, name, expected) : nullptr;
    const bool has_place =
        room != nullptr &&
        room->people.size() < (room->has_legacy() ? limits_.capacity : limits_.conference_capacity);
    if (!has_place) {
        turn_away(socket, "session-ended", expected);
        return;
    }
    trace_.mark(Mark::restored);
    room::Profile profile = ticket.profile;
    profile.shows = wish.shows;
    sit(now, *room, name, socket, profile, ticket.seat.number, expected);
    room->people.back().native->attempt = wish.attempt;
    settle(now.steady, name, expected);
}

void RoomsModel::restart(Instant restore_until) {
    rooms_.clear();
    connections_.clear();
    last_epoch_ = last_number_ = 0;
    ++run_;
    limits_.restore_until = restore_until;
}

// --- being there

std::optional<RoomsModel::Knock> RoomsModel::take_knock(Room& room, Number number,
                                                        Expected& expected) {
    const auto at = std::ranges::find(room.knocks, number, &Knock::number);
    if (at == room.knocks.end()) return {};
    Knock knock = *at;
    room.knocks.erase(at);
    for (Person& person : room.people) {
        if (!person.native || !person.native->is_host()) continue;
        tell(person, {{"type", "knock_over"}, {"knock", number}}, expected);
    }
    return knock;
}

void RoomsModel::acknowledge(ConnectionId socket, uint64_t seq) {
    const auto bound = connections_.find(socket);
    if (bound == connections_.end()) return;
    const auto at = rooms_.find(bound->second.room);
    if (at == rooms_.end() || at->second.epoch != bound->second.epoch) return;
    Person* const person = at->second.find(bound->second.number);
    if (person == nullptr) return;
    auto& kept = person->native->kept;
    while (!kept.empty() && kept.front().first <= seq) kept.pop_front();
}

Expected RoomsModel::request(Now now, ConnectionId socket, const native::Request& request,
                             const std::string& key) {
    Expected expected;
    const auto bound = connections_.find(socket);
    if (bound == connections_.end()) return expected;
    const auto [name, epoch, number] = bound->second;
    Room* const room = look_up(now.steady, name, expected);
    if (room == nullptr || room->epoch != epoch) return expected;
    Person* const self = room->find(number);
    if (self == nullptr) {  // in the lobby
        const bool leaves = std::holds_alternative<native::Leave>(request.command);
        hear(socket, leaves ? goodbye("left") : error("bad-message"), expected);
        take_knock(*room, number, expected);
        close(socket, expected);
    } else {
        const bool again = request.id <= self->native->received;
        self->native->received = std::max(self->native->received, request.id);
        if (again) trace_.mark(Mark::request_again);
        const Code code =
            again ? Code{} : carry_out(now, *room, name, number, request, key, expected);
        Person* const still = room->find(number);
        if (still != nullptr && code.empty()) {
            hear(socket, {{"type", "ack"}, {"id", request.id}}, expected);
        } else if (still != nullptr) {
            trace_.mark(Mark::request_refused);
            Frame refusal = error(code);
            refusal["id"] = request.id;
            tell(*still, refusal, expected);
        }
    }
    settle(now.steady, name, expected);
    return expected;
}

RoomsModel::Code RoomsModel::carry_out(Now now, Room& room, const std::string& name, Number number,
                                       const native::Request& request, const std::string& key,
                                       Expected& expected) {
    Person& self = *room.find(number);
    if (is_for_hosts(request.command) && !self.native->is_host()) return "not-host";
    // Somebody else of our own protocol.
    const auto other = [&](Number who) {
        Person* const found = room.find(who);
        return found != nullptr && found->native ? found : nullptr;
    };
    return std::visit(
        Overloaded{
            [&](const native::Signal& signal) -> Code {
                room.active = now.steady;
                Person* const to = room.find(signal.to);
                if (to == nullptr || to == &self) return "unknown-participant";
                if (!reaches(room, *to, signal.data.size())) return "queue-full";
                ++last_said_;
                give(room, *to, number, signal.data, expected);
                return {};
            },
            [&](const native::Say& said) -> Code {
                room.active = now.steady;
                Frame event{{"type", "message"}, {"from", number}, {"data", said.data}};
                event["private"] = said.to.has_value();
                if (!said.to) return tell_natives(room, event, expected, &self), Code{};
                Person* const to = other(*said.to);
                if (to == nullptr || to == &self) return "unknown-participant";
                if (!reaches(room, *to, said.data.size())) return "queue-full";
                tell(*to, event, expected);
                return {};
            },
            [&](const native::Chat& chat) -> Code {
                room.active = now.steady;
                const auto time = std::chrono::milliseconds(now.wall.time_since_epoch()).count();
                Frame line{{"n", ++room.last_line},
                           {"from", number},
                           {"name", self.native->profile.name},
                           {"text", chat.text},
                           {"time", time}};
                room.chat.push_back(line);
                if (room.chat.size() > most_lines) room.chat.pop_front();
                line["type"] = "chat";
                tell_natives(room, line, expected);
                return {};
            },
            [&](const native::Set& set) -> Code {
                ProfileChange wanted = set.change;
                if (self.native->profile.name_given) wanted.name.reset();
                change(room, self, wanted, false, expected);
                return {};
            },
            [&](const native::Ice&) -> Code {
                tell(self, {{"type", "ice"}, {"id", request.id}, {"ice_servers", json::array()}},
                     expected);
                return {};
            },
            [&](const native::Leave&) -> Code {
                dismiss(room, number, LeftReason::left, expected);
                return {};
            },
            [&](const native::SetRoom& wanted) -> Code {
                Frame event{{"type", "room"}};
                if (wanted.locked && *wanted.locked != room.locked) {
                    event["locked"] = room.locked = *wanted.locked;
                }
                if (wanted.lobby && *wanted.lobby != room.lobby) {
                    event["lobby"] = room.lobby = *wanted.lobby;
                }
                if (event.size() > 1) tell_natives(room, event, expected);
                return {};
            },
            [&](const native::Answer& answer) -> Code {
                const size_t most =
                    room.has_legacy() ? limits_.capacity : limits_.conference_capacity;
                if (answer.admits && room.people.size() >= most) return "room-full";
                const auto knock = take_knock(room, answer.knock, expected);
                if (!knock) return "unknown-participant";
                trace_.mark(answer.admits ? Mark::admitted : Mark::denied);
                if (!answer.admits) return turn_away(knock->socket, "denied", expected), Code{};
                sit(now, room, name, knock->socket, knock->wish.profile, 0, expected);
                return {};
            },
            [&](const native::Mute& mute) -> Code {
                Person* const to = other(mute.to);
                if (to == nullptr) return "unknown-participant";
                const auto what = room::showings[static_cast<size_t>(mute.what)].second;
                tell(*to, {{"type", "mute"}, {"from", number}, {"what", what}}, expected);
                return {};
            },
            [&](const native::Remove& remove) -> Code {
                if (room.find(remove.to) == nullptr) return "unknown-participant";
                trace_.mark(Mark::removed_by_host);
                dismiss(room, remove.to, LeftReason::removed, expected);
                return {};
            },
            [&](const native::MakeHost& make) -> Code {
                Person* const to = other(make.to);
                if (to == nullptr) return "unknown-participant";
                if (to == &self) return {};
                change(room, *to, {.role = Role::host}, true, expected);
                change(room, self, {.role = Role::guest}, true, expected);
                return {};
            },
            [&](const native::Invite&) -> Code {
                if (room.invites.size() >= limits_.max_invites) return "too-many-invites";
                room.invites.insert(key);
                tell(self, {{"type", "invite"}, {"id", request.id}}, expected);
                return {};
            },
            [&](const native::Revoke& revoke) -> Code {
                room.invites.erase(revoke.key);
                return {};
            },
            [&](const native::Close&) -> Code {
                trace_.mark(Mark::closed_by_host);
                while (!room.people.empty()) {
                    dismiss(room, room.people.back().number, LeftReason::room_closed, expected);
                }
                return {};
            },
        },
        request.command);
}

}  // namespace ahoy::sim
