#include "app/kernel_path.h"

#include <fmt/format.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "app/log.h"
#include "net/interfaces.h"
#include "net/start_error.h"

namespace ahoy::app {
namespace {

using fastpath::Interface;
using fastpath::KernelRelay;

// Channels at once; further ones are relayed in user space.
constexpr uint32_t capacity = 1 << 16;

// The program reads Ethernet headers.  Loopback has them too, but no finished checksums.
bool is_ethernet(const std::string& name) {
    ifreq request{};
    if (name.size() >= sizeof request.ifr_name) return false;
    std::memcpy(request.ifr_name, name.data(), name.size());
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    const bool known = ::ioctl(fd, SIOCGIFHWADDR, &request) == 0;
    ::close(fd);
    return known && request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
}

bool covers(const IpAddress& ours, const IpAddress& ip) {
    return ours == ip || (ours.is_unspecified() && ours.family() == ip.family());
}

std::vector<Interface> interfaces_of(const std::vector<IpAddress>& ours) {
    std::vector<Interface> found;
    for (const net::Interface& interface : net::list_interfaces()) {
        if (interface.ip.is_link_local() ||
            std::ranges::none_of(ours, [&](const auto& a) { return covers(a, interface.ip); }) ||
            std::ranges::find(found, interface.name, &Interface::name) != found.end() ||
            !is_ethernet(interface.name)) {
            continue;
        }
        found.push_back({interface.name, ::if_nametoindex(interface.name.c_str())});
    }
    return found;
}

// In a time namespace ours is not the clock by which the kernel knows when a channel ends.
bool has_clock_of_its_own() {
    std::ifstream offsets("/proc/self/timens_offsets");
    std::string clock;
    for (int64_t seconds = 0, nanoseconds = 0; offsets >> clock >> seconds >> nanoseconds;) {
        if (clock == "monotonic" && (seconds != 0 || nanoseconds != 0)) return true;
    }
    return false;
}

std::unique_ptr<KernelRelay> attach(const std::vector<IpAddress>& ours) {
    if (has_clock_of_its_own()) {
        throw net::StartError("this time namespace has another clock than the kernel");
    }
    auto interfaces = interfaces_of(ours);
    if (interfaces.empty()) throw net::StartError("no address of ours is on an Ethernet interface");
    return KernelRelay::attach(std::move(interfaces), capacity);
}

void announce(const KernelRelay& relay) {
    std::string names;
    for (const Interface& interface : relay.interfaces()) {
        if (!names.empty()) names += ',';
        names += interface.name;
    }
    const bool tcx = relay.hook() == KernelRelay::Hook::tcx;
    log::info("turn.fastpath",
              {{"state", "on"}, {"interfaces", names}, {"hook", tcx ? "tcx" : "clsact"}});
}

}  // namespace

std::unique_ptr<KernelRelay> kernel_path(FastPath wanted, const std::vector<IpAddress>& ours) {
    if (wanted == FastPath::off) {
        log::info("turn.fastpath", {{"state", "off"}, {"reason", "turn.fastpath is \"off\""}});
        return nullptr;
    }
    try {
        auto relay = attach(ours);
        announce(*relay);
        return relay;
    } catch (const net::StartError& error) {
        if (wanted == FastPath::on) {
            throw net::StartError(fmt::format("turn.fastpath: {}", error.what()));
        }
        log::info("turn.fastpath", {{"state", "off"}, {"reason", error.what()}});
        return nullptr;
    }
}

}  // namespace ahoy::app
