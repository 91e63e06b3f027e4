// How many bytes a second are relayed: token buckets, one for each direction of each allocation and
// of all allocations of this server together.  Off unless there is a limit.
//
// A bucket holds one second's worth, and never less than the largest message, so over any time t at
// most that and rate · t passes.  Buckets belong to one shard, so nothing here is shared.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace ahoy::turn {

// Bytes a second; 0: any number.
using BytesPerSecond = uint32_t;

class TokenBucket {
  public:
    static constexpr uint64_t min_size = 128 * 1024;

    // How long until so many bytes are in the bucket; zero if they are now.
    Duration wait_for(size_t bytes, BytesPerSecond rate, Instant now);
    // They are there.
    void take(size_t bytes);

  private:
    // In billionths of a byte, of which each nanosecond brings `rate` back, so that nothing is ever
    // rounded.  What is gone rather than what is there: a new bucket is full, whatever its rate.
    uint64_t gone_ = 0;
    Instant at_;  // when that was so
};

enum class Direction : uint8_t { to_peer, to_client };
using Buckets = std::array<TokenBucket, 2>;  // by direction

class Bandwidth {
  public:
    struct Limits {
        BytesPerSecond per_allocation = 0;  // each way
        BytesPerSecond total = 0;           // each way

        friend bool operator==(const Limits&, const Limits&) = default;
    };

    // What a message is counted with beyond its payload, as IPv4 and UDP have it: who sends empty
    // datagrams uses bandwidth too.
    static constexpr size_t overhead = 28;

    explicit Bandwidth(const Limits& limits) : limits_(limits) {}
    // From now on.
    void limit(const Limits& limits) { limits_ = limits; }
    bool is_limited() const { return limits_ != Limits{}; }

    // Takes a message out of its allocation's bucket and out of everybody's, and returns zero.  Or
    // takes nothing, and says when to ask again.
    Duration take(Direction, Buckets& of_allocation, size_t payload, Instant now);

  private:
    Limits limits_;
    Buckets total_;
};

}  // namespace ahoy::turn
