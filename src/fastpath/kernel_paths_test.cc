#include "fastpath/kernel_paths.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/test_address.h"

namespace ahoy::fastpath {
namespace {

using testing::ElementsAreArray;

const Instant until = Instant{} + 5min;

turn::Shortcut shortcut(std::string_view client, std::string_view server, std::string_view relay,
                        std::string_view peer) {
    return {.client = {SocketId{1}, at(client), at(server)},
            .channel = *turn::ChannelNumber::from_wire(0x4001),
            .relay = {SocketId{2}, at(relay)},
            .peer = at(peer)};
}

turn::Shortcut ipv4() {
    return shortcut("192.0.2.2:1234", "192.0.2.1:3478", "203.0.113.1:50000", "198.51.100.2:5000");
}

// Behind a 1:1 NAT: clients are told 203.0.113.1.
Surroundings behind_nat(const turn::Shortcut& of) {
    return {.relay = at("198.51.100.1:50000"),
            .peer = of.peer,
            .to_peer = {.interface = 7, .next_hop = at("198.51.100.9:1").ip, .mtu = 1500},
            .to_client = {.interface = 6, .next_hop = of.client.client.ip, .mtu = 1400}};
}

TEST(KernelPaths, ChannelDataOfTheClientGoesFromTheBoundRelayAddressToThePeer) {
    const auto [flow, path] = make_paths(ipv4(), behind_nat(ipv4()), until, 8).to_peer;
    EXPECT_THAT(flow.from, ElementsAreArray(at("192.0.2.2:1").ip.bytes()));
    EXPECT_THAT(flow.to, ElementsAreArray(at("192.0.2.1:1").ip.bytes()));
    EXPECT_EQ(flow.from_port, htons(1234));
    EXPECT_EQ(flow.to_port, htons(3478));
    EXPECT_EQ(flow.channel, htons(0x4001));
    EXPECT_THAT(path.from, ElementsAreArray(at("198.51.100.1:1").ip.bytes()));
    EXPECT_THAT(path.to, ElementsAreArray(at("198.51.100.2:1").ip.bytes()));
    EXPECT_EQ(path.from_port, htons(50000));
    EXPECT_EQ(path.to_port, htons(5000));
    EXPECT_EQ(path.channel, 0);
    EXPECT_EQ(path.to_ourselves, 0);
    EXPECT_EQ(path.came_by, 6u);
    EXPECT_EQ(path.interface, 7u);
    EXPECT_EQ(path.next_hop.nh_family, static_cast<unsigned>(AF_INET));
    EXPECT_EQ(path.next_hop.ipv4_nh, htonl(0xc6336409));
    EXPECT_EQ(path.mtu, 1500u);
    EXPECT_EQ(path.traffic, 8u);
    EXPECT_EQ(path.expires_at, 300'000'000'000u);
}

TEST(KernelPaths, WhatThePeerSendsThereGoesFromTheServersAddressToTheClientWithAHeader) {
    const auto [flow, path] = make_paths(ipv4(), behind_nat(ipv4()), until, 8).to_client;
    EXPECT_THAT(flow.from, ElementsAreArray(at("198.51.100.2:1").ip.bytes()));
    EXPECT_THAT(flow.to, ElementsAreArray(at("198.51.100.1:1").ip.bytes()));
    EXPECT_EQ(flow.from_port, htons(5000));
    EXPECT_EQ(flow.to_port, htons(50000));
    EXPECT_EQ(flow.channel, 0);
    EXPECT_THAT(path.from, ElementsAreArray(at("192.0.2.1:1").ip.bytes()));
    EXPECT_THAT(path.to, ElementsAreArray(at("192.0.2.2:1").ip.bytes()));
    EXPECT_EQ(path.from_port, htons(3478));
    EXPECT_EQ(path.to_port, htons(1234));
    EXPECT_EQ(path.channel, htons(0x4001));
    EXPECT_EQ(path.came_by, 7u);
    EXPECT_EQ(path.interface, 6u);
    EXPECT_EQ(path.mtu, 1400u);
    EXPECT_EQ(path.traffic, 9u);
    EXPECT_EQ(path.expires_at, 300'000'000'000u);
}

TEST(KernelPaths, OverIpv6NothingLongerThanEveryLinkTakesIsRelayedInTheKernel) {
    const auto six = shortcut("[2001:db8:1::2]:1234", "[2001:db8:1::1]:3478",
                              "[2001:db8:2::1]:50000", "[2001:db8:2::2]:5000");
    Surroundings around = behind_nat(six);
    around.to_peer.next_hop = at("[fe80::1]:1").ip;
    const auto [to_peer, to_client] = make_paths(six, around, until, 0);
    EXPECT_EQ(to_peer.path.next_hop.nh_family, static_cast<unsigned>(AF_INET6));
    EXPECT_EQ(to_peer.path.next_hop.ipv6_nh[0], htonl(0xfe800000));
    EXPECT_EQ(to_peer.path.next_hop.ipv6_nh[3], htonl(1));
    EXPECT_EQ(to_peer.path.mtu, 1280u);
    EXPECT_EQ(to_client.path.mtu, 1280u);
}

// A kernel that takes what it is given, next to nothing else.
struct WillingKernel final : PathMaps, Vicinity {
    bool put(const ahoy_flow&, const ahoy_path&) override { return has_room; }
    void remove(const ahoy_flow&) override {}
    turn::Traffic traffic(uint32_t) const override { return {}; }
    std::optional<Surroundings> of(const turn::Shortcut& shortcut) const override {
        if (!has_routes) return {};
        return behind_nat(shortcut);
    }
    void begin(const turn::Shortcut&) override { ++begun; }
    void end(const turn::Shortcut&) override { --begun; }

    bool has_room = true, has_routes = true;
    int begun = 0;
};

TEST(KernelPaths, WhatTheKernelMayRelayBeginsOnceAndEndsOnce) {
    WillingKernel kernel;
    KernelPaths paths(kernel, kernel, 0, 8);
    const auto id = paths.open(ipv4(), until);
    ASSERT_TRUE(id.has_value());
    EXPECT_EQ(kernel.begun, 1);
    paths.prolong(*id, until + 1min);
    kernel.has_routes = false;  // they may come back
    paths.reroute(0);
    EXPECT_EQ(kernel.begun, 1);
    paths.close(*id);
    EXPECT_EQ(kernel.begun, 0);
}

TEST(KernelPaths, WhatIsLeftToTheServerDoesNotBegin) {
    WillingKernel kernel;
    KernelPaths paths(kernel, kernel, 0, 8);
    kernel.has_room = false;
    EXPECT_FALSE(paths.open(ipv4(), until).has_value());
    kernel.has_room = true;
    kernel.has_routes = false;
    EXPECT_FALSE(paths.open(ipv4(), until).has_value());
    EXPECT_EQ(kernel.begun, 0);
}

TEST(KernelPaths, ToARelayedAddressOfOursAnotherPathLeadsOn) {
    Surroundings around = behind_nat(ipv4());
    around.peer_is_ours = true;
    const auto [to_peer, to_client] = make_paths(ipv4(), around, until, 0);
    EXPECT_EQ(to_peer.path.to_ourselves, 1);
    EXPECT_EQ(to_peer.path.interface, 0u);
    EXPECT_EQ(to_client.path.to_ourselves, 0);
    EXPECT_EQ(to_client.path.came_by, 0u);
    EXPECT_EQ(to_client.path.interface, 6u);
}

}  // namespace
}  // namespace ahoy::fastpath
