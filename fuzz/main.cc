#include "fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    ahoy::fuzz::run(ahoy::fuzz::Input({data, size}));
    return 0;
}
