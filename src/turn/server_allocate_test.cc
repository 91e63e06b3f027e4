// Allocate and Refresh: groups F and G.
#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

constexpr int success = Response::success;
using T = AttributeType;

AddAttributes number_attribute(AttributeType type, uint32_t value) {
    return [=](MessageWriter& w) { w.number(type, value); };
}
AddAttributes family(uint8_t value) {
    return number_attribute(T::requested_address_family, static_cast<uint32_t>(value) << 24);
}
AddAttributes additional(uint8_t value) {
    return number_attribute(T::additional_address_family, static_cast<uint32_t>(value) << 24);
}
AddAttributes even_port(bool and_next) {
    return [=](MessageWriter& w) {
        w.attribute(T::even_port,
                    std::array<uint8_t, 1>{static_cast<uint8_t>(and_next ? 0x80 : 0)});
    };
}
AddAttributes token(const Payload& value) {
    return [=](MessageWriter& w) { w.attribute(T::reservation_token, value); };
}
AddAttributes both(const AddAttributes& a, const AddAttributes& b) {
    return [=](MessageWriter& w) {
        a(w);
        b(w);
    };
}

class AllocateTest : public testing::Test {
  protected:
    // The token of an EVEN-PORT allocation with R=1.
    Payload reserves() {
        const auto response = client.allocates(even_port(true));
        EXPECT_EQ(response.code(), success);
        const auto value = response.message().find(T::reservation_token).value();
        return {value.begin(), value.end()};
    }

    World world;
    TestClient client{world};
    TestClient other{world, "5.6.7.8:4321", "bob", "builder"};
};

TEST_F(AllocateTest, F30_SuccessSaysWhatWasGranted) {
    const auto response = client.allocates();
    ASSERT_EQ(response.code(), success);
    EXPECT_EQ(response.address(T::xor_relayed_address), at("192.0.2.15:50001"));
    EXPECT_EQ(response.address(T::xor_mapped_address), client.address);
    EXPECT_EQ(response.lifetime(), 600);
    EXPECT_TRUE(response.is_signed());
    EXPECT_FALSE(response.has(T::reservation_token));
    EXPECT_EQ(world.observer.created, std::vector<std::string>{"alice"});
    EXPECT_EQ(world.server.stats().allocations_live, 1u);
}

TEST_F(AllocateTest, WhatWasMadeAndHowLongItLivedIsCounted) {
    const auto made = [&](Transport transport, Families families) {
        return world.server.stats()
            .allocations_made.at(static_cast<size_t>(transport))
            .at(static_cast<size_t>(families));
    };
    ASSERT_EQ(client.allocates().code(), success);
    EXPECT_EQ(made(Transport::udp, Families::ipv4), 1u);
    EXPECT_EQ(made(Transport::udp, Families::both), 0u);
    EXPECT_EQ(world.server.stats().relayed_ports, 1u);
    world.passes(60s);
    ASSERT_EQ(client.asks(Method::refresh, [](MessageWriter& w) { w.lifetime(0s); }).code(),
              success);
    const Lifetimes& lifetimes = world.server.stats().lifetimes;
    EXPECT_THAT(lifetimes.counts, testing::ElementsAre(0, 1, 0, 0, 0, 0, 0));  // a minute at most
    EXPECT_EQ(lifetimes.seconds, 60u);
    EXPECT_EQ(world.server.stats().relayed_ports, 0u);
}

TEST_F(AllocateTest, F02_SecondAllocateOnTheFiveTupleIs437) {
    ASSERT_EQ(client.allocates().code(), success);
    EXPECT_EQ(client.allocates().code(), 437);
    EXPECT_EQ(world.ports.live.size(), 1u);
    EXPECT_EQ(world.server.stats().errors.at(stun::ErrorCode::allocation_mismatch), 1u);
}

TEST_F(AllocateTest, F03_A22_TI11_RetransmittedAllocateGetsTheSameAnswer) {
    client.fetches_nonce();
    const auto request =
        client.writes_signed(Method::allocate, both(TestClient::udp, even_port(true)));
    const auto first = client.sends_raw(request);
    ASSERT_EQ(first.code(), success);
    EXPECT_TRUE(first.has(T::reservation_token));
    EXPECT_EQ(client.sends_raw(request).bytes, first.bytes);
    world.passes(10s);
    const auto later = client.sends_raw(request);
    EXPECT_EQ(later.lifetime(), 590);  // what remains
    EXPECT_EQ(later.address(T::xor_relayed_address), first.address(T::xor_relayed_address));
    EXPECT_EQ(world.server.stats().allocations_total, 1u);
    EXPECT_EQ(world.ports.live.size(), 2u);
}

