// CHECK: our own promises, one fact each, in every build.  Input from the network is never
// checked, always parsed.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace ahoy::detail {
[[noreturn]] inline void check_failed(const char* file, int line, const char* condition) {
    std::fprintf(stderr, "%s:%d: CHECK(%s) failed\n", file, line, condition);
    std::abort();
}
}  // namespace ahoy::detail

#define CHECK(condition) \
    ((condition) ? void() : ::ahoy::detail::check_failed(__FILE__, __LINE__, #condition))
