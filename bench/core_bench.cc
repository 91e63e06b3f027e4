// What the cores cost without sockets and kernel: one datagram in, its answer in the outbox.
//
//   core_bench [--benchmark_filter=ChannelData]
//
// The argument behind a name is the number of allocations, over which the datagrams are spread:
// with many the caches do not hold them all.
#include <benchmark/benchmark.h>

#include <deque>

#include "stun/integrity.h"
#include "turn/one_shard_ports.h"
#include "turn/server.h"

namespace ahoy::turn {
namespace {

using stun::AttributeType;
using stun::Class;
using stun::Method;
using Packet = std::vector<uint8_t>;

const TransportAddress listener = TransportAddress::parse("192.0.2.15:3478").value();
const TransportAddress peer = TransportAddress::parse("203.0.113.9:5000").value();
constexpr SocketId listener_socket{0};
constexpr stun::TransactionId transaction{1, 2, 3};
constexpr size_t payload_size = 160;

class Ports final : public OneShardPorts {
  public:
    bool supports(AddressFamily) const override { return true; }
    std::optional<OpenedPorts> open(AddressFamily, Parity, const IpAddress&) override {
        ++last_;
        const auto port = static_cast<uint16_t>(49152 + last_ % 16384);
        return OpenedPorts{{SocketId{last_}, {listener.ip, port}}, {}};
    }
    void close(const RelayPort&) override {}
    bool is_own(const IpAddress& ip) const override { return ip == listener.ip; }
    bool is_live(const TransportAddress&) const override { return false; }
    SocketId latest() const { return SocketId{last_}; }

  private:
    uint32_t last_ = 0;
};

struct User {
    TransportAddress address;
    SocketId relay{};
    std::string nonce;
};

class World {
  public:
    explicit World(size_t count) {
        for (size_t i = 0; i < count; ++i) add_user();
    }

    Packet allocate_request() {
        return write(Method::allocate, nullptr, [](stun::MessageWriter& w) {
            w.number(AttributeType::requested_transport, 17u << 24);
        });
    }
    Packet refresh_request(const User& user) {
        return write(Method::refresh, &user, [](stun::MessageWriter& w) { w.lifetime(10min); });
    }
    Datagram from(const User& user, Bytes bytes) const {
        return {listener_socket, user.address, listener, bytes};
    }

    template <class Add>
    Packet write(Method method, const User* signed_by, Add&& add) {
        std::array<uint8_t, 2048> buffer;
        stun::MessageWriter writer(buffer, {method, Class::request}, transaction);
        add(writer);
        if (signed_by != nullptr) {
            writer.text(AttributeType::username, "alice");
            writer.text(AttributeType::realm, "ahoy");
            writer.text(AttributeType::nonce, signed_by->nonce);
            writer.integrity(stun::long_term_key("alice", "ahoy", "wonder"));
        }
        const auto bytes = writer.finish();
        return {bytes.begin(), bytes.end()};
    }

