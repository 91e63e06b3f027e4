#include "net/shard.h"

#include <pthread.h>
#include <sched.h>

#include <exception>

namespace ahoy::net {

void Shard::start(std::optional<int> cpu, std::function<void(std::exception_ptr)> failed) {
    thread_ = std::thread([this, cpu, failed = std::move(failed)] {
        if (cpu) {
            cpu_set_t set;
            CPU_ZERO(&set);
            CPU_SET(static_cast<size_t>(*cpu), &set);
            // Without it the scheduler decides, which is slower and not wrong.
            (void)::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
        }
        try {
            io_.run();
        } catch (...) {
            failed(std::current_exception());
        }
    });
}

std::vector<int> usable_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return {};
    std::vector<int> cpus;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(static_cast<size_t>(cpu), &set)) cpus.push_back(cpu);
    }
    return cpus;
}

}  // namespace ahoy::net
