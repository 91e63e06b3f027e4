#pragma once

#include <cstddef>
#include <cstdint>

namespace ahoy::turn {

struct Traffic {
    uint64_t packets = 0;
    uint64_t bytes = 0;  // of relayed payload

    void add(size_t size) {
        ++packets;
        bytes += size;
    }
    void add(const Traffic& more) {
        packets += more.packets;
        bytes += more.bytes;
    }
};

}  // namespace ahoy::turn
