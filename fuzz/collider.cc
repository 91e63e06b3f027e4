// Collider: sockets that open, say anything and close, with joins, POSTs, DELETEs and time between
// them.  Every line is one step; a model knows which socket is in which room.
//
//   j room           somebody joins         f socket frame   a WebSocket message
//   x socket         the socket closes      h METHOD target body    Collider's HTTP side
//   t seconds        time passes            l room client    somebody leaves
#include "room/collider.h"

#include <boost/json.hpp>
#include <set>

#include "fuzz/input.h"
#include "fuzz/room_text.h"

namespace ahoy::fuzz {
namespace {

namespace collider = room::collider;
namespace json = boost::json;

struct Socket {
    collider::Session session;
    room::ConnectionId id;
    bool registered = false;
};

// A frame to a client is one JSON object with two strings, whatever is in them.
void check_frame(const std::string& frame, std::string_view message) {
    CHECK(frame.ends_with("}\n"));
    json::error_code error;
    const json::value value = json::parse(frame, error);
    CHECK(!error && value.is_object() && value.get_object().size() == 2);
    CHECK(value.at("msg").is_string() && value.at("error").is_string());
    CHECK(value.at("msg").get_string() == json::string_view(message.data(), message.size()));
    CHECK(frame.find_first_of("<>&") == frame.npos && frame.find('\n') == frame.size() - 1);
}

class World {
  public:
    World(size_t capacity, bool require_join)
        : limits_(limits(capacity, require_join)),
          rooms_(limits_, Random::from_number(1), observer_, {room::ResumeTickets::Key{}, 1}) {}

