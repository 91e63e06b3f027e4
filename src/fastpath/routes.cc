#include "fastpath/routes.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "net/socket_address.h"

namespace ahoy::fastpath {
namespace {

struct Request {
    nlmsghdr header;
    rtmsg route;
    std::array<uint8_t, 64> attributes;
};

void add(Request& request, uint16_t type, std::span<const uint8_t> value) {
    const size_t at = NLMSG_ALIGN(request.header.nlmsg_len) - NLMSG_LENGTH(sizeof(rtmsg));
    rtattr attribute{.rta_len = static_cast<uint16_t>(RTA_LENGTH(value.size())), .rta_type = type};
    std::memcpy(&request.attributes[at], &attribute, sizeof attribute);
    std::memcpy(&request.attributes[at + RTA_LENGTH(0)], value.data(), value.size());
    request.header.nlmsg_len =
        static_cast<uint32_t>(NLMSG_LENGTH(sizeof(rtmsg)) + at + RTA_ALIGN(attribute.rta_len));
}

// Of an attribute's payload, which the kernel has written.
template <class T>
T read(const rtattr* attribute) {
    T value{};
    std::memcpy(&value, RTA_DATA(attribute),
                std::min<size_t>(sizeof value, RTA_PAYLOAD(attribute)));
    return value;
}

IpAddress address(const rtattr* attribute, int family) {
    return family == AF_INET ? net::from_in_addr(read<in_addr>(attribute))
                             : net::from_in6_addr(read<in6_addr>(attribute));
}

unsigned mtu_of(unsigned interface) {
    ifreq request{};
    if (::if_indextoname(interface, request.ifr_name) == nullptr) return 0;
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return 0;
    const bool known = ::ioctl(fd, SIOCGIFMTU, &request) == 0;
    ::close(fd);
    return known ? static_cast<unsigned>(request.ifr_mtu) : 0;
}

}  // namespace

Routes::Routes() : netlink_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {}

Routes::~Routes() {
    if (netlink_ >= 0) ::close(netlink_);
}

std::optional<Route> Routes::find(const IpAddress& from, const IpAddress& to) const {
    const int family = to.is_v4() ? AF_INET : AF_INET6;
    const auto bits = static_cast<uint8_t>(8 * to.wire().size());
    Request request{};
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof(rtmsg));
    request.header.nlmsg_type = RTM_GETROUTE;
    request.header.nlmsg_flags = NLM_F_REQUEST;
    request.route.rtm_family = static_cast<uint8_t>(family);
    request.route.rtm_src_len = request.route.rtm_dst_len = bits;
    add(request, RTA_SRC, from.wire());
    add(request, RTA_DST, to.wire());
    if (::send(netlink_, &request, request.header.nlmsg_len, 0) < 0) return {};

    // The kernel answers before send() returns.
    alignas(nlmsghdr) std::array<uint8_t, 4096> buffer;
    const ssize_t size = ::recv(netlink_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
    if (size < 0 || !NLMSG_OK(header, static_cast<size_t>(size))) return {};
    if (header->nlmsg_type != RTM_NEWROUTE) return {};
    const auto* route = static_cast<const rtmsg*>(NLMSG_DATA(header));
    if (route->rtm_type != RTN_UNICAST) return {};

    Route found{.next_hop = to};
    auto left = static_cast<int>(RTM_PAYLOAD(header));
    for (const rtattr* a = RTM_RTA(route); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if (a->rta_type == RTA_OIF) found.interface = read<unsigned>(a);
        if (a->rta_type == RTA_GATEWAY) found.next_hop = address(a, family);
        if (a->rta_type == RTA_VIA) return {};  // a gateway of the other family
    }
    found.mtu = mtu_of(found.interface);
    if (found.mtu == 0) return {};
    return found;
}

RouteChanges::RouteChanges()
    : netlink_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)) {
    sockaddr_nl groups{};
    groups.nl_family = AF_NETLINK;
    groups.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR |
                       RTMGRP_IPV6_ROUTE;
    (void)::bind(netlink_, reinterpret_cast<const sockaddr*>(&groups), sizeof groups);
}

RouteChanges::~RouteChanges() {
    if (netlink_ >= 0) ::close(netlink_);
}

bool RouteChanges::any_since_asked() {
    std::array<uint8_t, 4096> message;  // whatever it says
    bool any = false;
    while (::recv(netlink_, message.data(), message.size(), 0) >= 0) any = true;
    return any || errno == ENOBUFS;  // more than could be kept
}

}  // namespace ahoy::fastpath
