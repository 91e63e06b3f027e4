#include "room/params.h"

#include <algorithm>
#include <boost/json.hpp>

namespace ahoy::room::apprtc {
namespace {

namespace json = boost::json;

// What may stand in an authority, a URL and a query value of ours as it is.
constexpr std::string_view authority = "-._:[]";
constexpr std::string_view url = "-._~:/?&=%[]@,+";
constexpr std::string_view value = "-._~:/,@";

constexpr std::string_view high_definition = "minWidth=1280,mandatory:minHeight=720";

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    });
    return text;
}

std::string yes_no(bool yes) {
    return yes ? "true" : "false";
}

// --- media constraints

// "[(mandatory|optional):]key=value"
void add_constraint(json::object& track, std::string_view item) {
    const size_t colon = item.rfind(':');
    const std::string_view pair = colon == item.npos ? item : item.substr(colon + 1);
    const size_t equals = pair.find('=');
    if (equals == pair.npos || pair.find('=', equals + 1) != pair.npos) return;

    const bool one_prefix = colon != item.npos && item.find(':') == colon;
    const bool mandatory =
        one_prefix ? item.substr(0, colon) == "mandatory" : !item.starts_with("goog");
    const std::string_view key = pair.substr(0, equals), wanted = pair.substr(equals + 1);
    if (mandatory) {
        track["mandatory"].as_object()[key] = wanted;
    } else {
        track["optional"].as_array().push_back(json::object{{key, wanted}});
    }
}

json::value track_constraints(std::string_view text) {
    const std::string simple = lower(std::string(text));
    if (simple.empty() || simple == "true") return true;
    if (simple == "false") return false;
    json::object track{{"optional", json::array{}}, {"mandatory", json::object{}}};
    while (!text.empty()) {
        const size_t comma = text.find(',');
        add_constraint(track, text.substr(0, comma));
        text.remove_prefix(comma == text.npos ? text.size() : comma + 1);
    }
    return track;
}

std::string wanted_video(const Parameters& asked, std::string_view user_agent) {
    const std::string hd = lower(asked.get("hd")), video = asked.get("video");
    if (hd == "true") return "mandatory:" + std::string(high_definition);
    const bool desktop_chrome = user_agent.find("Chrome") != user_agent.npos &&
                                user_agent.find("Android") == user_agent.npos;
    if (hd.empty() && video.empty() && desktop_chrome) {
        return "optional:minWidth=1280,optional:minHeight=720";
    }
    return video;
}

std::string media_constraints(const Parameters& asked, std::string_view user_agent) {
    json::object media{{"audio", track_constraints(asked.get("audio"))},
                       {"video", track_constraints(wanted_video(asked, user_agent))}};
    if (!asked.get("firefox_fake_device").empty()) media["fake"] = true;
    return json::serialize(media);
}

json::array warnings(const Parameters& asked) {
    json::array all;
    if (!asked.get("hd").empty() && !asked.get("video").empty()) {
        all.emplace_back("The \"hd\" parameter has overridden video=" + asked.get("video"));
    }
    if (!asked.get("minre").empty() || !asked.get("maxre").empty()) {
        all.emplace_back(
            "The \"minre\" and \"maxre\" parameters are no longer supported. "
            "Use \"video\" instead.");
    }
    return all;
}

// --- peer connection

// Without ICE servers: Android cannot read them here (apprtc.md, section 5.1).
std::string pc_config(const Parameters& asked) {
    json::object config{{"rtcpMuxPolicy", "require"},
                        {"bundlePolicy", "max-bundle"},
                        {"iceServers", json::array{}}};
    if (const std::string it = asked.get("it"); !it.empty()) config["iceTransports"] = it;
    return json::serialize(config);
}

std::string pc_constraints(const Parameters& asked, bool loopback) {
    json::array optional;
    const auto add = [&](std::string_view name, std::string wanted) {
        wanted = lower(std::move(wanted));
        if (wanted != "true" && wanted != "false") return;
        optional.push_back(json::object{{name, wanted == "true"}});
    };
    add("DtlsSrtpKeyAgreement", loopback ? "false" : asked.get("dtls"));
    add("googDscp", asked.get("dscp"));
    add("googIPv6", asked.get("ipv6"));
    return json::serialize(json::object{{"optional", std::move(optional)}});
}

// --- servers

