#include "sim/rooms_server.h"

#include <algorithm>
#include <boost/json.hpp>

namespace ahoy::sim {
namespace {

namespace json = boost::json;
using room::HttpRequest;
using room::HttpResponse;
namespace collider = room::collider;
namespace native = room::native;

constexpr auto restore_time = 5min;

HttpRequest request_of(const RoomsEvent& event) {
    HttpRequest request{.method = "POST", .scheme = "https", .host = "call.example.org"};
    switch (event.kind) {
        case RoomsEvent::Kind::join:
            request.target.append("/join/").append(event.room);
            if (event.loopback) request.target.append("?debug=loopback");
            return request;
        case RoomsEvent::Kind::message:
            request.target.append("/message/");
            request.body = event.text;
            break;
        case RoomsEvent::Kind::leave:
            request.target.append("/leave/");
            break;
        case RoomsEvent::Kind::post:
            request.target.append("/collider/");
            request.body = event.text;
            break;
        case RoomsEvent::Kind::remove:
            request.method = "DELETE";
            request.target.append("/collider/");
            break;
    }
    request.target.append(event.room).append("/").append(event.client);
    return request;
}

// RI15: the published words, and no others.
Answer answer_of(const RoomsEvent& event, const HttpResponse& response) {
    const auto is = [&](std::string_view text) { return response.body.find(text) != text.npos; };
    if (event.kind == RoomsEvent::Kind::post) {
        if (response.status == 200) return Answer::ok;
        if (response.status == 403) return Answer::unknown;
        if (is("Message too large")) return Answer::too_large;
        if (is("Too many messages")) return Answer::queue_full;
        if (is("Max room capacity")) return Answer::full;
        if (is("Max number of rooms")) return Answer::too_many;
    } else if (response.status == 200) {
        if (event.kind == RoomsEvent::Kind::leave) return Answer::ok;
        if (event.kind == RoomsEvent::Kind::remove) return Answer::ok;
        if (is(R"("result":"SUCCESS")")) return Answer::ok;
        if (is(R"("result":"FULL")")) return Answer::full;
        if (is(R"("result":"UNKNOWN_ROOM")")) return Answer::unknown_room;
        if (is(R"("result":"UNKNOWN_CLIENT")")) return Answer::unknown;
        if (is(R"("result":"ERROR")")) {
            return event.kind == RoomsEvent::Kind::join ? Answer::too_many : Answer::queue_full;
        }
    }
    throw Violation("RI15", "every answer is one of the published ones", response.body);
}

Answer answer_of(const collider::Failure& failure) {
    static constexpr std::pair<std::string_view, Answer> words[] = {
        {"Duplicated", Answer::duplicate},         {"Max room capacity", Answer::full},
        {"Max number of rooms", Answer::too_many}, {"unknown 'clientid'", Answer::unknown},
        {"not registered", Answer::unknown},       {"Message too large", Answer::too_large},
        {"Too many messages", Answer::queue_full}};
    for (const auto& [text, answer] : words) {
        if (failure.frame.find(text) != failure.frame.npos) return answer;
    }
    throw Violation("RI15", "every refusal is one of the published ones", failure.frame);
}

// By receiver; the order between two receivers nobody sees.
std::vector<Delivery> by_receiver(std::vector<Delivery> deliveries) {
    std::ranges::stable_sort(deliveries, {}, &Delivery::to);
    return deliveries;
}

std::string shown(const std::vector<Delivery>& deliveries) {
    std::string text;
    for (const Delivery& d : deliveries) {
        text.append(" ").append(std::to_string(d.to.number)).append(d.close ? " close" : ":");
        text.append(d.message);
    }
    return text.empty() ? " nothing" : text;
}

}  // namespace

RoomsServer::RoomsServer(const room::Limits& limits, uint64_t seed, Trace& trace)
    : limits_(limits),
      trace_(trace),
      seed_(seed),
      tickets_(room::ResumeTickets::Key{}, run_),
      apprtc_({}, [](Now, std::string_view) { return room::apprtc::IceConfig{}; }),
      model_(limits, trace) {
    rooms_.emplace(limits_, Random::from_number(seed_), static_cast<room::Observer&>(*this),
                   tickets_);
}

void RoomsServer::restart(Now now) {
    ++run_;
    tickets_ = room::ResumeTickets(room::ResumeTickets::Key{}, run_);
    limits_.restore_until = now.steady + restore_time;
    rooms_.emplace(limits_, Random::from_number(seed_ ^ run_ << 32),
                   static_cast<room::Observer&>(*this), tickets_);
    model_.restart(limits_.restore_until);
    sessions_.clear();
    native_sessions_.clear();
    frames_.clear();
    occupancy_.clear();
    trace_.mark(Mark::rooms_restarted);
}

RoomsReply RoomsServer::http(Now now, const RoomsEvent& event) {
    using Kind = RoomsEvent::Kind;
    const HttpRequest request = request_of(event);
    const HttpResponse response = respond(now, request);
    if (event.kind == Kind::join) return join(now, event, response);
    Expected expected;
    switch (event.kind) {
        case Kind::message:
            expected = model_.message(now.steady, event.room, event.client, event.text);
            // AppRTC has one word for both.
            if (expected.answer == Answer::too_large) {
                trace_.mark(Mark::message_too_large);
                expected.answer = Answer::queue_full;
            }
            break;
        case Kind::leave:
            expected = model_.leave(now.steady, event.room, event.client);
            break;
        case Kind::post:
            expected = model_.post(now, event.room, event.client, event.text);
            break;
        default:
            expected = model_.remove(now.steady, event.room, event.client);
    }
    const Answer answer = answer_of(event, response);
    if (answer == Answer::queue_full) trace_.mark(Mark::queue_full);
    compare(expected, answer, request.target);
    return {.answer = answer};
}

HttpResponse RoomsServer::respond(Now now, const HttpRequest& request) {
    if (const auto route = room::apprtc::route_of(request.target)) {
        return apprtc_.handle(now, request, *route, *rooms_, out_);
    }
    const auto route = collider::route_of(request.target, "/collider");
    if (!route) throw Violation("RI15", "every target is answered", request.target);
    return collider::handle(now, request, *route, *rooms_, out_);
}

RoomsReply RoomsServer::join(Now now, const RoomsEvent& event, const HttpResponse& response) {
    RoomsReply reply{.answer = answer_of(event, response)};
    const json::value body = json::parse(response.body);
    const json::object& params = body.at("params").as_object();
    for (const auto& message : params.at("messages").as_array()) {
        reply.messages.emplace_back(message.as_string());
    }
    if (reply.answer == Answer::ok) {
        reply.client = std::string(params.at("client_id").as_string());
        reply.initiator = params.at("is_initiator").as_string() == "true";
        trace_.mark(Mark::joined);
        if (event.loopback && reply.initiator) trace_.mark(Mark::loopback);
        if (!issued_.insert(reply.client).second) {
            throw Violation("RI10", "no client id is issued twice", reply.client);
        }
    }
    if (reply.answer == Answer::full) trace_.mark(Mark::join_full);
    if (reply.answer == Answer::too_many) trace_.mark(Mark::too_many_rooms);
    const Expected expected = model_.join(now, event.room, reply.client, event.loopback);
    compare(expected, reply.answer, "join");
    if (reply.initiator != expected.initiator) {
        throw Violation("RI4", "who comes first into a room is its initiator", event.room);
    }
    if (reply.messages != expected.handed) {
        throw Violation("RI5", "a join hands out, in order, what was said before",
                        std::to_string(reply.messages.size()));
    }
    if (!reply.messages.empty()) trace_.mark(Mark::join_handed_messages);
    return reply;
}

void RoomsServer::socket_opened(Now now, ConnectionId socket, Dialect dialect) {
    if (dialect == Dialect::collider) {
        sessions_[socket];
    } else {
        native_sessions_.try_emplace(socket, now.steady, room::SessionLimits{}, tickets_);
    }
}

void RoomsServer::frame(Now now, ConnectionId socket, std::string_view text) {
    const auto native = native_sessions_.find(socket);
    if (native != native_sessions_.end()) return hears_native(now, socket, native->second, text);
    const auto session = sessions_.find(socket);
    if (session == sessions_.end()) return;  // closed by us, with something on its way
    auto action = session->second.receive(now.steady, text);
    if (const auto* const wanted = std::get_if<collider::Register>(&action)) {
        registers(now, socket, *wanted);
    } else if (auto* const said = std::get_if<collider::Send>(&action)) {
        sends(now, socket, std::move(said->text));
    } else {
        trace_.mark(Mark::duplicate_register);  // the one thing that clients here do wrong
        refuse(socket, std::get<collider::Failure>(action));
    }
}

void RoomsServer::registers(Now now, ConnectionId socket, const collider::Register& wanted) {
    const auto done = rooms_->register_client(now, socket, wanted.room, wanted.client, out_);
    Answer answer = Answer::ok;
    if (!done) answer = answer_of(collider::refused(done.error()));
    if (answer == Answer::duplicate) trace_.mark(Mark::duplicate_register);
    compare(model_.connect(now, socket, wanted.room, wanted.client), answer, "register");
    if (done) return;
    trace_.mark(Mark::register_refused);
    refuse(socket, collider::refused(done.error()));
}

void RoomsServer::sends(Now now, ConnectionId socket, std::string text) {
    const auto done = rooms_->send(now, socket, text, out_);
    Answer answer = Answer::ok;
    if (!done) answer = answer_of(collider::refused(done.error()));
    compare(model_.send(now.steady, socket, std::move(text)), answer, "send");
    if (!done) refuse(socket, collider::refused(done.error()));
}

void RoomsServer::refuse(ConnectionId socket, const collider::Failure& failure) {
    frames_.push_back({socket, failure.frame});
    if (!failure.close) return;
    frames_.push_back({.to = socket, .text = {}, .close = true});
    sessions_.erase(socket);
}

// --- our own protocol

void RoomsServer::hears_native(Now now, ConnectionId socket, native::Session& session,
                               std::string_view text) {
    native::Action action = session.receive(now, text);
    if (auto* const wish = std::get_if<native::Enter>(&action)) {
        enters(now, socket, std::move(*wish));
    } else if (auto* const seat = std::get_if<native::Resume>(&action)) {
        resumes(now, socket, std::move(*seat),
                std::string(json::parse(text).at("resume").as_string()));
    } else if (auto* const request = std::get_if<native::Request>(&action)) {
        asks(now, socket, std::move(*request));
    } else if (const auto* const handled = std::get_if<native::Acknowledge>(&action)) {
        rooms_->acknowledge(socket, handled->seq);
        model_.acknowledge(socket, handled->seq);
    } else if (const auto* const told = std::get_if<native::Tell>(&action)) {
        // Clients here say nothing wrong but an old or forged token.
        const std::string token(json::parse(text).at("resume").as_string());
        if (told->frame.find("bad-resume") == told->frame.npos ||
            model_.knows_token(now.wall, token)) {
            throw Violation("RI15", "every refusal is one of the published ones", told->frame);
        }
        trace_.mark(Mark::token_refused);
        frames_.push_back({socket, told->frame});
        frames_.push_back({.to = socket, .text = {}, .close = true});
        native_sessions_.erase(socket);
    }
}

void RoomsServer::enters(Now now, ConnectionId socket, native::Enter wish) {
    // As the shell has it after it has asked the token.
    wish.ice_servers = "[]";
    wish.profile.role_given = wish.token == "host" || wish.token == "guest";
    wish.profile.name_given = wish.profile.role_given;
    if (wish.token == "host") wish.profile.role = room::Role::host;
    rooms_->enter(now, socket, wish, out_);
    const Expected expected = model_.enter(now, socket, wish);
    learn_tokens(now);
    compare(expected, Answer::ok, "enter");
}

void RoomsServer::resumes(Now now, ConnectionId socket, native::Resume seat,
                          const std::string& token) {
    if (!model_.knows_token(now.wall, token)) {
        throw Violation("RI8", "only a token that was given, within a day, opens a seat", token);
    }
    seat.ice_servers = "[]";
    rooms_->resume(now, socket, seat, out_);
    const Expected expected = model_.resume(now, socket, token, seat);
    learn_tokens(now);
    compare(expected, Answer::ok, "resume");
}

void RoomsServer::asks(Now now, ConnectionId socket, native::Request request) {
    if (auto* const ice = std::get_if<native::Ice>(&request.command)) ice->ice_servers = "[]";
    rooms_->carry_out(now, socket, request, out_);
    std::string key;
    if (std::holds_alternative<native::Invite>(request.command)) {
        for (const Delivery& delivery : out_) {
            const json::value frame = json::parse(delivery.message);
            if (frame.at("type") == "invite") key = frame.at("key").as_string().c_str();
        }
    }
    const Expected expected = model_.request(now, socket, request, key);
    learn_tokens(now);
    compare(expected, Answer::ok, "request");
}

void RoomsServer::learn_tokens(Now now) {
    for (const Delivery& delivery : out_) {
        if (delivery.message.find(R"("type":"welcome")") == delivery.message.npos) continue;
        const json::value frame = json::parse(delivery.message);
        model_.gave_token(now, delivery.to, std::string(frame.at("resume").as_string()));
    }
}

void RoomsServer::socket_lost(Now now, ConnectionId socket) {
    sessions_.erase(socket);
    native_sessions_.erase(socket);
    rooms_->socket_lost(now, socket, out_);
    compare(model_.socket_lost(now.steady, socket), Answer::ok, "socket lost");
}

void RoomsServer::expire(Now now) {
    rooms_->expire(now, out_);
    compare(model_.expire(now.steady), Answer::ok, "expire");
    if (rooms_->next_deadline() <= now.steady) {
        throw Violation("RI14", "after expire() nothing is due", "next_deadline()");
    }
}

void RoomsServer::compare(const Expected& expected, Answer answer, std::string_view what) {
    const auto fail = [&](std::string_view id, std::string_view sentence, std::string seen) {
        throw Violation(id, sentence, seen.append(" in ").append(what));
    };
    trace_.add(static_cast<uint64_t>(answer));
    if (answer != expected.answer) {
        std::string seen(label(answer));
        seen.append(" instead of ").append(label(expected.answer));
        const bool about_seats = answer == Answer::full || expected.answer == Answer::full;
        fail(about_seats ? "RI3" : "RI6",
             about_seats ? "there is a seat if and only if one is free"
                         : "what is refused is refused for its reason",
             seen);
    }
    std::vector<Delivery> heard = out_;
    for (Delivery& delivery : heard) {
        if (!delivery.framed) continue;
        delivery.message = comparable(json::parse(delivery.message).as_object());
    }
    if (by_receiver(expected.deliveries) != by_receiver(heard)) {
        fail("RI5", "everybody else hears what is said, in order and once",
             shown(heard).append(" instead of").append(shown(expected.deliveries)));
    }
    std::ranges::sort(left_);  // rooms expire in any order
    std::vector<std::pair<Number, LeftReason>> left = expected.left;
    std::ranges::sort(left);
    if (left != left_) {
        fail("RI8", "a seat is freed when its time has come, once",
             std::to_string(left_.size())
                 .append(" instead of ")
                 .append(std::to_string(left.size())));
    }
    left_.clear();
    const room::Stats stats = rooms_->stats();
    if (stats.rooms != model_.rooms() || stats.clients != model_.seats() ||
        stats.connections != model_.connections()) {
        fail("RI14", "rooms, seats and sockets are those that live", std::to_string(stats.rooms));
    }
    carry_out();
}

void RoomsServer::carry_out() {
    for (Delivery& delivery : out_) {
        trace_.add(delivery.message);
        if (delivery.close) {
            frames_.push_back({.to = delivery.to, .text = {}, .close = true});
            sessions_.erase(delivery.to);
            native_sessions_.erase(delivery.to);
        } else if (delivery.framed) {
            frames_.push_back({delivery.to, std::move(delivery.message)});
        } else {
            frames_.push_back({delivery.to, collider::message_frame(delivery.message)});
        }
    }
    out_.clear();
}

void RoomsServer::client_joined(std::string_view room, Number) {
    if (++occupancy_[std::string(room)] > std::max(limits_.capacity, limits_.conference_capacity)) {
        throw Violation("RI3", "a room is never over its capacity", std::string(room));
    }
}

void RoomsServer::client_left(std::string_view room, Number number, LeftReason why) {
    const auto found = occupancy_.find(room);
    if (found == occupancy_.end() || found->second == 0) {
        throw Violation("RI8", "nobody leaves twice", std::string(room));
    }
    --found->second;
    left_.emplace_back(number, why);
}

}  // namespace ahoy::sim
