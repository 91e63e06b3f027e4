#include "room/apprtc.h"

#include <boost/json.hpp>

#include "room/testing.h"

namespace ahoy::room::apprtc {
namespace {

namespace json = boost::json;
using testing::Contains;
using testing::ElementsAre;
using testing::Pair;

const std::string full_body = R"({"params":{"messages":[]},"result":"FULL"})";
const std::string success = R"({"result":"SUCCESS"})";

class ApprtcTest : public RoomsTest {
  protected:
    std::optional<HttpResponse> ask(HttpRequest request) {
        request.scheme = "https";
        if (request.host.empty()) request.host = "ahoy.test";
        const auto route = route_of(request.target);
        if (!route) return {};
        return dialect.handle(now, request, *route, *rooms, out);
    }
    HttpResponse call(std::string method, std::string target, std::string body = "") {
        const auto response = ask({.method = method, .target = target, .body = body});
        EXPECT_TRUE(response) << method << ' ' << target;
        return response.value_or(HttpResponse{});
    }
    HttpResponse post(std::string target, std::string body = "") {
        return call("POST", std::move(target), std::move(body));
    }
    json::object joined(const std::string& target, const std::string& body = "") {
        const json::value answer = json::parse(post(target, body).body);
        EXPECT_EQ(answer.at("result"), "SUCCESS") << target;
        return answer.at("params").as_object();
    }
    std::string client(const std::string& target) {
        return std::string(joined(target).at("client_id").as_string());
    }

