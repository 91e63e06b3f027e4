// The one place that reads the clocks.  Everything below gets the time as an argument.
#pragma once

#include <chrono>

#include "base/time.h"

namespace ahoy::net {

inline Now read_clocks() {
    return {Instant(std::chrono::steady_clock::now().time_since_epoch()),
            std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())};
}

// For Asio's timers, which think in the steady clock.
inline std::chrono::steady_clock::time_point to_steady(Instant at) {
    return std::chrono::steady_clock::time_point(at.time_since_epoch());
}

}  // namespace ahoy::net
