// Mobility (RFC 8016): a client that comes back from another address brings a ticket and keeps its
// allocation.  Here are the tickets, which allocation is where, and what Server asks of the shell;
// Server's own part is in moves.cc.
//
// How an allocation moves:
// 1. All shards share a table of mobile allocations (MobileAllocations): which shard has it, the
//    epoch of its latest ticket, and the five-tuple that has claimed it.
// 2. A Refresh request with a ticket from a new five-tuple claims it in that table.  It is answered
//    at once, with the next ticket, by whichever shard it came to.
// 3. The old five-tuple is served until the new one sends anything else.  That waits while the
//    shell brings the allocation over, as a value, with its relay ports.
// 4. An allocation has one claim at most.  A later one, or the end of the allocation, voids it.
// 5. Quotas are charged when an allocation begins and discharged when it ends, wherever that is.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/crypto.h"
#include "base/datagram.h"
#include "base/random.h"
#include "base/time.h"
#include "stun/attributes.h"
#include "turn/allocation.h"
#include "turn/credentials.h"

namespace ahoy::turn {

// What a MOBILITY-TICKET says, to us alone.
struct Ticket {
    MobileId allocation{};
    uint32_t epoch = 0;
    Sha256 user{};  // hash of the user
    Keys keys;      // with which the allocation was made, so that any shard can check its client;
    bool has_keys = true;  // not of one made with an access token, which has to be shown again

    static Sha256 hash(const User& user) { return sha256(as_bytes(user.key())); }
    bool is_of(const User& other) const { return user == hash(other); }
    friend bool operator==(const Ticket&, const Ticket&) = default;
};

// Sealed, so that who has one can neither read nor change it.
class Tickets {
  public:
    using Secret = std::array<uint8_t, 32>;  // of one run of the program: tickets of the one before
                                             // open nothing

    explicit Tickets(const Secret& secret) : secret_(secret) {}

    std::vector<uint8_t> seal(const Ticket&, Random&) const;
    std::optional<Ticket> open(Bytes) const;

  private:
    Secret secret_;
};

enum class ClaimId : uint64_t {};

// Where an allocation goes next.
struct Claim {
    ClaimId id{};
    unsigned shard = 0;
    FiveTuple five_tuple;
};

// Of all shards; they take turns.  As many entries as there are mobile allocations.
class MobileAllocations {
  public:
    MobileId begin(unsigned shard);
    // The result is a claim that is void now.
    std::optional<Claim> end(MobileId);

    std::optional<unsigned> owner(MobileId) const;

    struct Claimed {
        ClaimId id{};
        std::optional<Claim> voided;
    };
    // Only with the latest ticket, or, while nobody has come with that one, the one before: its
    // client may not have got the answer.  The next ticket's epoch is then one more than this
    // one's.
    std::optional<Claimed> claim(const Ticket&, unsigned shard, const FiveTuple&);
    // Its shard is the owner from now on.  Nothing if there is no claim, or another than `only`.
    std::optional<Claim> hand_over(MobileId, std::optional<ClaimId> only);

  private:
    struct Entry {
        unsigned owner = 0;
        uint32_t epoch = 1;
        std::optional<Claim> claim;
    };
    std::map<MobileId, Entry> entries_;
    uint64_t last_id_ = 0;
    uint64_t last_claim_ = 0;
};

// An allocation between two shards.  Its relay ports are reserved, as EVEN-PORT's are.
struct Moving {
    Allocation allocation;
    std::vector<stun::ReservationToken> ports;
};

// What a client sent before its allocation was there, to be handed up again.
struct Waiting {
    FiveTuple five_tuple;
    Transport transport = Transport::udp;
    std::vector<std::vector<uint8_t>> messages;

    // One of the messages, as it came.
    Datagram datagram(std::span<const uint8_t> message) const {
        return {five_tuple.socket, five_tuple.client, five_tuple.server, message, transport};
    }
};

// The other shards.  The calls do not block and are made during Server's own calls, on its shard;
// what they cause of Server's calls comes later.
class Moves {
  public:
    virtual ~Moves() = default;

    virtual MobileId begin() = 0;
    // Voids a claim, of which Server::claim_voided() is told where that was made.
    virtual void end(MobileId) = 0;
    // As MobileAllocations::claim().
    virtual std::optional<ClaimId> claim(const Ticket&, const FiveTuple&) = 0;
    // Makes Server::prolong() be called where the allocation is.
    virtual void prolong(MobileId, Duration lifetime) = 0;
    // Makes the allocation come to whoever has that claim: give_up() there and take_over() here.
    virtual void fetch(MobileId, ClaimId) = 0;
    // The same, for an allocation of this shard and whoever has claimed it, if anybody has.
    virtual void offer(MobileId) = 0;
};

}  // namespace ahoy::turn
