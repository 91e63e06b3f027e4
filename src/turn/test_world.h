// A server, its ports and its clients in one process on a virtual clock.  For tests.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/test_address.h"
#include "stun/integrity.h"
#include "stun/message.h"
#include "stun/test_support.h"
#include "turn/one_shard_ports.h"
#include "turn/server.h"

namespace ahoy::turn {

using stun::AttributeType;
using stun::Class;
using stun::Message;
using stun::MessageType;
using stun::MessageWriter;
using stun::Method;
using Payload = std::vector<uint8_t>;
using AddAttributes = std::function<void(MessageWriter&)>;

inline ChannelNumber number(uint16_t value) {
    return ChannelNumber::from_wire(value).value();
}
inline Payload bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

inline const TransportAddress listener = at("192.0.2.15:3478");
inline const TransportAddress peer = at("9.9.9.9:5000");
inline const TransportAddress ipv6_peer = at("[2606:4700::1]:5000");
constexpr SocketId listener_socket{1};

class FakePorts : public OneShardPorts {
  public:
    bool supports(AddressFamily family) const override {
        return family == AddressFamily::ipv4 ? v4 : v6;
    }
    std::optional<OpenedPorts> open(AddressFamily family, Parity parity,
                                    const IpAddress&) override {
        const unsigned needed = parity == Parity::even_and_next ? 2 : 1;
        if (live.size() + needed > capacity) return {};
        if (parity != Parity::any && next_port_ % 2 != 0) ++next_port_;
        OpenedPorts opened{.port = make(family), .next = {}};
        if (needed == 2) opened.next = make(family);
        return opened;
    }
    void close(const RelayPort& port) override { EXPECT_EQ(live.erase(port.address), 1u); }
    bool is_own(const IpAddress& address) const override { return own.contains(address); }
    bool is_live(const TransportAddress& address) const override { return live.contains(address); }

    bool v4 = true, v6 = true;
    size_t capacity = 1000;
    std::map<TransportAddress, SocketId> live;
    std::set<IpAddress> own{ip("192.0.2.15"), ip("2001:db8::15")};

  private:
    RelayPort make(AddressFamily family) {
        const bool is_v4 = family == AddressFamily::ipv4;
        const RelayPort port{SocketId{next_socket_++},
                             {ip(is_v4 ? "192.0.2.15" : "2001:db8::15"), next_port_++}};
        live.emplace(port.address, port.socket);
        return port;
    }
    uint32_t next_socket_ = 100;
    uint16_t next_port_ = 50001;
};

struct Sent {
    SocketId socket{};
    IpAddress from;
    TransportAddress to;
    Payload bytes;
    bool dont_fragment = false;
    uint8_t traffic_class = 0;
};

// An answer, or silence.
struct Response {
    static constexpr int success = 200, silence = 0;

    Payload bytes;

    // Only while there is one.
    Message message() const { return Message::parse(bytes).value(); }
    int code() const {
        if (bytes.empty()) return silence;
        const auto m = message();
        if (m.message_class() == Class::success) return success;
        return static_cast<int>(stun::read_error(m.find(AttributeType::error_code).value())->code);
    }
    bool has(AttributeType type) const { return message().has(type); }
    bool is_signed() const { return message().integrity_at() || message().integrity_sha256_at(); }
    std::optional<TransportAddress> address(AttributeType type) const {
        return message().xor_address(type);
    }
    std::string text(AttributeType type) const {
        return std::string(message().text(type).value_or(""));
    }
    long lifetime() const {
        return stun::read_lifetime(message().find(AttributeType::lifetime).value()).value().count();
    }
};

struct Recorder : Observer {
    void allocation_created(const AllocationEvent& event) override {
        created.push_back(std::string(event.allocation.user().name()));
        if (on_created) on_created(event.allocation);
    }
    void allocation_moved(const AllocationEvent& event) override {
        moved.push_back(event.allocation.five_tuple().client);
    }
    void allocation_ended(const AllocationEvent& event, EndReason why) override {
        EXPECT_TRUE(event.allocation.has_relays());
        ended.push_back(why);
    }
    std::function<void(const Allocation&)> on_created;
    std::vector<std::string> created;
    std::vector<TransportAddress> moved;
    std::vector<EndReason> ended;
};

// Relays nothing, and says what it would.
struct FakeFastPath : FastPath {
    struct Open {
        Shortcut shortcut;
        Instant until;
        Carried carried;
    };

    std::optional<ShortcutId> open(const Shortcut& shortcut, Instant until) override {
        if (refuses) return {};
        const ShortcutId id{next++};
        shortcuts.emplace(id, Open{shortcut, until, {}});
        return id;
    }
    void prolong(ShortcutId id, Instant until) override { shortcuts.at(id).until = until; }
    Carried carried(ShortcutId id) override { return std::exchange(shortcuts.at(id).carried, {}); }
    Carried close(ShortcutId id) override {
        const Carried carried = shortcuts.at(id).carried;
        shortcuts.erase(id);
        return carried;
    }
    Open& only() {
        EXPECT_EQ(shortcuts.size(), 1u);
        return shortcuts.begin()->second;
    }

