#include "turn/quotas.h"

#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

constexpr int success = Response::success;

class QuotasTest : public testing::Test {
  protected:
    bool charges(const User& user, const char* client, const Counts& more = one) {
        return !quotas.charge(user, ip(client), more, limits);
    }
    void gives_back(const User& user, const char* client, const Counts& fewer = one) {
        quotas.discharge(user, ip(client), fewer);
    }

    static constexpr Counts one{.allocations = 1};
    Quotas quotas;
    Quotas::Limits limits;
};

TEST_F(QuotasTest, F24_CountsUsersAndNetworksApart) {
    limits = {.per_user = {.allocations = 2}, .per_address = {.allocations = 3}};
    EXPECT_TRUE(charges(User("alice"), "198.51.100.1"));
    EXPECT_TRUE(charges(User("alice"), "198.51.100.1"));
    EXPECT_FALSE(charges(User("alice"), "198.51.100.2"));
    EXPECT_TRUE(charges(User("bob"), "198.51.100.1"));
    EXPECT_FALSE(charges(User("carol"), "198.51.100.1"));
    EXPECT_TRUE(charges(User("carol"), "198.51.100.2"));
    gives_back(User("alice"), "198.51.100.1");
    EXPECT_TRUE(charges(User("alice"), "198.51.100.1"));
}

TEST_F(QuotasTest, F24_WhatIsRefusedIsNotCounted) {
    limits = {.per_user = {.allocations = 1}, .per_address = {.allocations = 2}};
    EXPECT_TRUE(charges(User("alice"), "198.51.100.1"));
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(charges(User("alice"), "198.51.100.1"));
    EXPECT_TRUE(charges(User("bob"), "198.51.100.1"));
}

TEST_F(QuotasTest, F24_AnIpv6HostHasA64) {
    limits = {.per_address = {.allocations = 1}};
    EXPECT_TRUE(charges(User("alice"), "2001:db8::1"));
    EXPECT_FALSE(charges(User("alice"), "2001:db8::ffff:2"));
    EXPECT_TRUE(charges(User("alice"), "2001:db8:0:1::1"));
    EXPECT_TRUE(charges(User("alice"), "198.51.100.1"));
    EXPECT_TRUE(charges(User("alice"), "198.51.100.2"));
}

TEST_F(QuotasTest, F24_NoLimit) {
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(charges(User("alice"), "198.51.100.1"));
}

TEST_F(QuotasTest, F25_AllTogetherHaveALimitToo) {
    limits = {.total = {.allocations = 2}};
    EXPECT_TRUE(charges(User("alice"), "198.51.100.1"));
    EXPECT_TRUE(charges(User("bob"), "198.51.100.2"));
    EXPECT_FALSE(charges(User("carol"), "198.51.100.3"));
    gives_back(User("alice"), "198.51.100.1");
    EXPECT_TRUE(charges(User("carol"), "198.51.100.3"));
}

TEST_F(QuotasTest, H05_EveryKindIsCountedByItself) {
    limits = {.per_user = {.permissions = 2, .channels = 1}};
    EXPECT_TRUE(charges(User("alice"), "198.51.100.1", {.permissions = 1, .channels = 1}));
    EXPECT_FALSE(charges(User("alice"), "198.51.100.1", {.channels = 1}));
    EXPECT_TRUE(charges(User("alice"), "198.51.100.1", {.permissions = 1}));
    EXPECT_TRUE(charges(User("alice"), "198.51.100.1", {.connections = 100}));
    EXPECT_FALSE(charges(User("alice"), "198.51.100.1", {.permissions = 1}));
}

TEST_F(QuotasTest, H02_AllIsChargedOrNothing) {
    limits = {.per_user = {.permissions = 3, .channels = 1}};
    EXPECT_TRUE(charges(User("alice"), "198.51.100.1", {.channels = 1}));
    EXPECT_FALSE(charges(User("alice"), "198.51.100.1", {.permissions = 3, .channels = 1}));
    EXPECT_FALSE(charges(User("alice"), "198.51.100.1", {.permissions = 4}));
    EXPECT_TRUE(charges(User("alice"), "198.51.100.1", {.permissions = 3}));
}

TEST_F(QuotasTest, F24_TellsWhatThereWouldBeTooMuchOfAndWhoseLimitThatIs) {
    limits = {.per_user = {.permissions = 5},
              .per_address = {.permissions = 6, .channels = 6},
              .total = {.connections = 7}};
    const auto refused = [&](const Counts& more) {
        return quotas.charge(User("alice"), ip("198.51.100.1"), more, limits);
    };
    using Refused = Quotas::Refused;
    EXPECT_EQ(refused({.permissions = 7}), (Refused{Counted::permissions, Limited::user}));
    EXPECT_EQ(refused({.channels = 7}), (Refused{Counted::channels, Limited::address}));
    EXPECT_EQ(refused({.connections = 8}), (Refused{Counted::connections, Limited::server}));
}

