// Permissions, Send and Data, channels: groups H, I and J.
#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

constexpr int success = Response::success;
using T = AttributeType;

class PeersTest : public testing::Test {
  protected:
    void SetUp() override { ASSERT_EQ(client.allocates().code(), success); }

    // Keeps the allocation, and nothing else, alive meanwhile.
    void waits(Duration time) {
        const Instant end = world.now.steady + time;
        while (world.now.steady + 5min < end) {
            world.passes(5min);
            client.fetches_nonce();
            ASSERT_EQ(client.refreshes(3600).code(), success);
        }
        world.passes(end - world.now.steady);
        client.fetches_nonce();
        ASSERT_EQ(client.refreshes(3600).code(), success);
    }
    bool reaches(const TransportAddress& to) { return client.sends(to, "out").size() == 1; }
    bool hears(const TransportAddress& from) { return client.hears(from, "in").size() == 1; }

    World world{ServerConfig{.max_permissions = 4, .max_channels = 4}};
    TestClient client{world};
};

TEST_F(PeersTest, H01_CreatePermissionNeedsAPeer) {
    EXPECT_EQ(client.permits({}).code(), 400);
}

TEST_F(PeersTest, H02_SeveralPeers) {
    EXPECT_EQ(client.permits({at("9.9.9.1:1"), at("9.9.9.2:2"), at("9.9.9.2:3")}).code(), success);
    EXPECT_TRUE(reaches(at("9.9.9.1:1")));
    EXPECT_TRUE(reaches(at("9.9.9.2:9")));
}

TEST_F(PeersTest, H02_TI12_AllOrNone) {
    const auto malformed = client.asks(Method::create_permission, [](MessageWriter& w) {
        w.xor_address(T::xor_peer_address, peer);
        w.text(T::xor_peer_address, "bad");
    });
    EXPECT_EQ(malformed.code(), 400);
    EXPECT_EQ(client.permits({peer, at("10.0.0.1:1")}).code(), 403);
    EXPECT_EQ(client.permits({peer, ipv6_peer}).code(), 443);
    EXPECT_EQ(
        client.permits({peer, at("9.9.9.1:1"), at("9.9.9.2:1"), at("9.9.9.3:1"), at("9.9.9.4:1")})
            .code(),
        508);
    EXPECT_FALSE(reaches(peer));
}

TEST_F(PeersTest, H03_FamilyItDoesNotHave) {
    EXPECT_EQ(client.permits({ipv6_peer}).code(), 443);
}

TEST_F(PeersTest, H04_O02_ForbiddenPeers) {
    TestClient dual(world, "5.6.7.8:2");
    ASSERT_EQ(
        dual.allocates([](MessageWriter& w) { w.number(T::additional_address_family, 0x02000000); })
            .code(),
        success);
    for (const char* text :
         {"127.0.0.1:1", "10.0.0.1:1", "0.0.0.0:1", "224.0.0.1:1", "169.254.169.254:80",
          "[::ffff:127.0.0.1]:1", "[::1]:1", "[::]:1", "[64:ff9b::7f00:1]:1", "[2002:7f00:1::]:1",
          "[::7f00:1]:1", "[fe80::1]:1"}) {
        EXPECT_EQ(dual.permits({at(text)}).code(), 403) << text;
        EXPECT_EQ(dual.binds(0x4000, at(text)).code(), 403) << text;
        EXPECT_TRUE(dual.sends(at(text), "x").empty()) << text;
    }
    EXPECT_EQ(world.server.stats().denied_peers[static_cast<size_t>(PeerReason::never_a_peer)], 6u);
}

TEST_F(PeersTest, H05_J06_S13_FullTablesAre508) {
    for (uint16_t i = 0; i < 4; ++i) {
        const TransportAddress p{IpAddress::v4(0x09090900u + i), 1};
        EXPECT_EQ(client.binds(static_cast<uint16_t>(0x4000 + i), p).code(), success);
    }
    EXPECT_EQ(client.permits({at("9.9.8.1:1")}).code(), 508);
    EXPECT_EQ(client.binds(0x4010, at("9.9.9.1:2")).code(), 508);  // channels, though permitted
    EXPECT_EQ(client.permits({at("9.9.9.1:1")}).code(), success);  // a refresh needs no room
    EXPECT_EQ(client.binds(0x4000, at("9.9.9.0:1")).code(), success);
    waits(300s);  // the permissions are over, and their room is free
    EXPECT_EQ(
        client.permits({at("9.9.8.1:1"), at("9.9.8.2:1"), at("9.9.8.3:1"), at("9.9.8.4:1")}).code(),
        success);
}