TEST_F(AllocateTest, F04_F05_F06_RequestedTransport) {
    EXPECT_EQ(client.asks(Method::allocate).code(), 400);
    EXPECT_EQ(client
                  .asks(Method::allocate,
                        [](MessageWriter& w) {
                            w.attribute(T::requested_transport, std::array<uint8_t, 1>{17});
                        })
                  .code(),
              400);
    for (const uint32_t protocol : {0u, 6u, 16u, 18u, 255u}) {
        EXPECT_EQ(
            client.asks(Method::allocate, number_attribute(T::requested_transport, protocol << 24))
                .code(),
            442);
    }
    EXPECT_EQ(
        client.asks(Method::allocate, number_attribute(T::requested_transport, 0x11ffffff)).code(),
        success);
}

TEST_F(AllocateTest, F07_DontFragmentIsSupported) {
    const auto response = client.allocates([](MessageWriter& w) { w.text(T::dont_fragment, ""); });
    EXPECT_EQ(response.code(), success);
}

TEST_F(AllocateTest, F08_F09_F13_F16_F20_CombinationsThatAre400) {
    const auto some_token = token(Payload(8));
    const AddAttributes table[] = {
        both(some_token, even_port(false)),
        both(even_port(true), some_token),
        both(some_token, family(1)),
        both(family(2), some_token),
        both(some_token, additional(2)),
        both(family(1), additional(2)),
        both(additional(2), family(2)),
        both(even_port(true), additional(2)),
        additional(1),
        additional(3),
    };
    for (const auto& attributes : table) EXPECT_EQ(client.allocates(attributes).code(), 400);
    EXPECT_TRUE(world.ports.live.empty());
}

TEST_F(AllocateTest, F04_AttributesOfTheWrongSizeAre400) {
    for (const auto type : {T::lifetime, T::even_port, T::reservation_token,
                            T::requested_address_family, T::additional_address_family}) {
        EXPECT_EQ(client.allocates([=](MessageWriter& w) { w.text(type, "abc"); }).code(), 400);
    }
}

TEST_F(AllocateTest, F10_UnknownTokenIs508) {
    EXPECT_EQ(client.allocates(token(Payload(8, 1))).code(), 508);
}

TEST_F(AllocateTest, F11_F12_F18_TI5_ATokenGivesThePortAboveOnce) {
    const auto value = reserves();
    EXPECT_EQ(value.size(), 8u);
    EXPECT_EQ(client.relay.address.port % 2, 0);
    EXPECT_EQ(world.ports.live.size(), 2u);
    TestClient again(world, "5.6.7.8:2"), third(world, "5.6.7.8:3");  // other five-tuples of hers
    ASSERT_EQ(again.allocates(token(value)).code(), success);
    EXPECT_EQ(again.relay.address.port, client.relay.address.port + 1);
    EXPECT_EQ(third.allocates(token(value)).code(), 508);
}

TEST_F(AllocateTest, F10_ATokenBelongsToItsUser) {
    const auto value = reserves();
    EXPECT_EQ(other.allocates(token(value)).code(), 508);
    TestClient again(world, "5.6.7.8:2");
    EXPECT_EQ(again.allocates(token(value)).code(), success);
}

TEST_F(AllocateTest, F11_WhatAnotherShardRedeemedStaysItsOwn) {
    const auto value = reserves();
    stun::ReservationToken bytes{};
    std::copy(value.begin(), value.end(), bytes.begin());
    ASSERT_TRUE(
        world.ports.redeem(bytes, User("alice"), world.now.steady));  // as another shard would
    world.passes(30s);
    EXPECT_EQ(world.ports.live.size(), 2u);
}

TEST_F(AllocateTest, F18_TheReservedPortIsFreeAfterThirtySeconds) {
    const auto value = reserves();
    world.passes(30s - 1ns);
    EXPECT_EQ(world.ports.live.size(), 2u);
    world.passes(1ns);
    EXPECT_EQ(world.ports.live.size(), 1u);
    TestClient again(world, "5.6.7.8:2");
    EXPECT_EQ(again.allocates(token(value)).code(), 508);
}

