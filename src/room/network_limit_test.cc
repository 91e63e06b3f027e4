#include "room/network_limit.h"

#include <gtest/gtest.h>

#include "base/test_address.h"

namespace ahoy::room {
namespace {

constexpr Instant start{1000h};

class NetworkLimitTest : public testing::Test {
  protected:
    // How many of ten are allowed.
    int ten(std::string_view client) {
        int allowed = 0;
        for (int i = 0; i < 10; ++i) allowed += limit.allows(now, ip(client));
        return allowed;
    }
    NetworkLimit limit{{6, 1min}, Random::from_number(1)};
    Instant now = start;
};

TEST_F(NetworkLimitTest, EachAddressHasItsOwn) {
    EXPECT_EQ(ten("192.0.2.1"), 6);
    EXPECT_EQ(ten("192.0.2.2"), 6);
    EXPECT_EQ(limit.refused(), 8u);
    now += 10s;
    EXPECT_EQ(ten("192.0.2.1"), 1);
    now += 1h;
    EXPECT_EQ(ten("192.0.2.1"), 6);
}

TEST_F(NetworkLimitTest, AHomesAddressesShareOne) {
    EXPECT_EQ(ten("2001:db8:0:1101::1"), 6);
    EXPECT_EQ(ten("2001:db8:0:11ff:1:2:3:4"), 0);
    EXPECT_EQ(ten("2001:db8:0:1200::1"), 6);
    EXPECT_EQ(ten("::ffff:192.0.2.1"), 6);
    EXPECT_EQ(ten("192.0.2.1"), 0);
}

TEST_F(NetworkLimitTest, TheMachineItselfIsNotLimited) {
    EXPECT_EQ(ten("127.0.0.1"), 10);
    EXPECT_EQ(ten("::1"), 10);
    EXPECT_EQ(limit.networks(), 0u);
}

TEST_F(NetworkLimitTest, TheTableIsBoundedAndForgetsThoseWhoWereQuiet) {
    ten("192.0.2.1");
    const auto fill = [&](uint32_t from) {
        for (uint32_t i = 0; i < NetworkLimit::most_networks / 2 - 1; ++i) {
            limit.allows(now, IpAddress::v4(from + i));
            EXPECT_LE(limit.networks(), NetworkLimit::most_networks);
        }
    };
    fill(0x0a000000);
    EXPECT_EQ(ten("192.0.2.1"), 0);
    fill(0x0b000000);
    EXPECT_EQ(ten("192.0.2.1"), 0);  // remembered from the older half
    fill(0x0c000000);
    fill(0x0d000000);
    fill(0x0e000000);
    EXPECT_EQ(ten("192.0.2.1"), 6);
}

TEST(NetworkLimit, ZeroIsNoLimit) {
    NetworkLimit limit({0, 1min}, Random::from_number(1));
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(limit.allows(start, ip("192.0.2.1")));
}

}  // namespace
}  // namespace ahoy::room
