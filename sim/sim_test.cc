// The NAT and the network of the simulation do what RFC 4787 says, or they would hide bugs.
#include <gmock/gmock.h>

#include "base/test_address.h"
#include "sim/network.h"
#include "sim/streams.h"

namespace ahoy::sim {
namespace {

using enum NatBehaviour;
using testing::Optional;

const TransportAddress inside = at("10.0.0.2:5000");
const TransportAddress server = at("192.0.2.15:3478");
const TransportAddress other_port = at("192.0.2.15:3479");
const TransportAddress other_address = at("192.0.2.16:3478");
constexpr Instant start{};

Nat nat(NatBehaviour mapping, NatBehaviour filtering, bool preserves = false) {
    return Nat({.external = at("203.0.113.1:1").ip,
                .mapping = mapping,
                .filtering = filtering,
                .preserves_ports = preserves});
}

TEST(Nat, MapsByWhatTheMappingDependsOn) {
    const struct {
        NatBehaviour mapping;
        bool same_for_port, same_for_address;
    } cases[] = {{endpoint_independent, true, true},
                 {address_dependent, true, false},
                 {address_and_port_dependent, false, false}};
    for (const auto& c : cases) {
        Nat n = nat(c.mapping, endpoint_independent);
        const auto seen = n.outbound(start, inside, server);
        EXPECT_EQ(n.outbound(start, inside, server), seen);
        EXPECT_EQ(n.outbound(start, inside, other_port) == seen, c.same_for_port);
        EXPECT_EQ(n.outbound(start, inside, other_address) == seen, c.same_for_address);
    }
}

TEST(Nat, FiltersByWhatTheFilteringDependsOn) {
    const struct {
        NatBehaviour filtering;
        bool port_passes, address_passes;
    } cases[] = {{endpoint_independent, true, true},
                 {address_dependent, true, false},
                 {address_and_port_dependent, false, false}};
    for (const auto& c : cases) {
        Nat n = nat(endpoint_independent, c.filtering);
        const uint16_t port = n.outbound(start, inside, server).port;
        EXPECT_THAT(n.inbound(start, server, port), Optional(inside));
        EXPECT_EQ(n.inbound(start, other_port, port).has_value(), c.port_passes);
        EXPECT_EQ(n.inbound(start, other_address, port).has_value(), c.address_passes);
    }
}

TEST(Nat, PreservesPortsWhereItCan) {
    Nat n = nat(endpoint_independent, endpoint_independent, true);
    EXPECT_EQ(n.outbound(start, inside, server).port, 5000);
    EXPECT_NE(n.outbound(start, at("10.0.0.3:5000"), server).port, 5000);
}

TEST(Nat, ForgetsWhatNothingLeavesThrough) {
    Nat n = nat(endpoint_independent, endpoint_independent);
    const uint16_t port = n.outbound(start, inside, server).port;
    n.outbound(start + 1min, inside, server);
    EXPECT_TRUE(n.inbound(start + 3min - 1ns, server, port));
    EXPECT_FALSE(n.inbound(start + 3min, server, port));
}

TEST(Nat, RebindsToAnotherPort) {
    Nat n = nat(endpoint_independent, endpoint_independent);
    const auto before = n.outbound(start, inside, server);
    n.rebind();
    EXPECT_FALSE(n.inbound(start, server, before.port));
    EXPECT_NE(n.outbound(start, inside, server), before);
}

TEST(Network, TranslatesOnTheWayOutAndIn) {
    Nat n = nat(address_dependent, address_and_port_dependent);
    Network network{Dice(1)};
    network.put_behind(inside.ip, n);
    network.send(start, inside, server, as_bytes("ping"));
    const auto ping = network.take(network.next());
    ASSERT_TRUE(ping);
    EXPECT_EQ(ping->from.ip, n.config().external);
    EXPECT_EQ(as_text(ping->bytes), "ping");

    network.send(start, server, ping->from, as_bytes("pong"));
    const auto pong = network.take(network.next());
    ASSERT_TRUE(pong);
    EXPECT_EQ(pong->to, inside);

    network.send(start, other_port, ping->from, as_bytes("spam"));
    EXPECT_FALSE(network.take(network.next()));
}

TEST(Network, LosesDoublesDamagesAndShortensAsOftenAsItIsTold) {
    const auto carried = [](const NetworkFaults& faults) {
        Network network{Dice(1)};
        network.set_faults(faults);
        for (int i = 0; i < 1000; ++i) network.send(start, inside, server, as_bytes("12345678"));
        size_t whole = 0, other = 0;
        while (network.next() != Instant::max()) {
            const bool same = as_text(network.take(network.next())->bytes) == "12345678";
            ++(same ? whole : other);
        }
        return std::pair(whole, other);
    };
    EXPECT_EQ(carried({}), std::pair(size_t{1000}, size_t{0}));
    EXPECT_EQ(carried({.lost = 100}).first, 0u);
    EXPECT_NEAR(static_cast<double>(carried({.lost = 20}).first), 800, 60);
    EXPECT_EQ(carried({.doubled = 100}).first, 2000u);
    EXPECT_EQ(carried({.damaged = 100}), std::pair(size_t{0}, size_t{1000}));
    EXPECT_GT(carried({.cut_short = 100}).second, 800u);
}

TEST(Network, LetsDatagramsOvertakeEachOther) {
    Network network{Dice(1)};
    for (char c = 'a'; c <= 'z'; ++c) network.send(start, inside, server, as_bytes({&c, 1}));
    std::string order;
    Instant last = start;
    while (network.next() != Instant::max()) {
        EXPECT_GE(network.next(), last);
        last = network.next();
        order += as_text(network.take(last)->bytes);
    }
    EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
    EXPECT_LE(last, start + NetworkFaults{}.slowest);
}

class StreamsTest : public testing::Test {
  protected:
    using Kind = Streams::Heard::Kind;

