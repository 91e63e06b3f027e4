#include "turn/server.h"

#include <algorithm>

#include "base/check.h"

namespace ahoy::turn {
namespace {

using stun::AttributeType;
using stun::Class;
using stun::ErrorCode;
using stun::Message;
using stun::Method;

Families families_of(const Allocation& allocation) {
    if (!allocation.stored_relay(AddressFamily::ipv6)) return Families::ipv4;
    return allocation.stored_relay(AddressFamily::ipv4) ? Families::both : Families::ipv6;
}

FiveTuple five_tuple_of(const Datagram& in) {
    return {in.socket, in.from, in.local};
}

}  // namespace

std::string_view label(EndReason reason) {
    switch (reason) {
        case EndReason::deleted:
            return "deleted";
        case EndReason::expired:
            return "expired";
        case EndReason::client_gone:
            return "client_gone";
        case EndReason::revoked:
            return "revoked";
        case EndReason::lost:
            return "lost";
        case EndReason::stopped:
            return "stopped";
    }
    return {};
}

// The comprehension-required attributes that mean something here, and all optional ones.
bool Server::understands(AttributeType type) {
    switch (type) {
        case AttributeType::username:
        case AttributeType::message_integrity:
        case AttributeType::error_code:
        case AttributeType::unknown_attributes:
        case AttributeType::channel_number:
        case AttributeType::lifetime:
        case AttributeType::mapped_address:
        case AttributeType::xor_peer_address:
        case AttributeType::data:
        case AttributeType::realm:
        case AttributeType::nonce:
        case AttributeType::xor_relayed_address:
        case AttributeType::requested_address_family:
        case AttributeType::even_port:
        case AttributeType::requested_transport:
        case AttributeType::dont_fragment:
        case AttributeType::message_integrity_sha256:
        case AttributeType::password_algorithm:
        case AttributeType::userhash:
        case AttributeType::xor_mapped_address:
        case AttributeType::reservation_token:
        case AttributeType::connection_id:
            return true;
        default:
            return !stun::comprehension_required(type);
    }
}

bool Server::understands_in_request(const Exchange& x, AttributeType type) const {
    if (type == AttributeType::access_token) {
        return realm_of(x).credentials.token_keys().in_use();
    }
    return understands(type);
}

size_t Server::HashFiveTuple::operator()(const FiveTuple& tuple) const {
    // The client's address is what strangers choose; that it reached us on two addresses of one
    // listener is rare enough to be left to the comparison.
    return mix(tuple.client, static_cast<uint64_t>(tuple.socket));
}

size_t Server::HashSocket::operator()(SocketId socket) const {
    return mix({}, static_cast<uint64_t>(socket));
}

Server::Server(ServerConfig config, std::shared_ptr<const Realms> realms, Nonces nonces,
               RelayPorts& relay_ports, Observer& observer, Random random)
    : config_(std::move(config)),
      realms_(std::move(realms)),
      nonces_(nonces),
      relay_ports_(relay_ports),
      observer_(observer),
      random_(std::move(random)),
      by_five_tuple_(0, HashFiveTuple(random_.next(), random_.next())),
      by_relay_(0, HashSocket(random_.next(), random_.next())),
      by_relayed_address_(0, AddressHash(random_.next(), random_.next())),
      claimants_(0, by_five_tuple_.hash_function()),
      budget_(config_.replies_per_second, AddressHash(random_.next(), random_.next())),
      bandwidth_(config_.bandwidth) {
    CHECK(realms_ != nullptr);
    bandwidth_.limit_realms(realms_->bandwidths());
    CHECK(config_.software.size() <= stun::max_text);
}

Server::~Server() = default;

void Server::from_client(Now now, const Datagram& in, Outbox& out) {
    if (in.bytes.empty()) return drop(Drop::malformed);
    switch (in.bytes[0] >> 6) {  // RFC 8656, section 12.4: the two bits that tell them apart
        case 0:
            return on_message(now, in, out);
        case 1:
            return on_channel_data(now, in, out);
        default:
            return drop(Drop::malformed);
    }
}

void Server::on_message(Now now, const Datagram& in, Outbox& out) {
    auto message = Message::parse(in.bytes);
    if (!message && config_.classic_stun && in.transport == Transport::udp && in.from.ip.is_v4()) {
        message = Message::parse_classic(in.bytes);
    }
    if (!message) return drop(Drop::malformed);
    switch (message->message_class()) {
        case Class::request:
            return on_request(now, in, *message, out);
        case Class::indication:
            if (message->method() == Method::send) return on_send(now, in, *message, out);
            if (message->method() == Method::binding) return;  // keeps a NAT's mapping, no more
            return drop(Drop::unexpected_class);
        case Class::success:
        case Class::error:
            return drop(Drop::unexpected_class);
    }
}

void Server::on_request(Now now, const Datagram& in, const Message& request, Outbox& out) {
    switch (request.method()) {
        case Method::binding:
        case Method::allocate:
        case Method::refresh:
        case Method::create_permission:
        case Method::channel_bind:
            break;
        case Method::connect:
        case Method::connection_bind:
            if (streams_ == nullptr) return drop(Drop::unknown_method);
            break;
        case Method::send:
        case Method::data:
            return drop(Drop::unexpected_class);
        default:
            return drop(Drop::unknown_method);
    }
    // A repeated claim is answered again; anything else is for the allocation that it brought.
    const bool claims =
        request.method() == Method::refresh && request.has(AttributeType::mobility_ticket);
    if (request.method() != Method::binding && !claims && waits(in)) return;
    Exchange x{.now = now, .in = in, .request = request, .five_tuple = five_tuple_of(in)};
    if (const auto reply = reply_to(x)) respond(x, *reply, out);
}

// RFC 8489, section 6.3.1, and RFC 8656, section 5: who asks, then what is asked, then whether it
// is granted.
std::optional<Server::Reply> Server::reply_to(Exchange& x) {
    const bool authenticates =
        x.request.method() != Method::binding || config_.authenticate_binding;
    if (authenticates) {
        x.realm = realms_->of(x.request);
        x.allocation = find(x.five_tuple, x.now);
        if (auto proved = authenticate(x); !proved) return unexpected(proved.error());
    }
    Refusal refusal(ErrorCode::unknown_attribute);
    x.request.each([&](AttributeType type, Bytes) {
        auto& unknown = refusal.unknown;
        if (understands_in_request(x, type) || explores(x, type)) return;
        unknown.types[unknown.count++] = static_cast<uint16_t>(type);
    });
    auto& [types, count] = refusal.unknown;
    // RFC 3489, section 11.2.10, has no padding: one is repeated.
    if (x.request.is_classic() && count % 2 == 1) types[count++] = types[0];
    if (count > 0) return unexpected(refusal);
    if (x.allocation != nullptr && !x.allocation->user().is(x.username, x.realm)) {
        return unexpected(Refusal(ErrorCode::wrong_credentials));
    }
    switch (x.request.method()) {
        case Method::allocate:
            return allocate(x);
        case Method::refresh:
            return refresh(x);
        case Method::create_permission:
            return create_permission(x);
        case Method::channel_bind:
            return channel_bind(x);
        case Method::connect:
            return connect(x);
        case Method::connection_bind:
            return connection_bind(x);
        default:
            return bind(x);
    }
}

Allocation* Server::find(const FiveTuple& five_tuple, Now now) {
    const auto found = by_five_tuple_.find(five_tuple);
    if (found == by_five_tuple_.end()) return nullptr;
    Allocation& allocation = *slots_[found->second].allocation;
    if (now.steady < allocation.last_expiry()) return &allocation;
    end(allocation, now, EndReason::expired);
    return nullptr;
}

Allocation& Server::start(Allocation::Origin origin, Transport transport, const Opened& opened,
                          Instant expires_at, bool mobile) {
    Allocation allocation(std::move(origin));
    allocation.charged = {.allocations = 1};
    allocation.buckets = relay_ports_.buckets_of(allocation.user(), allocation.charged_address(),
                                                 allocation.created_at());
    for (const auto& port : opened.ports) {
        if (port) allocation.set_relay({*port, expires_at});
    }
    allocation.reservation = opened.reservation;
    allocation.address_error = opened.address_error;
    if (mobile) allocation.mobile = {.id = moves_->begin(), .epoch = 1};
    ++stats_.allocations_total;
    ++stats_.allocations_made[static_cast<size_t>(transport)]
                             [static_cast<size_t>(families_of(allocation))];
    return settle(std::move(allocation));
}

Allocation& Server::settle(Allocation allocation) {
    if (free_slots_.empty()) {
        free_slots_.push_back(static_cast<SlotIndex>(slots_.size()));
        slots_.emplace_back();
    }
    const SlotIndex index = free_slots_.back();
    free_slots_.pop_back();
    Allocation& settled = slots_[index].allocation.emplace(std::move(allocation));
    if (!settled.client_has_left()) {
        CHECK(by_five_tuple_.emplace(settled.five_tuple(), index).second);
    }
    for (const auto family : {AddressFamily::ipv4, AddressFamily::ipv6}) {
        const auto& relay = settled.stored_relay(family);
        if (relay) remember(*relay, settled, index);
    }
    if (settled.mobile) by_mobile_.emplace(settled.mobile->id, index);
    give_back(settled);
    look_again(index);
    ++stats_.allocations_live;
    return settled;
}

// But for the relay ports, whose entries go with them.
void Server::vacate(SlotIndex index) {
    const Allocation& allocation = *slots_[index].allocation;
    if (!allocation.client_has_left()) by_five_tuple_.erase(allocation.five_tuple());
    if (allocation.mobile) by_mobile_.erase(allocation.mobile->id);
    slots_[index].allocation.reset();
    free_slots_.push_back(index);
    --stats_.allocations_live;
}

Server::SlotIndex Server::slot_of(const Allocation& allocation) const {
    const auto& v4 = allocation.stored_relay(AddressFamily::ipv4);
    const auto& relay = v4 ? v4 : allocation.stored_relay(AddressFamily::ipv6);
    const auto found = by_relay_.find(relay.value().port.socket);
    CHECK(found != by_relay_.end());
    return found->second;
}

void Server::remember(const Relay& relay, const Allocation& allocation, SlotIndex index) {
    by_relay_.emplace(relay.port.socket, index);
    stats_.relayed_ports = by_relay_.size();
    // A TCP allocation may have the same address and port.
    if (!allocation.over_tcp()) by_relayed_address_.emplace(relay.port.address, index);
}

void Server::forget(const Relay& relay, const Allocation& allocation) {
    by_relay_.erase(relay.port.socket);
    stats_.relayed_ports = by_relay_.size();
    if (!allocation.over_tcp()) by_relayed_address_.erase(relay.port.address);
}

void Server::drop_relay(Allocation& allocation, AddressFamily family) {
    const auto& relay = allocation.stored_relay(family);
    if (!relay) return;
    forget(*relay, allocation);
    if (allocation.over_tcp()) {
        streams_->close(relay->port);
    } else {
        relay_ports_.close(relay->port);
    }
    allocation.remove_relay(family);
}

void Server::end(Allocation& allocation, Now now, EndReason why) {
    close_shortcuts(allocation);  // who observes it wants to know all that was relayed
    observer_.allocation_ended(event(allocation, now), why);
    stats_.lifetimes.add(now.steady - allocation.created_at());
    const SlotIndex index = slot_of(allocation);
    end_connections(allocation);
    drop_relay(allocation, AddressFamily::ipv4);
    drop_relay(allocation, AddressFamily::ipv6);
    relay_ports_.discharge(allocation.user(), allocation.charged_address(), allocation.charged);
    if (allocation.mobile) moves_->end(allocation.mobile->id);
    vacate(index);
}

std::optional<Limited> Server::charge(const User& user, const IpAddress& client,
                                      const Counts& more) {
    const Realm::Limits& of_realm = (*realms_)[user.realm()].limits;
    Quotas::Limits limits = config_.quotas;
    limits.per_user.allocations =
        of_realm.allocations_per_user.value_or(limits.per_user.allocations);
    limits.per_realm.allocations = of_realm.allocations.value_or(0);
    const auto refused = relay_ports_.charge(user, client, more, limits);
    if (!refused) return {};
    ++stats_
          .limits_reached[static_cast<size_t>(refused->what)][static_cast<size_t>(refused->whose)];
    return refused->whose;
}

// For what an allocation is about to have; false if that is too much.
bool Server::charge(Allocation& allocation, const Counts& more, Instant now) {
    const Counts own{.permissions = config_.max_permissions,
                     .channels = config_.max_channels,
                     .connections = config_.max_connections};
    allocation.reclaim(now);
    give_back(allocation);
    if (const auto what = excess(allocation.held(), more, own)) {
        ++stats_
              .limits_reached[static_cast<size_t>(*what)][static_cast<size_t>(Limited::allocation)];
        return false;
    }
    if (charge(allocation.user(), allocation.charged_address(), more)) return false;
    allocation.charged += more;
    return true;
}

// What is charged is what is there, so that no way of losing something can forget it.
void Server::give_back(Allocation& allocation) {
    const Counts held = allocation.held();
    if (allocation.charged == held) return;
    Counts gone = allocation.charged;
    gone -= held;
    relay_ports_.discharge(allocation.user(), allocation.charged_address(), gone);
    allocation.charged = held;
}

// What follows from an allocation's tables, after every change of them.
void Server::has_changed(Allocation& allocation) {
    give_back(allocation);
    update_shortcuts(allocation);
    look_again(slot_of(allocation));
}

void Server::client_gone(Now now, const FiveTuple& five_tuple) {
    claimants_.erase(five_tuple);
    Allocation* const allocation = find(five_tuple, now);
    if (allocation == nullptr) return;
    if (!allocation->mobile) return end(*allocation, now, EndReason::client_gone);
    by_five_tuple_.erase(five_tuple);
    allocation->client_leaves();
    moves_->offer(allocation->mobile->id);
}

// A slot has one entry in deadlines_, which may be earlier than needed, so that neither refreshing
// nor ending an allocation, however often, adds any.
void Server::look_again(SlotIndex index) {
    Slot& slot = slots_[index];
    const Instant at = slot.allocation->first_expiry();
    if (at >= slot.looked_at) return;
    slot.looked_at = at;
    deadlines_.put(at, {index, at});
}

void Server::expire(Now now, Outbox& out) {
    while (out.has_room()) {
        const auto due = deadlines_.take_due(now.steady);
        if (!due) break;
        Slot& slot = slots_[due->slot];
        if (slot.looked_at != due->at) continue;  // an earlier entry stood in for this one
        slot.looked_at = Instant::max();
        if (!slot.allocation) continue;
        if (now.steady >= slot.allocation->last_expiry()) {
            end(*slot.allocation, now, EndReason::expired);
            continue;
        }
        for (const auto family : {AddressFamily::ipv4, AddressFamily::ipv6}) {
            if (!slot.allocation->relay(family, now.steady)) drop_relay(*slot.allocation, family);
        }
        expire_connections(*slot.allocation, now, out);
        slot.allocation->reclaim(now.steady);
        has_changed(*slot.allocation);
    }
    if (now.steady >= withdraw_at_) withdraw_at_ = relay_ports_.withdraw_expired(now.steady);
}

Instant Server::next_deadline() const {
    return std::min(deadlines_.next(), withdraw_at_);
}

void Server::reload(std::shared_ptr<const Realms> realms) {
    CHECK(realms != nullptr);
    realms_ = std::move(realms);
    bandwidth_.limit_realms(realms_->bandwidths());
    ends_revoked_ = false;
    for (Slot& slot : slots_) {
        if (!slot.allocation) continue;
        judge_peers_again(*slot.allocation);
        disconnect_denied(*slot.allocation);
        has_changed(*slot.allocation);
    }
}

void Server::judge_peers_again(Allocation& allocation) {
    const PeerPolicy& policy = realm_of(allocation).peers;
    allocation.judge_again([&](const auto& peer) { return policy.check(peer, relay_ports_); });
}

bool Server::is_revoked(const Allocation& allocation) const {
    const Credentials& credentials = realm_of(allocation).credentials;
    return allocation.is_by_token()
               ? !credentials.token_keys().has(allocation.token_key())
               : !credentials.stands_by(allocation.user().name(), allocation.keys());
}

std::optional<size_t> Server::end_revoked(Now now, size_t from) {
    constexpr size_t at_once = 256;  // a few microseconds each
    const size_t to = std::min(from + at_once, slots_.size());
    ends_revoked_ = true;
    for (size_t i = from; i < to; ++i) {
        auto& allocation = slots_[i].allocation;
        if (allocation && is_revoked(*allocation)) end(*allocation, now, EndReason::revoked);
    }
    if (to == slots_.size()) return {};
    return to;
}

void Server::close_all(Now now) {
    for (Slot& slot : slots_) {
        if (slot.allocation) end(*slot.allocation, now, EndReason::stopped);
    }
    withdraw_at_ = relay_ports_.withdraw_expired(Instant::max());
}

}  // namespace ahoy::turn
