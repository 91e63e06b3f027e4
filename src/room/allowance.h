// How often somebody may do something: so much in a period, of which what was not used is saved up
// for one period.  A generic cell rate algorithm: all there is to remember is one time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace ahoy::room {

class Allowance {
  public:
    // An `amount` of 0: no limit.
    constexpr Allowance(uint64_t amount, Duration period)
        : amount_(static_cast<int64_t>(amount)), period_(period) {}
    // So many a second, of which ten seconds' worth may come at once.
    static constexpr Allowance per_second(unsigned amount) { return {uint64_t{amount} * 10, 10s}; }

    // False when that is too much; then nothing is taken.
    bool take(Instant now, uint64_t amount = 1) {
        if (amount_ == 0) return true;
        const Instant paid =
            std::max(paid_until_, now) + static_cast<int64_t>(amount) * period_ / amount_;
        if (paid > now + period_) return false;
        paid_until_ = paid;
        return true;
    }

  private:
    int64_t amount_;
    Duration period_;
    Instant paid_until_;
};

}  // namespace ahoy::room
