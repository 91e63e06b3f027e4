// The TURN server's TCP allocations (RFC 6062) under a program of requests, of peers that answer or
// do not, that come and go, and of time.  A table of connections stands for the sockets; it knows
// whom the policy allows, and in the end it is empty.
#include <set>

#include "base/test_address.h"
#include "fuzz/input.h"
#include "fuzz/policy_reference.h"
#include "stun/integrity.h"
#include "turn/one_shard_ports.h"
#include "turn/server.h"

namespace ahoy::fuzz {
namespace {

using namespace turn;
using stun::AttributeType;
using stun::Class;
using stun::Message;
using stun::MessageWriter;
using stun::Method;

const TransportAddress listener = at("192.0.2.15:3478");
const std::set<IpAddress> own{ip("192.0.2.15"), ip("2001:db8::15")};
constexpr Duration connection_time = 30s;
constexpr unsigned max_connections = 3;

// Only for quotas: nobody allocates for UDP here.
struct NoPorts : OneShardPorts {
    bool supports(AddressFamily) const override { return true; }
    std::optional<OpenedPorts> open(AddressFamily, Parity, const IpAddress&) override { return {}; }
    void close(const RelayPort&) override { CHECK(false); }
    bool is_own(const IpAddress& address) const override { return own.contains(address); }
    bool is_live(const TransportAddress&) const override { return false; }
};

// What a shell holds in sockets.
class Streams : public PeerStreams {
  public:
    enum class State { connecting, waiting, joined };
    struct Connection {
        SocketId relay;
        TransportAddress peer;
        User user;
        State state;
        Instant since;
    };

    std::optional<RelayPort> listen(AddressFamily family, const IpAddress&) override {
        if (listening.size() == 3) return {};
        const IpAddress& mine = family == AddressFamily::ipv4 ? *own.begin() : *own.rbegin();
        const RelayPort port{SocketId{next_socket++}, {mine, next_port++}};
        listening.emplace(port.socket, port.address);
        return port;
    }
    void close(const RelayPort& port) override {
        CHECK(listening.erase(port.socket) == 1);
        CHECK(of(port.socket) == 0);  // they ended before
    }
    void connect(const RelayPort& port, const TransportAddress& peer, ConnectionId id,
                 const Holder& holder) override {
        CHECK(listening.at(port.socket) == port.address && peer != port.address);
        CHECK(port.address.ip.family() == peer.ip.family() && allowed(peer));
        add(id, {port.socket, peer, holder.user, State::connecting, now});
    }
    Joined join(SocketId, ConnectionId id, const User& user) override {
        const auto found = connections.find(id);
        if (found == connections.end() || found->second.state != State::waiting) {
            return Joined::unknown;
        }
        if (found->second.user != user) return Joined::other_user;
        found->second.state = State::joined;
        joined = id;
        return Joined::yes;
    }
    bool abandon(ConnectionId id) override {
        const auto found = connections.find(id);
        if (found == connections.end()) return true;
        if (found->second.state == State::joined) return false;
        CHECK(found->second.state == State::waiting &&
              now - found->second.since >= connection_time);
        connections.erase(found);
        return true;
    }
    void disconnect(ConnectionId id) override { connections.erase(id); }
    bool is_live(const TransportAddress& address) const override {
        return std::ranges::any_of(listening, [&](const auto& l) { return l.second == address; });
    }

    void add(ConnectionId id, Connection connection) {
        CHECK(connections.emplace(id, std::move(connection)).second);
    }
    bool allowed(const TransportAddress& peer) const {
        return reference.allows(peer, own.contains(peer.ip), is_live(peer));
    }
    size_t of(SocketId relay) const {
        return static_cast<size_t>(std::ranges::count_if(
            connections, [&](const auto& c) { return c.second.relay == relay; }));
    }

    PolicyReference reference;
    Instant now{};
    std::map<SocketId, TransportAddress> listening;
    std::map<ConnectionId, Connection> connections;
    std::optional<ConnectionId> joined;  // the latest, once
    uint32_t next_socket = 100;
    uint16_t next_port = 50001;
};

struct Client {
    SocketId stream;
    TransportAddress address;
    Transport transport;
    std::string username, password, nonce;
    bool open = true;

