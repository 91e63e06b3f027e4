#include "turn/reply_budget.h"

#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

constexpr int success = Response::success, silence = Response::silence;

class ReplyBudgetTest : public testing::Test {
  protected:
    unsigned granted(std::string_view to, unsigned asked = 100) {
        unsigned count = 0;
        for (unsigned i = 0; i < asked; ++i) count += budget.take(ip(to), now) ? 1 : 0;
        return count;
    }
    Instant now = Instant{} + 1h;
    ReplyBudget budget{10, AddressHash(1, 2)};
};

TEST_F(ReplyBudgetTest, O05_ASecondsWorthAtOnceAndThenTheRate) {
    EXPECT_EQ(granted("198.51.100.1"), 10u);
    now += 100ms;
    EXPECT_EQ(granted("198.51.100.1"), 1u);
    now += 500ms;
    EXPECT_EQ(granted("198.51.100.1"), 5u);
    now += 1h;
    EXPECT_EQ(granted("198.51.100.1"), 10u);
}

TEST_F(ReplyBudgetTest, O05_ANetworkHasOneBudget) {
    EXPECT_EQ(granted("198.51.100.1"), 10u);
    EXPECT_EQ(granted("198.51.100.255"), 0u);
    EXPECT_EQ(granted("198.51.101.1"), 10u);
    EXPECT_EQ(granted("2001:db8::1"), 10u);
    EXPECT_EQ(granted("2001:db8:0:ffff::1"), 0u);
    EXPECT_EQ(granted("2001:db8:1::1"), 10u);
}

TEST_F(ReplyBudgetTest, O05_NoLimit) {
    budget = ReplyBudget(0, AddressHash(1, 2));
    EXPECT_EQ(granted("198.51.100.1", 100'000), 100'000u);
}

TEST_F(ReplyBudgetTest, O05_TheRateCanChange) {
    EXPECT_EQ(granted("198.51.100.1"), 10u);
    now += 1s;
    budget.limit(20);
    EXPECT_EQ(granted("198.51.100.1"), 20u);
    budget.limit(0);
    EXPECT_EQ(granted("198.51.100.1"), 100u);
    budget.limit(10);
    EXPECT_EQ(granted("198.51.100.1"), 10u);
}

TEST(Server, O05_StrangersAreAnsweredUpToTheBudgetAndClientsAlways) {
    World world({.replies_per_second = 3});
    TestClient client(world);
    ASSERT_EQ(client.allocates().code(), success);  // its challenge was the first
    TestClient stranger(world, "5.6.7.9:9");
    EXPECT_EQ(stranger.asks_unsigned(Method::binding).code(), success);
    EXPECT_EQ(stranger.asks_unsigned(Method::allocate, TestClient::udp).code(), 401);
    EXPECT_EQ(stranger.asks_unsigned(Method::binding).code(), silence);
    EXPECT_EQ(stranger.asks_unsigned(Method::allocate, TestClient::udp).code(), silence);
    EXPECT_EQ(world.drops(Drop::budget), 2u);
    EXPECT_EQ(world.server.stats().bindings, 1u);
    EXPECT_EQ(client.refreshes(600).code(), success);
    EXPECT_EQ(TestClient(world, "5.6.8.1:1").asks_unsigned(Method::binding).code(), success);
    world.passes(1s);
    EXPECT_EQ(stranger.asks_unsigned(Method::binding).code(), success);
}

TEST(Server, O05_WhoHasAConnectionHasNotForgedIt) {
    World world({.replies_per_second = 1});
    TestClient client(world);
    const auto request = client.writes({Method::binding, Class::request});
    Outbox out;
    for (int i = 0; i < 5; ++i) {
        world.server.from_client(world.now,
                                 {.socket = listener_socket,
                                  .from = client.address,
                                  .local = listener,
                                  .bytes = request,
                                  .transport = Transport::tcp},
                                 out);
    }
    EXPECT_EQ(out.pending().size(), 5u);
}

}  // namespace
}  // namespace ahoy::turn
