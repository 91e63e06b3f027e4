#include "net/turn_shared.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>

namespace ahoy::net {
namespace {

// Neither a lock nor an atomic read-modify-write: what others take between a read and its write is
// forgotten.
class AtomicBuckets final : public turn::SharedBuckets {
  public:
    using SharedBuckets::SharedBuckets;
    turn::TokenBucket read(turn::Direction direction) const override {
        return at(direction).load(std::memory_order_relaxed);
    }
    void write(turn::Direction direction, const turn::TokenBucket& bucket) override {
        buckets_[static_cast<size_t>(direction)].store(bucket, std::memory_order_relaxed);
    }

  private:
    using Bucket = std::atomic<turn::TokenBucket>;
    static_assert(Bucket::is_always_lock_free);

    const Bucket& at(turn::Direction direction) const {
        return buckets_[static_cast<size_t>(direction)];
    }
    std::array<Bucket, 2> buckets_;
};

}  // namespace

TurnShared::~TurnShared() {
    reservations_.each([](const HeldPort& held) { ::close(held.fd); });
}

void TurnShared::reserve(turn::Reservation reservation, HeldPort port) {
    const std::lock_guard lock(mutex_);
    reservations_.put(std::move(reservation), port);
}

std::optional<TurnShared::HeldPort> TurnShared::redeem(const stun::ReservationToken& token,
                                                       const turn::User& user, Instant now) {
    const std::lock_guard lock(mutex_);
    return reservations_.redeem(token, user, now);
}

size_t TurnShared::reserved() {
    const std::lock_guard lock(mutex_);
    return reservations_.count();
}

turn::Reservations<TurnShared::HeldPort>::Expired TurnShared::take_expired(Instant now) {
    const std::lock_guard lock(mutex_);
    return reservations_.take_expired(now);
}

std::optional<turn::Quotas::Refused> TurnShared::charge(const turn::User& user,
                                                        const IpAddress& client,
                                                        const turn::Counts& more,
                                                        const turn::Quotas::Limits& limits) {
    const std::lock_guard lock(mutex_);
    return quotas_.charge(user, client, more, limits);
}

void TurnShared::discharge(const turn::User& user, const IpAddress& client,
                           const turn::Counts& fewer) {
    const std::lock_guard lock(mutex_);
    quotas_.discharge(user, client, fewer);
}

turn::Buckets TurnShared::buckets_of(const turn::User& user, const IpAddress& client, Instant now) {
    const std::lock_guard lock(mutex_);
    return quotas_.buckets_of(user, client, now,
                              [](Instant begun) -> std::shared_ptr<turn::SharedBuckets> {
                                  return std::make_shared<AtomicBuckets>(begun);
                              });
}

}  // namespace ahoy::net
