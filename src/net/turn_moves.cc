#include "net/turn_moves.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "net/clock.h"

namespace ahoy::net {

using turn::MobileAllocations;

TurnMoves::TurnMoves(unsigned shard, boost::asio::io_context& io, OfShard of_shard,
                     MobileTable& table, TurnSockets& sockets, turn::Server& server)
    : shard_(shard),
      io_(io),
      of_shard_(std::move(of_shard)),
      table_(table),
      sockets_(sockets),
      server_(server) {}

template <class Call>
void TurnMoves::post(unsigned shard, Call call) {
    TurnMoves& there = of_shard_(shard);
    boost::asio::post(there.io_, [&there, call = std::move(call)]() mutable {
        if (!there.stopped_) call(there);
    });
}

// If the allocation has left when this arrives, it follows.
template <class Call>
void TurnMoves::post_to_owner(turn::MobileId id, Call call) {
    table_.with([&](const MobileAllocations& allocations) {
        const auto owner = allocations.owner(id);
        if (!owner) return;
        post(*owner, [id, call](TurnMoves& there) {
            if (there.server_.owns(id)) {
                call(there);
            } else {
                there.post_to_owner(id, call);
            }
        });
    });
}

turn::MobileId TurnMoves::begin() {
    return table_.with([&](MobileAllocations& allocations) { return allocations.begin(shard_); });
}

void TurnMoves::end(turn::MobileId id) {
    table_.with([&](MobileAllocations& allocations) {
        if (const auto voided = allocations.end(id)) void_claim(*voided);
    });
}

std::optional<turn::ClaimId> TurnMoves::claim(const turn::Ticket& ticket,
                                              const turn::FiveTuple& five_tuple) {
    return table_.with([&](MobileAllocations& allocations) -> std::optional<turn::ClaimId> {
        const auto claimed = allocations.claim(ticket, shard_, five_tuple);
        if (!claimed) return {};
        if (claimed->voided) void_claim(*claimed->voided);
        return claimed->id;
    });
}

void TurnMoves::prolong(turn::MobileId id, Duration lifetime) {
    post_to_owner(id, [id, lifetime](TurnMoves& there) {
        there.server_.prolong(read_clocks(), id, lifetime);
        there.sockets_.flush();
    });
}

void TurnMoves::fetch(turn::MobileId id, turn::ClaimId claim) {
    post_to_owner(id, [id, claim](TurnMoves& there) { there.hand_over(id, claim); });
}

void TurnMoves::offer(turn::MobileId id) {
    post_to_owner(id, [id](TurnMoves& there) { there.hand_over(id, {}); });
}

void TurnMoves::hand_over(turn::MobileId id, std::optional<turn::ClaimId> only) {
    sockets_.flush();  // what is still to leave through its relay ports
    table_.with([&](MobileAllocations& allocations) {
        const auto claim = allocations.hand_over(id, only);
        if (!claim) return;
        post(claim->shard,
             [moving = server_.give_up(id), claim = *claim](TurnMoves& there) mutable {
                 there.hand_up(there.server_.take_over(read_clocks(), std::move(moving), claim));
             });
    });
}

void TurnMoves::void_claim(const turn::Claim& claim) {
    post(claim.shard,
         [claim](TurnMoves& there) { there.hand_up(there.server_.claim_voided(claim)); });
}

void TurnMoves::hand_up(const turn::Waiting& waiting) {
    const Now now = read_clocks();
    for (const auto& message : waiting.messages) {
        sockets_.from_client(now, waiting.datagram(message));
    }
    sockets_.flush();
}

}  // namespace ahoy::net
