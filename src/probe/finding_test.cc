#include "probe/finding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace ahoy::probe {
namespace {

using testing::HasSubstr;

template <class Enum>
std::vector<Enum> all_of() {
    std::vector<Enum> all;
    for (unsigned i = 0; i < static_cast<unsigned>(Enum::count); ++i) {
        all.push_back(static_cast<Enum>(i));
    }
    return all;
}

TEST(Advice, HasSentencesForEveryCauseInEveryStep) {
    for (const Step step : all_of<Step>()) {
        for (const Cause cause : all_of<Cause>()) {
            const Advice words = advice(step, cause);
            if (cause == Cause::none) {
                EXPECT_TRUE(words.meaning.empty());
                continue;
            }
            EXPECT_TRUE(words.meaning.ends_with('.')) << label(step) << ' ' << label(cause);
            EXPECT_TRUE(words.remedy.ends_with('.')) << label(step) << ' ' << label(cause);
        }
    }
}

TEST(Advice, DependsOnTheStep) {
    EXPECT_THAT(advice(Step::binding, Cause::no_answer).remedy, HasSubstr("UDP"));
    EXPECT_THAT(advice(Step::connect, Cause::no_answer).remedy, HasSubstr("TCP"));
    EXPECT_THAT(advice(Step::permission, Cause::forbidden).meaning,
                HasSubstr("its own relayed address"));
    EXPECT_THAT(advice(Step::direct, Cause::forbidden).meaning, HasSubstr("this machine's"));
}

TEST(Advice, NamesTheKeyToTurn) {
    EXPECT_THAT(advice(Step::permission, Cause::forbidden).remedy, HasSubstr("turn.peers.allow"));
    EXPECT_THAT(advice(Step::allocate, Cause::relayed_address_private).remedy,
                HasSubstr("turn.external_addresses"));
    EXPECT_THAT(advice(Step::direct, Cause::lost_all).remedy, HasSubstr("49152-65535"));
    EXPECT_THAT(advice(Step::allocate, Cause::quota_reached).remedy, HasSubstr("turn.user_quota"));
}

TEST(Labels, AreThereAndDiffer) {
    std::set<std::string_view> seen;
    for (const Step step : all_of<Step>()) EXPECT_TRUE(seen.insert(label(step)).second);
    seen.clear();
    for (const Cause cause : all_of<Cause>()) EXPECT_TRUE(seen.insert(label(cause)).second);
    EXPECT_FALSE(seen.contains(""));
    // The first and the last stand for the order of all.
    EXPECT_EQ(label(Step::refresh), "refresh");
    EXPECT_EQ(label(Cause::lost_all), "lost_all");
    EXPECT_EQ(label(Cause::not_stun), "not_stun");
}

TEST(Printable, LetsNothingThroughThatATerminalObeys) {
    EXPECT_EQ(printable("a realm~"), "a realm~");
    EXPECT_EQ(printable("\x1b[2J\xc2\x9b\x7f"), "?[2J???");
    EXPECT_EQ(printable(std::string(763, 'x')).size(), 120u);
}

TEST(Causes, FollowFromErrorCodes) {
    EXPECT_EQ(cause_of(stun::ErrorCode::insufficient_capacity), Cause::no_capacity);
    EXPECT_EQ(cause_of(stun::ErrorCode::allocation_mismatch), Cause::allocation_mismatch);
    EXPECT_EQ(cause_of(static_cast<stun::ErrorCode>(699)), Cause::other_error);
}

}  // namespace
}  // namespace ahoy::probe
