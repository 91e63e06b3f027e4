// Relay ports as a table: a small pool that all shards of a server share, where binding may fail.
// Watches that no port is in two states (TI5).
#pragma once

#include <map>
#include <vector>

#include "sim/dice.h"
#include "sim/streams.h"
#include "sim/trace.h"
#include "turn/one_shard_ports.h"
#include "turn/peer_streams.h"
#include "turn/quotas.h"
#include "turn/relay_ports.h"

namespace ahoy::sim {

// What is open, over all shards, and what they have in common besides.
struct RelayTable {
    struct Port {
        turn::RelayPort port;
        size_t shard = 0;
        bool held = false;  // for whoever redeems it: no shard reads it
    };
    std::map<TransportAddress, Port> open;
    // Of TCP allocations, which are other ports.
    std::map<TransportAddress, Port> listening;
    // A connection between one of those and a peer.
    struct Link {
        enum class State : uint8_t { connecting, unjoined, joined };
        State state = State::connecting;
        End end{};  // the server's
        size_t shard = 0;
        SocketId relay{};
        turn::User user{""};  // who may join it
        SocketId client{};    // who has
        bool peer_finished = false, client_finished = false;
    };
    std::map<turn::ConnectionId, Link> links;
    std::map<TransportAddress, Instant> rests_until;
    uint32_t next_socket = 1000;
    turn::Reservations<turn::RelayPort> reservations;
    turn::Quotas quotas;
    turn::Counts charges;
};

struct PortPool {
    std::vector<IpAddress> addresses;  // one of each family that is supported
    uint16_t low = 50000;
    uint16_t high = 50099;
    unsigned failures = 0;  // percent of all attempts
    Duration rest = 5s;     // longer than a datagram can be on its way
};

class TurnPorts : public turn::RelayPorts {
  public:
    TurnPorts(PortPool pool, RelayTable& table, size_t shard, std::vector<IpAddress> own, Dice dice)
        : pool_(std::move(pool)), table_(table), shard_(shard), own_(std::move(own)), dice_(dice) {}

    bool supports(AddressFamily) const override;
    std::optional<turn::OpenedPorts> open(AddressFamily, turn::Parity, const IpAddress&) override;
    void close(const turn::RelayPort&) override;
    void reserve(const turn::RelayPort&, turn::Reservation) override;
    std::optional<turn::RelayPort> redeem(const stun::ReservationToken&, const turn::User& user,
                                          Instant) override;
    size_t reserved() const override { return table_.reservations.count(); }
    Instant withdraw_expired(Instant now) override;
    std::optional<turn::Quotas::Refused> charge(const turn::User& user, const IpAddress& client,
                                                const turn::Counts& more,
                                                const turn::Quotas::Limits&) override;
    void discharge(const turn::User& user, const IpAddress& client,
                   const turn::Counts& fewer) override;
    turn::Buckets buckets_of(const turn::User& user, const IpAddress& client,
                             Instant now) override {
        return table_.quotas.buckets_of(user, client, now, turn::PlainBuckets::make);
    }
    bool is_own(const IpAddress&) const override;
    bool is_live(const TransportAddress& address) const override {
        return table_.open.contains(address);
    }

    // Of TCP allocations.
    std::optional<turn::RelayPort> listen(AddressFamily);
    void stop_listening(const turn::RelayPort&);
    // One of the shell's calls to the system.
    bool fails() { return dice_.percent(pool_.failures); }

    void set_now(Instant now) { now_ = now; }
    void stop_failing() { pool_.failures = 0; }
    const PortPool& pool() const { return pool_; }

    // What the server did since the last call of this.
    struct Calls {
        std::vector<turn::RelayPort> opened, closed, redeemed;
        bool refused = false;
        bool failed = false;  // refused, though there was a port
    };
    Calls take_calls() { return std::exchange(calls_, {}); }

  private:
    std::optional<IpAddress> begin_to_open(AddressFamily);
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
