#include "sim/rooms_visitor.h"

#include <boost/json.hpp>
#include <charconv>

namespace ahoy::sim {
namespace {

namespace json = boost::json;

constexpr std::string_view loopback_id = "LOOPBACK_CLIENT_ID";

// Characters that JSON, Go and JavaScript each treat in ways of their own.
constexpr std::string_view filling = "<&>\"\\\n\t\xe2\x80\xa8\xc3\xa4\xf0\x9f\x98\x80";

std::string frame_of(std::string_view command, const std::string& room, const std::string& client,
                     const std::string& text) {
    json::object frame{{"cmd", command}};
    if (command == "register") {
        frame["roomid"] = room;
        frame["clientid"] = client;
    } else {
        frame["msg"] = text;
    }
    return json::serialize(frame);
}

}  // namespace

void Visitor::live() {
    const Duration wait = world_.dice().between(world_.pace() / 8, world_.pace() * 2);
    world_.later(wait, [this] {
        if (world_.is_calm()) return;
        act();
        live();
    });
}

void Visitor::act() {
    Dice& dice = world_.dice();
    if (waiting_) return;
    if (id_.empty()) return dice.percent(90) ? come() : invent();
    const size_t deed = dice.below(100);
    if (deed < 25 && !socket_) return connect();
    if (deed < 70) return talk();
    if (deed < 75 && socket_) {
        world_.trace().mark(Mark::socket_lost);
        world_.lose_socket(*socket_);
        socket_.reset();
        return;
    }
    if (deed < 80) return connect();  // perhaps a second time
    if (deed < 84 && socket_) {
        return world_.send_frame(*socket_, frame_of("register", room_, id_, ""));
    }
    if (deed < 88) return forget();  // without a word
    if (deed < 94) leave();
}

// --- coming

void Visitor::come() {
    Dice& dice = world_.dice();
    forget();
    room_ = world_.rooms()[dice.below(world_.rooms().size())];
    waiting_ = true;
    RoomsEvent join{.kind = RoomsEvent::Kind::join, .room = room_, .loopback = dice.percent(5)};
    world_.request(join, [this, stay = generation_](const RoomsReply& reply) {
        if (stay == generation_) came(reply);
    });
    // Whose answer is lost gives up after a while.
    world_.later(15s, [this, stay = generation_] {
        if (stay == generation_ && id_.empty()) forget();
    });
}

void Visitor::came(const RoomsReply& reply) {
    waiting_ = false;
    if (reply.answer != Answer::ok) return forget();
    id_ = reply.client;
    callee_ = !reply.initiator;
    for (const std::string& text : reply.messages) understand(text);
    if (world_.dice().percent(80)) connect();
}

// Somebody who never joined: refused, or with require_join off a person like any other.
void Visitor::invent() {
    Dice& dice = world_.dice();
    world_.trace().mark(Mark::invented_id);
    forget();
    room_ = world_.rooms()[dice.below(world_.rooms().size())];
    id_.append("invented").append(std::to_string(dice.below(5)));
    if (dice.percent(5)) id_ = loopback_id;
    if (dice.percent(5)) id_.clear();  // the id of those who have none
    if (id_.empty() || dice.one_in(4)) {
        world_.request({.kind = RoomsEvent::Kind::remove, .room = room_, .client = id_},
                       [](const RoomsReply&) {});
        return forget();
    }
    if (dice.one_in(2)) return connect();
    world_.request({.kind = RoomsEvent::Kind::post,
                    .room = room_,
                    .client = id_,
                    .text = next_text(Way::request, 0)},
                   [](const RoomsReply&) {});
}

void Visitor::connect() {
    const ConnectionId socket = world_.open_socket(*this, Dialect::collider);
    world_.send_frame(socket, frame_of("register", room_, id_, ""));
    if (!socket_) socket_ = socket;
}

// --- talking

// Requests may overtake each other, so only what is said over a socket has an order.
std::string Visitor::next_text(Way way, size_t size) {
    std::string text(room_);
    text.append(1, static_cast<char>(way));
    text.append("|").append(std::to_string(number_)).append("|");
    text.append(std::to_string(generation_))
        .append("|")
        .append(std::to_string(++said_))
        .append("|");
    while (text.size() < size) text.append(filling);
    return text;
}

void Visitor::talk() {
    Dice& dice = world_.dice();
    size_t size = 40 + dice.below(60);
    if (dice.percent(3)) size = world_.limits().max_message_bytes + 1;
    if (size > 5000) size = 5000;
    const size_t way = dice.below(3);
    if (way == 0 && socket_) {
        world_.send_frame(*socket_, frame_of("send", "", "", next_text(Way::socket, size)));
    } else if (way < 2) {
        message(next_text(Way::request, size));
    } else {
        world_.request({.kind = RoomsEvent::Kind::post,
                        .room = room_,
                        .client = id_,
                        .text = next_text(Way::request, size)},
                       [](const RoomsReply&) {});
    }
}

void Visitor::message(std::string text) {
    world_.request(
        {.kind = RoomsEvent::Kind::message, .room = room_, .client = id_, .text = std::move(text)},
        [](const RoomsReply&) {});
}

// RI1, RI2, RI5 as the receiver sees them: of this room, of somebody else, in order, once.
void Visitor::understand(const std::string& text) {
    if (text == R"({"type":"bye"})") return;
    std::array<std::string, 4> fields;
    size_t at = 0;
    for (std::string& field : fields) {
        const size_t end = text.find('|', at);
        if (end == text.npos) throw Violation("RI11", "text out is text in", text);
        field = text.substr(at, end - at);
        at = end + 1;
    }
    const auto way = static_cast<Way>(fields[0].back());
    fields[0].pop_back();
    if (fields[0] != room_) {
        throw Violation("RI1", "nothing said in one room is heard in another", text);
    }
    const auto number = [](const std::string& digits) {
        uint32_t value = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
        return value;
    };
    const std::pair stay(number(fields[1]), number(fields[2]));
    // With the loopback's name one may hold two seats, if nobody asks for a join.
    if (stay == std::pair(number_, generation_) && id_ != loopback_id) {
        throw Violation("RI2", "nobody hears itself", text);
    }
    const uint32_t sequence = number(fields[3]);
    uint32_t& latest = heard_in_order_[stay];
    const bool again = !heard_[stay].insert(sequence).second;
    // Without require_join an id may come back to another seat, for which all is new.
    const bool doubled = way == Way::request && world_.doubles_requests();
    if (world_.limits().require_join &&
        ((again && !doubled) || (way == Way::socket && sequence < latest))) {
        throw Violation("RI5", "what one says the other hears in order and once", text);
    }
    if (way == Way::socket) latest = sequence;
    for (size_t i = 0; at < text.size(); ++at, ++i) {
        if (text[at] != filling[i % filling.size()]) {
            throw Violation("RI11", "text out is text in", text);
        }
    }
    if (fields[3] == "1" && callee_ && world_.is_calm() && socket_) {
        world_.send_frame(*socket_, frame_of("send", "", "", next_text(Way::socket, 0)));
        heard_answer_ = true;
    } else if (!callee_ && world_.is_calm()) {
        heard_answer_ = true;
    }
}

void Visitor::hear(ConnectionId socket, const std::string& frame) {
    if (socket != socket_) return;  // an old one's
    const json::value parsed = json::parse(frame);
    const std::string text(parsed.at("msg").as_string());
    if (!text.empty()) understand(text);
}

void Visitor::socket_closed(ConnectionId socket) {
    if (socket == socket_) socket_.reset();
}

// --- going

// By both dialects, in any order, some of it never.
void Visitor::leave() {
    std::array<int, 4> steps{0, 1, 2, 3};
    Dice& dice = world_.dice();
    for (size_t i = steps.size(); i > 1; --i) std::swap(steps[i - 1], steps[dice.below(i)]);
    const bool bye_by_post = dice.one_in(2);
    Duration when{};
    for (const int step : steps) {
        if (dice.percent(15)) continue;
        when += dice.between(0ms, 300ms);
        // Long enough for the room to end and another of its name to begin.
        if (dice.one_in(8)) when += dice.between(10s, 90s);
        const int what = step == 1 && bye_by_post ? 4 : step;
        // The text is of this stay, whenever it is sent.
        const std::string bye = next_text(what == 1 ? Way::socket : Way::request, 0);
        world_.later(when, [this, what, room = room_, id = id_, socket = socket_, bye] {
            using Kind = RoomsEvent::Kind;
            const auto ask = [&](Kind kind, const std::string& text) {
                world_.request({.kind = kind, .room = room, .client = id, .text = text},
                               [](const RoomsReply&) {});
            };
            if (what == 0) ask(Kind::leave, "");
            if (what == 1 && socket) world_.send_frame(*socket, frame_of("send", "", "", bye));
            if (what == 2) ask(Kind::remove, "");
            if (what == 3 && socket) world_.close_socket(*socket);
            if (what == 4) ask(Kind::post, bye);
        });
    }
    socket_.reset();
    forget();
}

void Visitor::forget() {
    if (socket_) world_.lose_socket(*socket_);
    socket_.reset();
    id_.clear();
    heard_.clear();
    heard_in_order_.clear();
    said_ = 0;
    waiting_ = false;
    ++generation_;
}

// --- a call

void Visitor::call(const std::string& room) {
    room_ = room;
    world_.request({.kind = RoomsEvent::Kind::join, .room = room}, [this](const RoomsReply& reply) {
        if (reply.answer != Answer::ok) {
            throw Violation("RI21", "a room has seats when all others have gone",
                            std::string(label(reply.answer)));
        }
        id_ = reply.client;
        callee_ = !reply.initiator;
        connect();
        for (const std::string& text : reply.messages) understand(text);
        if (!callee_) message(next_text(Way::request, 0));
    });
}

void Visitor::hang_up() {
    world_.request({.kind = RoomsEvent::Kind::leave, .room = room_, .client = id_},
                   [](const RoomsReply&) {});
    if (socket_) world_.close_socket(*socket_);
    socket_.reset();
}

}  // namespace ahoy::sim