TEST_F(AllocateTest, F17_EvenPortAloneReservesNothing) {
    const auto response = client.allocates(even_port(false));
    ASSERT_EQ(response.code(), success);
    EXPECT_FALSE(response.has(T::reservation_token));
    EXPECT_EQ(client.relay.address.port % 2, 0);
    EXPECT_EQ(world.ports.live.size(), 1u);
    client.refreshes(0);
    EXPECT_TRUE(world.ports.live.empty());
}

TEST_F(AllocateTest, F19_F25_NoPortIs508) {
    world.ports.capacity = 1;
    EXPECT_EQ(client.allocates(even_port(true)).code(), 508);
    EXPECT_EQ(client.allocates().code(), success);
    EXPECT_EQ(other.allocates().code(), 508);
    client.refreshes(0);
    EXPECT_EQ(other.allocates().code(), success);  // TI31
}

TEST_F(AllocateTest, F14_F15_RequestedAddressFamily) {
    EXPECT_EQ(client.allocates(family(3)).code(), 440);
    EXPECT_EQ(client.allocates(family(0)).code(), 440);
    world.ports.v4 = false;
    EXPECT_EQ(client.allocates().code(), 440);
    EXPECT_EQ(client.allocates(family(1)).code(), 440);
    const auto response = client.allocates(family(2));
    EXPECT_EQ(response.code(), success);
    EXPECT_EQ(client.relay.address.ip, ip("2001:db8::15"));
    world.ports.v6 = false;
    EXPECT_EQ(other.allocates(family(2)).code(), 440);
}

TEST_F(AllocateTest, F15_AbsentFamilyIsIpv4AlsoForAnIpv6Client) {
    TestClient six(world, "[2606:4700::9]:9");
    ASSERT_EQ(six.allocates().code(), success);
    EXPECT_TRUE(six.relay.address.ip.is_v4());
}

std::vector<TransportAddress> relayed(const Response& response) {
    std::vector<TransportAddress> addresses;
    const auto message = response.message();
    message.each([&](AttributeType type, Bytes value) {
        if (type != T::xor_relayed_address) return;
        addresses.push_back(stun::read_xor_address(value, message.transaction_id()).value());
    });
    return addresses;
}

TEST_F(AllocateTest, F21_AdditionalFamilyGivesTwoAddresses) {
    const auto response = client.allocates(additional(2));
    ASSERT_EQ(response.code(), success);
    const auto addresses = relayed(response);
    ASSERT_EQ(addresses.size(), 2u);
    EXPECT_TRUE(addresses[0].ip.is_v4());
    EXPECT_FALSE(addresses[1].ip.is_v4());
    EXPECT_FALSE(response.has(T::address_error_code));
    ASSERT_EQ(client.permits({peer, ipv6_peer}).code(), success);
    EXPECT_EQ(client.sends(peer, "4").size(), 1u);
    EXPECT_EQ(client.sends(ipv6_peer, "6").size(), 1u);
    client.refreshes(0);
    EXPECT_TRUE(world.ports.live.empty());
}

TEST_F(AllocateTest, F22_OneFamilyOfTwo) {
    world.ports.v6 = false;
    const auto without_v6 = client.allocates(additional(2));
    ASSERT_EQ(without_v6.code(), success);
    EXPECT_EQ(relayed(without_v6).size(), 1u);
    EXPECT_EQ(stun::to_hex(without_v6.message().find(T::address_error_code).value()), "02000428");
    world.ports.v6 = true;
    world.ports.v4 = false;
    const auto without_v4 = other.allocates(additional(2));
    ASSERT_EQ(without_v4.code(), success);
    EXPECT_EQ(stun::to_hex(without_v4.message().find(T::address_error_code).value()), "01000428");
}

TEST_F(AllocateTest, F22_F23_PortsForOneFamilyOrNone) {
    world.ports.capacity = 1;
    const auto one = client.allocates(additional(2));
    ASSERT_EQ(one.code(), success);
    EXPECT_EQ(stun::to_hex(one.message().find(T::address_error_code).value()), "02000508");
    EXPECT_EQ(other.allocates(additional(2)).code(), 508);
    world.ports.v4 = world.ports.v6 = false;
    EXPECT_EQ(other.allocates(additional(2)).code(), 440);
}

