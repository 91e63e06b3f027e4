// TI21: what a packet costs does not grow with how many clients there are, whichever addresses they
// have chosen.  Only the build with sanitizers counts; elsewhere every cost is 0.
#include "sim/work.h"

#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::sim {
namespace {

using turn::TestClient;
using turn::World;

constexpr uint32_t crowd = 2048, few = 128;

// Addresses that an attacker might choose, to be found in one place of a table.
TransportAddress another_port(uint32_t i) {
    return {IpAddress::v4(0xcb007105), static_cast<uint16_t>(1024 + i)};
}
TransportAddress another_host(uint32_t i) {
    return {IpAddress::v4(0xcb000000 + i), 5000};
}
TransportAddress another_network(uint32_t i) {
    return {IpAddress::v4(0x0b000000 + (i << 12)), 4096};
}
TransportAddress another_interface(uint32_t i) {
    std::array<uint8_t, 16> ip{0x20, 0x01, 0x0d, 0xb8};
    ip[10] = static_cast<uint8_t>(i >> 8);
    ip[12] = static_cast<uint8_t>(i);
    return {IpAddress::v6(ip), static_cast<uint16_t>(256 * (i % 128 + 1))};
}

class WorkTest : public testing::TestWithParam<TransportAddress (*)(uint32_t)> {
  protected:
    WorkTest() { world.ports.capacity = 2 * crowd; }

    TestClient client(uint32_t i) {
        TestClient made(world);
        made.address = GetParam()(i);
        return made;
    }
    template <class Deed>
    static uint64_t cost_of(Deed&& deed) {
        const uint64_t before = work_done();
        deed();
        return work_done() - before;
    }
    // Nothing has to be quick once: a table that grows is copied now and then.
    static uint64_t average(std::span<const uint64_t> costs) {
        uint64_t sum = 0;
        for (const uint64_t cost : costs) sum += cost;
        return sum / costs.size();
    }

    World world{{.quotas = {}}};
};

TEST_P(WorkTest, TI21WhatAPacketCostsDoesNotGrowWithTheClientsThereAre) {
    std::vector<uint64_t> requests, packets;
    for (uint32_t i = 0; i < crowd; ++i) {
        TestClient one = client(i);
        requests.push_back(cost_of([&] {
            EXPECT_EQ(one.allocates().code(), 200);
            EXPECT_EQ(one.permits({turn::peer}).code(), 200);
            EXPECT_EQ(one.binds(0x4000, turn::peer).code(), 200);
            EXPECT_EQ(one.refreshes(1200).code(), 200);
        }));
        packets.push_back(cost_of([&] {
            EXPECT_EQ(one.sends_on(0x4000, "to").size(), 1u);
            EXPECT_EQ(one.hears(turn::peer, "from").size(), 1u);
        }));
    }
    const uint64_t at_first = average(std::span(requests).first(few));
    EXPECT_LE(average(std::span(requests).last(crowd / 2)), at_first + at_first / 8);
    EXPECT_LE(std::ranges::max(packets), 2 * std::ranges::min(packets));
}

TEST_P(WorkTest, TI21TimeThatPassesCostsNoMoreThanEveryClientOnce) {
    for (uint32_t i = 0; i < few; ++i) client(i).allocates();
    const uint64_t of_few = cost_of([&] { world.passes(10min); });
    EXPECT_EQ(world.server.stats().allocations_live, 0u);
    for (uint32_t i = 0; i < crowd; ++i) client(i).allocates();
    const uint64_t of_many = cost_of([&] {
        while (world.server.next_deadline() <= world.now.steady + 10min) {
            world.passes(world.server.next_deadline() - world.now.steady);
        }
    });
    EXPECT_LE(of_many, of_few * (crowd / few) * 2);
}

INSTANTIATE_TEST_SUITE_P(Addresses, WorkTest,
                         testing::Values(another_port, another_host, another_network,
                                         another_interface));

TEST(Work, TI21RefreshingOftenCostsNoMoreTimers) {
    World world;
    TestClient client(world);
    client.allocates();
    uint64_t idle = 0, worst = 0;
    for (int i = 0; i < 2000; ++i) {
        if (i % 1000 == 0) client.fetches_nonce();
        EXPECT_EQ(client.refreshes(600).code(), 200);
        const uint64_t before = work_done();
        world.passes(400ms);
        const uint64_t cost = work_done() - before;
        if (i == 0) idle = cost;
        if (cost > idle) ++worst;
    }
    EXPECT_LE(worst, 2u);  // the one entry, when it is due
}

}  // namespace
}  // namespace ahoy::sim
