// What the shards' TURN servers have in common and write: reserved ports, which another shard may
// get, and the counts behind quotas.
//
// One object for the whole program, behind one mutex that Allocate requests and ends of allocations
// take; no packet waits for it.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

#include "net/peer_sockets.h"
#include "turn/quotas.h"
#include "turn/reservations.h"

namespace ahoy::net {

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
    std::optional<HeldPort> redeem(const stun::ReservationToken&, std::string_view user, Instant);
    std::optional<HeldPort> withdraw(const stun::ReservationToken&);

    bool charge(std::string_view user, const IpAddress& client, const turn::Quotas::Limits&);
    void discharge(std::string_view user, const IpAddress& client);

    PeerSockets peer_sockets;  // has a mutex of its own

  private:
    std::mutex mutex_;
    turn::Reservations<HeldPort> reservations_;
    turn::Quotas quotas_;
};

}  // namespace ahoy::net
