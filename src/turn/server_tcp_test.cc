// TCP allocations (RFC 6062).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int success = Response::success;
constexpr int silence = Response::silence;

constexpr SocketId control_stream{7}, data_stream{8};

// Streams that the test answers for.
class FakeStreams : public PeerStreams {
  public:
    std::optional<RelayPort> listen(AddressFamily family, const IpAddress&) override {
        if (exhausted) return {};
        const auto number = static_cast<uint16_t>(listened++);
        const TransportAddress address{
            ip(family == AddressFamily::ipv4 ? "192.0.2.15" : "2001:db8::15"),
            static_cast<uint16_t>(51001 + number)};
        listening.emplace(address);
        return RelayPort{SocketId{static_cast<uint32_t>(relay) + number}, address};
    }
    void close(const RelayPort& port) override { EXPECT_EQ(listening.erase(port.address), 1u); }
    void connect(const RelayPort& port, const TransportAddress& to, ConnectionId id,
                 const Holder& holder) override {
        EXPECT_TRUE(listening.contains(port.address));
        connecting.emplace_back(to);
        users.insert_or_assign(id, holder.user);
        last = id;
    }
    Joined join(SocketId client, ConnectionId id, const User& user) override {
        const auto known = users.find(id);
        if (known == users.end() || joined.contains(id)) return Joined::unknown;
        if (known->second != user) return Joined::other_user;
        joined[id] = client;
        return Joined::yes;
    }
    bool abandon(ConnectionId id) override {
        if (joined.contains(id)) return false;
        closed.push_back(id);
        users.erase(id);
        return true;
    }
    void disconnect(ConnectionId id) override { closed.push_back(id); }
    bool is_live(const TransportAddress& address) const override {
        return listening.contains(address);
    }

    static constexpr SocketId relay{900};  // the first
    unsigned listened = 0;
    bool exhausted = false;
    std::set<TransportAddress> listening;
    std::vector<TransportAddress> connecting;
    std::map<ConnectionId, User> users;
    std::map<ConnectionId, SocketId> joined;
    std::vector<ConnectionId> closed;
    ConnectionId last{};
};

void tcp(MessageWriter& w) {
    w.number(AttributeType::requested_transport, 6u << 24);
}

class TcpRelayTest : public testing::Test {
  protected:
    TcpRelayTest() {
        world.server.relay_tcp(streams);
        client.transport = Transport::tcp;
        client.socket = control_stream;
        data.transport = Transport::tls;
        data.socket = data_stream;
    }
    Response allocates(const AddAttributes& more = {}) {
        return client.asks(Method::allocate, [&](MessageWriter& w) {
            tcp(w);
            if (more) more(w);
        });
    }
    Response connects(const TransportAddress& to = peer) {
        return client.asks(Method::connect, [&](MessageWriter& w) {
            w.xor_address(AttributeType::xor_peer_address, to);
        });
    }
    // The answer to a Connect request, which comes when the peer has answered.
    Response answered(ConnectionId id, bool connected) {
        const auto sent = world.sends_of([&](Outbox& out) {
            world.server.peer_answered(world.now, FakeStreams::relay, id, connected, out);
        });
        return sent.empty() ? Response{} : Response{sent.front().bytes};
    }
    static ConnectionId id_in(const Message& message) {
        const auto value = message.find(AttributeType::connection_id).value();
        return ConnectionId{stun::read_connection_id(value).value()};
    }
    Response joins(TestClient& who, ConnectionId id) {
        return who.asks(Method::connection_bind, [&](MessageWriter& w) {
            w.number(AttributeType::connection_id, static_cast<uint32_t>(id));
        });
    }
    // The ConnectionAttempt indication.
    std::vector<Sent> arrives(const TransportAddress& from) {
        return world.sends_of([&](Outbox& out) {
            attempt = world.server.peer_arrived(world.now, FakeStreams::relay, from, out);
            if (attempt) streams.users.insert_or_assign(attempt->id, attempt->holder.user);
        });
    }

    World world;
    FakeStreams streams;
    TestClient client{world};
    TestClient data{world, "5.6.7.8:1235"};
    std::optional<Server::Attempt> attempt;
};