struct SocketUrls {
    std::string wss;
    std::string post;
};

// Clients append "/ws" and "/<room>/<client>" to what they are told, so nothing ends in a slash.
SocketUrls socket_urls(const std::string& base, const Parameters& asked) {
    const std::string elsewhere = escape_url(asked.get("wshpp"), authority);
    const std::string tls = asked.get("wstls");
    const bool secure =
        tls.empty() && elsewhere.empty() ? base.starts_with("https:") : tls != "false";
    const std::string host = elsewhere.empty() ? base.substr(base.find("//") + 2) : elsewhere;
    const std::string s = secure ? "s" : "";
    // A Collider elsewhere is one of its own; ours shares its port.
    return {.wss = "ws" + s + "://" + host + "/ws",
            .post = "http" + s + "://" + host + (elsewhere.empty() ? "/collider" : "")};
}

// "?name=…", or "" if there is nothing to be said.
std::string query(std::initializer_list<std::pair<std::string_view, std::string>> fields) {
    std::string text;
    for (const auto& [name, given] : fields) {
        if (given.empty()) continue;
        text += text.empty() ? '?' : '&';
        text += std::string(name) + '=' + escape_url(given, value);
    }
    return text;
}

// With the client's token, which is for this server and no other.
std::string ice_server_url(const std::string& base, const Parameters& asked) {
    const auto elsewhere = asked.find("ts");
    if (elsewhere && elsewhere->empty()) return "";
    return (elsewhere ? escape_url(*elsewhere, url) : base) + "/v1alpha/iceconfig" +
           query({{"key", asked.get("apikey")},
                  {"token", elsewhere ? std::string() : asked.get("token")}});
}

// To be passed on to others, unlike a token.
std::string room_link(const std::string& base, const Parameters& asked, std::string_view room) {
    const bool secure = base.starts_with("https:") || asked.get("wstls") == "true";
    std::string link = secure ? "https" : "http";
    link += base.substr(base.find(':')) + "/r/" + std::string(room);
    char separator = '?';
    for (const auto& [name, given] : asked.all()) {
        if (name == "token") continue;
        link += std::exchange(separator, '&') + escape_url(name, value) + '=' +
                escape_url(given, value);
    }
    return link;
}

}  // namespace

std::string base_url(const Config& config, const HttpRequest& request) {
    if (!config.public_url.empty()) {
        std::string base = config.public_url;
        while (base.ends_with('/')) base.pop_back();
        return base;
    }
    const std::string host = escape_url(request.host, authority);
    return (request.scheme == "https" ? "https://" : "http://") +
           (host.empty() ? "localhost" : host);
}

json::object params(const Config& config, const HttpRequest& request, const Parameters& asked) {
    const std::string base = base_url(config, request);
    const bool loopback = asked.get("debug") == "loopback";
    const SocketUrls sockets = socket_urls(base, asked);
    const auto header =
        config.header_message.empty() ? json::value() : json::value(config.header_message);
    return {
        {"header_message", header},
        {"error_messages", json::array{}},
        {"warning_messages", warnings(asked)},
        {"is_loopback", yes_no(loopback)},
        {"bypass_join_confirmation", yes_no(config.bypass_join_confirmation)},
        {"pc_config", pc_config(asked)},
        {"pc_constraints", pc_constraints(asked, loopback)},
        {"offer_options", "{}"},
        {"media_constraints", media_constraints(asked, request.user_agent)},
        {"version_info", config.version_info},
        {"ice_server_url", ice_server_url(base, asked)},
        {"ice_server_transports", asked.get("tt")},
        {"turn_url", base + "/turn" + query({{"token", asked.get("token")}})},
        {"include_loopback_js", ""},  // of AppRTC's own page
        {"wss_url", sockets.wss},
        {"wss_post_url", sockets.post},
    };
}

json::object params(const Config& config, const HttpRequest& request, const Parameters& asked,
                    std::string_view room, const Joined& joined) {
    json::object all = params(config, request, asked);
    all["room_id"] = room;
    all["room_link"] = room_link(base_url(config, request), asked, room);
    all["client_id"] = joined.client_id;
    all["is_initiator"] = yes_no(joined.is_initiator);
    all["messages"] = json::array(joined.messages.begin(), joined.messages.end());
    return all;
}

}  // namespace ahoy::room::apprtc