    void step(std::string_view line) {
        const std::string filled = ids_.fill_in(line);
        std::string_view rest = filled;
        const std::string_view what = next_word(rest);
        if (what == "j") join(rest);
        if (what == "f") frame(next_word(rest), rest);
        if (what == "x") close(next_word(rest));
        if (what == "h") http(next_word(rest), rest);
        if (what == "t") pass(std::chrono::seconds(number_of(rest, 100'000)));
        if (what == "l") leave(next_word(rest), rest);
        for (const std::string& room : names_) CHECK(rooms_.seats_taken(room) <= limits_.capacity);
        const room::Stats stats = rooms_.stats();
        CHECK(stats.rooms <= limits_.max_rooms);
        size_t registered = 0;
        for (const auto& [number, socket] : sockets_) registered += socket.registered;
        CHECK(stats.connections == registered);
    }

    void everybody_goes() {
        while (!sockets_.empty()) lose(sockets_.begin()->first);
        pass(limits_.lifetime + 1s);
        const room::Stats stats = rooms_.stats();
        CHECK(stats.rooms == 0 && stats.clients == 0 && stats.connections == 0);
        CHECK(rooms_.next_deadline() == Instant::max());
    }

  private:
    static room::Limits limits(size_t capacity, bool require_join) {
        room::Limits limits;
        limits.capacity = capacity;
        limits.require_join = require_join;
        limits.max_rooms = 3;
        limits.max_queued_messages = 4;
        limits.max_queued_bytes = 1000;
        limits.max_message_bytes = 500;
        limits.max_room_id = limits.max_client_id = 40;
        return limits;
    }

    void join(std::string_view room) {
        names_.emplace(room);
        const size_t before = rooms_.seats_taken(room);
        const bool loops = room.starts_with("loop");
        const auto joined = rooms_.join(
            now_, room, loops ? room::Rooms::Mode::loopback : room::Rooms::Mode::call, out_);
        if (joined) ids_.add(joined->client_id);
        if (joined) CHECK(before < limits_.capacity || rooms_.seats_taken(room) <= before);
        carry_out(room, {});
    }
    void frame(std::string_view which, std::string_view text) {
        const unsigned number = number_of(which, 5);
        Socket& socket = sockets_[number];
        if (socket.id.number == 0) socket.id = {.shard = 0, .number = ++last_socket_};
        auto action = socket.session.receive(now_.steady, text);
        if (const auto* wanted = std::get_if<collider::Register>(&action)) {
            names_.insert(wanted->room);
            socket.registered = true;  // what was kept for it is delivered during the call
            const auto done =
                rooms_.register_client(now_, socket.id, wanted->room, wanted->client, out_);
            socket.registered = done.has_value();
            carry_out(wanted->room, {});
            if (!done) fail(number, collider::refused(done.error()));
        } else if (const auto* said = std::get_if<collider::Send>(&action)) {
            CHECK(!socket.session.room().empty() && collider::deliverable(said->text));
            const std::string room = socket.session.room();
            const auto done = rooms_.send(now_, socket.id, said->text, out_);
            carry_out(room, said->text, number);
            if (!done) fail(number, collider::refused(done.error()));
        } else {
            fail(number, std::get<collider::Failure>(action));
        }
    }
    void fail(unsigned number, const collider::Failure& failure) {
        check_frame(failure.frame, "");
        if (failure.close) lose(number);
    }
    void close(std::string_view which) { lose(number_of(which, 5)); }
    void lose(unsigned number) {
        const auto at = sockets_.find(number);
        if (at == sockets_.end()) return;
        const Socket socket = at->second;
        sockets_.erase(at);
        rooms_.socket_lost(now_, socket.id, out_);
        carry_out(socket.session.room(), {});
    }
    void http(std::string_view method, std::string_view rest) {
        const std::string target(next_word(rest));
        const auto route = collider::route_of(target, "/collider");
        if (!route) return;
        if (route->has_ids) names_.insert(route->room);
        const auto response = collider::handle(
            now_, {.method = std::string(method), .target = target, .body = std::string(rest)},
            *route, rooms_, out_);
        carry_out(route->room, rest);
        CHECK(response.status == 200 || response.status == 403 || response.status == 500);
    }
    void leave(std::string_view room, std::string_view client) {
        rooms_.leave(now_, room, client, out_);
        carry_out(room, {});
    }
    void pass(Duration time) {
        now_.steady += time;
        rooms_.expire(now_, out_);
        CHECK(rooms_.next_deadline() > now_.steady);
        carry_out({}, {});
    }

    // Only the others in `room` hear what is said there, and what was kept there before.
    void carry_out(std::string_view room, std::string_view said, unsigned speaker = 99) {
        if (!said.empty()) said_[std::string(room)].emplace(said);
        std::vector<unsigned> closed;
        for (const room::Delivery& delivery : std::exchange(out_, {})) {
            const auto at = std::ranges::find_if(
                sockets_, [&](const auto& s) { return s.second.id == delivery.to; });
            CHECK(at != sockets_.end());
            const std::string& here = at->second.session.room();
            if (delivery.close) {
                at->second.registered = false;
                closed.push_back(at->first);
            } else if (delivery.message != R"({"type":"bye"})") {
                CHECK(here == room && said_[here].contains(delivery.message));
                if (delivery.message == said) CHECK(at->first != speaker);
            }
            const std::string framed = collider::message_frame(delivery.message);
            check_frame(framed, delivery.message);
            CHECK(framed.size() <= collider::max_frame);
        }
        for (const unsigned number : closed) lose(number);
    }

    const room::Limits limits_;
    room::Observer observer_;
    room::Rooms rooms_;
    Now now_{Instant{} + 1000h, WallTime{}};
    room::Deliveries out_;
    ClientIds ids_;
    std::map<unsigned, Socket> sockets_;
    uint64_t last_socket_ = 0;
    std::set<std::string> names_;
    std::map<std::string, std::set<std::string>> said_;  // by room
};

}  // namespace

void run(Input input) {
    const size_t how = input.line().size();
    World world(2 + how % 4, how % 2 == 0);
    while (!input.empty()) world.step(input.line());
    world.everybody_goes();
}

}  // namespace ahoy::fuzz