TEST_F(TcpRelayTest, L01_NotByDatagrams) {
    for (const auto transport : {Transport::udp, Transport::dtls}) {
        client.transport = transport;
        EXPECT_EQ(allocates().code(), 400);
    }
    EXPECT_THAT(streams.listening, IsEmpty());
}

TEST_F(TcpRelayTest, L02_NotWithWhatOnlyUdpHas) {
    EXPECT_EQ(allocates([](auto& w) { w.attribute(AttributeType::dont_fragment, {}); }).code(),
              400);
    EXPECT_EQ(allocates([](auto& w) {
                  w.attribute(AttributeType::even_port, std::array<uint8_t, 1>{0});
              }).code(),
              400);
    EXPECT_EQ(allocates([](auto& w) {
                  w.attribute(AttributeType::reservation_token, std::array<uint8_t, 8>{});
              }).code(),
              400);
}

TEST(TcpRelayOff, L03_UnsupportedTransport) {
    World world;
    TestClient client(world);
    client.transport = Transport::tcp;
    EXPECT_EQ(client.asks(Method::allocate, tcp).code(), 442);
    EXPECT_EQ(client.asks(Method::connect).code(), silence);
    EXPECT_EQ(world.drops(Drop::unknown_method), 1u);
}

TEST_F(TcpRelayTest, L04_TheRelayedAddressIsOneThatListens) {
    const auto response = allocates();
    ASSERT_EQ(response.code(), success);
    EXPECT_TRUE(streams.listening.contains(*response.address(AttributeType::xor_relayed_address)));
    EXPECT_THAT(world.ports.live, IsEmpty());
    EXPECT_EQ(client.refreshes(0).code(), success);
    EXPECT_THAT(streams.listening, IsEmpty());
}

TEST_F(TcpRelayTest, ExhaustedPortsAreInsufficientCapacity) {
    streams.exhausted = true;
    EXPECT_EQ(allocates().code(), 508);
}

TEST_F(TcpRelayTest, L05_ConnectNeedsAnAllocation) {
    EXPECT_EQ(connects().code(), 437);
}

TEST_F(TcpRelayTest, ConnectNeedsATcpAllocation) {
    ASSERT_EQ(client.allocates().code(), success);
    EXPECT_EQ(connects().code(), 400);
}

TEST_F(TcpRelayTest, L06_ConnectNeedsAPeer) {
    ASSERT_EQ(allocates().code(), success);
    EXPECT_EQ(client.asks(Method::connect).code(), 400);
    EXPECT_EQ(connects({peer.ip, 0}).code(), 400);
}

TEST_F(TcpRelayTest, L07_OneConnectionToAPeer) {
    ASSERT_EQ(allocates().code(), success);
    EXPECT_EQ(connects().code(), silence);  // until the peer has answered
    EXPECT_EQ(connects().code(), 446);
    answered(streams.last, true);
    EXPECT_EQ(connects().code(), 446);
    ASSERT_EQ(joins(data, streams.last).code(), success);
    EXPECT_EQ(connects().code(), 446);
    world.server.peer_gone(FakeStreams::relay, streams.last);
    EXPECT_EQ(connects().code(), silence);
    EXPECT_THAT(streams.connecting, ElementsAre(peer, peer));
}

TEST_F(TcpRelayTest, L08_ThePolicyHolds) {
    ASSERT_EQ(allocates().code(), success);
    EXPECT_EQ(connects(at("10.0.0.1:80")).code(), 403);
    EXPECT_EQ(connects(at("127.0.0.1:80")).code(), 403);
    EXPECT_EQ(connects(at("192.0.2.15:50002")).code(), 403);
    EXPECT_EQ(connects(ipv6_peer).code(), 443);
    EXPECT_THAT(streams.connecting, IsEmpty());
}