TEST_F(QuotasTest, F24_AboveALimitThatHasBecomeLowerOnlyThatKindIsRefused) {
    EXPECT_TRUE(charges(User("alice"), "198.51.100.1", {.allocations = 3}));
    limits = {.per_user = {.allocations = 1}};
    EXPECT_FALSE(charges(User("alice"), "198.51.100.1"));
    EXPECT_TRUE(charges(User("alice"), "198.51.100.1", {.permissions = 1}));
}

TEST_F(QuotasTest, F24_ARealmsAreCountedOverItsUsers) {
    limits = {.per_realm = {.allocations = 2}};
    const RealmId shop{1};
    EXPECT_TRUE(charges(User("alice", shop), "198.51.100.1"));
    EXPECT_TRUE(charges(User("bob", shop), "198.51.100.2"));
    EXPECT_EQ(quotas.charge(User("carol", shop), ip("198.51.100.3"), one, limits),
              (Quotas::Refused{Counted::allocations, Limited::realm}));
    EXPECT_TRUE(charges(User("carol"), "198.51.100.3"));
    gives_back(User("alice", shop), "198.51.100.1");
    EXPECT_TRUE(charges(User("carol", shop), "198.51.100.3"));
    EXPECT_FALSE(charges(User("alice", shop), "198.51.100.1"));
}

TEST_F(QuotasTest, F24_ANameIsAnotherUserInAnotherRealm) {
    limits = {.per_user = {.allocations = 1}};
    EXPECT_TRUE(charges(User("alice"), "198.51.100.1"));
    EXPECT_TRUE(charges(User("alice", RealmId{1}), "198.51.100.1"));
    EXPECT_FALSE(charges(User("alice", RealmId{1}), "198.51.100.1"));
    gives_back(User("alice"), "198.51.100.1");
    EXPECT_FALSE(charges(User("alice", RealmId{1}), "198.51.100.1"));
}

TEST(Quotas, F24_OneAddressHasItsShareOfTheServer) {
    World world({.quotas = {.per_address = {.allocations = 2}}});
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
    World world({.quotas = {.per_address = {.allocations = 1}}});
    TestClient a(world, "5.6.7.8:1"), b(world, "5.6.7.8:2"), c(world, "5.6.7.8:3");
    ASSERT_EQ(a.allocates().code(), success);
    EXPECT_EQ(b.allocates().code(), 486);
    world.server.set_quotas({.per_address = {.allocations = 2}});
    EXPECT_EQ(b.allocates().code(), success);
    EXPECT_EQ(c.allocates().code(), 486);
    world.server.set_quotas({.per_address = {.allocations = 1}});
    EXPECT_EQ(a.refreshes(600).code(), success);
    EXPECT_EQ(b.refreshes(600).code(), success);
}

TEST(Quotas, F24_WhatCannotBeHadIsNotCounted) {
    World world({.quotas = {.per_user = {.allocations = 1}}});
    world.ports.capacity = 0;
    TestClient client(world);
    EXPECT_EQ(client.allocates().code(), 508);
    world.ports.capacity = 1;
    EXPECT_EQ(client.allocates().code(), success);
}

// Two allocations of alice, one of bob, behind one address; by default, nothing is limited.
class LimitedTables : public testing::Test {
  protected:
    void SetUp() override {
        for (TestClient* client : {&one, &two, &bob})
            ASSERT_EQ(client->allocates().code(), success);
    }
    void limit(const Quotas::Limits& quotas) { world.server.set_quotas(quotas); }
    uint64_t reached(Counted what, Limited whose) const {
        return world.server.stats()
            .limits_reached[static_cast<size_t>(what)][static_cast<size_t>(whose)];
    }

    const TransportAddress first = at("9.9.9.1:1"), second = at("9.9.9.2:2"),
                           third = at("9.9.9.3:3"), fourth = at("9.9.9.4:4");
    World world;
    TestClient one{world, "5.6.7.8:1"}, two{world, "5.6.7.8:2"},
        bob{world, "5.6.7.8:3", "bob", "builder"};
};

TEST_F(LimitedTables, H05_PermissionsOfAllAllocationsOfAUserCount) {
    limit({.per_user = {.permissions = 3}});
    EXPECT_EQ(one.permits({first, second}).code(), success);
    EXPECT_EQ(two.permits({first, second}).code(), 508);  // all or none
    EXPECT_EQ(two.permits({first}).code(), success);
    EXPECT_EQ(one.permits({third}).code(), 508);
    EXPECT_EQ(bob.permits({third}).code(), success);
    EXPECT_EQ(reached(Counted::permissions, Limited::user), 2u);
    EXPECT_TRUE(two.sends(second, "x").empty());
}

