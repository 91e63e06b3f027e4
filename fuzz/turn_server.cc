// The TURN server under a program of packets, of clients with and without credentials and of their
// peers, on a virtual clock.  A model holds what the answers granted; nothing leaves the server
// that the model and a second peer policy do not allow, and in the end nothing is left.
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
constexpr uint32_t first_relay = 100;  // the sockets below are listeners
const std::set<IpAddress> own{ip("192.0.2.15"), ip("2001:db8::15")};

struct Ports : OneShardPorts {
    bool supports(AddressFamily family) const override {
        return v6 || family == AddressFamily::ipv4;
    }
    std::optional<OpenedPorts> open(AddressFamily family, Parity parity,
                                    const IpAddress&) override {
        if (live.size() + 2 > 7) return {};
        if (parity != Parity::any) next_port += next_port % 2;
        OpenedPorts opened{.port = make(family), .next = {}};
        if (parity == Parity::even_and_next) opened.next = make(family);
        return opened;
    }
    void close(const RelayPort& port) override {
        CHECK(live.contains(port.address) && live.at(port.address) == port.socket);
        live.erase(port.address);
    }
    bool is_own(const IpAddress& address) const override { return own.contains(address); }
    bool is_live(const TransportAddress& address) const override { return live.contains(address); }

    RelayPort make(AddressFamily family) {
        const IpAddress& mine = family == AddressFamily::ipv4 ? *own.begin() : *own.rbegin();
        const RelayPort port{SocketId{next_socket++}, {mine, next_port++}};
        live.emplace(port.address, port.socket);
        return port;
    }
    std::map<TransportAddress, SocketId> live;
    bool v6 = true;
    uint32_t next_socket = first_relay;
    uint16_t next_port = 50001;
};

struct Counter : Observer {
    void allocation_created(const AllocationEvent& event) override {
        ++live;
        ++of_user[std::string(event.allocation.user().name())];
    }
    void allocation_ended(const AllocationEvent& event, EndReason why) override {
        CHECK(event.allocation.has_relays() && !label(why).empty());
        --live;
        --of_user[std::string(event.allocation.user().name())];
    }
    size_t live = 0;
    std::map<std::string, size_t> of_user;
};

// What the server has granted one client, by its own answers.
struct Granted {
    Instant until{};
    std::set<TransportAddress> relayed;
    std::map<IpAddress, Instant> permissions;
    std::map<uint16_t, TransportAddress> channels;

    bool permits(const IpAddress& peer, Instant now) const {
        const auto found = permissions.find(peer);
        return now < until && found != permissions.end() && now < found->second;
    }
};

struct Client {
    FiveTuple address;
    std::string username, password, nonce;
    Granted granted{};

    Md5 key() const { return stun::long_term_key(username, "ahoy", password); }
};

class World {
  public:
    // Either so narrow that every limit is met, or so wide that much goes on at once.
    explicit World(bool narrow)
        : limits_{.software = narrow ? "ahoy" : "",
                  .quotas = {.per_user = {.allocations = narrow ? 1u : 2u},
                             .per_address = {},
                             .total = {.allocations = narrow ? 2u : 3u}},
                  .max_permissions = narrow ? 1u : 3u,
                  .max_channels = narrow ? 1u : 3u,
                  .max_reservations = narrow ? 1u : 2u,
                  .classic_stun = !narrow},
          server_(limits_, Realms::only(credentials(), policy(false)), Nonces({7}), ports_,
                  counter_, Random::from_number(1)) {
        ports_.v6 = !narrow;
        if (!narrow) server_.explore_from(turn::Discovery({square()}));
        if (narrow) server_.redirect_to({Redirect::full, {{at("198.51.100.7:3478"), {}}}, {}});
        const auto rest = mint("north", "carol", 1h, now_);
        clients_ = {
            {{SocketId{1}, at("5.6.7.8:1000"), listener}, "alice", "wonder", {}},
            {{SocketId{1}, at("5.6.7.8:1001"), listener}, "bob", "builder", {}},
            {{SocketId{2}, at("[2606:4700::9]:1000"), at("[2001:db8::15]:3478")},
             "alice",
             "wonder",
             {}},
            {{SocketId{3}, at("5.6.7.8:1000"), listener}, rest.username, rest.password, {}}};
    }

