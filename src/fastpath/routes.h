// Where a datagram of ours would leave this machine, as the kernel's routing table has it now.
#pragma once

#include <optional>

#include "base/address.h"

namespace ahoy::fastpath {

struct Route {
    unsigned interface = 0;
    IpAddress next_hop;  // a gateway, or the destination itself
    unsigned mtu = 0;    // of an IP packet
};

class Routes {
  public:
    Routes();
    ~Routes();
    Routes(const Routes&) = delete;
    Routes& operator=(const Routes&) = delete;

    // Nothing unless it would leave, whole, to one neighbour of the same family.
    std::optional<Route> find(const IpAddress& from, const IpAddress& to) const;

  private:
    int netlink_;
};

// Tells whether what Routes says may have changed.
class RouteChanges {
  public:
    RouteChanges();
    ~RouteChanges();
    RouteChanges(const RouteChanges&) = delete;
    RouteChanges& operator=(const RouteChanges&) = delete;

    bool any_since_asked();

  private:
    int netlink_;
};

}  // namespace ahoy::fastpath
