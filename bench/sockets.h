// UDP sockets of the load, where they are opened, and whom they reach.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/address.h"

namespace ahoy::bench {

// A descriptor that closes itself.
class Descriptor {
  public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor();
    int get() const { return fd_; }

  private:
    int fd_;
};

// "host:port"; throws LoadError.
TransportAddress resolve(const std::string& server);

// A UDP socket, not blocking, with large buffers.
Descriptor open_udp(AddressFamily);
// Bound to the address from which this network namespace reaches `server`, or to `wanted`.
Descriptor open_peer(const TransportAddress& server, const std::optional<IpAddress>& wanted,
                     const std::string& namespace_path);
// Throws LoadError when there is no way to it.
void connect_to(int fd, const TransportAddress& server);
TransportAddress local_address(int fd);

}  // namespace ahoy::bench