    FiveTuple five_tuple() const { return {stream, address, listener}; }
};

class World {
  public:
    World()
        : server_({.quotas = {.per_user = {.allocations = 2}},
                   .max_permissions = 3,
                   .max_connections = max_connections},
                  Realms::only(credentials(), policy(false)), Nonces({7}), ports_, observer_,
                  Random::from_number(1)) {
        server_.relay_tcp(streams_);
        streams_.now = now_.steady;
        for (uint16_t i = 0; i < 6; ++i) {
            const bool alice = i % 2 == 0;
            clients_.push_back({SocketId{1u + i},
                                {ip("5.6.7.8"), static_cast<uint16_t>(1000 + i)},
                                i == 5  ? Transport::udp
                                : i % 3 ? Transport::tls
                                        : Transport::tcp,
                                alice ? "alice" : "bob",
                                alice ? "wonder" : "builder",
                                {}});
        }
    }

    void step(Input& input) {
        Client& client = clients_[input.choose(clients_.size())];
        switch (input.choose(12)) {
            case 0:
                return arrives(input);
            case 1:
                return passes(std::chrono::seconds(input.number(2) >> input.choose(16)));
            case 2:
            case 3:
                return answers(input);
            case 4:
                return goes(input);
            case 5:
                return rarely(client, input);
            default:
                return asks(client, input);
        }
    }
    void ends(bool stops) {
        if (stops) {
            server_.close_all(now_);
        } else {
            passes(1h);
            CHECK(server_.next_deadline() == Instant::max());
        }
        CHECK(streams_.listening.empty() && streams_.connections.empty());
        CHECK(server_.stats().allocations_live == 0);
    }

  private:
    static Credentials credentials(bool without_bob = false) {
        std::map<std::string, std::string> users{{"alice", "wonder"}, {"bob", "builder"}};
        if (without_bob) users.erase("bob");
        return {"ahoy", users, {}};
    }
    PeerPolicy policy(bool second) {
        streams_.reference = {.allow = {}, .deny = {}, .listening = {listener}};
        PeerLists lists;
        if (second) {
            streams_.reference.deny = {{four(9, 9), 112}};
            lists.deny = {*Prefix::parse("9.9.0.0/16")};
        }
        return {std::move(lists), streams_.reference.listening};
    }

    TransportAddress peer(Input& input) {
        static const TransportAddress known[] = {
            at("9.9.9.9:80"),      at("9.9.9.9:81"),        at("8.8.8.8:80"), at("10.1.1.1:80"),
            at("192.0.2.15:3478"), at("[2606:4700::1]:80"), at("9.9.9.9:0"),  at("127.0.0.1:80")};
        const size_t which = input.choose(std::size(known) + 1);
        if (which < std::size(known) || streams_.listening.empty()) return known[which % 8];
        return relay(input).second;
    }
    const std::pair<const SocketId, TransportAddress>& relay(Input& input) {
        return *std::next(streams_.listening.begin(),
                          static_cast<ptrdiff_t>(input.choose(streams_.listening.size())));
    }
    ConnectionId some_connection(Input& input) {
        if (streams_.connections.empty()) return ConnectionId{input.byte()};
        return std::next(streams_.connections.begin(),
                         static_cast<ptrdiff_t>(input.choose(streams_.connections.size())))
            ->first;
    }

    // --- clients

