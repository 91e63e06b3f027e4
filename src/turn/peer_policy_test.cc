#include "turn/peer_policy.h"

#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

PeerLists lists(std::initializer_list<std::string_view> allow,
                std::initializer_list<std::string_view> deny = {}) {
    PeerLists lists;
    for (const auto text : allow) lists.allow.push_back(Prefix::parse(text).value());
    for (const auto text : deny) lists.deny.push_back(Prefix::parse(text).value());
    return lists;
}

class PolicyTest : public testing::Test {
  protected:
    PeerReason judge(std::string_view address, uint16_t port = 5000) const {
        return policy.check(TransportAddress{ip(address), port}, ports).reason;
    }
    bool allows(std::string_view address, uint16_t port = 5000) const {
        return policy.check(TransportAddress{ip(address), port}, ports).allowed();
    }

    FakePorts ports;
    PeerPolicy policy{{}, {listener}};
};

struct Range {
    const char *before, *first, *last, *after;  // "" where the neighbour is special, too
    PeerReason reason;
};

TEST_F(PolicyTest, O01_S1_TheRangesOfTheDefaultDenyList) {
    using enum PeerReason;
    const Range table[] = {
        {"", "0.0.0.0", "0.255.255.255", "1.0.0.0", never_a_peer},
        {"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0", special_purpose},
        {"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0", special_purpose},
        {"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0", special_purpose},
        {"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0", special_purpose},
        {"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0", special_purpose},
        {"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0", special_purpose},
        {"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0", special_purpose},
        {"192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0", special_purpose},
        {"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0", special_purpose},
        {"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0", special_purpose},
        {"198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0", special_purpose},
        {"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0", special_purpose},
        {"223.255.255.255", "224.0.0.0", "239.255.255.255", "", never_a_peer},
        {"", "240.0.0.0", "255.255.255.254", "", special_purpose},
        {"", "255.255.255.255", "255.255.255.255", "", never_a_peer},
        {"", "::", "::", "", never_a_peer},
        {"", "::1", "::1", "", special_purpose},
        {"", "::2", "::fffe:ffff", "::1:0:0:0", transition_form},
        {"::fffe:ffff:ffff:ffff", "::ffff:0:0:0", "::ffff:0:ffff:ffff", "::ffff:1:0:0",
         transition_form},
        {"64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b::", "64:ff9b::ffff:ffff",
         "64:ff9b::1:0:0", transition_form},
        {"64:ff9b:0:ffff:ffff:ffff:ffff:ffff", "64:ff9b:1::", "64:ff9b:1:0:0:0:ffff:ffff", "",
         transition_form},
        {"", "64:ff9b:1::1:0:0", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
         "64:ff9b:2::", special_purpose},
        {"ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "100::", "100::1:ffff:ffff:ffff:ffff",
         "100:0:0:2::", special_purpose},
        {"2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "", transition_form},
        {"", "2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::", special_purpose},
        {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
         "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", special_purpose},
        {"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::", transition_form},
        {"3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::", special_purpose},
        {"5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "5f01::", special_purpose},
        {"fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::", special_purpose},
        {"fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", special_purpose},
        {"", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", special_purpose},
        {"", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", never_a_peer},
    };
    for (const Range& range : table) {
        EXPECT_EQ(judge(range.first), range.reason) << range.first;
        EXPECT_EQ(judge(range.last), range.reason) << range.last;
        for (const char* neighbour : {range.before, range.after}) {
            if (*neighbour == '\0') continue;
            EXPECT_EQ(judge(neighbour), ordinary) << neighbour;
        }
    }
}

TEST_F(PolicyTest, S1_MetadataServices) {
    EXPECT_FALSE(allows("169.254.169.254", 80));
    EXPECT_FALSE(allows("fd00:ec2::254", 80));
}

// CVE-2020-26262, CVE-2026-27624: the same address written differently.
TEST_F(PolicyTest, O02_H04_EveryEncodingOfADeniedIpv4AddressIsDenied) {
    for (const char* text :
         {"127.0.0.1", "::ffff:127.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1",
          "64:ff9b::127.0.0.1", "64:ff9b:1::127.0.0.1", "2002:7f00:1::", "2002:7f00:1::9",
          "2001:0:7f00:1::", "2001:0:808:808::80ff:fffe", "2606:4700::5efe:127.0.0.1",
          "2606:4700::200:5efe:127.0.0.1", "fe80::5efe:7f00:1"}) {
        EXPECT_FALSE(allows(text)) << text;
        EXPECT_FALSE(policy.check(ip(text), ports).allowed()) << text;
    }
}

TEST_F(PolicyTest, O02_TransitionFormsArePossibleOnlyWhenBothFormsAreAllowed) {
    policy = PeerPolicy(lists({"::/0"}), {listener});
    EXPECT_FALSE(allows("2002:808:808::1"));
    EXPECT_FALSE(allows("64:ff9b::8.8.8.8"));
    policy = PeerPolicy(lists({"8.8.8.8"}), {listener});
    EXPECT_FALSE(allows("2002:808:808::1"));
    policy = PeerPolicy(lists({"::/0", "8.8.8.0/24"}), {listener});
    EXPECT_TRUE(allows("2002:808:808::1"));
    EXPECT_TRUE(allows("64:ff9b::8.8.8.8"));
    EXPECT_FALSE(allows("64:ff9b::8.8.9.8"));
    // Teredo: the server and the client, which is written inverted.
    EXPECT_FALSE(allows("2001:0:808:808::"));
    EXPECT_TRUE(allows("2001:0:808:808::f7f7:f7f7"));
    EXPECT_FALSE(allows("2001:0:708:808::f7f7:f7f7"));
    policy = PeerPolicy(lists({"::/0", "0.0.0.0/0"}), {listener});
    EXPECT_FALSE(allows("64:ff9b::224.0.0.1"));
}

TEST_F(PolicyTest, J19_PortZeroIsNobody) {
    EXPECT_EQ(judge("9.9.9.9", 0), PeerReason::never_a_peer);
}

TEST_F(PolicyTest, OperatorListsDecideByTheLongestPrefix) {
    policy = PeerPolicy(
        lists({"10.1.0.0/16", "10.2.3.4"}, {"10.1.2.0/24", "10.2.3.4", "9.0.0.0/8"}), {listener});
    EXPECT_EQ(judge("10.1.9.9"), PeerReason::operator_allow);
    EXPECT_EQ(judge("10.1.2.9"), PeerReason::operator_deny);
    EXPECT_EQ(judge("10.2.3.4"), PeerReason::operator_deny);  // a tie
    EXPECT_EQ(judge("10.3.0.1"), PeerReason::special_purpose);
    EXPECT_EQ(judge("9.9.9.9"), PeerReason::operator_deny);
    EXPECT_EQ(judge("::ffff:10.1.9.9"), PeerReason::operator_allow);
}

TEST_F(PolicyTest, NothingAllowsMulticastOrTheUnspecifiedAddress) {
    policy = PeerPolicy(lists({"0.0.0.0/0", "::/0"}), {listener});
    for (const char* text :
         {"0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "255.255.255.255", "ff02::1"}) {
        EXPECT_EQ(judge(text), PeerReason::never_a_peer) << text;
    }
    EXPECT_TRUE(allows("127.0.0.1"));
    EXPECT_TRUE(allows("240.0.0.1"));
}

TEST_F(PolicyTest, O03_TI19_OwnListenersAreDeniedWhateverTheOperatorSays) {
    policy = PeerPolicy(lists({"0.0.0.0/0", "::/0"}),
                        {at("192.0.2.15:3478"), at("0.0.0.0:8080"), at("[::]:8443")});
    EXPECT_EQ(judge("192.0.2.15", 3478), PeerReason::own_listener);
    EXPECT_EQ(judge("192.0.2.15", 8080), PeerReason::own_listener);
    EXPECT_EQ(judge("2001:db8::15", 8443), PeerReason::own_listener);
    EXPECT_EQ(judge("127.0.0.1", 8080), PeerReason::own_listener);
    EXPECT_EQ(judge("::1", 8443), PeerReason::own_listener);
    EXPECT_EQ(judge("9.9.9.9", 8080), PeerReason::operator_allow);
}

TEST_F(PolicyTest, TI19_OwnAddressesAreForLiveRelaysOnly) {
    ports.live.emplace(at("192.0.2.15:50001"), SocketId{1});
    EXPECT_EQ(judge("192.0.2.15", 50001), PeerReason::live_relay);
    EXPECT_EQ(judge("192.0.2.15", 50002), PeerReason::own_address);
    const auto verdict = policy.check(ip("192.0.2.15"), ports);
    EXPECT_TRUE(verdict.allowed());
    EXPECT_TRUE(verdict.per_datagram);
    EXPECT_FALSE(policy.check(ip("9.9.9.9"), ports).per_datagram);
}

TEST_F(PolicyTest, LoopbackThatIsAllowedIsStillJudgedDatagramByDatagram) {
    policy = PeerPolicy(lists({"127.0.0.0/8"}), {at("0.0.0.0:3478")});
    const auto verdict = policy.check(ip("127.0.0.1"), ports);
    EXPECT_TRUE(verdict.allowed());
    EXPECT_TRUE(verdict.per_datagram);
    EXPECT_TRUE(allows("127.0.0.1", 5000));
    EXPECT_FALSE(allows("127.0.0.1", 3478));
}

}  // namespace
}  // namespace ahoy::turn
