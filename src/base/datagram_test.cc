#include "base/datagram.h"

#include <gtest/gtest.h>

namespace ahoy {
namespace {

TEST(Outbox, SaysWhenTheNextInputMightNotFit) {
    Outbox out;
    size_t sent = 0;
    for (; out.has_room(); ++sent) out.send({});
    EXPECT_EQ(sent, Outbox::capacity - Outbox::most_per_input + 1);
    out.clear();
    EXPECT_TRUE(out.has_room());
}

TEST(Outbox, NeverHandsOutMoreScratchThanItHas) {
    Outbox out;
    while (out.has_room()) EXPECT_EQ(out.scratch(1000).size(), 1000u);
    EXPECT_FALSE(out.scratch(Outbox::scratch_per_input / 2).empty());
    EXPECT_TRUE(out.scratch(Outbox::scratch_per_input).empty());
    EXPECT_EQ(out.overflowed(), 1u);
}

TEST(Outbox, TrimGivesBackWhatWasNotUsed) {
    Outbox out;
    const auto first = out.scratch(100);
    out.trim(first, 10);
    EXPECT_EQ(out.scratch(1).data(), first.data() + 10);
}

}  // namespace
}  // namespace ahoy
