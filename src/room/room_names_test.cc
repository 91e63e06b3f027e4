#include "room/room_names.h"

#include <gtest/gtest.h>

#include <set>

#include "room/apprtc.h"
#include "room/collider.h"
#include "room/testing.h"

namespace ahoy::room {
namespace {

const RoomNames names("a secret of the server's, long enough");

TEST(RoomNames, WithoutASecretAnyNameWillDoAndIsShown) {
    const RoomNames open;
    EXPECT_FALSE(open.are_secret());
    EXPECT_TRUE(open.accepts("tea"));
    EXPECT_EQ(open.for_log("tea"), "tea");
    Random random = Random::from_number(1);
    EXPECT_EQ(open.make(random).size(), 32u);
}

TEST(RoomNames, AreAcceptedByWhoHasTheSecret) {
    Random random = Random::from_number(1);
    const std::string name = names.make(random);
    EXPECT_TRUE(is_route_id(name));
    EXPECT_TRUE(names.accepts(name));
    EXPECT_TRUE(RoomNames("a secret of the server's, long enough").accepts(name));
    EXPECT_FALSE(RoomNames("another secret, which is long enough").accepts(name));
}

TEST(RoomNames, ThatWereChosenOrChangedAreNotAccepted) {
    Random random = Random::from_number(2);
    const std::string name = names.make(random);
    for (size_t i = 0; i < name.size(); ++i) {
        std::string changed = name;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_FALSE(names.accepts(changed)) << i;
    }
    for (const std::string& other :
         {std::string(), std::string("tea"), std::string(32, 'A'), name.substr(1),
          name.substr(0, 31), name + 'A', name + name, std::string(256, 'A')}) {
        EXPECT_FALSE(names.accepts(other)) << other;
    }
}

TEST(RoomNames, AreNeverMadeTwice) {
    Random random = Random::from_number(3);
    std::set<std::string> seen;
    for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(seen.insert(names.make(random)).second);
}

TEST(RoomNames, AreShownToLogsOnlyAsFarAsTheyOpenNothing) {
    Random random = Random::from_number(4);
    const std::string name = names.make(random);
    const std::string_view shown = names.for_log(name);
    EXPECT_EQ(shown, name.substr(0, 16));
    EXPECT_FALSE(names.accepts(shown));
}

// ---- rooms with such names, in each dialect

class SecretRooms : public RoomsTest {
  protected:
    SecretRooms() { open({}); }

    void open(const Limits& limits) {
        room_names = names;
        start(limits);
    }
    std::string new_name() { return room_names.make(random); }
    HttpResponse ask(std::string method, std::string target, std::string body = "") {
        const HttpRequest request{
            .method = std::move(method), .target = std::move(target), .body = std::move(body)};
        if (const auto route = collider::route_of(request.target, "/collider")) {
            return collider::handle(now, request, *route, *rooms, out);
        }
        const auto route = apprtc::route_of(request.target);
        return dialect.handle(now, request, *route, *rooms, out);
    }
    // What somebody of our own protocol is told first.
    std::string enter(std::string room) {
        rooms->enter(now, socket(++last_socket), {.room = std::move(room), .ice_servers = "[]"},
                     out);
        return delivered().at(0).message;
    }

    Random random = Random::from_number(5);
    uint64_t last_socket = 0;
    apprtc::Dialect dialect{{}, [](Now, std::string_view) { return apprtc::IceConfig(); }};
};

TEST_F(SecretRooms, OpenToAppRtcUnderNamesThatTheServerHasMade) {
    const auto refused = ask("POST", "/join/tea");
    EXPECT_EQ(refused.status, 404u);
    EXPECT_EQ(refused.body,
              R"({"params":{"messages":[]},"result":"ERROR","error":"unknown-room"})");
    EXPECT_EQ(ask("POST", "/join/" + new_name()).status, 200u);
    EXPECT_EQ(rooms->stats().rooms, 1u);
    EXPECT_EQ(rooms->stats().joins_refused, 1u);
}

TEST_F(SecretRooms, OpenToOurOwnProtocolUnderNamesThatTheServerHasMade) {
    EXPECT_EQ(enter("tea"),
              R"({"type":"error","code":"unknown-room","message":)"
              R"("This server makes the names of its rooms, and not this one.","retry":false})");
    EXPECT_NE(enter(new_name()).find(R"({"type":"welcome")"), std::string::npos);
    EXPECT_EQ(rooms->stats().rooms, 1u);
}

TEST_F(SecretRooms, OpenToColliderWithoutJoiningUnderNamesThatTheServerHasMade) {
    open(relaxed());
    EXPECT_FALSE(connect(1, "alice", "tea"));
    const auto posted = ask("POST", "/collider/tea/alice", "hi");
    EXPECT_EQ(posted.status, 403u);
    EXPECT_EQ(posted.body, "Failed to send the message: Unknown client\n");
    EXPECT_EQ(rooms->stats().rooms, 0u);
    const std::string name = new_name();
    EXPECT_TRUE(connect(2, "alice", name));
    EXPECT_EQ(ask("POST", "/collider/" + name + "/bob", "hi").status, 200u);
}

TEST_F(SecretRooms, DoNotComeBackUnderAnotherName) {
    Limits limits;
    limits.restore_until = now.steady + 5min;
    open(limits);
    const auto come_back = [&](const std::string& room) {
        const ResumeTicket earlier{.room = room, .instance = 7, .epoch = 1, .number = 3};
        rooms->resume(now, socket(++last_socket), {.ticket = earlier, .ice_servers = "[]"}, out);
        return delivered().at(0).message;
    };
    EXPECT_NE(come_back("tea").find("session-ended"), std::string::npos);
    EXPECT_NE(come_back(new_name()).find("welcome"), std::string::npos);
}

}  // namespace
}  // namespace ahoy::room
