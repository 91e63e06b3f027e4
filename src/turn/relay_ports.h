// The server's only call upwards: UDP ports to relay through, and what the shards of a server have
// in common.  The shell implements it over sockets, tests and simulations over a table.
//
// The calls do not block (bind(2) does not) and are made during Server's own calls, on its shard.
// Each call about what is common is one step for all shards.
#pragma once

#include <cstdint>
#include <optional>

#include "base/address.h"
#include "base/datagram.h"
#include "turn/quotas.h"
#include "turn/reservations.h"

namespace ahoy::turn {

// What EVEN-PORT asks for (RFC 8656, section 18.7): the odd port above is only for even_and_next.
enum class Parity : uint8_t { any, even, even_and_next };

struct RelayPort {
    SocketId socket{};
    TransportAddress address;  // as clients are told it

    friend bool operator==(const RelayPort&, const RelayPort&) = default;
};

struct OpenedPorts {
    RelayPort port;
    std::optional<RelayPort> next;  // for even_and_next, and only then
};

// What the peer policy needs to know of this server.
class OwnAddresses {
  public:
    virtual ~OwnAddresses() = default;

    // An address of this server, as its interfaces have it or as clients are told it.  Loopback
    // only when clients are told it as a relayed address.
    virtual bool is_own(const IpAddress&) const = 0;
    // A live relayed address of this server, of any shard.
    virtual bool is_live(const TransportAddress&) const = 0;
};

class RelayPorts : public OwnAddresses {
  public:
    virtual bool supports(AddressFamily) const = 0;

    // Nothing when there is none left.  The choice is random, and a port that was closed rests for
    // a while (RFC 8656, section 7.2).  `near`: the address on which the client reached us.
    virtual std::optional<OpenedPorts> open(AddressFamily, Parity, const IpAddress& near) = 0;
    virtual void close(const RelayPort&) = 0;

    // Gives an open port away, to whoever brings the token to any shard.
    virtual void reserve(const RelayPort&, Reservation) = 0;
    // The port is the caller's now.  Nothing unless it is reserved for that user, or if it cannot
    // be opened here.
    virtual std::optional<RelayPort> redeem(const stun::ReservationToken&, const User& user,
                                            Instant now) = 0;
    // How many are reserved, by all shards.
    virtual size_t reserved() const = 0;
    // Closes those whose reservations are over; when the next one will be.
    virtual Instant withdraw_expired(Instant now) = 0;

    // As Quotas has them.
    virtual std::optional<Quotas::Refused> charge(const User& user, const IpAddress& client,
                                                  const Counts& more, const Quotas::Limits&) = 0;
    virtual void discharge(const User& user, const IpAddress& client, const Counts& fewer) = 0;
    virtual Buckets buckets_of(const User& user, const IpAddress& client, Instant now) = 0;
};

}  // namespace ahoy::turn
