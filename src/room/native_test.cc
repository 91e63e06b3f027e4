#include "room/native.h"

#include <gmock/gmock.h>

namespace ahoy::room::native {
namespace {

using testing::HasSubstr;

constexpr ResumeTickets::Key key{1, 2, 3};

class NativeSessionTest : public testing::Test {
  protected:
    Action say(std::string_view frame) { return session->receive(now, frame); }
    void enter() { say(R"({"type":"hello","version":1,"room":"daily"})"); }
    // The error that the frame gets, and with which status the socket is closed.
    std::string refusal(std::string_view frame) {
        const Action action = say(frame);
        const auto* tell = std::get_if<Tell>(&action);
        if (!tell) return "none";
        return tell->frame + (tell->close ? " close" : "");
    }
    template <class Expected>
    Expected command(std::string_view frame) {
        const Action action = say(frame);
        const auto* request = std::get_if<Request>(&action);
        EXPECT_NE(request, nullptr) << frame;
        if (!request || !std::holds_alternative<Expected>(request->command)) {
            ADD_FAILURE() << frame;
            return {};
        }
        return std::get<Expected>(request->command);
    }

    Now now{Instant{} + 1h, WallTime{std::chrono::seconds(1'800'000'000)}};
    ResumeTickets tickets{key, 1};
    std::optional<Session> session{Session{now.steady, {}, tickets}};
};

TEST_F(NativeSessionTest, HelloEnters) {
    const Action action = say(
        R"({"type":"hello","version":1,"room":"daily","name":"Alice","mic":true,"invite":"k","token":"t"})");
    const auto* enter = std::get_if<Enter>(&action);
    ASSERT_NE(enter, nullptr);
    EXPECT_EQ(enter->room, "daily");
    EXPECT_EQ(enter->profile.name, "Alice");
    EXPECT_EQ(enter->profile.role, Role::guest);
    EXPECT_TRUE(enter->profile.shows[Showing::mic]);
    EXPECT_FALSE(enter->profile.shows[Showing::camera]);
    EXPECT_EQ(enter->invite, "k");
    EXPECT_EQ(enter->token, "t");
    EXPECT_EQ(session->room(), "daily");
}

TEST_F(NativeSessionTest, HelloWithATicketResumes) {
    const std::string ticket = tickets.seal({.room = "daily", .number = 5, .issued_at = now.wall});
    const Action action =
        say(R"({"type":"hello","version":1,"seq":41,"camera":true,"resume":")" + ticket + "\"}");
    const auto* resume = std::get_if<Resume>(&action);
    ASSERT_NE(resume, nullptr);
    EXPECT_EQ(resume->ticket.number, 5);
    EXPECT_EQ(resume->seq, 41);
    EXPECT_TRUE(resume->shows[Showing::camera]);
    EXPECT_EQ(session->room(), "daily");
}

TEST_F(NativeSessionTest, EveryBadHelloHasItsWord) {
    const std::pair<std::string, std::string_view> cases[] = {
        {R"({"type":"hello","version":2,"room":"daily"})", "unsupported-version"},
        {R"({"type":"hello","room":"daily"})", "bad-message"},
        {R"({"type":"hello","version":1})", "bad-message"},
        {R"({"type":"hello","version":1,"room":""})", "bad-room"},
        {R"({"type":"hello","version":1,"room":"a/b"})", "bad-room"},
        {R"({"type":"hello","version":1,"room":")" + std::string(257, 'a') + "\"}", "bad-room"},
        {R"({"type":"hello","version":1,"room":"a","name":7})", "bad-message"},
        {R"({"type":"hello","version":1,"room":"a","mic":"yes"})", "bad-message"},
        {R"({"type":"hello","version":1,"room":"a","name":")" + std::string(65, 'n') + "\"}",
         "too-large"},
        {R"({"type":"hello","version":1,"resume":"r1.x","seq":1})", "bad-resume"},
        {R"({"type":"chat","id":1,"text":"x"})", "bad-message"},
        {"[]", "bad-message"},
        {"{", "bad-message"},
        {"", "bad-message"},
        {"{\"type\":\"hello\",\"version\":1,\"room\":\"\xff\"}", "bad-message"},
    };
    for (const auto& [frame, code] : cases) {
        session.emplace(now.steady, SessionLimits{}, tickets);
        EXPECT_THAT(refusal(frame), HasSubstr(code)) << frame;
        EXPECT_TRUE(std::holds_alternative<Nothing>(say(R"({"type":"ping","time":1})"))) << frame;
    }
}

TEST_F(NativeSessionTest, ANameHas64Characters) {
    std::string name;
    for (int i = 0; i < 64; ++i) name += "é";
    const Action action = say(R"({"type":"hello","version":1,"room":"a","name":")" + name + "\"}");
    EXPECT_TRUE(std::holds_alternative<Enter>(action));
}

TEST_F(NativeSessionTest, ReadsEveryRequest) {
    enter();
    const auto signal = command<Signal>(R"({"type":"signal","id":1,"to":5,"data":"x"})");
    EXPECT_EQ(signal.to, 5);
    EXPECT_EQ(signal.data, "x");
    EXPECT_EQ(command<Say>(R"({"type":"message","id":2,"to":5,"data":"x"})").to, 5);
    EXPECT_EQ(command<Say>(R"({"type":"message","id":3,"data":"x"})").to, std::nullopt);
    EXPECT_EQ(command<Chat>(R"({"type":"chat","id":4,"text":"hi"})").text, "hi");
    const auto set = command<Set>(R"({"type":"set","id":5,"name":"Al","hand":true})");
    EXPECT_EQ(set.change.name, "Al");
    EXPECT_EQ(set.change.shows[Showing::hand], true);
    EXPECT_EQ(set.change.shows[Showing::mic], std::nullopt);
    command<Ice>(R"({"type":"ice","id":6})");
    EXPECT_EQ(command<SetRoom>(R"({"type":"room","id":7,"locked":true})").locked, true);
    EXPECT_TRUE(command<Answer>(R"({"type":"admit","id":8,"knock":9})").admits);
    EXPECT_FALSE(command<Answer>(R"({"type":"deny","id":9,"knock":9})").admits);
    EXPECT_EQ(command<Mute>(R"({"type":"mute","id":10,"to":1,"what":"screen"})").what,
              Showing::screen);
    EXPECT_EQ(command<Remove>(R"({"type":"remove","id":11,"to":1})").to, 1);
    EXPECT_EQ(command<MakeHost>(R"({"type":"host","id":12,"to":1})").to, 1);
    command<Invite>(R"({"type":"invite","id":13})");
    EXPECT_EQ(command<Revoke>(R"({"type":"revoke","id":14,"key":"k"})").key, "k");
    command<Close>(R"({"type":"close","id":15})");
    command<Leave>(R"({"type":"leave","id":16})");
}

TEST_F(NativeSessionTest, IdsGrow) {
    enter();
    command<Ice>(R"({"type":"ice","id":5})");
    EXPECT_THAT(refusal(R"({"type":"ice","id":5})"), HasSubstr("bad-message"));
}

TEST_F(NativeSessionTest, RequestsOfNoKindEndIt) {
    for (const char* frame :
         {R"({"type":"dance","id":1})", R"({"type":"chat","text":"without id"})",
          R"({"type":"chat","id":0,"text":""})", R"({"type":"chat","id":-1,"text":""})",
          R"({"type":"chat","id":1})", R"({"type":"signal","id":1,"data":"x"})",
          R"({"type":"mute","id":1,"to":1,"what":"heart"})", R"({"type":"ack"})",
          R"({"type":"hello","version":1,"room":"again"})", R"({"type":"ping"})"}) {
        session.emplace(now.steady, SessionLimits{}, tickets);
        enter();
        EXPECT_THAT(refusal(frame), HasSubstr("bad-message")) << frame;
    }
}

TEST_F(NativeSessionTest, WhatIsTooLargeIsRefusedAndTheSocketStays) {
    enter();
    EXPECT_EQ(refusal(R"({"type":"chat","id":1,"text":")" + std::string(4001, 'a') + "\"}"),
              R"({"type":"error","id":1,"code":"too-large","message":"This is longer than it may )"
              R"(be.","retry":false})");
    EXPECT_EQ(command<Chat>(R"({"type":"chat","id":2,"text":"b"})").text, "b");
}

