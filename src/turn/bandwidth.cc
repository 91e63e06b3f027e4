#include "turn/bandwidth.h"

#include <algorithm>

#include "base/check.h"

namespace ahoy::turn {
namespace {

constexpr uint64_t billion = 1'000'000'000;

constexpr uint64_t size_of(BytesPerSecond rate) {
    return std::max<uint64_t>(rate, TokenBucket::min_size) * billion;
}
// Twice a bucket, and a message more, are still far from an overflow.
static_assert(size_of(~BytesPerSecond{0}) < uint64_t{1} << 62);

// What a rate brings back in that time; at most a bucket that is larger than any.
uint64_t regained(Duration time, BytesPerSecond rate) {
    uint64_t product = 0;
    const auto nanoseconds = static_cast<uint64_t>(std::max(time, Duration{}).count());
    return __builtin_mul_overflow(nanoseconds, uint64_t{rate}, &product) ? ~uint64_t{0} : product;
}

}  // namespace

Duration TokenBucket::wait_for(size_t bytes, BytesPerSecond rate, Instant now) {
    const uint64_t size = size_of(rate);
    const uint64_t wanted = bytes * billion;
    CHECK(wanted <= size);
    // A reload may have made the bucket smaller than what is gone.
    gone_ = std::min(gone_, size);
    gone_ -= std::min(gone_, regained(now - at_, rate));
    at_ = now;
    if (gone_ + wanted <= size) return {};
    const uint64_t missing = gone_ + wanted - size;
    return Duration(static_cast<int64_t>((missing + rate - 1) / rate));
}

void TokenBucket::take(size_t bytes) {
    gone_ += bytes * billion;
}

Duration Bandwidth::take(Direction direction, Buckets& of_allocation, size_t payload, Instant now) {
    const auto way = static_cast<size_t>(direction);
    const size_t bytes = payload + overhead;
    TokenBucket& own = of_allocation[way];
    TokenBucket& everybodys = total_[way];
    const auto wait_for = [&](TokenBucket& bucket, BytesPerSecond rate) {
        return rate == 0 ? Duration{} : bucket.wait_for(bytes, rate, now);
    };
    const Duration wait =
        std::max(wait_for(own, limits_.per_allocation), wait_for(everybodys, limits_.total));
    if (wait > Duration{}) return wait;
    if (limits_.per_allocation != 0) own.take(bytes);
    if (limits_.total != 0) everybodys.take(bytes);
    return {};
}

}  // namespace ahoy::turn
