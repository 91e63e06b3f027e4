#include "room/rooms.h"

#include <gtest/gtest.h>

#include "room/testing.h"

namespace ahoy::room {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Texts = std::vector<std::string>;

const std::string bye = R"({"type":"bye"})";

TEST_F(RoomsTest, TheFirstIsInitiatorAndTheThirdFindsTheRoomFull) {
    EXPECT_TRUE(join().is_initiator);
    EXPECT_FALSE(join().is_initiator);
    EXPECT_TRUE(full());
    EXPECT_THAT(diary.lines, ElementsAre("room opened", "room 1 joined", "room 2 joined"));
}

TEST_F(RoomsTest, D1_ClientIdsAre128BitsInRouteCharacters) {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const std::string id = join("room" + std::to_string(i)).client_id;
        EXPECT_EQ(id.size(), 22u);
        EXPECT_EQ(id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-_"),
                  id.npos);
        EXPECT_TRUE(seen.insert(id).second);
    }
}

TEST_F(RoomsTest, WhatTheFirstSaysAloneIsHandedToTheSecond) {
    const auto a = join();
    EXPECT_TRUE(message(a.client_id, "offer"));
    EXPECT_TRUE(message(a.client_id, "candidate"));
    const auto b = join();
    EXPECT_EQ(b.messages, (Texts{"offer", "candidate"}));
    // Said between its /join and its registration: kept, and given then.
    EXPECT_TRUE(message(a.client_id, "another"));
    EXPECT_THAT(delivered(), IsEmpty());
    EXPECT_TRUE(connect(2, b.client_id));
    EXPECT_THAT(delivered(), ElementsAre(to(2, "another")));
    EXPECT_TRUE(message(a.client_id, "last"));
    EXPECT_THAT(delivered(), ElementsAre(to(2, "last")));
}

TEST_F(RoomsTest, NobodyHearsOneself) {
    const auto a = join(), b = join();
    connect(1, a.client_id);
    connect(2, b.client_id);
    send(1, "to b");
    post(a.client_id, "too");
    send(2, "to a");
    EXPECT_THAT(delivered(), ElementsAre(to(2, "to b"), to(2, "too"), to(1, "to a")));
}

TEST_F(RoomsTest, WhoeverRemainsIsInitiator) {
    const auto a = join(), b = join();
    leave(a.client_id);
    EXPECT_FALSE(join().is_initiator);  // b is
    leave(b.client_id);
    EXPECT_FALSE(join().is_initiator);
}

TEST_F(RoomsTest, AfterALeaveMessagesAreKeptForTheNextJoiner) {
    const auto a = join(), b = join();
    connect(1, a.client_id);
    connect(2, b.client_id);
    leave(b.client_id);
    EXPECT_TRUE(message(a.client_id, "new offer"));
    EXPECT_THAT(delivered(), IsEmpty());
    EXPECT_EQ(join().messages, Texts{"new offer"});
}

TEST_F(RoomsTest, LeavingTwiceOrAsNobodyChangesNothing) {
    const auto a = join();
    leave("nobody");
    leave(a.client_id);
    leave(a.client_id);
    remove(a.client_id);
    EXPECT_EQ(rooms->stats().clients, 0u);
    EXPECT_THAT(diary.lines,
                ElementsAre("room opened", "room 1 joined", "room 1 left", "room closed"));
}

TEST_F(RoomsTest, TheDiaryKeepsNoSecrets) {
    const auto a = join();
    connect(1, a.client_id);
    leave(a.client_id);
    for (const std::string& line : diary.lines) EXPECT_EQ(line.find(a.client_id), line.npos);
}

TEST_F(RoomsTest, WhileDrainingOnlyRoomsWithSomebodyInThemAreJoined) {
    const auto a = join("call");
    rooms->leave(now, "left", join("left").client_id, out);
    rooms->drain();
    for (const auto* room : {"new", "left"}) {
        EXPECT_EQ(rooms->join(now, room, Rooms::Mode::call, out).error(), JoinRefusal::draining);
    }
    const auto b = join("call");
    EXPECT_TRUE(connect(1, a.client_id, "call"));
    EXPECT_TRUE(connect(2, b.client_id, "call"));
    EXPECT_EQ(rooms->stats().clients, 2u);
}

TEST_F(RoomsTest, OnlyThoseWithASocketCountAsConnected) {
    const auto a = join(), b = join();
    EXPECT_EQ(rooms->stats().connected, 0u);
    connect(1, a.client_id);
    connect(2, b.client_id);
    EXPECT_EQ(rooms->stats().connected, 2u);
    lose(1);
    leave(b.client_id);
    EXPECT_EQ(rooms->stats().connected, 0u);
    EXPECT_EQ(rooms->stats().connections, 1u);
}

// --- D2: who may act

TEST_F(RoomsTest, D2_OnlyIssuedIdsMayAct) {
    const auto a = join();
    connect(1, a.client_id);
    EXPECT_FALSE(message("stranger", "x"));
    EXPECT_FALSE(post("stranger", "x"));
    EXPECT_FALSE(connect(9, "stranger"));
    EXPECT_FALSE(connect(9, a.client_id, "another-room"));
    EXPECT_FALSE(send(9, "x"));
    remove("stranger");
    leave("stranger");
    EXPECT_EQ(rooms->seats_taken("room"), 1u);
    EXPECT_EQ(rooms->stats().rooms, 1u);
    EXPECT_THAT(delivered(), IsEmpty());
}

