#include "turn/allocation.h"

#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

class AllocationTest : public testing::Test {
  protected:
    const Instant start = Instant{} + 1h;
    Allocation allocation{{.user = User("alice"), .created_at = start}};
};

TEST_F(AllocationTest, H07_EntriesAreLiveUntilTheirExpiryAndNotAtIt) {
    allocation.permit({peer.ip, false, start + 5min});
    allocation.bind({number(0x4000), peer, start + 10min});
    EXPECT_TRUE(allocation.permission(peer.ip, start + 5min - 1ns));
    EXPECT_FALSE(allocation.permission(peer.ip, start + 5min));
    EXPECT_TRUE(allocation.channel(number(0x4000), start + 10min - 1ns));
    EXPECT_TRUE(allocation.channel(peer, start + 10min - 1ns));
    EXPECT_FALSE(allocation.channel(number(0x4000), start + 10min));
    EXPECT_FALSE(allocation.channel(peer, start + 10min));
}

TEST_F(AllocationTest, FindsEveryEntryInWhateverOrder) {
    const TransportAddress peers[] = {at("9.9.9.1:1"), at("9.9.9.2:2"), at("9.9.9.3:3")};
    for (uint16_t i = 0; i < 3; ++i) {
        allocation.permit({peers[i].ip, i == 1, start + 5min});
        allocation.bind({number(static_cast<uint16_t>(0x4000 + i)), peers[i], start + 10min});
    }
    for (const unsigned i : {2u, 0u, 1u, 1u, 0u, 2u, 2u, 1u, 0u}) {
        const auto n = number(static_cast<uint16_t>(0x4000 + i));
        EXPECT_EQ(allocation.permission(peers[i].ip, start)->per_datagram, i == 1);
        EXPECT_EQ(allocation.channel(n, start)->peer, peers[i]);
        EXPECT_EQ(allocation.channel(peers[i], start)->number, n);
    }
    const auto held_at = [&](Duration later) {
        allocation.reclaim(start + later);
        return allocation.held();
    };
    EXPECT_EQ(held_at(0s), (Counts{.allocations = 1, .permissions = 3, .channels = 3}));
    EXPECT_EQ(held_at(5min), (Counts{.allocations = 1, .channels = 3}));
    EXPECT_EQ(held_at(10min), (Counts{.allocations = 1}));
}

TEST_F(AllocationTest, TI4_AnExpiredBindingDoesNotStayBesideItsSuccessor) {
    allocation.bind({number(0x4000), at("9.9.9.1:1"), start + 10min});
    allocation.bind({number(0x4001), at("9.9.9.2:2"), start + 10min});
    const Instant later = start + 10min;
    allocation.bind({number(0x4000), at("9.9.9.2:2"), later + 10min});  // halves of both
    EXPECT_EQ(allocation.channels().size(), 1u);
    EXPECT_EQ(allocation.channel(number(0x4000), later)->peer, at("9.9.9.2:2"));
    EXPECT_FALSE(allocation.channel(number(0x4001), later));
}

TEST_F(AllocationTest, G05_ARelayTakesItsFamilysPeersAlong) {
    allocation.set_relay({{SocketId{1}, at("192.0.2.15:1")}, start + 10min});
    allocation.set_relay({{SocketId{2}, at("[2001:db8::15]:2")}, start + 20min});
    EXPECT_EQ(allocation.first_expiry(), start + 10min);
    EXPECT_EQ(allocation.last_expiry(), start + 20min);
    allocation.permit({peer.ip, false, start + 5min});
    allocation.permit({ipv6_peer.ip, false, start + 5min});
    allocation.bind({number(0x4000), peer, start + 10min});
    allocation.remove_relay(AddressFamily::ipv4);
    EXPECT_FALSE(allocation.permission(peer.ip, start));
    EXPECT_FALSE(allocation.channel(peer, start));
    EXPECT_TRUE(allocation.permission(ipv6_peer.ip, start));
    EXPECT_TRUE(allocation.has_relays());
    EXPECT_EQ(allocation.first_expiry(), start + 5min);  // of the permission
    allocation.reclaim(start + 5min);
    EXPECT_EQ(allocation.first_expiry(), start + 20min);
}

TEST_F(AllocationTest, O06_IsSmall) {
    EXPECT_LE(sizeof(Allocation), 544u);
}

TEST(ChannelNumber, J02_RangeOfRfc5766) {
    EXPECT_FALSE(ChannelNumber::from_wire(0x3fff));
    EXPECT_TRUE(ChannelNumber::from_wire(0x4000));
    EXPECT_TRUE(ChannelNumber::from_wire(0x7ffe));
    EXPECT_FALSE(ChannelNumber::from_wire(0x7fff));
}

}  // namespace
}  // namespace ahoy::turn
