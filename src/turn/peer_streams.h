// What TCP allocations need of the shell (RFC 6062): relayed ports that listen, and the connections
// between them and peers, each until a client brings a connection of its own for it.
//
// The calls do not block and are made during Server's own calls, on its shard.  A connection may be
// joined on another shard than that of its allocation, so join() and abandon() are one step each
// for all shards.
#pragma once

#include <cstdint>
#include <optional>

#include "base/address.h"
#include "base/datagram.h"
#include "turn/bandwidth.h"
#include "turn/relay_ports.h"
#include "turn/user.h"

namespace ahoy::turn {

// CONNECTION-ID (RFC 6062, section 6.2.1): names a connection to a peer, of any shard.
enum class ConnectionId : uint32_t {};

// Whose connection it is.
struct Holder {
    User user;        // who may join it
    Buckets buckets;  // what its bytes are taken out of; its own limit is that of an allocation
};

class PeerStreams {
  public:
    virtual ~PeerStreams() = default;

    // A relayed address; nothing when there is none left.  Who connects to it is told to
    // Server::peer_arrived().  `near`: the address on which the client reached us.
    virtual std::optional<RelayPort> listen(AddressFamily, const IpAddress& near) = 0;
    virtual void close(const RelayPort&) = 0;

    // Begins to connect from the relayed address.  Server::peer_answered() tells how it went.
    virtual void connect(const RelayPort&, const TransportAddress& peer, ConnectionId,
                         const Holder&) = 0;

    enum class Joined : uint8_t { yes, unknown, other_user };
    // From the end of this call's answer on, the client's stream and the peer's connection are one.
    virtual Joined join(SocketId client, ConnectionId, const User& user) = 0;

    // Closes the connection unless somebody has joined it; the result says whether it is closed.
    virtual bool abandon(ConnectionId) = 0;
    // Closes it, and the client's stream that has joined it.
    virtual void disconnect(ConnectionId) = 0;

    // A live relayed TCP address of this server, of any shard.
    virtual bool is_live(const TransportAddress&) const = 0;
};

}  // namespace ahoy::turn
