// How many allocations there are of each user and from each client's network (RFC 8656, section
// 7.2: 486).  Holds as many entries as there are allocations, at most.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/address.h"

namespace ahoy::turn {

// Whom a client's address stands for: itself, or the /64 of an IPv6 one, of which a host may use
// any address.
IpAddress network_of_client(const IpAddress&);

class Quotas {
  public:
    // 0: as many as there is room for.
    struct Limits {
        unsigned per_user = 0;
        unsigned per_address = 0;  // an IPv4 address, or the /64 of an IPv6 one
    };

    // Counts one more, unless that is too many.
    bool charge(std::string_view user, const IpAddress& client, const Limits&);
    // One that was charged has ended.
    void discharge(std::string_view user, const IpAddress& client);

  private:
    std::map<std::string, unsigned, std::less<>> users_;
    std::map<IpAddress, unsigned> networks_;
};

}  // namespace ahoy::turn