TEST_F(PeersTest, H06_PermissionsAreForAddressesWithoutPort) {
    EXPECT_EQ(client.permits({at("9.9.9.9:0")}).code(), success);
    EXPECT_TRUE(reaches(at("9.9.9.9:1")));
    EXPECT_TRUE(hears(at("9.9.9.9:2")));
    EXPECT_FALSE(reaches(at("9.9.9.9:0")));
}

TEST_F(PeersTest, H07_H08_I10_PermissionsLastFiveMinutesWhateverIsSent) {
    ASSERT_EQ(client.permits({peer}).code(), success);
    world.passes(299s);
    EXPECT_TRUE(reaches(peer));
    EXPECT_TRUE(hears(peer));
    world.passes(1s - 1ns);
    EXPECT_TRUE(reaches(peer));
    world.passes(1ns);
    EXPECT_FALSE(reaches(peer));
    EXPECT_FALSE(hears(peer));
    EXPECT_EQ(world.drops(Drop::no_permission), 2u);
}

TEST_F(PeersTest, H07_CreatePermissionStartsThemAgain) {
    ASSERT_EQ(client.permits({peer}).code(), success);
    world.passes(200s);
    ASSERT_EQ(client.permits({peer}).code(), success);
    world.passes(299s);
    EXPECT_TRUE(reaches(peer));
}

TEST_F(PeersTest, H09_H10_WithoutPermissionNothingPasses) {
    EXPECT_FALSE(hears(peer));
    EXPECT_FALSE(reaches(peer));
    ASSERT_EQ(client.permits({at("9.9.9.8:5000")}).code(), success);
    EXPECT_FALSE(hears(peer));
    EXPECT_FALSE(reaches(peer));
    EXPECT_EQ(world.drops(Drop::no_permission), 4u);
}

TEST_F(PeersTest, H11_J18_AllocationsShareNothing) {
    TestClient other(world, "5.6.7.8:2");
    ASSERT_EQ(other.allocates().code(), success);
    ASSERT_EQ(client.binds(0x4000, peer).code(), success);
    EXPECT_TRUE(other.sends(peer, "x").empty());
    EXPECT_TRUE(other.hears(peer, "x").empty());
    EXPECT_TRUE(other.sends_on(0x4000, "x").empty());
    ASSERT_EQ(other.binds(0x4000, at("9.9.9.8:1")).code(), success);
    EXPECT_EQ(other.sends_on(0x4000, "x").at(0).to, at("9.9.9.8:1"));
    EXPECT_EQ(client.sends_on(0x4000, "x").at(0).to, peer);
}

TEST_F(PeersTest, H12_MappedAndPlainIpv4AreOnePeer) {
    ASSERT_EQ(client.permits({at("[::ffff:9.9.9.9]:1")}).code(), success);
    EXPECT_TRUE(reaches(peer));
    EXPECT_TRUE(hears(at("[::ffff:9.9.9.9]:7")));
}

TEST_F(PeersTest, H13_J01_WithoutAnAllocationIs437) {
    TestClient other(world, "5.6.7.8:2");
    EXPECT_EQ(other.permits({peer}).code(), 437);
    EXPECT_EQ(other.binds(0x4000, peer).code(), 437);
}

TEST_F(PeersTest, I01_SendNeedsPeerAndData) {
    ASSERT_EQ(client.permits({peer}).code(), success);
    const auto send = [&](const AddAttributes& add) {
        return client.sends_raw(client.writes({Method::send, Class::indication}, add)).code();
    };
    EXPECT_EQ(send({}), 0);
    EXPECT_EQ(send([](MessageWriter& w) { w.xor_address(T::xor_peer_address, peer); }), 0);
    EXPECT_EQ(send([](MessageWriter& w) { w.text(T::data, "x"); }), 0);
    EXPECT_EQ(world.drops(Drop::incomplete), 3u);
}

TEST_F(PeersTest, I02_I09_EmptyDatagramsPassBothWays) {
    ASSERT_EQ(client.permits({peer}).code(), success);
    const auto sent = client.sends(peer, "");
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_TRUE(sent[0].bytes.empty());
    const auto heard = client.hears(peer, "");
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_TRUE(Message::parse(heard[0].bytes)->find(T::data)->empty());
}

