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
        : messages_(uint64_t{limits.messages_per_second} * 10, 10s),
          bytes_(uint64_t{limits.bytes_per_second} * 10, 10s) {}

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
