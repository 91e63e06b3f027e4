// Durations as numbers, for tables and JSON.
#pragma once

#include "base/time.h"

namespace ahoy::bench {

inline double microseconds(Duration d) {
    return std::chrono::duration<double, std::micro>(d).count();
}
inline double seconds(Duration d) {
    return std::chrono::duration<double>(d).count();
}
inline double ratio(double a, double b) {
    return b == 0 ? 0 : a / b;
}

}  // namespace ahoy::bench
