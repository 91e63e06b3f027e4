// Every order of what two and three clients may do, in each dialect and in both, up to a length:
// the rooms and the oracle (rooms_model.h) are told the same, and RoomsServer compares what comes
// of each step.  At the end of each order all sockets are lost, and when all time is up nothing may
// remain.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "sim/rooms_server.h"

namespace ahoy::sim {
namespace {

namespace json = boost::json;

enum class Kind { legacy, native };
enum class Step { come, connect, say, say_by_socket, leave, remove, lose, again };

struct Person {
    Kind kind{};
    std::string id;       // of a /join
    std::string token;    // of the latest welcome
    uint64_t seq = 0;     // of the latest event
    uint64_t socket = 0;  // 0: none
    uint64_t before = 0;  // the socket that was lost
    uint32_t number = 0;  // of the seat
    uint64_t last_id = 0;
    int said = 0;
};

class Town {
  public:
    Town(const std::vector<Kind>& kinds, Trace& trace) : server_({}, 1, trace) {
        for (const Kind kind : kinds) people_.push_back({.kind = kind});
    }

    // What makes a difference: clients that do not know of a seat have nothing to leave.
    bool may(size_t who, Step step) const {
        const Person& p = people_[who];
        switch (step) {
            case Step::come:
                return p.socket == 0 && (p.kind == Kind::native || p.id.empty());
            case Step::connect:
                return p.kind == Kind::legacy && !p.id.empty() && p.socket == 0;
            case Step::say:
            case Step::leave:
                return p.kind == Kind::legacy ? !p.id.empty() : p.socket != 0;
            case Step::remove:
                return p.kind == Kind::legacy && !p.id.empty();
            case Step::say_by_socket:
                return p.kind == Kind::legacy && p.socket != 0;
            case Step::lose:
                return p.socket != 0;
            case Step::again:  // a second register; over a new socket while the old one stands
                return p.kind == Kind::legacy ? p.socket != 0 && !p.id.empty() : !p.token.empty();
        }
        return false;
    }
    void take(size_t who, Step step) {
        Person& p = people_[who];
        p.kind == Kind::legacy ? legacy(who, p, step) : native(p, step);
        carry();
    }
    bool has_deadline() const { return server_.next_deadline() != Instant::max(); }
    void wait() {
        now_.steady = server_.next_deadline();
        server_.expire(now_);
        carry();
    }
    void restart() {
        for (Person& p : people_) p.socket = 0;
        server_.restart(now_);
    }
    void everybody_goes() {
        for (Person& p : people_) {
            if (p.socket != 0) lose(p);
        }
        while (has_deadline()) wait();
        const room::Stats stats = server_.stats();
        EXPECT_EQ(stats.rooms + stats.clients + stats.connections + stats.queued_bytes, 0u);
    }

  private:
    void legacy(size_t who, Person& p, Step step) {
        using Ask = RoomsEvent::Kind;
        const std::string text = std::to_string(who) + ":" + std::to_string(++p.said);
        const auto ask = [&](Ask kind) {
            return server_.http(now_, {.kind = kind, .room = "a", .client = p.id, .text = text});
        };
        switch (step) {
            case Step::come:
                p.id = ask(Ask::join).client;
                return;
            case Step::connect:
                open(p, Dialect::collider);
                return say(p, {{"cmd", "register"}, {"roomid", "a"}, {"clientid", p.id}});
            case Step::say:
                ask(Ask::message);
                return;
            case Step::say_by_socket:
                return say(p, {{"cmd", "send"}, {"msg", text}});
            case Step::leave:
                ask(Ask::leave);
                return;
            case Step::remove:
                ask(Ask::remove);
                return;
            case Step::lose:
                return lose(p);
            case Step::again:
                return say(p, {{"cmd", "register"}, {"roomid", "a"}, {"clientid", p.id}});
        }
    }
    void native(Person& p, Step step) {
        switch (step) {
            case Step::come:
                open(p, Dialect::native);
                p.last_id = 0;
                return say(p, {{"type", "hello"}, {"version", 1}, {"room", "a"}});
            case Step::again: {
                const uint64_t old = p.socket;
                open(p, Dialect::native);
                say(p, {{"type", "hello"}, {"version", 1}, {"resume", p.token}, {"seq", p.seq}});
                carry();
                if (old != 0) server_.socket_lost(now_, socket(old));
                return;
            }
            case Step::say:
                return say(
                    p,
                    {{"type", "signal"}, {"id", ++p.last_id}, {"to", neighbour(p)}, {"data", "x"}});
            case Step::leave:
                return say(p, {{"type", "leave"}, {"id", ++p.last_id}});
            default:
                return lose(p);
        }
    }

