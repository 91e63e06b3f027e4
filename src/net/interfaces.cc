#include "net/interfaces.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <system_error>

#include "net/socket_address.h"

namespace ahoy::net {
namespace {

// The source address that the routing table picks for a far destination.  Connecting a UDP socket
// asks for the route and sends nothing.
std::optional<IpAddress> source_towards(const TransportAddress& far) {
    const SocketAddress to(far);
    const int fd = ::socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return {};
    std::optional<IpAddress> source;
    SocketAddress local;
    if (::connect(fd, to.get(), to.size()) == 0 &&
        ::getsockname(fd, local.get(), local.capacity()) == 0) {
        source = local.address().ip;
    }
    ::close(fd);
    return source;
}

bool is_container_bridge(std::string_view name) {
    constexpr std::array<std::string_view, 6> prefixes{"docker", "br-", "veth",
                                                       "virbr",  "cni", "flannel"};
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace

std::vector<Interface> list_interfaces() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) throw std::system_error(errno, std::generic_category());
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(list, ::freeifaddrs);

    // Any global addresses will do: only the route is looked up.
    const auto default4 = source_towards({IpAddress::v4(0x01010101), 9});
    const auto default6 = source_towards({*IpAddress::parse("2600::"), 9});

    std::vector<Interface> found;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
        const int family = entry->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        const IpAddress ip = SocketAddress(*entry->ifa_addr).address().ip;
        found.push_back({entry->ifa_name, ip, ip == default4 || ip == default6});
    }
    return found;
}

std::vector<IpAddress> default_relay_addresses(const std::vector<Interface>& interfaces) {
    // How well an address serves; nothing when not at all.
    const auto rank = [](const Interface& i) -> std::optional<int> {
        if (i.ip.is_link_local()) return {};
        if (i.is_default) return 0;
        if (i.ip.is_loopback()) return 3;
        return is_container_bridge(i.name) ? 2 : 1;
    };
    const Interface* best4 = nullptr;
    const Interface* best6 = nullptr;
    for (const Interface& candidate : interfaces) {
        const Interface*& best = candidate.ip.is_v4() ? best4 : best6;
        if (rank(candidate) && (best == nullptr || *rank(candidate) < *rank(*best))) {
            best = &candidate;
        }
    }
    std::vector<IpAddress> chosen;
    const auto usable = [&](const Interface* best, const Interface* other) {
        // Loopback only if the other family has nothing better either.
        return best != nullptr &&
               (!best->ip.is_loopback() || other == nullptr || other->ip.is_loopback());
    };
    if (usable(best4, best6)) chosen.push_back(best4->ip);
    if (usable(best6, best4)) chosen.push_back(best6->ip);
    return chosen;
}

}  // namespace ahoy::net
