// The API: any requests, with people who come and go and time between them.  Every line is one
// step:
//
//   a METHOD target body    a request        j room           somebody joins by AppRTC
//   e socket room           somebody enters  x socket         the socket closes
//   t seconds               time passes
#include "room/api.h"

#include <boost/json.hpp>
#include <set>

#include "fuzz/input.h"
#include "fuzz/room_text.h"

namespace ahoy::fuzz {
namespace {

namespace api = room::api;
namespace json = boost::json;

class World {
  public:
    World()
        : rooms_(limits(), Random::from_number(1), observer_, {room::ResumeTickets::Key{}, 1}) {}

    void step(std::string_view line) {
        std::string_view rest = line;
        const std::string_view what = next_word(rest);
        if (what == "a") request(next_word(rest), rest);
        if (what == "j") (void)rooms_.join(now_, rest, room::Rooms::Mode::call, out_);
        if (what == "e") enter(number_of(next_word(rest), 9), rest);
        if (what == "x") lose(number_of(rest, 9));
        if (what == "t") pass(std::chrono::seconds(number_of(rest, 100'000)));
        carry_out();
        CHECK(rooms_.stats().rooms <= limits().max_rooms);
    }

    void everybody_goes() {
        for (unsigned i = 0; i < 10; ++i) lose(i);
        pass(2 * limits().lifetime + 1s);
        pass(limits().lifetime);
        CHECK(rooms_.stats().rooms == 0 && rooms_.stats().clients == 0);
        CHECK(rooms_.next_deadline() == Instant::max());
    }

  private:
    static room::Limits limits() {
        room::Limits limits;
        limits.max_rooms = 3;
        limits.conference_capacity = 4;
        return limits;
    }

    void request(std::string_view method, std::string_view rest) {
        const std::string target(next_word(rest));
        const room::HttpRequest request{
            .method = std::string(method), .target = target, .body = std::string(rest)};
        auto route = api::route_of(request);
        if (!route) return check_problem(route.error());
        if (route->to == api::To::create_room) route->room = names_.make(random_);
        if (route->to == api::To::describe) return;
        if (route->to == api::To::list_rooms) return list(request);
        if (route->to == api::To::make_token) {
            const auto made = api::make_token(now_, request, *route, &tokens_, names_);
            return made.status == 201 ? CHECK(json::parse(made.body).is_object())
                                      : check_problem(made);
        }
        const auto response = api::handle(now_, request, *route, rooms_, out_);
        if (response.status >= 400) return check_problem(response);
        if (response.status == 204) return CHECK(response.body.empty());
        const json::value room = json::parse(response.body);
        CHECK(room.at("participants").as_array().size() == rooms_.seats_taken(route->room));
    }

    void list(const room::HttpRequest& request) {
        const auto page = api::page_of(request);
        if (!page) return check_problem(page.error());
        const json::value all = json::parse(api::listed(api::list(rooms_, *page), *page).body);
        CHECK(all.at("rooms").as_array().size() <= page->limit);
    }

    static void check_problem(const room::HttpResponse& response) {
        CHECK(response.status >= 400 && response.content_type == "application/problem+json");
        const json::value problem = json::parse(response.body);
        CHECK(problem.at("status").as_int64() == response.status);
        CHECK(!problem.at("detail").as_string().empty());
    }

    void enter(unsigned socket, std::string_view room) {
        if (room.empty() || !open_.insert(socket).second) return;
        rooms_.enter(now_, {.number = socket}, {.room = std::string(room), .ice_servers = "[]"},
                     out_);
    }
    void lose(unsigned socket) {
        if (open_.erase(socket) != 0) rooms_.socket_lost(now_, {.number = socket}, out_);
    }
    void carry_out() {
        for (const room::Delivery& delivery : std::exchange(out_, {})) {
            if (delivery.close) open_.erase(static_cast<unsigned>(delivery.to.number));
        }
    }
    void pass(Duration time) {
        now_.steady += time;
        rooms_.expire(now_, out_);
        CHECK(rooms_.next_deadline() > now_.steady);
    }

    room::Observer observer_;
    const room::JoinTokens tokens_{room::TokenKeys{{"main", room::HmacKey{std::string(32, 's')}}}};
    const room::RoomNames names_;
    Random random_ = Random::from_number(2);
    room::Rooms rooms_;
    Now now_{Instant{} + 1000h, WallTime{}};
    room::Deliveries out_;
    std::set<unsigned> open_;
};

}  // namespace

void run(Input input) {
    World world;
    while (!input.empty()) world.step(input.line());
    world.everybody_goes();
}

}  // namespace ahoy::fuzz
