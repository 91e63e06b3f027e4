#include "turn/quotas.h"

#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

constexpr int success = Response::success;

TEST(Quotas, F24_CountsUsersAndNetworksApart) {
    Quotas quotas;
    const Quotas::Limits limits{.per_user = 2, .per_address = 3};
    EXPECT_TRUE(quotas.charge("alice", ip("198.51.100.1"), limits));
    EXPECT_TRUE(quotas.charge("alice", ip("198.51.100.1"), limits));
    EXPECT_FALSE(quotas.charge("alice", ip("198.51.100.2"), limits));
    EXPECT_TRUE(quotas.charge("bob", ip("198.51.100.1"), limits));
    EXPECT_FALSE(quotas.charge("carol", ip("198.51.100.1"), limits));
    EXPECT_TRUE(quotas.charge("carol", ip("198.51.100.2"), limits));
    quotas.discharge("alice", ip("198.51.100.1"));
    EXPECT_TRUE(quotas.charge("alice", ip("198.51.100.1"), limits));
}

TEST(Quotas, F24_WhatIsRefusedIsNotCounted) {
    Quotas quotas;
    const Quotas::Limits limits{.per_user = 1, .per_address = 2};
    EXPECT_TRUE(quotas.charge("alice", ip("198.51.100.1"), limits));
    for (int i = 0; i < 5; ++i) {
        EXPECT_FALSE(quotas.charge("alice", ip("198.51.100.1"), limits));
    }
    EXPECT_TRUE(quotas.charge("bob", ip("198.51.100.1"), limits));
}

TEST(Quotas, F24_AnIpv6HostHasA64) {
    Quotas quotas;
    const Quotas::Limits limits{.per_user = 0, .per_address = 1};
    EXPECT_TRUE(quotas.charge("alice", ip("2001:db8::1"), limits));
    EXPECT_FALSE(quotas.charge("alice", ip("2001:db8::ffff:2"), limits));
    EXPECT_TRUE(quotas.charge("alice", ip("2001:db8:0:1::1"), limits));
    EXPECT_TRUE(quotas.charge("alice", ip("198.51.100.1"), limits));
    EXPECT_TRUE(quotas.charge("alice", ip("198.51.100.2"), limits));
}

TEST(Quotas, F24_NoLimit) {
    Quotas quotas;
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(quotas.charge("alice", ip("198.51.100.1"), {}));
}

TEST(Quotas, F24_OneAddressHasItsShareOfTheServer) {
    World world({.max_allocations_per_address = 2});
    TestClient a(world, "5.6.7.8:1"), b(world, "5.6.7.8:2", "bob", "builder"),
        c(world, "5.6.7.8:3"), elsewhere(world, "5.6.7.9:3");
    ASSERT_EQ(a.allocates().code(), success);
    ASSERT_EQ(b.allocates().code(), success);
    EXPECT_EQ(c.allocates().code(), 486);
    EXPECT_EQ(elsewhere.allocates().code(), success);
    world.passes(600s);  // all are over
    a.fetches_nonce();
    c.fetches_nonce();
    EXPECT_EQ(c.allocates().code(), success);
    EXPECT_EQ(a.allocates().code(), success);
}

TEST(Quotas, F24_OthersCountFromNowOnAndWhoIsThereStays) {
    World world({.max_allocations_per_address = 1});
    TestClient a(world, "5.6.7.8:1"), b(world, "5.6.7.8:2"), c(world, "5.6.7.8:3");
    ASSERT_EQ(a.allocates().code(), success);
    EXPECT_EQ(b.allocates().code(), 486);
    world.server.set_quotas(100, {.per_address = 2});
    EXPECT_EQ(b.allocates().code(), success);
    EXPECT_EQ(c.allocates().code(), 486);
    world.server.set_quotas(100, {.per_address = 1});
    EXPECT_EQ(a.refreshes(600).code(), success);
    EXPECT_EQ(b.refreshes(600).code(), success);
}

TEST(Quotas, F24_WhatCannotBeHadIsNotCounted) {
    World world({.max_allocations_per_user = 1});
    world.ports.capacity = 0;
    TestClient client(world);
    EXPECT_EQ(client.allocates().code(), 508);
    world.ports.capacity = 1;
    EXPECT_EQ(client.allocates().code(), success);
}

}  // namespace
}  // namespace ahoy::turn
