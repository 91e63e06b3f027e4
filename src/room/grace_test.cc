// How long a seat is kept for somebody without a socket (D6, D7), and what becomes of its messages.
#include <gtest/gtest.h>

#include "room/rooms.h"
#include "room/testing.h"

namespace ahoy::room {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Texts = std::vector<std::string>;

const std::string bye = R"({"type":"bye"})";

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

}  // namespace
}  // namespace ahoy::room
