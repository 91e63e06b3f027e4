// Which peers may be relayed to, said a second time for the oracle: by the bytes of an address,
// with a list that was written from IANA's registries and not from the policy under test.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace ahoy::sim {

struct PeerRules {
    std::vector<std::string_view> allow, deny;  // the operator's, as CIDR blocks
    std::vector<IpAddress> own;
    std::vector<TransportAddress> listening;
    std::function<bool(const TransportAddress&)> is_live;  // a relayed address of this server

    bool allows(const TransportAddress&) const;
    // A permission has no port: an own address may have a relayed one.
    bool allows(const IpAddress&) const;

  private:
    bool allows_elsewhere(const IpAddress&) const;
    bool is_own(const IpAddress&) const;
};

}  // namespace ahoy::sim