TEST_F(PeersTest, I03_WithoutAnAllocationSendIsIgnored) {
    TestClient other(world, "5.6.7.8:2");
    EXPECT_TRUE(other.sends(peer, "x").empty());
    EXPECT_EQ(world.drops(Drop::no_allocation), 1u);
}

TEST_F(PeersTest, I04_DontFragmentIsOfThatDatagramOnly) {
    ASSERT_EQ(client.permits({peer}).code(), success);
    ASSERT_EQ(client.binds(0x4000, peer).code(), success);
    const auto whole =
        client.sends(peer, "x", [](MessageWriter& w) { w.text(T::dont_fragment, ""); });
    ASSERT_EQ(whole.size(), 1u);
    EXPECT_TRUE(whole[0].dont_fragment);
    EXPECT_FALSE(client.sends(peer, "x").at(0).dont_fragment);
    EXPECT_FALSE(client.sends_on(0x4000, "x").at(0).dont_fragment);
}

TEST_F(PeersTest, K02_K03_DscpAndEcnAreThoseItCameWith) {
    constexpr uint8_t af41_congested = 34 << 2 | 3;
    TestClient other(world, "5.6.7.8:2");
    ASSERT_EQ(other.allocates().code(), success);
    ASSERT_EQ(other.permits({client.relay.address}).code(), success);
    ASSERT_EQ(client.permits({other.relay.address}).code(), success);
    ASSERT_EQ(client.permits({peer}).code(), success);
    world.traffic_class = af41_congested;
    EXPECT_EQ(client.sends(peer, "x").at(0).traffic_class, af41_congested);
    EXPECT_EQ(client.hears(peer, "x").at(0).traffic_class, af41_congested);
    EXPECT_EQ(client.sends(other.relay.address, "x").at(0).traffic_class, af41_congested);
    ASSERT_EQ(client.binds(0x4000, peer).code(), success);
    EXPECT_EQ(client.sends_on(0x4000, "x").at(0).traffic_class, af41_congested);
    EXPECT_EQ(client.hears(peer, "x").at(0).traffic_class, af41_congested);
    world.traffic_class = 0;
    EXPECT_EQ(client.sends_on(0x4000, "x").at(0).traffic_class, 0);
}

TEST_F(PeersTest, K02_AnAnswerIsOrdinaryWhateverItsRequestWas) {
    world.traffic_class = 0xff;
    const auto sent =
        world.from_client(client.address, client.writes({Method::binding, Class::request}));
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].traffic_class, 0);
}

TEST_F(PeersTest, A17_UnknownRequiredAttributesDiscardASend) {
    ASSERT_EQ(client.permits({peer}).code(), success);
    EXPECT_TRUE(
        client.sends(peer, "x", [](MessageWriter& w) { w.text(static_cast<T>(0x7fff), ""); })
            .empty());
    EXPECT_EQ(client.sends(peer, "x", [](MessageWriter& w) { w.text(static_cast<T>(0x8fff), ""); })
                  .size(),
              1u);
    EXPECT_EQ(world.drops(Drop::unknown_attribute), 1u);
}

TEST_F(PeersTest, I06_TI1_ANewPolicyCountsAtOnce) {
    ASSERT_EQ(client.binds(0x4000, peer).code(), success);
    ASSERT_EQ(client.permits({at("9.9.8.1:1")}).code(), success);
    world.serves(World::credentials(),
                 PeerPolicy({.allow = {}, .deny = {*Prefix::parse("9.9.9.0/24")}}, {listener}));
    EXPECT_FALSE(reaches(peer));
    EXPECT_FALSE(hears(peer));
    EXPECT_TRUE(client.sends_on(0x4000, "x").empty());
    EXPECT_TRUE(reaches(at("9.9.8.1:1")));
}

TEST_F(PeersTest, I07_DataIndicationBytes) {
    ASSERT_EQ(client.permits({peer}).code(), success);
    const auto heard = client.hears(at("9.9.9.9:77"), "abcde");
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_EQ(heard[0].socket, listener_socket);
    EXPECT_EQ(heard[0].from, listener.ip);
    EXPECT_EQ(heard[0].to, client.address);
    const auto hex = stun::to_hex(heard[0].bytes);
    EXPECT_EQ(hex.substr(0, 16), "001700182112a442");
    EXPECT_EQ(hex.substr(40),
              "00120008"
              "0001215f"
              "281bad4b"
              "00130005"
              "6162636465000000");
}

