// How much each user, each client's network, each realm and all of them together have: counts over
// all shards, charged when something begins and discharged when it ends, never for a packet.  Holds
// as many entries as there are allocations and realms, at most.
//
// What is too much is refused: allocations of a user, a network or a realm with 486 (RFC 8656,
// section 7.2), everything else with 508 (sections 7.2, 10.2 and 12.2).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.h"
#include "turn/bandwidth.h"
#include "turn/user.h"

namespace ahoy::turn {

// Whom a client's address stands for: itself, or the /64 of an IPv6 one, of which a host may use
// any address.
IpAddress network_of_client(const IpAddress&);

enum class Counted : uint8_t { allocations, permissions, channels, connections, count };
std::string_view label(Counted);

struct Counts {
    unsigned allocations = 0;
    unsigned permissions = 0;
    unsigned channels = 0;
    unsigned connections = 0;  // to peers over TCP (RFC 6062)

    unsigned of(Counted) const;
    bool any() const { return *this != Counts{}; }
    Counts& operator+=(const Counts&);
    Counts& operator-=(const Counts&);  // which are there
    friend bool operator==(const Counts&, const Counts&) = default;
};

// What there would be too much of: more than `limits`, of which 0 is any number.  What is there
// already may be above a limit that has become lower.
std::optional<Counted> excess(const Counts& held, const Counts& more, const Counts& limits);

// Whose limit it is.
enum class Limited : uint8_t { allocation, user, address, realm, server, count };
std::string_view label(Limited);

class Quotas {
  public:
    // 0: as many as there is room for.
    struct Limits {
        Counts per_user;
        Counts per_address;  // an IPv4 address, or the /64 of an IPv6 one
        Counts per_realm;    // as Realm::Limits has it
        Counts total;
    };
    struct Refused {
        Counted what{};
        Limited whose{};

        friend bool operator==(const Refused&, const Refused&) = default;
    };

    // Counts so many more, all or none.
    std::optional<Refused> charge(const User& user, const IpAddress& client, const Counts& more,
                                  const Limits&);
    // So many that were charged have ended.
    void discharge(const User& user, const IpAddress& client, const Counts& fewer);

    // Of who is charged; made if there are none yet.
    using MakeBuckets = std::shared_ptr<SharedBuckets> (*)(Instant begun);
    Buckets buckets_of(const User& user, const IpAddress& client, Instant now, MakeBuckets);

  private:
    struct Account {
        Counts held;
        std::shared_ptr<SharedBuckets> buckets;
    };
    std::map<std::string, Account> users_;  // by their keys
    std::map<IpAddress, Account> networks_;
    std::map<RealmId, Counts> realms_;  // few, which stay
    Counts all_;
};

}  // namespace ahoy::turn
