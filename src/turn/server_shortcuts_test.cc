// What the shell is told to relay by itself, and when that is taken back.
#include <gmock/gmock.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

struct Shortcuts : testing::Test {
    Shortcuts() {
        world.server.relay_by(path);
        alice.allocates();
    }

    const PeerPolicy denies_peer{{.deny = {*Prefix::parse("9.9.9.0/24")}}, {listener}};
    World world;
    FakeFastPath path;
    TestClient alice{world};
};

TEST_F(Shortcuts, OfABoundChannelHasItsAddressesAndTheEarliestOfItsTimes) {
    alice.binds(0x4000, peer);
    EXPECT_EQ(path.only().shortcut.client, (FiveTuple{listener_socket, alice.address, listener}));
    EXPECT_EQ(path.only().shortcut.relay, alice.relay);
    EXPECT_EQ(path.only().shortcut.peer, peer);
    EXPECT_EQ(path.only().shortcut.channel, number(0x4000));
    EXPECT_EQ(path.only().until, world.now.steady + ServerConfig{}.permission_lifetime);
    EXPECT_EQ(world.server.stats().shortcuts, 1u);
}

TEST_F(Shortcuts, ThereAreNoneForPermissionsAlone) {
    alice.permits({peer});
    EXPECT_TRUE(path.shortcuts.empty());
}

TEST_F(Shortcuts, LastAsLongAsWhatTheyRestOnIsRefreshed) {
    alice.binds(0x4000, peer);
    world.passes(4min);
    alice.permits({peer});
    EXPECT_EQ(path.only().until, world.now.steady + ServerConfig{}.permission_lifetime);
    world.passes(4min);
    alice.permits({peer});
    // The channel now ends first, and the allocation with it.
    EXPECT_EQ(path.only().until, world.now.steady + 2min);
    alice.refreshes(600);
    EXPECT_EQ(path.only().until, world.now.steady + 2min);
    alice.binds(0x4000, peer);
    EXPECT_EQ(path.only().until, world.now.steady + ServerConfig{}.permission_lifetime);
    EXPECT_EQ(path.next, 1u) << "it is still the first";
}

TEST_F(Shortcuts, AnExpiredChannelGoesWhenItsNumberOrItsPeerIsBoundAnew) {
    alice.refreshes(3600);
    alice.binds(0x4000, peer);
    world.passes(ServerConfig{}.channel_lifetime);
    alice.fetches_nonce();
    alice.binds(0x4001, peer);
    EXPECT_EQ(path.only().shortcut.channel, number(0x4001));
    world.passes(ServerConfig{}.channel_lifetime);
    alice.fetches_nonce();
    alice.binds(0x4001, at("9.9.9.10:1"));
    EXPECT_EQ(path.shortcuts.size(), 1u);
    EXPECT_EQ(path.shortcuts.rbegin()->second.shortcut.peer, at("9.9.9.10:1"));
}

TEST_F(Shortcuts, LiveAsLongAsTheOperatorLetsPermissionsAndChannelsLive) {
    for (const auto& [permission, channel] : {std::pair{3s, 9s}, {9s, 3s}}) {
        World brief{{.permission_lifetime = permission, .channel_lifetime = channel}};
        FakeFastPath there;
        brief.server.relay_by(there);
        TestClient carol{brief};
        carol.allocates();
        carol.binds(0x4000, peer);
        EXPECT_EQ(there.only().until, brief.now.steady + 3s);
    }
}

TEST_F(Shortcuts, GoWithTheAllocation) {
    alice.binds(0x4000, peer);
    alice.refreshes(0);
    EXPECT_TRUE(path.shortcuts.empty());
    EXPECT_EQ(world.server.stats().shortcuts, 0u);

    alice.allocates();
    alice.binds(0x4000, peer);
    world.passes(10min);
    EXPECT_TRUE(path.shortcuts.empty());
    alice.fetches_nonce();

    alice.allocates();
    alice.binds(0x4000, peer);
    world.server.close_all(world.now);
    EXPECT_TRUE(path.shortcuts.empty());
}

TEST_F(Shortcuts, OfOneFamilyGoWithItsRelayedAddress) {
    alice.refreshes(0);
    alice.allocates(
        [](MessageWriter& w) { w.number(AttributeType::additional_address_family, 2u << 24); });
    alice.binds(0x4000, peer);
    alice.binds(0x4001, ipv6_peer);
    EXPECT_EQ(path.shortcuts.size(), 2u);
    alice.refreshes(
        0, [](MessageWriter& w) { w.number(AttributeType::requested_address_family, 1u << 24); });
    EXPECT_EQ(path.only().shortcut.peer, ipv6_peer);
    alice.refreshes(0);
    EXPECT_TRUE(path.shortcuts.empty());
    EXPECT_EQ(path.next, 2u) << "and none was opened on the way";
}

TEST_F(Shortcuts, GoAtOnceWhenTheNewPolicyDeniesThePeer) {
    alice.binds(0x4000, peer);
    world.serves(World::credentials(), denies_peer);
    EXPECT_TRUE(path.shortcuts.empty());
}

TEST_F(Shortcuts, GoWhenTheCredentialsAreRevoked) {
    alice.binds(0x4000, peer);
    world.serves(Credentials("ahoy", std::map<std::string, std::string>{},
                             std::vector<std::string>{"south"}));
    world.server.end_revoked(world.now);
    EXPECT_TRUE(path.shortcuts.empty());
}

TEST_F(Shortcuts, AreNoneWhileBandwidthIsLimited) {
    alice.binds(0x4000, peer);
    world.server.limit_bandwidth({.per_allocation = 1'000'000});
    EXPECT_TRUE(path.shortcuts.empty());
    alice.binds(0x4001, at("9.9.9.10:1"));
    EXPECT_TRUE(path.shortcuts.empty());
    world.server.limit_bandwidth({});
    EXPECT_EQ(path.shortcuts.size(), 2u);
}

TEST_F(Shortcuts, WhatTheyCarryCountsAsRelayed) {
    alice.binds(0x4000, peer);
    path.only().carried = {.to_peer = {3, 300}, .to_client = {2, 100}};
    EXPECT_FALSE(world.server.count_carried());
    EXPECT_FALSE(world.server.count_carried());
    path.only().carried = {.to_peer = {1, 100}, .to_client = {1, 50}};
    alice.sends_on(0x4000, "by the server");
    alice.refreshes(0);
    const Stats& stats = world.server.stats();
    EXPECT_EQ(stats.to_peers.packets, 5u);
    EXPECT_EQ(stats.to_peers.bytes, 413u);
    EXPECT_EQ(stats.to_clients.packets, 3u);
    EXPECT_EQ(stats.to_clients.bytes, 150u);
    EXPECT_EQ(stats.carried.to_peer.packets, 4u);
    EXPECT_EQ(stats.carried.to_client.bytes, 150u);
}

TEST_F(Shortcuts, ThatTheShellRefusesAreTriedAgainAtTheNextChange) {
    path.refuses = true;
    alice.binds(0x4000, peer);
    EXPECT_EQ(alice.sends_on(0x4000, "still relayed").size(), 1u);
    path.refuses = false;
    alice.refreshes(600);
    EXPECT_EQ(path.shortcuts.size(), 1u);
}

}  // namespace
}  // namespace ahoy::turn
