// Relay ports as a table: a small pool that all shards of a server share, where binding may fail.
// Watches that no port is in two states (TI5).
#pragma once

#include <map>
#include <vector>

#include "sim/dice.h"
#include "sim/trace.h"
#include "turn/one_shard_ports.h"

namespace ahoy::sim {

// What is open, over all shards.
struct RelayTable {
    struct Port {
        turn::RelayPort port;
        size_t shard = 0;
    };
    std::map<TransportAddress, Port> open;
    std::map<TransportAddress, Instant> rests_until;
    uint32_t next_socket = 1000;
};

struct PortPool {
    std::vector<IpAddress> addresses;  // one of each family that is supported
    uint16_t low = 50000;
    uint16_t high = 50099;
    unsigned failures = 0;  // percent of all attempts
    Duration rest = 5s;     // longer than a datagram can be on its way
};

class TurnPorts : public turn::OneShardPorts {
  public:
    TurnPorts(PortPool pool, RelayTable& table, size_t shard, std::vector<IpAddress> own, Dice dice)
        : pool_(std::move(pool)), table_(table), shard_(shard), own_(std::move(own)), dice_(dice) {}

    bool supports(AddressFamily) const override;
    std::optional<turn::OpenedPorts> open(AddressFamily, turn::Parity, const IpAddress&) override;
    void close(const turn::RelayPort&) override;
    bool is_own(const IpAddress&) const override;
    bool is_live(const TransportAddress& address) const override {
        return table_.open.contains(address);
    }

    void set_now(Instant now) { now_ = now; }
    void stop_failing() { pool_.failures = 0; }
    const PortPool& pool() const { return pool_; }

    // What the server did since the last call of this.
    struct Calls {
        std::vector<turn::RelayPort> opened, closed;
        bool refused = false;
        bool failed = false;  // refused, though there was a port
    };
    Calls take_calls() { return std::exchange(calls_, {}); }

  private:
    bool is_free(const TransportAddress&) const;
    turn::RelayPort bind(const TransportAddress&);

    PortPool pool_;
    RelayTable& table_;
    size_t shard_;
    std::vector<IpAddress> own_;
    Dice dice_;
    Instant now_;
    Calls calls_;
};

}  // namespace ahoy::sim
