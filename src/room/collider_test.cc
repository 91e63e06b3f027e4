#include "room/collider.h"

#include <gmock/gmock.h>

#include "room/testing.h"

namespace ahoy::room::collider {

void PrintTo(const Failure& f, std::ostream* os) {
    *os << f.frame << (f.close ? "close" : "open");
}

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Pair;

std::string error(std::string_view text) {
    return R"({"msg":"","error":")" + std::string(text) + "\"}\n";
}

TEST(Frame, HasBothKeysAndANewline) {
    EXPECT_EQ(message_frame("{\"type\":\"bye\"}"),
              "{\"msg\":\"{\\\"type\\\":\\\"bye\\\"}\",\"error\":\"\"}\n");
    EXPECT_EQ(error_frame("Client not registered"), error("Client not registered"));
}

TEST(Frame, IsEscapedAsGoDoes) {
    EXPECT_EQ(message_frame("<a>&'\"\\/\r\n\t\b\x01\x7f é\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"),
              "{\"msg\":\"\\u003ca\\u003e\\u0026'\\\"\\\\/\\r\\n\\t\\u0008\\u0001\x7f "
              "é\\u2028\\u2029\xe2\x80\xaa\",\"error\":\"\"}\n");
    EXPECT_EQ(message_frame(std::string_view("\0", 1)), "{\"msg\":\"\\u0000\",\"error\":\"\"}\n");
}

TEST(Frame, IsNeverLongerThanAndroidTakes) {
    const size_t empty = message_frame("").size();
    EXPECT_TRUE(deliverable(std::string(max_frame - empty, 'x')));
    EXPECT_FALSE(deliverable(std::string(max_frame - empty + 1, 'x')));
    EXPECT_TRUE(deliverable(std::string((max_frame - empty) / 6, '<')));
    EXPECT_FALSE(deliverable(std::string((max_frame - empty) / 6 + 1, '<')));
    EXPECT_FALSE(deliverable("\xff"));
    EXPECT_FALSE(deliverable(""));
}

class SessionTest : public testing::Test {
  protected:
    // Of a failure that ends the session, the test goes on with the session before it.
    std::string fail(std::string_view frame, bool close = true) {
        Session after = session;
        const Action action = after.receive(now, frame);
        if (!close) session = after;
        const auto* failure = std::get_if<Failure>(&action);
        EXPECT_TRUE(failure) << frame;
        if (!failure) return "";
        EXPECT_EQ(failure->close, close) << frame;
        return failure->frame;
    }
    Register registers(std::string_view frame) {
        const Action action = session.receive(now, frame);
        EXPECT_TRUE(std::holds_alternative<Register>(action)) << frame;
        const auto* registered = std::get_if<Register>(&action);
        return registered ? *registered : Register{};
    }
    std::string sends(std::string_view frame) {
        const Action action = session.receive(now, frame);
        EXPECT_TRUE(std::holds_alternative<Send>(action)) << frame;
        const auto* sent = std::get_if<Send>(&action);
        return sent ? sent->text : "";
    }
    Instant now{1000h};
    Session session{now};
};

constexpr auto good_register = R"({"cmd":"register","roomid":"r","clientid":"c"})";

TEST_F(SessionTest, RegistersOnceAndThenSends) {
    const auto registered = registers(
        "{\n  \"cmd\" : \"register\",\n \"clientid\":\"c\","
        "\"roomid\" : \"r\"\n}");
    EXPECT_EQ(registered.room, "r");
    EXPECT_EQ(registered.client, "c");
    EXPECT_EQ(session.room(), "r");
    EXPECT_EQ(sends(R"({"cmd":"send","msg":"{\"type\":\"bye\"\/\u00e9}"})"),
              "{\"type\":\"bye\"/é}");
}

TEST_F(SessionTest, SaysColliderErrors) {
    EXPECT_EQ(fail(R"({"cmd":"send","msg":"m"})"), error("Client not registered"));
    const auto missing = error("Invalid register request: missing 'clientid' or 'roomid'");
    EXPECT_EQ(fail(R"({"cmd":"register","roomid":"r"})"), missing);
    EXPECT_EQ(fail(R"({"cmd":"register","clientid":"c"})"), missing);
    EXPECT_EQ(fail(R"({"cmd":"register","roomid":null,"clientid":"c"})"), missing);
    registers(good_register);
    EXPECT_EQ(fail(good_register), error("Duplicated register request"));
    EXPECT_EQ(fail(R"({"cmd":"send"})"), error("Invalid send request: missing 'msg'"));
    EXPECT_EQ(fail(R"({"cmd":"send","msg":""})"), error("Invalid send request: missing 'msg'"));
}

