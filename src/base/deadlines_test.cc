#include "base/deadlines.h"

#include <gtest/gtest.h>

namespace ahoy {
namespace {

TEST(Deadlines, ComeDueInOrderOfTimeThenOfPutting) {
    Deadlines<char> deadlines;
    const Instant start{};
    deadlines.put(start + 2s, 'b');
    deadlines.put(start + 1s, 'a');
    deadlines.put(start + 2s, 'c');
    EXPECT_EQ(deadlines.next(), start + 1s);
    EXPECT_FALSE(deadlines.take_due(start));
    EXPECT_EQ(deadlines.take_due(start + 2s), 'a');
    EXPECT_EQ(deadlines.take_due(start + 2s), 'b');
    EXPECT_EQ(deadlines.take_due(start + 2s), 'c');
    EXPECT_EQ(deadlines.next(), Instant::max());
}

}  // namespace
}  // namespace ahoy
