#include "sim/rooms_world.h"

#include <algorithm>

#include "sim/rooms_participant.h"
#include "sim/rooms_visitor.h"

namespace ahoy::sim {
namespace {

constexpr Duration enough_for_a_call = 5s;

}  // namespace

RoomsWorld::RoomsWorld(uint64_t seed, std::optional<Duration> length, Trace& trace)
    : dice_(seed * 2 + 1), trace_(trace) {
    length_ = length.value_or(dice_.any_of<Duration>({2min, 5min, 20min}));
    pace_ = length_ / 100;
    draw_limits();
    server_ = std::make_unique<RoomsServer>(limits_, seed, trace);
    const size_t rooms = 1 + dice_.below(3);
    for (size_t i = 0; i < rooms; ++i) rooms_.push_back(std::string(1, static_cast<char>('a' + i)));
    add_people();
    schedule_troubles();
}

void RoomsWorld::add_people() {
    const size_t people = 2 + dice_.below(7);
    for (uint32_t i = 0; i < people; ++i) {
        if (dice_.percent(natives_)) {
            auto participant = std::make_unique<RoomsParticipant>(*this, i);
            participant->live();
            visitors_.push_back(std::move(participant));
        } else {
            auto visitor = std::make_unique<Visitor>(*this, i);
            visitor->live();
            visitors_.push_back(std::move(visitor));
        }
    }
}

void RoomsWorld::schedule_troubles() {
    const size_t restarts = dice_.any_of<size_t>({0, 0, 1, 3});
    for (size_t i = 0; i < restarts; ++i) {
        later(dice_.between(0s, length_), [this] { restart(); });
    }
    if (!dice_.percent(20)) return;
    later(dice_.between(0s, length_), [this] {
        clock_set_at_ = now_.steady;
        const auto jump = dice_.any_of<std::chrono::seconds>({-1h, 1h, -24h * 3650, 24h * 3650});
        clock_set_to_ = now_.wall + jump;
        trace_.mark(Mark::wall_clock_jumped);
    });
}

std::unique_ptr<SocketOwner> RoomsWorld::make(Dialect dialect, uint32_t number) {
    if (dialect == Dialect::collider) return std::make_unique<Visitor>(*this, number);
    return std::make_unique<RoomsParticipant>(*this, number);
}

RoomsWorld::~RoomsWorld() = default;

void RoomsWorld::draw_limits() {
    limits_.capacity = dice_.any_of<size_t>({2, 2, 2, 3, 8});
    limits_.max_rooms = dice_.any_of<size_t>({1, 2, 1000});
    limits_.max_queued_messages = dice_.any_of<size_t>({1, 3, 1024});
    limits_.max_queued_bytes = dice_.any_of<size_t>({150, 1 << 20, 1 << 20});
    limits_.max_message_bytes = dice_.any_of<size_t>({120, 1000, 128 << 10});
    limits_.register_timeout = dice_.any_of<Duration>({2s, 10s, 60s});
    limits_.lifetime = dice_.any_of<Duration>({1min, 24h, 24h});
    limits_.require_join = dice_.percent(70);
    limits_.conference_capacity = dice_.any_of<size_t>({2, 3, 8});
    limits_.resume_timeout = dice_.any_of<Duration>({5s, 30s, 5min});
    limits_.events.events = dice_.any_of<size_t>({2, 6, 1024});
    limits_.max_knocks = limits_.max_invites = dice_.any_of<size_t>({1, 2, 16});
    limits_.lobby = dice_.percent(15);
    natives_ = dice_.any_of<unsigned>({0, 50, 100});
    doubled_requests_ = dice_.any_of<unsigned>({0, 0, 10});
    lost_requests_ = dice_.any_of<unsigned>({0, 0, 10});
    lost_answers_ = dice_.any_of<unsigned>({0, 5, 20});
    slowest_ = dice_.any_of<Duration>({10ms, 100ms, 3s});
    lateness_ = dice_.any_of<Duration>({0s, 0s, 5s});
}

void RoomsWorld::run() {
    run_until(now_.steady + length_);
    calm();
    check_nothing_remains();
    converge(Dialect::collider, Dialect::collider);
    converge(Dialect::native, Dialect::native);
    converge(Dialect::collider, Dialect::native);
    // Through a lobby a client of AppRTC does not come.
    if (!limits_.lobby) converge(Dialect::native, Dialect::collider);
}

// --- time

void RoomsWorld::at(Instant when, std::function<void()> happens) {
    queue_.push({when, order_++, std::move(happens)});
}

void RoomsWorld::later(Duration wait, std::function<void()> happens) {
    at(now_.steady + wait, std::move(happens));
}

void RoomsWorld::run_until(Instant end) {
    while (step(end)) {
    }
    move_to(end);
}

void RoomsWorld::move_to(Instant to) {
    now_.steady = to;
    now_.wall = clock_set_to_ + std::chrono::floor<std::chrono::seconds>(to - clock_set_at_);
}

bool RoomsWorld::step(Instant limit) {
    const Instant event = queue_.empty() ? Instant::max() : queue_.top().at;
    const Instant deadline = server_->next_deadline();
    const Instant due = deadline == Instant::max()
                            ? deadline
                            : std::max(deadline + (calm_ ? 0s : lateness_), now_.steady);
    const Instant next = std::min(event, due);
    if (next > limit) return false;
    move_to(next);
    ++trace_.events;
    trace_.add(next);
    if (due <= event) {
        server_->expire(now_);
    } else {
        const auto happens = std::move(queue_.top().happens);
        queue_.pop();
        happens();
    }
    carry_frames();
    return true;
}

Duration RoomsWorld::delay() {
    return dice_.between(1ms, calm_ ? 10ms : slowest_);
}

// --- requests and sockets

void RoomsWorld::request(RoomsEvent event, std::function<void(const RoomsReply&)> answered) {
    if (!calm_ && dice_.percent(lost_requests_)) return;
    if (!calm_ && dice_.percent(doubled_requests_)) {
        trace_.mark(Mark::request_doubled);
        later(delay(), [this, event] { server_->http(now_, event); });
    }
    later(delay(), [this, event = std::move(event), answered = std::move(answered)] {
        ++trace_.packets;
        const RoomsReply reply = server_->http(now_, event);
        trace_.say(now_.steady, [&] {
            static constexpr std::string_view names[] = {"join", "message", "leave", "post",
                                                         "delete"};
            std::string line(names[static_cast<size_t>(event.kind)]);
            for (const std::string& word : {event.room, event.client, event.text}) {
                line.append(" ").append(word);
            }
            return line.append(" -> ").append(label(reply.answer)).append(" ").append(reply.client);
        });
        if (!calm_ && dice_.percent(lost_answers_)) {
            if (event.kind == RoomsEvent::Kind::join) trace_.mark(Mark::join_answer_lost);
            return;
        }
        later(delay(), [answered, reply] { answered(reply); });
    });
}

ConnectionId RoomsWorld::open_socket(SocketOwner& owner, Dialect dialect) {
    const ConnectionId id{.shard = 0, .number = ++last_socket_};
    const bool slow = !calm_ && dice_.percent(10);
    if (slow) trace_.mark(Mark::slow_socket);
    sockets_[id] = {&owner, slow, now_.steady + delay(), now_.steady};
    at(sockets_[id].up, [this, id, dialect, run = run_] {
        if (run == run_) server_->socket_opened(now_, id, dialect);
    });
    return id;
}

void RoomsWorld::send_frame(ConnectionId id, std::string text) {
    const auto socket = sockets_.find(id);
    if (socket == sockets_.end()) return;
    socket->second.up = std::max(socket->second.up, now_.steady + delay());
    at(socket->second.up, [this, id, text = std::move(text)] {
        ++trace_.packets;
        trace_.say(now_.steady,
                   [&] { return std::to_string(id.number).append(" says ").append(text); });
        server_->frame(now_, id, text);
    });
}

void RoomsWorld::close_socket(ConnectionId id) {
    const auto socket = sockets_.find(id);
    if (socket == sockets_.end()) return;
    const Instant when = std::max(socket->second.up, now_.steady + delay());
    sockets_.erase(socket);
    at(when, [this, id] {
        trace_.say(now_.steady, [&] { return std::to_string(id.number).append(" closes"); });
        server_->socket_lost(now_, id);
    });
}

// Nothing more comes down; what is on its way up still arrives; the server may take a minute to
// notice.
void RoomsWorld::lose_socket(ConnectionId id) {
    const auto socket = sockets_.find(id);
    if (socket == sockets_.end()) return;
    const Duration silence = dice_.one_in(3) ? dice_.between(0s, 60s) : delay();
    const Instant when = std::max(socket->second.up, now_.steady + silence);
    sockets_.erase(socket);
    at(when, [this, id] {
        trace_.say(now_.steady, [&] { return std::to_string(id.number).append(" is lost"); });
        server_->socket_lost(now_, id);
    });
}

void RoomsWorld::carry_frames() {
    for (const RoomsServer::Frame& frame : server_->take_frames()) deliver(frame);
}

void RoomsWorld::deliver(const RoomsServer::Frame& frame) {
    trace_.say(now_.steady, [&] {
        std::string line(std::to_string(frame.to.number));
        return line.append(frame.close ? " is closed" : " hears ").append(frame.text);
    });
    const auto found = sockets_.find(frame.to);
    if (found == sockets_.end()) return;
    Socket& socket = found->second;
    const Duration wait = socket.slow && !calm_ ? dice_.between(0s, 20s) : delay();
    socket.down = std::max(socket.down, now_.steady + wait);
    at(socket.down, [this, frame] {
        const auto open = sockets_.find(frame.to);
        if (open == sockets_.end()) return;
        SocketOwner& owner = *open->second.owner;
        if (!frame.close) return owner.hear(frame.to, frame.text);
        sockets_.erase(open);
        owner.socket_closed(frame.to);
        server_->socket_lost(now_, frame.to);  // for the shell it is lost, too
    });
}

// All sockets end with it, as when the program is killed.
void RoomsWorld::restart() {
    ++run_;
    trace_.say(now_.steady, [] { return std::string("the server starts anew"); });
    server_->restart(now_);
    for (const auto& [id, socket] : std::exchange(sockets_, {})) {
        socket.owner->socket_closed(id);
    }
}

// --- the end

// Everybody falls silent, and time passes until the last seat has expired.
void RoomsWorld::calm() {
    calm_ = true;
    run_until(now_.steady + 1min);  // what is on its way arrives
    while (!sockets_.empty()) lose_socket(sockets_.begin()->first);
    run_until(now_.steady + 5min + limits_.lifetime);
}

// RI14
void RoomsWorld::check_nothing_remains() {
    const room::Stats stats = server_->stats();
    if (stats.rooms + stats.clients + stats.connections == 0 &&
        server_->next_deadline() == Instant::max()) {
        return;
    }
    throw Violation("RI14", "when all have gone nothing remains",
                    std::to_string(stats.rooms).append(" rooms"));
}

// RI20, RI21: then two who call each other get through.
void RoomsWorld::converge(Dialect first, Dialect second) {
    visitors_.clear();
    for (const Dialect dialect : {first, second}) {
        visitors_.push_back(make(dialect, static_cast<uint32_t>(100 + visitors_.size())));
        visitors_.back()->call(rooms_[0]);
        if (first != second) run_until(now_.steady + enough_for_a_call);
    }
    run_until(now_.steady + enough_for_a_call);
    for (const auto& visitor : visitors_) {
        if (!visitor->has_talked()) {
            throw Violation("RI20", "without faults two who join the same room can talk",
                            rooms_[0]);
        }
    }
    for (const auto& visitor : visitors_) visitor->hang_up();
    trace_.mark(first != second            ? Mark::completed_mixed_call
                : first == Dialect::native ? Mark::completed_native_call
                                           : Mark::completed_call);
    run_until(now_.steady + 5min + limits_.lifetime);
    check_nothing_remains();
}

}  // namespace ahoy::sim