    std::map<ShortcutId, Open> shortcuts;
    uint32_t next = 0;
    bool refuses = false;
};

class World {
  public:
    explicit World(ServerConfig config = {}, PeerLists lists = {}, uint64_t seed = 1)
        : server(std::move(config),
                 Realms::only(credentials(), PeerPolicy(std::move(lists), {listener})), Nonces({7}),
                 ports, observer, Random::from_number(seed)) {}

    static Credentials credentials(std::vector<std::string> secrets = {"north"}) {
        return {"ahoy", {{"alice", "wonder"}, {"bob", "builder"}}, std::move(secrets)};
    }
    // From now on there is one realm, with those users.
    void serves(Credentials users, PeerPolicy peers = {{}, {listener}}) {
        server.reload(Realms::only(std::move(users), std::move(peers)));
    }

    std::vector<Sent> passes(Duration time) {
        now.steady += time;
        now.wall += std::chrono::duration_cast<std::chrono::seconds>(time);
        for (Server* shard : shards) shard->expire(now, out_);
        return sent();
    }
    std::vector<Sent> from_client(const TransportAddress& client, const Payload& bytes,
                                  const TransportAddress& to = listener,
                                  SocketId socket = listener_socket,
                                  Transport transport = Transport::udp) {
        shard_of(socket).from_client(now,
                                     {.socket = socket,
                                      .from = client,
                                      .local = to,
                                      .bytes = bytes,
                                      .transport = transport,
                                      .traffic_class = traffic_class},
                                     out_);
        return sent();
    }
    std::vector<Sent> from_peer(const RelayPort& relay, const TransportAddress& from,
                                const Payload& bytes) {
        for (Server* shard : shards) {
            shard->from_peer(now,
                             {.socket = relay.socket,
                              .from = from,
                              .local = relay.address,
                              .bytes = bytes,
                              .traffic_class = traffic_class},
                             out_);
        }
        return sent();
    }
    std::vector<Sent> from_icmp(const IcmpError& error) {
        server.from_icmp(now, error, out_);
        return sent();
    }
    // Any other call that takes an outbox.
    template <class Call>
    std::vector<Sent> sends_of(Call&& call) {
        call(out_);
        return sent();
    }
    uint64_t drops(Drop why) const { return server.stats().drops[static_cast<size_t>(why)]; }
    uint64_t failures(AuthFailure why) const {
        return server.stats().auth_failures[static_cast<size_t>(why)];
    }

