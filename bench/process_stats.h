// What a server costs: CPU time of its process and of kernel threads that work for it, how busy its
// core is, and its resident memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"

namespace ahoy::bench {

struct Watched {
    std::optional<pid_t> process;
    std::vector<pid_t> kernel_threads;  // e.g. the NAPI threads of the server's interfaces
    std::optional<unsigned> core;
};

struct Usage {
    Duration process{};         // CPU time, all threads
    Duration kernel_threads{};  // CPU time
    Duration core{};            // busy: user, system, irq and softirq of /proc/stat
    uint64_t resident = 0;      // bytes

    friend Usage operator-(const Usage& a, const Usage& b) {
        return {a.process - b.process, a.kernel_threads - b.kernel_threads, a.core - b.core,
                a.resident - b.resident};
    }
};

// Zeros for what is not watched.  Throws LoadError when something watched is not there.
Usage read_usage(const Watched&);

}  // namespace ahoy::bench
