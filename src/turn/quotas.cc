#include "turn/quotas.h"

#include <algorithm>

#include "base/check.h"

namespace ahoy::turn {
namespace {

template <class Map, class Key>
unsigned count_of(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? 0 : found->second;
}

template <class Map, class Key>
void decrease(Map& map, const Key& key) {
    const auto found = map.find(key);
    CHECK(found != map.end());
    if (--found->second == 0) map.erase(found);
}

bool reached(unsigned count, unsigned limit) {
    return limit != 0 && count >= limit;
}

}  // namespace

IpAddress network_of_client(const IpAddress& client) {
    if (client.is_v4()) return client;
    auto bytes = client.bytes();
    std::fill(bytes.begin() + 8, bytes.end(), uint8_t{0});
    return IpAddress::v6(bytes);
}

bool Quotas::charge(std::string_view user, const IpAddress& client, const Limits& limits) {
    const IpAddress network = network_of_client(client);
    if (reached(count_of(users_, user), limits.per_user) ||
        reached(count_of(networks_, network), limits.per_address)) {
        return false;
    }
    ++users_[std::string(user)];
    ++networks_[network];
    return true;
}

void Quotas::discharge(std::string_view user, const IpAddress& client) {
    decrease(users_, user);
    decrease(networks_, network_of_client(client));
}

}  // namespace ahoy::turn
