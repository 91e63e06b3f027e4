#include "net/icmp_errors.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "net/socket_address.h"

namespace ahoy::net {
namespace {

bool is_error(const cmsghdr& control) {
    return (control.cmsg_level == IPPROTO_IP && control.cmsg_type == IP_RECVERR) ||
           (control.cmsg_level == IPPROTO_IPV6 && control.cmsg_type == IPV6_RECVERR);
}

}  // namespace

void queue_icmp_errors(int fd, AddressFamily family) {
    constexpr int on = 1;
    if (family == AddressFamily::ipv4) {
        (void)::setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    } else {
        (void)::setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    }
}

std::optional<QueuedError> read_error(int fd) {
    SocketAddress to;
    alignas(cmsghdr) std::array<uint8_t, 256> controls;
    msghdr message{};
    message.msg_name = to.get();
    message.msg_namelen = *to.capacity();
    message.msg_control = controls.data();
    message.msg_controllen = controls.size();
    if (::recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return {};
    QueuedError found;
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (!is_error(*c)) continue;
        sock_extended_err error;
        std::memcpy(&error, CMSG_DATA(c), sizeof error);
        if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6) continue;
        found = {to.address(), error.ee_type, error.ee_code, error.ee_info};
    }
    return found;
}

}  // namespace ahoy::net
