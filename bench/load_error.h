// Why a measurement is impossible: a sentence that says what to do about it.
#pragma once

#include <stdexcept>

namespace ahoy::bench {

struct LoadError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace ahoy::bench
