#include "bench/traffic_report.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "bench/units.h"

namespace ahoy::bench {
namespace {

double share_lost(const Count& count) {
    return 1 - ratio(static_cast<double>(count.arrived), static_cast<double>(count.sent));
}

boost::json::object to_json(const Count& count, double time) {
    return {{"packets_per_second", static_cast<double>(count.delivered) / time},
            {"sent", count.sent},
            {"arrived", count.arrived},
            {"loss", share_lost(count)},
            {"late", count.late},
            {"duplicates", count.duplicates},
            {"not_sent", count.not_sent},
            {"delay_us",
             {{"p50", microseconds(count.delay.percentile(0.5))},
              {"p99", microseconds(count.delay.percentile(0.99))},
              {"p999", microseconds(count.delay.percentile(0.999))},
              {"max", microseconds(count.delay.max())}}}};
}

boost::json::object to_json(const Usage& used, double packets, double time) {
    return {{"process_us_per_packet", ratio(microseconds(used.process), packets)},
            {"kernel_threads_us_per_packet", ratio(microseconds(used.kernel_threads), packets)},
            {"core_us_per_packet", ratio(microseconds(used.core), packets)},
            {"core_busy", seconds(used.core) / time}};
}

void print_row(const char* name, const Count& count, double time) {
    fmt::print("{:<11} {:>11.0f} {:>9.3f} {:>9.0f} {:>9.0f} {:>9.0f} {:>9} {:>10}\n", name,
               static_cast<double>(count.delivered) / time, 100 * share_lost(count),
               microseconds(count.delay.percentile(0.5)),
               microseconds(count.delay.percentile(0.99)),
               microseconds(count.delay.percentile(0.999)), count.late, count.duplicates);
}

void print_usage(const Watched& watched, const Usage& used, double packets, double time) {
    const auto line = [&](const char* what, Duration busy) {
        fmt::print("{:<28} {:>7.3f} us/packet {:>6.1f} %\n", what,
                   ratio(microseconds(busy), packets), 100 * seconds(busy) / time);
    };
    if (watched.process) line("server process", used.process);
    if (!watched.kernel_threads.empty()) line("its kernel threads", used.kernel_threads);
    if (watched.core) line(fmt::format("core {}", *watched.core).c_str(), used.core);
}

}  // namespace

Count TrafficReport::both() const {
    Count all = to_peers;
    all.add(to_clients);
    return all;
}

void TrafficReport::print() const {
    fmt::print("{} clients, {} B, bursts of {}, {}, {:.1f} s\n", clients, load.size, load.burst,
               load.rate == 0 ? fmt::format("window {}", load.window)
                              : fmt::format("{:.0f} packets/s", load.rate),
               seconds);
    fmt::print(
        "            packets/s    loss %    p50 us    p99 us  p99.9 us      late duplicates\n");
    const Count all = both();
    print_row("to peers", to_peers, seconds);
    print_row("to clients", to_clients, seconds);
    print_row("both", all, seconds);
    print_usage(watched, used, static_cast<double>(all.delivered), seconds);
}

void TrafficReport::print_json() const {
    const Count all = both();
    boost::json::object result = to_json(all, seconds);
    result["mode"] = mode;
    result["clients"] = clients;
    result["size"] = load.size;
    result["burst"] = load.burst;
    result["rate"] = load.rate;
    result["window"] = load.window;
    result["seconds"] = seconds;
    result["server"] = to_json(used, static_cast<double>(all.delivered), seconds);
    result["to_peers"] = to_json(to_peers, seconds);
    result["to_clients"] = to_json(to_clients, seconds);
    fmt::print("{}\n", boost::json::serialize(result));
}

}  // namespace ahoy::bench
