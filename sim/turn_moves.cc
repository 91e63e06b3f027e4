#include "sim/turn_shard.h"

namespace ahoy::sim {

turn::MobileId TurnWorld::Moves::begin() {
    return calls_.begun.emplace(world_.mobile_.begin(shard_));
}

void TurnWorld::Moves::end(turn::MobileId id) {
    world_.model_->ended(id);
    if (const auto voided = world_.mobile_.end(id)) void_claim(*voided);
}

std::optional<turn::ClaimId> TurnWorld::Moves::claim(const turn::Ticket& ticket,
                                                     const turn::FiveTuple& five_tuple) {
    const auto claimed = world_.mobile_.claim(ticket, shard_, five_tuple);
    if (!claimed) return {};
    if (claimed->voided) void_claim(*claimed->voided);
    return calls_.claimed.emplace(claimed->id);
}

void TurnWorld::Moves::prolong(turn::MobileId id, Duration lifetime) {
    calls_.prolonged.emplace(id, lifetime);
    post_to_owner(id, [&world = world_, id, lifetime](Shard& there) {
        there.server->prolong(world.town_.now, id, lifetime);
        world.model_->prolonged(world.town_.now.steady, id, lifetime, there.ports.take_calls());
    });
}

void TurnWorld::Moves::fetch(turn::MobileId id, turn::ClaimId claim) {
    calls_.fetched = claim;
    post_to_owner(id, [id, claim](Shard& there) { there.moves->hand_over(there, id, claim); });
}

void TurnWorld::Moves::offer(turn::MobileId id) {
    post_to_owner(id, [id](Shard& there) { there.moves->hand_over(there, id, {}); });
}

void TurnWorld::post(size_t shard, std::function<void(Shard&)> call) {
    auto& posts = shards_[shard]->posts;
    const Instant soon = town_.now.steady + town_.dice.between(0s, post_delay_);
    posts.push_back({posts.empty() ? soon : std::max(soon, posts.back().at), std::move(call)});
}

// If the allocation has left when this arrives, it follows.
void TurnWorld::Moves::post_to_owner(turn::MobileId id, const std::function<void(Shard&)>& call) {
    const auto owner = world_.mobile_.owner(id);
    if (!owner) return;
    world_.post(*owner, [id, call](Shard& there) {
        if (there.server->owns(id)) {
            call(there);
        } else {
            there.moves->post_to_owner(id, call);
        }
    });
}

void TurnWorld::Moves::hand_over(Shard& here, turn::MobileId id,
                                 std::optional<turn::ClaimId> only) {
    const auto claim = world_.mobile_.hand_over(id, only);
    if (!claim) return;
    world_.model_->left(world_.town_.now.steady, id, *claim);
    world_.post(claim->shard, [&world = world_, id, claim = *claim,
                               moving = here.server->give_up(id)](Shard& there) {
        const auto waiting = there.server->take_over(world.town_.now, moving, claim);
        world.model_->arrived(id, claim, there.index, there.ports.take_calls(), waiting);
        world.hand_up(there, waiting);
    });
    // Which it would seldom be by chance.
    if (world_.reloads_ && world_.town_.dice.one_in(8)) world_.reload();
}

void TurnWorld::Moves::void_claim(const turn::Claim& claim) {
    world_.post(claim.shard, [&world = world_, claim](Shard& there) {
        const auto waiting = there.server->claim_voided(claim);
        world.model_->voided(claim, waiting);
        world.hand_up(there, waiting);
    });
}

void TurnWorld::hand_up(Shard& shard, const turn::Waiting& waiting) {
    for (const auto& message : waiting.messages) {
        to_server(shard, waiting.datagram(message), true);
    }
}

// The first thing that another shard has posted.
void TurnWorld::deliver(Shard& shard) {
    const auto call = std::move(shard.posts.front().call);
    shard.posts.pop_front();
    shard.ports.set_now(town_.now.steady);
    call(shard);
    shard.expire_at = std::min(shard.expire_at, shard.server->next_deadline());
}

void TurnWorld::deliver_all() {
    for (bool again = true; again;) {
        again = false;
        for (const auto& shard : shards_) {
            for (; !shard->posts.empty(); again = true) deliver(*shard);
        }
    }
}

}  // namespace ahoy::sim
