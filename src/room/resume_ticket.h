// The token with which a participant comes back to its seat: signed by the server, and kept by the
// client only, so that it is good after a restart too.
//
// Text without spaces: version, the fields in clear, and an HMAC-SHA256 over them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/time.h"
#include "room/participant.h"

namespace ahoy::room {

struct ResumeTicket {
    std::string room;
    uint64_t instance = 0;  // which run of the server gave the seat
    uint64_t epoch = 0;     // which room of that name
    uint32_t number = 0;
    Role role = Role::guest;
    bool name_given = false;  // as in Profile
    bool role_given = false;
    WallTime issued_at;
    std::string name;

    friend bool operator==(const ResumeTicket&, const ResumeTicket&) = default;
};

class ResumeTickets {
  public:
    using Key = Sha256;
    static constexpr auto lifetime = 24h;

    // The instance is random, another one for each run.
    ResumeTickets(const Key& key, uint64_t instance) : key_(key), instance_(instance) {}

    uint64_t instance() const { return instance_; }
    // `ticket.room` is an id of AppRTC's routes.
    std::string seal(const ResumeTicket& ticket) const;
    // Nothing for what we did not write, or too long ago.
    std::optional<ResumeTicket> open(std::string_view text, WallTime now) const;

  private:
    std::string sign(std::string_view text) const;

    Key key_;
    uint64_t instance_;
};

}  // namespace ahoy::room
