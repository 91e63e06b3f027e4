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

// --- D6: joined, and never a socket

TEST_F(RoomsTest, D6_AloneItKeepsItsSeatAndItsOffer) {
    const auto a = join();
    message(a.client_id, "offer");
    pass(23h);
    const auto b = join();
    EXPECT_EQ(b.messages, Texts{"offer"});
    EXPECT_FALSE(b.is_initiator);
}

TEST_F(RoomsTest, D6_InCompanyItIsDroppedAfterThirtySeconds) {
    const auto a = join();
    connect(1, a.client_id);
    join();
    pass(30s - 1ns);
    EXPECT_TRUE(full());
    pass(1ns);
    EXPECT_EQ(rooms->seats_taken("room"), 1u);
    EXPECT_THAT(delivered(), IsEmpty());  // the peer has heard nothing from it
    EXPECT_EQ(diary.lines.back(), "room 2 never registered");
}

TEST_F(RoomsTest, D6_WhatItWasHandedGoesToTheNextJoiner) {
    const auto a = join();
    connect(1, a.client_id);
    message(a.client_id, "offer");
    const auto b = join();
    message(a.client_id, "candidate");
    pass(30s);
    EXPECT_FALSE(connect(2, b.client_id));
    message(a.client_id, "later");
    const auto c = join();
    EXPECT_EQ(c.messages, (Texts{"offer", "candidate", "later"}));
    connect(3, c.client_id);
    EXPECT_THAT(delivered(), IsEmpty());  // once
}

TEST_F(RoomsTest, D6_OneThatSpokeIsMissedAndWhatItHadGotIsStale) {
    const auto a = join();
    connect(1, a.client_id);
    message(a.client_id, "offer");
    const auto b = join();
    post(b.client_id, "answer");
    delivered();
    pass(30s);
    EXPECT_THAT(delivered(), ElementsAre(to(1, bye)));
    EXPECT_THAT(join().messages, IsEmpty());
}

TEST_F(RoomsTest, D6_TheClockStartsWhenTheRoomFillsUp) {
    join();
    pass(1h);
    join();
    pass(29s);
    EXPECT_TRUE(full());
    pass(1s);
    EXPECT_EQ(rooms->seats_taken("room"), 1u);
    EXPECT_EQ(diary.lines.back(), "room 2 never registered");  // the first is alone again
}

TEST_F(RoomsTest, D6_ALongGraceTimeCountsHereToo) {
    Limits limits;
    limits.register_timeout = 60s;
    start(limits);
    join();
    join();
    pass(59s);
    EXPECT_TRUE(full());
    pass(1s);
    EXPECT_FALSE(full());
}

TEST_F(RoomsTest, R7_AJoinerWhoGivesUpReturnsWhatItWasHanded) {
    const auto a = join();
    message(a.client_id, "offer");
    leave(join().client_id);
    EXPECT_EQ(join().messages, Texts{"offer"});
}

TEST_F(RoomsTest, R7_AfterItsByeThePeerStartsOver) {
    const auto a = join();
    connect(1, a.client_id);
    message(a.client_id, "offer");
    const auto b = join();
    leave(b.client_id);
    post(b.client_id, bye);
    EXPECT_THAT(delivered(), ElementsAre(to(1, bye)));
    message(a.client_id, "new offer");
    EXPECT_EQ(join().messages, Texts{"new offer"});
}

TEST_F(RoomsTest, R7_WhatSeveralReturnIsHandedToTheNextOnceAndInOrder) {
    Limits limits;
    limits.capacity = 3;
    start(limits);
    const auto a = join();
    connect(1, a.client_id);
    send(1, "offer");
    join();
    send(1, "candidate 1");
    join();
    send(1, "candidate 2");
    pass(30s);  // neither of the two showed up
    EXPECT_EQ(join().messages, (Texts{"offer", "candidate 1", "candidate 2"}));
}

TEST_F(RoomsTest, WhoeverLeftIsHeardInOrderByALateRegistrant) {
    const auto a = join();
    message(a.client_id, "offer");
    const auto b = join();
    message(a.client_id, "candidate");
    leave(a.client_id);
    post(a.client_id, bye);
    remove(a.client_id);
    connect(2, b.client_id);
    EXPECT_THAT(delivered(), ElementsAre(to(2, "candidate"), to(2, bye)));
}

// --- D7: a lost socket

TEST_F(RoomsTest, D7_TheSameIdComesBackToItsSeatAndItsMessages) {
    const auto a = join(), b = join();
    connect(1, a.client_id);
    connect(2, b.client_id);
    lose(2);
    send(1, "one");
    message(a.client_id, "two");
    pass(10s - 1ns);
    EXPECT_TRUE(full());
    EXPECT_TRUE(connect(3, b.client_id));
    EXPECT_THAT(delivered(), ElementsAre(to(3, "one"), to(3, "two")));
    pass(1h);
    EXPECT_THAT(delivered(), IsEmpty());
}