// Another client's UDP port says nothing about who listens on that port by TCP.
TEST_F(TcpRelayTest, L08_ALiveUdpRelayIsNoTcpPeer) {
    TestClient other(world, "5.6.7.9:1", "bob", "builder");
    ASSERT_EQ(other.allocates().code(), success);
    ASSERT_EQ(allocates().code(), success);
    EXPECT_EQ(connects(other.relay.address).code(), 403);
    streams.listening.insert(other.relay.address);
    EXPECT_EQ(connects(other.relay.address).code(), silence);
}

TEST_F(TcpRelayTest, ARelayedPortIsNotItsOwnPeer) {
    const auto itself =
        allocates().message().xor_address(AttributeType::xor_relayed_address).value();
    EXPECT_EQ(connects(itself).code(), 403);
    EXPECT_THAT(streams.connecting, IsEmpty());
}

TEST_F(TcpRelayTest, L09_APeerThatRefuses) {
    ASSERT_EQ(allocates().code(), success);
    connects();
    const auto response = answered(streams.last, false);
    EXPECT_EQ(response.code(), 447);
    EXPECT_TRUE(client.trusts(response.message()));
    EXPECT_EQ(connects().code(), silence);
}

TEST_F(TcpRelayTest, L09_APeerThatIsSilent) {
    ASSERT_EQ(allocates().code(), success);
    connects();
    EXPECT_THAT(world.passes(29s), IsEmpty());
    const auto sent = world.passes(1s);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(Response{sent[0].bytes}.code(), 447);
    EXPECT_THAT(streams.closed, ElementsAre(streams.last));
    EXPECT_THAT(answered(streams.last, true).bytes, IsEmpty());  // too late
}

TEST_F(TcpRelayTest, L09_MoreSilentPeersThanAnOutboxHolds) {
    constexpr size_t clients = 10, connects_each = 60;
    for (uint16_t i = 0; i < clients; ++i) {
        TestClient one(world, "5.6.7.8:" + std::to_string(2000 + i));
        one.transport = Transport::tcp;
        ASSERT_EQ(one.asks(Method::allocate, tcp).code(), success);
        for (uint16_t j = 0; j < connects_each; ++j) {
            one.asks(Method::connect, [&](MessageWriter& w) {
                w.xor_address(AttributeType::xor_peer_address,
                              {peer.ip, static_cast<uint16_t>(1000 + j)});
            });
        }
    }
    size_t answers = 0;
    for (auto sent = world.passes(30s); !sent.empty(); sent = world.passes(0s)) {
        answers += sent.size();
    }
    EXPECT_EQ(answers, clients * connects_each);
    EXPECT_GT(world.server.next_deadline(), world.now.steady);
}

TEST_F(TcpRelayTest, L11_AndThenTheConnectionHasAnId) {
    ASSERT_EQ(allocates().code(), success);
    connects();
    const auto response = answered(streams.last, true);
    ASSERT_EQ(response.code(), success);
    EXPECT_TRUE(client.trusts(response.message()));
    EXPECT_EQ(id_in(response.message()), streams.last);
    EXPECT_EQ(joins(data, streams.last).code(), success);
    EXPECT_EQ(streams.joined.at(streams.last), data_stream);
}

TEST_F(TcpRelayTest, L13_ConnectionBindByStreamsOnly) {
    ASSERT_EQ(allocates().code(), success);
    connects();
    answered(streams.last, true);
    data.transport = Transport::udp;
    EXPECT_EQ(joins(data, streams.last).code(), 400);
    EXPECT_EQ(joins(client, streams.last).code(), 400);  // the control connection
}

TEST_F(TcpRelayTest, L14_UnknownOrJoinedAlready) {
    ASSERT_EQ(allocates().code(), success);
    connects();
    answered(streams.last, true);
    EXPECT_EQ(joins(data, ConnectionId{1}).code(), 400);
    EXPECT_EQ(data.asks(Method::connection_bind).code(), 400);
    EXPECT_EQ(joins(data, streams.last).code(), success);
    TestClient late(world, "5.6.7.8:1236");
    late.transport = Transport::tcp;
    EXPECT_EQ(joins(late, streams.last).code(), 400);
}

