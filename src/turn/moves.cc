// Mobility (RFC 8016): the server's side of sections 3.1.2 and 3.2.2.  How an allocation moves is
// told in mobility.h.
#include "base/check.h"
#include "turn/server.h"

namespace ahoy::turn {
namespace {

using stun::AttributeType;
using stun::ErrorCode;
using stun::Message;
using stun::Method;

// What is kept of a client that uses its new five-tuple before the allocation is there: for a
// moment, and as much as one sends in that.
constexpr size_t most_waiting_messages = 64;
constexpr size_t most_waiting_bytes = 32 * 1024;

}  // namespace

std::optional<Ticket> Server::ticket_in(const Message& request) const {
    if (!tickets_ || request.method() != Method::refresh) return {};
    const auto bytes = request.find(AttributeType::mobility_ticket);
    if (!bytes) return {};
    return tickets_->open(*bytes);
}

std::vector<uint8_t> Server::ticket_for(const Allocation& allocation) {
    if (!allocation.mobile) return {};
    return tickets_->seal({.allocation = allocation.mobile->id,
                           .epoch = allocation.mobile->epoch,
                           .user = Ticket::hash(allocation.user()),
                           .keys = allocation.keys(),
                           .has_keys = !allocation.is_by_token()},
                          random_);
}

// A Refresh request with a ticket, from a five-tuple without an allocation.  The same ticket from
// the same five-tuple again gets the same answer, whether or not the first one arrived.
Server::Reply Server::move(const Exchange& x, Duration lifetime) {
    const auto refuse = [](ErrorCode code) { return unexpected(Refusal(code)); };
    if (!x.ticket) return refuse(ErrorCode::allocation_mismatch);
    if (!x.ticket->is_of(x.user())) return refuse(ErrorCode::wrong_credentials);
    Ticket next = *x.ticket;
    ++next.epoch;

    if (const auto known = claimants_.find(x.five_tuple); known != claimants_.end()) {
        const Claimant& claimant = known->second;
        if (claimant.allocation != next.allocation || claimant.epoch != next.epoch) {
            return refuse(ErrorCode::bad_request);
        }
    } else {
        const auto claim = moves_->claim(*x.ticket, x.five_tuple);
        if (!claim) return refuse(ErrorCode::allocation_mismatch);
        if (lifetime > 0s) {
            claimants_.emplace(x.five_tuple, Claimant{.allocation = next.allocation,
                                                      .epoch = next.epoch,
                                                      .claim = *claim,
                                                      .transport = x.in.transport,
                                                      .waiting = {}});
        }
    }
    moves_->prolong(next.allocation, lifetime);
    Answer answer{.lifetime = lifetime};
    if (lifetime > 0s) answer.ticket = tickets_->seal(next, random_);
    return answer;
}

// The ticket that brought it where it is comes again when the answer was lost.
bool Server::came_with(const Allocation& allocation, const std::optional<Ticket>& ticket) {
    return ticket && allocation.mobile && allocation.mobile->id == ticket->allocation &&
           allocation.mobile->epoch == ticket->epoch + 1;
}

// Is this for an allocation that is claimed?  It comes now, and then this is handed up again.
bool Server::waits(const Datagram& in) {
    if (claimants_.empty()) return false;
    const auto found = claimants_.find({in.socket, in.from, in.local});
    if (found == claimants_.end()) return false;
    Claimant& claimant = found->second;
    if (!std::exchange(claimant.uses_it, true)) {
        moves_->fetch(claimant.allocation, claimant.claim);
    }
    size_t bytes = in.bytes.size();
    for (const auto& message : claimant.waiting) bytes += message.size();
    if (claimant.waiting.size() >= most_waiting_messages || bytes > most_waiting_bytes) {
        drop(Drop::still_waiting);
    } else {
        claimant.waiting.emplace_back(in.bytes.begin(), in.bytes.end());
    }
    return true;
}

// With the claimant, if it is still that of the claim.
Waiting Server::take_waiting(const Claim& claim) {
    const auto found = claimants_.find(claim.five_tuple);
    CHECK(found != claimants_.end());
    Waiting waiting{claim.five_tuple, found->second.transport, std::move(found->second.waiting)};
    claimants_.erase(found);
    return waiting;
}

Waiting Server::claim_voided(const Claim& claim) {
    const auto found = claimants_.find(claim.five_tuple);
    if (found == claimants_.end() || found->second.claim != claim.id) return {};
    return take_waiting(claim);
}

// When nobody is served on the old five-tuple, the new one need not wait until it is used.
void Server::prolong(Now now, MobileId id, Duration lifetime) {
    Allocation& allocation = *slots_[by_mobile_.at(id)].allocation;
    refresh_relays(allocation, now, {}, lifetime);
    if (owns(id) && allocation.client_has_left()) moves_->offer(id);
}

Moving Server::give_up(MobileId id) {
    const SlotIndex index = by_mobile_.at(id);
    close_shortcuts(*slots_[index].allocation);
    Moving moving{.allocation = *slots_[index].allocation, .ports = {}};
    for (const auto family : {AddressFamily::ipv4, AddressFamily::ipv6}) {
        const auto& relay = moving.allocation.stored_relay(family);
        if (!relay) continue;
        auto& token = moving.ports.emplace_back();
        random_.fill(token);
        forget(*relay, moving.allocation);
        relay_ports_.reserve(relay->port, {token, moving.allocation.user(), Instant::max()});
    }
    vacate(index);
    return moving;
}

Waiting Server::take_over(Now now, Moving moving, const Claim& claim) {
    Allocation& allocation = moving.allocation;
    const Allocation before = allocation;
    size_t next = 0;
    for (const auto family : {AddressFamily::ipv4, AddressFamily::ipv6}) {
        const auto relay = allocation.stored_relay(family);
        if (!relay) continue;
        const auto port =
            relay_ports_.redeem(moving.ports.at(next++), allocation.user(), now.steady);
        if (port) {
            allocation.set_relay({*port, relay->expires_at});
        } else {
            allocation.remove_relay(family);
        }
    }
    if (!allocation.has_relays()) {
        observer_.allocation_ended(event(before, now), EndReason::lost);
        stats_.lifetimes.add(now.steady - allocation.created_at());
        relay_ports_.discharge(allocation.user(), allocation.charged_address(), allocation.charged);
        moves_->end(allocation.mobile->id);
        return claim_voided(claim);
    }
    // This shard may have been told of other users and another policy before the other one was.
    if (ends_revoked_ && is_revoked(allocation)) {
        allocation.client_leaves();
        end(settle(std::move(allocation)), now, EndReason::revoked);
        return claim_voided(claim);
    }
    judge_peers_again(allocation);

    const auto claimant = claimants_.find(claim.five_tuple);
    if (claimant == claimants_.end() || claimant->second.claim != claim.id) {
        allocation.client_leaves();  // its stream has closed in the meantime
        settle(std::move(allocation));
        return {};
    }
    allocation.client_comes_to(claim.five_tuple);
    allocation.mobile->epoch = claimant->second.epoch;
    Waiting waiting = take_waiting(claim);
    ++stats_.moves;
    Allocation& settled = settle(std::move(allocation));
    update_shortcuts(settled);
    observer_.allocation_moved(event(settled, now));
    return waiting;
}

}  // namespace ahoy::turn