TEST_F(SessionTest, AnUnknownCommandKeepsTheSocket) {
    const auto unexpected = error("Invalid message: unexpected 'cmd'");
    for (const auto* frame : {R"({"cmd":"dance"})", "{}", "null", R"({"cmd":null})"}) {
        EXPECT_EQ(fail(frame, /*close=*/false), unexpected);
    }
    registers(good_register);
}

TEST_F(SessionTest, R5_AFrameInheritsNothingFromTheOneBefore) {
    registers(good_register);
    EXPECT_EQ(sends(R"({"cmd":"send","msg":"once"})"), "once");
    EXPECT_EQ(fail(R"({"cmd":"send"})"), error("Invalid send request: missing 'msg'"));
    EXPECT_EQ(fail(R"({"msg":"x"})", false), error("Invalid message: unexpected 'cmd'"));
}

TEST_F(SessionTest, WhatIsNotJsonIsAnsweredAsGoWould) {
    const std::string received = "websocket.JSON.Receive error: ";
    EXPECT_EQ(fail("xyz"),
              error(received + "invalid character 'x' looking for beginning of value"));
    EXPECT_EQ(fail(" ["), error(received + "unexpected end of JSON input"));
    EXPECT_EQ(fail(""), error(received + "unexpected end of JSON input"));
    EXPECT_EQ(fail("5"), error(received + "json: cannot unmarshal number into Go value of type "
                                          "collider.wsClientMsg"));
    EXPECT_EQ(fail(R"({"cmd":5})"),
              error(received + "json: cannot unmarshal number into Go struct field "
                               "wsClientMsg.cmd of type string"));
}

