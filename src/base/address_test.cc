#include "base/address.h"

#include <gtest/gtest.h>

#include "base/test_address.h"

namespace ahoy {
namespace {

TEST(IpAddress, MappedIpv4IsThatIpv4Address) {
    EXPECT_EQ(ip("::ffff:127.0.0.1"), ip("127.0.0.1"));
    EXPECT_EQ(ip("::ffff:7f00:1"), ip("127.0.0.1"));
    EXPECT_EQ(ip("::ffff:127.0.0.1").family(), AddressFamily::ipv4);
    EXPECT_EQ(ip("::127.0.0.1").family(), AddressFamily::ipv6);
}

TEST(IpAddress, RefusesWhatIsNotAnAddress) {
    for (const char* text : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "example.org", "::1%lo",
                             "[::1]", "1.2.3.4 ", "127.1", "0x7f.0.0.1"}) {
        EXPECT_FALSE(IpAddress::parse(text)) << text;
    }
}

TEST(IpAddress, DoesNotEndAtAZeroByte) {
    using namespace std::string_view_literals;
    EXPECT_FALSE(IpAddress::parse("192.0.2.1\0"sv));
    EXPECT_FALSE(IpAddress::parse("::1\0 and more"sv));
}

TEST(IpAddress, KnowsSpecialAddresses) {
    EXPECT_TRUE(ip("127.255.0.1").is_loopback());
    EXPECT_TRUE(ip("::1").is_loopback());
    EXPECT_FALSE(ip("::2").is_loopback());
    EXPECT_TRUE(ip("0.0.0.0").is_unspecified());
    EXPECT_TRUE(ip("::").is_unspecified());
    EXPECT_TRUE(ip("169.254.1.1").is_link_local());
    EXPECT_TRUE(ip("febf::1").is_link_local());
    EXPECT_FALSE(ip("fec0::1").is_link_local());
}

TEST(TransportAddress, TextRoundTrip) {
    for (const char* text : {"192.0.2.1:3478", "[2001:db8::1]:0", "[::]:65535"}) {
        ASSERT_TRUE(TransportAddress::parse(text)) << text;
        EXPECT_EQ(TransportAddress::parse(text)->to_string(), text);
    }
    for (const char* text : {"192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "2001:db8::1:80", ":80",
                             "[192.0.2.1]:80", "192.0.2.1:-1", "[::1]"}) {
        EXPECT_FALSE(TransportAddress::parse(text)) << text;
    }
}

TEST(Prefix, ContainsItsBlockAndNothingElse) {
    const auto block = Prefix::parse("172.16.0.0/12").value();
    EXPECT_TRUE(block.contains(ip("172.16.0.0")));
    EXPECT_TRUE(block.contains(ip("172.31.255.255")));
    EXPECT_FALSE(block.contains(ip("172.32.0.0")));
    EXPECT_FALSE(block.contains(ip("172.15.255.255")));
    EXPECT_TRUE(block.contains(ip("::ffff:172.20.0.1")));

    const auto single = Prefix::parse("2001:db8::1").value();
    EXPECT_TRUE(single.contains(ip("2001:db8::1")));
    EXPECT_FALSE(single.contains(ip("2001:db8::2")));
    EXPECT_EQ(single.length(), 128);
}

TEST(Prefix, OfOneFamilyHoldsNothingOfTheOther) {
    EXPECT_FALSE(Prefix::parse("::/0")->contains(ip("192.0.2.1")));
    EXPECT_TRUE(Prefix::parse("::/0")->contains(ip("2001:db8::1")));
    EXPECT_FALSE(Prefix::parse("0.0.0.0/0")->contains(ip("2001:db8::1")));
    EXPECT_TRUE(Prefix::parse("0.0.0.0/0")->contains(ip("192.0.2.1")));
}

TEST(Prefix, RefusesHostBitsAndBadLengths) {
    for (const char* text : {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "::/129",
                             "::/-0", "2001:db8::1/64", "10.0.0.0/8x", "/8"}) {
        EXPECT_FALSE(Prefix::parse(text)) << text;
    }
}

TEST(AddressHash, DependsOnEveryPartAndOnTheKey) {
    const TransportAddress a = *TransportAddress::parse("192.0.2.1:1000");
    const TransportAddress b = *TransportAddress::parse("192.0.2.1:1001");
    const TransportAddress c = *TransportAddress::parse("192.0.2.2:1000");
    const AddressHash hash(1, 2), other(3, 4);
    EXPECT_NE(hash(a), hash(b));
    EXPECT_NE(hash(a), hash(c));
    EXPECT_NE(hash(a), other(a));
    EXPECT_NE(hash.mix(a, 1), hash.mix(a, 2));
}

}  // namespace
}  // namespace ahoy
