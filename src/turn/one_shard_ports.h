// What the shards of a server have in common, when there is only one: for tests, simulations and
// benchmarks, which have tables instead of sockets.
#pragma once

#include "turn/quotas.h"
#include "turn/relay_ports.h"

namespace ahoy::turn {

class PlainBuckets final : public SharedBuckets {
  public:
    using SharedBuckets::SharedBuckets;
    static std::shared_ptr<SharedBuckets> make(Instant begun) {
        return std::make_shared<PlainBuckets>(begun);
    }
    TokenBucket read(Direction direction) const override {
        return buckets_[static_cast<size_t>(direction)];
    }
    void write(Direction direction, const TokenBucket& bucket) override {
        buckets_[static_cast<size_t>(direction)] = bucket;
    }

  private:
    std::array<TokenBucket, 2> buckets_;
};

class OneShardPorts : public RelayPorts {
  public:
    void reserve(const RelayPort& port, Reservation reservation) override {
        reservations_.put(std::move(reservation), port);
    }
    std::optional<RelayPort> redeem(const stun::ReservationToken& token, const User& user,
                                    Instant now) override {
        return reservations_.redeem(token, user, now);
    }
    size_t reserved() const override { return reservations_.count(); }
    Instant withdraw_expired(Instant now) override {
        const auto expired = reservations_.take_expired(now);
        for (const RelayPort& port : expired.ports) close(port);
        return expired.next;
    }
    std::optional<Quotas::Refused> charge(const User& user, const IpAddress& client,
                                          const Counts& more,
                                          const Quotas::Limits& limits) override {
        return quotas_.charge(user, client, more, limits);
    }
    void discharge(const User& user, const IpAddress& client, const Counts& fewer) override {
        quotas_.discharge(user, client, fewer);
    }
    Buckets buckets_of(const User& user, const IpAddress& client, Instant now) override {
        return quotas_.buckets_of(user, client, now, PlainBuckets::make);
    }

  private:
    Reservations<RelayPort> reservations_;
    Quotas quotas_;
};

}  // namespace ahoy::turn
