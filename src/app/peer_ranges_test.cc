#include "app/peer_ranges.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace ahoy::app {
namespace {

std::string blocks(std::string_view range) {
    const auto parsed = parse_peer_range(range);
    if (!parsed) return "nothing";
    std::string text;
    for (const Prefix& block : *parsed)
        text += fmt::format("{}{}", text.empty() ? "" : " ", block.to_string());
    return text;
}

TEST(PeerRange, IsTheFewestBlocks) {
    EXPECT_EQ(blocks("10.0.0.0-10.255.255.255"), "10.0.0.0/8");
    EXPECT_EQ(blocks("192.0.2.7"), "192.0.2.7/32");
    EXPECT_EQ(blocks("192.0.2.7-192.0.2.7"), "192.0.2.7/32");
    EXPECT_EQ(blocks("192.0.2.7 - 192.0.2.12"), "192.0.2.7/32 192.0.2.8/30 192.0.2.12/32");
    EXPECT_EQ(blocks("172.17.13.133-172.17.13.134"), "172.17.13.133/32 172.17.13.134/32");
    EXPECT_EQ(blocks("0.0.0.0-255.255.255.255"), "0.0.0.0/0");
    EXPECT_EQ(blocks("255.255.255.254-255.255.255.255"), "255.255.255.254/31");
    EXPECT_EQ(blocks("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "::/0");
    EXPECT_EQ(blocks("2001:db8::1-2001:db8::2"), "2001:db8::1/128 2001:db8::2/128");
    EXPECT_EQ(blocks("192.0.2.0/24"), "192.0.2.0/24");
}

TEST(PeerRange, OfMappedAddressesIsThatOfTheIpv4AddressesTheyAre) {
    EXPECT_EQ(blocks("::ffff:10.0.0.0-::ffff:10.255.255.255"), "10.0.0.0/8");
    EXPECT_EQ(blocks("::ffff:0.0.0.0-::ffff:255.255.255.255"), "");
    EXPECT_EQ(blocks("::ffff:0:0-::ffff:ffff:ffff"), "");
}

TEST(PeerRange, IsNothingWhenItIsNone) {
    for (const char* text : {"", "-", "192.0.2.1-", "-192.0.2.1", "192.0.2.2-192.0.2.1",
                             "192.0.2.1-2001:db8::1", "example.org", "192.0.2.1-192.0.2.2-x"}) {
        EXPECT_EQ(blocks(text), "nothing") << text;
    }
}

}  // namespace
}  // namespace ahoy::app
