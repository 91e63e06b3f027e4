#include "net/turn_sockets.h"

#include <gtest/gtest.h>
#include <netinet/udp.h>

#include <boost/asio/io_context.hpp>
#include <set>

#include "base/check.h"
#include "net/clock.h"
#include "net/socket_address.h"
#include "turn/client.h"

namespace ahoy::net {
namespace {

const IpAddress loopback = IpAddress::v4(0x7f000001);

// A UDP socket on loopback.
class Peer {
  public:
    Peer() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        const SocketAddress any({loopback, 0});
        CHECK(::bind(fd_, any.get(), any.size()) == 0);
    }
    ~Peer() { ::close(fd_); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    TransportAddress address() const {
        SocketAddress local;
        CHECK(::getsockname(fd_, local.get(), local.capacity()) == 0);
        return local.address();
    }
    void send(const TransportAddress& to, Bytes bytes) const {
        const SocketAddress address(to);
        CHECK(::sendto(fd_, bytes.data(), bytes.size(), 0, address.get(), address.size()) >= 0);
    }

    bool hears() const {
        uint8_t byte = 0;
        return ::recv(fd_, &byte, 1, 0) >= 0;
    }
    int fd() const { return fd_; }

  private:
    int fd_;
};

// How many sockets of this process take several datagrams as one.
size_t coalescing_sockets() {
    size_t found = 0;
    for (int fd = 0; fd < 256; ++fd) {
        int on = 0;
        socklen_t size = sizeof on;
        if (::getsockopt(fd, SOL_UDP, UDP_GRO, &on, &size) == 0 && on != 0) ++found;
    }
    return found;
}

// A TURN client on a real socket.
class LoopbackClient {
  public:
    explicit LoopbackClient(const TransportAddress& server)
        : client_({.server = server, .username = "alice", .password = "wonder"},
                  Random::from_number(5)) {}

    template <class Ask>
    void asks(Ask&& ask) {
        ask(client_, out_);
        flush();
    }
    void receive() {
        std::array<uint8_t, 2048> buffer;
        for (;;) {
            const auto size = ::recv(socket_.fd(), buffer.data(), buffer.size(), 0);
            if (size < 0) return;
            const auto bytes = Bytes(buffer).first(static_cast<size_t>(size));
            if (const auto message = stun::Message::parse(bytes)) {
                const auto found = message->find(stun::AttributeType::icmp);
                if (found) icmp_.emplace_back(found->begin(), found->end());
            }
            if (client_.from_server(read_clocks(), {.bytes = bytes}, out_)) ++heard_;
            flush();
        }
    }
    // Datagrams of peers.
    size_t heard() {
        receive();
        return heard_;
    }
    const TransportAddress& relayed() const { return client_.relayed().value(); }
    bool has(turn::ClientEvent::Kind kind) {
        receive();
        for (const auto& event : client_.take_events()) seen_.insert(event.kind);
        return seen_.contains(kind);
    }
    const std::vector<std::vector<uint8_t>>& icmp() {
        receive();
        return icmp_;
    }

  private:
    void flush() {
        for (const Transmit& t : out_.pending()) {
            std::vector<uint8_t> bytes(t.prefix.begin(), t.prefix.begin() + t.prefix_size);
            bytes.insert(bytes.end(), t.bytes.begin(), t.bytes.end());
            socket_.send(t.to, bytes);
        }
        out_.clear();
    }
    Peer socket_;
    turn::Client client_;
    Outbox out_;
    std::set<turn::ClientEvent::Kind> seen_;
    size_t heard_ = 0;
    std::vector<std::vector<uint8_t>> icmp_;
};

// Two shards of one server, both on this thread.
class TurnSocketsTest : public testing::Test {
  protected:
    struct Shard {
        Shard(TurnSocketsTest& test, uint64_t seed)
            : sockets(test.io.get_executor(), test.addresses, test.shared, {20000, 20999},
                      Random::from_number(seed)),
              server({}, test.realms, turn::Nonces({7}), sockets, test.observer,
                     Random::from_number(seed)) {
            sockets.start(server);
        }
        uint64_t drops(turn::Drop why) const {
            return server.stats().drops[static_cast<size_t>(why)];
        }
        TurnSockets sockets;
        turn::Server server;
    };

