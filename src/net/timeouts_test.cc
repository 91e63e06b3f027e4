#include "net/timeouts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <vector>

#include "net/clock.h"

namespace ahoy::net {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class TimeoutsTest : public testing::Test {
  protected:
    class Waiting final : public Timed {
      public:
        Waiting(TimeoutsTest& test, int name) : Timed(test.timeouts), test_(test), name_(name) {}

      private:
        void expired() override { test_.expired.push_back(name_); }

        TimeoutsTest& test_;
        const int name_;
    };

    static Instant ago(Duration time) { return read_clocks().steady - time; }
    static Instant in(Duration time) { return read_clocks().steady + time; }

    boost::asio::io_context io;
    Timeouts timeouts{io};
    std::vector<int> expired;
};

TEST_F(TimeoutsTest, WhatIsDueExpiresOnceAndInItsOrder) {
    Waiting later(*this, 2), earlier(*this, 1), not_yet(*this, 3);
    later.expires_at(ago(1s));
    earlier.expires_at(ago(2s));
    not_yet.expires_at(in(1h));
    io.poll();
    EXPECT_THAT(expired, ElementsAre(1, 2));
    io.poll();
    EXPECT_THAT(expired, ElementsAre(1, 2));
}

TEST_F(TimeoutsTest, OnlyTheLatestDeadlineCounts) {
    Waiting moved_away(*this, 1), moved_here(*this, 2), never(*this, 3);
    moved_away.expires_at(ago(1s));
    moved_away.expires_at(in(1h));
    moved_here.expires_at(in(1h));
    moved_here.expires_at(ago(1s));
    never.expires_at(ago(1s));
    never.expires_at(Instant::max());
    io.poll();
    EXPECT_THAT(expired, ElementsAre(2));
}

TEST_F(TimeoutsTest, WhatIsGoneDoesNotExpire) {
    auto gone = std::make_unique<Waiting>(*this, 1);
    gone->expires_at(ago(1s));
    gone.reset();
    io.poll();
    EXPECT_THAT(expired, IsEmpty());
}

TEST_F(TimeoutsTest, NothingKeepsAShardThatHasNobodyLeft) {
    {
        Waiting waiting(*this, 1);
        waiting.expires_at(in(1h));
    }
    io.run();
    EXPECT_TRUE(io.stopped());
}

TEST_F(TimeoutsTest, WhenManyAreDueOthersHaveTheirTurnInBetween) {
    std::vector<std::unique_ptr<Waiting>> many;
    for (int i = 0; i < 1000; ++i) {
        many.push_back(std::make_unique<Waiting>(*this, i));
        many.back()->expires_at(ago(1s));
    }
    io.poll_one();
    EXPECT_LT(expired.size(), 100u);
    io.poll();
    EXPECT_EQ(expired.size(), 1000u);
}

}  // namespace
}  // namespace ahoy::net
