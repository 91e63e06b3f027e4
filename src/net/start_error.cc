#include "net/start_error.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/socket_address.h"

namespace ahoy::net {
namespace {

std::string remedy(int error, std::string_view protocol, const TransportAddress& address) {
    switch (error) {
        case EADDRINUSE:
            return fmt::format(
                "another program uses this port; stop it (`ss -lp{}n 'sport = {}'` names it) or "
                "choose another port",
                protocol == "UDP" ? 'u' : 't', address.port);
        case EACCES:
            return "ports below 1024 need a privilege: run as root, grant CAP_NET_BIND_SERVICE, or "
                   "choose a higher port";
        case EADDRNOTAVAIL:
            return "this machine has no such address; `ip addr` lists those it has";
        case EAFNOSUPPORT:
            return "this machine has no IPv6; leave the address out";
        default:
            return std::strerror(error);
    }
}

}  // namespace

std::string explain_listen_error(std::string_view key, std::string_view protocol,
                                 const TransportAddress& address, int error) {
    return fmt::format("{}: cannot listen on {} {}: {}", key, protocol, address.to_string(),
                       remedy(error, protocol, address));
}

void check_unused(std::string_view key, std::string_view protocol,
                  const TransportAddress& address) {
    if (address.port == 0) return;
    const SocketAddress to(address);
    const bool is_udp = protocol == "UDP";
    const int fd = ::socket(to.family(), (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    int error = fd < 0 ? errno : 0;
    if (fd >= 0) {
        constexpr int on = 1;
        if (to.family() == AF_INET6) {
            (void)::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        }
        // Connections of a server that has just stopped linger for a minute and are no obstacle.
        if (!is_udp) (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (::bind(fd, to.get(), to.size()) != 0) error = errno;
        ::close(fd);
    }
    if (error != 0) throw StartError(explain_listen_error(key, protocol, address, error));
}

}  // namespace ahoy::net