TEST(Allocate, F24_TI7_TheQuotaIsPerUserAndReleasedOnce) {
    World world({.quotas = {.per_user = {.allocations = 2}}});
    TestClient a(world, "5.6.7.8:1"), b(world, "5.6.7.8:2"), c(world, "5.6.7.8:3");
    TestClient bob(world, "5.6.7.8:4", "bob", "builder");
    ASSERT_EQ(a.allocates().code(), success);
    ASSERT_EQ(b.allocates().code(), success);
    const auto refused = c.allocates();
    EXPECT_EQ(refused.code(), 486);
    EXPECT_TRUE(refused.is_signed());
    EXPECT_EQ(world.ports.live.size(), 2u);
    EXPECT_EQ(bob.allocates().code(), success);
    EXPECT_EQ(a.refreshes(0).code(), success);
    EXPECT_EQ(a.refreshes(0).code(), 437);
    EXPECT_EQ(c.allocates().code(), success);
    EXPECT_EQ(a.allocates().code(), 486);
}

TEST(Allocate, F25_TheWholeServerIsBounded) {
    World world({.quotas = {.total = {.allocations = 1}}});
    TestClient a(world, "5.6.7.8:1"), b(world, "5.6.7.8:2");
    ASSERT_EQ(a.allocates().code(), success);
    EXPECT_EQ(b.allocates().code(), 508);
}

TEST_F(AllocateTest, F35_O13_WhoComesWhileDrainingIs508) {
    ASSERT_EQ(client.allocates().code(), success);
    world.server.refuse_new(true);
    const auto refused = other.allocates();
    EXPECT_EQ(refused.code(), 508);
    EXPECT_TRUE(refused.is_signed());
    EXPECT_EQ(client.refreshes(600).code(), success);
    EXPECT_EQ(client.permits({peer}).code(), success);
    EXPECT_EQ(client.sends(peer, "x").size(), 1u);
    world.server.refuse_new(false);
    EXPECT_EQ(other.allocates().code(), success);
}

TEST(Allocate, F18_ReservationsAreBounded) {
    World world({.max_reservations = 1});
    TestClient a(world, "5.6.7.8:1"), b(world, "5.6.7.8:2");
    ASSERT_EQ(a.allocates(even_port(true)).code(), success);
    EXPECT_EQ(b.allocates(even_port(true)).code(), 508);
    EXPECT_EQ(world.ports.live.size(), 2u);
}

// Whoever redeems it may be on another shard than who reserved it.
TEST(Allocate, F18_AUsedReservationCountsNoMore) {
    World world({.max_reservations = 1});
    Server other({}, Realms::only(World::credentials(), PeerPolicy({}, {listener})), Nonces({7}),
                 world.ports, world.observer, Random::from_number(2));
    world.shards.push_back(&other);
    TestClient first(world, "5.6.7.8:1"), second(world, "5.6.7.8:2");
    first.socket = SocketId{2}, second.socket = SocketId{3};
    for (int i = 0; i < 3; ++i) {
        const auto reserved = first.allocates(even_port(true));
        ASSERT_EQ(reserved.code(), success);
        const auto value = reserved.message().find(T::reservation_token).value();
        EXPECT_EQ(second.allocates(token({value.begin(), value.end()})).code(), success);
        first.refreshes(0), second.refreshes(0);
    }
    EXPECT_TRUE(world.ports.live.empty());
}

TEST_F(AllocateTest, F28_F29_Lifetimes) {
    const std::pair<uint32_t, long> table[] = {{0, 600},     {1, 600},      {599, 600},
                                               {600, 600},   {1000, 1000},  {3600, 3600},
                                               {3601, 3600}, {99999, 3600}, {0xffffffff, 3600}};
    for (const auto& [asked, granted] : table) {
        EXPECT_EQ(client.allocates(number_attribute(T::lifetime, asked)).lifetime(), granted)
            << asked;
        client.refreshes(0);
    }
}

TEST_F(AllocateTest, F28_TheMaximumBoundsTheDefaultToo) {
    World short_lived{{.max_lifetime = 20s}};
    TestClient alice{short_lived};
    for (const uint32_t asked : {0u, 1u, 600u, 3600u}) {
        EXPECT_EQ(alice.allocates(number_attribute(T::lifetime, asked)).lifetime(), 20) << asked;
        alice.refreshes(0);
    }
    EXPECT_EQ(alice.allocates().lifetime(), 20);
    short_lived.passes(20s);
    EXPECT_TRUE(short_lived.ports.live.empty());
}

