// Our own protocol: sockets that open, say anything and close, with clients of AppRTC and time
// between them.  Every line is one step; "$0" to "$9" stand for the latest resume tokens.
//
//   f socket frame   a WebSocket message      x socket    the socket closes
//   j room           a client of AppRTC       t seconds   time passes
#include "room/native.h"

#include <boost/json.hpp>
#include <map>

#include "fuzz/input.h"
#include "fuzz/room_text.h"
#include "room/rooms.h"

namespace ahoy::fuzz {
namespace {

namespace json = boost::json;
namespace native = room::native;

class World {
  public:
    World() : rooms_(limits(), Random::from_number(1), observer_, tickets_) {}

    void step(std::string_view line) {
        const std::string filled = tokens_.fill_in(line);
        std::string_view rest = filled;
        const std::string_view what = next_word(rest);
        if (what == "f") frame(next_word(rest), rest);
        if (what == "x") lose(number_of(next_word(rest), 5));
        if (what == "j") (void)rooms_.join(now_, rest, room::Rooms::Mode::call, out_);
        if (what == "t") pass(std::chrono::seconds(number_of(rest, 100'000)));
        deliver();
        const room::Stats stats = rooms_.stats();
        CHECK(stats.rooms <= limits().max_rooms);
        CHECK(stats.clients <= stats.rooms * limits().conference_capacity);
        CHECK(stats.connections <= sockets_.size());
        CHECK(stats.queued_bytes <= limits().max_total_bytes);
    }

    void everybody_goes() {
        while (!sockets_.empty()) lose(sockets_.begin()->first);
        pass(limits().lifetime + 1s);
        const room::Stats stats = rooms_.stats();
        CHECK(stats.rooms == 0 && stats.clients == 0 && stats.connections == 0);
        CHECK(stats.queued_bytes == 0 && rooms_.next_deadline() == Instant::max());
    }

  private:
    struct Socket {
        native::Session session;
        room::ConnectionId id;
        bool welcome = false;
        int64_t seq = 0;
    };

    static room::Limits limits() {
        room::Limits limits;
        limits.conference_capacity = 3;
        limits.max_rooms = 3;
        limits.max_total_bytes = 10'000;
        limits.events = {.events = 4, .bytes = 2000};
        limits.max_knocks = limits.max_invites = 2;
        limits.restore_until = Instant{} + 1001h;
        return limits;
    }

    void frame(std::string_view which, std::string_view text) {
        const unsigned number = number_of(which, 5);
        auto at = sockets_.find(number);
        if (at == sockets_.end()) {
            Socket socket{native::Session(now_.steady, {}, tickets_),
                          {.shard = 0, .number = ++last_socket_}};
            at = sockets_.emplace(number, std::move(socket)).first;
        }
        Socket& socket = at->second;
        auto action = socket.session.receive(now_, text);
        if (auto* enter = std::get_if<native::Enter>(&action)) {
            enter->ice_servers = "[]";
            rooms_.enter(now_, socket.id, std::move(*enter), out_);
        } else if (auto* resume = std::get_if<native::Resume>(&action)) {
            resume->ice_servers = "[]";
            rooms_.resume(now_, socket.id, *resume, out_);
        } else if (auto* request = std::get_if<native::Request>(&action)) {
            if (auto* ice = std::get_if<native::Ice>(&request->command)) ice->ice_servers = "[]";
            rooms_.carry_out(now_, socket.id, *request, out_);
        } else if (const auto* handled = std::get_if<native::Acknowledge>(&action)) {
            rooms_.acknowledge(socket.id, handled->seq);
        } else if (const auto* tell = std::get_if<native::Tell>(&action)) {
            hears(socket, tell->frame);
            if (tell->close) lose(number);
        }
    }

    void lose(unsigned number) {
        const auto at = sockets_.find(number);
        if (at == sockets_.end()) return;
        const room::ConnectionId id = at->second.id;
        deliver();
        sockets_.erase(number);
        rooms_.socket_lost(now_, id, out_);
        deliver();
    }

    void pass(Duration time) {
        now_.steady += time;
        now_.wall += std::chrono::floor<std::chrono::seconds>(time);
        rooms_.expire(now_, out_);
        CHECK(rooms_.next_deadline() > now_.steady);
        deliver();
    }

    void deliver() {
        for (const room::Delivery& delivery : std::exchange(out_, {})) {
            const auto at = std::ranges::find_if(
                sockets_, [&](const auto& s) { return s.second.id == delivery.to; });
            if (at == sockets_.end()) continue;
            if (delivery.close) {
                sockets_.erase(at);
            } else {
                CHECK(delivery.framed);
                hears(at->second, delivery.message);
            }
        }
    }

    // Every frame is an object with a type, and the events come in order without a gap.
    void hears(Socket& socket, const std::string& text) {
        json::error_code error;
        const json::value value = json::parse(text, error);
        CHECK(!error && value.is_object());
        const json::object& frame = value.get_object();
        const auto& type = frame.at("type").as_string();
        const json::value* seq = frame.if_contains("seq");
        if (type == "welcome") {
            CHECK(!socket.welcome);
            socket.welcome = true;
            socket.seq = seq->as_int64();
            tokens_.add(std::string(frame.at("resume").as_string()));
        } else if (seq) {
            CHECK(socket.welcome && seq->as_int64() == ++socket.seq);
        }
    }

    const room::ResumeTickets tickets_{room::ResumeTickets::Key{}, 1};
    room::Observer observer_;
    room::Rooms rooms_;
    Now now_{Instant{} + 1000h, WallTime{}};
    room::Deliveries out_;
    ClientIds tokens_;
    std::map<unsigned, Socket> sockets_;
    uint64_t last_socket_ = 0;
};

}  // namespace

void run(Input in) {
    World world;
    for (int steps = 0; steps < 100 && !in.empty(); ++steps) world.step(in.line());
    world.everybody_goes();
}

}  // namespace ahoy::fuzz
