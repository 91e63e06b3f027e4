// Whole calls over both dialects, as the clients of apprtc.md sections 1, 4 and 5 make them.
#include <boost/json.hpp>

#include "room/apprtc.h"
#include "room/collider.h"
#include "room/testing.h"

namespace ahoy::room {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::IsEmpty;
using Lines = std::vector<std::string>;

constexpr auto success = R"({"result":"SUCCESS"})";
constexpr auto offer = R"({"sdp":"v=0\r\n<o>","type":"offer"})";
constexpr auto answer = R"({"sdp":"v=0\r\n","type":"answer"})";
constexpr auto bye = R"({"type":"bye"})";

// A shell in miniature: one shard, sockets that remember what was sent to them.
class Exchange : public RoomsTest {
  protected:
    struct Socket {
        collider::Session session;
        Lines received;
        bool open = true;
    };

    std::string post(std::string target, std::string body = "") {
        return http("POST", std::move(target), std::move(body)).body;
    }
    HttpResponse http(std::string method, std::string target, std::string body = "") {
        const HttpRequest request{.method = method,
                                  .target = target,
                                  .scheme = "https",
                                  .host = "ahoy.test",
                                  .body = body};
        const auto apprtc_route = apprtc::route_of(target);
        const auto response =
            apprtc_route ? dialect.handle(now, request, *apprtc_route, *rooms, out)
                         : collider::handle(now, request, *collider::route_of(target, "/collider"),
                                            *rooms, out);
        carry_out();
        return response;
    }
    void frame(uint64_t number, const std::string& text) {
        const auto action = sockets[number].session.receive(now.steady, text);
        if (const auto* to = std::get_if<collider::Register>(&action)) {
            const auto done =
                rooms->register_client(now, socket(number), to->room, to->client, out);
            if (!done) fail(number, collider::refused(done.error()));
        } else if (const auto* sent = std::get_if<collider::Send>(&action)) {
            const auto done = rooms->send(now, socket(number), sent->text, out);
            if (!done) fail(number, collider::refused(done.error()));
        } else {
            fail(number, std::get<collider::Failure>(action));
        }
        carry_out();
    }
    void hang_up(uint64_t number) {
        sockets[number].open = false;
        rooms->socket_lost(now, socket(number), out);
        carry_out();
    }
    void wait(Duration time) {
        pass(time);
        carry_out();
    }
    Lines received(uint64_t number) { return std::exchange(sockets[number].received, {}); }

    std::string joins(const std::string& query = "") {
        joined = json::parse(post("/join/room" + query)).at("params").as_object();
        return std::string(joined.at("client_id").as_string());
    }
    static std::string registration(const std::string& client) {
        return R"({"cmd":"register","roomid":"room","clientid":")" + client + "\"}";
    }
    static std::string sending(std::string_view text) {
        return json::serialize(json::object{{"cmd", "send"}, {"msg", text}});
    }

    std::map<uint64_t, Socket> sockets;
    json::object joined;

  private:
    void fail(uint64_t number, const collider::Failure& failure) {
        sockets[number].received.push_back(failure.frame);
        if (failure.close) hang_up(number);
    }
    void carry_out() {
        for (const Delivery& delivery : delivered()) {
            Socket& to = sockets[delivery.to.number];
            if (delivery.close) {
                to.open = false;
            } else {
                to.received.push_back(collider::message_frame(delivery.message));
            }
        }
    }

    apprtc::Dialect dialect{{}, [](Now, std::string_view) { return apprtc::IceConfig{}; }};
};

TEST_F(Exchange, ACallFromJoinToBye) {
    const std::string a = joins();
    EXPECT_EQ(joined.at("is_initiator"), "true");
    EXPECT_EQ(joined.at("messages"), json::array());
    frame(1, registration(a));
    EXPECT_EQ(post("/message/room/" + a, offer), success);
    EXPECT_EQ(post("/message/room/" + a, R"({"type":"candidate"})"), success);
    EXPECT_THAT(received(1), IsEmpty());  // no acknowledgement of anything

    const std::string b = joins();
    EXPECT_EQ(joined.at("is_initiator"), "false");
    EXPECT_EQ(joined.at("messages"), json::array({offer, R"({"type":"candidate"})"}));
    frame(2, registration(b));
    EXPECT_THAT(received(2), IsEmpty());
    frame(2, sending(answer));
    EXPECT_THAT(received(1),
                ElementsAre("{\"msg\":\"{\\\"sdp\\\":\\\"v=0\\\\r\\\\n\\\",\\\"type\\\":"
                            "\\\"answer\\\"}\",\"error\":\"\"}\n"));
    EXPECT_EQ(post("/message/room/" + a, R"({"type":"candidate","n":2})"), success);
    EXPECT_THAT(received(2),
                ElementsAre("{\"msg\":\"{\\\"type\\\":\\\"candidate\\\",\\\"n\\\":2}\","
                            "\"error\":\"\"}\n"));

    // Leave, bye, close, DELETE: in this order (section 1.2).
    EXPECT_EQ(post("/leave/room/" + a), "");
    frame(1, sending(bye));
    EXPECT_THAT(received(2),
                ElementsAre("{\"msg\":\"{\\\"type\\\":\\\"bye\\\"}\",\"error\":\"\"}\n"));
    hang_up(1);
    EXPECT_EQ(http("DELETE", "/collider/room/" + a).body, "OK\n");

    // The page that remains restarts as initiator; the next joiner gets its offer.
    EXPECT_EQ(post("/message/room/" + b, "new offer"), success);
    joins();
    EXPECT_EQ(joined.at("messages"), json::array({"new offer"}));
    EXPECT_EQ(joined.at("is_initiator"), "false");
}

