#include "sim/turn_askers.h"

#include <algorithm>

#include "stun/integrity.h"

namespace ahoy::sim {
namespace {

using stun::AttributeType;
using stun::Class;
using stun::Method;

}  // namespace

Asker::Asker(std::vector<TransportAddress> addresses, Town& town)
    : town_(town), dice_(town.dice.next()), act_at_(town.soon()) {
    for (const TransportAddress& at : addresses) identities_.push_back(identity(at));
}

Asker::Identity Asker::identity(const TransportAddress& at) {
    Identity made{.at = at};
    do {
        made.server = dice_.pick(town_.listeners);
    } while (made.server.ip.family() != at.ip.family());
    if (!town_.accounts.secrets.empty() && dice_.one_in(3)) {
        const Duration lifetime = dice_.any_of<Duration>({30s, 5min, 24h});
        auto minted = turn::mint(town_.accounts.secrets[0], "carol", lifetime, town_.now);
        made.user = std::move(minted.username);
        made.password = std::move(minted.password);
    } else {
        auto user = town_.accounts.users.begin();
        std::advance(user, dice_.below(town_.accounts.users.size()));
        made.user = user->first;
        made.password = user->second;
    }
    return made;
}

bool Asker::is_at(const TransportAddress& address) const {
    return std::ranges::count(identities_, address, &Identity::at) > 0;
}

void Asker::receive(const Packet& packet) {
    const auto me = std::ranges::find(identities_, packet.to, &Identity::at);
    const auto stun = wire::decode(packet.bytes);
    if (!stun) return;
    if (const auto nonce = stun->text(wire::nonce)) me->nonce = *nonce;
    if (const auto realm = stun->text(wire::realm)) me->realm = *realm;
    if (const auto token = stun->find(wire::reservation_token)) {
        tokens_.emplace_back(token->begin(), token->end());
        if (tokens_.size() > 4) tokens_.erase(tokens_.begin());
    }
    if (const auto ticket = stun->find(wire::mobility_ticket)) {
        tickets_.push_back({{ticket->begin(), ticket->end()}, me->user, me->password});
        if (tickets_.size() > 6) tickets_.erase(tickets_.begin());
    }
    const auto relayed = stun->address(wire::xor_relayed_address);
    if (relayed && town_.relayed.size() < 64) town_.relayed.push_back(*relayed);
}

void Asker::act() {
    act_at_ = town_.soon();
    Identity& me = dice_.pick(identities_);
    if (dice_.percent(30)) return send_data(me);
    if (dice_.percent(2)) {
        const auto at = me.at;
        me = identity(at);
    }
    ask(me);
    // The answers are a while away; who asks again at once shows what one transaction may cost.
    if (dice_.percent(10)) ask(me);
}

void Asker::ask(Identity& me) {
    static constexpr Method methods[] = {
        Method::allocate,          Method::allocate,          Method::allocate,
        Method::refresh,           Method::refresh,           Method::create_permission,
        Method::create_permission, Method::create_permission, Method::channel_bind,
        Method::channel_bind,      Method::channel_bind,      Method::binding,
        Method::connect,           Method::connection_bind};
    const Method method = dice_.pick(methods);
    stun::TransactionId id;
    for (uint8_t& byte : id) byte = static_cast<uint8_t>(dice_.next());
    if (method == Method::allocate && dice_.percent(15)) id = me.last_allocate;
    if (method == Method::allocate) me.last_allocate = id;

    std::array<uint8_t, 2048> buffer;
    stun::MessageWriter writer(buffer, {method, Class::request}, id);
    switch (method) {
        case Method::allocate:
            write_allocate(writer);
            break;
        case Method::refresh:
            if (dice_.percent(80)) writer.number(AttributeType::lifetime, some_lifetime());
            if (!tickets_.empty() && dice_.percent(40)) bring_ticket(writer, me);
            if (dice_.percent(15)) {
                writer.number(AttributeType::requested_address_family,
                              dice_.any_of<uint32_t>({1, 2, 3}) << 24);
            }
            break;
        case Method::create_permission:
            write_peers(writer, id);
            break;
        case Method::channel_bind:
            write_channel(writer, id);
            break;
        case Method::connect:
            write_peers(writer, id);
            break;
        case Method::connection_bind:
            if (town_.connection_ids.empty()) break;
            writer.number(AttributeType::connection_id, dice_.pick(town_.connection_ids));
            break;
        default:
            break;
    }
    if (dice_.percent(3)) writer.number(static_cast<AttributeType>(0x7000 + dice_.below(9)), 1);
    if (dice_.percent(2)) writer.attribute(AttributeType::dont_fragment, {});
    if (dice_.percent(3)) writer.number(AttributeType::transaction_transmit_counter, 0x0100);
    if (method != Method::binding || dice_.one_in(2)) sign(writer, me);
    if (dice_.percent(5)) writer.number(static_cast<AttributeType>(0x7123), 7);  // does not count
    if (dice_.percent(5)) writer.lifetime(0s);
    if (dice_.percent(30)) writer.fingerprint();
    town_.send(me.at, me.server, writer.finish());
}

// From wherever it is: what it has got where, and whether it has moved, it does not ask itself.
void Asker::bring_ticket(stun::MessageWriter& writer, Identity& me) {
    Ticket ticket = dice_.one_in(3) ? dice_.pick(tickets_) : tickets_.back();
    if (!dice_.one_in(5)) me.user = ticket.user, me.password = ticket.password;
    if (dice_.percent(3)) dice_.pick(ticket.bytes) ^= 1;
    writer.attribute(AttributeType::mobility_ticket, ticket.bytes);
}

uint32_t Asker::some_lifetime() {
    return dice_.any_of<uint32_t>({0, 0, 1, 30, 600, 600, 3600, 7200, 0xffffffff});
}

void Asker::write_allocate(stun::MessageWriter& writer) {
    if (!dice_.percent(3)) {
        const uint32_t protocol = dice_.percent(4) ? 6 : 17;
        writer.number(AttributeType::requested_transport, protocol << 24);
    }
    if (dice_.percent(60)) writer.number(AttributeType::lifetime, some_lifetime());
    if (dice_.percent(25)) {
        writer.attribute(AttributeType::mobility_ticket, dice_.bytes(dice_.one_in(10) ? 4 : 0));
    }
    const size_t kind = dice_.below(100);
    if (kind < 25) {
        const uint8_t reserve = dice_.one_in(2) ? 0x80 : 0;
        writer.attribute(AttributeType::even_port, {&reserve, 1});
    } else if (kind < 40 && !tokens_.empty()) {
        // Mostly the newest, also when it was used: none lives longer than thirty seconds.
        const auto& token = dice_.one_in(3) ? dice_.pick(tokens_) : tokens_.back();
        writer.attribute(AttributeType::reservation_token, token);
    }
    if (dice_.percent(kind < 40 ? 4 : 20)) {
        writer.number(AttributeType::requested_address_family, dice_.any_of<uint32_t>({1, 2, 2, 3})
                                                                   << 24);
    }
    if (dice_.percent(kind < 40 ? 4 : 20)) {
        writer.number(AttributeType::additional_address_family,
                      dice_.any_of<uint32_t>({2, 2, 2, 1, 9}) << 24);
    }
}

TransportAddress Asker::somebody() {
    if (dice_.percent(15)) return dice_.pick(town_.denied);
    if (!town_.relayed.empty() && dice_.percent(25)) return dice_.pick(town_.relayed);
    TransportAddress peer = dice_.pick(town_.peers);
    if (dice_.one_in(3)) ++peer.port;
    return peer;
}

// An IPv4 address dressed up as IPv6.
void Asker::add_disguised_peer(stun::MessageWriter& writer, const stun::TransactionId& id,
                               const IpAddress& v4) {
    std::array<uint8_t, 16> mask{0x21, 0x12, 0xa4, 0x42};
    std::copy(id.begin(), id.end(), mask.begin() + 4);
    std::array<uint8_t, 20> value{0, 2, 0x12, 0x34};
    for (size_t i = 0; i < 16; ++i) value[4 + i] = v4.bytes()[i] ^ mask[i];
    writer.attribute(AttributeType::xor_peer_address, value);
}

void Asker::write_peers(stun::MessageWriter& writer, const stun::TransactionId& id) {
    const size_t count = dice_.percent(70) ? 1 : dice_.below(5);
    for (size_t i = 0; i < count; ++i) {
        const TransportAddress peer = somebody();
        if (peer.ip.is_v4() && dice_.percent(10)) {
            add_disguised_peer(writer, id, peer.ip);
        } else {
            writer.xor_address(AttributeType::xor_peer_address, peer);
        }
    }
    if (dice_.percent(2)) writer.number(AttributeType::xor_peer_address, 1);
}

void Asker::write_channel(stun::MessageWriter& writer, const stun::TransactionId& id) {
    static constexpr uint16_t numbers[] = {0x4000, 0x4001, 0x4002, 0x4003, 0x4004, 0x4005,
                                           0x4fff, 0x5000, 0x7ffe, 0x3fff, 0x7fff, 0x4001};
    if (!dice_.percent(2)) writer.channel_number(dice_.pick(numbers));
    write_peers(writer, id);
}

void Asker::sign(stun::MessageWriter& writer, const Identity& me) {
    std::string user = me.user, password = me.password, realm = me.realm, nonce = me.nonce;
    const size_t slip = dice_.below(100);
    if (slip < 3) password += "!";
    if (slip == 3 || slip == 4) {
        const Identity& other = dice_.pick(identities_);
        user = other.user, password = other.password;
    }
    if (slip == 5) user = "nobody";
    if (slip == 6) realm = "elsewhere";
    if (slip == 7 || slip == 8) nonce = dice_.pick(identities_).nonce;
    if (slip == 9 && !nonce.empty()) dice_.pick(nonce) ^= 1;
    if (slip == 10) return;
    // Or somebody else's name, proved with the key of one's own.
    const std::string& named = slip == 15 ? dice_.pick(identities_).user : user;
    if (slip != 11) writer.text(AttributeType::username, named);
    if (slip != 12) writer.text(AttributeType::realm, realm);
    if (slip != 13) writer.text(AttributeType::nonce, nonce);
    if (slip == 14) writer.number(AttributeType::password_algorithm, 1 << 16);
    const auto key = stun::long_term_key(user, realm, password);
    if (dice_.percent(15)) {
        if (dice_.one_in(2)) writer.integrity(dice_.one_in(2) ? Bytes(key) : Bytes{});
        writer.integrity_sha256(key);
    } else {
        writer.integrity(key);
    }
}

void Asker::send_data(Identity& me) {
    const TransportAddress peer = somebody();
    // Not a Payload: whom it reaches depends on what became of the requests before.
    const auto payload = dice_.bytes(dice_.below(dice_.one_in(20) ? 9000 : 99));
    if (dice_.one_in(2)) {
        static constexpr uint16_t numbers[] = {0x4000, 0x4001, 0x4002, 0x4003,
                                               0x4004, 0x4005, 0x4fff, 0x5000};
        const uint16_t number = dice_.pick(numbers);
        const size_t length = dice_.percent(3) ? payload.size() + 1 : payload.size();
        std::vector<uint8_t> bytes{static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number),
                                   static_cast<uint8_t>(length >> 8), static_cast<uint8_t>(length)};
        bytes.insert(bytes.end(), payload.begin(), payload.end());
        if (dice_.percent(10)) bytes.resize(bytes.size() + dice_.below(4));  // padding is allowed
        return town_.send(me.at, me.server, bytes);
    }
    std::vector<uint8_t> buffer(payload.size() + 200);
    stun::TransactionId id{};
    stun::MessageWriter writer(buffer, {Method::send, Class::indication}, id);
    if (peer.ip.is_v4() && dice_.percent(10)) {
        add_disguised_peer(writer, id, peer.ip);
    } else if (!dice_.percent(2)) {
        writer.xor_address(AttributeType::xor_peer_address, peer);
    }
    if (!dice_.percent(2)) writer.attribute(AttributeType::data, payload);
    if (dice_.percent(3)) writer.attribute(AttributeType::dont_fragment, {});
    town_.send(me.at, me.server, writer.finish());
}

}  // namespace ahoy::sim
