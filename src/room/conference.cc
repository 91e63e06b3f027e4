// Our own protocol's side of a room: who may come in, what participants tell each other, and how
// they come back.
#include <algorithm>

#include "base/check.h"
#include "base/crypto.h"
#include "room/collider.h"
#include "room/room.h"

namespace ahoy::room {
namespace {

using native::Refusal;

constexpr size_t invite_bytes = 16;
// As one of AppRTC's clients says it.
constexpr std::string_view bye = R"({"type":"bye"})";

std::string_view reason_for_others(LeftReason reason) {
    switch (reason) {
        case LeftReason::left:
            return "left";
        case LeftReason::removed:
            return "removed";
        default:
            return "lost";
    }
}

// Only what is different from the profile.
ProfileChange difference(const Profile& profile, const ProfileChange& wanted) {
    ProfileChange change;
    if (wanted.name && *wanted.name != profile.name) change.name = wanted.name;
    if (wanted.role && *wanted.role != profile.role) change.role = wanted.role;
    for (const auto& [what, name] : showings) {
        if (wanted.shows[what].value_or(profile.shows[what]) != profile.shows[what]) {
            change.shows[what] = wanted.shows[what];
        }
    }
    return change;
}

bool is_nothing(const ProfileChange& change) {
    return !change.name && !change.role && !change.connected &&
           change.shows == EachShowing<std::optional<bool>>{};
}

void apply(const ProfileChange& change, Profile& profile) {
    if (change.name) profile.name = *change.name;
    if (change.role) profile.role = *change.role;
    for (const auto& [what, name] : showings) {
        if (change.shows[what]) profile.shows[what] = *change.shows[what];
    }
}

}  // namespace

// ---- who is here

bool Room::has_participants() const {
    return std::ranges::any_of(members_, [](const Member& m) { return m.participant != nullptr; });
}

bool Room::has_place() const {
    const bool legacy =
        std::ranges::any_of(members_, [](const Member& m) { return m.participant == nullptr; });
    return members_.size() < (legacy ? limits_->capacity : capacity());
}

Room::Member* Room::host() {
    const auto host = std::ranges::find_if(members_, [](const Member& m) {
        return m.participant && m.participant->profile.role == Role::host;
    });
    return host == members_.end() ? nullptr : &*host;
}

// Of two participants the later one makes the first offer.  A client of AppRTC offers when it was
// there first, because that is when it thinks it has to; by the seats, since a participant may have
// come back with the number of an earlier run.
native::Other Room::seen_by(const Member& viewer, const Member& other) const {
    native::Other seen{.number = other.number,
                       .connected = other.connection.has_value(),
                       .legacy = other.participant == nullptr};
    if (seen.legacy) {
        seen.profile.shows[Showing::mic] = seen.profile.shows[Showing::camera] = true;
        seen.offer = &viewer < &other;  // both are in members_
    } else {
        seen.profile = other.participant->profile;
        seen.offer = viewer.number > other.number;
    }
    return seen;
}

// ---- telling

void Room::tell(Member& member, std::string_view body, Deliveries& out) {
    EventLog& events = member.participant->events;
    std::string frame = events.number(body);
    // Of what waits for somebody who is away nothing can be left out.
    if (!member.connection && !events.has_room_for(frame.size())) return events.forget_all();
    events.keep(frame);
    if (member.connection) {
        out.push_back({.to = *member.connection, .message = std::move(frame), .framed = true});
    }
}

void Room::tell_others(const Member& but, std::string_view body, Deliveries& out) {
    for (Member& member : members_) {
        if (&member != &but && member.participant) tell(member, body, out);
    }
}

void Room::announce(const Member& newcomer, Deliveries& out) {
    for (Member& member : members_) {
        if (&member == &newcomer || !member.participant) continue;
        tell(member, native::joined_event(seen_by(member, newcomer)), out);
    }
}

void Room::announce_left(const Member& gone, LeftReason reason, Deliveries& out) {
    if (ends_the_room(reason)) return;
    for (Member& member : members_) {
        if (member.participant) {
            tell(member, native::left_event(gone.number, reason_for_others(reason)), out);
        } else if (gone.participant && member.kind == Kind::person) {
            give(member, {.text = std::string(bye)}, out);
        }
    }
}

// The first who is connected, else the first; nobody whom a token made a guest.
void Room::find_new_host(Deliveries& out) {
    Member* heir = nullptr;
    for (Member& member : members_) {
        if (!member.participant || member.participant->profile.role_given) continue;
        if (!heir || (!heir->connection && member.connection)) heir = &member;
    }
    if (heir) change(*heir, {.role = Role::host}, true, out);
}

void Room::change(Member& member, const ProfileChange& wanted, bool tells_itself, Deliveries& out) {
    const ProfileChange change = difference(member.participant->profile, wanted);
    if (is_nothing(change)) return;
    apply(change, member.participant->profile);
    const std::string event = native::changed_event(member.number, change);
    tell_others(member, event, out);
    if (tells_itself) tell(member, event, out);
    if (change.role != Role::host) return;
    for (const Knock& knock : knocks_) tell_of(knock, member, out);
}

// ---- coming in

bool Room::is_invited(std::string_view key) const {
    return std::ranges::any_of(invites_, [&](const std::string& invite) {
        return equal_in_constant_time(as_bytes(invite), as_bytes(key));
    });
}

bool Room::must_knock(const native::Enter& wish) const {
    return lobby_ && has_participants() && wish.profile.role != Role::host &&
           !is_invited(wish.invite);
}

std::optional<Refusal> Room::refuses(const native::Enter& wish) const {
    if (!has_place()) return Refusal::room_full;
    if (locked_ && wish.profile.role != Role::host && !is_invited(wish.invite)) {
        return Refusal::room_locked;
    }
    if (must_knock(wish) && knocks_.size() >= limits_->max_knocks) return Refusal::lobby_closed;
    return {};
}

void Room::tell_of(const Knock& knock, Member& member, Deliveries& out) {
    tell(member, native::knock_event(knock.number, knock.wish.profile.name), out);
}

Number Room::knock(ConnectionId connection, native::Enter wish, Deliveries& out) {
    const Knock& knock = knocks_.emplace_back(Knock{++last_number_, connection, std::move(wish)});
    out.push_back({.to = connection, .message = native::waiting_frame(), .framed = true});
    for (Member& member : members_) {
        if (is_host(member)) tell_of(knock, member, out);
    }
    return knock.number;
}

std::optional<Room::Knock> Room::take_knock(Number number, Deliveries& out) {
    const auto at = std::ranges::find(knocks_, number, &Knock::number);
    if (at == knocks_.end()) return {};
    Knock knock = std::move(*at);
    knocks_.erase(at);
    for (Member& member : members_) {
        if (is_host(member)) tell(member, native::knock_over_event(number), out);
    }
    return knock;
}

// The first is host.  After a restart that is not whoever is back first, but whose ticket says so:
// the others wait for them as long as for anybody who has lost the connection.
Role Room::role_of_next(Instant now, Role wanted, bool is_back) {
    if (host()) return Role::guest;
    if (is_back && wanted == Role::guest && hostless_until_ == Instant::max()) {
        hostless_until_ = now + limits_->resume_timeout;
    }
    return wanted == Role::host || hostless_until_ == Instant::max() ? Role::host : Role::guest;
}

void Room::expire_hostless(Instant now, Deliveries& out) {
    if (now < hostless_until_) return;
    hostless_until_ = Instant::max();
    if (!host()) find_new_host(out);
}

Room::Member& Room::enter(Instant now, ConnectionId connection, Profile profile, Number number,
                          Deliveries& out) {
    if (!profile.role_given) profile.role = role_of_next(now, profile.role, number != 0);
    if (profile.role == Role::host) hostless_until_ = Instant::max();
    Member& member = add_seat(now, {}, Kind::person, number);
    member.participant =
        std::make_unique<Participant>(Participant{.profile = std::move(profile),
                                                  .events = EventLog(limits_->events),
                                                  .restored = number != 0});
    member.registered_once = true;
    member.connection = connection;
    announce(member, out);
    return member;
}

native::Welcome::Scene Room::scene_for(const Member& viewer, std::string_view name) const {
    native::Welcome::Scene scene{.name = name,
                                 .capacity = capacity(),
                                 .locked = locked_,
                                 .lobby = lobby_,
                                 .chat = chat_.all()};
    for (const Member& member : members_) {
        if (&member != &viewer) scene.others.push_back(seen_by(viewer, member));
    }
    return scene;
}

void Room::greet(Member& member, const Greeting& greeting, std::optional<uint64_t> seq,
                 Deliveries& out) {
    Participant& participant = *member.participant;
    EventLog& events = participant.events;
    const auto missing = seq && !greeting.unknown_past ? events.after(*seq) : std::nullopt;
    native::Welcome welcome{.seq = missing ? *seq : events.last(),
                            .received = participant.last_request,
                            .resumed = missing.has_value(),
                            .number = member.number,
                            .you = &participant.profile,
                            .ice_servers = greeting.ice_servers,
                            .resume = greeting.resume,
                            .resume_timeout = limits_->resume_timeout};
    if (!missing) {
        welcome.scene = scene_for(member, greeting.room);
        if (seq && *seq <= events.last()) welcome.missed = events.last() - *seq;
        if (greeting.unknown_past || (seq && *seq > events.last())) welcome.missed.reset();
        events.forget_all();
    }
    out.push_back(
        {.to = *member.connection, .message = native::welcome_frame(welcome), .framed = true});
    if (missing) {
        for (const std::string& frame : *missing) {
            out.push_back({.to = *member.connection, .message = frame, .framed = true});
        }
    }
    // What a client of AppRTC said while it was alone.
    for (const Message& message : member.inbox.take_all()) {
        tell(member, native::signal_event(message.from, message.text), out);
    }
    if (missing || !is_host(member)) return;
    for (const Knock& knock : knocks_) tell_of(knock, member, out);
}

std::optional<ConnectionId> Room::resume(Instant now, Member& member, ConnectionId connection,
                                         const native::Resume& wish, const Greeting& greeting,
                                         Deliveries& out) {
    active_at_ = now;
    const auto replaced = std::exchange(member.connection, connection);
    ProfileChange shows;
    for (const auto& [what, name] : showings) shows.shows[what] = wish.shows[what];
    change(member, shows, false, out);
    greet(member, greeting, wish.seq, out);
    if (!replaced)
        tell_others(member, native::changed_event(member.number, {.connected = true}), out);
    return replaced;
}

// ---- talking

// Whether somebody gets what is said to them, now or when they come back.
bool Room::reaches(const Member& member, size_t bytes, size_t space) const {
    if (member.connection) return true;
    if (bytes > space) return false;
    return member.participant ? member.participant->events.has_room_for(bytes)
                              : member.inbox.has_room_for(bytes, *limits_);
}

Room::Done Room::signal(Instant now, const Member& from, const native::Signal& signal, size_t space,
                        Deliveries& out) {
    active_at_ = now;
    Member* to = find(signal.to);
    if (!to || to == &from) return unexpected(Refusal::unknown_participant);
    if (!to->participant && signal.data.empty()) return unexpected(Refusal::unknown_participant);
    if (!to->participant && !collider::deliverable(signal.data)) {
        return unexpected(Refusal::too_large);
    }
    if (!reaches(*to, signal.data.size(), space)) return unexpected(Refusal::queue_full);
    give(*to, {.from = from.number, .text = signal.data, .order = ++last_order_}, out);
    return {};
}

Room::Done Room::say(Instant now, const Member& from, const native::Say& said, size_t space,
                     Deliveries& out) {
    active_at_ = now;
    if (!said.to) {
        tell_others(from, native::message_event(from.number, said.data, false), out);
        return {};
    }
    Member* to = find(*said.to);
    if (!to || to == &from || !to->participant) return unexpected(Refusal::unknown_participant);
    if (!reaches(*to, said.data.size(), space)) return unexpected(Refusal::queue_full);
    tell(*to, native::message_event(from.number, said.data, true), out);
    return {};
}

void Room::chat(Now now, const Member& from, const native::Chat& chat, Deliveries& out) {
    active_at_ = now.steady;
    const native::ChatLine& line = chat_.add({.from = from.number,
                                              .name = from.participant->profile.name,
                                              .text = chat.text,
                                              .time = now.wall});
    const std::string event = native::chat_event(line);
    for (Member& member : members_) {
        if (member.participant) tell(member, event, out);
    }
}

void Room::set(const native::SetRoom& wanted, Deliveries& out) {
    const auto change = [](bool& now, std::optional<bool> to) {
        if (!to || *to == now) return std::optional<bool>{};
        now = *to;
        return to;
    };
    const auto locked = change(locked_, wanted.locked);
    const auto lobby = change(lobby_, wanted.lobby);
    if (!locked && !lobby) return;
    const std::string event = native::room_event(locked, lobby);
    for (Member& member : members_) {
        if (member.participant) tell(member, event, out);
    }
}

Room::Done Room::mute(const Member& from, const native::Mute& mute, Deliveries& out) {
    Member* to = find(mute.to);
    if (!to || !to->participant) return unexpected(Refusal::unknown_participant);
    tell(*to, native::mute_event(from.number, mute.what), out);
    return {};
}

Room::Done Room::make_host(Member& from, Number number, Deliveries& out) {
    Member* to = find(number);
    if (!to || !to->participant) return unexpected(Refusal::unknown_participant);
    if (to == &from) return {};
    change(*to, {.role = Role::host}, true, out);
    change(from, {.role = Role::guest}, true, out);
    return {};
}

std::optional<std::string> Room::invite(Random& random) {
    if (invites_.size() >= limits_->max_invites) return {};
    return invites_.emplace_back(random.token(invite_bytes));
}

void Room::revoke(std::string_view key) {
    std::erase(invites_, key);
}

// ---- going

// Of a client whose socket ends with its seat.
void Room::say_goodbye(const Member& gone, LeftReason reason, Deliveries& out) {
    if (!gone.connection) return;
    if (!gone.participant) {
        out.push_back({.to = *gone.connection, .message = std::string(bye)});
        return;
    }
    const auto why = [&] {
        switch (reason) {
            case LeftReason::left:
                return native::ByeReason::left;
            case LeftReason::room_closed:
                return native::ByeReason::closed;
            case LeftReason::room_expired:
            case LeftReason::gave_way:
                return native::ByeReason::expired;
            default:
                return native::ByeReason::removed;
        }
    }();
    out.push_back({.to = *gone.connection, .message = native::bye_frame(why), .framed = true});
}

// Without participants a room is one of AppRTC's again.
std::vector<Room::Knock> Room::reset_conference() {
    if (has_participants()) return {};
    locked_ = initial_.locked;
    lobby_ = initial_.lobby;
    hostless_until_ = Instant::max();
    invites_.clear();
    chat_.forget_all();
    return std::exchange(knocks_, {});
}

void Room::forget_events() {
    for (Member& member : members_) {
        if (member.participant) member.participant->events.forget_all();
    }
    chat_.forget_all();
}

}  // namespace ahoy::room
