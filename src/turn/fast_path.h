// What the shell may relay by itself: bound channels of clients on plain UDP.
//
// The server says which, and takes every one back before what it rests on is gone: the channel, the
// permission, the allocation.  The shell checks nothing but `until`; whatever is not plain data of
// such a channel it hands up as ever.  It is never obliged: without it, everything works the same.
#pragma once

#include <cstdint>
#include <optional>

#include "base/address.h"
#include "base/time.h"
#include "turn/channel_data.h"
#include "turn/five_tuple.h"
#include "turn/relay_ports.h"
#include "turn/traffic.h"

namespace ahoy::turn {

// ChannelData of this client on this channel goes from the relayed address to the peer, and what
// comes the other way goes to the client as ChannelData.
struct Shortcut {
    FiveTuple client;
    ChannelNumber channel;
    RelayPort relay;
    TransportAddress peer;

    friend bool operator==(const Shortcut&, const Shortcut&) = default;
};

enum class ShortcutId : uint32_t {};

class FastPath {
  public:
    virtual ~FastPath() = default;

    struct Carried {
        Traffic to_peer, to_client;
    };

    // Nothing when it is left to the server.
    virtual std::optional<ShortcutId> open(const Shortcut&, Instant until) = 0;
    // The time may be earlier, too.
    virtual void prolong(ShortcutId, Instant until) = 0;
    // What was relayed since it was asked last.
    virtual Carried carried(ShortcutId) = 0;
    // At once, and for good.
    virtual Carried close(ShortcutId) = 0;
};

}  // namespace ahoy::turn
