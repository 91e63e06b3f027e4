#include <gtest/gtest.h>

#include "bench/arrivals.h"
#include "bench/histogram.h"

namespace ahoy::bench {
namespace {

TEST(Histogram, TellsPercentilesToOnePartInSixtyFour) {
    Histogram histogram;
    for (int us = 1; us <= 10'000; ++us) histogram.add(us * 1us);
    for (const int percent : {1, 50, 99}) {
        const double exact = percent * 100e3;
        const auto told = static_cast<double>(histogram.percentile(percent / 100.0).count());
        EXPECT_GE(told, exact) << percent;
        EXPECT_LE(told, exact * (1 + 1.0 / 64)) << percent;
    }
    EXPECT_EQ(histogram.percentile(1), 10ms);
}

TEST(Histogram, KeepsSmallValuesExactlyAndTakesTheLargest) {
    Histogram histogram;
    EXPECT_EQ(histogram.percentile(0.5), 0ns);
    for (int ns = 0; ns < 128; ++ns) histogram.add(Duration(ns));
    EXPECT_EQ(histogram.percentile(0.25).count(), 31);
    histogram.add(Duration::max());
    EXPECT_EQ(histogram.percentile(1), Duration::max());
}

TEST(Histogram, OfTwoIsAsIfAllHadBeenAddedToOne) {
    Histogram one, two;
    one.add(1us);
    two.add(3us);
    two.add(5ms);
    one.add(two);
    EXPECT_EQ(one.count(), 3u);
    EXPECT_EQ(one.max(), 5ms);
    EXPECT_NEAR(static_cast<double>(one.percentile(0.5).count()), 3000, 3000.0 / 64);
}

TEST(Arrivals, TellLateFromRepeated) {
    Arrivals arrivals;
    EXPECT_EQ(arrivals.add(0), Arrival::in_order);
    EXPECT_EQ(arrivals.add(2), Arrival::in_order);
    EXPECT_EQ(arrivals.add(2), Arrival::duplicate);
    EXPECT_EQ(arrivals.add(1), Arrival::late);
    EXPECT_EQ(arrivals.add(1), Arrival::duplicate);
}

TEST(Arrivals, ForgetWhatIsLongAgoButMistakeNothingNewForIt) {
    Arrivals arrivals;
    for (uint32_t n = 0; n < Arrivals::memory; ++n) arrivals.add(n);
    EXPECT_EQ(arrivals.add(0), Arrival::duplicate);
    EXPECT_EQ(arrivals.add(Arrivals::memory + 10), Arrival::in_order);
    EXPECT_EQ(arrivals.add(Arrivals::memory + 3), Arrival::late);
    EXPECT_EQ(arrivals.add(0), Arrival::late);
    EXPECT_EQ(arrivals.add(10 * Arrivals::memory), Arrival::in_order);
    EXPECT_EQ(arrivals.add(10 * Arrivals::memory - 1), Arrival::late);
}

}  // namespace
}  // namespace ahoy::bench