    void step(Input& input) {
        Client& client = clients_[input.choose(clients_.size())];
        switch (input.choose(10)) {
            case 0:
                return sends(client, input.bytes(200), false);
            case 1:
            case 2:
            case 3:
            case 4:
                return asks(client, input);
            case 5:
                return sends(client, indication(input), false);
            case 6:
                return sends(client, channel_data(input), false);
            case 7:
                return hears(input);
            case 8:
                return passes(std::chrono::seconds(input.number(2) >> input.choose(16)));
            default:
                return rarely(client, input);
        }
    }
    void ends(bool stops) {
        if (stops) {
            server_.close_all(now_);
        } else {
            passes(1h);
            CHECK(server_.next_deadline() == Instant::max());
        }
        CHECK(ports_.live.empty() && counter_.live == 0 && server_.stats().allocations_live == 0);
    }

  private:
    static Credentials credentials(bool with_bob = true) {
        static const auto make = [](std::map<std::string, std::string> users) {
            return Credentials("ahoy", users, {"north"});
        };
        static const auto both = make({{"alice", "wonder"}, {"bob", "builder"}});
        static const auto without = make({{"alice", "wonder"}});
        return with_bob ? both : without;
    }
    static turn::Discovery::Square square() {
        turn::Discovery::Square square;
        uint32_t socket = 1;
        for (auto& [first, second] : square) {
            const IpAddress local = IpAddress::v4(0xc000020e + socket);
            first = {SocketId{socket}, {local, 3478}, {local, 3478}};
            second = {SocketId{socket + 1}, {local, 3479}, {local, 3479}};
            socket += 10;
        }
        return square;
    }
    // An answer may leave from another listener if a Binding request wants that.
    static bool may_leave(const FiveTuple& asked, const Message& request, const Transmit& sent) {
        if (sent.socket == asked.socket) return sent.from == asked.server.ip;
        if (!request.has(AttributeType::change_request)) return false;
        for (const auto& ports : square()) {
            for (const Origin& origin : ports) {
                if (origin.socket == sent.socket) return sent.from == origin.local.ip;
            }
        }
        return false;
    }

    // Two policies: the second allows something private and denies something public.
    PeerPolicy policy(bool second) {
        reference_ = {.allow = {}, .deny = {}, .listening = {listener, at("127.0.0.1:8080")}};
        PeerLists lists;
        if (second) {
            reference_.allow = {{four(127), 104}, {four(10, 1), 112}};
            reference_.deny = {{four(9, 9), 112}, {four(10, 1, 2), 120}};
            lists.allow = {*Prefix::parse("127.0.0.0/8"), *Prefix::parse("10.1.0.0/16")};
            lists.deny = {*Prefix::parse("9.9.0.0/16"), *Prefix::parse("10.1.2.0/24")};
        }
        return {std::move(lists), reference_.listening};
    }
    bool allowed(const TransportAddress& peer) const {
        return reference_.allows(peer, own.contains(peer.ip), ports_.is_live(peer));
    }

    TransportAddress peer(Input& input) {
        static const TransportAddress known[] = {
            at("9.9.9.9:5000"),   at("9.9.9.9:5001"),        at("8.8.8.8:53"),
            at("10.1.1.1:5000"),  at("10.1.2.1:5000"),       at("127.0.0.1:8080"),
            at("127.0.0.1:9000"), at("192.0.2.15:3478"),     at("192.0.2.15:50001"),
            at("9.9.9.9:0"),      at("[2606:4700::1]:5000"), at("[64:ff9b::a01:101]:5000")};
        const size_t which = input.choose(std::size(known) + 3);
        if (which < std::size(known)) return known[which];
        std::array<uint8_t, 16> bytes = IpAddress::v4(0).bytes();
        if (which == std::size(known)) {  // a relayed address of ours
            if (ports_.live.empty()) return known[0];
            return std::next(ports_.live.begin(),
                             static_cast<ptrdiff_t>(input.choose(ports_.live.size())))
                ->first;
        }
        for (size_t i = which == std::size(known) + 1 ? 12 : 0; i < 16; ++i)
            bytes[i] = input.byte();
        return {IpAddress::v6(bytes), static_cast<uint16_t>(input.number(2))};
    }

    // --- what clients write

