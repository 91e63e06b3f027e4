// The kernel path of a shard (src/fastpath): the program's text and the bookkeeping are the real
// ones, the maps are the simulation's.  Each shard has a kernel of its own, as if it were the only
// one: what goes to a relayed address of another shard takes the network.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "fastpath/kernel_paths.h"
#include "sim/kernel_program.h"

namespace ahoy::sim {

// Of clients on TCP, whom the kernel leaves to the server.
constexpr uint32_t first_stream_socket = 1u << 20;

class Kernel {
  public:
    // `own`: addresses where relayed addresses of ours are.  An IP packet longer than `mtu` bytes
    // would not fit into the way out.
    Kernel(std::set<IpAddress> own, unsigned mtu);

    turn::FastPath& paths() { return paths_; }
    bool is_empty() const { return maps_.programs.paths.empty() && vicinity_.begun == 0; }

    struct Datagram {
        TransportAddress from, to;
        std::vector<uint8_t> payload;
    };
    // What leaves instead of it, or nothing when it passes up.
    std::optional<Datagram> relay(Instant, const Datagram&);

  private:
    struct Maps final : fastpath::PathMaps {
        bool put(const ahoy_flow&, const ahoy_path&) override;
        void remove(const ahoy_flow&) override;
        turn::Traffic traffic(uint32_t index) const override;

        ProgramMaps programs;
    };
    struct Vicinity final : fastpath::Vicinity {
        std::optional<fastpath::Surroundings> of(const turn::Shortcut&) const override;
        void begin(const turn::Shortcut&) override { ++begun; }
        void end(const turn::Shortcut&) override { --begun; }

        size_t begun = 0;
        std::set<IpAddress> own;
        unsigned mtu = 0;
    };

    Maps maps_;
    Vicinity vicinity_;
    fastpath::KernelPaths paths_;
};

}  // namespace ahoy::sim
