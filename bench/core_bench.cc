// What the cores cost without sockets and kernel: one datagram in, its answer in the outbox.
//
//   core_bench [--benchmark_filter=ChannelData]     nanoseconds
//   core_bench CASE COUNT                           handles COUNT datagrams, for bench/instructions
//
// The number behind a name is the number of allocations, over which the datagrams are spread: with
// many the caches do not hold them all.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <functional>

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
    Server server{{.quotas = {}},
                  Realms::only({"ahoy", {{"alice", "wonder"}}, {}},
                               {{.allow = {Prefix::parse("203.0.113.0/24").value()}}, {listener}}),
                  Nonces({7}),
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

// Handles one datagram, which is to cause exactly one.
using Step = std::function<void(const User&)>;

Step channel_data_to_peer(World& world) {
    const auto header =
        ChannelData::header(*ChannelNumber::from_wire(ChannelNumber::first), payload_size);
    Packet packet(header.begin(), header.end());
    packet.resize(ChannelData::header_size + payload_size);
    return [&world, packet](const User& user) {
        world.server.from_client(world.now, world.from(user, packet), world.out);
    };
}

Step peer_to_channel_data(World& world) {
    return [&world, packet = Packet(payload_size)](const User& user) {
        world.server.from_peer(world.now, {user.relay, peer, {}, packet}, world.out);
    };
}

Step send_indication(World& world) {
    std::array<uint8_t, 2048> buffer;
    stun::MessageWriter writer(buffer, {Method::send, Class::indication}, transaction);
    writer.xor_address(AttributeType::xor_peer_address, peer);
    writer.attribute(AttributeType::data, Packet(payload_size));
    const auto bytes = writer.finish();
    return [&world, packet = Packet(bytes.begin(), bytes.end())](const User& user) {
        world.server.from_client(world.now, world.from(user, packet), world.out);
    };
}

// A stranger's first request, answered with a 401.
Step challenge(World& world) {
    return [&world, packet = world.allocate_request(),
            stranger = uint32_t{0x0a000000}](const User&) mutable {
        const TransportAddress address{IpAddress::v4(++stranger), 1234};
        world.server.from_client(world.now, {listener_socket, address, listener, packet},
                                 world.out);
    };
}

Step authenticated_refresh(World& world) {
    std::vector<Packet> packets;
    for (const User& user : world.users) packets.push_back(world.refresh_request(user));
    return [&world, packets](const User& user) {
        const auto index = static_cast<size_t>(&user - world.users.data());
        world.server.from_client(world.now, world.from(user, packets[index]), world.out);
    };
}

struct Case {
    std::string_view name;
    Step (*prepare)(World&);
    size_t users;

    std::string title() const { return fmt::format("{}/{}", name, users); }
};

constexpr auto cases = std::to_array<Case>({
    {"ChannelDataToPeer", channel_data_to_peer, 1},
    {"ChannelDataToPeer", channel_data_to_peer, 500},
    {"ChannelDataToPeer", channel_data_to_peer, 20'000},
    {"PeerToChannelData", peer_to_channel_data, 1},
    {"PeerToChannelData", peer_to_channel_data, 500},
    {"PeerToChannelData", peer_to_channel_data, 20'000},
    {"SendIndication", send_indication, 1},
    {"SendIndication", send_indication, 500},
    {"Challenge", challenge, 1},
    {"AuthenticatedRefresh", authenticated_refresh, 1},
    {"AuthenticatedRefresh", authenticated_refresh, 500},
});

// A world whose users send in turn.
class Run {
  public:
    explicit Run(const Case& what) : world_(what.users), step_(what.prepare(world_)) {}

    // Was there one answer?
    bool next() {
        step_(world_.users[next_]);
        const bool answered = world_.out.pending().size() == 1;
        world_.out.clear();
        if (++next_ == world_.users.size()) next_ = 0;
        return answered;
    }

  private:
    World world_;
    Step step_;
    size_t next_ = 0;
};

void measure(benchmark::State& state, const Case& what) {
    Run run(what);
    for (auto _ : state) {
        if (!run.next()) return state.SkipWithError("no answer");
    }
    state.SetItemsProcessed(state.iterations());
}

int repeat(std::string_view title, long count) {
    for (const Case& what : cases) {
        if (what.title() != title) continue;
        Run run(what);
        while (count-- > 0) {
            if (!run.next()) return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
    }
    fmt::print(stderr, "core_bench: there is no case {}\n", title);
    return EXIT_FAILURE;
}

}  // namespace
}  // namespace ahoy::turn

int main(int argc, char** argv) {
    using namespace ahoy::turn;
    if (argc == 3) return repeat(argv[1], std::atol(argv[2]));
    for (const Case& what : cases) {
        benchmark::RegisterBenchmark(what.title().c_str(),
                                     [&what](benchmark::State& state) { measure(state, what); });
    }
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
