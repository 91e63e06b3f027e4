// What clients may ask for: the server's side of RFC 8656, sections 7.2, 8.2, 10.2 and 12.2.  The
// order of the checks is the RFC's.
#include <algorithm>

#include "turn/server.h"

namespace ahoy::turn {
namespace {

using stun::AttributeType;
using stun::ErrorCode;
using stun::Message;

constexpr uint8_t protocol_udp = 17;
constexpr uint8_t protocol_tcp = 6;
constexpr Duration reservation_lifetime = 30s;  // RFC 8656, section 7.2, at least

constexpr std::array families{AddressFamily::ipv4, AddressFamily::ipv6};

constexpr size_t index(AddressFamily family) {
    return family == AddressFamily::ipv4 ? 0 : 1;
}

constexpr AddressFamily other(AddressFamily family) {
    return family == AddressFamily::ipv4 ? AddressFamily::ipv6 : AddressFamily::ipv4;
}

std::optional<AddressFamily> family_of(uint8_t wire) {
    for (const auto family : families) {
        if (wire == static_cast<uint8_t>(family)) return family;
    }
    return {};
}

// An optional attribute: absent, or read by `read`, or of the wrong size (400).
template <class Value>
Result<std::optional<Value>, ErrorCode> optional_attribute(const Message& request,
                                                           AttributeType type,
                                                           std::optional<Value> (*read)(Bytes)) {
    const auto bytes = request.find(type);
    if (!bytes) return std::optional<Value>{};
    auto value = read(*bytes);
    if (!value) return unexpected(ErrorCode::bad_request);
    return value;
}

}  // namespace

Result<Server::AllocateOptions, Server::Refusal> Server::allocate_options(const Exchange& x) const {
    const auto refuse = [](ErrorCode code) { return unexpected(Refusal(code)); };
    const Message& request = x.request;

    const auto transport = request.find(AttributeType::requested_transport);
    const auto protocol = stun::read_requested_transport(transport.value_or(Bytes{}));
    if (!protocol) return refuse(ErrorCode::bad_request);
    const bool over_tcp = *protocol == protocol_tcp && streams_ != nullptr;
    if (*protocol != protocol_udp && !over_tcp) {
        return refuse(ErrorCode::unsupported_transport_protocol);
    }

    const auto token =
        optional_attribute(request, AttributeType::reservation_token, stun::read_reservation_token);
    const auto even = optional_attribute(request, AttributeType::even_port, stun::read_even_port);
    const auto requested = optional_attribute(request, AttributeType::requested_address_family,
                                              stun::read_address_family);
    const auto additional = optional_attribute(request, AttributeType::additional_address_family,
                                               stun::read_address_family);
    const auto lifetime = optional_attribute(request, AttributeType::lifetime, stun::read_lifetime);
    if (!token || !even || !requested || !additional || !lifetime) {
        return refuse(ErrorCode::bad_request);
    }
    if (*token && (*even || *requested || *additional)) return refuse(ErrorCode::bad_request);
    if (*requested && *additional) return refuse(ErrorCode::bad_request);
    if (even->value_or(false) && *additional) return refuse(ErrorCode::bad_request);

    // RFC 8016, section 3.1.2.  The connections of a TCP allocation cannot move with it.
    const auto ticket = request.find(AttributeType::mobility_ticket);
    if (ticket && (!tickets_ || over_tcp)) return refuse(ErrorCode::mobility_forbidden);
    if (ticket && !ticket->empty()) return refuse(ErrorCode::bad_request);
    // RFC 6062, section 5.1: by a stream only, and nothing that only UDP has.
    if (over_tcp && (!is_stream(x.in.transport) || *token || *even || *additional ||
                     request.has(AttributeType::dont_fragment))) {
        return refuse(ErrorCode::bad_request);
    }

    AllocateOptions options{.token = *token,
                            .lifetime = granted_lifetime(x, *lifetime),
                            .over_tcp = over_tcp,
                            .mobile = ticket.has_value()};
    if (*requested) {
        const auto family = family_of(**requested);
        if (!family) return refuse(ErrorCode::address_family_not_supported);
        options.family = *family;
    }
    if (*additional) {  // IPv4 is there anyway, so only IPv6 can be additional
        if (family_of(**additional) != AddressFamily::ipv6) return refuse(ErrorCode::bad_request);
        options.also_ipv6 = true;
    }
    if (*even) options.parity = **even ? Parity::even_and_next : Parity::even;
    return options;
}

// RFC 8656, section 7.2: what is asked for, but not less than the default; and never more than the
// maximum, should that be less.  RFC 7635, section 9: not longer than the token.
Duration Server::granted_lifetime(const Exchange& x,
                                  std::optional<std::chrono::seconds> asked) const {
    const Duration wanted = asked.value_or(0s);
    const Duration usual =
        std::min(std::max(wanted, config_.default_lifetime), config_.max_lifetime);
    return std::min(usual, x.proof->token_end - x.now.steady);
}

Server::Reply Server::allocate(const Exchange& x) {
    if (x.allocation != nullptr) {
        if (x.allocation->transaction_id() != x.request.transaction_id()) {
            return unexpected(Refusal(ErrorCode::allocation_mismatch));
        }
        return describe(*x.allocation, x.now.steady);
    }
    const auto options = allocate_options(x);
    if (!options) return unexpected(options.error());
    if (alternates_.redirect() == Redirect::always) {
        if (const auto elsewhere = try_alternate(x, *options)) return unexpected(*elsewhere);
    }
    if (refuses_new_) return unexpected(no_room(x, *options));
    const User user = x.user();
    const IpAddress& client = x.five_tuple.client.ip;
    constexpr Counts one{.allocations = 1};
    if (const auto limited = charge(user, client, one)) {
        return unexpected(*limited == Limited::server
                              ? no_room(x, *options)
                              : Refusal(ErrorCode::allocation_quota_reached));
    }
    const auto opened = open_relays(x, *options);
    if (!opened) {
        relay_ports_.discharge(user, client, one);
        const bool full = opened.error().code == ErrorCode::insufficient_capacity;
        return unexpected(full ? no_room(x, *options) : opened.error());
    }

    const Allocation& allocation =
        start({.five_tuple = x.five_tuple,
               .user = user,
               .token_key = std::string(x.token_key),
               .keys = x.proof->keys,
               .token_end = x.proof->token_end,
               .transaction_id = x.request.transaction_id(),
               .over_tcp = options->over_tcp,
               .created_at = x.now.steady},
              x.in.transport, *opened, x.now.steady + options->lifetime, options->mobile);
    observer_.allocation_created(event(allocation, x.now));
    return describe(allocation, x.now.steady);
}

// RFC 8489, section 10: nothing without a server that the client could reach, or when the port it
// asks for is held here.
std::optional<Server::Refusal> Server::try_alternate(const Exchange& x,
                                                     const AllocateOptions& options) {
    if (options.token) return {};
    Refusal refusal(ErrorCode::try_alternate);
    refusal.alternates = alternates_.next(x.in.transport, x.in.from.ip.family());
    if (refusal.alternates.same_family == nullptr) return {};
    return refusal;
}

Server::Refusal Server::no_room(const Exchange& x, const AllocateOptions& options) {
    return try_alternate(x, options).value_or(Refusal(ErrorCode::insufficient_capacity));
}

Result<OpenedPorts, ErrorCode> Server::open_port(AddressFamily family, Parity parity,
                                                 const IpAddress& near) {
    if (!relay_ports_.supports(family)) {
        return unexpected(ErrorCode::address_family_not_supported);
    }
    const auto opened = relay_ports_.open(family, parity, near);
    if (!opened) return unexpected(ErrorCode::insufficient_capacity);
    return *opened;
}

Result<Server::Opened, Server::Refusal> Server::open_relays(const Exchange& x,
                                                            const AllocateOptions& options) {
    Opened opened;
    if (options.token) {
        const auto port = redeem(*options.token, x.user(), x.now.steady);
        if (!port) return unexpected(port.error());
        opened.ports[index(port->address.ip.family())] = *port;
        return opened;
    }
    if (options.over_tcp) {
        if (!relay_ports_.supports(options.family)) {
            return unexpected(Refusal(ErrorCode::address_family_not_supported));
        }
        const auto port = streams_->listen(options.family, x.in.local.ip);
        if (!port) return unexpected(Refusal(ErrorCode::insufficient_capacity));
        opened.ports[index(options.family)] = *port;
        return opened;
    }
    const bool reserves = options.parity == Parity::even_and_next;
    if (reserves && relay_ports_.reserved() >= config_.max_reservations) {
        return unexpected(Refusal(ErrorCode::insufficient_capacity));
    }
    std::optional<AddressError> failed;
    for (const auto family : families) {
        if (family != options.family && !options.also_ipv6) continue;
        const auto port = open_port(family, options.parity, x.in.local.ip);
        if (!port) {
            // 508 rather than 440 when the two differ: one family could have been had.
            if (failed && failed->code != port.error()) {
                return unexpected(Refusal(ErrorCode::insufficient_capacity));
            }
            if (failed) return unexpected(Refusal(port.error()));
            failed = AddressError{family, port.error()};
            continue;
        }
        opened.ports[index(family)] = port->port;
        if (reserves && port->next)
            opened.reservation = reserve(*port->next, x.user(), x.now.steady);
    }
    if (failed && !options.also_ipv6) return unexpected(Refusal(failed->code));
    opened.address_error = failed;
    return opened;
}

stun::ReservationToken Server::reserve(const RelayPort& port, User user, Instant now) {
    stun::ReservationToken token;
    random_.fill(token);
    const Instant expires_at = now + reservation_lifetime;
    relay_ports_.reserve(port, {token, std::move(user), expires_at});
    withdraw_at_ = std::min(withdraw_at_, expires_at);
    return token;
}

Result<RelayPort, Server::Refusal> Server::redeem(const stun::ReservationToken& token,
                                                  const User& user, Instant now) {
    const auto port = relay_ports_.redeem(token, user, now);
    if (!port) return unexpected(Refusal(ErrorCode::insufficient_capacity));
    return *port;
}

Server::Answer Server::describe(const Allocation& allocation, Instant now) {
    Answer answer{.mapped = allocation.five_tuple().client,
                  .lifetime = allocation.last_expiry() - now,
                  .reservation = allocation.reservation,
                  .address_error = allocation.address_error,
                  .ticket = ticket_for(allocation)};
    for (const auto family : families) {
        if (const Relay* relay = allocation.relay(family, now)) {
            answer.relayed[index(family)] = relay->port.address;
        }
    }
    return answer;
}

Server::Reply Server::refresh(const Exchange& x) {
    const auto lifetime =
        optional_attribute(x.request, AttributeType::lifetime, stun::read_lifetime);
    const auto requested = optional_attribute(x.request, AttributeType::requested_address_family,
                                              stun::read_address_family);
    if (!lifetime || !requested) return unexpected(Refusal(ErrorCode::bad_request));
    const bool deletes = *lifetime == 0s;
    const Duration granted = deletes ? Duration{} : granted_lifetime(x, *lifetime);

    const bool moves = x.request.has(AttributeType::mobility_ticket);
    if (moves && !tickets_) return unexpected(Refusal(ErrorCode::mobility_forbidden));
    if (moves && x.allocation == nullptr) {
        // Which families it has is not known here.
        if (*requested) return unexpected(Refusal(ErrorCode::bad_request));
        return move(x, granted);
    }
    if (x.allocation == nullptr) return unexpected(Refusal(ErrorCode::allocation_mismatch));
    // RFC 8016, section 3.2: without a change of address there is no ticket.
    if (moves && !came_with(*x.allocation, x.ticket)) {
        return unexpected(Refusal(ErrorCode::bad_request));
    }

    std::optional<AddressFamily> only;
    if (*requested) {
        only = family_of(**requested);
        if (!only || !x.allocation->relay(*only, x.now.steady)) {
            return unexpected(Refusal(ErrorCode::peer_address_family_mismatch));
        }
    }
    Answer answer{.lifetime = granted};
    if (moves && !deletes) answer.ticket = ticket_for(*x.allocation);
    if (!deletes && x.allocation->is_by_token()) {  // which may be a new one
        x.allocation->use_token(x.proof->keys, x.proof->token_end);
    }
    refresh_relays(*x.allocation, x.now, only, granted);
    return answer;
}

// Of one family or all.  With a lifetime of 0 they are gone, and the allocation with the last.
void Server::refresh_relays(Allocation& allocation, Now now, std::optional<AddressFamily> only,
                            Duration lifetime) {
    for (const auto family : families) {
        if (only && *only != family) continue;
        if (!allocation.relay(family, now.steady)) continue;
        if (lifetime > 0s) {
            allocation.extend_relay(family, now.steady + lifetime);
        } else if (allocation.stored_relay(other(family))) {
            drop_relay(allocation, family);
        } else {  // it has to be whole then for who observes it
            return end(allocation, now, EndReason::deleted);
        }
    }
    has_changed(allocation);
}

// RFC 8656, sections 10.2 and 12.2: the family, then the policy.
Result<PeerVerdict, Server::Refusal> Server::admit(const Exchange& x, const TransportAddress& peer,
                                                   const OwnAddresses& own) {
    if (!x.allocation->relay(peer.ip.family(), x.now.steady)) {
        return unexpected(Refusal(ErrorCode::peer_address_family_mismatch));
    }
    const PeerPolicy& policy = realm_of(*x.allocation).peers;
    const PeerVerdict address = policy.check(peer.ip, own);
    const PeerVerdict verdict =
        peer.port != 0 && address.allowed() ? policy.check(peer, own) : address;
    if (!verdict.allowed()) {
        ++stats_.denied_peers[static_cast<size_t>(verdict.reason)];
        return unexpected(Refusal(ErrorCode::forbidden));
    }
    return address;
}

// All or none: nothing is installed before every address has been admitted.
Server::Reply Server::create_permission(const Exchange& x) {
    std::array<Permission, Message::max_attributes> wanted;
    size_t count = 0;
    bool well_formed = true;
    x.request.each([&](AttributeType type, Bytes value) {
        if (type != AttributeType::xor_peer_address) return;
        const auto peer = stun::read_xor_address(value, x.request.transaction_id());
        well_formed = well_formed && peer;
        if (peer) wanted[count++].peer = peer->ip;
    });
    if (x.allocation == nullptr) return unexpected(Refusal(ErrorCode::allocation_mismatch));
    if (count == 0 || !well_formed) return unexpected(Refusal(ErrorCode::bad_request));

    Counts fresh;
    for (size_t i = 0; i < count; ++i) {
        const auto verdict =
            admit(x, {wanted[i].peer, 0}, relay_ports_);  // a permission has no port
        if (!verdict) return unexpected(verdict.error());
        wanted[i].per_datagram = verdict->per_datagram;
        wanted[i].expires_at = x.now.steady + config_.permission_lifetime;
        const bool repeated =
            std::any_of(wanted.begin(), wanted.begin() + static_cast<ptrdiff_t>(i),
                        [&](const auto& w) { return w.peer == wanted[i].peer; });
        if (!repeated && !x.allocation->permission(wanted[i].peer, x.now.steady)) {
            ++fresh.permissions;
        }
    }
    if (fresh.any() && !charge(*x.allocation, fresh, x.now.steady)) {
        return unexpected(Refusal(ErrorCode::insufficient_capacity));
    }
    for (size_t i = 0; i < count; ++i) x.allocation->permit(wanted[i]);
    has_changed(*x.allocation);
    return Answer{};
}

Server::Reply Server::channel_bind(const Exchange& x) {
    const auto refuse = [](ErrorCode code) { return unexpected(Refusal(code)); };
    if (x.allocation == nullptr) return refuse(ErrorCode::allocation_mismatch);
    Allocation& allocation = *x.allocation;
    if (allocation.over_tcp()) return refuse(ErrorCode::forbidden);
    const Instant now = x.now.steady;

    const auto bytes = x.request.find(AttributeType::channel_number).value_or(Bytes{});
    const auto number = ChannelNumber::from_wire(stun::read_channel_number(bytes).value_or(0));
    const auto peer = x.request.xor_address(AttributeType::xor_peer_address);
    if (!number || !peer || peer->port == 0) return refuse(ErrorCode::bad_request);
    if (!config_.legacy_channels && number->to_wire() > ChannelNumber::last_of_rfc8656) {
        return refuse(ErrorCode::bad_request);
    }

    const Channel* const of_number = allocation.channel(*number, now);
    if (of_number != nullptr && of_number->peer != *peer) return refuse(ErrorCode::bad_request);
    const Channel* const of_peer = allocation.channel(*peer, now);
    if (of_peer != nullptr && of_peer->number != *number) return refuse(ErrorCode::bad_request);

    const auto verdict = admit(x, *peer, relay_ports_);
    if (!verdict) return unexpected(verdict.error());
    const bool permitted = allocation.permission(peer->ip, now) != nullptr;
    const Counts fresh{.permissions = permitted ? 0u : 1u,
                       .channels = of_peer != nullptr ? 0u : 1u};
    if (fresh.any() && !charge(allocation, fresh, now)) {
        return refuse(ErrorCode::insufficient_capacity);
    }
    allocation.bind({*number, *peer, now + config_.channel_lifetime});
    allocation.permit({peer->ip, verdict->per_datagram, now + config_.permission_lifetime});
    has_changed(allocation);
    return Answer{};
}

}  // namespace ahoy::turn
