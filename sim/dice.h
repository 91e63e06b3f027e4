// Where a simulation's chances come from: one 64-bit seed decides the whole run.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"

namespace ahoy::sim {

// SplitMix64.  Not secret, and quick, which the cores' own generator need not be.
class Dice {
  public:
    explicit Dice(uint64_t seed) : state_(seed) {}

    uint64_t next() {
        uint64_t z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    // In [0, bound).
    size_t below(size_t bound) { return static_cast<size_t>(next() % bound); }
    bool percent(size_t chance) { return below(100) < chance; }
    bool one_in(size_t count) { return below(count) == 0; }
    Duration between(Duration low, Duration high) {
        const auto span = static_cast<uint64_t>((high - low).count()) + 1;
        return low + Duration(static_cast<Duration::rep>(next() % span));
    }
    template <class Range>
    auto& pick(Range& range) {
        return range[below(std::size(range))];
    }
    template <class T>
    T any_of(std::initializer_list<T> values) {
        return values.begin()[below(values.size())];
    }
    std::vector<uint8_t> bytes(size_t size) {
        std::vector<uint8_t> made(size);
        for (uint8_t& byte : made) byte = static_cast<uint8_t>(next());
        return made;
    }

  private:
    uint64_t state_;
};

}  // namespace ahoy::sim
