#include "net/relay_addresses.h"

#include <gtest/gtest.h>

#include "base/test_address.h"

namespace ahoy::net {
namespace {

TEST(RelayAddresses, PrefersTheAddressTheClientReached) {
    const RelayAddresses relay({{ip("192.0.2.1"), ip("192.0.2.1")},
                                {ip("198.51.100.1"), ip("198.51.100.1")},
                                {ip("2001:db8::1"), ip("2001:db8::1")}},
                               {});
    EXPECT_EQ(relay.choose(AddressFamily::ipv4, ip("198.51.100.1")), 1u);
    EXPECT_EQ(relay.choose(AddressFamily::ipv4, ip("127.0.0.1")), 0u);
    EXPECT_EQ(relay.choose(AddressFamily::ipv6, ip("192.0.2.1")), 2u);
}

TEST(RelayAddresses, AFamilyWithoutAnAddressIsNotSupported) {
    const RelayAddresses relay({{ip("192.0.2.1"), ip("192.0.2.1")}}, {});
    EXPECT_TRUE(relay.supports(AddressFamily::ipv4));
    EXPECT_FALSE(relay.supports(AddressFamily::ipv6));
}

TEST(RelayAddresses, OwnAreTheInterfacesAndWhatClientsAreTold) {
    const RelayAddresses relay({{ip("203.0.113.5"), ip("192.0.2.1")}},
                               {ip("192.0.2.1"), ip("192.0.2.7")});
    EXPECT_TRUE(relay.is_own(ip("203.0.113.5")));
    EXPECT_TRUE(relay.is_own(ip("192.0.2.1")));
    EXPECT_TRUE(relay.is_own(ip("192.0.2.7")));
    EXPECT_FALSE(relay.is_own(ip("203.0.113.6")));
}

TEST(RelayAddresses, APortIsLiveFromOpenToClose) {
    RelayAddresses relay({{ip("192.0.2.1"), ip("192.0.2.1")}}, {});
    EXPECT_FALSE(relay.is_live(at("192.0.2.1:50000")));
    relay.set_live(0, 50000, true);
    EXPECT_TRUE(relay.is_live(at("192.0.2.1:50000")));
    EXPECT_FALSE(relay.is_live(at("192.0.2.1:50001")));
    EXPECT_FALSE(relay.is_live(at("192.0.2.2:50000")));
    relay.set_live(0, 50000, false);
    EXPECT_FALSE(relay.is_live(at("192.0.2.1:50000")));
}

TEST(RelayAddresses, F27_APortCanRestWithoutBeingLive) {
    RelayAddresses relay({{ip("192.0.2.1"), ip("192.0.2.1")}}, {});
    relay.set_resting(0, 50000, true);
    EXPECT_TRUE(relay.is_resting(0, 50000));
    EXPECT_FALSE(relay.is_used(0, 50000));
    EXPECT_FALSE(relay.is_live(at("192.0.2.1:50000")));
    relay.set_resting(0, 50000, false);
    EXPECT_FALSE(relay.is_resting(0, 50000));
}

TEST(RelayAddresses, BehindOneToOneNatOnlyLiveRelayedAddressesAreMapped) {
    RelayAddresses relay({{ip("203.0.113.5"), ip("192.0.2.1")}}, {});
    relay.set_live(0, 50000, true);
    EXPECT_EQ(relay.to_bound(at("203.0.113.5:50000")), at("192.0.2.1:50000"));
    EXPECT_EQ(relay.to_bound(at("203.0.113.5:50001")), at("203.0.113.5:50001"));
    EXPECT_EQ(relay.to_told(at("192.0.2.1:50000")), at("203.0.113.5:50000"));
    EXPECT_EQ(relay.to_told(at("192.0.2.1:8080")), at("192.0.2.1:8080"));
}

}  // namespace
}  // namespace ahoy::net
