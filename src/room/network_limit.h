// How often the clients of one network may do something that costs us more than them: join, talk.
//
// A network is an IPv4 address, or the /56 that a home or a machine gets of IPv6.  The table is
// bounded: when it is full, those who have done it least recently are forgotten, which only helps
// somebody who has more networks than the table has places.
#pragma once

#include <unordered_map>

#include "base/address.h"
#include "base/random.h"
#include "room/allowance.h"

namespace ahoy::room {

// The address that stands for its network.
IpAddress network_of(const IpAddress&);

class NetworkLimit {
  public:
    static constexpr size_t most_networks = 32'768;

    NetworkLimit(Allowance of_each, Random);

    // The operator's own machine, whose proxies may speak for anybody, is not limited.
    bool allows(Instant, const IpAddress& client);
    uint64_t refused() const { return refused_; }
    size_t networks() const { return recent_.size() + older_.size(); }

  private:
    using Table = std::unordered_map<IpAddress, Allowance, AddressHash>;

    Allowance& find(const IpAddress& network);

    const Allowance whole_;
    const AddressHash hash_;
    // Two generations: the recent one becomes the older when it has half of the places.
    Table recent_, older_;
    uint64_t refused_ = 0;
};

}  // namespace ahoy::room
