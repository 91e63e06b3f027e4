// AppRTC's room server: requests as a stranger writes them, one a line, with fields between tabs:
//
//   METHOD  target  body  content type  host  user agent  scheme
//
// Every answer is one that a client can read and that harms nobody, and rooms stay within limits.
#include "room/apprtc.h"

#include <boost/json.hpp>

#include "fuzz/input.h"
#include "fuzz/room_text.h"
#include "room/collider.h"

namespace ahoy::fuzz {
namespace {

namespace apprtc = room::apprtc;
namespace json = boost::json;

// As the shell does it, it lets nothing through that is not a host.
apprtc::IceConfig ice(Now, std::string_view host) {
    if (!room::is_route_id(host)) host = "example.org";
    return {.servers = {{.urls = {"stun:" + std::string(host) + ":3478"}},
                        {.urls = {"turn:192.0.2.1"}, .username = "alice", .credential = "wonder"}},
            .lifetime = 24h};
}

class World {
  public:
    World()
        : rooms_(limits(), Random::from_number(1), observer_, {room::ResumeTickets::Key{}, 1}) {}

    void asks(Input line) {
        const auto field = [&] { return ids_.fill_in(line.until('\t')); };
        room::HttpRequest request;
        request.method = field();
        request.target = field();
        request.body = field();
        request.content_type = field();
        request.host = field();
        request.user_agent = field();
        request.scheme = field();
        now_.steady += std::chrono::seconds(request.user_agent.size());
        if (request.target.starts_with("/collider")) {
            if (const auto route = room::collider::route_of(request.target, "/collider")) {
                check(room::collider::handle(now_, request, *route, rooms_, out_));
            }
        } else {
            dialect(request);
        }
        CHECK(out_.empty());  // nobody has a socket
        CHECK(rooms_.stats().rooms <= limits().max_rooms);
    }

  private:
    static room::Limits limits() {
        room::Limits limits;
        limits.max_rooms = 4;
        return limits;
    }
    void dialect(const room::HttpRequest& request) {
        const auto route = apprtc::route_of(request.target);
        if (!route) return;
        const std::string& room = route->room;
        const size_t before = rooms_.seats_taken(room);
        const auto response = dialect_.handle(now_, request, *route, rooms_, out_);
        CHECK(room.empty() || room::is_route_id(room));
        CHECK(rooms_.seats_taken(room) <= 2 && rooms_.seats_taken(room) <= before + 2);
        check(response);
    }
    void check(const room::HttpResponse& response) {
        CHECK(response.status == 200 || (response.status >= 400 && response.status <= 500));
        for (const auto& [name, value] : response.headers) {
            CHECK((name + value).find_first_of("\r\n") == std::string::npos);
        }
        if (response.content_type.empty()) return CHECK(response.body.empty());
        if (!response.content_type.starts_with("application/json")) {
            return CHECK(response.content_type.starts_with("text/plain") || response.body.empty());
        }
        json::error_code error;
        const json::value body = json::parse(response.body, error);
        CHECK(!error && body.is_object());
        const json::object& all = body.get_object();
        const json::value* params = all.if_contains("params");
        if (!params || all.at("result") != "SUCCESS") return;
        const auto& id = params->at("client_id").get_string();
        CHECK(id.size() == 22 && room::is_route_id({id.data(), id.size()}));
        ids_.add({id.data(), id.size()});
    }

    room::Observer observer_;
    room::Rooms rooms_;
    apprtc::Dialect dialect_{{}, ice};
    Now now_{Instant{} + 1000h, WallTime{}};
    room::Deliveries out_;
    ClientIds ids_;
};

}  // namespace

void run(Input input) {
    World world;
    while (!input.empty()) world.asks(Input(as_bytes(input.line())));
}

}  // namespace ahoy::fuzz
