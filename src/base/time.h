// Time as the cores see it: an argument, never a clock.  `Instant` is monotonic and drives every
// lifetime; `WallTime` is what credentials are stamped with (seconds since 1970, UTC).
#pragma once

#include <chrono>

namespace ahoy {

using namespace std::chrono_literals;

// No now(), on purpose: code that takes an Instant cannot read a clock.
struct CoreClock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<CoreClock>;
    static constexpr bool is_steady = true;
};

using Duration = CoreClock::duration;
using Instant = CoreClock::time_point;
using WallTime = std::chrono::sys_seconds;

// One reading of both clocks, taken once a batch.
struct Now {
    Instant steady;
    WallTime wall;
};

}  // namespace ahoy
