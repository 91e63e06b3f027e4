// Ports that EVEN-PORT has reserved, until somebody brings their token (RFC 8656, section 7.2).
//
// `Port` is what holds one: a relay port, or what a shell needs to make one on another shard.  Few:
// who reserves bounds how many there are.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/time.h"
#include "stun/attributes.h"
#include "turn/user.h"

namespace ahoy::turn {

struct Reservation {
    stun::ReservationToken token{};
    User user;  // nobody else may redeem it
    Instant expires_at;
};

template <class Port>
class Reservations {
  public:
    void put(Reservation reservation, Port port) {
        entries_.push_back({std::move(reservation), std::move(port)});
    }

    // The port of a live token of that user.
    std::optional<Port> redeem(const stun::ReservationToken& token, const User& user, Instant now) {
        const size_t at = find(token);
        if (at == entries_.size()) return {};
        const Reservation& found = entries_[at].reservation;
        if (found.user != user || now >= found.expires_at) return {};
        return take(at);
    }
    // Not of allocations that move to another shard, whose ports are held without end.
    size_t count() const {
        return static_cast<size_t>(std::ranges::count_if(entries_, [](const Entry& entry) {
            return entry.reservation.expires_at != Instant::max();
        }));
    }

    // The ports that nobody may redeem any more, and when there will be others.
    struct Expired {
        std::vector<Port> ports;
        Instant next = Instant::max();
    };
    Expired take_expired(Instant now) {
        Expired expired;
        std::erase_if(entries_, [&](Entry& entry) {
            const Instant end = entry.reservation.expires_at;
            if (now >= end) {
                expired.ports.push_back(std::move(entry.port));
                return true;
            }
            expired.next = std::min(expired.next, end);
            return false;
        });
        return expired;
    }
    template <class Visit>
    void each(Visit&& visit) const {
        for (const Entry& entry : entries_) visit(entry.port);
    }

  private:
    struct Entry {
        Reservation reservation;
        Port port;
    };

    // Looks at all of them, so that time tells nothing about a token that somebody guesses.
    size_t find(const stun::ReservationToken& token) const {
        size_t found = entries_.size();
        for (size_t i = 0; i < entries_.size(); ++i) {
            if (equal_in_constant_time(entries_[i].reservation.token, token)) found = i;
        }
        return found;
    }
    Port take(size_t at) {
        Port port = std::move(entries_[at].port);
        entries_.erase(entries_.begin() + static_cast<ptrdiff_t>(at));
        return port;
    }

    std::vector<Entry> entries_;
};

}  // namespace ahoy::turn
