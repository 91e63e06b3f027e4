// One shard's shortcuts, put into the kernel: the entries of its maps, and what their counters say.
//
// A shortcut has two paths there, one for ChannelData of the client, one for datagrams of the peer.
// It goes into the kernel when client and peer have the same IP version and its surroundings are
// known.
#pragma once

#include <deque>
#include <vector>

#include "fastpath/path_maps.h"
#include "fastpath/routes.h"
#include "turn/fast_path.h"

namespace ahoy::fastpath {

// Both ways of one shortcut.
struct PathPair {
    struct Way {
        ahoy_flow flow;
        ahoy_path path;
    };
    Way to_peer, to_client;
};

// What tells how a shortcut leaves this machine.
struct Surroundings {
    TransportAddress relay;  // as the socket is bound
    TransportAddress peer;   // as it is reached
    bool peer_is_ours = false;
    Route to_peer;  // unless the peer is ours
    Route to_client;
};

// `traffic`: the counters of the way to the peer; the next ones are of the other.
PathPair make_paths(const turn::Shortcut&, const Surroundings&, Instant until, uint32_t traffic);

// This machine's part in it.
class Vicinity {
  public:
    virtual ~Vicinity() = default;
    // Nothing where the kernel cannot relay it.
    virtual std::optional<Surroundings> of(const turn::Shortcut&) const = 0;
    // From begin() to end() the kernel may relay it.
    virtual void begin(const turn::Shortcut&) = 0;
    virtual void end(const turn::Shortcut&) = 0;
};

// The maps of the program in the kernel.
class PathMaps {
  public:
    virtual ~PathMaps() = default;
    virtual bool put(const ahoy_flow&, const ahoy_path&) = 0;
    virtual void remove(const ahoy_flow&) = 0;
    // Of all paths that ever had this index.
    virtual turn::Traffic traffic(uint32_t index) const = 0;
};

class KernelPaths final : public turn::FastPath {
  public:
    // The references outlive this.  The maps have room for `capacity` shortcuts of this, whose
    // counters are numbered from `first` on.
    KernelPaths(PathMaps&, Vicinity&, uint32_t first, uint32_t capacity);

    std::optional<turn::ShortcutId> open(const turn::Shortcut&, Instant until) override;
    void prolong(turn::ShortcutId, Instant until) override;
    Carried carried(turn::ShortcutId) override;
    Carried close(turn::ShortcutId) override;

    // After a change of routes: what leaves another way now does so, or is left to the server.
    // Looks at a part, beginning with the place `from`, and says where to go on, or nothing.
    std::optional<size_t> reroute(size_t from);

  private:
    struct Entry {
        std::optional<turn::Shortcut> shortcut;  // nothing: unused
        Instant until;
        PathPair paths;
        Carried counted;  // of what the counters say, which never go back
    };
    Carried counters(size_t index) const;
    std::optional<Surroundings> surroundings(const turn::Shortcut&) const;
    bool put(size_t index, const Surroundings&);
    void route(size_t index);
    void remove(const PathPair&);

    PathMaps& maps_;
    Vicinity& vicinity_;
    const uint32_t first_;
    const uint32_t capacity_;
    uint64_t puts_ = 0;
    std::vector<Entry> entries_;  // by ShortcutId
    // The longest unused comes first, for a packet may still be counted that is under way.
    std::deque<uint32_t> free_;
};

}  // namespace ahoy::fastpath
