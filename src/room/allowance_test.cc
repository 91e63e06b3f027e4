#include "room/allowance.h"

#include <gtest/gtest.h>

namespace ahoy::room {
namespace {

constexpr Instant start{1000h};

TEST(Allowance, APeriodsWorthMayComeAtOnceAndThenAsMuchAsTimeBrings) {
    Allowance allowance(60, 1min);
    for (int i = 0; i < 60; ++i) EXPECT_TRUE(allowance.take(start)) << i;
    EXPECT_FALSE(allowance.take(start));
    EXPECT_FALSE(allowance.take(start + 1s - 1ns));
    EXPECT_TRUE(allowance.take(start + 1s));
    EXPECT_FALSE(allowance.take(start + 1s));
    EXPECT_TRUE(allowance.take(start + 11s, 10));
    EXPECT_FALSE(allowance.take(start + 11s));
}

TEST(Allowance, NoMoreThanOnePeriodIsSavedUp) {
    Allowance allowance(10, 1s);
    EXPECT_TRUE(allowance.take(start));
    EXPECT_TRUE(allowance.take(start + 24h, 10));
    EXPECT_FALSE(allowance.take(start + 24h));
}

TEST(Allowance, WhatIsTooMuchCostsNothing) {
    Allowance allowance(10, 1s);
    EXPECT_FALSE(allowance.take(start, 11));
    EXPECT_TRUE(allowance.take(start, 10));
}

TEST(Allowance, ZeroIsNoLimit) {
    Allowance allowance(0, 1s);
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(allowance.take(start, 1 << 30));
}

}  // namespace
}  // namespace ahoy::room
