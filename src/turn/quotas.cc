#include "turn/quotas.h"

#include <algorithm>

#include "base/check.h"

namespace ahoy::turn {
namespace {

constexpr std::array every{Counted::allocations, Counted::permissions, Counted::channels,
                           Counted::connections};
static_assert(every.size() == static_cast<size_t>(Counted::count));

template <class Map, class Key>
Counts held_by(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? Counts{} : found->second.held;
}

template <class Map, class Key>
void decrease(Map& map, const Key& key, const Counts& fewer) {
    const auto found = map.find(key);
    CHECK(found != map.end());
    found->second.held -= fewer;
    if (!found->second.held.any()) map.erase(found);
}

void subtract(unsigned& from, unsigned number) {
    CHECK(from >= number);
    from -= number;
}

}  // namespace

IpAddress network_of_client(const IpAddress& client) {
    if (client.is_v4()) return client;
    auto bytes = client.bytes();
    std::fill(bytes.begin() + 8, bytes.end(), uint8_t{0});
    return IpAddress::v6(bytes);
}

std::string_view label(Counted what) {
    switch (what) {
        case Counted::allocations:
            return "allocations";
        case Counted::permissions:
            return "permissions";
        case Counted::channels:
            return "channels";
        case Counted::connections:
            return "connections";
        case Counted::count:
            break;
    }
    return {};
}

std::string_view label(Limited whose) {
    switch (whose) {
        case Limited::allocation:
            return "allocation";
        case Limited::user:
            return "user";
        case Limited::address:
            return "address";
        case Limited::realm:
            return "realm";
        case Limited::server:
            return "server";
        case Limited::count:
            break;
    }
    return {};
}

unsigned Counts::of(Counted what) const {
    switch (what) {
        case Counted::allocations:
            return allocations;
        case Counted::permissions:
            return permissions;
        case Counted::channels:
            return channels;
        case Counted::connections:
            return connections;
        case Counted::count:
            break;
    }
    return 0;
}

Counts& Counts::operator+=(const Counts& more) {
    allocations += more.allocations;
    permissions += more.permissions;
    channels += more.channels;
    connections += more.connections;
    return *this;
}

Counts& Counts::operator-=(const Counts& fewer) {
    subtract(allocations, fewer.allocations);
    subtract(permissions, fewer.permissions);
    subtract(channels, fewer.channels);
    subtract(connections, fewer.connections);
    return *this;
}

std::optional<Counted> excess(const Counts& held, const Counts& more, const Counts& limits) {
    for (const Counted what : every) {
        const unsigned limit = limits.of(what);
        if (limit == 0 || more.of(what) == 0) continue;
        if (held.of(what) + more.of(what) > limit) return what;
    }
    return {};
}

std::optional<Quotas::Refused> Quotas::charge(const User& user, const IpAddress& client,
                                              const Counts& more, const Limits& limits) {
    const IpAddress network = network_of_client(client);
    if (const auto what = excess(held_by(users_, user.key()), more, limits.per_user)) {
        return Refused{*what, Limited::user};
    }
    if (const auto what = excess(held_by(networks_, network), more, limits.per_address)) {
        return Refused{*what, Limited::address};
    }
    Counts& in_realm = realms_[user.realm()];
    if (const auto what = excess(in_realm, more, limits.per_realm)) {
        return Refused{*what, Limited::realm};
    }
    if (const auto what = excess(all_, more, limits.total)) return Refused{*what, Limited::server};
    users_[user.key()].held += more;
    networks_[network].held += more;
    in_realm += more;
    all_ += more;
    return {};
}

void Quotas::discharge(const User& user, const IpAddress& client, const Counts& fewer) {
    decrease(users_, user.key(), fewer);
    decrease(networks_, network_of_client(client), fewer);
    realms_[user.realm()] -= fewer;
    all_ -= fewer;
}

Buckets Quotas::buckets_of(const User& user, const IpAddress& client, Instant now,
                           MakeBuckets make) {
    const auto of_user = users_.find(user.key());
    const auto of_network = networks_.find(network_of_client(client));
    CHECK(of_user != users_.end() && of_network != networks_.end());
    for (auto* const buckets : {&of_user->second.buckets, &of_network->second.buckets}) {
        if (!*buckets) *buckets = make(now);
    }
    return {.realm = user.realm(),
            .own = {},
            .of_user = of_user->second.buckets,
            .of_network = of_network->second.buckets};
}

}  // namespace ahoy::turn
