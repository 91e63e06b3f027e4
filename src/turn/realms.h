// The realms of a server, each with its users, peers and limits, and which one a request is for.
//
// Immutable, and swapped whole on reload.  A realm keeps its RealmId over reloads, also when it has
// no users any more, because allocations keep it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stun/message.h"
#include "turn/bandwidth.h"
#include "turn/credentials.h"
#include "turn/peer_policy.h"
#include "turn/user.h"

namespace ahoy::turn {

struct Realm {
    Credentials credentials;
    PeerPolicy peers;  // of its allocations

    // Of its own, where there is one.
    struct Limits {
        std::optional<unsigned> allocations_per_user;
        std::optional<unsigned> allocations;
        std::optional<BytesPerSecond> bandwidth;  // of an allocation, each way
    };
    Limits limits{};

    const std::string& name() const { return credentials.realm(); }
};

class Realms {
  public:
    static constexpr size_t max_realms = 64;
    static constexpr size_t max_origins = 4096;

    // By their ids; the first is that of whoever names none.  `by_origin`: as anybody writes them.
    explicit Realms(std::vector<Realm>, const std::map<std::string, RealmId>& by_origin = {});
    // Where there is one alone.
    static std::shared_ptr<const Realms> only(Credentials, PeerPolicy);

    // The first also for an id that is not known yet: one shard hears of a new realm a moment after
    // another, and is about to.
    const Realm& operator[](RealmId id) const {
        const auto index = static_cast<size_t>(id);
        return index < realms_.size() ? realms_[index] : realms_.front();
    }
    size_t count() const { return realms_.size(); }
    // Of an allocation, by realm.
    std::vector<std::optional<BytesPerSecond>> bandwidths() const;

    // That in which a request is answered, challenged if need be: the one it names in REALM, else
    // that of the first ORIGIN for which there is one (draft-ietf-tram-stun-origin-06), else the
    // first.  Whether the request proves anything is another question.
    RealmId of(const stun::Message& request) const;

  private:
    std::vector<Realm> realms_;
    std::map<std::string, RealmId, std::less<>> by_name_;
    std::map<std::string, RealmId, std::less<>> by_origin_;
};

// Of an origin (RFC 6454) the one form that is compared: scheme and host in small letters, no port
// where it is the usual one, nothing behind it.  What is none stays as it is.
std::string canonical_origin(std::string_view);

}  // namespace ahoy::turn
