// Durations, counted in buckets of at most 1/64 of their size: percentiles of any number of values
// in constant memory.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "base/time.h"

namespace ahoy::bench {

class Histogram {
  public:
    void add(Duration value) {
        const auto ns = static_cast<uint64_t>(std::max<int64_t>(value.count(), 0));
        ++buckets_[bucket_of(ns)];
        ++count_;
        max_ = std::max(max_, ns);
    }
    void add(const Histogram& other) {
        for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
        count_ += other.count_;
        max_ = std::max(max_, other.max_);
    }
    uint64_t count() const { return count_; }
    Duration max() const { return Duration(static_cast<int64_t>(max_)); }

    // The least value that `share` (0 to 1) of all are not above, to the bucket's upper end; zero
    // when there are none.
    Duration percentile(double share) const {
        const auto wanted =
            std::max<uint64_t>(1, static_cast<uint64_t>(share * static_cast<double>(count_) + 0.5));
        uint64_t seen = 0;
        for (size_t i = 0; i < buckets_.size(); ++i) {
            seen += buckets_[i];
            if (seen >= wanted) {
                return Duration(static_cast<int64_t>(std::min(upper_end(i), max_)));
            }
        }
        return {};
    }

  private:
    static constexpr unsigned bits = 6;  // of a value that are kept
    static constexpr uint64_t linear = uint64_t{1} << (bits + 1);

    // Below `linear` one bucket a value; above, 64 buckets for each power of two.
    static size_t bucket_of(uint64_t value) {
        if (value < linear) return static_cast<size_t>(value);
        const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - bits - 1;
        return static_cast<size_t>((uint64_t{shift} << bits) + (value >> shift));
    }
    static uint64_t upper_end(size_t bucket) {
        if (bucket < linear) return bucket;
        const uint64_t shift = (bucket >> bits) - 1;
        const uint64_t kept = bucket - (shift << bits);
        return ((kept + 1) << shift) - 1;
    }

    std::array<uint64_t, ((64 - bits) << bits) + linear> buckets_{};
    uint64_t count_ = 0;
    uint64_t max_ = 0;
};

}  // namespace ahoy::bench