    uint8_t traffic_class = 0;  // of what comes in
    Now now{Instant{} + 1h, WallTime(1'700'000'000s)};
    FakePorts ports;
    Recorder observer;
    Server server;
    // Of several, a client's socket says to which it comes.
    std::vector<Server*> shards{&server};
    Server& shard_of(SocketId socket) {
        return *shards[static_cast<size_t>(socket) % shards.size()];
    }
    std::function<void(Outbox&)> afterwards;  // what the shell does before it sends

  private:
    std::vector<Sent> sent() {
        if (afterwards) afterwards(out_);
        std::vector<Sent> copies;
        for (const Transmit& t : out_.pending()) {
            Payload bytes(t.prefix.begin(), t.prefix.begin() + t.prefix_size);
            bytes.insert(bytes.end(), t.bytes.begin(), t.bytes.end());
            copies.push_back(
                {t.socket, t.from, t.to, std::move(bytes), t.dont_fragment, t.traffic_class});
        }
        out_.clear();
        return copies;
    }
    Outbox out_;
};

// A client that does what it is told, right or wrong.
class TestClient {
  public:
    explicit TestClient(World& world, std::string_view from = "5.6.7.8:1234",
                        std::string user = "alice", std::string pass = "wonder")
        : username(std::move(user)), password(std::move(pass)), address(at(from)), world_(world) {
        id_[0] = static_cast<uint8_t>(address.port);
    }

    Response sends_raw(const Payload& bytes) {
        const auto sent = world_.from_client(address, bytes, to, socket, transport);
        if (sent.empty()) return {};
        EXPECT_EQ(sent.size(), 1u);
        EXPECT_EQ(sent[0].socket, socket);  // A20: from where it was asked,
        EXPECT_EQ(sent[0].from, to.ip);     // and
        EXPECT_EQ(sent[0].to, address);     // to whom asked
        Response response{sent[0].bytes};
        const auto message = Message::parse(response.bytes);
        if (message) {
            EXPECT_EQ(stun::to_hex(message->transaction_id()),
                      stun::to_hex(Bytes(bytes).subspan(8, 12)));  // A21
        }
        return response;
    }
    Payload writes(MessageType type, const AddAttributes& add = {}) {
        std::array<uint8_t, 4096> buffer;
        MessageWriter writer(buffer, type, id_);
        if (add) add(writer);
        const auto bytes = writer.finish();
        return {bytes.begin(), bytes.end()};
    }
    Payload writes_signed(Method method, const AddAttributes& add = {}) {
        return writes({method, Class::request}, [&](MessageWriter& w) {
            if (add) add(w);
            signs(w);
        });
    }
    void signs(MessageWriter& w) {
        if (userhash) {
            w.attribute(AttributeType::userhash, *userhash);
        } else {
            w.text(AttributeType::username, username);
        }
        w.text(AttributeType::realm, realm);
        w.text(AttributeType::nonce, nonce);
        if (!algorithm) return w.integrity(key());
        w.attribute(AttributeType::password_algorithms, stun::offered_algorithms);
        w.number(AttributeType::password_algorithm, static_cast<uint32_t>(*algorithm) << 16);
        w.integrity_sha256(keys().of(*algorithm));
    }
    Md5 key() const { return keys().md5; }
    Keys keys() const { return make_keys(username, realm, password); }
    // D18: with what an answer has to be signed.
    bool trusts(const Message& answer) const {
        if (!algorithm) {
            return !answer.integrity_sha256_at() && stun::integrity_holds(answer, key());
        }
        return !answer.integrity_at() &&
               stun::integrity_sha256_holds(answer, keys().of(*algorithm));
    }

    // Signed, with a nonce fetched for the first; the same transaction until renews_id().
    Response asks(Method method, const AddAttributes& add = {}) {
        if (nonce.empty()) fetches_nonce();
        renews_id();
        auto response = sends_raw(writes_signed(method, add));
        if (!response.bytes.empty() && response.is_signed()) {
            EXPECT_TRUE(trusts(response.message()));
        }
        return response;
    }
    Response asks_unsigned(Method method, const AddAttributes& add = {}) {
        return sends_raw(writes({method, Class::request}, add));
    }
    void fetches_nonce() {
        renews_id();
        nonce = asks_unsigned(Method::allocate, udp).text(AttributeType::nonce);
        EXPECT_EQ(nonce.size(), Nonces::size);
    }
    void renews_id() { ++id_[11]; }

    static void udp(MessageWriter& w) { w.number(AttributeType::requested_transport, 17u << 24); }

    Response allocates(const AddAttributes& more = {}) {
        auto response = asks(Method::allocate, [&](MessageWriter& w) {
            udp(w);
            if (more) more(w);
        });
        if (response.code() == Response::success) {
            relay.address = response.address(AttributeType::xor_relayed_address).value();
            relay.socket = world_.ports.live.at(relay.address);
        }
        return response;
    }
    Response refreshes(uint32_t seconds, const AddAttributes& more = {}) {
        return asks(Method::refresh, [&](MessageWriter& w) {
            w.number(AttributeType::lifetime, seconds);
            if (more) more(w);
        });
    }
    Response permits(std::initializer_list<TransportAddress> peers) {
        return asks(Method::create_permission, [&](MessageWriter& w) {
            for (const auto& p : peers) w.xor_address(AttributeType::xor_peer_address, p);
        });
    }
    Response binds(uint16_t channel, const TransportAddress& to_peer) {
        return asks(Method::channel_bind, [&](MessageWriter& w) {
            w.channel_number(channel);
            w.xor_address(AttributeType::xor_peer_address, to_peer);
        });
    }
    // What left the relay.
    std::vector<Sent> sends(const TransportAddress& to_peer, std::string_view data,
                            const AddAttributes& more = {}) {
        return world_.from_client(address,
                                  writes({Method::send, Class::indication},
                                         [&](MessageWriter& w) {
                                             w.xor_address(AttributeType::xor_peer_address,
                                                           to_peer);
                                             w.text(AttributeType::data, data);
                                             if (more) more(w);
                                         }),
                                  to, socket);
    }
    std::vector<Sent> sends_on(uint16_t channel, std::string_view data) {
        const auto header = ChannelData::header(number(channel), data.size());
        Payload bytes(header.begin(), header.end());
        bytes.insert(bytes.end(), data.begin(), data.end());
        return world_.from_client(address, bytes, to, socket);
    }
    // What reached the client.
    std::vector<Sent> hears(const TransportAddress& from, std::string_view data) {
        return world_.from_peer(relay, from, bytes_of(data));
    }

    std::string username, password, realm = "ahoy", nonce;
    std::optional<stun::PasswordAlgorithm> algorithm;  // as a client of RFC 8489 chooses one
    std::optional<Sha256> userhash;                    // instead of USERNAME
    TransportAddress address;
    TransportAddress to = listener;
    SocketId socket = listener_socket;
    Transport transport = Transport::udp;
    RelayPort relay;

  private:
    World& world_;
    stun::TransactionId id_{};
};

}  // namespace ahoy::turn
