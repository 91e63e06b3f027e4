// How many bytes a second are relayed: token buckets, one for each direction of each allocation, of
// each user, of each client's network, and of all allocations of this server together.  Off unless
// there is a limit.
//
// A bucket holds one second's worth, and never less than the largest message, so over any time t at
// most that and rate · t passes.  Those of allocations and of all together belong to one shard.
// Those of users and networks are all shards' (SharedBuckets).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/time.h"
#include "turn/user.h"

namespace ahoy::turn {

// Bytes a second; 0: any number.
using BytesPerSecond = uint32_t;

// One number, so that shards can share it: what is missing is as long as it takes to come back.
// Each message is rounded up by less than a nanosecond.
class TokenBucket {
  public:
    static constexpr uint64_t min_size = 128 * 1024;

    // How long until so many bytes are in the bucket; zero if they are now.
    Duration wait_for(size_t bytes, BytesPerSecond rate, Instant now);
    // They are there, as wait_for() has just said.
    void take(size_t bytes, BytesPerSecond rate);
    // It was empty then.
    void begin(BytesPerSecond rate, Instant at);

  private:
    Instant full_at_{};
};

enum class Direction : uint8_t { to_peer, to_client };

// Two buckets of which the allocations of a user, or of a network, take on whichever shards they
// are.  The shell keeps them so that no packet waits for another one: of two messages that are
// taken out at the same moment on two shards, one may be forgotten.
class SharedBuckets {
  public:
    // They begin empty, or who ends all allocations and makes others would find them full.
    explicit SharedBuckets(Instant begun_at) : begun(begun_at) {}
    virtual ~SharedBuckets() = default;

    virtual TokenBucket read(Direction) const = 0;
    virtual void write(Direction, const TokenBucket&) = 0;

    const Instant begun;
};

// What the messages of an allocation are taken out of.
struct Buckets {
    RealmId realm{};                 // which may have a limit of its own
    std::array<TokenBucket, 2> own;  // by direction
    std::shared_ptr<SharedBuckets> of_user, of_network;

    // Full, as far as they are shared: what is missing was measured by another rate.
    void refill_shared();
};

class Bandwidth {
  public:
    struct Limits {
        BytesPerSecond per_allocation = 0;  // each way, as the others
        BytesPerSecond per_user = 0;
        BytesPerSecond per_address = 0;  // an IPv4 address, or the /64 of an IPv6 one
        BytesPerSecond total = 0;

        friend bool operator==(const Limits&, const Limits&) = default;
    };

    // What a message is counted with beyond its payload, as IPv4 and UDP have it: who sends empty
    // datagrams uses bandwidth too.
    static constexpr size_t overhead = 28;

    explicit Bandwidth(const Limits& limits) { limit(limits); }
    // From now on.
    void limit(const Limits&);
    const Limits& limits() const { return limits_; }
    // Of an allocation, by realm, instead of `per_allocation`; nothing: that.
    void limit_realms(std::vector<std::optional<BytesPerSecond>>);
    bool is_limited() const { return is_limited_; }
    bool is_limited(RealmId) const;

    // Takes a message out of all buckets that have a limit, and returns zero.  Or takes nothing,
    // and says when to ask again.
    Duration take(Direction, Buckets&, size_t payload, Instant now);

  private:
    BytesPerSecond of_allocation(RealmId) const;
    void look_again();

    Limits limits_;
    std::vector<std::optional<BytesPerSecond>> of_realms_;
    bool is_limited_ = false;  // anybody; asked for each packet
    std::array<TokenBucket, 2> total_;
};

}  // namespace ahoy::turn