TEST_F(AllocateTest, F33_AfterExpiryTheFiveTupleIsFree) {
    ASSERT_EQ(client.allocates().code(), success);
    world.passes(600s);
    EXPECT_TRUE(world.ports.live.empty());
    EXPECT_EQ(world.observer.ended, std::vector{EndReason::expired});
    client.fetches_nonce();
    EXPECT_EQ(client.allocates().code(), success);
}

TEST_F(AllocateTest, M03_ATicketIsForbidden) {
    const auto with_ticket = [](auto& w) { w.attribute(AttributeType::mobility_ticket, {}); };
    EXPECT_EQ(client.allocates(with_ticket).code(), 405);
    EXPECT_TRUE(world.ports.live.empty());
}

TEST_F(AllocateTest, F33_EvenWhenNobodyHasReclaimedIt) {
    ASSERT_EQ(client.allocates().code(), success);
    world.now.steady += 600s;  // without expire()
    client.fetches_nonce();
    EXPECT_EQ(client.allocates().code(), success);
    EXPECT_EQ(world.ports.live.size(), 1u);
}

TEST_F(AllocateTest, F34_TheFiveTupleHasTheServersAddressAndTheTransport) {
    ASSERT_EQ(client.allocates().code(), success);
    for (const auto& [to, socket] :
         {std::pair{at("192.0.2.16:3478"), SocketId{1}},
          std::pair{at("192.0.2.15:3479"), SocketId{1}}, std::pair{listener, SocketId{2}}}) {
        client.to = to;
        client.socket = socket;
        EXPECT_EQ(client.allocates().code(), success);
    }
    EXPECT_EQ(world.ports.live.size(), 4u);
}

TEST_F(AllocateTest, G01_G02_RefreshWithZeroDeletes) {
    ASSERT_EQ(client.allocates().code(), success);
    const auto response = client.refreshes(0);
    EXPECT_EQ(response.code(), success);
    EXPECT_EQ(response.lifetime(), 0);
    EXPECT_TRUE(world.ports.live.empty());
    EXPECT_EQ(world.observer.ended, std::vector{EndReason::deleted});
    EXPECT_EQ(client.refreshes(0).code(), 437);
    EXPECT_EQ(client.allocates().code(), success);
}

TEST_F(AllocateTest, G03_G07_RefreshExtendsAndSaysTo) {
    ASSERT_EQ(client.allocates().code(), success);
    EXPECT_EQ(client.refreshes(1).lifetime(), 600);
    EXPECT_EQ(client.refreshes(99999).lifetime(), 3600);
    EXPECT_EQ(client.asks(Method::refresh).lifetime(), 600);  // without LIFETIME
    EXPECT_EQ(client.refreshes(1000).lifetime(), 1000);
    world.passes(999s);
    EXPECT_EQ(world.ports.live.size(), 1u);
    world.passes(1s);
    EXPECT_TRUE(world.ports.live.empty());
}

TEST_F(AllocateTest, G03_RefreshMayShorten) {
    ASSERT_EQ(client.allocates(number_attribute(T::lifetime, 3600)).code(), success);
    EXPECT_EQ(client.refreshes(600).lifetime(), 600);
    EXPECT_EQ(world.server.next_deadline(), world.now.steady + 600s);
    world.passes(600s);
    EXPECT_TRUE(world.ports.live.empty());
}

TEST_F(AllocateTest, G04_RefreshOfAFamilyItDoesNotHaveIs443) {
    ASSERT_EQ(client.allocates().code(), success);
    EXPECT_EQ(client.refreshes(600, family(2)).code(), 443);
    EXPECT_EQ(client.refreshes(0, family(2)).code(), 443);
    EXPECT_EQ(client.refreshes(600, family(9)).code(), 443);
    EXPECT_EQ(client.refreshes(600, family(1)).code(), success);
    EXPECT_EQ(world.ports.live.size(), 1u);
}