TEST_F(TcpRelayTest, L15_AnotherUserMayNotJoin) {
    ASSERT_EQ(allocates().code(), success);
    connects();
    answered(streams.last, true);
    TestClient bob(world, "5.6.7.9:1", "bob", "builder");
    bob.transport = Transport::tcp;
    EXPECT_EQ(joins(bob, streams.last).code(), 441);
}

TEST_F(TcpRelayTest, L17_NobodyJoins) {
    ASSERT_EQ(allocates().code(), success);
    connects();
    answered(streams.last, true);
    world.passes(29s);
    EXPECT_THAT(streams.closed, IsEmpty());
    world.passes(1s);
    EXPECT_THAT(streams.closed, ElementsAre(streams.last));
    EXPECT_EQ(joins(data, streams.last).code(), 400);
}

TEST_F(TcpRelayTest, L17_WhoHasJoinedStays) {
    ASSERT_EQ(allocates().code(), success);
    connects();
    answered(streams.last, true);
    ASSERT_EQ(joins(data, streams.last).code(), success);
    world.passes(60s);
    EXPECT_THAT(streams.closed, IsEmpty());
}

TEST_F(TcpRelayTest, L18_PeersWithoutPermissionAreTurnedAway) {
    ASSERT_EQ(allocates().code(), success);
    EXPECT_THAT(arrives(peer), IsEmpty());
    EXPECT_FALSE(attempt);
    EXPECT_EQ(world.drops(Drop::no_permission), 1u);
    ASSERT_EQ(client.permits({peer}).code(), success);
    world.passes(5min);
    EXPECT_THAT(arrives(peer), IsEmpty());
}

TEST_F(TcpRelayTest, L19_PeersWithPermissionAreAnnounced) {
    ASSERT_EQ(allocates().code(), success);
    ASSERT_EQ(client.permits({peer}).code(), success);
    const TransportAddress from{peer.ip, 6000};
    const auto sent = arrives(from);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].socket, control_stream);
    const auto indication = Message::parse(sent[0].bytes).value();
    EXPECT_EQ(indication.type(), (MessageType{Method::connection_attempt, Class::indication}));
    EXPECT_EQ(indication.xor_address(AttributeType::xor_peer_address), from);
    ASSERT_TRUE(attempt);
    EXPECT_EQ(id_in(indication), attempt->id);
    EXPECT_EQ(joins(data, attempt->id).code(), success);
}

TEST_F(TcpRelayTest, L20_NoDatagrams) {
    ASSERT_EQ(allocates().code(), success);
    ASSERT_EQ(client.permits({peer}).code(), success);
    EXPECT_EQ(client.binds(0x4000, peer).code(), 403);
    EXPECT_THAT(client.sends(peer, "x"), IsEmpty());
    EXPECT_EQ(world.drops(Drop::over_tcp), 1u);
}

TEST_F(TcpRelayTest, L21_EverythingEndsWithTheControlConnection) {
    ASSERT_EQ(allocates().code(), success);
    connects();
    const auto first = streams.last;
    answered(first, true);
    ASSERT_EQ(joins(data, first).code(), success);
    connects({peer.ip, 7000});
    world.server.client_gone(world.now, {control_stream, client.address, listener});
    EXPECT_THAT(streams.closed, ElementsAre(first, streams.last));
    EXPECT_THAT(streams.listening, IsEmpty());
    EXPECT_THAT(answered(streams.last, true).bytes, IsEmpty());
}

TEST_F(TcpRelayTest, ConnectionsAreBounded) {
    ASSERT_EQ(allocates().code(), success);
    const unsigned most = ServerConfig{}.max_connections;
    for (unsigned i = 0; i < most; ++i) {
        EXPECT_EQ(connects({peer.ip, static_cast<uint16_t>(1000 + i)}).code(), silence);
    }
    EXPECT_EQ(connects().code(), 508);
    ASSERT_EQ(client.permits({peer}).code(), success);
    EXPECT_THAT(arrives(peer), IsEmpty());
    EXPECT_EQ(world.drops(Drop::capacity), 1u);
}