    Now now{Instant{} + 1h, WallTime(1'700'000'000s)};
    Outbox out;
    Ports ports;
    Observer observer;
    Server server{{.max_allocations_per_user = 100'000},
                  std::make_shared<Credentials>(
                      "ahoy", std::map<std::string, std::string>{{"alice", "wonder"}},
                      std::vector<std::string>{}),
                  Nonces({7}),
                  PeerPolicy({.allow = {Prefix::parse("203.0.113.0/24").value()}}, {listener}),
                  ports,
                  observer,
                  Random::from_number(1)};
    std::vector<User> users;

  private:
    void add_user() {
        User user;
        const auto number = static_cast<uint32_t>(users.size());
        user.address = {IpAddress::v4(0x05000000 + number), 1234};
        ask(user, allocate_request());
        const auto challenge = stun::Message::parse(answer_);
        user.nonce = challenge.value().text(AttributeType::nonce).value();
        ask(user, write(Method::allocate, &user, [](stun::MessageWriter& w) {
                w.number(AttributeType::requested_transport, 17u << 24);
            }));
        user.relay = ports.latest();
        ask(user, write(Method::channel_bind, &user, [](stun::MessageWriter& w) {
                w.channel_number(ChannelNumber::first);
                w.xor_address(AttributeType::xor_peer_address, peer);
            }));
        users.push_back(user);
    }
    void ask(const User& user, const Packet& request) {
        server.from_client(now, from(user, request), out);
        const Transmit& sent = out.pending().front();
        answer_.assign(sent.bytes.begin(), sent.bytes.end());
        out.clear();
    }
    Packet answer_;
};

// Handles one datagram for each user in turn; every one must cause exactly one.
template <class Handle>
void run(benchmark::State& state, World& world, Handle&& handle) {
    size_t next = 0;
    for (auto _ : state) {
        handle(world.users[next]);
        if (world.out.pending().size() != 1) return state.SkipWithError("no answer");
        benchmark::DoNotOptimize(world.out.pending().data());
        world.out.clear();
        if (++next == world.users.size()) next = 0;
    }
    state.SetItemsProcessed(state.iterations());
}

size_t users(const benchmark::State& state) {
    return static_cast<size_t>(state.range(0));
}

void ChannelDataToPeer(benchmark::State& state) {
    World world(users(state));
    const auto header =
        ChannelData::header(*ChannelNumber::from_wire(ChannelNumber::first), payload_size);
    Packet packet(header.begin(), header.end());
    packet.resize(ChannelData::header_size + payload_size);
    run(state, world, [&](const User& user) {
        world.server.from_client(world.now, world.from(user, packet), world.out);
    });
}
BENCHMARK(ChannelDataToPeer)->Arg(1)->Arg(500)->Arg(20'000);

void PeerToChannelData(benchmark::State& state) {
    World world(users(state));
    const Packet packet(payload_size);
    run(state, world, [&](const User& user) {
        world.server.from_peer(world.now, {user.relay, peer, {}, packet}, world.out);
    });
}
BENCHMARK(PeerToChannelData)->Arg(1)->Arg(500)->Arg(20'000);

void SendIndication(benchmark::State& state) {
    World world(users(state));
    std::array<uint8_t, 2048> buffer;
    stun::MessageWriter writer(buffer, {Method::send, Class::indication}, transaction);
    writer.xor_address(AttributeType::xor_peer_address, peer);
    writer.attribute(AttributeType::data, Packet(payload_size));
    const Bytes packet = writer.finish();
    run(state, world, [&](const User& user) {
        world.server.from_client(world.now, world.from(user, packet), world.out);
    });
}
BENCHMARK(SendIndication)->Arg(1)->Arg(500);

// A stranger's first request, answered with a 401.
void Challenge(benchmark::State& state) {
    World world(1);
    const Packet packet = world.allocate_request();
    uint32_t stranger = 0x0a000000;
    run(state, world, [&](const User&) {
        const TransportAddress address{IpAddress::v4(++stranger), 1234};
        world.server.from_client(world.now, {listener_socket, address, listener, packet},
                                 world.out);
    });
}
BENCHMARK(Challenge);

void AuthenticatedRefresh(benchmark::State& state) {
    World world(users(state));
    std::vector<Packet> packets;
    for (const User& user : world.users) packets.push_back(world.refresh_request(user));
    run(state, world, [&](const User& user) {
        const auto index = static_cast<size_t>(&user - world.users.data());
        world.server.from_client(world.now, world.from(user, packets[index]), world.out);
    });
}
BENCHMARK(AuthenticatedRefresh)->Arg(1)->Arg(500);

void StunParse(benchmark::State& state) {
    World world(1);
    const Packet packet = world.refresh_request(world.users.front());
    for (auto _ : state) benchmark::DoNotOptimize(stun::Message::parse(packet));
}
BENCHMARK(StunParse);

}  // namespace
}  // namespace ahoy::turn

BENCHMARK_MAIN();