    void attribute(MessageWriter& writer, Input& input) {
        static constexpr AttributeType numbers[] = {AttributeType::lifetime,
                                                    AttributeType::requested_address_family,
                                                    AttributeType::requested_transport,
                                                    AttributeType::additional_address_family,
                                                    AttributeType::channel_number,
                                                    AttributeType::transaction_transmit_counter,
                                                    AttributeType::change_request,
                                                    AttributeType::response_port,
                                                    AttributeType::padding,
                                                    AttributeType::dont_fragment};
        switch (input.choose(6)) {
            case 0:
                return writer.xor_address(AttributeType::xor_peer_address, peer(input));
            case 1:
                return writer.number(input.one_of(numbers), static_cast<uint32_t>(input.number(4)));
            case 2:
                return writer.channel_number(static_cast<uint16_t>(0x4000 + input.choose(4)));
            case 3:
                return writer.attribute(AttributeType::reservation_token, token_);
            case 4: {
                const uint8_t reserve = input.flag() ? 0x80 : 0;
                return writer.attribute(AttributeType::even_port, {&reserve, 1});
            }
            default:
                return writer.attribute(static_cast<AttributeType>(input.number(2)),
                                        input.bytes(40));
        }
    }
    // The first byte says what is asked and how it is proved.
    void asks(Client& client, Input& input) {
        static constexpr Method methods[] = {Method::allocate, Method::create_permission,
                                             Method::channel_bind, Method::refresh,
                                             Method::binding};
        const size_t how = input.choose(250);
        std::array<uint8_t, 2000> buffer;
        stun::TransactionId id{};
        id[0] = how / 10 == 5 ? last_id_ : ++last_id_;  // or the same again
        MessageWriter writer(buffer, {methods[how % 5], Class::request}, id);
        if (methods[how % 5] == Method::allocate) {
            writer.number(AttributeType::requested_transport, 17u << 24);
        }
        for (size_t i = input.choose(6); i > 0; --i) attribute(writer, input);
        const size_t proof = how / 10;  // mostly right
        if (proof > 1) sign(writer, clients_[proof == 2 ? 0 : index(client)], client.nonce, proof);
        if (proof % 4 == 1) writer.fingerprint();
        std::vector<uint8_t> bytes(writer.finish().begin(), writer.finish().end());
        const bool spoils = proof == 24;
        if (spoils)
            bytes[input.choose(bytes.size())] ^= static_cast<uint8_t>(1 + input.choose(255));
        sends(client, bytes, spoils);
    }
    static void sign(MessageWriter& writer, const Client& as, const std::string& nonce,
                     size_t proof) {
        writer.text(AttributeType::username, as.username);
        writer.text(AttributeType::realm, "ahoy");
        writer.text(AttributeType::nonce, nonce);
        const Md5 key = proof == 3 ? Md5{} : as.key();
        if (proof % 2 == 0) writer.integrity(key);
        if (proof % 3 != 0 || proof % 2 == 1) writer.integrity_sha256(key);
    }
    size_t index(const Client& client) const {
        return static_cast<size_t>(&client - clients_.data());
    }
    std::vector<uint8_t> indication(Input& input) {
        std::array<uint8_t, 300> buffer;
        MessageWriter writer(buffer, {Method::send, Class::indication}, {});
        writer.xor_address(AttributeType::xor_peer_address, peer(input));
        writer.attribute(AttributeType::data, input.bytes(40));
        const auto bytes = writer.finish();
        return {bytes.begin(), bytes.end()};
    }
    static std::vector<uint8_t> channel_data(Input& input) {
        const auto number =
            ChannelNumber::from_wire(static_cast<uint16_t>(0x4000 + input.choose(4)));
        const Bytes payload = input.bytes(40);
        const auto header = ChannelData::header(*number, payload.size());
        std::vector<uint8_t> bytes(header.begin(), header.end());
        bytes.insert(bytes.end(), payload.begin(), payload.end());
        return bytes;
    }

    // --- what happens