TEST_F(AllocateTest, G05_RefreshOfOneFamilyOfTwo) {
    ASSERT_EQ(client.allocates(additional(2)).code(), success);
    ASSERT_EQ(client.permits({peer, ipv6_peer}).code(), success);
    EXPECT_EQ(client.refreshes(0, family(1)).code(), success);
    EXPECT_EQ(world.ports.live.size(), 1u);
    EXPECT_TRUE(world.observer.ended.empty());
    EXPECT_TRUE(client.sends(peer, "4").empty());
    EXPECT_EQ(client.sends(ipv6_peer, "6").size(), 1u);
    EXPECT_EQ(client.refreshes(0, family(1)).code(), 443);
    EXPECT_EQ(client.refreshes(0, family(2)).code(), success);
    EXPECT_EQ(world.observer.ended, std::vector{EndReason::deleted});
    EXPECT_EQ(client.refreshes(0).code(), 437);
}

TEST_F(AllocateTest, G05_FamiliesExpireByThemselves) {
    ASSERT_EQ(client.allocates(additional(2)).code(), success);
    EXPECT_EQ(client.refreshes(1200, family(2)).code(), success);
    world.passes(600s);
    EXPECT_EQ(world.ports.live.size(), 1u);
    EXPECT_TRUE(world.observer.ended.empty());
    world.passes(600s);
    EXPECT_TRUE(world.ports.live.empty());
}

TEST_F(AllocateTest, G06_RefreshOfNothingIs437) {
    EXPECT_EQ(client.refreshes(600).code(), 437);
}

TEST_F(AllocateTest, G03_MalformedLifetimeIs400) {
    ASSERT_EQ(client.allocates().code(), success);
    EXPECT_EQ(
        client.asks(Method::refresh, [](MessageWriter& w) { w.text(T::lifetime, "12"); }).code(),
        400);
}

TEST_F(AllocateTest, G09_TI13_NothingIsLeftOfAnExpiredAllocation) {
    ASSERT_EQ(client.allocates().code(), success);
    ASSERT_EQ(client.permits({peer}).code(), success);
    ASSERT_EQ(client.binds(0x4000, peer).code(), success);
    const RelayPort relay = client.relay;
    world.passes(10min);
    EXPECT_EQ(world.server.stats().allocations_live, 0u);
    EXPECT_TRUE(client.sends_on(0x4000, "x").empty());
    EXPECT_TRUE(world.from_peer(relay, peer, bytes_of("x")).empty());
    EXPECT_EQ(world.server.next_deadline(), Instant::max());
    client.fetches_nonce();
    ASSERT_EQ(client.allocates().code(), success);
    EXPECT_TRUE(client.sends(peer, "x").empty());  // the old permission is gone
}

TEST_F(AllocateTest, C06_AClosedStreamEndsItsAllocation) {
    ASSERT_EQ(client.allocates().code(), success);
    world.server.client_gone(world.now, {listener_socket, at("5.6.7.8:9"), listener});
    EXPECT_TRUE(world.observer.ended.empty());
    world.server.client_gone(world.now, {listener_socket, client.address, listener});
    EXPECT_EQ(world.observer.ended, std::vector{EndReason::client_gone});
    EXPECT_TRUE(world.ports.live.empty());
}

TEST_F(AllocateTest, CloseAllLeavesNothing) {
    reserves();
    ASSERT_EQ(other.allocates().code(), success);
    world.server.close_all(world.now);
    EXPECT_TRUE(world.ports.live.empty());
    EXPECT_EQ(world.observer.ended, (std::vector{EndReason::stopped, EndReason::stopped}));
    EXPECT_EQ(client.refreshes(600).code(), 437);
}

// An endless series of allocations must not leave an endless series of timers.
TEST_F(AllocateTest, TimersDoNotPileUp) {
    for (uint32_t i = 0; i < 1000; ++i) {
        if (i % 500 == 0) client.fetches_nonce();
        const uint32_t lifetime = i % 2 == 0 ? 600 : 3600;
        ASSERT_EQ(client.allocates(number_attribute(T::lifetime, lifetime)).code(), success);
        ASSERT_EQ(client.refreshes(0).code(), success);
        world.passes(1s);
    }
    EXPECT_EQ(world.observer.ended.size(), 1000u);
    size_t looks = 0;
    for (; world.server.next_deadline() != Instant::max(); ++looks) {
        world.passes(world.server.next_deadline() - world.now.steady);
    }
    EXPECT_LE(looks, 3u);
}

}  // namespace
}  // namespace ahoy::turn
