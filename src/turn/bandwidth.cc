#include "turn/bandwidth.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace ahoy::turn {
namespace {

// How long so many bytes take to come back.
Duration time_of(uint64_t bytes, BytesPerSecond rate) {
    constexpr uint64_t billion = 1'000'000'000;
    return Duration(static_cast<int64_t>((bytes * billion + rate - 1) / rate));
}

Duration size_of(BytesPerSecond rate) {
    return std::max<Duration>(1s, time_of(TokenBucket::min_size, rate));
}

}  // namespace

Duration TokenBucket::wait_for(size_t bytes, BytesPerSecond rate, Instant now) {
    const Duration wanted = time_of(bytes, rate), size = size_of(rate);
    CHECK(wanted <= size);
    // A reload may have made the bucket smaller than what is gone.
    full_at_ = std::clamp(full_at_, now, now + size);
    return std::max<Duration>(full_at_ - now + wanted - size, 0s);
}

void TokenBucket::take(size_t bytes, BytesPerSecond rate) {
    full_at_ += time_of(bytes, rate);
}

void TokenBucket::begin(BytesPerSecond rate, Instant at) {
    full_at_ = std::max(full_at_, at + size_of(rate));
}

void Buckets::refill_shared() {
    for (const auto& shared : {of_user, of_network}) {
        for (const auto direction : {Direction::to_peer, Direction::to_client}) {
            shared->write(direction, {});
        }
    }
}

void Bandwidth::limit(const Limits& limits) {
    limits_ = limits;
    look_again();
}

void Bandwidth::limit_realms(std::vector<std::optional<BytesPerSecond>> of_realms) {
    of_realms_ = std::move(of_realms);
    look_again();
}

void Bandwidth::look_again() {
    is_limited_ = limits_ != Limits{} || std::ranges::any_of(of_realms_, [](const auto& rate) {
                      return rate.value_or(0) != 0;
                  });
}

bool Bandwidth::is_limited(RealmId realm) const {
    return of_allocation(realm) != 0 || limits_.per_user != 0 || limits_.per_address != 0 ||
           limits_.total != 0;
}

BytesPerSecond Bandwidth::of_allocation(RealmId realm) const {
    const auto index = static_cast<size_t>(realm);
    const bool known = index < of_realms_.size();
    return known ? of_realms_[index].value_or(limits_.per_allocation) : limits_.per_allocation;
}

Duration Bandwidth::take(Direction direction, Buckets& of, size_t payload, Instant now) {
    const auto way = static_cast<size_t>(direction);
    const size_t bytes = payload + overhead;
    const auto read = [&](const std::shared_ptr<SharedBuckets>& shared, BytesPerSecond rate) {
        if (rate == 0) return TokenBucket{};
        TokenBucket bucket = shared->read(direction);
        bucket.begin(rate, shared->begun);
        return bucket;
    };
    TokenBucket of_user = read(of.of_user, limits_.per_user);
    TokenBucket of_network = read(of.of_network, limits_.per_address);

    struct Limited {
        TokenBucket& bucket;
        BytesPerSecond rate;
    };
    const std::array all{
        Limited{of.own[way], of_allocation(of.realm)}, Limited{of_user, limits_.per_user},
        Limited{of_network, limits_.per_address}, Limited{total_[way], limits_.total}};
    Duration wait{};
    for (const auto& [bucket, rate] : all) {
        if (rate != 0) wait = std::max(wait, bucket.wait_for(bytes, rate, now));
    }
    if (wait > Duration{}) return wait;
    for (const auto& [bucket, rate] : all) {
        if (rate != 0) bucket.take(bytes, rate);
    }
    if (limits_.per_user != 0) of.of_user->write(direction, of_user);
    if (limits_.per_address != 0) of.of_network->write(direction, of_network);
    return {};
}

}  // namespace ahoy::turn
