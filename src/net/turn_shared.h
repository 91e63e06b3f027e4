// What the shards' TURN servers have in common and write: reserved ports, which another shard may
// get, the counts behind quotas, and which shard has which mobile allocation.
//
// One object for the whole program, behind mutexes that beginnings and ends of allocations take, of
// their permissions, channels and connections, and Refresh requests with a ticket; no packet waits
// for them.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

#include "net/peer_sockets.h"
#include "turn/mobility.h"
#include "turn/quotas.h"
#include "turn/reservations.h"

namespace ahoy::net {

class MobileTable {
  public:
    template <class Call>
    auto with(Call&& call) {
        const std::lock_guard lock(mutex_);
        return call(allocations_);
    }

  private:
    std::mutex mutex_;
    turn::MobileAllocations allocations_;
};

class TurnShared {
  public:
    // A bound socket that no shard reads.
    struct HeldPort {
        int fd = -1;
        size_t relay_address = 0;  // index into RelayAddresses
        uint16_t port = 0;
    };

    TurnShared() = default;
    ~TurnShared();  // closes what is still held
    TurnShared(const TurnShared&) = delete;
    TurnShared& operator=(const TurnShared&) = delete;

    void reserve(turn::Reservation, HeldPort);
    std::optional<HeldPort> redeem(const stun::ReservationToken&, const turn::User& user, Instant);
    size_t reserved();
    turn::Reservations<HeldPort>::Expired take_expired(Instant now);

    std::optional<turn::Quotas::Refused> charge(const turn::User& user, const IpAddress& client,
                                                const turn::Counts& more,
                                                const turn::Quotas::Limits&);
    void discharge(const turn::User& user, const IpAddress& client, const turn::Counts& fewer);
    // Of which every shard may take without the mutex.
    turn::Buckets buckets_of(const turn::User& user, const IpAddress& client, Instant now);

    // With mutexes of their own.
    PeerSockets peer_sockets;
    MobileTable mobile;

  private:
    std::mutex mutex_;
    turn::Reservations<HeldPort> reservations_;
    turn::Quotas quotas_;
};

}  // namespace ahoy::net
