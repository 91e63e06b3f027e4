// What one WebSocket may do, in either dialect.
#pragma once

#include "room/allowance.h"

namespace ahoy::room {

struct SessionLimits {
    // 0: no limit.  Ten seconds' worth may come at once.
    unsigned messages_per_second = 200;
    unsigned bytes_per_second = 1 << 20;
    Duration register_timeout = 10s;  // of its first message
};

// How fast one WebSocket talks.
class Pace {
  public:
    explicit Pace(const SessionLimits& limits)
        : messages_(Allowance::per_second(limits.messages_per_second)),
          bytes_(Allowance::per_second(limits.bytes_per_second)) {}

    // False for a message that is too much.
    bool take(Instant now, size_t bytes) {
        const bool may = messages_.take(now) && bytes_.take(now, bytes);
        exceeded_ = exceeded_ || !may;
        return may;
    }
    bool exceeded() const { return exceeded_; }

  private:
    Allowance messages_, bytes_;
    bool exceeded_ = false;
};

}  // namespace ahoy::room