TEST_F(RoomsTest, D7_AfterTheGraceTheSeatIsFreeAndThenThePeerIsTold) {
    const auto a = join(), b = join();
    connect(1, a.client_id);
    connect(2, b.client_id);
    lose(1);
    send(2, "for nobody");
    pass(10s);
    EXPECT_THAT(delivered(), ElementsAre(to(2, bye)));
    EXPECT_EQ(rooms->seats_taken("room"), 1u);
    EXPECT_FALSE(connect(3, a.client_id));
    // The page restarts as initiator; its offer waits for whoever comes.
    message(b.client_id, "new offer");
    const auto c = join();
    EXPECT_FALSE(c.is_initiator);
    EXPECT_EQ(c.messages, Texts{"new offer"});
    pass(1h);
    EXPECT_EQ(std::ranges::count(delivered(), bye, &Delivery::message), 0);  // told once
}

TEST_F(RoomsTest, D7_NothingWaitsForATimer) {
    const auto a = join(), b = join();
    connect(1, a.client_id);
    connect(2, b.client_id);
    lose(2);
    now.steady += 10s;  // and nobody calls expire()
    EXPECT_FALSE(connect(3, b.client_id));
    EXPECT_FALSE(join().is_initiator);
    EXPECT_THAT(delivered(), ElementsAre(to(1, bye)));
}

TEST_F(RoomsTest, D7_ThePeerWhoIsAwayItselfFindsTheNewsWhenItComesBack) {
    const auto a = join(), b = join();
    connect(1, a.client_id);
    connect(2, b.client_id);
    lose(1);
    pass(5s);
    lose(2);
    pass(5s);
    EXPECT_THAT(delivered(), IsEmpty());
    connect(3, b.client_id);
    EXPECT_THAT(delivered(), ElementsAre(to(3, bye)));
}

TEST_F(RoomsTest, D7_NewsThatIsDueWhenTheSocketIsLostWaitsForTheNextOne) {
    const auto a = join(), b = join();
    connect(1, a.client_id);
    connect(2, b.client_id);
    lose(1);
    now.steady += 10s;
    lose(2);
    EXPECT_THAT(delivered(), IsEmpty());
    connect(3, b.client_id);
    EXPECT_THAT(delivered(), ElementsAre(to(3, bye)));
}

TEST_F(RoomsTest, D7_AClosedTabThatSaidByeIsMissedAgain) {
    const auto a = join(), b = join();
    connect(1, a.client_id);
    connect(2, b.client_id);
    send(2, bye);
    lose(2);
    message(a.client_id, "offer into the void");
    pass(10s);
    EXPECT_THAT(delivered(), ElementsAre(to(1, bye), to(1, bye)));
    message(a.client_id, "second offer");
    EXPECT_EQ(join().messages, Texts{"second offer"});
}

TEST_F(RoomsTest, D7_NothingRemainsOfTwoWhoVanish) {
    const auto a = join(), b = join();
    connect(1, a.client_id);
    connect(2, b.client_id);
    lose(1);
    lose(2);
    pass(10s);
    EXPECT_EQ(rooms->stats().rooms, 0u);
    EXPECT_EQ(rooms->stats().clients, 0u);
    EXPECT_EQ(rooms->stats().connections, 0u);
    EXPECT_EQ(rooms->next_deadline(), Instant::max());
    EXPECT_EQ(diary.lines.back(), "room closed");
}

// --- limits

TEST_F(RoomsTest, AQueueRefusesTheMessageTooManyAndKeepsTheFirst) {
    Limits limits;
    limits.max_queued_messages = 3;
    start(limits);
    const auto a = join();
    for (const auto* text : {"offer", "c1", "c2"}) EXPECT_TRUE(message(a.client_id, text));
    EXPECT_EQ(rooms->message(now, "room", a.client_id, "c3", out).error(), SendRefusal::queue_full);
    EXPECT_EQ(join().messages, (Texts{"offer", "c1", "c2"}));
}

TEST_F(RoomsTest, AQueueIsBoundedInBytes) {
    Limits limits;
    limits.max_queued_bytes = 10;
    start(limits);
    const auto a = join();
    EXPECT_TRUE(message(a.client_id, "123456"));
    EXPECT_FALSE(message(a.client_id, "12345"));
    EXPECT_TRUE(message(a.client_id, "1234"));
    const auto b = join();
    EXPECT_FALSE(message(a.client_id, "x"));  // still kept for b, who may not have got it
    connect(2, b.client_id);
    EXPECT_TRUE(message(a.client_id, "x"));
}

TEST_F(RoomsTest, AFullQueueStillTakesTheNewsThatThePeerIsGone) {
    Limits limits;
    limits.max_queued_messages = 1;
    start(limits);
    const auto a = join(), b = join();
    connect(1, a.client_id);
    connect(2, b.client_id);
    lose(1);
    pass(1s);
    lose(2);
    EXPECT_TRUE(post(a.client_id, "one"));
    EXPECT_FALSE(post(a.client_id, "two"));
    pass(9s);
    connect(3, b.client_id);
    EXPECT_THAT(delivered(), ElementsAre(to(3, "one"), to(3, bye)));
}

