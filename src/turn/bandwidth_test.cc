#include "turn/bandwidth.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "base/random.h"
#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

constexpr BytesPerSecond most = std::numeric_limits<BytesPerSecond>::max();

class TokenBucketTest : public testing::Test {
  protected:
    bool takes(size_t bytes, BytesPerSecond rate) {
        if (bucket.wait_for(bytes, rate, now) != Duration{}) return false;
        bucket.take(bytes, rate);
        return true;
    }
    Instant now = Instant{} + 1h;
    TokenBucket bucket;
};

TEST_F(TokenBucketTest, F37_HoldsASecondsWorthAndFillsAtItsRate) {
    EXPECT_TRUE(takes(1'000'000, 1'000'000));
    EXPECT_FALSE(takes(1, 1'000'000));
    now += 1us;
    EXPECT_TRUE(takes(1, 1'000'000));
    EXPECT_FALSE(takes(1, 1'000'000));
    now += 100ms;
    EXPECT_FALSE(takes(100'001, 1'000'000));
    EXPECT_TRUE(takes(100'000, 1'000'000));
    now += 24h;
    EXPECT_FALSE(takes(999'999, 1'000'000) && takes(2, 1'000'000));
}

TEST_F(TokenBucketTest, F37_HoldsTheLargestMessageHoweverLowItsRate) {
    EXPECT_TRUE(takes(TokenBucket::min_size, 1));
    now += 1s - 1ns;
    EXPECT_FALSE(takes(1, 1));
    now += 1ns;
    EXPECT_TRUE(takes(1, 1));
}

TEST_F(TokenBucketTest, F37_SaysToTheNanosecondWhenToComeAgain) {
    for (const BytesPerSecond rate : {1u, 3u, 1000u, 999'999'937u, most}) {
        bucket = {};
        ASSERT_TRUE(takes(std::max<size_t>(rate, TokenBucket::min_size), rate));
        const Duration wait = bucket.wait_for(1000, rate, now);
        now += wait - 1ns;
        EXPECT_EQ(bucket.wait_for(1000, rate, now), 1ns);
        now += 1ns;
        EXPECT_TRUE(takes(1000, rate));
    }
}

TEST_F(TokenBucketTest, F37_DoesNotOverflow) {
    EXPECT_TRUE(takes(most, most));
    now += 1ns;
    EXPECT_FALSE(takes(5, most));
    EXPECT_TRUE(takes(4, most));  // 4.29 bytes a nanosecond
    now += 24h * 365 * 100;
    EXPECT_TRUE(takes(most, most));
    EXPECT_FALSE(takes(1, most));
}

TEST_F(TokenBucketTest, F37_UnderAnotherRateAsMuchTimeIsMissing) {
    EXPECT_TRUE(takes(1'000'000'000, 1'000'000'000));  // a second's
    EXPECT_TRUE(takes(TokenBucket::min_size - 1000, 1000));
    EXPECT_FALSE(takes(1, 1000));
    EXPECT_FALSE(takes(1, 1'000'000'000));  // but not more than the bucket holds
    now += 1s;
    EXPECT_TRUE(takes(1'000'000'000, 1'000'000'000));
}

TEST_F(TokenBucketTest, F37_MayBeginEmpty) {
    for (const BytesPerSecond rate : {1000u, 1'000'000u}) {
        bucket = {};
        bucket.begin(rate, now);
        EXPECT_FALSE(takes(1, rate));
        bucket.begin(rate, now);  // it has begun
        now += 100ms;
        bucket.begin(rate, now - 100ms);
        EXPECT_TRUE(takes(rate / 10, rate));
        EXPECT_FALSE(takes(1, rate));
    }
}

// The definition of a token bucket, over every interval of a random history.
TEST_F(TokenBucketTest, F37_OverAnyTimeABurstAndTheRateTimesThatPassAtMost) {
    constexpr BytesPerSecond rate = 200'000;
    Random random = Random::from_number(3);
    struct Passed {
        Instant at;
        size_t bytes;
    };
    std::vector<Passed> passed;
    for (int i = 0; i < 2000; ++i) {
        now += Duration(random.below(20'000'000));
        const size_t bytes = random.below(5000);
        if (takes(bytes, rate)) passed.push_back({now, bytes});
    }
    ASSERT_GT(passed.size(), 500u);
    ASSERT_LT(passed.size(), 2000u);
    for (size_t first = 0; first < passed.size(); ++first) {
        uint64_t bytes = 0;
        for (size_t last = first; last < passed.size(); ++last) {
            bytes += passed[last].bytes;
            const auto time = static_cast<uint64_t>((passed[last].at - passed[first].at).count());
            ASSERT_LE(bytes * 1'000'000'000, uint64_t{rate} * (1'000'000'000 + time));
        }
    }
}

TEST(Bandwidth, F37_WithoutALimitNothingIsCounted) {
    Bandwidth bandwidth({});
    Buckets buckets;
    EXPECT_FALSE(bandwidth.is_limited());
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(bandwidth.take(Direction::to_peer, buckets, 65507, Instant{}), Duration{});
    }
    bandwidth.limit({.per_allocation = 1000});
    EXPECT_TRUE(bandwidth.is_limited());
    EXPECT_EQ(bandwidth.take(Direction::to_peer, buckets, 65507, Instant{}), Duration{});
}

TEST(Bandwidth, F37_AMessageAboveOneLimitIsTakenOutOfNeitherBucket) {
    constexpr size_t whole = TokenBucket::min_size - Bandwidth::overhead;
    Bandwidth bandwidth({.per_allocation = 1000, .total = 2 * TokenBucket::min_size});
    Buckets one, other, third;
    const Instant now = Instant{} + 1h;
    const auto take = [&](Buckets& of, size_t payload) {
        return bandwidth.take(Direction::to_peer, of, payload, now);
    };
    EXPECT_EQ(take(one, whole), Duration{});
    EXPECT_EQ(take(one, 100 - Bandwidth::overhead), 100ms);  // out of the total it would be missing
    EXPECT_EQ(take(other, whole), Duration{});
    EXPECT_GT(take(third, 0), Duration{});  // out of its own it would be missing
    bandwidth.limit({.per_allocation = 1000});
    EXPECT_EQ(take(third, whole), Duration{});
}

// One that has 1000 bytes a second, and what it starts with.
class LimitedWorld : public testing::Test {
  protected:
    static constexpr size_t payload = 972;  // 1000 bytes with headers

    void SetUp() override {
        alice.allocates();
        alice.binds(0x4000, peer);
    }
    size_t to_peer(unsigned count) {
        size_t passed = 0;
        for (unsigned i = 0; i < count; ++i) passed += alice.sends_on(0x4000, data).size();
        return passed;
    }
    size_t to_client(unsigned count) {
        size_t passed = 0;
        for (unsigned i = 0; i < count; ++i) passed += alice.hears(peer, data).size();
        return passed;
    }

    const std::string data = std::string(payload, 'x');
    static constexpr unsigned burst = TokenBucket::min_size / 1000;
    World world{{.bandwidth = {.per_allocation = 1000}}};
    TestClient alice{world};
};

TEST_F(LimitedWorld, F37_DatagramsAboveTheLimitAreDroppedAndCounted) {
    EXPECT_EQ(to_peer(burst + 10), burst);
    EXPECT_EQ(world.drops(Drop::bandwidth), 10u);
    EXPECT_EQ(world.server.stats().to_peers.packets, burst);
    world.passes(3s);
    EXPECT_EQ(to_peer(10), 3u);
}

TEST_F(LimitedWorld, F37_EachDirectionHasItsOwn) {
    EXPECT_EQ(to_peer(burst + 1), burst);
    EXPECT_EQ(to_client(burst + 1), burst);
    EXPECT_EQ(world.drops(Drop::bandwidth), 2u);
}

TEST_F(LimitedWorld, F37_EachAllocationHasItsOwn) {
    EXPECT_EQ(to_peer(burst + 1), burst);
    TestClient other(world, "5.6.7.8:999");
    other.allocates();
    other.binds(0x4000, peer);
    EXPECT_EQ(other.sends_on(0x4000, data).size(), 1u);
}

TEST_F(LimitedWorld, F37_RequestsAreAnsweredAboveTheLimit) {
    EXPECT_EQ(to_peer(burst + 1), burst);
    EXPECT_EQ(to_client(burst + 1), burst);
    EXPECT_EQ(alice.refreshes(600).code(), Response::success);
}

TEST_F(LimitedWorld, F37_EmptyDatagramsAreBandwidthToo) {
    size_t passed = 0;
    for (int i = 0; i < 10'000; ++i) passed += alice.sends(peer, "").size();
    EXPECT_EQ(passed, TokenBucket::min_size / Bandwidth::overhead);
}

TEST_F(LimitedWorld, F37_AReloadChangesTheLimitOfWhoIsThere) {
    EXPECT_EQ(to_peer(burst + 1), burst);
    world.server.limit_bandwidth({});
    EXPECT_EQ(to_peer(1000), 1000u);
    world.server.limit_bandwidth({.per_allocation = 1000});
    EXPECT_EQ(to_peer(1), 0u);
    world.passes(1s);
    EXPECT_EQ(to_peer(2), 1u);
}

TEST_F(LimitedWorld, F37_AllAllocationsTogetherHaveALimitToo) {
    world.server.limit_bandwidth({.total = 200'000});
    TestClient other(world, "5.6.7.8:999");
    other.allocates();
    other.binds(0x4000, peer);
    EXPECT_EQ(to_peer(150), 150u);
    size_t passed = 0;
    for (int i = 0; i < 100; ++i) passed += other.sends_on(0x4000, data).size();
    EXPECT_EQ(passed, 50u);
    EXPECT_EQ(to_client(150), 150u);
}

// Alice has an allocation on each of two shards, from two addresses; bob shares one of them.
class SharedWorld : public testing::Test {
  protected:
    static constexpr size_t payload = 972;  // 1000 bytes with headers

    SharedWorld()
        : there(ServerConfig{}, Realms::only(World::credentials(), PeerPolicy({}, {listener})),
                Nonces({7}), world.ports, world.observer, Random::from_number(2)) {
        world.shards.push_back(&there);
        here.socket = bob.socket = SocketId{2};
        elsewhere.socket = SocketId{3};
        for (TestClient* client : {&here, &elsewhere, &bob}) begin(*client);
    }
    static void begin(TestClient& client) {
        ASSERT_EQ(client.allocates().code(), Response::success);
        ASSERT_EQ(client.binds(0x4000, peer).code(), Response::success);
    }
    void limit(const Bandwidth::Limits& limits) {
        world.server.limit_bandwidth(limits);
        there.limit_bandwidth(limits);
    }
    size_t passes(TestClient& client, unsigned count) {
        size_t passed = 0;
        for (unsigned i = 0; i < count; ++i) passed += client.sends_on(0x4000, data).size();
        return passed;
    }
    size_t hears(TestClient& client, unsigned count) {
        size_t passed = 0;
        for (unsigned i = 0; i < count; ++i) passed += client.hears(peer, data).size();
        return passed;
    }

    const std::string data = std::string(payload, 'x');
    static constexpr unsigned burst = TokenBucket::min_size / 1000;
    World world;
    Server there;
    TestClient here{world, "5.6.7.8:1"}, elsewhere{world, "5.6.7.9:1"},
        bob{world, "5.6.7.8:2", "bob", "builder"};
};

TEST_F(SharedWorld, F37_AUserHasOneLimitOnAllShardsTogether) {
    limit({.per_user = 1000});
    EXPECT_EQ(passes(here, 1), 0u);  // nothing has come yet
    world.passes(10s);
    EXPECT_EQ(passes(here, 4), 4u);
    EXPECT_EQ(passes(elsewhere, 10), 6u);
    EXPECT_EQ(passes(here, 1), 0u);
    EXPECT_EQ(passes(bob, 20), 10u);  // who has his own
    EXPECT_EQ(hears(elsewhere, 20), 10u);
    EXPECT_EQ(world.drops(Drop::bandwidth), 12u);
    world.passes(burst * 1s + 1s);
    EXPECT_EQ(passes(elsewhere, burst + 10), burst);
    EXPECT_EQ(passes(here, 1), 0u);
}

TEST_F(SharedWorld, F37_OneAllocationMayHaveAllThatTheOthersLeave) {
    limit({.per_user = 1000});
    size_t passed = 0;
    for (int second = 0; second < 60; ++second) {
        world.passes(1s);
        passed += passes(elsewhere, 2);
    }
    EXPECT_EQ(passed, 60u);
}

TEST_F(SharedWorld, F37_OneAddressHasALimitToo) {
    limit({.per_address = 1000});
    world.passes(10s);
    EXPECT_EQ(passes(here, 20) + passes(bob, 20), 10u);
    EXPECT_EQ(passes(elsewhere, 20), 10u);
}

TEST_F(SharedWorld, F37_WhoEndsAllAllocationsAndMakesOthersGainsNothing) {
    limit({.per_user = 1000});
    world.passes(burst * 1s + 1s);
    EXPECT_EQ(bob.refreshes(0).code(), Response::success);
    size_t passed = 0;
    for (int i = 0; i < 10; ++i) {
        begin(bob);
        passed += passes(bob, 10);
        ASSERT_EQ(bob.refreshes(0).code(), Response::success);
    }
    EXPECT_EQ(passed, 0u);
}

TEST_F(SharedWorld, F37_AHigherLimitNeedNotWaitForALowerOne) {
    world.passes(burst * 1s + 1s);
    limit({.per_user = 1000});
    EXPECT_EQ(passes(here, burst + 10), burst);
    limit({.per_user = 1000});  // no change
    EXPECT_EQ(passes(here, 1), 0u);
    limit({.per_user = 1'000'000});
    EXPECT_EQ(passes(here, 500) + passes(elsewhere, 600), 1000u);
}

TEST_F(SharedWorld, F37_ALimitThatComesLaterFindsFullBuckets) {
    world.passes(burst * 1s + 1s);
    limit({.per_user = 1000});
    EXPECT_EQ(passes(here, burst + 10), burst);
}

TEST(Bandwidth, F37_ARealmMayHaveALimitOfItsOwn) {
    Bandwidth bandwidth({.per_allocation = 1});
    const RealmId first{0}, free{1}, unknown{7};
    bandwidth.limit_realms({std::nullopt, 0});
    const auto passes = [&](RealmId realm) {
        Buckets buckets{.realm = realm};
        size_t passed = 0;
        while (passed < 10 &&
               bandwidth.take(Direction::to_peer, buckets, 60'000, Instant{}) == Duration{}) {
            ++passed;
        }
        return passed;
    };
    EXPECT_EQ(passes(first), 2u);
    EXPECT_EQ(passes(free), 10u);
    EXPECT_EQ(passes(unknown), 2u);
    EXPECT_TRUE(bandwidth.is_limited(first));
    EXPECT_FALSE(bandwidth.is_limited(free));
    bandwidth.limit({});
    EXPECT_FALSE(bandwidth.is_limited());
    bandwidth.limit_realms({std::nullopt, 1});
    EXPECT_TRUE(bandwidth.is_limited());
    EXPECT_FALSE(bandwidth.is_limited(first));
    EXPECT_TRUE(bandwidth.is_limited(free));
    for (const Bandwidth::Limits& limits :
         {Bandwidth::Limits{.per_user = 1}, Bandwidth::Limits{.per_address = 1},
          Bandwidth::Limits{.total = 1}}) {
        bandwidth.limit(limits);
        EXPECT_TRUE(bandwidth.is_limited(first));
    }
}

}  // namespace
}  // namespace ahoy::turn