    StreamsTest() { EXPECT_EQ(hears().kind, Kind::opened); }

    Streams::Heard hears() { return streams.take(streams.next()); }
    // Until it ends so, or nothing comes any more.
    std::string hears_until(Kind end) {
        std::string text;
        while (streams.next() != Instant::max()) {
            const auto heard = hears();
            EXPECT_EQ(heard.end, other(opener));
            if (heard.kind == end) break;
            pieces += 1;
            text += as_text(heard.bytes);
        }
        return text;
    }

    Streams streams{Dice(2)};
    End opener = streams.open(start);
    const std::string long_text = std::string(3000, 'a') + std::string(3000, 'b');
    size_t pieces = 0;
};

TEST_F(StreamsTest, CutWhatIsSaidAndLoseNothing) {
    for (int i = 0; i < 10; ++i) {
        streams.say(start, opener, as_bytes(long_text));
        EXPECT_EQ(hears_until(Kind::finished), long_text);
    }
    EXPECT_GT(pieces, 20u);
}

TEST_F(StreamsTest, KeepTheOtherHalfWhenOneIsFinished) {
    streams.finish(start, other(opener));
    EXPECT_EQ(hears().kind, Kind::finished);
    streams.say(start, opener, as_bytes("still here"));
    EXPECT_EQ(hears_until(Kind::finished), "still here");
}

TEST_F(StreamsTest, LoseSomeOfWhatWasSaidWhenItsEndIsClosedUnfinished) {
    streams.say(start, opener, as_bytes(long_text));
    streams.close(start, opener);
    const std::string heard = hears_until(Kind::closed);
    EXPECT_LT(heard.size(), long_text.size());
    EXPECT_TRUE(long_text.starts_with(heard));
}

TEST_F(StreamsTest, LoseNothingWhenItsEndIsClosedAfterItHasFinished) {
    streams.say(start, opener, as_bytes(long_text));
    streams.finish(start, opener);
    streams.close(start, opener);
    EXPECT_EQ(hears_until(Kind::finished), long_text);
    EXPECT_EQ(hears().kind, Kind::closed);
}

TEST_F(StreamsTest, KeepWhatIsSaidUntilItIsRead) {
    streams.hold(other(opener));
    streams.say(start, opener, as_bytes("early"));
    EXPECT_EQ(streams.next(), Instant::max());
    streams.read(start, other(opener));
    streams.finish(start, opener);
    EXPECT_EQ(hears_until(Kind::finished), "early");
}

}  // namespace
}  // namespace ahoy::sim