TEST_F(RoomsTest, D2_RefusalsSayWhatIsUnknown) {
    EXPECT_EQ(rooms->message(now, "room", "x", "m", out).error(), SendRefusal::unknown_room);
    join();
    EXPECT_EQ(rooms->message(now, "room", "x", "m", out).error(), SendRefusal::unknown_client);
}

TEST_F(RoomsTest, D2_WithoutRequireJoinAnyIdIsAClient) {
    start(relaxed());
    EXPECT_TRUE(post("a", "1"));
    EXPECT_TRUE(connect(2, "b"));
    EXPECT_THAT(delivered(), ElementsAre(to(2, "1")));
    EXPECT_EQ(rooms->register_client(now, socket(3), "room", "c", out).error(),
              RegisterRefusal::room_full);
    EXPECT_EQ(rooms->post(now, "room", "c", "x", out).error(), SendRefusal::room_full);
    // Never registered: gone after Collider's ten seconds.
    pass(10s);
    EXPECT_EQ(rooms->seats_taken("room"), 1u);
}

// The API and webhooks name rooms in JSON.
TEST_F(RoomsTest, D2_AnIdIsUtf8) {
    start(relaxed());
    EXPECT_EQ(rooms->post(now, "\xff", "a", "x", out).error(), SendRefusal::bad_id);
    EXPECT_EQ(rooms->post(now, "room", "\xff", "x", out).error(), SendRefusal::bad_id);
    EXPECT_TRUE(rooms->post(now, "café", "ä", "x", out));
}

TEST_F(RoomsTest, D2_WhoeverLeftMayStillSayBye) {
    const auto a = join(), b = join();
    connect(1, a.client_id);
    connect(2, b.client_id);
    leave(a.client_id);
    pass(1h);  // as long as its socket is open
    EXPECT_TRUE(send(1, bye));
    EXPECT_THAT(delivered(), ElementsAre(to(2, bye)));
    lose(1);
    EXPECT_FALSE(post(a.client_id, bye));
    remove(a.client_id);
    EXPECT_THAT(delivered(), IsEmpty());
}

TEST_F(RoomsTest, D2_ByeWithoutASocketIsRelayedForTheGraceTime) {
    const auto a = join(), b = join();
    connect(2, b.client_id);
    leave(a.client_id);
    pass(9s);
    EXPECT_TRUE(post(a.client_id, bye));
    EXPECT_THAT(delivered(), ElementsAre(to(2, bye)));
    pass(1s);
    EXPECT_FALSE(post(a.client_id, bye));
    EXPECT_THAT(delivered(), IsEmpty());
}

TEST_F(RoomsTest, D2_ALateByeDoesNotReachWhoeverCameAfterwards) {
    const auto a = join();
    connect(1, a.client_id);
    leave(a.client_id);
    const auto c = join();
    EXPECT_TRUE(c.is_initiator);
    connect(3, c.client_id);
    EXPECT_TRUE(send(1, bye));
    EXPECT_TRUE(post(a.client_id, bye));
    EXPECT_THAT(delivered(), IsEmpty());
}

TEST_F(RoomsTest, D2_WhoeverLeftLastTalksToNobody) {
    const auto a = join();
    connect(1, a.client_id);
    leave(a.client_id);
    EXPECT_TRUE(send(1, bye));
    pass(10s);
    EXPECT_EQ(rooms->stats().rooms, 0u);
    EXPECT_TRUE(send(1, bye));
    connect(2, join().client_id);  // a new room of the same name
    EXPECT_TRUE(send(1, bye));
    EXPECT_THAT(delivered(), IsEmpty());
    EXPECT_THAT(join().messages, IsEmpty());
    lose(1);
    EXPECT_EQ(rooms->stats().connections, 1u);
}

TEST_F(RoomsTest, D2_RemovalClosesTheSocketAlsoOfWhoeverLeft) {
    const auto a = join(), b = join();
    connect(1, a.client_id);
    connect(2, b.client_id);
    remove(a.client_id);
    EXPECT_THAT(delivered(), ElementsAre(close(1)));
    leave(b.client_id);
    remove(b.client_id);
    EXPECT_THAT(delivered(), ElementsAre(close(2)));
    EXPECT_EQ(rooms->stats().connections, 0u);
    EXPECT_EQ(rooms->stats().rooms, 0u);
}

TEST_F(RoomsTest, ASecondRegistrationDoesNotDisturbTheFirst) {
    const auto a = join(), b = join();
    connect(1, a.client_id);
    EXPECT_EQ(rooms->register_client(now, socket(9), "room", a.client_id, out).error(),
              RegisterRefusal::duplicate);
    lose(9);
    post(b.client_id, "hello");
    EXPECT_THAT(delivered(), ElementsAre(to(1, "hello")));
}

}  // namespace
}  // namespace ahoy::room