    static ConnectionId socket(uint64_t number) { return {.shard = 0, .number = number}; }
    void open(Person& p, Dialect dialect) {
        p.socket = ++last_socket_;
        server_.socket_opened(now_, socket(p.socket), dialect);
    }
    void say(Person& p, const json::object& frame) {
        server_.frame(now_, socket(p.socket), json::serialize(frame));
    }
    void lose(Person& p) { server_.socket_lost(now_, socket(std::exchange(p.socket, 0))); }
    // Somebody else; numbers are given in the order of coming.
    uint32_t neighbour(const Person& p) const {
        for (const Person& other : people_) {
            if (&other != &p && other.number != 0) return other.number;
        }
        return p.number == 0 ? 1 : p.number % 2 == 0 ? p.number - 1 : p.number + 1;
    }
    void carry() {
        for (const RoomsServer::Frame& frame : server_.take_frames()) {
            const auto p = std::ranges::find(people_, frame.to.number, &Person::socket);
            if (p == people_.end()) continue;
            if (frame.close) {
                lose(*p);
            } else if (p->kind == Kind::native) {
                hear(*p, json::parse(frame.text).as_object());
            }
        }
    }
    static void hear(Person& p, const json::object& frame) {
        if (const auto* seq = frame.if_contains("seq")) p.seq = seq->to_number<uint64_t>();
        if (frame.at("type") == "welcome") {
            p.token = frame.at("resume").as_string().c_str();
            p.number = frame.at("you").at("id").to_number<uint32_t>();
        }
    }

    RoomsServer server_;
    Now now_{Instant{} + 1000h, WallTime(1'770'000'000s)};
    std::vector<Person> people_;
    uint64_t last_socket_ = 0;
};

// One step of somebody, or, without anybody, time that passes until something is due.
struct Move {
    std::optional<size_t> who;
    Step step{};
};

constexpr Step all_steps[] = {Step::come,  Step::connect, Step::say,  Step::say_by_socket,
                              Step::leave, Step::remove,  Step::lose, Step::again};

std::string shown(const std::vector<Move>& moves) {
    static constexpr std::string_view names[] = {"comes",  "registers", "says",  "sends",
                                                 "leaves", "deletes",   "loses", "again"};
    std::string text;
    for (const Move& move : moves) {
        if (!move.who) {
            text += "time passes; ";
            continue;
        }
        text += static_cast<char>('A' + *move.who);
        text.append(" ").append(names[static_cast<size_t>(move.step)]).append("; ");
    }
    return text;
}

// Walks through all orders, each from its beginning, since rooms cannot be copied.
class Walk {
  public:
    Walk(std::vector<Kind> kinds, size_t length) : kinds_(std::move(kinds)), length_(length) {}

    size_t run() {
        extend();
        return orders_;
    }

  private:
    void extend() {
        if (testing::Test::HasFailure()) return;
        Trace trace(false);
        Town town(kinds_, trace);
        try {
            for (const Move& move : moves_) {
                move.who ? town.take(*move.who, move.step) : town.wait();
            }
            const std::vector<Move> next =
                moves_.size() < length_ ? possible(town) : std::vector<Move>{};
            if (next.empty()) {
                ++orders_;
                town.everybody_goes();
            }
            for (const Move& move : next) {
                moves_.push_back(move);
                extend();
                moves_.pop_back();
            }
        } catch (const Violation& violation) {
            ADD_FAILURE() << shown(moves_) << violation.what();
        }
    }
    std::vector<Move> possible(const Town& town) const {
        std::vector<Move> moves;
        if (town.has_deadline()) moves.push_back({});
        for (size_t who = 0; who < kinds_.size(); ++who) {
            // Who have not come yet and are alike come one after the other.
            const bool is_next = who == 0 || kinds_[who - 1] != kinds_[who] || has_come(who - 1);
            if (!is_next) continue;
            for (const Step step : all_steps) {
                if (town.may(who, step)) moves.push_back({who, step});
            }
        }
        return moves;
    }
    bool has_come(size_t who) const {
        return std::ranges::any_of(moves_, [&](const Move& m) { return m.who == who; });
    }

    const std::vector<Kind> kinds_;
    const size_t length_;
    std::vector<Move> moves_;
    size_t orders_ = 0;
};

using enum Kind;

void all_orders(std::vector<Kind> kinds, size_t length) {
    const size_t orders = Walk(std::move(kinds), length).run();
    testing::Test::RecordProperty("orders", std::to_string(orders));
    std::printf("%zu orders of %zu steps\n", orders, length);
}

TEST(EveryOrder, OfTwoClientsOfAppRtc) {
    all_orders({legacy, legacy}, 6);
}

TEST(EveryOrder, OfThreeClientsOfAppRtc) {
    all_orders({legacy, legacy, legacy}, 5);
}

TEST(EveryOrder, OfTwoParticipants) {
    all_orders({native, native}, 7);
}

TEST(EveryOrder, OfThreeParticipants) {
    all_orders({native, native, native}, 6);
}

TEST(EveryOrder, OfAParticipantAndAClientOfAppRtc) {
    all_orders({native, legacy}, 6);
}

TEST(EveryOrder, OfTwoParticipantsAndAClientOfAppRtc) {
    all_orders({native, native, legacy}, 5);
}

TEST(EveryOrder, OfAParticipantAndTwoClientsOfAppRtc) {
    all_orders({native, legacy, legacy}, 5);
}

}  // namespace
}  // namespace ahoy::sim
