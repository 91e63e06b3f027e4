#pragma once

#include "base/address.h"
#include "base/datagram.h"

namespace ahoy::turn {

// Client's address, server's address and transport; the socket stands for the last.
struct FiveTuple {
    SocketId socket{};
    TransportAddress client;
    TransportAddress server;

    friend bool operator==(const FiveTuple&, const FiveTuple&) = default;
};

}  // namespace ahoy::turn
