#include "net/turn_shared.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/check.h"

namespace ahoy::net {
namespace {

const Instant now = Instant{} + 1h;
const IpAddress client = IpAddress::v4(0xc6336401);

// Two ends of a pipe: one is given away, the other tells when that was closed.
struct Descriptor {
    Descriptor() { CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0); }
    ~Descriptor() { ::close(ends[1]); }
    bool given_is_closed() const {
        char byte = 0;
        return ::recv(ends[1], &byte, 1, MSG_DONTWAIT) == 0;
    }
    int ends[2];
};

template <class Work>
void on_four_threads(Work work) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(work);
    for (std::thread& thread : threads) thread.join();
}

TEST(TurnShared, F24_F25_AllShardsTogetherNeverExceedAQuota) {
    constexpr turn::Counts one{.allocations = 1};
    for (const turn::Quotas::Limits& limits :
         {turn::Quotas::Limits{.per_user = {.allocations = 3}},
          turn::Quotas::Limits{.per_address = {.allocations = 3}},
          turn::Quotas::Limits{.total = {.allocations = 3}}}) {
        TurnShared shared;
        std::atomic<int> live = 0, most = 0, granted = 0;
        on_four_threads([&] {
            for (int i = 0; i < 5000; ++i) {
                if (shared.charge(turn::User("alice"), client, one, limits)) continue;
                const int here = ++live;
                for (int seen = most; here > seen && !most.compare_exchange_weak(seen, here);) {
                }
                ++granted;
                --live;
                shared.discharge(turn::User("alice"), client, one);
            }
        });
        EXPECT_LE(most, 3);
        EXPECT_GT(granted, 0);
        for (int i = 0; i < 3; ++i) {  // everything was given back
            EXPECT_FALSE(shared.charge(turn::User("alice"), client, one, limits));
        }
        EXPECT_TRUE(shared.charge(turn::User("alice"), client, one, limits));
    }
}

TEST(TurnShared, F37_EveryShardFindsTheSameBuckets) {
    TurnShared shared;
    const IpAddress other = IpAddress::v4(0xc6336402);
    for (const IpAddress& ip : {client, other}) {
        shared.charge(turn::User("alice"), ip, {.allocations = 1}, {});
    }
    shared.charge(turn::User("bob"), client, {.allocations = 1}, {});
    const turn::Buckets one = shared.buckets_of(turn::User("alice"), client, now);
    const turn::Buckets two = shared.buckets_of(turn::User("alice"), other, now + 1s);
    const turn::Buckets bob = shared.buckets_of(turn::User("bob"), client, now + 1s);
    EXPECT_EQ(one.of_user, two.of_user);
    EXPECT_EQ(one.of_user->begun, now);
    EXPECT_NE(one.of_network, two.of_network);
    EXPECT_EQ(one.of_network, bob.of_network);
    EXPECT_NE(one.of_user, bob.of_user);
}

// Of what is taken at once some may be forgotten, but nothing is invented.
TEST(TurnShared, F37_ShardsTakeOutOfOneBucketWithoutALock) {
    TurnShared shared;
    shared.charge(turn::User("alice"), client, {.allocations = 1}, {});
    const turn::Bandwidth::Limits limits{.per_user = 1'000'000};
    std::atomic<unsigned> passed = 0;
    on_four_threads([&] {
        turn::Bandwidth bandwidth(limits);
        turn::Buckets buckets = shared.buckets_of(turn::User("alice"), client, now);
        for (int i = 0; i < 5000; ++i) {
            const auto wait = bandwidth.take(turn::Direction::to_peer, buckets, 972, now + 1s);
            if (wait == Duration{}) ++passed;
        }
    });
    EXPECT_GE(passed, 1000u);  // in turn it would be that
}

TEST(TurnShared, F12_OneOfManyShardsGetsThePort) {
    TurnShared shared;
    std::atomic<int> redeemed = 0;
    for (uint8_t i = 0; i < 50; ++i) {
        shared.reserve({{i}, turn::User("alice"), now + 30s},
                       {.fd = -1, .relay_address = 0, .port = i});
    }
    on_four_threads([&] {
        for (uint8_t i = 0; i < 50; ++i) {
            if (shared.redeem({i}, turn::User("alice"), now)) ++redeemed;
        }
    });
    EXPECT_EQ(redeemed, 50);
}

TEST(TurnShared, F10_ForeignAndLateTokensGetNothing) {
    TurnShared shared;
    shared.reserve({{7}, turn::User("alice"), now + 30s},
                   {.fd = -1, .relay_address = 1, .port = 50001});
    EXPECT_FALSE(shared.redeem({8}, turn::User("alice"), now));
    EXPECT_FALSE(shared.redeem({7}, turn::User("bob"), now));
    EXPECT_FALSE(shared.redeem({7}, turn::User("alice"), now + 30s));
    EXPECT_EQ(shared.redeem({7}, turn::User("alice"), now + 30s - 1ns)->port, 50001);
    EXPECT_FALSE(shared.redeem({7}, turn::User("alice"), now));
}

TEST(TurnShared, F18_WhatIsNeverRedeemedIsClosed) {
    Descriptor descriptor;
    {
        TurnShared shared;
        shared.reserve({{7}, turn::User("alice"), now + 30s},
                       {.fd = descriptor.ends[0], .relay_address = 0, .port = 50001});
        EXPECT_FALSE(descriptor.given_is_closed());
    }
    EXPECT_TRUE(descriptor.given_is_closed());
}

}  // namespace
}  // namespace ahoy::net
