// How much the cores have done so far, in pieces of code that were run (TI21).  It depends neither
// on the machine nor on its load, and nobody has to count: clang makes every basic block of the
// cores call us, in the build with sanitizers.
#pragma once

#include <cstdint>

namespace ahoy::sim {

// 0 where nothing is counted.
uint64_t work_done();

}  // namespace ahoy::sim
