// What a TURN server counts, as metrics show it.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string_view>

#include "base/datagram.h"
#include "base/time.h"
#include "stun/message.h"
#include "turn/credentials.h"
#include "turn/fast_path.h"
#include "turn/peer_policy.h"
#include "turn/quotas.h"
#include "turn/traffic.h"

namespace ahoy::turn {

// Why something was dropped without an answer.
enum class Drop : uint8_t {
    malformed,         // neither a STUN message nor ChannelData
    unexpected_class,  // a response, or an indication or request of the wrong kind
    unknown_method,
    unknown_attribute,  // in an indication
    incomplete,         // an indication without XOR-PEER-ADDRESS or DATA
    amplification,      // the answer would be more than three times the request
    budget,             // the stranger's network had its answers for now
    no_allocation,
    no_channel,
    no_permission,
    peer_denied,
    family_mismatch,
    too_large,
    bandwidth,
    capacity,       // of connections from peers
    over_tcp,       // a datagram for an allocation that has none
    icmp,           // of a kind that is not relayed, or too soon after the last
    client_left,    // of a mobile allocation, and may come back
    still_waiting,  // for the allocation to come to this shard, and more than is kept until then
    count,
};
std::string_view label(Drop);

// How long allocations lived: how many up to each of the bounds, and longer than all.
struct Lifetimes {
    static constexpr std::array<Duration, 6> bounds{10s, 1min, 10min, 1h, 6h, 24h};

    std::array<uint64_t, bounds.size() + 1> counts{};
    uint64_t seconds = 0;  // of all together

    void add(Duration lived) {
        const auto bound = std::ranges::lower_bound(bounds, lived);
        ++counts[static_cast<size_t>(bound - bounds.begin())];
        seconds += static_cast<uint64_t>(std::chrono::floor<std::chrono::seconds>(lived).count());
    }
};

// The families of an allocation's relayed addresses.
enum class Families : uint8_t { ipv4, ipv6, both, count };
std::string_view label(Families);

struct Stats {
    template <class Label>
    using By = std::array<uint64_t, static_cast<size_t>(Label::count)>;

    Traffic to_peers;
    Traffic to_clients;
    FastPath::Carried carried;  // of both, by the shell
    uint64_t shortcuts = 0;     // open now
    By<Drop> drops{};
    By<AuthFailure> auth_failures{};
    std::array<By<Limited>, static_cast<size_t>(Counted::count)> limits_reached{};
    By<PeerReason> denied_peers{};               // by requests
    std::map<stun::ErrorCode, uint64_t> errors;  // answers by code; as many entries as codes
    uint64_t bindings = 0;
    uint64_t allocations_live = 0;
    uint64_t allocations_total = 0;
    // The same by the client's transport, and by family.
    std::array<By<Families>, static_cast<size_t>(Transport::count)> allocations_made{};
    Lifetimes lifetimes;         // of allocations that have ended
    uint64_t relayed_ports = 0;  // of live ones
    uint64_t moves = 0;          // of mobile allocations, to another five-tuple
};

}  // namespace ahoy::turn
