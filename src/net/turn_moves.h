// How mobile allocations (RFC 8016) come from one shard to another; turn/mobility.h tells the way.
//
// What one shard asks of another is posted to it.  Posts that follow from the shared table are made
// while it is locked, so that whoever reads there that a shard owns an allocation, and posts to it,
// comes behind the allocation itself.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>

#include "net/turn_shared.h"
#include "net/turn_sockets.h"
#include "turn/mobility.h"
#include "turn/server.h"

namespace ahoy::net {

class TurnMoves final : public turn::Moves {
  public:
    using OfShard = std::function<TurnMoves&(unsigned shard)>;

    // One for each shard; all of them, and what they refer to, outlive what is posted.
    TurnMoves(unsigned shard, boost::asio::io_context&, OfShard, MobileTable&, TurnSockets&,
              turn::Server&);

    // From now on nothing comes here any more.
    void stop() { stopped_ = true; }

    // ---- turn::Moves
    turn::MobileId begin() override;
    void end(turn::MobileId) override;
    std::optional<turn::ClaimId> claim(const turn::Ticket&, const turn::FiveTuple&) override;
    void prolong(turn::MobileId, Duration lifetime) override;
    void fetch(turn::MobileId, turn::ClaimId) override;
    void offer(turn::MobileId) override;

  private:
    // `call` takes the TurnMoves of the shard it runs on.
    template <class Call>
    void post(unsigned shard, Call call);
    template <class Call>
    void post_to_owner(turn::MobileId, Call call);

    void hand_over(turn::MobileId, std::optional<turn::ClaimId> only);
    void void_claim(const turn::Claim&);
    void hand_up(const turn::Waiting&);

    const unsigned shard_;
    boost::asio::io_context& io_;
    const OfShard of_shard_;
    MobileTable& table_;
    TurnSockets& sockets_;
    turn::Server& server_;
    bool stopped_ = false;
};

}  // namespace ahoy::net
