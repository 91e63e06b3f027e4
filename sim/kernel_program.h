// src/fastpath/relay.bpf.c, the program in the kernel, run in user space: its very text, compiled
// here, on maps of the simulation.  What the kernel's own verifier and helpers make of it is for
// relay_program_test.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "fastpath/path_maps.h"

namespace ahoy::sim {

struct ProgramMaps {
    std::map<std::string, ahoy_path> paths;  // by the bytes of an ahoy_flow
    std::vector<ahoy_traffic> traffic;
    ahoy_owner owner{};
};

// Whether the frame, as it is then, leaves again; otherwise it passes up, and is as it was.  `now`
// is in nanoseconds.
bool run_program(ProgramMaps&, std::vector<uint8_t>& frame, unsigned came_by, uint64_t now);

}  // namespace ahoy::sim