TEST_F(NativeSessionTest, AFrameIsBounded) {
    enter();
    EXPECT_THAT(refusal(std::string(max_frame + 1, ' ')), HasSubstr("too-large"));
}

TEST_F(NativeSessionTest, PingsComeBackWithTheirTime) {
    EXPECT_EQ(refusal(R"({"type":"ping","time":12})"), R"({"type":"pong","time":12})");
    enter();
    EXPECT_EQ(refusal(R"({"type":"ping","time":0.5})"), R"({"type":"pong","time":5E-1})");
}

TEST_F(NativeSessionTest, PongsSayWhatTheServerHasMeasured) {
    enter();
    session->measured(42'700us);
    EXPECT_EQ(refusal(R"({"type":"ping","time":7})"), R"({"type":"pong","time":7,"rtt":42})");
}

TEST_F(NativeSessionTest, WhoseNetworkTalksTooFastIsSentAwayToo) {
    enter();
    EXPECT_FALSE(session->was_too_fast());
    const Tell told = session->too_fast();
    EXPECT_THAT(told.frame, HasSubstr("too-fast"));
    EXPECT_EQ(told.close, 1008);
    EXPECT_TRUE(std::holds_alternative<Nothing>(say(R"({"type":"ping","time":7})")));
}

TEST(NativeFrames, AServerThatStopsSaysWhereToGo) {
    EXPECT_EQ(shutdown_frame(1500ms, ""),
              R"({"type":"bye","reason":"shutdown","message":"The server stops; it may be back )"
              R"(soon.","retry":true,"retry_after":1500})");
    EXPECT_EQ(shutdown_frame(1500ms, "wss://other.example.org/v1/ws"),
              R"({"type":"bye","reason":"moved","message":"The server stops; another one goes )"
              R"(on.","retry":true,"retry_after":1500,"url":"wss://other.example.org/v1/ws"})");
}