    void asks(Client& client, Input& input) {
        static constexpr Method methods[] = {Method::allocate, Method::create_permission,
                                             Method::connect, Method::connection_bind,
                                             Method::refresh};
        if (!client.open) return;
        const size_t how = input.choose(100);
        const Method method = methods[how % 5];
        std::array<uint8_t, 2000> buffer;
        stun::TransactionId id{};
        id[0] = ++last_id_[0] == 0 ? ++last_id_[1] : last_id_[0];
        id[1] = last_id_[1];
        MessageWriter writer(buffer, {method, Class::request}, id);
        switch (method) {
            case Method::allocate:
                writer.number(AttributeType::requested_transport, (input.byte() % 8 ? 6u : 17u)
                                                                      << 24);
                if (input.choose(4) == 1) {
                    writer.number(AttributeType::requested_address_family, 2u << 24);
                }
                break;
            case Method::connection_bind:
                writer.number(AttributeType::connection_id,
                              static_cast<uint32_t>(some_connection(input)));
                break;
            case Method::refresh:
                writer.number(AttributeType::lifetime, input.flag() ? 0 : 600);
                break;
            default:
                writer.xor_address(AttributeType::xor_peer_address, peer(input));
        }
        const size_t proof = how / 5;  // mostly right
        if (proof == 1) writer.attribute(AttributeType::dont_fragment, {});
        if (proof > 0) sign(writer, client, proof == 2 ? "wrong" : client.password);
        sends(client, writer.finish());
    }
    static void sign(MessageWriter& writer, const Client& client, const std::string& password) {
        writer.text(AttributeType::username, client.username);
        writer.text(AttributeType::realm, "ahoy");
        writer.text(AttributeType::nonce, client.nonce);
        writer.integrity(stun::long_term_key(client.username, "ahoy", password));
    }
    // A Connect request is answered now or begins to connect; all others are answered now.
    void sends(Client& client, Bytes bytes) {
        const size_t before = streams_.connections.size();
        const auto joinable = streams_.connections;
        streams_.joined.reset();
        server_.from_client(
            now_, {client.stream, client.address, listener, bytes, client.transport}, out_);
        const auto request = Message::parse(bytes);
        const size_t answers = out_.pending().size();
        const bool connects = request->method() == Method::connect;
        if (connects && streams_.connections.size() > before) {
            CHECK(answers == 0);
            pending_[request->transaction_id()] = client.stream;
        } else {
            CHECK(answers == 1 || (answers == 0 && client.transport == Transport::udp));
        }
        for (const Transmit& sent : out_.pending()) answered(client, *request, sent);
        if (streams_.joined) {
            const auto& connection = joinable.at(*streams_.joined);
            CHECK(connection.user.name() == client.username && is_stream(client.transport));
            client.open = false;  // bytes of the peer's from here on
        }
        done();
    }
    void answered(Client& client, const Message& request, const Transmit& sent) {
        const auto answer = Message::parse(sent.bytes);
        CHECK(answer && sent.socket == client.stream && sent.to == client.address);
        CHECK(answer->transaction_id() == request.transaction_id());
        if (const auto nonce = answer->text(AttributeType::nonce)) client.nonce = *nonce;
        if (answer->message_class() != Class::success) return;
        CHECK(request.method() != Method::connect);
        if (request.method() == Method::create_permission) {
            const auto peer = *request.xor_address(AttributeType::xor_peer_address);
            permissions_[{client.stream, peer.ip}] = now_.steady + 5min;
        }
        CHECK((request.method() == Method::connection_bind) == streams_.joined.has_value());
    }

    // --- peers