    template <class Condition>
    void runs_until(Condition&& holds) {
        while (!holds()) ASSERT_EQ(io.run_one_for(std::chrono::seconds(10)), 1u);
    }
    // Allocates, and permits what comes from loopback.
    void enters(LoopbackClient& client) {
        client.asks([](turn::Client& c, Outbox& out) { c.allocate(read_clocks(), out); });
        runs_until([&] { return client.has(turn::ClientEvent::Kind::allocated); });
        client.asks([](turn::Client& c, Outbox& out) { c.permit(read_clocks(), loopback, out); });
        runs_until([&] { return client.has(turn::ClientEvent::Kind::permitted); });
    }

    boost::asio::io_context io;
    RelayAddresses addresses{{{loopback, loopback}}, {}};
    TurnShared shared;
    turn::Observer observer;
    std::shared_ptr<const turn::Realms> realms = turn::Realms::only(
        {"ahoy", {{"alice", "wonder"}}, {}}, {{.allow = {*Prefix::parse("127.0.0.0/8")}}, {}});
    Shard one{*this, 1}, two{*this, 2};
    Peer peer;
    const Instant now = Instant{} + 1h;
    const stun::ReservationToken token{1, 2, 3};
};

TEST_F(TurnSocketsTest, F11_AReservedPortMovesToTheShardThatRedeemsIt) {
    const auto opened =
        one.sockets.open(AddressFamily::ipv4, turn::Parity::even_and_next, loopback);
    ASSERT_TRUE(opened && opened->next);
    EXPECT_EQ(opened->next->address.port, opened->port.address.port + 1);
    one.sockets.reserve(*opened->next, {token, turn::User("alice"), now + 30s});

    EXPECT_FALSE(two.sockets.redeem(token, turn::User("bob"), now));
    const auto redeemed = two.sockets.redeem(token, turn::User("alice"), now);
    ASSERT_TRUE(redeemed);
    EXPECT_EQ(redeemed->address, opened->next->address);
    EXPECT_FALSE(one.sockets.redeem(token, turn::User("alice"), now));   // F12
    EXPECT_EQ(one.sockets.withdraw_expired(now + 30s), Instant::max());  // too late
    EXPECT_TRUE(addresses.is_live(redeemed->address));

    const std::array<uint8_t, 3> bytes{1, 2, 3};
    peer.send(redeemed->address, bytes);  // the second shard reads it: nobody's, in this test
    runs_until([&] { return two.drops(turn::Drop::no_allocation) == 1; });
    EXPECT_EQ(one.drops(turn::Drop::no_allocation), 0u);
    two.sockets.close(*redeemed);
    EXPECT_FALSE(addresses.is_live(redeemed->address));
}

TEST_F(TurnSocketsTest, F18_AReservedPortThatNobodyWantsIsFreeAgain) {
    const auto opened =
        one.sockets.open(AddressFamily::ipv4, turn::Parity::even_and_next, loopback);
    ASSERT_TRUE(opened && opened->next);
    const TransportAddress reserved = opened->next->address;
    one.sockets.reserve(*opened->next, {token, turn::User("alice"), now + 30s});
    EXPECT_TRUE(addresses.is_live(reserved));
    EXPECT_EQ(two.sockets.reserved(), 1u);
    EXPECT_EQ(two.sockets.withdraw_expired(now + 29s), now + 30s);
    EXPECT_TRUE(addresses.is_live(reserved));
    EXPECT_EQ(two.sockets.withdraw_expired(now + 30s), Instant::max());  // on whichever shard
    EXPECT_EQ(two.sockets.reserved(), 0u);
    EXPECT_FALSE(addresses.is_live(reserved));
    EXPECT_FALSE(two.sockets.redeem(token, turn::User("alice"), now));
}

// With real sockets, pairs and single ones, on two shards by turns.
TEST_F(TurnSocketsTest, TI5_AfterAMillionPortsThatCameAndWentAllAreThere) {
    constexpr size_t ports = 1'000'000;
    for (size_t opened = 0; opened < ports;) {
        TurnSockets& shard = opened % 2 == 0 ? one.sockets : two.sockets;
        const bool pair = opened % 4 < 2;
        const auto got = shard.open(
            AddressFamily::ipv4, pair ? turn::Parity::even_and_next : turn::Parity::any, loopback);
        ASSERT_TRUE(got.has_value()) << opened;
        shard.close(got->port);
        if (got->next) shard.close(*got->next);
        shard.flush();
        opened += got->next ? 2u : 1u;
    }
    std::vector<turn::RelayPort> all;
    while (const auto got = one.sockets.open(AddressFamily::ipv4, turn::Parity::any, loopback)) {
        all.push_back(got->port);
    }
    EXPECT_EQ(all.size(), 1000u);
}

TEST_F(TurnSocketsTest, I14_TheClientHearsThatNobodyListensAndTheRelayGoesOn) {
    const auto listening = one.sockets.listen({loopback, 0}, "turn.listen");
    LoopbackClient client(listening);
    enters(client);

    TransportAddress gone;
    {
        const Peer closed;
        gone = closed.address();
    }
    const std::array<uint8_t, 3> bytes{1, 2, 3};
    client.asks([&](turn::Client& c, Outbox& out) { c.send(gone, bytes, out); });
    runs_until([&] { return !client.icmp().empty(); });
    ASSERT_FALSE(client.icmp().empty());
    EXPECT_EQ(client.icmp()[0], (std::vector<uint8_t>{0, 0, 3, 3, 0, 0, 0, 0}));

    // Nothing of it is left at the socket: what follows is sent, first try or not.
    client.asks([&](turn::Client& c, Outbox& out) {
        c.send(gone, bytes, out);
        c.send(peer.address(), bytes, out);
    });
    runs_until([&] { return peer.hears(); });
    EXPECT_EQ(one.sockets.sent().refused, 0u);
    io.poll();
    one.server.close_all(read_clocks());
    one.sockets.stop();
}

TEST_F(TurnSocketsTest, CoalescingIsForbiddenAsOftenAsItIsAllowedAgain) {
    const auto opened = one.sockets.open(AddressFamily::ipv4, turn::Parity::any, loopback);
    ASSERT_TRUE(opened.has_value());
    ASSERT_EQ(coalescing_sockets(), 1u);
    one.sockets.forbid_coalescing(opened->port.socket);
    one.sockets.forbid_coalescing(opened->port.socket);
    EXPECT_EQ(coalescing_sockets(), 0u);
    one.sockets.allow_coalescing(opened->port.socket);
    EXPECT_EQ(coalescing_sockets(), 0u);
    one.sockets.allow_coalescing(opened->port.socket);
    EXPECT_EQ(coalescing_sockets(), 1u);
    one.sockets.close(opened->port);
}

TEST_F(TurnSocketsTest, AFloodAtOneRelayedAddressKeepsNobodyElseWaiting) {
    const auto listening = one.sockets.listen({loopback, 0}, "turn.listen");
    LoopbackClient flooded(listening), quiet(listening);
    enters(flooded);
    enters(quiet);

    // All are there before the first is read.
    constexpr size_t flood = 100;
    const std::array<uint8_t, 3> bytes{1, 2, 3};
    for (size_t i = 0; i < flood; ++i) peer.send(flooded.relayed(), bytes);
    peer.send(quiet.relayed(), bytes);
    runs_until([&] { return quiet.heard() == 1; });
    EXPECT_LE(flooded.heard(), flood / 2);
    runs_until([&] { return flooded.heard() == flood; });
    one.server.close_all(read_clocks());
    one.sockets.stop();
}

}  // namespace
}  // namespace ahoy::net
