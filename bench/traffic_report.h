// What was seen of Traffic, in words or as JSON.
#pragma once

#include <string>

#include "bench/process_stats.h"
#include "bench/traffic.h"

namespace ahoy::bench {

struct TrafficReport {
    std::string mode;
    size_t clients = 0;
    Load load;
    Watched watched;
    Usage used;  // in the time measured
    double seconds = 0;
    const Count& to_peers;
    const Count& to_clients;

    Count both() const;
    void print() const;
    void print_json() const;
};

}  // namespace ahoy::bench