TEST_F(RoomsTest, MessagesRoomsAndIdsHaveALargestSize) {
    Limits limits;
    limits.max_message_bytes = 4;
    limits.max_rooms = 1;
    limits.max_room_id = 4;
    start(limits);
    const auto a = join();
    EXPECT_EQ(rooms->message(now, "room", a.client_id, "12345", out).error(),
              SendRefusal::too_large);
    EXPECT_EQ(rooms->join(now, "two", Rooms::Mode::call, out).error(), JoinRefusal::too_many_rooms);
    EXPECT_EQ(rooms->join(now, "rooms", Rooms::Mode::call, out).error(), JoinRefusal::bad_room_id);
    EXPECT_EQ(rooms->join(now, "", Rooms::Mode::call, out).error(), JoinRefusal::bad_room_id);
    leave(a.client_id);
    now.steady += 10s;
    EXPECT_TRUE(rooms->join(now, "two", Rooms::Mode::call, out));
}

TEST_F(RoomsTest, OnlySoManyOfThoseWhoLeftAreRemembered) {
    std::string first;
    for (int i = 0; i < 100; ++i) {
        const auto a = join();
        if (first.empty()) first = a.client_id;
        leave(a.client_id);
    }
    EXPECT_FALSE(post(first, bye));
    pass(10s);
    EXPECT_EQ(rooms->stats().rooms, 0u);
}

TEST_F(RoomsTest, AnIdleRoomIsForgottenUnlessASocketIsOpen) {
    const auto a = join("idle");
    connect(1, join("busy").client_id, "busy");
    pass(12h);
    rooms->message(now, "idle", a.client_id, "still here", out);
    pass(24h - 1ns);
    EXPECT_EQ(rooms->stats().rooms, 2u);
    pass(1ns);
    EXPECT_EQ(rooms->seats_taken("idle"), 0u);
    EXPECT_EQ(rooms->seats_taken("busy"), 1u);
    EXPECT_EQ(diary.lines.back(), "idle closed, idle");
}

TEST_F(RoomsTest, ManyReconnectionsLeaveNoDeadlineBehind) {
    const auto a = join(), b = join();
    for (uint64_t i = 0; i < 1000; ++i) {
        connect(2 * i, a.client_id);
        connect(2 * i + 1, b.client_id);
        send(2 * i, "x");
        lose(2 * i);
        lose(2 * i + 1);
        pass(1s);
    }
    EXPECT_EQ(delivered().size(), 1000u);
    pass(10s);
    EXPECT_EQ(rooms->next_deadline(), Instant::max());
}

// --- loopback

TEST_F(RoomsTest, LoopbackTakesTheSecondSeat) {
    const auto a = join("room", Rooms::Mode::loopback);
    EXPECT_TRUE(full());
    message(a.client_id, "offer");
    EXPECT_TRUE(connect(2, "loopback_client_id"));
    EXPECT_THAT(delivered(), ElementsAre(to(2, "offer")));
    EXPECT_FALSE(connect(3, "LOOPBACK_CLIENT_ID"));  // the same seat
    connect(1, a.client_id);
    send(2, "answer");
    EXPECT_THAT(delivered(), ElementsAre(to(1, "answer")));
}

TEST_F(RoomsTest, LoopbackGoesWithWhoeverAskedForIt) {
    const auto a = join("room", Rooms::Mode::loopback);
    connect(1, a.client_id);
    connect(2, "LOOPBACK_CLIENT_ID");
    leave(a.client_id);
    EXPECT_THAT(delivered(), ElementsAre(close(2)));
    EXPECT_EQ(rooms->seats_taken("room"), 0u);
}

TEST_F(RoomsTest, LoopbackNamesOpenNoOtherRoomAndNothingElse) {
    const auto a = join("room", Rooms::Mode::loopback);
    join("other");
    EXPECT_FALSE(connect(3, "LOOPBACK_CLIENT_ID", "other"));
    EXPECT_FALSE(message("LOOPBACK_CLIENT_ID", "x"));
    EXPECT_FALSE(post("loopback_client_id", "x"));
    remove("LOOPBACK_CLIENT_ID");
    leave("LOOPBACK_CLIENT_ID");
    EXPECT_TRUE(full());
}

TEST_F(RoomsTest, ASecondJoinerWhoAsksForLoopbackIsAnOrdinaryOne) {
    join();
    join("room", Rooms::Mode::loopback);
    EXPECT_EQ(rooms->seats_taken("room"), 2u);
    EXPECT_FALSE(connect(3, "LOOPBACK_CLIENT_ID"));
}

TEST_F(RoomsTest, TheDiaryKeepsNoSecrets) {
    const auto a = join();
    connect(1, a.client_id);
    leave(a.client_id);
    for (const std::string& line : diary.lines) EXPECT_EQ(line.find(a.client_id), line.npos);
}

}  // namespace
}  // namespace ahoy::room