TEST_F(SessionTest, R11_HostileJsonIsRejectedOrExact) {
    registers(good_register);
    for (const auto* bad :
         {R"({"cmd":"send","msg":"\ud800"})", "{\"cmd\":\"send\",\"msg\":\"\xff\"}",
          "{\"cmd\":\"send\",\"msg\":\"a\nb\"}", R"({"cmd":"send","msg":"x"} trailing)",
          R"({"cmd":"send","msg":"\x"})", "\xff", "'"}) {
        fail(bad);
    }
    fail(std::string(100'000, '['));
    EXPECT_EQ(sends(R"({"cmd":"send","msg":"\u0000"})"), std::string(1, '\0'));
    EXPECT_EQ(sends(R"({"cmd":"send","n":1e400,"msg":"first","msg":"last"})"), "last");
    EXPECT_EQ(fail(R"({"cmd":"send","msg":")" + std::string(max_frame, 'x') + "\"}", false),
              error("Message too large"));
}

TEST(Refusals, AreColliderErrors) {
    EXPECT_EQ(refused(RegisterRefusal::duplicate).frame, error("Duplicated registration"));
    EXPECT_EQ(refused(RegisterRefusal::room_full).frame, error("Max room capacity reached"));
    EXPECT_EQ(refused(RegisterRefusal::unknown_client).frame,
              refused(RegisterRefusal::bad_id).frame);
    EXPECT_TRUE(refused(RegisterRefusal::unknown_client).close);
    EXPECT_EQ(refused(SendRefusal::queue_full).frame,
              error("Too many messages queued for the client"));
    EXPECT_FALSE(refused(SendRefusal::queue_full).close);
    EXPECT_EQ(refused(SendRefusal::unknown_client).frame, error("Client not registered"));
    EXPECT_EQ(refused(RegisterRefusal::too_many_rooms).frame, error("Max number of rooms reached"));
    EXPECT_EQ(refused_post(SendRefusal::too_many_rooms).body,
              "Failed to send the message: Max number of rooms reached\n");
}

TEST_F(SessionTest, AfterAFailureThatClosesNothingIsUnderstood) {
    registers(good_register);
    fail(R"({"cmd":"unknown"})", false);
    EXPECT_EQ(sends(R"({"cmd":"send","msg":"still"})"), "still");
    EXPECT_TRUE(std::holds_alternative<Failure>(session.receive(now, "nonsense")));
    for (const auto* frame : {R"({"cmd":"send","msg":"too late"})", good_register, "nonsense"}) {
        EXPECT_TRUE(std::holds_alternative<Nothing>(session.receive(now, frame))) << frame;
    }
}

TEST_F(SessionTest, ARefusalOfTheRoomsEndsItToo) {
    registers(good_register);
    EXPECT_FALSE(session.answered(Result<void, RegisterRefusal>{}));
    EXPECT_FALSE(session.answered(Result<void, SendRefusal>(unexpected(SendRefusal::queue_full)))
                     .value()
                     .close);
    EXPECT_EQ(sends(R"({"cmd":"send","msg":"still"})"), "still");
    const Result<void, RegisterRefusal> refusal = unexpected(RegisterRefusal::room_full);
    EXPECT_EQ(session.answered(refusal).value().frame, error("Max room capacity reached"));
    EXPECT_TRUE(
        std::holds_alternative<Nothing>(session.receive(now, R"({"cmd":"send","msg":"x"})")));
}

TEST_F(SessionTest, W2_WhoDoesNotRegisterInTimeIsToldAndClosed) {
    EXPECT_EQ(session.register_by(), now + 10s);
    EXPECT_FALSE(session.expire(now + 10s - 1ns));
    Session asked = session;  // a register that was not accepted is none
    EXPECT_TRUE(std::holds_alternative<Register>(asked.receive(now, good_register)));
    for (Session* late : {&session, &asked}) {
        EXPECT_EQ(late->expire(now + 10s).value().frame, error("Not registered in time"));
        EXPECT_FALSE(late->expire(now + 10s));
        EXPECT_TRUE(std::holds_alternative<Nothing>(late->receive(now + 10s, good_register)));
    }
}

TEST_F(SessionTest, W2_WhoIsRegisteredStays) {
    registers(good_register);
    session.answered(Result<void, RegisterRefusal>{});
    EXPECT_FALSE(session.expire(now + 1h));
}

TEST_F(SessionTest, W4_TooManyMessagesEndIt) {
    session = Session(now, {.messages_per_second = 2});
    registers(good_register);
    for (int i = 1; i < 20; ++i) EXPECT_EQ(sends(R"({"cmd":"send","msg":"x"})"), "x");
    now += 500ms;
    EXPECT_EQ(sends(R"({"cmd":"send","msg":"x"})"), "x");
    const Action action = session.receive(now, R"({"cmd":"send","msg":"x"})");
    const Failure failure = std::get<Failure>(action);
    EXPECT_EQ(failure.frame, error("Too many messages or bytes"));
    EXPECT_TRUE(failure.close);
    EXPECT_EQ(failure.status, 1008);
    now += 1h;
    EXPECT_TRUE(std::holds_alternative<Nothing>(session.receive(now, good_register)));
}

TEST_F(SessionTest, W4_TooManyOfOneNetworkEndIt) {
    registers(good_register);
    const Failure failure = session.too_fast();
    EXPECT_EQ(failure.frame, error("Too many messages or bytes"));
    EXPECT_EQ(failure.status, 1008);
    EXPECT_FALSE(session.was_too_fast());
    EXPECT_TRUE(std::holds_alternative<Nothing>(session.receive(now, good_register)));
}

TEST_F(SessionTest, W4_TooManyOfTheRoomAreRefusedAndItGoesOn) {
    registers(good_register);
    const auto failure =
        session.answered(Result<void, SendRefusal>(unexpected(SendRefusal::too_fast)));
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->frame, error("Too many messages in the room"));
    EXPECT_FALSE(failure->close);
    EXPECT_EQ(refused_post(SendRefusal::too_fast).status, 429u);
}

TEST_F(SessionTest, W4_TooManyBytesEndIt) {
    session = Session(now, {.bytes_per_second = 1000});
    const std::string padding(9'900, ' ');
    registers(good_register + padding);
    EXPECT_EQ(fail(padding + "{}"), error("Too many messages or bytes"));
    now += 1s;
    fail("{}", false);
}

class ColliderHttp : public RoomsTest {
  protected:
    HttpResponse call(std::string method, std::string target, std::string body = "",
                      std::string_view prefix = "/collider") {
        const auto route = route_of(target, prefix);
        EXPECT_TRUE(route) << target;
        if (!route) return {};
        const auto response =
            handle(now, {.method = method, .target = target, .body = body}, *route, *rooms, out);
        EXPECT_THAT(response.headers, Contains(Pair("Access-Control-Allow-Origin", "*")));
        EXPECT_THAT(response.headers,
                    Contains(Pair("Access-Control-Allow-Methods", "POST, DELETE")));
        return response;
    }
};

TEST_F(ColliderHttp, PostsAndDeletes) {
    const auto a = join(), b = join();
    connect(2, b.client_id);
    const auto posted = call("POST", "/collider/room/" + a.client_id, "hello");
    EXPECT_EQ(posted.status, 200u);
    EXPECT_EQ(posted.body, "OK\n");
    EXPECT_THAT(delivered(), ElementsAre(to(2, "hello")));
    EXPECT_EQ(call("DELETE", "/room/" + b.client_id, "", "").body, "OK\n");
    EXPECT_THAT(delivered(), ElementsAre(close(2)));
    EXPECT_EQ(call("DELETE", "/collider/room/" + b.client_id).status, 200u);
    EXPECT_EQ(call("DELETE", "/collider/nowhere/nobody").body, "OK\n");
}

TEST_F(ColliderHttp, D2_StrangersAreForbidden) {
    join();
    const auto wrong_client = call("POST", "/collider/room/stranger", "x");
    EXPECT_EQ(wrong_client.status, 403u);
    const auto wrong_room = call("POST", "/collider/nowhere/stranger", "x");
    EXPECT_EQ(wrong_room.status, 403u);
    EXPECT_EQ(wrong_client.body, wrong_room.body);
    EXPECT_EQ(call("POST", "/collider//x", "x").status, 403u);
    EXPECT_EQ(call("POST", "/collider//x", "").status, 500u);
}

TEST_F(ColliderHttp, RefusesAsColliderDoes) {
    Limits limits = relaxed();
    limits.max_queued_messages = 1;
    start(limits);
    EXPECT_EQ(call("POST", "/collider/r/a", "").body, "Empty request body\n");
    EXPECT_EQ(call("POST", "/collider/r/a", "1").status, 200u);
    const auto full = call("POST", "/collider/r/a", "2");
    EXPECT_EQ(full.status, 500u);
    EXPECT_EQ(full.body, "Failed to send the message: Too many messages queued for the client\n");
    EXPECT_THAT(full.headers, Contains(Pair("X-Content-Type-Options", "nosniff")));
    call("POST", "/collider/r/b", "1");
    EXPECT_EQ(call("POST", "/collider/r/c", "1").body,
              "Failed to send the message: Max room capacity reached\n");
    EXPECT_EQ(call("POST", "/collider/r/a", "\xff").body,
              "Failed to send the message: Invalid UTF-8\n");
}

TEST_F(ColliderHttp, PathsThatAreNotTwoIds) {
    EXPECT_EQ(call("GET", "/", "", "").body, "Invalid path: /\n");
    EXPECT_EQ(call("POST", "/collider/a/b/c").status, 500u);
    EXPECT_EQ(call("GET", "/collider/%3Cb%3E'").body, "Invalid path: /&lt;b&gt;&#39;\n");
    EXPECT_FALSE(route_of("/colliders/a/b", "/collider"));
}

TEST_F(ColliderHttp, APreflightPasses) {
    for (const auto* method : {"OPTIONS", "GET", "PUT"}) {
        const auto response = call(method, "/collider/r/c");
        EXPECT_EQ(response.status, 200u);
        EXPECT_EQ(response.body, "");
    }
}

TEST(ColliderRoute, NamesTheRoom) {
    EXPECT_EQ(route_of("/collider/r/c?x", "/collider")->room, "r");
    EXPECT_EQ(route_of("/r%2D/c", "")->room, "r-");
    EXPECT_FALSE(route_of("/collider/r", "/collider")->has_ids);
    EXPECT_FALSE(route_of("/r/c", "/collider"));
}

TEST(StatusPage, IsColliders) {
    const auto response = status({.up = 1234567us, .open_sockets = 2, .total_sockets = 3});
    EXPECT_EQ(response.body,
              "{\"upsec\":1.234,\"openws\":2,\"totalws\":3,\"wserrors\":0,\"httperrors\":0}\n");
    EXPECT_THAT(response.headers, Contains(Pair("Access-Control-Allow-Methods", "GET")));
}

}  // namespace
}  // namespace ahoy::room::collider
