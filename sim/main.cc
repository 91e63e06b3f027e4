// Runs seeds of the simulated worlds, many quietly or one in words.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>

#include "sim/rooms_world.h"
#include "sim/turn_world.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/common_interface_defs.h>
#define AHOY_SANITIZED 1
#endif
#endif

namespace ahoy::sim {
namespace {

using Clock = std::chrono::steady_clock;

// A run that looks for rare paths in vain is worth a failure only if it was long.
constexpr uint64_t seeds_for_marks = 2000;
constexpr uint64_t repeat_one_in = 64;

struct World {
    std::string_view name;
    Mark first_mark, marks_end;
    void (*run)(uint64_t seed, std::optional<Duration> length, Trace&);
};

// The same once more with the kernel path: every packet is where it was before, at the same time.
void run_offloaded(uint64_t seed, std::optional<Duration> length, Trace& before) {
    Trace trace(before.spoken());
    TurnWorld(seed, length, trace, TurnWorld::Offload::yes).run();
    for (const Mark mark : {Mark::relayed_in_kernel, Mark::passed_kernel}) {
        before.marks[static_cast<size_t>(mark)] = trace.marks[static_cast<size_t>(mark)];
    }
    if (trace.hash() == before.hash()) return;
    throw Violation("TI23", "with and without offload the same packets arrive", "others");
}

const World worlds[] = {
    {"turn", Mark{}, Mark::count_turn,
     [](uint64_t seed, std::optional<Duration> length, Trace& trace) {
         TurnWorld(seed, length, trace).run();
         run_offloaded(seed, length, trace);
     }},
    {"rooms", Mark::count_turn, Mark::count,
     [](uint64_t seed, std::optional<Duration> length, Trace& trace) {
         RoomsWorld(seed, length, trace).run();
     }},
};

struct Options {
    std::optional<uint64_t> replay;
    uint64_t seeds = 2000;
    uint64_t from = 1;
    double seconds = 0;
    std::string world;

    std::optional<Duration> length() const {
        if (seconds <= 0) return {};
        return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
    }
    bool wants(const World& w) const { return world.empty() || world == w.name; }
};

struct Totals {
    uint64_t seeds = 0, events = 0, packets = 0;
    std::array<uint64_t, static_cast<size_t>(Mark::count)> marks{};

    void add(const Trace& trace) {
        ++seeds;
        events += trace.events;
        packets += trace.packets;
        for (size_t i = 0; i < marks.size(); ++i) marks[i] += trace.marks[i];
    }
};

// For a broken CHECK or a sanitizer's find, which end the process.
volatile uint64_t current_seed = 0;
void name_the_seed() {
    std::fprintf(stderr, "replay: ./check sim %llu\n",
                 static_cast<unsigned long long>(current_seed));
}
void aborted(int) {
    name_the_seed();
    std::_Exit(1);
}

// In one line, whatever was seen.
void report(const Violation& violation, uint64_t seed) {
    std::string line = violation.what();
    std::replace_if(
        line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
    std::printf("%s\nreplay: ./check sim %llu\n", line.c_str(),
                static_cast<unsigned long long>(seed));
}

bool run_seed(const World& world, uint64_t seed, const Options& options, Totals& totals) {
    current_seed = seed;
    Trace trace(options.replay.has_value());
    try {
        world.run(seed, options.length(), trace);
        if (seed % repeat_one_in == 0) {
            Trace again(false);
            world.run(seed, options.length(), again);
            if (again.hash() != trace.hash()) {
                throw Violation("GI6", "two runs of one seed are the same", "another trace");
            }
        }
    } catch (const Violation& violation) {
        report(violation, seed);
        return false;
    }
    totals.add(trace);
    return true;
}

bool marks_hit(const World& world, const Totals& totals) {
    bool all = true;
    for (auto i = static_cast<size_t>(world.first_mark); i < static_cast<size_t>(world.marks_end);
         ++i) {
        if (totals.marks[i] > 0) continue;
        const std::string_view name = label(static_cast<Mark>(i));
        std::printf("no seed came by here: %.*s\n", static_cast<int>(name.size()), name.data());
        all = false;
    }
    return all;
}

bool run_world(const World& world, const Options& options, Totals& totals) {
    Totals here;
    const uint64_t from = options.replay.value_or(options.from);
    const uint64_t count = options.replay ? 1 : options.seeds;
    for (uint64_t seed = from; seed < from + count; ++seed) {
        if (!run_seed(world, seed, options, here)) return false;
    }
    totals.seeds += here.seeds;
    totals.events += here.events;
    totals.packets += here.packets;
    return count < seeds_for_marks || marks_hit(world, here);
}

int run(const Options& options) {
    std::signal(SIGABRT, aborted);
#ifdef AHOY_SANITIZED
    __sanitizer_set_death_callback(name_the_seed);
#endif
    const auto began = Clock::now();
    Totals totals;
    bool holds = true;
    for (const World& world : worlds) {
        if (options.wants(world)) holds = run_world(world, options, totals) && holds;
    }
    const std::chrono::duration<double> took = Clock::now() - began;
    std::printf("%llu seeds, %llu events, %llu packets, %.0f seeds per minute\n",
                static_cast<unsigned long long>(totals.seeds),
                static_cast<unsigned long long>(totals.events),
                static_cast<unsigned long long>(totals.packets),
                static_cast<double>(totals.seeds) * 60 / took.count());
    return holds ? 0 : 1;
}

}  // namespace
}  // namespace ahoy::sim

int main(int argc, char** argv) {
    CLI::App app("Runs the cores in simulated worlds and watches that their invariants hold.");
    ahoy::sim::Options options;
    app.add_option("seed", options.replay, "Replay this seed, in words");
    app.add_option("--seeds", options.seeds, "How many seeds of each world")->capture_default_str();
    app.add_option("--from", options.from, "The first seed")->capture_default_str();
    app.add_option("--seconds", options.seconds, "Virtual time of each run; else the seed decides");
    app.add_option("--world", options.world, "Only this world")
        ->check(CLI::IsMember({"turn", "rooms"}));
    CLI11_PARSE(app, argc, argv);
    return ahoy::sim::run(options);
}