TEST_F(PeersTest, I10_LargePayloadsAreIntact) {
    TestClient dual(world, "5.6.7.8:2");
    ASSERT_EQ(dual.allocates().code(), success);
    ASSERT_EQ(dual.permits({peer}).code(), success);
    for (const size_t size : {1u, 1472u, 65'464u}) {
        const std::string data(size, 'x');
        EXPECT_EQ(Message::parse(dual.hears(peer, data).at(0).bytes)->text(T::data), data);
    }
    EXPECT_TRUE(dual.hears(peer, std::string(65'533, 'x')).empty());  // no STUN message holds it
    EXPECT_EQ(world.drops(Drop::too_large), 1u);
    ASSERT_EQ(dual.binds(0x4000, peer).code(), success);
    for (const size_t size : {1u, 1472u, 65'507u}) {
        const std::string data(size, 'x');
        EXPECT_EQ(dual.hears(peer, data).at(0).bytes.size(), size + 4);
        EXPECT_EQ(dual.sends_on(0x4000, data).at(0).bytes, bytes_of(data));
    }
    EXPECT_TRUE(dual.sends_on(0x4000, std::string(65'508, 'x')).empty());
}

TEST_F(PeersTest, I15_DataIndicationFromAClientIsDropped) {
    EXPECT_EQ(client.sends_raw(client.writes({Method::data, Class::indication})).code(), 0);
    EXPECT_EQ(world.drops(Drop::unexpected_class), 1u);
}

TEST_F(PeersTest, J01_J02_ChannelBindNeedsAPeerAndANumberInRange) {
    EXPECT_EQ(client.asks(Method::channel_bind, [](MessageWriter& w) { w.channel_number(0x4000); })
                  .code(),
              400);
    EXPECT_EQ(client
                  .asks(Method::channel_bind,
                        [](MessageWriter& w) { w.xor_address(T::xor_peer_address, peer); })
                  .code(),
              400);
    for (const unsigned wrong : {0u, 0x3fffu, 0x7fffu, 0xffffu}) {
        EXPECT_EQ(client.binds(static_cast<uint16_t>(wrong), peer).code(), 400) << wrong;
    }
    EXPECT_EQ(client.binds(0x7ffe, peer).code(), success);
}

TEST(Channels, J02_OnlyThoseOfRfc8656WhenTheOthersAreSwitchedOff) {
    World world({.legacy_channels = false});
    TestClient client(world);
    ASSERT_EQ(client.allocates().code(), Response::success);
    for (const unsigned wrong : {0x3fffu, 0x5000u, 0x7ffeu}) {
        EXPECT_EQ(client.binds(static_cast<uint16_t>(wrong), peer).code(), 400) << wrong;
    }
    EXPECT_EQ(client.binds(0x4fff, peer).code(), Response::success);
}

TEST_F(PeersTest, J03_J04_TI4_NumbersAndPeersGoInPairs) {
    ASSERT_EQ(client.binds(0x4000, peer).code(), success);
    EXPECT_EQ(client.binds(0x4000, at("9.9.9.8:5000")).code(), 400);
    EXPECT_EQ(client.binds(0x4000, at("9.9.9.9:5001")).code(), 400);
    EXPECT_EQ(client.binds(0x4001, peer).code(), 400);
    EXPECT_EQ(client.sends_on(0x4000, "x").at(0).to, peer);
}

TEST_F(PeersTest, J05_J07_J08_ChannelsLastTenMinutesAndPermissionsFive) {
    ASSERT_EQ(client.binds(0x4000, peer).code(), success);
    waits(299s);
    EXPECT_EQ(client.sends_on(0x4000, "x").size(), 1u);
    ASSERT_EQ(client.binds(0x4000, peer).code(), success);  // refreshes both
    waits(299s);
    EXPECT_EQ(client.sends_on(0x4000, "x").size(), 1u);
    waits(1s);
    EXPECT_TRUE(client.sends_on(0x4000, "x").empty());  // J16: the permission is over
    EXPECT_EQ(world.drops(Drop::no_permission), 1u);
    waits(299s);
    EXPECT_EQ(client.binds(0x4000, at("9.9.9.8:1")).code(), 400);
    waits(1s);
    EXPECT_EQ(client.binds(0x4000, at("9.9.9.8:1")).code(), success);
}

TEST_F(PeersTest, J15_ChannelDataRefreshesNothing) {
    ASSERT_EQ(client.binds(0x4000, peer).code(), success);
    for (int i = 0; i < 2; ++i) {
        waits(299s);
        ASSERT_EQ(client.permits({peer}).code(), success);
        EXPECT_EQ(client.sends_on(0x4000, "x").size(), 1u);
        EXPECT_EQ(client.hears(peer, "x").at(0).bytes[0], 0x40);
    }
    waits(2s);
    EXPECT_TRUE(client.sends_on(0x4000, "x").empty());
    EXPECT_EQ(world.drops(Drop::no_channel), 1u);
    EXPECT_EQ(client.hears(peer, "x").at(0).bytes[0], 0x00);  // a Data indication again
}

TEST_F(PeersTest, J06_ChannelBindIsAdmittedAsPermissionsAre) {
    EXPECT_EQ(client.binds(0x4000, ipv6_peer).code(), 443);
    EXPECT_EQ(client.binds(0x4000, at("192.168.0.1:1")).code(), 403);
    EXPECT_EQ(client.binds(0x4000, at("9.9.9.9:0")).code(), 400);  // J19
}

TEST_F(PeersTest, I08_ChannelDataBytesBothWays) {
    ASSERT_EQ(client.binds(0x4abc, peer).code(), success);
    const auto heard = client.hears(peer, "abcde");
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_EQ(stun::to_hex(heard[0].bytes),
              "4abc0005"
              "6162636465");  // J12: no padding
    EXPECT_EQ(heard[0].to, client.address);
    EXPECT_EQ(heard[0].from, listener.ip);
    const auto sent = client.sends_on(0x4abc, "xyz");
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].socket, client.relay.socket);
    EXPECT_EQ(sent[0].to, peer);
    EXPECT_EQ(sent[0].bytes, bytes_of("xyz"));
    EXPECT_EQ(client.hears(at("9.9.9.9:5001"), "x").at(0).bytes[0], 0x00);  // another port
}

TEST_F(PeersTest, J09_J10_J11_J12_J14_ChannelDataOnTheWire) {
    ASSERT_EQ(client.binds(0x4000, peer).code(), success);
    const auto raw = [&](std::string_view hex) {
        return world.from_client(client.address, stun::from_hex(hex));
    };
    EXPECT_TRUE(raw("40010001 78").empty());  // not bound
    EXPECT_TRUE(raw("40000002 78").empty());  // longer than the datagram
    EXPECT_TRUE(raw("400000").empty());
    EXPECT_TRUE(raw("40").empty());
    EXPECT_TRUE(raw("50000001 78").empty());
    EXPECT_TRUE(raw("7fff0001 78").empty());
    EXPECT_TRUE(raw("80000001 78").empty());
    EXPECT_TRUE(raw("ff000001 78").empty());
    EXPECT_EQ(raw("40000001 78000000").at(0).bytes, bytes_of("x"));  // padding
    EXPECT_TRUE(raw("40000000").at(0).bytes.empty());
    EXPECT_EQ(world.drops(Drop::no_channel), 2u);
    EXPECT_EQ(world.drops(Drop::malformed), 6u);
}

TEST_F(PeersTest, J17_TwoChannelsToOneAddress) {
    ASSERT_EQ(client.binds(0x4000, at("9.9.9.9:1")).code(), success);
    ASSERT_EQ(client.binds(0x4001, at("9.9.9.9:2")).code(), success);
    EXPECT_EQ(client.sends_on(0x4000, "x").at(0).to, at("9.9.9.9:1"));
    EXPECT_EQ(client.sends_on(0x4001, "x").at(0).to, at("9.9.9.9:2"));
    EXPECT_EQ(client.hears(at("9.9.9.9:2"), "x").at(0).bytes[1], 0x01);
}

TEST_F(PeersTest, O03_TI19_OwnAddressesAreReachedOnlyAtLiveRelays) {
    TestClient other(world, "5.6.7.8:2");
    ASSERT_EQ(other.allocates().code(), success);
    EXPECT_EQ(client.binds(0x4000, listener).code(), 403);
    EXPECT_EQ(client.binds(0x4000, at("192.0.2.15:22")).code(), 403);
    // A permission has no port, so it is given, but it lets nothing else pass.
    ASSERT_EQ(client.permits({other.relay.address}).code(), success);
    EXPECT_FALSE(reaches(listener));
    EXPECT_FALSE(reaches(at("192.0.2.15:22")));
    EXPECT_FALSE(hears(at("192.0.2.15:22")));
    EXPECT_EQ(world.drops(Drop::peer_denied), 3u);
    ASSERT_EQ(other.permits({client.relay.address}).code(), success);
    EXPECT_EQ(client.sends(other.relay.address, "x").size(), 1u);
    EXPECT_TRUE(hears(other.relay.address));
    ASSERT_EQ(client.binds(0x4000, other.relay.address).code(), success);
    EXPECT_EQ(client.sends_on(0x4000, "x").size(), 1u);
    other.refreshes(0);
    EXPECT_TRUE(client.sends_on(0x4000, "x").empty());
    EXPECT_FALSE(reaches(other.relay.address));
}

TEST_F(PeersTest, O10_TwoClientsTalkOverTheirRelays) {
    TestClient other(world, "5.6.7.8:2");
    ASSERT_EQ(other.allocates().code(), success);
    ASSERT_EQ(client.permits({other.relay.address}).code(), success);
    ASSERT_EQ(other.permits({client.relay.address}).code(), success);
    // On one shard nothing leaves and comes back.
    const auto heard = client.sends(other.relay.address, "hello");
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_EQ(heard[0].to, other.address);
    const auto indication = Message::parse(heard[0].bytes);
    EXPECT_EQ(indication->text(T::data), "hello");
    EXPECT_EQ(indication->xor_address(T::xor_peer_address), client.relay.address);
    // Over two, it does.
    const auto over_the_network =
        world.from_peer(other.relay, client.relay.address, bytes_of("hello"));
    ASSERT_EQ(over_the_network.size(), 1u);
    EXPECT_EQ(Message::parse(over_the_network[0].bytes)->text(T::data), "hello");
}

TEST_F(PeersTest, O10_TheOtherClientsPermissionIsAskedAsIfItCameFromTheNetwork) {
    TestClient other(world, "5.6.7.8:2");
    ASSERT_EQ(other.allocates().code(), success);
    ASSERT_EQ(client.permits({other.relay.address}).code(), success);
    EXPECT_TRUE(client.sends(other.relay.address, "hello").empty());
    EXPECT_EQ(world.drops(Drop::no_permission), 1u);
    ASSERT_EQ(other.permits({client.relay.address}).code(), success);
    EXPECT_EQ(client.sends(other.relay.address, "hello").size(), 1u);
    world.passes(301s);
    ASSERT_EQ(client.permits({other.relay.address}).code(), success);
    EXPECT_TRUE(client.sends(other.relay.address, "hello").empty());
    EXPECT_EQ(world.drops(Drop::no_permission), 2u);
}

TEST_F(PeersTest, TI2_ARelaySocketServesItsOwnAllocationOnly) {
    ASSERT_EQ(client.permits({peer}).code(), success);
    const RelayPort foreign{SocketId{9999}, client.relay.address};
    EXPECT_TRUE(world.from_peer(foreign, peer, bytes_of("x")).empty());
    EXPECT_EQ(world.drops(Drop::no_allocation), 1u);
}

TEST_F(PeersTest, TI2_ARelaySocketServesItsOwnFamilyOnly) {
    TestClient dual(world, "5.6.7.8:2");
    ASSERT_EQ(
        dual.allocates([](MessageWriter& w) { w.number(T::additional_address_family, 0x02000000); })
            .code(),
        success);
    ASSERT_EQ(dual.permits({peer, ipv6_peer}).code(), success);
    const RelayPort& v4 = dual.relay;
    const auto last = std::prev(world.ports.live.end());  // IPv4 addresses sort in front
    const RelayPort v6{last->second, last->first};
    ASSERT_FALSE(v6.address.ip.is_v4());
    EXPECT_EQ(world.from_peer(v4, peer, bytes_of("x")).size(), 1u);
    EXPECT_EQ(world.from_peer(v6, ipv6_peer, bytes_of("x")).size(), 1u);
    EXPECT_TRUE(world.from_peer(v6, peer, bytes_of("x")).empty());
    EXPECT_TRUE(world.from_peer(v4, ipv6_peer, bytes_of("x")).empty());
}

TEST_F(PeersTest, TI20_TrafficIsCounted) {
    ASSERT_EQ(client.permits({peer}).code(), success);
    client.sends(peer, "four");
    client.sends(peer, "");
    client.hears(peer, "seven77");
    const auto& stats = world.server.stats();
    EXPECT_EQ(stats.to_peers.packets, 2u);
    EXPECT_EQ(stats.to_peers.bytes, 4u);
    EXPECT_EQ(stats.to_clients.packets, 1u);
    EXPECT_EQ(stats.to_clients.bytes, 7u);
}

}  // namespace
}  // namespace ahoy::turn
