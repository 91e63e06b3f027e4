#include "sim/rooms_world.h"

#include <algorithm>

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
    const size_t visitors = 2 + dice_.below(7);
    for (uint32_t i = 0; i < visitors; ++i) {
        visitors_.push_back(std::make_unique<Visitor>(*this, i));
        visitors_.back()->live();
    }
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
    lost_requests_ = dice_.any_of<unsigned>({0, 0, 10});
    lost_answers_ = dice_.any_of<unsigned>({0, 5, 20});
    slowest_ = dice_.any_of<Duration>({10ms, 100ms, 3s});
    lateness_ = dice_.any_of<Duration>({0s, 0s, 5s});
}

void RoomsWorld::run() {
    run_until(now_.steady + length_);
    calm();
    check_nothing_remains();
    converge();
    check_nothing_remains();
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
    now_.steady = end;
}

bool RoomsWorld::step(Instant limit) {
    const Instant event = queue_.empty() ? Instant::max() : queue_.top().at;
    const Instant deadline = server_->next_deadline();
    const Instant due = deadline == Instant::max()
                            ? deadline
                            : std::max(deadline + (calm_ ? 0s : lateness_), now_.steady);
    const Instant next = std::min(event, due);
    if (next > limit) return false;
    now_.steady = next;
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

ConnectionId RoomsWorld::open_socket(Visitor& owner) {
    const ConnectionId id{.shard = 0, .number = ++last_socket_};
    const bool slow = !calm_ && dice_.percent(10);
    if (slow) trace_.mark(Mark::slow_socket);
    sockets_[id] = {&owner, slow, now_.steady + delay(), now_.steady};
    at(sockets_[id].up, [this, id] { server_->socket_opened(id); });
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
        Visitor& owner = *open->second.owner;
        if (!frame.close) return owner.hear(frame.to, frame.text);
        sockets_.erase(open);
        owner.socket_closed(frame.to);
        server_->socket_lost(now_, frame.to);  // for the shell it is lost, too
    });
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
void RoomsWorld::converge() {
    visitors_.clear();
    for (uint32_t i = 0; i < 2; ++i) {
        visitors_.push_back(std::make_unique<Visitor>(*this, 100 + i));
        visitors_.back()->call(rooms_[0]);
    }
    run_until(now_.steady + enough_for_a_call);
    for (const auto& visitor : visitors_) {
        if (!visitor->has_talked()) {
            throw Violation("RI20", "without faults two who join the same room can talk",
                            rooms_[0]);
        }
        visitor->hang_up();
    }
    trace_.mark(Mark::completed_call);
    run_until(now_.steady + 5min + limits_.lifetime);
}

}  // namespace ahoy::sim