TEST_F(NativeSessionTest, AcksSayHowFar) {
    enter();
    const Action action = say(R"({"type":"ack","seq":41})");
    ASSERT_TRUE(std::holds_alternative<Acknowledge>(action));
    EXPECT_EQ(std::get<Acknowledge>(action).seq, 41);
}

TEST_F(NativeSessionTest, WhoTalksTooFastIsSentAway) {
    session.emplace(now.steady, SessionLimits{.messages_per_second = 1}, tickets);
    enter();
    for (int i = 1; i < 10; ++i) say(R"({"type":"ping","time":1})");
    EXPECT_THAT(refusal(R"({"type":"ping","time":1})"), HasSubstr("too-fast"));
    EXPECT_TRUE(session->was_too_fast());
}

TEST_F(NativeSessionTest, WhoSaysNothingIsSentAway) {
    EXPECT_FALSE(session->expire(session->hello_by() - 1ns));
    const auto told = session->expire(session->hello_by());
    ASSERT_TRUE(told);
    EXPECT_THAT(told->frame, HasSubstr("not-in-time"));
    EXPECT_TRUE(told->close);
}

TEST_F(NativeSessionTest, WhoHasEnteredMayBeSilent) {
    enter();
    EXPECT_FALSE(session->expire(session->hello_by()));
}

// ---- tokens

class PresentTokenTest : public testing::Test {
  protected:
    std::optional<Refusal> present(Claims claims) {
        enter.token = tokens.mint(claims).value();
        return present_token(tokens, now, enter);
    }

    const WallTime now{1'800'000'000s};
    const JoinTokens tokens{TokenKeys{{"a", HmacKey{std::string(32, 's')}}}};
    Enter enter{.room = "daily", .profile = {.name = "Mallory"}};
};

TEST_F(PresentTokenTest, ItsNameAndRoleWin) {
    EXPECT_EQ(present({"daily", now + 60s, "Alice", "", Role::host}), std::nullopt);
    EXPECT_EQ(enter.profile.name, "Alice");
    EXPECT_EQ(enter.profile.role, Role::host);
    EXPECT_TRUE(enter.profile.name_given && enter.profile.role_given);
}

TEST_F(PresentTokenTest, WhatItDoesNotSayIsTheClients) {
    EXPECT_EQ(present({"*", now + 60s}), std::nullopt);
    EXPECT_EQ(enter.profile.name, "Mallory");
    EXPECT_EQ(enter.profile.role, Role::guest);
    EXPECT_FALSE(enter.profile.name_given || enter.profile.role_given);
}

TEST_F(PresentTokenTest, EveryRefusalHasItsWord) {
    EXPECT_EQ(present_token(tokens, now, enter), Refusal::token_required);
    EXPECT_EQ(present({"weekly", now + 60s}), Refusal::bad_token);
    EXPECT_EQ(present({"daily", now - 60s}), Refusal::token_expired);
    enter.token += 'x';
    EXPECT_EQ(present_token(tokens, now, enter), Refusal::bad_token);
    EXPECT_EQ(enter.profile.name, "Mallory");
    EXPECT_THAT(error_frame(Refusal::token_required), HasSubstr(R"("code":"token-required")"));
    EXPECT_THAT(error_frame(Refusal::bad_token), HasSubstr(R"("code":"bad-token")"));
    EXPECT_THAT(
        error_frame(Refusal::token_expired),
        testing::AllOf(HasSubstr(R"("code":"token-expired")"), HasSubstr(R"("retry":false)")));
}

}  // namespace
}  // namespace ahoy::room::native
