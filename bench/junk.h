// Datagrams that are neither STUN nor ChannelData of anybody.
#pragma once

#include <cstdint>
#include <functional>

#include "base/address.h"
#include "bench/traffic.h"

namespace ahoy::bench {

// From `sockets` sockets in turn, of load.size bytes at load.rate a second; `measure` is called
// when the time measured begins and when it ends.  How many were sent in that time.
uint64_t send_junk(const TransportAddress& server, size_t sockets, const Load& load,
                   const std::function<void()>& measure);

}  // namespace ahoy::bench
