// Who keeps his allocation when he comes from elsewhere (RFC 8016): whoever brings its latest
// ticket, and from the first use of the new address on nobody else.
#include <algorithm>

#include "sim/turn_model.h"

namespace ahoy::sim {
namespace {

// What is kept for a client until its allocation has come.
constexpr size_t most_waiting = 64, most_waiting_bytes = 32 * 1024;

Place place_of(const turn::Claim& claim) {
    return {claim.five_tuple.client, claim.five_tuple.server};
}

void require(bool holds, std::string_view id, std::string_view sentence, const Place& seen) {
    if (!holds) throw Violation(id, sentence, seen.first.to_string());
}

}  // namespace

const TurnModel::Ticket* TurnModel::ticket_in(const wire::Stun& stun) const {
    const auto value = stun.text(wire::mobility_ticket);
    if (!value) return nullptr;
    const auto found = tickets_.find(*value);
    return found == tickets_.end() ? nullptr : &found->second;
}

// Nobody can tell from tickets which are of one allocation: none comes twice.
void TurnModel::note_ticket(const Request& r, const wire::Stun& answer, Ticket ticket) {
    const auto value = answer.text(wire::mobility_ticket);
    require(value && !value->empty(), "TI11", "who has a mobile allocation gets a ticket", r.place);
    const bool fresh = tickets_.emplace(std::string(*value), std::move(ticket)).second;
    require(fresh, "TI14", "no ticket comes twice", r.place);
}

void TurnModel::check_ticket(const Request& r, const wire::Stun& answer, const Grant& grant,
                             bool expected) {
    if (!expected) {
        return require(!answer.has(wire::mobility_ticket), "TI11",
                       "nobody gets a ticket who has not asked for one", r.place);
    }
    const Mobility& mobility = grant.mobility.value();
    note_ticket(r, answer, {mobility.id, mobility.here, grant.user, grant.key});
}

TurnModel::Grant* TurnModel::with_ticket(turn::MobileId id) {
    if (const auto flying = on_the_way_.find(id); flying != on_the_way_.end()) {
        return &flying->second;
    }
    const auto found = std::ranges::find_if(grants_, [&](const auto& entry) {
        return entry.second.mobility && entry.second.mobility->id == id;
    });
    return found == grants_.end() ? nullptr : &found->second;
}

void TurnModel::forget_if_expired(const Ticket* ticket, Instant now) {
    if (ticket == nullptr) return;
    const auto found = std::ranges::find_if(grants_, [&](const auto& entry) {
        return entry.second.mobility && entry.second.mobility->id == ticket->allocation;
    });
    if (found == grants_.end()) return;
    const Place place = found->first;
    find(place, now);
}

// The latest; and while nobody has come with that one, the one before, whose answer may be lost.
bool TurnModel::is_usable(const Ticket& ticket) const {
    const Grant* const grant = const_cast<TurnModel*>(this)->with_ticket(ticket.allocation);
    if (grant == nullptr) return false;
    const Mobility& mobility = *grant->mobility;
    return ticket.number == mobility.latest ||
           (mobility.claimed_by && ticket.number + 1 == mobility.latest);
}

// RFC 8016, section 3.2.2.
void TurnModel::move_reasons(const Request& r, const Ticket* ticket, Reasons& why) const {
    if (r.stun.has(wire::requested_address_family)) why.must.insert(400);
    if (ticket == nullptr) {
        why.must.insert(437);
        return;
    }
    if (ticket->user != r.user) why.must.insert(441);
    const auto known = claimants_.find(r.place);
    if (known != claimants_.end()) {
        const Claimant& claimant = known->second;
        const bool again =
            claimant.allocation == ticket->allocation && claimant.number == ticket->number;
        if (!again) why.must.insert(400);
        return;
    }
    if (over_.contains(ticket->allocation)) {
        why.may.insert(437);
    } else if (!is_usable(*ticket)) {
        trace_.mark(Mark::used_old_ticket);
        why.must.insert(437);
    }
}

void TurnModel::moved(Request& r, const wire::Stun& answer) {
    const Ticket ticket = *ticket_in(r.stun);
    const auto asked = r.stun.find(wire::lifetime);
    const Duration granted =
        asked && wire::number(*asked) == 0 ? Duration{} : granted_lifetime(r.stun);
    check_lifetime(r, answer, granted);
    require(r.step.moves.prolonged == std::pair(ticket.allocation, granted), "TI13",
            "who brings a ticket refreshes its allocation", r.place);
    if (!ended_.contains(ticket.allocation)) granted_.emplace(ticket.allocation, granted);
    if (granted > 0s) {
        note_ticket(r, answer, {ticket.allocation, ticket.number + 1, ticket.user, ticket.key});
    } else {
        require(!answer.has(wire::mobility_ticket), "TI11", "what ends has no ticket", r.place);
    }
    if (claimants_.contains(r.place)) return trace_.mark(Mark::claimed_again);

    require(r.step.moves.claimed.has_value(), "TI6", "a move claims its allocation", r.place);
    if (Grant* const grant = with_ticket(ticket.allocation)) {
        if (grant->mobility->claimed_by) trace_.mark(Mark::claimed_from_elsewhere);
        grant->mobility->latest = ticket.number + 1;
        grant->mobility->claimed_by = r.place;
    }
    if (granted == 0s) return;
    claimants_[r.place] = {.allocation = ticket.allocation,
                           .number = ticket.number,
                           .claim = *r.step.moves.claimed,
                           .waiting = {}};
}

// Is this from somebody whose allocation is still elsewhere?
bool TurnModel::waits(const Step& step) {
    const Place place{step.in.from, step.in.local};
    const auto found = claimants_.find(place);
    if (found == claimants_.end()) return false;
    Claimant& claimant = found->second;
    expect_silence(step, "TI6", "what is for an allocation on its way waits for it");
    if (!std::exchange(claimant.uses_it, true)) {
        require(step.moves.fetched == claimant.claim, "TI30",
                "an allocation comes when its new address is used", place);
    }
    size_t bytes = step.in.bytes.size();
    for (const auto& message : claimant.waiting) bytes += message.size();
    if (claimant.waiting.size() < most_waiting && bytes <= most_waiting_bytes) {
        claimant.waiting.emplace_back(step.in.bytes.begin(), step.in.bytes.end());
        ++kept_;
        trace_.mark(Mark::waited_for_allocation);
    }
    return true;
}

// Only a mobile allocation lives on.
void TurnModel::client_gone(const Place& place, Instant now) {
    if (const auto claimant = claimants_.find(place); claimant != claimants_.end()) {
        claimant->second.has_left = true;
        claimant->second.waiting.clear();
    }
    Grant* const grant = find(place, now);
    if (grant == nullptr) return;
    if (grant->mobility) {
        grant->client_left = true;
    } else {
        grants_.erase(place);
    }
}

void TurnModel::prolonged(Instant now, turn::MobileId id, Duration lifetime,
                          const TurnPorts::Calls& calls) {
    const auto [first, last] = granted_.equal_range(id);
    const auto granted =
        std::find_if(first, last, [&](const auto& g) { return g.second == lifetime; });
    if (granted != last) {
        granted_.erase(granted);
    } else if (!ended_.contains(id)) {
        throw Violation("TI13", "an allocation lives as long as its client was told",
                        std::to_string(lifetime / 1s));
    }
    for (auto& [place, grant] : grants_) {
        if (!grant.mobility || grant.mobility->id != id) continue;
        const Place where = place;
        if (find(where, now) == nullptr) return;
        extend(grant, {}, lifetime, now, calls);
        find(where, now);  // which forgets what has no relay any more
        return;
    }
}

void TurnModel::left(Instant now, turn::MobileId id, const turn::Claim& claim) {
    const Ticket latest{.allocation = id, .user = {}};
    forget_if_expired(&latest, now);
    const Place place = place_of(claim);
    const auto claimant = claimants_.find(place);
    if (over_.contains(id)) return;
    const auto grant = std::ranges::find_if(grants_, [&](const auto& entry) {
        return entry.second.mobility && entry.second.mobility->id == id;
    });
    require(claimant != claimants_.end() && claimant->second.claim == claim.id &&
                (claimant->second.uses_it || (grant != grants_.end() && grant->second.client_left)),
            "TI6", "an allocation goes to who has brought its ticket and uses it", place);
    require(grant != grants_.end() && grant->second.mobility->claimed_by == place, "TI6",
            "an allocation goes to who brought a ticket last", place);
    grant->second.mobility->claimed_by.reset();
    on_the_way_.emplace(id, std::move(grant->second));
    grants_.erase(grant);
}

// Its permissions and channels come with it, but for whom the policy denies now.
void TurnModel::arrived(turn::MobileId id, const turn::Claim& claim, size_t shard,
                        const TurnPorts::Calls& calls, const turn::Waiting& waiting) {
    const Place place = place_of(claim);
    const Claimant claimant = claimants_.at(place);
    require(claimant.waiting == waiting.messages, "TI3",
            "what has waited for an allocation is heard in its order", place);
    claimants_.erase(place);
    if (over_.contains(id) && !claimant.has_left) ++counted_[shard].moves;
    auto found = on_the_way_.extract(id);
    if (!found) return;  // its time was over
    Grant& grant = found.mapped();
    std::erase_if(grant.relays, [&](const auto& relay) {
        return std::ranges::count(calls.redeemed, relay.second.port) == 0;
    });
    if (grant.relays.empty()) {
        trace_.mark(Mark::lost_on_its_way);
        return require(ended_.contains(id), "TI13", "no port, no allocation", place);
    }
    const bool is_over = ends_revoked_ && is_revoked(grant);
    require(is_over == ended_.contains(id), "TI6", "what arrives ends if its user is revoked",
            place);
    if (is_over) return trace_.mark(Mark::revoked_on_its_way);
    if (grant.shard != shard) trace_.mark(Mark::moved_to_other_shard);
    trace_.mark(Mark::moved);
    grant.shard = shard;
    grant.socket = claim.five_tuple.socket;
    grant.client_left = claimant.has_left;
    judge_again(grant);
    if (claimant.has_left) {
        grants_.emplace(place, std::move(grant));
        trace_.mark(Mark::arrived_too_late);
        return;
    }
    grant.mobility->here = claimant.number + 1;
    grants_.emplace(place, std::move(grant));
    ++counted_[shard].moves;
}

void TurnModel::voided(const turn::Claim& claim, const turn::Waiting& waiting) {
    const Place place = place_of(claim);
    const auto found = claimants_.find(place);
    const bool is_its = found != claimants_.end() && found->second.claim == claim.id;
    require(waiting.messages == (is_its ? found->second.waiting : decltype(waiting.messages){}),
            "TI3", "what has waited in vain is answered", place);
    if (is_its) claimants_.erase(found);
}

void TurnModel::ended(turn::MobileId id) {
    ended_.insert(id);
    over_.erase(id);
    granted_.erase(id);
}

}  // namespace ahoy::sim