TEST_F(TcpRelayTest, ConnectionsOfAllAllocationsOfAUserAreBounded) {
    world.server.set_quotas({.per_user = {.connections = 2}});
    ASSERT_EQ(allocates().code(), success);
    ASSERT_EQ(client.permits({peer}).code(), success);
    TestClient other(world, "5.6.7.8:999");
    other.transport = Transport::tcp;
    ASSERT_EQ(other.asks(Method::allocate, tcp).code(), success);
    const auto other_connects = [&] {
        return other.asks(Method::connect, [](MessageWriter& w) {
            w.xor_address(AttributeType::xor_peer_address, peer);
        });
    };

    connects();
    const auto first = streams.last;
    EXPECT_THAT(arrives({peer.ip, 6000}), SizeIs(1));
    EXPECT_EQ(other_connects().code(), 508);
    EXPECT_THAT(arrives({peer.ip, 6001}), IsEmpty());
    // It counts until it has failed, is closed, or nobody has joined it in time.
    EXPECT_EQ(answered(first, false).code(), 447);
    EXPECT_EQ(other_connects().code(), silence);
    EXPECT_EQ(connects().code(), 508);
    world.server.peer_gone(FakeStreams::relay, attempt->id);
    EXPECT_EQ(connects().code(), silence);
    EXPECT_EQ(connects({peer.ip, 7000}).code(), 508);
    world.passes(30s);
    EXPECT_EQ(connects({peer.ip, 7000}).code(), silence);
    EXPECT_EQ(other_connects().code(), silence);
}

// With this seed one of the first 1400 ids would come twice.
TEST(TcpRelayIds, PendingConnectsHaveIdsOfTheirOwn) {
    constexpr unsigned many = 1400;
    World world({.max_connections = many}, {}, 320);
    FakeStreams streams;
    world.server.relay_tcp(streams);
    TestClient client{world};
    client.transport = Transport::tcp;
    ASSERT_EQ(client.asks(Method::allocate, tcp).code(), success);
    for (unsigned i = 0; i < many; ++i) {
        const TransportAddress to{peer.ip, static_cast<uint16_t>(1 + i)};
        client.asks(Method::connect,
                    [&](MessageWriter& w) { w.xor_address(AttributeType::xor_peer_address, to); });
    }
    EXPECT_EQ(streams.connecting.size(), many);
    EXPECT_EQ(streams.users.size(), many);
}

TEST_F(TcpRelayTest, AReloadedPolicyEndsConnections) {
    ASSERT_EQ(allocates().code(), success);
    connects();
    answered(streams.last, true);
    world.serves(
        World::credentials(),
        PeerPolicy({.allow = {}, .deny = {Prefix::parse("9.0.0.0/8").value()}}, {listener}));
    EXPECT_THAT(streams.closed, ElementsAre(streams.last));
    EXPECT_EQ(connects().code(), 403);
}

TEST_F(TcpRelayTest, AReloadedPolicyAnswersWhoIsConnecting) {
    ASSERT_EQ(allocates().code(), success);
    EXPECT_EQ(connects().code(), Response::silence);
    const auto denied = streams.last;
    const auto reloads = [&](const char* prefix) {
        world.serves(
            World::credentials(),
            PeerPolicy({.allow = {}, .deny = {Prefix::parse(prefix).value()}}, {listener}));
    };
    reloads("8.0.0.0/8");
    EXPECT_TRUE(world.passes(0s).empty());
    reloads("9.0.0.0/8");
    reloads("8.0.0.0/8");  // too late for what was given up
    EXPECT_THAT(streams.closed, ElementsAre(denied));
    const auto sent = world.passes(0s);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(Response{sent[0].bytes}.code(), 403);
    EXPECT_TRUE(client.trusts(Response{sent[0].bytes}.message()));
    EXPECT_TRUE(world.passes(30s).empty());
    EXPECT_EQ(connects().code(), Response::silence);
}

TEST_F(TcpRelayTest, WhatANewPolicyAllowsGoesOnConnecting) {
    ASSERT_EQ(allocates().code(), success);
    connects();
    world.serves(World::credentials());
    EXPECT_EQ(answered(streams.last, true).code(), success);
}

}  // namespace
}  // namespace ahoy::turn
