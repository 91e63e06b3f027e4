// The network between everybody: datagrams are lost, doubled, delayed so that they overtake each
// other, damaged, and translated by NATs on their way.
#pragma once

#include <map>
#include <optional>
#include <queue>
#include <vector>

#include "base/crypto.h"
#include "sim/dice.h"
#include "sim/nat.h"

namespace ahoy::sim {

struct Packet {
    TransportAddress from;
    TransportAddress to;
    std::vector<uint8_t> bytes;
};

struct NetworkFaults {
    unsigned lost = 0;  // percent, as the others
    unsigned doubled = 0;
    unsigned damaged = 0;  // a bit flips, and the checksum happens to fit
    unsigned cut_short = 0;
    Duration fastest = 5ms;
    Duration slowest = 40ms;
};

class Network {
  public:
    explicit Network(Dice dice) : dice_(dice) {}

    void set_faults(const NetworkFaults& faults) { faults_ = faults; }
    // From now on `inside` is behind `nat`, which outlives the network.
    void put_behind(const IpAddress& inside, Nat& nat);

    void send(Instant, const TransportAddress& from, const TransportAddress& to, Bytes);
    Instant next() const { return queue_.empty() ? Instant::max() : queue_.top().at; }
    // The datagram that arrives at next(); nothing when a NAT lets it not in.
    std::optional<Packet> take(Instant now);

  private:
    struct Arrival {
        Instant at;
        uint64_t order;  // so that a run depends on the seed alone
        mutable Packet packet;
        bool operator>(const Arrival& other) const {
            return std::pair(at, order) > std::pair(other.at, other.order);
        }
    };

    void carry(Instant, Packet);
    void damage(std::vector<uint8_t>&);

    Dice dice_;
    NetworkFaults faults_;
    std::map<IpAddress, Nat*> by_inside_;
    std::map<IpAddress, Nat*> by_external_;
    std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> queue_;
    uint64_t order_ = 0;
};

}  // namespace ahoy::sim
