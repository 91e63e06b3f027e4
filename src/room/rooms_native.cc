// Our own protocol's side of the rooms: from what a connection says to the room it means.
#include <algorithm>

#include "room/rooms.h"

namespace ahoy::room {
namespace {

using native::Refusal;

template <class... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

bool is_for_hosts(const native::Command& command) {
    return std::visit(
        Overloaded{
            [](const native::SetRoom&) { return true; }, [](const native::Answer&) { return true; },
            [](const native::Mute&) { return true; }, [](const native::Remove&) { return true; },
            [](const native::MakeHost&) { return true; },
            [](const native::Invite&) { return true; }, [](const native::Revoke&) { return true; },
            [](const native::Close&) { return true; }, [](const auto&) { return false; }},
        command);
}

Delivery frame(ConnectionId to, std::string text) {
    return {.to = to, .message = std::move(text), .framed = true};
}

}  // namespace

// ---- coming

void Rooms::turn_away(ConnectionId connection, Refusal why, Deliveries& out) {
    out.push_back(frame(connection, native::error_frame(why)));
    close(connection, out);
}

std::string Rooms::ticket(Now now, Table::const_iterator at, const Room::Member& member) const {
    const Profile& profile = member.participant->profile;
    return tickets_.seal({.room = at->first,
                          .instance = tickets_.instance(),
                          .epoch = at->second.epoch,
                          .number = member.number,
                          .role = profile.role,
                          .name_given = profile.name_given,
                          .role_given = profile.role_given,
                          .issued_at = now.wall,
                          .name = profile.name});
}

void Rooms::enter(Now now, ConnectionId connection, native::Enter wish, Deliveries& out) {
    const auto opened = find_or_open(now, wish.room, out);
    if (!opened) {
        ++stats_.joins_refused;
        return turn_away(connection, refusal_of<Refusal>(opened.error()), out);
    }
    const auto at = *opened;
    Room& room = at->second.room;
    if (const auto why = room.refuses(wish)) {
        ++stats_.joins_refused;
        return turn_away(connection, *why, out);
    }
    if (room.must_knock(wish)) {
        const Number number = room.knock(connection, std::move(wish), out);
        connections_.emplace(connection, Seat{at->first, at->second.epoch, number});
    } else {
        sit_down(now, at, connection, std::move(wish), out);
    }
    settle(now.steady, at, out);
}

void Rooms::sit_down(Now now, Table::iterator at, ConnectionId connection, native::Enter wish,
                     Deliveries& out) {
    Room& room = at->second.room;
    const bool first = !room.has_seats();
    Room::Member& member = room.enter(now.steady, connection, std::move(wish.profile), 0, out);
    seated(at, member, first);
    ++stats_.joins;
    ++stats_.registrations;
    connections_.insert_or_assign(connection, Seat{at->first, at->second.epoch, member.number});
    room.greet(
        member,
        {.room = at->first, .ice_servers = wish.ice_servers, .resume = ticket(now, at, member)}, {},
        out);
}

void Rooms::resume(Now now, ConnectionId connection, const native::Resume& wish, Deliveries& out) {
    const ResumeTicket& ticket = wish.ticket;
    const auto at = find(now, ticket.room, out);
    Room::Member* member = at == rooms_.end() ? nullptr : at->second.room.find(ticket.number);
    const bool ours = ticket.instance == tickets_.instance();
    if (!ours && !member) return restore(now, connection, wish, out);
    const bool same = member && member->participant &&
                      (ours ? ticket.epoch == at->second.epoch : member->participant->restored);
    if (!same) {
        ++stats_.resumes_refused;
        return turn_away(connection, Refusal::session_ended, out);
    }
    // A hello that was long on its way does not put out the socket that was opened after its own.
    if (wish.attempt != 0 && wish.attempt < member->participant->attempt) {
        ++stats_.resumes_refused;
        out.push_back(frame(connection, native::bye_frame(native::ByeReason::replaced)));
        return close(connection, out);
    }
    member->participant->attempt = std::max(member->participant->attempt, wish.attempt);
    connections_.emplace(connection, Seat{at->first, at->second.epoch, member->number});
    if (!ours || !member->participant->events.after(wish.seq)) ++stats_.resumed_in_part;
    const auto replaced = at->second.room.resume(now.steady, *member, connection, wish,
                                                 {.room = at->first,
                                                  .ice_servers = wish.ice_servers,
                                                  .resume = this->ticket(now, at, *member),
                                                  .unknown_past = !ours},
                                                 out);
    if (replaced) {
        out.push_back(frame(*replaced, native::bye_frame(native::ByeReason::replaced)));
        close(*replaced, out);
    }
    ++stats_.resumed;
    settle(now.steady, at, out);
}

// A seat that an earlier run of the server gave: what happened since then nobody knows.
void Rooms::restore(Now now, ConnectionId connection, const native::Resume& wish, Deliveries& out) {
    const ResumeTicket& ticket = wish.ticket;
    const auto refuse = [&] {
        ++stats_.resumes_refused;
        turn_away(connection, Refusal::session_ended, out);
    };
    if (now.steady >= limits_.restore_until) return refuse();
    const auto opened = find_or_open(now, ticket.room, out);
    if (!opened || !(*opened)->second.room.has_place()) return refuse();
    const auto at = *opened;
    Room& room = at->second.room;
    const bool first = !room.has_seats();
    const Profile profile{.name = ticket.name,
                          .role = ticket.role,
                          .shows = wish.shows,
                          .name_given = ticket.name_given,
                          .role_given = ticket.role_given};
    Room::Member& member = room.enter(now.steady, connection, profile, ticket.number, out);
    member.participant->attempt = wish.attempt;
    seated(at, member, first);
    connections_.emplace(connection, Seat{at->first, at->second.epoch, member.number});
    room.greet(member,
               {.room = at->first,
                .ice_servers = wish.ice_servers,
                .resume = this->ticket(now, at, member),
                .unknown_past = true},
               {}, out);
    ++stats_.resumed;
    ++stats_.resumed_in_part;
    settle(now.steady, at, out);
}

// ---- being there

std::optional<Rooms::Place> Rooms::place_of(Now now, ConnectionId connection, Deliveries& out) {
    const auto seat = connections_.find(connection);
    if (seat == connections_.end()) return {};
    const auto [name, epoch, number] = seat->second;
    const auto at = find(now, name, out);
    if (at == rooms_.end() || at->second.epoch != epoch) return {};
    return Place{at, at->second.room.find(number), number};
}

void Rooms::carry_out(Now now, ConnectionId connection, const native::Request& request,
                      Deliveries& out) {
    const auto place = place_of(now, connection, out);
    // Whoever was just removed may still have said something.
    if (!place) return;
    if (!place->member) {  // in the lobby there is nothing to ask for
        const bool leaves = std::holds_alternative<native::Leave>(request.command);
        out.push_back(frame(connection, leaves ? native::bye_frame(native::ByeReason::left)
                                               : native::error_frame(Refusal::bad_message)));
        place->at->second.room.take_knock(place->number, out);
        close(connection, out);
        settle(now.steady, place->at, out);
        return;
    }
    const auto member = [&] { return place->at->second.room.find(place->number); };
    const bool is_new = request.id > place->member->participant->last_request;
    if (is_new) {
        place->member->participant->last_request = request.id;
        const auto done = carry_out(now, *place, request, out);
        ++(done ? stats_.messages : stats_.messages_refused);
        // Who has left needs no answer.
        if (!done && member()) {
            place->at->second.room.tell(*member(), native::error_event(done.error(), request.id),
                                        out);
        } else if (done && member()) {
            out.push_back(frame(connection, native::ack_frame(request.id)));
        }
    } else {  // it came again after the socket was lost
        out.push_back(frame(connection, native::ack_frame(request.id)));
    }
    settle(now.steady, place->at, out);
}

Room::Done Rooms::carry_out(Now now, const Place& place, const native::Request& request,
                            Deliveries& out) {
    using namespace native;
    Room& room = place.at->second.room;
    Room::Member& self = *place.member;
    // Who goes is not held back.
    if (!std::holds_alternative<Leave>(request.command) && !may_talk(now.steady, room)) {
        return unexpected(Refusal::too_fast);
    }
    if (is_for_hosts(request.command) && self.participant->profile.role != Role::host) {
        return unexpected(Refusal::not_host);
    }
    return std::visit(
        Overloaded{
            [&](const Signal& signal) {
                return room.signal(now.steady, self, signal, space(), out);
            },
            [&](const Say& said) { return room.say(now.steady, self, said, space(), out); },
            [&](const Chat& chat) {
                room.chat(now, self, chat, out);
                return Room::Done{};
            },
            [&](const Set& set) {
                ProfileChange change = set.change;
                if (self.participant->profile.name_given) change.name.reset();
                room.change(self, change, false, out);
                return Room::Done{};
            },
            [&](const Ice& ice) {
                room.tell(self, ice_event(request.id, ice.ice_servers), out);
                return Room::Done{};
            },
            [&](const Leave&) {
                return take_seat_of(place.at, self.number, LeftReason::left, out);
            },
            [&](const SetRoom& wanted) {
                room.set(wanted, out);
                return Room::Done{};
            },
            [&](const Answer& answer) { return answer_knock(now, place, answer, out); },
            [&](const Mute& mute) { return room.mute(self, mute, out); },
            [&](const Remove& remove) {
                return take_seat_of(place.at, remove.to, LeftReason::removed, out);
            },
            [&](const MakeHost& make) { return room.make_host(self, make.to, out); },
            [&](const Invite&) -> Room::Done {
                const auto key = room.invite(random_);
                if (!key) return unexpected(Refusal::too_many_invites);
                room.tell(self, invite_event(request.id, *key), out);
                return {};
            },
            [&](const Revoke& revoke) {
                room.revoke(revoke.key);
                return Room::Done{};
            },
            [&](const Close&) {
                close_room(place.at, out);
                return Room::Done{};
            },
        },
        request.command);
}

Room::Done Rooms::answer_knock(Now now, const Place& place, const native::Answer& answer,
                               Deliveries& out) {
    Room& room = place.at->second.room;
    if (answer.admits && !room.has_place()) return unexpected(Refusal::room_full);
    auto knock = room.take_knock(answer.knock, out);
    if (!knock) return unexpected(Refusal::unknown_participant);
    if (answer.admits) {
        sit_down(now, place.at, knock->connection, std::move(knock->wish), out);
    } else {
        turn_away(knock->connection, Refusal::denied, out);
    }
    return {};
}

Room::Done Rooms::take_seat_of(Table::iterator at, Number number, LeftReason reason,
                               Deliveries& out) {
    if (!at->second.room.find(number)) return unexpected(Refusal::unknown_participant);
    freed(at, at->second.room.remove(number, reason, out), out);
    return {};
}

void Rooms::close_room(Table::iterator at, Deliveries& out) {
    Room& room = at->second.room;
    while (room.has_seats()) {
        freed(at, room.remove(room.members().back().number, LeftReason::room_closed, out), out);
    }
}

void Rooms::acknowledge(ConnectionId connection, uint64_t seq) {
    const auto seat = connections_.find(connection);
    if (seat == connections_.end()) return;
    const auto at = rooms_.find(seat->second.room);
    if (at == rooms_.end() || at->second.epoch != seat->second.epoch) return;
    Room::Member* member = at->second.room.find(seat->second.number);
    if (member && member->participant) member->participant->events.acknowledge(seq);
}

}  // namespace ahoy::room
