#include "room/event_log.h"

#include <gmock/gmock.h>

namespace ahoy::room {
namespace {

using testing::ElementsAre;
using testing::Optional;

class EventLogTest : public testing::Test {
  protected:
    void add(std::string_view body) { log.keep(log.number(body)); }

    EventLog log{{.events = 3, .bytes = 100}};
};

TEST_F(EventLogTest, NumbersFromOne) {
    EXPECT_EQ(log.number(R"("type":"x")"), R"({"seq":1,"type":"x"})");
    EXPECT_EQ(log.number(R"("type":"y")"), R"({"seq":2,"type":"y"})");
    EXPECT_EQ(log.last(), 2);
}

TEST_F(EventLogTest, GivesWhatCameAfter) {
    add("a");
    add("b");
    EXPECT_THAT(log.after(0), Optional(ElementsAre(R"({"seq":1,a})", R"({"seq":2,b})")));
    EXPECT_THAT(log.after(1), Optional(ElementsAre(R"({"seq":2,b})")));
    EXPECT_THAT(log.after(2), Optional(ElementsAre()));
}

TEST_F(EventLogTest, KnowsNothingOfTheFuture) {
    add("a");
    EXPECT_EQ(log.after(2), std::nullopt);
}

TEST_F(EventLogTest, ForgetsWhatIsAcknowledged) {
    add("a");
    add("b");
    log.acknowledge(1);
    EXPECT_EQ(log.after(0), std::nullopt);
    EXPECT_THAT(log.after(1), Optional(ElementsAre(R"({"seq":2,b})")));
    log.acknowledge(99);
    EXPECT_THAT(log.after(2), Optional(ElementsAre()));
    EXPECT_EQ(log.memory(), 0);
}

TEST_F(EventLogTest, TheOldestGoWhenItIsFull) {
    for (const char* body : {"a", "b", "c", "d"}) add(body);
    EXPECT_EQ(log.after(0), std::nullopt);
    EXPECT_THAT(log.after(1), Optional(testing::SizeIs(3)));
}

TEST_F(EventLogTest, BytesAreBoundedToo) {
    add(std::string(60, 'a'));
    EXPECT_FALSE(log.has_room_for(60));
    add(std::string(60, 'b'));
    EXPECT_EQ(log.after(0), std::nullopt);
    EXPECT_THAT(log.after(1), Optional(testing::SizeIs(1)));
    EXPECT_LE(log.memory(), 100 + sizeof(std::string));
}

TEST_F(EventLogTest, WhatIsLongerThanItAllIsNotKept) {
    add("a");
    add(std::string(200, 'b'));
    EXPECT_EQ(log.after(1), std::nullopt);
    EXPECT_THAT(log.after(2), Optional(ElementsAre()));
}

}  // namespace
}  // namespace ahoy::room