    IceConfig ice;
    std::string ice_host;
    Dialect dialect{Config{}, [this](Now, std::string_view host) {
                        ice_host = host;
                        return ice;
                    }};
};

TEST_F(ApprtcTest, D3_AnswersAreJson) {
    const auto response = post("/join/r");
    EXPECT_EQ(response.status, 200u);
    EXPECT_EQ(response.content_type, "application/json");
    EXPECT_THAT(response.headers, Contains(Pair("Cache-Control", "no-cache")));
}

TEST_F(ApprtcTest, AServerThatDrainsOpensNoRoom) {
    rooms->drain();
    const auto refused = post("/join/r");
    EXPECT_EQ(refused.status, 503u);
    EXPECT_EQ(refused.body, R"({"params":{"messages":[]},"result":"ERROR"})");
}

TEST_F(ApprtcTest, WhoJoinsTooOftenIsToldWhenToComeBack) {
    const auto response = refused(JoinRefusal::too_many_joins);
    EXPECT_EQ(response.status, 429u);
    EXPECT_EQ(response.body, R"({"params":{"messages":[]},"result":"ERROR"})");
    EXPECT_THAT(response.headers, Contains(Pair("Retry-After", "60")));
}

TEST_F(ApprtcTest, AFullRoomSaysSoWith200) {
    joined("/join/r");
    joined("/join/r");
    const auto third = post("/join/r");
    EXPECT_EQ(third.status, 200u);
    EXPECT_EQ(third.body, full_body);
}

TEST_F(ApprtcTest, ABadJoinIsAnError) {
    EXPECT_EQ(post("/join/" + std::string(257, 'r')).body,
              R"({"params":{"messages":[]},"result":"ERROR"})");
}

TEST_F(ApprtcTest, LoopbackIsAskedForInTheQueryOrAForm) {
    EXPECT_EQ(joined("/join/r?debug=loopback").at("is_loopback"), "true");
    EXPECT_EQ(post("/join/r").body, full_body);
    const auto form = ask({.method = "POST",
                           .target = "/join/s",
                           .content_type = "application/x-www-form-urlencoded",
                           .body = "debug=loopback&wshpp=h:9"});
    EXPECT_NE(form->body.find("wss://h:9/ws"), std::string::npos);
    EXPECT_EQ(post("/join/s").body, full_body);
}

TEST_F(ApprtcTest, MessagesAreAnsweredAsTheOriginalDid) {
    EXPECT_EQ(post("/message/r/c", "m").body, R"({"result":"UNKNOWN_ROOM"})");
    const std::string a = client("/join/r");
    EXPECT_EQ(post("/message/r/c", "m").body, R"({"result":"UNKNOWN_CLIENT"})");
    EXPECT_EQ(post("/message/r/" + a + "?wshpp=evil:1&wstls=false", "m").body, success);
    EXPECT_EQ(json::serialize(joined("/join/r").at("messages")), R"(["m"])");
}

// It would end the call of native clients: iOS aborts, Android knows no such message.
TEST_F(ApprtcTest, AnEmptyMessageReachesNobody) {
    const std::string a = client("/join/r");
    EXPECT_EQ(post("/message/r/" + a, "").body, R"({"result":"ERROR"})");
    const auto second = joined("/join/r");
    EXPECT_EQ(second.at("messages"), json::array());
    EXPECT_EQ(post("/message/r/" + a, "").body, R"({"result":"ERROR"})");
    rooms->register_client(now, socket(2), "r", second.at("client_id").as_string().c_str(), out);
    EXPECT_THAT(delivered(), testing::IsEmpty());
}

TEST_F(ApprtcTest, AFormBodyIsStillARawMessage) {
    const std::string a = client("/join/r");
    const std::string text = "{\n  \"sdp\" : \"a=b&c=d;e+f%20\"\n}";
    const auto response = ask({.method = "POST",
                               .target = "/message/r/" + a,
                               .content_type = "application/x-www-form-urlencoded",
                               .body = text});
    EXPECT_EQ(response->body, success);
    EXPECT_EQ(joined("/join/r").at("messages").at(0), json::value(text));
}

TEST_F(ApprtcTest, D4_Utf8PassesByteExactAndTheRestIsAnError) {
    const std::string a = client("/join/r");
    EXPECT_EQ(post("/message/r/" + a, "Zo\xc3\xab \xf0\x9f\x9a\xa2").body, success);
    EXPECT_EQ(post("/message/r/" + a, "\xff").body, R"({"result":"ERROR"})");
    EXPECT_EQ(post("/message/r/" + a, std::string(200'000, 'x')).body, R"({"result":"ERROR"})");
    EXPECT_EQ(joined("/join/r").at("messages").at(0), "Zo\xc3\xab \xf0\x9f\x9a\xa2");
}

TEST_F(ApprtcTest, LeavingIsAlways200AndEmpty) {
    const std::string a = client("/join/r");
    for (const std::string& target :
         {"/leave/r/" + a, "/leave/r/" + a, std::string("/leave/x/y")}) {
        const auto response = post(target);
        EXPECT_EQ(response.status, 200u);
        EXPECT_EQ(response.body, "");
    }
    EXPECT_EQ(joined("/join/r").at("is_initiator"), "true");
}

TEST_F(ApprtcTest, TheNamesOf2014StillWork) {
    const std::string a = client("/register/r");
    EXPECT_EQ(post("/bye/r/" + a).status, 200u);
    EXPECT_EQ(rooms->seats_taken("r"), 0u);
}

TEST_F(ApprtcTest, WrongMethodsAndIds) {
    const auto wrong = call("GET", "/join/r");
    EXPECT_EQ(wrong.status, 405u);
    EXPECT_THAT(wrong.headers, ElementsAre(Pair("Allow", "POST")));
    EXPECT_EQ(call("HEAD", "/params").status, 405u);
    EXPECT_EQ(call("GET", "/a/").status, 405u);
    EXPECT_EQ(call("DELETE", "/turn").status, 405u);
    for (const auto* target : {"/join/", "/join/a.b", "/join/r/", "/message/r", "/leave/r/c/d",
                               "/join", "/join/%3Cb%3E", "/join/a%2Fb"}) {
        EXPECT_EQ(post(target).status, 404u) << target;
    }
    for (const auto* target : {"/", "/r/room", "/joins/r", "/a", "/params/", "*", ""}) {
        EXPECT_FALSE(ask({.method = "GET", .target = target})) << target;
    }
}

TEST_F(ApprtcTest, ParamsCarryNoRoom) {
    const auto all = json::parse(call("GET", "/params?debug=loopback").body).as_object();
    for (const auto* name : {"room_id", "room_link", "client_id", "is_initiator", "messages"}) {
        EXPECT_FALSE(all.contains(name));
    }
    EXPECT_EQ(all.at("ice_server_url"), "https://ahoy.test/v1alpha/iceconfig");
    EXPECT_EQ(rooms->stats().rooms, 0u);
}

TEST_F(ApprtcTest, IceServersComeByGetAndPost) {
    ice = {
        .servers = {{.urls = {"stun:ahoy.test:3478"}},
                    {.urls = {}},
                    {.urls = {"turn:ahoy.test:3478?transport=udp", "turn:ahoy.test?transport=tcp"},
                     .username = "123:u",
                     .credential = "c"}},
        .lifetime = 24h};
    const std::string expected =
        R"({"lifetimeDuration":"86400.000s","iceServers":[{"urls":["stun:ahoy.test:3478"]},)"
        R"({"urls":["turn:ahoy.test:3478?transport=udp","turn:ahoy.test?transport=tcp"],)"
        R"("username":"123:u","credential":"c"}]})";
    for (const auto* method : {"GET", "POST", "HEAD"}) {
        const auto response = call(method, "/v1alpha/iceconfig?key=None");
        EXPECT_EQ(response.status, 200u);
        EXPECT_EQ(response.body, expected);
        EXPECT_THAT(response.headers, Contains(Pair("Access-Control-Allow-Origin", "*")));
        EXPECT_THAT(response.headers, Contains(Pair("Cache-Control", "no-store")));
    }
    EXPECT_EQ(call("GET", "/turn?username=1&key=2").body,
              R"({"username":"123:u","password":"c","ttl":86400,"uris":)"
              R"(["turn:ahoy.test:3478?transport=udp","turn:ahoy.test?transport=tcp"]})");
    EXPECT_THAT(call("OPTIONS", "/turn").headers,
                Contains(Pair("Access-Control-Allow-Methods", "GET, POST")));
}

TEST_F(ApprtcTest, WithoutIceServersTheListIsEmpty) {
    EXPECT_EQ(post("/v1alpha/iceconfig").body, R"({"lifetimeDuration":"0.000s","iceServers":[]})");
    EXPECT_EQ(post("/turn").body, R"({"username":"","password":"","ttl":0,"uris":[]})");
}

TEST_F(ApprtcTest, TheIceProviderLearnsTheHostWithoutItsPort) {
    const auto host_for = [&](std::string host) {
        ask({.method = "GET", .target = "/turn", .host = std::move(host)});
        return ice_host;
    };
    EXPECT_EQ(host_for("ahoy.test:8443"), "ahoy.test");
    EXPECT_EQ(host_for("[2001:db8::1]:8443"), "2001:db8::1");
    EXPECT_EQ(host_for("192.0.2.1"), "192.0.2.1");
}

TEST_F(ApprtcTest, AnalyticsAreCheckedAndForgotten) {
    const std::string invalid = R"({"result":"INVALID_REQUEST"})";
    const auto event = [](std::string type, std::string time, std::string details) {
        return R"({"type":)" + type + R"(,"request_time_ms":)" + time + R"(,"event":)" + details +
               "}";
    };
    EXPECT_EQ(post("/a/", event("\"event\"", "1", R"({"event_type":3,"event_time_ms":1.5})")).body,
              success);
    EXPECT_EQ(
        post("/a/", event("\"event\"", "\"1.5\"", R"({"event_type":3,"event_time_ms":"2"})")).body,
        success);
    const std::string whole = R"({"event_type":3,"event_time_ms":1})";
    EXPECT_EQ(post("/a/", event("\"other\"", "1", whole)).body, invalid);
    for (const auto* time : {"null", "\"\"", "\"soon\"", "\"1s\"", "[]", "true"}) {
        EXPECT_EQ(post("/a/", event("\"event\"", time, whole)).body, invalid) << time;
    }
    for (const auto* details :
         {"[]", "null", R"({"event_time_ms":1})", R"({"event_type":null,"event_time_ms":1})",
          R"({"event_type":3})", R"({"event_type":3,"event_time_ms":"x"})"}) {
        EXPECT_EQ(post("/a/", event("\"event\"", "1", details)).body, invalid) << details;
    }
    for (const auto* body : {"", "[]", "7", "{}", "{"}) EXPECT_EQ(post("/a/", body).body, invalid);
}

TEST(ApprtcRoute, NamesTheRoomBeforeItIsDispatched) {
    EXPECT_EQ(route_of("/join/r?debug=loopback")->room, "r");
    EXPECT_EQ(route_of("/message/r%2D1/c")->room, "r-1");
    EXPECT_EQ(route_of("/leave/r/c")->room, "r");
    EXPECT_EQ(route_of("/register/r")->room, "r");
    for (const auto* target : {"/join/", "/join/a b", "/params", "/turn", "/leave/r"}) {
        EXPECT_EQ(route_of(target).value().room, "") << target;
    }
    for (const auto* target : {"/r/r", "/", "/turn/", "/joined/r"}) {
        EXPECT_FALSE(route_of(target)) << target;
    }
}

class TokensTest : public ApprtcTest {
  protected:
    TokensTest() { dialect.use_tokens(tokens); }

    std::string token(const std::string& room, std::chrono::seconds left = 60s) const {
        return tokens->mint({.room = room, .expires_at = now.wall + left}).value();
    }
    std::string error(const std::string& target) {
        const auto response = post(target);
        EXPECT_EQ(response.status, 401u) << target;
        const json::value body = json::parse(response.body);
        EXPECT_EQ(body.at("result"), "ERROR");
        return std::string(body.at("error").as_string());
    }

    const std::shared_ptr<const JoinTokens> tokens =
        std::make_shared<JoinTokens>(TokenKeys{{"a", HmacKey{std::string(32, 's')}}});
};

TEST_F(TokensTest, WhoHasATokenForTheRoomMayJoinIt) {
    EXPECT_EQ(joined("/join/tea?token=" + token("tea")).at("room_id"), "tea");
    EXPECT_EQ(joined("/join/team-red?token=" + token("team-*")).at("room_id"), "team-red");
}

TEST_F(TokensTest, WhoHasNoneForItMayNot) {
    EXPECT_EQ(error("/join/tea"), "token-required");
    EXPECT_EQ(error("/join/tea?token="), "token-required");
    EXPECT_EQ(error("/join/tea?token=x.y.z"), "bad-token");
    EXPECT_EQ(error("/join/tea?token=" + token("coffee")), "bad-token");
    EXPECT_EQ(error("/join/tea?token=" + token("tea", -60s)), "token-expired");
    EXPECT_EQ(rooms->stats().rooms, 0u);
}

TEST_F(TokensTest, TheChallengeIsThatOfBearerTokens) {
    EXPECT_THAT(post("/join/tea").headers, Contains(Pair("WWW-Authenticate", "Bearer")));
    EXPECT_THAT(post("/join/tea?token=x").headers,
                Contains(Pair("WWW-Authenticate", "Bearer error=\"invalid_token\"")));
}

TEST_F(TokensTest, TurnCredentialsAreForWhoHasATokenForAnyRoom) {
    ice = {.servers = {{.urls = {"turn:192.0.2.1"}, .username = "alice", .credential = "wonder"}},
           .lifetime = 24h};
    for (const std::string path : {"/v1alpha/iceconfig", "/turn"}) {
        EXPECT_EQ(error(path), "token-required");
        EXPECT_EQ(error(path + "?token=" + token("tea", -60s)), "token-expired");
        const auto response = post(path + "?token=" + token("tea"));
        EXPECT_EQ(response.status, 200u);
        EXPECT_THAT(response.body, testing::HasSubstr("wonder"));
    }
}

TEST_F(TokensTest, TheUrlsOfIceServersCarryTheTokenAndTheLinkForOthersDoesNot) {
    const std::string mine = token("tea");
    const auto params = joined("/join/tea?token=" + mine + "&hd=true");
    EXPECT_EQ(params.at("ice_server_url").as_string(),
              "https://ahoy.test/v1alpha/iceconfig?token=" + mine);
    EXPECT_EQ(params.at("turn_url").as_string(), "https://ahoy.test/turn?token=" + mine);
    EXPECT_EQ(params.at("room_link").as_string(), "https://ahoy.test/r/tea?hd=true");
    const auto elsewhere = joined("/join/tea?ts=https://other.test&apikey=k&token=" + mine);
    EXPECT_EQ(elsewhere.at("ice_server_url").as_string(),
              "https://other.test/v1alpha/iceconfig?key=k");
}

TEST_F(TokensTest, WhoIsInNeedsNoTokenAnyMore) {
    const std::string id = client("/join/tea?token=" + token("tea", 1s));
    now.wall += 1h;
    EXPECT_EQ(post("/message/tea/" + id, "offer").body, success);
    EXPECT_EQ(post("/leave/tea/" + id).status, 200u);
}

TEST_F(TokensTest, RoomsCanBeOpenedToAnybodyAgain) {
    dialect.use_tokens(nullptr);
    joined("/join/tea");
}

}  // namespace
}  // namespace ahoy::room::apprtc