TEST_F(LimitedTables, H05_WhatIsRefreshedCountsOnce) {
    limit({.per_user = {.permissions = 2, .channels = 1}});
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(one.permits({first, first}).code(), success);
        EXPECT_EQ(one.binds(0x4000, second).code(), success);
        world.passes(1min);
    }
    EXPECT_EQ(two.permits({first}).code(), 508);
}

TEST_F(LimitedTables, H07_APermissionCountsUntilItExpiresAndNoLonger) {
    limit({.per_user = {.permissions = 1}});
    EXPECT_EQ(one.permits({first}).code(), success);
    world.passes(5min - 1ns);
    EXPECT_EQ(two.permits({first}).code(), 508);
    world.passes(1ns);
    EXPECT_EQ(two.permits({first}).code(), success);
    EXPECT_EQ(one.permits({first}).code(), 508);
}

TEST_F(LimitedTables, J08_AChannelCountsUntilItExpiresAndNoLonger) {
    limit({.per_user = {.channels = 1}});
    for (TestClient* client : {&one, &two}) client->refreshes(3600);
    EXPECT_EQ(one.binds(0x4000, first).code(), success);
    world.passes(9min);
    two.fetches_nonce();
    world.passes(1min - 1ns);
    EXPECT_EQ(two.binds(0x4000, first).code(), 508);
    world.passes(1ns);
    EXPECT_EQ(two.binds(0x4000, first).code(), success);
    EXPECT_EQ(reached(Counted::channels, Limited::user), 1u);
}

TEST_F(LimitedTables, J06_AChannelWithoutRoomForItsPermissionIsNotBound) {
    limit({.per_user = {.permissions = 1}});
    EXPECT_EQ(one.permits({first}).code(), success);
    EXPECT_EQ(two.binds(0x4000, second).code(), 508);
    EXPECT_EQ(one.binds(0x4000, first).code(), success);  // which has one
    limit({.per_user = {.permissions = 1, .channels = 1}});
    EXPECT_EQ(one.refreshes(0).code(), success);
    EXPECT_EQ(two.binds(0x4000, second).code(), success);
}

TEST_F(LimitedTables, G09_TheEndOfAnAllocationGivesBackAllThatItHad) {
    limit({.total = {.permissions = 3, .channels = 1}});
    EXPECT_EQ(one.binds(0x4000, first).code(), success);
    EXPECT_EQ(one.permits({second}).code(), success);
    EXPECT_EQ(bob.binds(0x4000, first).code(), 508);
    EXPECT_EQ(one.refreshes(0).code(), success);
    EXPECT_EQ(bob.binds(0x4000, first).code(), success);
    EXPECT_EQ(bob.permits({second, third}).code(), success);
    EXPECT_EQ(bob.permits({fourth}).code(), 508);
    EXPECT_EQ(reached(Counted::permissions, Limited::server), 1u);
    EXPECT_EQ(reached(Counted::channels, Limited::server), 1u);
}

TEST_F(LimitedTables, H05_OneAddressHasItsShare) {
    limit({.per_address = {.permissions = 2}});
    EXPECT_EQ(one.permits({first}).code(), success);
    EXPECT_EQ(bob.permits({first}).code(), success);
    EXPECT_EQ(two.permits({first}).code(), 508);
    TestClient elsewhere(world, "5.6.7.9:1");
    elsewhere.allocates();
    EXPECT_EQ(elsewhere.permits({first}).code(), success);
    EXPECT_EQ(reached(Counted::permissions, Limited::address), 1u);
}

TEST_F(LimitedTables, H04_WhatANewPolicyDeniesIsGivenBack) {
    limit({.per_user = {.permissions = 2, .channels = 1}});
    EXPECT_EQ(one.binds(0x4000, first).code(), success);
    EXPECT_EQ(one.permits({second}).code(), success);
    world.serves(World::credentials(),
                 PeerPolicy({.deny = {Prefix::parse("9.9.9.1/32").value()}}, {listener}));
    EXPECT_EQ(two.binds(0x4000, third).code(), success);
    EXPECT_EQ(two.permits({fourth}).code(), 508);
}

TEST_F(LimitedTables, H05_AnAllocationsOwnLimitIsToldApart) {
    World narrow({.max_permissions = 1});
    TestClient client(narrow);
    client.allocates();
    EXPECT_EQ(client.permits({first, second}).code(), 508);
    EXPECT_EQ(narrow.server.stats().limits_reached[static_cast<size_t>(Counted::permissions)]
                                                  [static_cast<size_t>(Limited::allocation)],
              1u);
}

}  // namespace
}  // namespace ahoy::turn
