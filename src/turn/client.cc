#include "turn/client.h"

#include <algorithm>

#include "base/check.h"
#include "stun/integrity.h"

namespace ahoy::turn {
namespace {

using stun::AttributeType;
using stun::Class;
using stun::ErrorCode;
using stun::Message;
using stun::Method;

// RFC 8489, section 6.2.1: RTO, Rc and Rm; Ti of section 6.2.2 for streams.
constexpr Duration first_wait = 500ms;
constexpr unsigned most_sent = 7;
constexpr Duration last_wait = 16 * first_wait;
constexpr Duration stream_wait = 39500ms;

// Renewed well before a permission's five minutes are over, so that a lost request does not matter;
// a channel's renewal keeps its permission alive, too.
constexpr Duration renewal = 4min;

// How often a request follows the server's wish for another nonce before it is given up.
constexpr unsigned most_challenges = 3;

constexpr uint32_t protocol_udp = 17u << 24;

// Room for the longest USERNAME, REALM and NONCE, and 256 bytes for all else.
constexpr size_t max_request = stun::max_username + 2 * stun::max_text + 256;

}  // namespace

Client::Client(ClientConfig config, Random random)
    : config_(std::move(config)), random_(std::move(random)) {
    CHECK(config_.username.size() <= stun::max_username);
}

void Client::request_binding(Now now, Outbox& out) {
    begin(now, {.method = Method::binding}, out);
}

void Client::allocate(Now now, Outbox& out) {
    CHECK(state_ == State::idle || state_ == State::closed);
    state_ = State::allocating;
    begin(now, {.method = Method::allocate, .lifetime = config_.lifetime}, out);
}

void Client::permit(Now now, const IpAddress& peer, Outbox& out) {
    begin(now, {.method = Method::create_permission, .peer = {peer, 0}}, out);
}

void Client::bind_channel(Now now, const TransportAddress& peer, Outbox& out) {
    Upkeep* known = find(peer);
    if (known == nullptr) {
        const auto number = ChannelNumber::from_wire(next_channel_);
        if (!number)
            return fail({.method = Method::channel_bind, .peer = peer}, ClientEvent::Kind::refused,
                        ErrorCode::insufficient_capacity);
        ++next_channel_;
        known = &upkeep_.emplace_back(Upkeep{peer, number, false, Instant::max()});
    }
    begin(now, {.method = Method::channel_bind, .peer = peer, .channel = known->channel}, out);
}

void Client::move(Now now, Outbox& out) {
    if (state_ != State::allocated || ticket_.empty()) return;
    // From the new address it would be refused, and a move is a refresh.
    std::erase_if(transactions_, [](const auto& t) { return t.wish.method == Method::refresh; });
    refresh_at_ = Instant::max();
    begin(now, {.method = Method::refresh, .lifetime = config_.lifetime, .moves = true}, out);
}

void Client::close(Now now, Outbox& out) {
    if (state_ != State::allocated) return ended();
    state_ = State::closing;
    refresh_at_ = Instant::max();
    upkeep_.clear();
    begin(now, {.method = Method::refresh}, out);
}

void Client::send(const TransportAddress& peer, Bytes payload, Outbox& out) {
    Transmit transmit{.socket = config_.socket, .to = config_.server, .bytes = payload};
    if (const auto channel = channel_to(peer)) {
        transmit.prefix = ChannelData::header(*channel, payload.size());
        transmit.prefix_size = ChannelData::header_size;
        return out.send(transmit);
    }
    const auto buffer = out.scratch(payload.size() + stun::header_size + 24 + 4 + 3);
    if (buffer.empty()) return;
    stun::TransactionId id;
    random_.fill(id);
    stun::MessageWriter writer(buffer, {Method::send, Class::indication}, id);
    writer.xor_address(AttributeType::xor_peer_address, peer);
    writer.attribute(AttributeType::data, payload);
    transmit.bytes = writer.finish();
    out.trim(buffer, transmit.bytes.size());
    if (!transmit.bytes.empty()) out.send(transmit);
}

void Client::begin(Now now, const Wish& wish, Outbox& out) {
    Transaction& transaction = transactions_.emplace_back();
    random_.fill(transaction.id);
    transaction.wish = wish;
    transaction.request = write(wish, transaction.id);
    transaction.wait = first_wait;
    transmit(now, transaction, out);
}

void Client::transmit(Now now, Transaction& transaction, Outbox& out) {
    const auto bytes = out.scratch(transaction.request.size());
    if (!bytes.empty()) {
        std::copy(transaction.request.begin(), transaction.request.end(), bytes.begin());
        out.send({.socket = config_.socket, .to = config_.server, .bytes = bytes});
    }
    ++transaction.sent;
    if (config_.reliable) {
        transaction.due = now.steady + stream_wait;
    } else if (transaction.sent == most_sent) {
        transaction.due = now.steady + last_wait;
    } else {
        transaction.due = now.steady + transaction.wait;
        transaction.wait *= 2;
    }
}

std::vector<uint8_t> Client::write(const Wish& wish, const stun::TransactionId& id) const {
    std::array<uint8_t, max_request> buffer;
    stun::MessageWriter writer(buffer, {wish.method, Class::request}, id);
    switch (wish.method) {
        case Method::allocate:
            writer.number(AttributeType::requested_transport, protocol_udp);
            writer.lifetime(wish.lifetime);
            if (config_.family) {
                writer.number(AttributeType::requested_address_family,
                              static_cast<uint32_t>(*config_.family) << 24);
            }
            if (config_.mobile) writer.attribute(AttributeType::mobility_ticket, {});
            break;
        case Method::refresh:
            writer.lifetime(wish.lifetime);
            if (wish.moves) writer.attribute(AttributeType::mobility_ticket, ticket_);
            break;
        case Method::channel_bind:
            writer.channel_number(wish.channel->to_wire());
            [[fallthrough]];
        case Method::create_permission:
            writer.xor_address(AttributeType::xor_peer_address, wish.peer);
            break;
        default:
            break;
    }
    // A Binding request only where that is asked for.
    if (key_ && (wish.method != Method::binding || wish.challenges > 0)) {
        writer.text(AttributeType::username, config_.username);
        writer.text(AttributeType::realm, realm_);
        writer.text(AttributeType::nonce, nonce_);
        writer.integrity(*key_);
    }
    const auto bytes = writer.finish();
    CHECK(!bytes.empty());
    return {bytes.begin(), bytes.end()};
}

std::optional<Client::Received> Client::from_server(Now now, const Datagram& in, Outbox& out) {
    if (in.bytes.empty()) return {};
    if (in.bytes[0] >> 6 == 1) return on_channel_data(in.bytes);
    const auto message = Message::parse(in.bytes);
    if (!message) return {};
    switch (message->message_class()) {
        case Class::indication:
            return on_data(*message);
        case Class::success:
        case Class::error:
            on_response(now, *message, out);
            return {};
        case Class::request:
            return {};
    }
    return {};
}

std::optional<Client::Received> Client::on_channel_data(Bytes bytes) const {
    const auto data = ChannelData::parse(bytes);
    if (!data) return {};
    for (const Upkeep& kept : upkeep_) {
        if (kept.channel == data->channel) return Received{kept.peer, data->payload, true};
    }
    return {};
}

std::optional<Client::Received> Client::on_data(const Message& message) const {
    const auto peer = message.xor_address(AttributeType::xor_peer_address);
    const auto data = message.find(AttributeType::data);
    if (message.method() != Method::data || !peer || !data) return {};
    return Received{*peer, *data, false};
}

void Client::on_response(Now now, const Message& response, Outbox& out) {
    const auto found =
        std::find_if(transactions_.begin(), transactions_.end(), [&](const Transaction& t) {
            return t.id == response.transaction_id() && t.wish.method == response.method();
        });
    if (found == transactions_.end()) return;
    const bool success = response.message_class() == Class::success;
    // A success that nobody signed could come from anyone.
    if (success && response.method() != Method::binding &&
        !(key_ && stun::integrity_holds(response, *key_))) {
        return;
    }
    const Wish wish = found->wish;
    transactions_.erase(found);
    if (success) {
        on_success(now, wish, response);
    } else {
        on_error(now, wish, response, out);
    }
}

void Client::on_success(Now now, const Wish& wish, const Message& response) {
    using Kind = ClientEvent::Kind;
    const auto granted =
        stun::read_lifetime(response.find(AttributeType::lifetime).value_or(Bytes{}));
    // A minute before the end, or for a short lifetime a quarter of it.
    const Duration lifetime = granted.value_or(0s);
    const Instant refresh_at = now.steady + lifetime - std::min<Duration>(lifetime / 4, 1min);
    if (const auto ticket = response.find(AttributeType::mobility_ticket)) {
        ticket_.assign(ticket->begin(), ticket->end());
    }
    switch (wish.method) {
        case Method::binding:
            mapped_ = response.xor_address(AttributeType::xor_mapped_address);
            if (mapped_) say(Kind::mapped, wish, *mapped_);
            return;
        case Method::allocate:
            mapped_ = response.xor_address(AttributeType::xor_mapped_address);
            relayed_ = response.xor_address(AttributeType::xor_relayed_address);
            if (!relayed_ || !granted) return fail(wish, Kind::refused, ErrorCode::server_error);
            state_ = State::allocated;
            refresh_at_ = refresh_at;
            return say(Kind::allocated, wish, *relayed_);
        case Method::refresh:
            if (state_ == State::closing) return ended();
            refresh_at_ = refresh_at;
            return;
        case Method::create_permission:
            keep(now, wish);
            return say(Kind::permitted, wish, wish.peer);
        case Method::channel_bind:
            keep(now, wish);
            return say(Kind::bound, wish, wish.peer);
        default:
            return;
    }
}

void Client::keep(Now now, const Wish& wish) {
    if (state_ != State::allocated) return;
    Upkeep* kept = find(wish.peer);
    if (kept == nullptr) kept = &upkeep_.emplace_back(Upkeep{.peer = wish.peer});
    kept->channel = wish.channel;
    kept->confirmed = true;
    kept->renew_at = now.steady + renewal;
}

void Client::on_error(Now now, Wish wish, const Message& response, Outbox& out) {
    const auto error = stun::read_error(response.find(AttributeType::error_code).value_or(Bytes{}));
    const ErrorCode code = error ? error->code : ErrorCode::server_error;
    if (accept_challenge(wish, code, response)) {
        ++wish.challenges;
        return begin(now, wish, out);
    }
    if (code == ErrorCode::mobility_forbidden && wish.method == Method::allocate &&
        std::exchange(config_.mobile, false)) {
        return begin(now, wish, out);
    }
    fail(wish, ClientEvent::Kind::refused, code);
}

// RFC 8489, section 9.2.5: the first 401 tells the realm, a 438 another nonce.
bool Client::accept_challenge(const Wish& wish, ErrorCode code, const Message& response) {
    if (code != ErrorCode::unauthenticated && code != ErrorCode::stale_nonce) return false;
    const auto realm = response.text(AttributeType::realm);
    const auto nonce = response.text(AttributeType::nonce);
    const bool known = key_.has_value() && realm == realm_;
    if (!realm || !nonce || wish.challenges >= most_challenges) return false;
    if (realm->size() > stun::max_text || nonce->size() > stun::max_text) return false;
    // With a realm we know, a 401 means that the password is wrong, unless the request had none.
    if (code == ErrorCode::unauthenticated && known && wish.challenges > 0) return false;
    realm_ = *realm;
    nonce_ = *nonce;
    key_ = stun::long_term_key(config_.username, realm_, config_.password);
    return true;
}

void Client::fail(const Wish& wish, ClientEvent::Kind kind, ErrorCode code) {
    say(kind, wish, wish.peer, code);
    const bool allocates = wish.method == Method::allocate;
    const bool refreshes = wish.method == Method::refresh;
    if (allocates ||
        (refreshes && (state_ == State::closing || kind == ClientEvent::Kind::refused))) {
        return ended();
    }
    if (wish.method == Method::create_permission) {
        std::erase_if(upkeep_, [&](const Upkeep& kept) { return kept.peer == wish.peer; });
    }
    // The server may have bound it all the same: data may come over it, and until it expires the
    // peer can have no other number.
    if (Upkeep* const kept = find(wish.peer); wish.method == Method::channel_bind && kept) {
        kept->confirmed = false;
        kept->renew_at = Instant::max();
    }
}

void Client::ended() {
    if (state_ == State::closed) return;
    state_ = State::closed;
    relayed_.reset();
    ticket_.clear();
    refresh_at_ = Instant::max();
    upkeep_.clear();
    transactions_.clear();
    events_.push_back({.kind = ClientEvent::Kind::ended});
}

void Client::expire(Now now, Outbox& out) {
    // By index and afresh after each: what follows a time-out may change the lists.
    for (size_t i = 0; i < transactions_.size(); ++i) {
        Transaction& transaction = transactions_[i];
        if (now.steady < transaction.due) continue;
        if (!config_.reliable && transaction.sent < most_sent) {
            transmit(now, transaction, out);
            continue;
        }
        const Wish wish = transaction.wish;
        transactions_.erase(transactions_.begin() + static_cast<ptrdiff_t>(i--));
        fail(wish, ClientEvent::Kind::timed_out, {});
        if (transactions_.empty()) break;
    }
    if (now.steady >= refresh_at_) {
        refresh_at_ = Instant::max();
        begin(now, {.method = Method::refresh, .lifetime = config_.lifetime}, out);
    }
    for (Upkeep& kept : upkeep_) {
        if (now.steady < kept.renew_at) continue;
        kept.renew_at = Instant::max();
        const Method method = kept.channel ? Method::channel_bind : Method::create_permission;
        begin(now, {.method = method, .peer = kept.peer, .channel = kept.channel}, out);
    }
}

Instant Client::next_deadline() const {
    Instant next = refresh_at_;
    for (const Transaction& transaction : transactions_) next = std::min(next, transaction.due);
    for (const Upkeep& kept : upkeep_) next = std::min(next, kept.renew_at);
    return next;
}

std::optional<ChannelNumber> Client::channel_to(const TransportAddress& peer) const {
    const Upkeep* const kept = find(peer);
    return kept != nullptr && kept->confirmed ? kept->channel : std::nullopt;
}

const Client::Upkeep* Client::find(const TransportAddress& peer) const {
    const auto found = std::find_if(upkeep_.begin(), upkeep_.end(),
                                    [&](const Upkeep& kept) { return kept.peer == peer; });
    return found == upkeep_.end() ? nullptr : &*found;
}

Client::Upkeep* Client::find(const TransportAddress& peer) {
    return const_cast<Upkeep*>(std::as_const(*this).find(peer));
}

void Client::say(ClientEvent::Kind kind, const Wish& wish, const TransportAddress& address,
                 ErrorCode error) {
    events_.push_back({kind, wish.method, address, error});
}

}  // namespace ahoy::turn
