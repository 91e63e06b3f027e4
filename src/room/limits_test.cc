// What grows is bounded.
#include <gtest/gtest.h>

#include "room/rooms.h"
#include "room/testing.h"

namespace ahoy::room {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Texts = std::vector<std::string>;

const std::string bye = R"({"type":"bye"})";

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

TEST_F(RoomsTest, ARoomThatTalksTooMuchIsToldSoAndOtherRoomsAreNot) {
    Limits limits;
    limits.room_messages_per_second = 1;
    start(limits);
    const auto a = join(), b = join();
    connect(1, a.client_id);
    connect(2, b.client_id);
    for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(message(a.client_id, "x"));
        EXPECT_TRUE(rooms->send(now, socket(2), "y", out));
    }
    delivered();
    EXPECT_EQ(rooms->message(now, "room", a.client_id, "x", out).error(), SendRefusal::too_fast);
    EXPECT_EQ(rooms->send(now, socket(2), "y", out).error(), SendRefusal::too_fast);
    EXPECT_EQ(rooms->post(now, "room", b.client_id, "y", out).error(), SendRefusal::too_fast);
    EXPECT_THAT(delivered(), IsEmpty());
    EXPECT_EQ(rooms->stats().too_fast, 3u);
    const auto other = join("other");
    EXPECT_TRUE(rooms->message(now, "other", other.client_id, "x", out));
    pass(1s);
    EXPECT_TRUE(message(a.client_id, "x"));
    EXPECT_FALSE(message(a.client_id, "x"));
}

TEST_F(RoomsTest, AllQueuesTogetherAreBoundedToo) {
    Limits limits;
    limits.max_total_bytes = 2000;
    start(limits);
    const std::string offer(800, 'x');
    const auto say = [&](std::string_view room, const std::string& client) {
        const auto said = rooms->message(now, room, client, offer, out);
        if (said) return true;
        EXPECT_EQ(said.error(), SendRefusal::queue_full);
        return false;
    };
    const auto a = join("a"), b = join("b"), c = join("c");
    EXPECT_TRUE(say("a", a.client_id));
    EXPECT_TRUE(say("b", b.client_id));
    EXPECT_FALSE(say("c", c.client_id));
    // Delivered, left or expired: the memory is free again.
    connect(1, join("a").client_id, "a");
    EXPECT_TRUE(say("c", c.client_id));
    EXPECT_FALSE(say("c", c.client_id));
    rooms->leave(now, "b", b.client_id, out);
    EXPECT_TRUE(say("c", c.client_id));
    pass(24h);
    pass(10s);
    EXPECT_EQ(rooms->stats().queued_bytes, 0u);
}

TEST_F(RoomsTest, SmallMessagesCostMoreThanTheirBytes) {
    const auto a = join();
    for (int i = 0; i < 100; ++i) message(a.client_id, "");
    EXPECT_GE(rooms->stats().queued_bytes, 100 * sizeof(Message));
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

TEST_F(RoomsTest, WhoPostsToOneRoomTooManyIsToldSo) {
    Limits limits = relaxed();
    limits.max_rooms = 1;
    start(limits);
    EXPECT_TRUE(connect(1, "a"));
    EXPECT_EQ(rooms->post(now, "two", "a", "x", out).error(), SendRefusal::too_many_rooms);
    EXPECT_EQ(rooms->register_client(now, socket(2), "two", "a", out).error(),
              RegisterRefusal::too_many_rooms);
}

class FullTable : public RoomsTest {
  protected:
    FullTable() : RoomsTest(Limits{.max_rooms = 2}) {}
    bool opens(std::string_view room) {
        const auto joined = rooms->join(now, room, Rooms::Mode::call, out);
        if (joined) return true;
        EXPECT_EQ(joined.error(), JoinRefusal::too_many_rooms);
        return false;
    }
};

TEST_F(FullTable, TheOldestRoomInWhichNobodyRegisteredGivesWay) {
    join("oldest");
    pass(5s);
    join("older");
    pass(5s);
    EXPECT_TRUE(opens("new"));
    EXPECT_EQ(rooms->seats_taken("oldest"), 0u);
    EXPECT_EQ(rooms->seats_taken("older"), 1u);
    EXPECT_EQ(rooms->stats().rooms, 2u);
    EXPECT_EQ(rooms->stats().clients, 2u);
    EXPECT_THAT(diary.lines, ElementsAre("oldest opened", "oldest 1 joined", "older opened",
                                         "older 1 joined", "oldest 1 gave way",
                                         "oldest closed, gave way", "new opened", "new 2 joined"));
}

TEST_F(FullTable, WhoJustCameHasTimeToRegister) {
    const auto a = join("a");
    join("b");
    pass(10s - 1ns);
    EXPECT_FALSE(opens("new"));
    connect(1, a.client_id, "a");
    pass(1ns);
    EXPECT_TRUE(opens("new"));
    EXPECT_EQ(rooms->seats_taken("a"), 1u);
    EXPECT_EQ(rooms->seats_taken("b"), 0u);
}

TEST_F(FullTable, ARoomWithAnybodyWhoEverRegisteredStays) {
    connect(1, join("a").client_id, "a");
    join("a");
    connect(2, join("b").client_id, "b");
    lose(2);
    pass(10s - 1ns);
    EXPECT_FALSE(opens("new"));
}

TEST_F(FullTable, LoopbackAndTalkingToOneselfSaveNoRoom) {
    const auto a = join("a", Rooms::Mode::loopback);
    connect(1, join("b").client_id, "b");
    pass(10s);
    EXPECT_TRUE(rooms->message(now, "a", a.client_id, "offer", out));
    EXPECT_TRUE(opens("new"));
    EXPECT_EQ(rooms->seats_taken("a"), 0u);
    EXPECT_EQ(rooms->stats().clients, 2u);
    EXPECT_EQ(rooms->stats().queued_bytes, 0u);
}

TEST_F(FullTable, ARoomThatAllHaveLeftGivesWayAtOnce) {
    rooms->leave(now, "a", join("a").client_id, out);
    join("b");
    EXPECT_TRUE(opens("new"));
    EXPECT_EQ(diary.lines.back(), "new 2 joined");
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

}  // namespace
}  // namespace ahoy::room
