// What the network said about datagrams that a socket had sent: the socket's error queue (ip(7),
// IP_RECVERR), which needs no privilege.
#pragma once

#include <cstdint>
#include <optional>

#include "base/address.h"

namespace ahoy::net {

// From now on errors wait in the socket's queue.
void queue_icmp_errors(int fd, AddressFamily);

struct QueuedError {
    // Where the datagram was to go; absent when the error is not an ICMP message.
    std::optional<TransportAddress> to;
    uint8_t type = 0;
    uint8_t code = 0;
    uint32_t info = 0;  // of "packet too big": the MTU
};
// The next of a socket's queue; nothing when it is empty.
std::optional<QueuedError> read_error(int fd);

}  // namespace ahoy::net