    void sends(Client& client, Bytes bytes, bool spoilt) {
        const FiveTuple& from = client.address;
        const size_t live_before = counter_.live, of_bob_before = counter_.of_user["bob"];
        server_.from_client(now_, {from.socket, from.client, from.server, bytes}, out_);
        if (refuses_new_) CHECK(counter_.live <= live_before);
        if (!has_bob_) CHECK(counter_.of_user["bob"] <= of_bob_before);
        const auto request = Message::parse(bytes);
        const auto classic = Message::parse_classic(bytes);
        CHECK(out_.pending().size() <= 1);
        for (const Transmit& sent : out_.pending()) {
            if (classic) {
                CHECK(may_leave(from, *classic, sent) && sent.to == from.client);
                CHECK(sent.bytes.size() <= 3 * bytes.size());
            } else if (is_data(bytes, request) &&
                       static_cast<uint32_t>(sent.socket) < first_relay) {
                crosses(client, sent);
            } else if (static_cast<uint32_t>(sent.socket) < first_relay) {
                CHECK(request && may_leave(from, *request, sent) && sent.to.ip == from.client.ip);
                CHECK(sent.to == from.client || request->has(AttributeType::response_port));
                answered(client, *request, sent.bytes, spoilt);
            } else {
                relayed(client, sent, bytes);
            }
        }
        done();
    }
    void answered(Client& client, const Message& request, Bytes bytes, bool spoilt) {
        const auto answer = Message::parse(bytes);
        CHECK(answer && answer->method() == request.method());
        CHECK(answer->transaction_id() == request.transaction_id());
        if (!answer->integrity_at()) CHECK(bytes.size() <= 3 * request.bytes().size());
        if (const auto nonce = answer->text(AttributeType::nonce)) client.nonce = *nonce;
        if (answer->message_class() != Class::success) return;
        if (request.method() == Method::binding) {
            return CHECK(answer->xor_address(AttributeType::xor_mapped_address) ==
                         client.address.client);
        }
        CHECK(!spoilt && request.text(AttributeType::nonce) &&
              granted_to(client, request, *answer));
    }
    // Whoever is granted something has proved who he is, and is answered with the same key.
    bool granted_to(Client& client, const Message& request, const Message& answer) {
        const auto user = std::ranges::find_if(clients_, [&](const Client& c) {
            return request.text(AttributeType::username) == c.username;
        });
        CHECK(user != clients_.end() && is_signed_with(request, user->key()));
        CHECK(stun::integrity_holds(answer, user->key()));
        Granted& granted = client.granted;
        if (request.method() == Method::allocate || request.method() == Method::refresh) {
            const auto lifetime = *stun::read_lifetime(*answer.find(AttributeType::lifetime));
            CHECK(lifetime <= 1h);
            if (request.method() == Method::allocate && now_.steady >= granted.until) granted = {};
            const bool one_of_two = request.has(AttributeType::requested_address_family);
            const Instant until = now_.steady + lifetime;
            granted.until = one_of_two ? std::max(granted.until, until) : until;
        }
        if (const auto token = answer.find(AttributeType::reservation_token)) {
            token_ = *stun::read_reservation_token(*token);
        }
        const auto permit = [&](const TransportAddress& peer) {
            granted.permissions[peer.ip] = now_.steady + 5min;
            // Of an own address and of loopback each datagram is judged by itself.
            CHECK(own.contains(peer.ip) || peer.ip.is_loopback() || allowed({peer.ip, 4999}));
        };
        if (request.method() == Method::create_permission) {
            request.each([&](AttributeType type, Bytes value) {
                if (type != AttributeType::xor_peer_address) return;
                permit(*stun::read_xor_address(value, request.transaction_id()));
            });
        }
        if (request.method() == Method::channel_bind) {
            const auto peer = *request.xor_address(AttributeType::xor_peer_address);
            const auto number = *request.find(AttributeType::channel_number);
            granted.channels[*stun::read_channel_number(number)] = peer;
            CHECK(allowed(peer));
            permit(peer);
        }
        return true;
    }
    void relayed(const Client& client, const Transmit& sent, Bytes packet) {
        CHECK(allowed(sent.to) && client.granted.permits(sent.to.ip, now_.steady));
        CHECK(std::ranges::any_of(ports_.live, [&](const auto& port) {
            return port.second == sent.socket && port.first.ip.family() == sent.to.ip.family();
        }));
        CHECK(sent.bytes.data() >= packet.data() &&
              sent.bytes.data() + sent.bytes.size() <= packet.data() + packet.size());
        if (const auto data = ChannelData::parse(packet)) {
            CHECK(client.granted.channels.at(data->channel.to_wire()) == sent.to);
        }
    }
    static bool is_data(Bytes bytes, const std::optional<Message>& message) {
        return message ? message->method() == Method::send : ChannelData::parse(bytes).has_value();
    }
    // From one client to another, both of them ours: from a relayed address to a relayed address.
    void crosses(const Client& from, const Transmit& sent) {
        const auto to = std::ranges::find_if(clients_, [&](const Client& c) {
            return c.address.socket == sent.socket && c.address.client == sent.to;
        });
        CHECK(to != clients_.end());
        const auto may_hear = [&](const Client& one) {
            return std::ranges::any_of(ports_.live, [&](const auto& port) {
                return one.granted.permits(port.first.ip, now_.steady);
            });
        };
        CHECK(may_hear(from) && may_hear(*to));
        if (sent.prefix_size > 0) return;
        const auto relay = Message::parse(sent.bytes)->xor_address(AttributeType::xor_peer_address);
        CHECK(ports_.live.contains(*relay));
    }
    void hears(Input& input) {
        const TransportAddress from = peer(input);
        if (ports_.live.empty()) return;
        const auto relay = std::next(ports_.live.begin(),
                                     static_cast<ptrdiff_t>(input.choose(ports_.live.size())));
        server_.from_peer(now_, {relay->second, from, relay->first, input.bytes(40)}, out_);
        CHECK(out_.pending().size() <= 1);
        for (const Transmit& sent : out_.pending()) {
            const auto client = std::ranges::find_if(clients_, [&](const Client& c) {
                return c.address.socket == sent.socket && c.address.client == sent.to;
            });
            CHECK(client != clients_.end() && allowed(from));
            CHECK(client->granted.permits(from.ip, now_.steady));
            if (sent.prefix_size > 0) continue;
            CHECK(Message::parse(sent.bytes)->xor_address(AttributeType::xor_peer_address) == from);
        }
        done();
    }
    void passes(Duration time) {
        now_.steady += time;
        now_.wall += std::chrono::duration_cast<std::chrono::seconds>(time);
        server_.expire(now_, out_);
        CHECK(server_.next_deadline() > now_.steady);
        done();
    }
    void rarely(Client& client, Input& input) {
        switch (input.choose(6)) {
            case 0:
                server_.client_gone(now_, client.address);
                client.granted = {};
                break;
            case 1:
                server_.reload(Realms::only(credentials(has_bob_), policy(input.flag())));
                break;
            case 2:
                now_.steady += std::chrono::seconds(input.byte());  // a late timer
                break;
            case 3:
                return revokes(input.flag());
            case 4:
                limits_.quotas.total.allocations = 1 + static_cast<unsigned>(input.choose(3));
                server_.set_quotas(limits_.quotas);
                stayed_ = counter_.live;
                break;
            default:
                refuses_new_ = input.flag();
                server_.refuse_new(refuses_new_);
        }
        done();
    }
    // Bob comes or goes; if he has gone, his allocations end.
    void revokes(bool has_bob) {
        has_bob_ = has_bob;
        server_.reload(Realms::only(credentials(has_bob_), policy(false)));
        for (std::optional<size_t> from = 0; from;) from = server_.end_revoked(now_, *from);
        if (!has_bob_) CHECK(counter_.of_user["bob"] == 0);
        for (Client& client : clients_) {
            if (!server_.has_allocation(client.address, now_)) client.granted = {};
        }
        done();
    }
    void done() {
        CHECK(out_.overflowed() == 0);
        out_.clear();
        CHECK(counter_.live == server_.stats().allocations_live);
        stayed_ = std::min(stayed_, counter_.live);
        CHECK(counter_.live <= std::max<size_t>(limits_.quotas.total.allocations, stayed_));
        CHECK(ports_.live.size() <= 2 * counter_.live + limits_.max_reservations);
        CHECK(ports_.live.size() >= counter_.live);
    }

    ServerConfig limits_;
    size_t stayed_ = 0;  // allocations from before the limit was lowered
    bool has_bob_ = true;
    bool refuses_new_ = false;
    Now now_{Instant{} + 1h, WallTime(1'700'000'000s)};
    Ports ports_;
    Counter counter_;
    PolicyReference reference_;
    Server server_;
    static inline Outbox out_;  // large, and empty between inputs
    std::vector<Client> clients_;
    stun::ReservationToken token_{};  // the latest
    uint8_t last_id_ = 0;
};

}  // namespace

void run(Input input) {
    const size_t how = input.choose(4);
    World world(how > 1);
    for (size_t steps = 0; !input.empty() && steps < 200; ++steps) world.step(input);
    world.ends(how % 2 == 1);
}

}  // namespace ahoy::fuzz
