#include "bench/process_stats.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "bench/load_error.h"

namespace ahoy::bench {
namespace {

Duration cpu_time(pid_t pid) {
    clockid_t clock{};
    timespec time{};
    if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) {
        throw LoadError(fmt::format("process {} does not exist (any more)", pid));
    }
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

Duration busy_time(unsigned core) {
    std::ifstream file("/proc/stat");
    const std::string wanted = fmt::format("cpu{}", core);
    for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        std::string name;
        int64_t user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0;
        fields >> name >> user >> nice >> system >> idle >> wait >> irq >> softirq;
        if (name != wanted || !fields) continue;
        const int64_t ticks = user + system + irq + softirq;
        return ticks * Duration(1s) / ::sysconf(_SC_CLK_TCK);
    }
    throw LoadError(fmt::format("--server-core: this machine has no core {}", core));
}

uint64_t resident_bytes(pid_t pid) {
    std::ifstream file(fmt::format("/proc/{}/statm", pid));
    uint64_t total = 0, resident = 0;
    file >> total >> resident;
    return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

Usage read_usage(const Watched& watched) {
    Usage usage;
    if (watched.process) {
        usage.process = cpu_time(*watched.process);
        usage.resident = resident_bytes(*watched.process);
    }
    for (const pid_t thread : watched.kernel_threads) usage.kernel_threads += cpu_time(thread);
    if (watched.core) usage.core = busy_time(*watched.core);
    return usage;
}

}  // namespace ahoy::bench
