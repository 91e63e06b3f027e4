// One server with its ports, and its way to the other shards.
#pragma once

#include <functional>

#include "sim/turn_kernel.h"
#include "sim/turn_world.h"

namespace ahoy::sim {

// What shards ask of each other about mobile allocations (RFC 8016) arrives later, in its order.
class TurnWorld::Moves final : public turn::Moves {
  public:
    Moves(TurnWorld& world, unsigned shard) : world_(world), shard_(shard) {}

    turn::MobileId begin() override;
    void end(turn::MobileId) override;
    std::optional<turn::ClaimId> claim(const turn::Ticket&, const turn::FiveTuple&) override;
    void prolong(turn::MobileId, Duration lifetime) override;
    void fetch(turn::MobileId, turn::ClaimId) override;
    void offer(turn::MobileId) override;

    MoveCalls take_calls() { return std::exchange(calls_, {}); }

  private:
    using Call = std::function<void(Shard&)>;
    void post(unsigned shard, Call);
    void post_to_owner(turn::MobileId, const Call&);
    void hand_over(Shard&, turn::MobileId, std::optional<turn::ClaimId> only);
    void void_claim(const turn::Claim&);

    TurnWorld& world_;
    const unsigned shard_;
    MoveCalls calls_;
};

struct TurnWorld::Shard {
    Shard(size_t number, TurnPorts relay_ports) : index(number), ports(std::move(relay_ports)) {}

    struct Post {
        Instant at;
        std::function<void(Shard&)> call;
    };

    size_t index;
    TurnPorts ports;
    std::unique_ptr<Kernel> kernel;  // without offload there is none
    std::unique_ptr<Moves> moves;
    std::unique_ptr<turn::Server> server;
    Instant expire_at = Instant::max();
    std::deque<Post> posts;

    Instant next_post() const { return posts.empty() ? Instant::max() : posts.front().at; }
};

}  // namespace ahoy::sim
