// How many answers go to networks where nobody has authenticated: who forges a source address
// should not be able to make a flood of us.
//
// A fixed table of token buckets; networks (IPv4 /24, IPv6 /48) share one when their keyed hashes
// meet.  A bucket holds a second's worth.
#pragma once

#include <vector>

#include "base/address.h"
#include "base/time.h"

namespace ahoy::turn {

class ReplyBudget {
  public:
    // 0: any number.
    ReplyBudget(unsigned per_second, const AddressHash&);

    // From now on.
    void limit(unsigned per_second);
    // Whether one more may go there now.
    bool take(const IpAddress& to, Instant now);

  private:
    static constexpr size_t size = 4096;  // buckets; a power of two
    static constexpr Duration depth = 1s;

    Duration interval_{};  // of answers; zero: no limit
    AddressHash hash_;
    std::vector<Instant> full_at_;  // when each bucket has all its tokens again
};

}  // namespace ahoy::turn
