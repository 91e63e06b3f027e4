// What /join and /params echo of a client's own words: four lines, the query, a form, the Host and
// the User-Agent.  Whatever they are, the answer parses and its URLs can be put anywhere.
#include "room/params.h"

#include <boost/json.hpp>

#include "fuzz/input.h"

namespace ahoy::fuzz {
namespace {

namespace apprtc = room::apprtc;
namespace json = boost::json;

std::string_view text(const json::object& object, json::string_view name) {
    const auto& string = object.at(name).as_string();
    return {string.data(), string.size()};
}

// What stands in a URL, in HTML and in a script for itself and for nothing else.
void check_url(std::string_view url) {
    for (const char c : url) {
        const bool alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        CHECK(alphanumeric ||
              std::string_view("-._~:/?&=%[]@,+").find(c) != std::string_view::npos);
    }
}

void check_params(const json::object& all) {
    json::error_code error;
    const json::value again = json::parse(json::serialize(all), error);
    CHECK(!error && again == all);
    for (const char* name : {"pc_config", "pc_constraints", "offer_options", "media_constraints"}) {
        const json::value inner = json::parse(all.at(name).as_string(), error);
        CHECK(!error && inner.is_object());
    }
    for (const char* name : {"ice_server_url", "turn_url", "wss_url", "wss_post_url"}) {
        check_url(text(all, name));
    }
    CHECK(text(all, "wss_url").starts_with("ws"));
    CHECK(text(all, "wss_url").ends_with("/ws"));
    CHECK(text(all, "wss_post_url").starts_with("http"));
    CHECK(text(all, "include_loopback_js").empty());
}

}  // namespace

void run(Input input) {
    room::HttpRequest request{.method = "POST", .scheme = "https"};
    request.target = "/join/room?" + std::string(input.line());
    request.body = input.line();
    request.content_type = "application/x-www-form-urlencoded; charset=utf-8";
    request.host = input.line();
    request.user_agent = input.line();

    const auto asked = room::Parameters::of(request);
    CHECK(asked.all().size() <= room::Parameters::most);
    for (const auto& [name, value] : asked.all()) {
        CHECK(room::is_utf8(name) && room::is_utf8(value) && asked.find(name));
    }
    const apprtc::Config config;
    check_params(apprtc::params(config, request, asked));
    const auto all = apprtc::params(config, request, asked, "room", {.client_id = "id"});
    check_params(all);
    check_url(text(all, "room_link"));
    CHECK(text(all, "room_link").find("/r/room") != std::string_view::npos);
}

}  // namespace ahoy::fuzz
