// Room names that are secrets: the server makes them, and opens no room by any other.
//
// Such a name is 96 random bits and 96 bits of an HMAC-SHA256 over their text, both in base64url.
// So the server knows its names without keeping them, after a restart and on other machines with
// the same secret too, and guessing one is hopeless.  Logs show the first half, which opens
// nothing.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"

namespace ahoy::room {

class RoomNames {
  public:
    // Without a secret any name will do.
    explicit RoomNames(std::string secret = {}) : secret_(std::move(secret)) {}

    bool are_secret() const { return !secret_.empty(); }
    // A new one, which nobody can guess.
    std::string make(Random&) const;
    // Whether a room may be opened by it.
    bool accepts(std::string_view name) const;
    // What of it may be seen by those who may not enter.
    std::string_view for_log(std::string_view name) const;

  private:
    std::string sign(std::string_view id) const;

    std::string secret_;
};

}  // namespace ahoy::room
