#include "app/webhook_queue.h"

#include <gmock/gmock.h>

namespace ahoy::app {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::Le;

class WebhookQueueTest : public testing::Test {
  protected:
    bool put(std::string room, std::string id) {
        return queue.put(room, {.id = std::move(id), .body = "{}", .since = now});
    }
    // "" when there is nothing to try now.
    std::string take() {
        const auto attempt = queue.take(now);
        return attempt ? attempt->room + " " + attempt->event.id : "";
    }

    Instant now{Instant{} + 1000h};
    WebhookQueue queue{{.events = 6, .attempts_at_once = 2}, Random::from_number(1)};
};

TEST_F(WebhookQueueTest, EventsOfARoomGoOneAfterTheOther) {
    put("a", "1");
    put("a", "2");
    EXPECT_EQ(take(), "a 1");
    EXPECT_EQ(take(), "");
    EXPECT_EQ(queue.next_due(), Instant::max());
    queue.done(now, "a");
    EXPECT_EQ(take(), "a 2");
    queue.done(now, "a");
    EXPECT_EQ(queue.size(), 0u);
}

TEST_F(WebhookQueueTest, RoomsDoNotWaitForEachOther) {
    put("a", "1");
    put("b", "2");
    EXPECT_EQ(take(), "a 1");
    EXPECT_EQ(take(), "b 2");
    queue.failed(now, "a");
    put("b", "3");
    queue.done(now, "b");
    EXPECT_EQ(take(), "b 3");
}

TEST_F(WebhookQueueTest, NoMoreThanSoManyAttemptsAreUnderWay) {
    for (const char* room : {"a", "b", "c"}) put(room, "1");
    take();
    take();
    EXPECT_EQ(take(), "");
    EXPECT_EQ(queue.attempts(), 2u);
    queue.done(now, "a");
    EXPECT_EQ(take(), "c 1");
}

TEST_F(WebhookQueueTest, WhatFailsIsTriedAgainAfterPausesThatDouble) {
    put("a", "1");
    for (const auto longest : {1s, 2s, 4s, 8s, 16s, 32s, 64s, 128s, 256s, 300s, 300s}) {
        ASSERT_EQ(take(), "a 1");
        EXPECT_EQ(queue.failed(now, "a"), 0u);
        EXPECT_THAT(queue.next_due() - now, AllOf(Ge(longest / 2), Le(longest)));
        EXPECT_EQ(take(), "");
        now = queue.next_due();
    }
    ASSERT_EQ(take(), "a 1");
    queue.done(now, "a");
    put("a", "2");
    ASSERT_EQ(take(), "a 2");
    queue.failed(now, "a");
    EXPECT_LE(queue.next_due() - now, 1s);
}

TEST_F(WebhookQueueTest, PausesDifferFromRoomToRoom) {
    put("a", "1");
    put("b", "1");
    take();
    take();
    queue.failed(now, "a");
    queue.failed(now, "b");
    now = queue.next_due();
    EXPECT_NE(take(), "");
    EXPECT_GT(queue.next_due(), now);
}

TEST_F(WebhookQueueTest, AReceiverThatFailsIsNotAskedForEveryRoom) {
    for (const char* room : {"a", "b", "c", "d"}) put(room, "1");
    EXPECT_EQ(take(), "a 1");
    queue.failed(now, "a");
    EXPECT_EQ(take(), "");
    EXPECT_EQ(queue.next_due(), now + 500ms);
    now += 500ms;
    EXPECT_EQ(take(), "b 1");
    EXPECT_EQ(take(), "");
    EXPECT_EQ(queue.next_due(), Instant::max());
    // One that it takes is enough, and what one room has lost is no matter of the others.
    queue.done(now, "b");
    EXPECT_EQ(take(), "c 1");
    EXPECT_EQ(take(), "d 1");
}

TEST_F(WebhookQueueTest, AnEventIsGivenUpAfterAnHour) {
    put("a", "1");
    put("a", "2");
    now += 59min;
    put("a", "3");
    EXPECT_EQ(take(), "a 1");
    now += 1min;
    EXPECT_EQ(queue.failed(now, "a"), 2u);
    now = queue.next_due();
    EXPECT_EQ(take(), "a 3");
    now += 1h;
    EXPECT_EQ(queue.failed(now, "a"), 1u);
    EXPECT_EQ(queue.size(), 0u);
    EXPECT_EQ(queue.next_due(), Instant::max());
}

TEST_F(WebhookQueueTest, AFullQueueRefusesTheNewOne) {
    for (const char* id : {"1", "2", "3", "4", "5", "6"}) EXPECT_TRUE(put("a", id));
    EXPECT_FALSE(put("a", "7"));
    EXPECT_FALSE(put("b", "7"));
    take();
    queue.done(now, "a");
    EXPECT_TRUE(put("b", "7"));
    EXPECT_EQ(queue.size(), 6u);
}

}  // namespace
}  // namespace ahoy::app