    void answers(Input& input) {
        const ConnectionId id = some_connection(input);
        const auto found = streams_.connections.find(id);
        const bool connected = input.flag();
        if (found == streams_.connections.end() ||
            found->second.state != Streams::State::connecting) {
            return;
        }
        const SocketId relay = found->second.relay;
        if (connected) {
            found->second.state = Streams::State::waiting;
            found->second.since = now_.steady;
        } else {
            streams_.connections.erase(found);
        }
        server_.peer_answered(now_, relay, id, connected, out_);
        CHECK(out_.pending().size() == 1);
        connect_answered(out_.pending().front(), connected ? std::optional(id) : std::nullopt);
        done();
    }
    void connect_answered(const Transmit& sent, std::optional<ConnectionId> id) {
        const auto answer = Message::parse(sent.bytes);
        CHECK(answer && answer->method() == Method::connect && answer->integrity_at());
        const auto request = pending_.find(answer->transaction_id());
        CHECK(request != pending_.end() && request->second == sent.socket);
        pending_.erase(request);
        CHECK((answer->message_class() == Class::success) == id.has_value());
        if (!id) {
            const auto error = stun::read_error(*answer->find(AttributeType::error_code));
            return CHECK(error->code == stun::ErrorCode::connection_timeout_or_failure);
        }
        CHECK(stun::read_connection_id(*answer->find(AttributeType::connection_id)) ==
              static_cast<uint32_t>(*id));
    }
    void arrives(Input& input) {
        if (streams_.listening.empty()) return;
        const SocketId socket = relay(input).first;
        const TransportAddress from = peer(input);
        if (from.port == 0) return;
        const auto attempt = server_.peer_arrived(now_, socket, from, out_);
        CHECK(out_.pending().size() == (attempt ? 1 : 0));
        if (attempt) {
            const Transmit& sent = out_.pending().front();
            const auto told = Message::parse(sent.bytes);
            CHECK(told->method() == Method::connection_attempt);
            CHECK(told->xor_address(AttributeType::xor_peer_address) == from);
            const auto permission = permissions_.find({sent.socket, from.ip});
            CHECK(permission != permissions_.end() && now_.steady < permission->second);
            // Who connects from an own address listens nowhere there.
            CHECK(own.contains(from.ip) || streams_.allowed(from));
            streams_.add(attempt->id, {socket, from, attempt->holder.user, Streams::State::waiting,
                                       now_.steady});
            if (input.choose(8) == 1) {  // there was no descriptor for it
                streams_.connections.erase(attempt->id);
                server_.peer_gone(socket, attempt->id);
            }
        }
        done();
    }
    void goes(Input& input) {
        const ConnectionId id = some_connection(input);
        const auto found = streams_.connections.find(id);
        if (found == streams_.connections.end() || found->second.state != Streams::State::joined) {
            return server_.peer_gone(SocketId{input.byte()}, id);  // late
        }
        const SocketId relay = found->second.relay;
        streams_.connections.erase(found);
        server_.peer_gone(relay, id);
        done();
    }

    // --- the rest

    void passes(Duration time) {
        now_.steady += time;
        now_.wall += std::chrono::duration_cast<std::chrono::seconds>(time);
        streams_.now = now_.steady;
        server_.expire(now_, out_);
        for (const Transmit& sent : out_.pending()) connect_answered(sent, {});
        CHECK(server_.next_deadline() > now_.steady);
        for (const auto& [id, connection] : streams_.connections) {
            CHECK(connection.state == Streams::State::joined ||
                  now_.steady - connection.since < connection_time);
        }
        done();
    }
    void rarely(Client& client, Input& input) {
        switch (input.choose(4)) {
            case 0:
                server_.client_gone(now_, client.five_tuple());
                client.open = true;  // and comes again
                break;
            case 1:
                server_.reload(Realms::only(credentials(input.flag()), policy(input.flag())));
                for (const auto& [id, connection] : streams_.connections) {
                    CHECK(streams_.allowed(connection.peer));
                }
                break;
            case 2:
                for (std::optional<size_t> from = 0; from;) {
                    from = server_.end_revoked(now_, *from);
                }
                break;
            default:
                server_.refuse_new(input.flag());
        }
        done();
    }
    void done() {
        CHECK(out_.overflowed() == 0);
        out_.clear();
        for (const auto& [socket, address] : streams_.listening) {
            CHECK(streams_.of(socket) <= max_connections);
        }
        CHECK(streams_.listening.size() == server_.stats().allocations_live);
        for (Client& client : clients_) {
            if (server_.has_allocation(client.five_tuple(), now_)) continue;
            std::erase_if(permissions_,
                          [&](const auto& p) { return p.first.first == client.stream; });
            std::erase_if(pending_, [&](const auto& p) { return p.second == client.stream; });
        }
    }

    Now now_{Instant{} + 1h, WallTime(1'700'000'000s)};
    NoPorts ports_;
    Streams streams_;
    Observer observer_;
    Server server_;
    static inline Outbox out_;  // large, and empty between inputs
    std::vector<Client> clients_;
    std::map<stun::TransactionId, SocketId> pending_;  // Connect requests, by whom
    std::map<std::pair<SocketId, IpAddress>, Instant> permissions_;
    std::array<uint8_t, 2> last_id_{};
};

}  // namespace

void run(Input input) {
    const bool stops = input.flag();
    World world;
    for (size_t steps = 0; !input.empty() && steps < 200; ++steps) world.step(input);
    world.ends(stops);
}

}  // namespace ahoy::fuzz
