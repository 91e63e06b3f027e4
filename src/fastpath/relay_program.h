// relay.bpf.c, compiled into the program by src/fastpath/CMakeLists.txt.
#pragma once

#include <cstdint>
#include <span>

namespace ahoy::fastpath {

std::span<const uint8_t> relay_program();

}  // namespace ahoy::fastpath
