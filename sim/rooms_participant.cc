#include "sim/rooms_participant.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

namespace ahoy::sim {
namespace {

namespace json = boost::json;

// Characters that JSON and JavaScript each treat in ways of their own.
constexpr std::string_view filling = "<&>\"\\\n\t\xe2\x80\xa8\xc3\xa4\xf0\x9f\x98\x80";

uint32_t number_in(const json::object& frame, std::string_view name) {
    return frame.at({name.data(), name.size()}).to_number<uint32_t>();
}

std::string text_in(const json::object& frame, std::string_view name) {
    const auto& text = frame.at({name.data(), name.size()}).as_string();
    return {text.data(), text.size()};
}

[[noreturn]] void wrong(std::string_view id, std::string_view sentence, const json::object& frame) {
    throw Violation(id, sentence, json::serialize(frame));
}

}  // namespace

void RoomsParticipant::live() {
    world_.later(world_.dice().between(world_.pace() / 8, world_.pace() * 2), [this] {
        if (world_.is_calm()) return;
        act();
        live();
    });
}

void RoomsParticipant::act() {
    Dice& dice = world_.dice();
    const size_t deed = dice.below(100);
    if (!socket_) {
        if (token_.empty()) return enter();
        if (deed < 70) return come_back();
        if (deed < 75) forget();
        return;
    }
    if (!welcomed_) {  // on its way, in the lobby, or lost
        if (deed < 10) {
            world_.lose_socket(*socket_);
            socket_.reset();
        } else if (deed < 12) {
            ask({{"type", "leave"}});
        }
        return;
    }
    if (deed < 55) return talk();
    if (deed < 70) return host();
    if (deed < 78) {
        world_.trace().mark(Mark::socket_lost);
        world_.lose_socket(*socket_);
        socket_.reset();
        return;
    }
    if (deed < 84) return come_back();  // another network; the old socket still stands
    if (deed < 90) return say({{"type", "ack"}, {"seq", seq_}});
    if (deed < 94) return ask({{"type", "leave"}});
    if (deed < 96) forget();  // without a word
}

// --- coming

void RoomsParticipant::enter() {
    Dice& dice = world_.dice();
    forget();
    room_ = world_.rooms()[dice.below(world_.rooms().size())];
    socket_ = world_.open_socket(*this, Dialect::native);
    Frame hello{{"type", "hello"}, {"version", 1}, {"room", room_}, {"mic", dice.one_in(2)}};
    hello["name"] = std::string("guest ").append(std::to_string(number_));
    if (dice.percent(10)) hello["token"] = dice.any_of({"host", "guest"});
    if (!world_.invites().empty() && dice.one_in(3)) {
        hello["invite"] = world_.invites()[dice.below(world_.invites().size())];
    }
    say(hello);
}

void RoomsParticipant::come_back() {
    Dice& dice = world_.dice();
    if (socket_) world_.lose_socket(*socket_);
    socket_ = world_.open_socket(*this, Dialect::native);
    welcomed_ = false;
    std::string token = token_;
    if (dice.percent(2)) token.back() = token.back() == 'A' ? 'B' : 'A';
    say({{"type", "hello"},
         {"version", 1},
         {"resume", token},
         {"seq", seq_},
         {"attempt", dice.percent(5) ? 1 : ++attempts_},
         {"camera", dice.one_in(2)}});
}

// --- talking

uint32_t RoomsParticipant::somebody() {
    if (roster_.empty() || world_.dice().percent(3)) return me_ + 1;
    return std::next(roster_.begin(),
                     static_cast<std::ptrdiff_t>(world_.dice().below(roster_.size())))
        ->first;
}

std::string RoomsParticipant::next_text() {
    std::string text(room_);
    text.append("n|").append(std::to_string(number_)).append("|");
    text.append(std::to_string(stay_)).append("|").append(std::to_string(++said_)).append("|");
    return text.append(filling);
}

void RoomsParticipant::talk() {
    Dice& dice = world_.dice();
    switch (dice.below(8)) {
        case 0:
            return ask({{"type", "message"}, {"data", next_text()}});
        case 1:
            return ask({{"type", "message"}, {"to", somebody()}, {"data", next_text()}});
        case 2:
            return ask({{"type", "chat"}, {"text", next_text()}});
        case 3:
            return ask({{"type", "set"}, {"mic", dice.one_in(2)}, {"hand", dice.one_in(2)}});
        case 4:
            return ask({{"type", dice.one_in(2) ? "ice" : "set"}, {"name", "renamed"}});
        default:
            return ask({{"type", "signal"}, {"to", somebody()}, {"data", next_text()}});
    }
}

// Also by who is no host, and must be refused.
void RoomsParticipant::host() {
    if (is_host_ || world_.dice().percent(10)) ask(next_host_request());
}

RoomsParticipant::Frame RoomsParticipant::next_host_request() {
    Dice& dice = world_.dice();
    switch (dice.below(10)) {
        case 0:
            return {{"type", "room"}, {"locked", dice.one_in(4)}, {"lobby", dice.one_in(2)}};
        case 1:
            return {{"type", "mute"}, {"to", somebody()}, {"what", "mic"}};
        case 2:
            if (dice.one_in(2)) return {{"type", "remove"}, {"to", somebody()}};
            return {{"type", "host"}, {"to", somebody()}};
        case 3:
            return {{"type", "invite"}};
        case 4:
            return {{"type", "revoke"}, {"key", invite_}};
        case 5:
            if (dice.one_in(4)) return {{"type", "close"}};
            [[fallthrough]];
        default:
            if (knocks_.empty()) return {{"type", "room"}, {"lobby", dice.one_in(2)}};
            return {{"type", dice.one_in(3) ? "deny" : "admit"}, {"knock", *knocks_.begin()}};
    }
}

void RoomsParticipant::ask(Frame request) {
    request["id"] = ++last_id_;
    unanswered_.push_back({last_id_, json::serialize(request)});
    world_.send_frame(*socket_, unanswered_.back().text);
}

void RoomsParticipant::say(const Frame& frame) {
    world_.send_frame(*socket_, json::serialize(frame));
}

void RoomsParticipant::answered(uint64_t id, bool all_before) {
    std::erase_if(unanswered_, [&](const Asked& asked) {
        return asked.id == id || (all_before && asked.id < id);
    });
}

// --- hearing

void RoomsParticipant::hear(ConnectionId socket, const std::string& text) {
    if (socket != socket_) return;  // an old one's
    const json::value value = json::parse(text);
    const Frame& frame = value.as_object();
    const std::string type = text_in(frame, "type");
    if (type == "welcome") {
        welcome(frame);
    } else if (type == "ack") {
        answered(frame.at("id").to_number<uint64_t>(), true);
    } else if (type == "bye") {
        // By an older socket of its own whose hello came late: the seat is still there.
        if (text_in(frame, "reason") != "replaced") return forget();
        world_.lose_socket(*socket_);
        socket_.reset();
        welcomed_ = false;
    } else if (frame.contains("seq")) {
        event(frame);
    } else if (type == "error" && !frame.contains("id")) {
        forget();
    }
}

void RoomsParticipant::welcome(const Frame& frame) {
    if (welcomed_) wrong("RI5", "a socket is welcomed once", frame);
    welcomed_ = true;
    token_ = text_in(frame, "resume");
    const Frame& you = frame.at("you").as_object();
    if (me_ != 0 && me_ != number_in(you, "id")) {
        wrong("RI8", "who comes back has the same seat", frame);
    }
    me_ = number_in(you, "id");
    const auto seq = frame.at("seq").to_number<uint64_t>();
    const auto received = frame.at("received").to_number<uint64_t>();
    // Some send again what has arrived, too.
    if (!world_.dice().percent(10)) answered(received, true);
    if (frame.at("resumed").as_bool()) {
        if (seq != seq_) wrong("RI5", "who resumes misses nothing", frame);
        for (const Asked& asked : unanswered_) world_.send_frame(*socket_, asked.text);
        return;
    }
    seq_ = seq;
    unanswered_.clear();
    is_host_ = text_in(you, "role") == "host";
    roster_.clear();
    knocks_.clear();
    for (const json::value& other : frame.at("participants").as_array()) {
        const Frame& who = other.as_object();
        roster_[number_in(who, "id")] = who.at("offer").as_bool();
    }
    if (roster_.contains(me_)) wrong("RI2", "nobody is among the others", frame);
    if (!world_.is_calm()) return;
    for (const auto& [who, offers] : roster_) {
        if (offers) ask({{"type", "signal"}, {"to", who}, {"data", next_text()}});
    }
}

void RoomsParticipant::event(const Frame& frame) {
    const auto seq = frame.at("seq").to_number<uint64_t>();
    if (!welcomed_ || seq != seq_ + 1) wrong("RI5", "events come in order, each once", frame);
    seq_ = seq;
    const std::string type = text_in(frame, "type");
    if (type == "joined") {
        const Frame& who = frame.at("participant").as_object();
        const uint32_t id = number_in(who, "id");
        if (!roster_.try_emplace(id, who.at("offer").as_bool()).second) {
            wrong("RI3", "nobody joins twice", frame);
        }
        if (world_.is_calm() && roster_.at(id)) {
            ask({{"type", "signal"}, {"to", id}, {"data", next_text()}});
        }
    } else if (type == "left") {
        if (roster_.erase(number_in(frame, "id")) == 0) {
            wrong("RI8", "who leaves was here, once", frame);
        }
    } else if (type == "signal" || type == "message") {
        understand(number_in(frame, "from"), text_in(frame, "data"));
    } else if (type == "changed") {
        const uint32_t who = number_in(frame, "id");
        if (who != me_ && !roster_.contains(who)) wrong("RI2", "who changes is here", frame);
        if (who == me_ && frame.contains("role")) is_host_ = text_in(frame, "role") == "host";
    } else if (type == "knock") {
        if (!is_host_) wrong("RI2", "only a host hears a knock", frame);
        knocks_.insert(number_in(frame, "knock"));
        if (world_.is_calm()) ask({{"type", "admit"}, {"knock", *knocks_.begin()}});
    } else if (type == "knock_over") {
        knocks_.erase(number_in(frame, "knock"));
    } else if (type == "invite") {
        invite_ = text_in(frame, "key");
        world_.invites().push_back(invite_);
    } else if (type == "error") {
        answered(frame.at("id").to_number<uint64_t>(), false);
    }
}

// RI1, RI2, RI5, RI11 as the receiver sees them.
void RoomsParticipant::understand(uint32_t from, const std::string& text) {
    if (from == me_ || !roster_.contains(from)) {
        throw Violation("RI2", "what is heard was said by somebody else who is here", text);
    }
    const auto legacy = [&](char way) { return text.starts_with(room_ + way + "|"); };
    const bool by_request = legacy('r');
    if (!legacy('n') && !legacy('s') && !by_request) {
        throw Violation("RI1", "nothing said in one room is heard in another", text);
    }
    std::vector<std::string> fields;
    size_t at = 0;
    while (fields.size() < 4) {
        const size_t end = text.find('|', at);
        if (end == text.npos) throw Violation("RI11", "text out is text in", text);
        fields.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    for (size_t i = 0; at < text.size(); ++at, ++i) {
        if (text[at] != filling[i % filling.size()]) {
            throw Violation("RI11", "text out is text in", text);
        }
    }
    uint32_t sequence = 0;
    std::from_chars(fields[3].data(), fields[3].data() + fields[3].size(), sequence);
    auto& [stay, latest] = latest_[from];
    const std::string speaker = fields[1] + "|" + fields[2];
    if (std::exchange(stay, speaker) != speaker) latest = 0;
    // Requests by HTTP overtake each other, and come twice; the socket's texts do not.
    if (!by_request && sequence <= std::exchange(latest, sequence)) {
        throw Violation("RI5", "what one says the other hears in order and once", text);
    }
    if (!world_.is_calm()) return;
    if (!std::exchange(heard_answer_, true) && !roster_.at(from)) {
        ask({{"type", "signal"}, {"to", from}, {"data", next_text()}});
    }
}

void RoomsParticipant::socket_closed(ConnectionId socket) {
    if (socket == socket_) socket_.reset();
    welcomed_ = false;
}

// --- going

void RoomsParticipant::forget() {
    if (socket_) world_.lose_socket(*socket_);
    socket_.reset();
    welcomed_ = is_host_ = false;
    token_.clear();
    me_ = said_ = 0;
    seq_ = last_id_ = 0;
    unanswered_.clear();
    roster_.clear();
    knocks_.clear();
    latest_.clear();
    ++stay_;
}

// --- a call

void RoomsParticipant::call(const std::string& room) {
    room_ = room;
    socket_ = world_.open_socket(*this, Dialect::native);
    say({{"type", "hello"}, {"version", 1}, {"room", room}});
}

void RoomsParticipant::hang_up() {
    ask({{"type", "leave"}});
}

}  // namespace ahoy::sim
