// What ICMP says to a relayed address, as clients hear it: group I.
#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

using T = AttributeType;
constexpr int success = Response::success;

class IcmpTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_EQ(client.allocates().code(), success);
        ASSERT_EQ(client.permits({peer}).code(), success);
    }
    // How the client hears of it: the ICMP attribute, or nothing.
    std::string hears(uint8_t type, uint8_t code, uint32_t mtu = 0,
                      const TransportAddress& to = peer) {
        world.now.steady += 1s;
        return hears_at_once(type, code, mtu, to);
    }
    std::string hears_at_once(uint8_t type, uint8_t code, uint32_t mtu = 0,
                              const TransportAddress& to = peer) {
        const auto sent = world.from_icmp({relay.socket, to, type, code, mtu});
        if (sent.empty()) return "nothing";
        EXPECT_EQ(sent.size(), 1u);
        EXPECT_EQ(sent[0].to, client.address);
        EXPECT_EQ(sent[0].from, listener.ip);
        const auto message = Message::parse(sent[0].bytes).value();
        EXPECT_EQ(message.type(), (MessageType{Method::data, Class::indication}));
        EXPECT_EQ(message.xor_address(T::xor_peer_address), to);
        EXPECT_FALSE(message.has(T::data));
        return stun::to_hex(message.find(T::icmp).value());
    }

    World world;
    TestClient client{world};
    RelayPort& relay = client.relay;
};

TEST_F(IcmpTest, I13_TypeAndCodeAndForTooBigTheMtu) {
    EXPECT_EQ(hears(3, 3), "0000030300000000");
    EXPECT_EQ(hears(3, 4, 1400), "0000030400000578");
    EXPECT_EQ(hears(3, 3, 1400), "0000030300000000");
    EXPECT_EQ(hears(11, 0), "00000b0000000000");
}

TEST_F(IcmpTest, I13_OverIpv6) {
    TestClient six(world, "[2606:4700::9]:9");
    ASSERT_EQ(
        six.allocates([](MessageWriter& w) { w.number(T::requested_address_family, 2u << 24); })
            .code(),
        success);
    ASSERT_EQ(six.permits({ipv6_peer}).code(), success);
    const auto sent = world.from_icmp({six.relay.socket, ipv6_peer, 2, 0, 100'000});
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(stun::to_hex(Message::parse(sent[0].bytes)->find(T::icmp).value()),
              "00000200000186a0");
    world.now.steady += 1s;
    EXPECT_EQ(world.from_icmp({six.relay.socket, ipv6_peer, 1, 4, 7}).size(), 1u);
    world.now.steady += 1s;
    EXPECT_EQ(world.from_icmp({six.relay.socket, ipv6_peer, 3, 0, 0}).size(), 1u);
    world.now.steady += 1s;
    for (const uint8_t type : std::initializer_list<uint8_t>{0, 4, 11, 128, 135}) {
        EXPECT_TRUE(world.from_icmp({six.relay.socket, ipv6_peer, type, 0, 0}).empty());
    }
}

TEST_F(IcmpTest, I11_OtherTypesAreNotRelayed) {
    for (const uint8_t type : std::initializer_list<uint8_t>{0, 1, 2, 4, 5, 8, 12, 13})
        EXPECT_EQ(hears(type, 0), "nothing");
    EXPECT_EQ(world.drops(Drop::icmp), 8u);
}

TEST_F(IcmpTest, I12_ThePermissionIsForWhomItWasSentToOnAnyPort) {
    EXPECT_EQ(hears(3, 3, 0, at("9.9.9.9:1")), "0000030300000000");
    EXPECT_EQ(hears(3, 3, 0, at("9.9.9.8:5000")), "nothing");
    EXPECT_EQ(world.drops(Drop::no_permission), 1u);
    world.passes(5min);
    EXPECT_EQ(hears(3, 3), "nothing");
}

TEST_F(IcmpTest, I12_TheRelayedAddressIsItsAllocations) {
    relay.socket = SocketId{4711};
    EXPECT_EQ(hears(3, 3), "nothing");
    relay.socket = listener_socket;
    EXPECT_EQ(hears(3, 3), "nothing");
    EXPECT_EQ(world.drops(Drop::no_allocation), 2u);
}

TEST_F(IcmpTest, I08_AlsoWithAChannelItIsADataIndication) {
    ASSERT_EQ(client.binds(0x4000, peer).code(), success);
    EXPECT_EQ(hears(3, 1), "0000030100000000");
}

TEST_F(IcmpTest, I14_TenASecond) {
    EXPECT_EQ(hears(3, 3), "0000030300000000");
    EXPECT_EQ(hears_at_once(3, 3), "nothing");
    world.now.steady += 100ms - 1ns;
    EXPECT_EQ(hears_at_once(3, 3), "nothing");
    world.now.steady += 1ns;
    EXPECT_EQ(hears_at_once(3, 3), "0000030300000000");
}

}  // namespace
}  // namespace ahoy::turn