TEST_F(Exchange, TheJoinAnswerByteForByte) {
    const std::string body = post("/join/room");
    const std::string id = std::string(json::parse(body).at("params").at("client_id").as_string());
    EXPECT_EQ(body,
              R"({"params":{"header_message":null,"error_messages":[],"warning_messages":[],)"
              R"("is_loopback":"false","bypass_join_confirmation":"false",)"
              R"("pc_config":"{\"rtcpMuxPolicy\":\"require\",\"bundlePolicy\":\"max-bundle\",)"
              R"(\"iceServers\":[]}","pc_constraints":"{\"optional\":[]}","offer_options":"{}",)"
              R"("media_constraints":"{\"audio\":true,\"video\":true}","version_info":"null",)"
              R"("ice_server_url":"https://ahoy.test/v1alpha/iceconfig",)"
              R"("ice_server_transports":"","turn_url":"https://ahoy.test/turn",)"
              R"("include_loopback_js":"","wss_url":"wss://ahoy.test/ws",)"
              R"("wss_post_url":"https://ahoy.test/collider","room_id":"room",)"
              R"("room_link":"https://ahoy.test/r/room","client_id":")" +
                  id + R"(","is_initiator":"true","messages":[]},"result":"SUCCESS"})");
}

TEST_F(Exchange, TheCalleeFallsBackToHttp) {
    const std::string a = joins(), b = joins();
    frame(1, registration(a));
    EXPECT_EQ(post("/collider/room/" + b, answer), "OK\n");
    EXPECT_EQ(received(1).size(), 1u);
    EXPECT_EQ(http("POST", "/collider/room/stranger", answer).status, 403u);
    EXPECT_THAT(received(1), IsEmpty());
}

TEST_F(Exchange, ADuplicateRegistrationClosesTheNewSocket) {
    const std::string a = joins();
    frame(1, registration(a));
    frame(2, registration(a));
    EXPECT_THAT(received(2), ElementsAre("{\"msg\":\"\",\"error\":\"Duplicated registration\"}\n"));
    EXPECT_FALSE(sockets[2].open);
    EXPECT_TRUE(sockets[1].open);
    frame(1, registration(a));
    EXPECT_THAT(received(1),
                ElementsAre("{\"msg\":\"\",\"error\":\"Duplicated register request\"}\n"));
    EXPECT_FALSE(sockets[1].open);
}

TEST_F(Exchange, AMessageBeforeRegisteringClosesTheSocket) {
    frame(1, sending(offer));
    EXPECT_THAT(received(1), ElementsAre("{\"msg\":\"\",\"error\":\"Client not registered\"}\n"));
    EXPECT_FALSE(sockets[1].open);
}

TEST_F(Exchange, D2_AnUnknownIdIsRefusedWithBothKeys) {
    joins();
    frame(9, registration("12345678"));
    EXPECT_THAT(received(9), ElementsAre("{\"msg\":\"\",\"error\":\"Invalid register request: "
                                         "unknown 'clientid' or 'roomid'\"}\n"));
    EXPECT_FALSE(sockets[9].open);
}

TEST_F(Exchange, LoopbackOfTheWebApp) {
    const std::string a = joins("?debug=loopback");
    EXPECT_EQ(post("/join/room"), R"({"params":{"messages":[]},"result":"FULL"})");
    frame(1, registration(a));
    frame(2, registration("loopback_client_id"));
    post("/message/room/" + a + "?debug=loopback", "offer");
    EXPECT_THAT(received(2), ElementsAre("{\"msg\":\"offer\",\"error\":\"\"}\n"));
    frame(2, sending("answer"));
    EXPECT_THAT(received(1), ElementsAre("{\"msg\":\"answer\",\"error\":\"\"}\n"));
    post("/leave/room/" + a);
    EXPECT_EQ(rooms->seats_taken("room"), 0u);
    EXPECT_FALSE(sockets[2].open);
}

TEST_F(Exchange, D7_ACrashedPeerFreesItsSeatAndIsAnnounced) {
    const std::string a = joins(), b = joins();
    frame(1, registration(a));
    frame(2, registration(b));
    hang_up(2);
    wait(10s);
    EXPECT_THAT(received(1),
                ElementsAre("{\"msg\":\"{\\\"type\\\":\\\"bye\\\"}\",\"error\":\"\"}\n"));
    post("/message/room/" + a, offer);
    joins();
    EXPECT_EQ(joined.at("messages"), json::array({offer}));
}

TEST_F(Exchange, D9_ASilentSocketIsALostOne) {
    const std::string a = joins();
    frame(1, registration(a));
    hang_up(1);  // what the shell reports when no pong came in time
    wait(10s);
    EXPECT_EQ(rooms->stats().rooms, 0u);
}

TEST_F(Exchange, D8_LegacyClientsSeeNoOtherKindOfMessage) {
    const std::string a = joins(), b = joins();
    frame(1, registration(a));
    frame(2, registration(b));
    post("/leave/room/" + b);
    hang_up(2);
    joins();
    wait(30s);
    wait(24h);
    EXPECT_THAT(received(1), IsEmpty());
}

TEST_F(Exchange, RoamingBetweenNetworksKeepsTheCall) {
    const std::string a = joins(), b = joins();
    frame(1, registration(a));
    frame(2, registration(b));
    for (uint64_t i = 3; i < 1000; ++i) {
        hang_up(i - 1);
        wait(9s);
        frame(1, sending(std::to_string(i)));
        frame(i, registration(b));
        EXPECT_THAT(received(i),
                    ElementsAre("{\"msg\":\"" + std::to_string(i) + "\",\"error\":\"\"}\n"));
    }
    EXPECT_THAT(received(1), IsEmpty());
}

}  // namespace
}  // namespace ahoy::room
