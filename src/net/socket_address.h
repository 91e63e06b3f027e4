// A TransportAddress as the socket calls want it.  IPv4 travels as sockaddr_in, never as a mapped
// IPv6 address: the sockets of the two families are kept apart.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "base/address.h"

namespace ahoy::net {

inline in_addr to_in_addr(const IpAddress& ip) {
    in_addr out{};
    std::memcpy(&out, ip.wire().data(), sizeof out);
    return out;
}

inline in6_addr to_in6_addr(const IpAddress& ip) {
    in6_addr out{};
    std::memcpy(&out, ip.bytes().data(), sizeof out);
    return out;
}

inline IpAddress from_in_addr(const in_addr& in) {
    return IpAddress::v4(ntohl(in.s_addr));
}

inline IpAddress from_in6_addr(const in6_addr& in) {
    std::array<uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &in, bytes.size());
    return IpAddress::v6(bytes);
}

class SocketAddress {
  public:
    SocketAddress() = default;
    explicit SocketAddress(const TransportAddress& address) {
        if (address.ip.is_v4()) {
            v4_.sin_family = AF_INET;
            v4_.sin_port = htons(address.port);
            v4_.sin_addr = to_in_addr(address.ip);
        } else {
            v6_ = {};
            v6_.sin6_family = AF_INET6;
            v6_.sin6_port = htons(address.port);
            v6_.sin6_addr = to_in6_addr(address.ip);
        }
    }
    explicit SocketAddress(const sockaddr& any) {
        std::memcpy(&v6_, &any, any.sa_family == AF_INET ? sizeof v4_ : sizeof v6_);
    }

    TransportAddress address() const {
        if (family() == AF_INET) return {from_in_addr(v4_.sin_addr), ntohs(v4_.sin_port)};
        return {from_in6_addr(v6_.sin6_addr), ntohs(v6_.sin6_port)};
    }
    int family() const { return any_.sa_family; }
    sockaddr* get() { return &any_; }
    const sockaddr* get() const { return &any_; }
    socklen_t size() const { return family() == AF_INET ? sizeof v4_ : sizeof v6_; }
    // For calls that fill the address in.
    socklen_t* capacity() { return &(capacity_ = sizeof v6_); }

  private:
    union {
        sockaddr any_;
        sockaddr_in v4_;
        sockaddr_in6 v6_ = {};
    };
    socklen_t capacity_ = sizeof(sockaddr_in6);
};

}  // namespace ahoy::net
