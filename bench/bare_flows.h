// What the engines of bare_forwarder have in common: who relays for whom.
#pragma once

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "stun/message.h"

namespace ahoy::bench {

// One client, its relay socket and the one peer that it has bound a channel to.  IPv4 alone.
struct Flow {
    sockaddr_in client{};
    sockaddr_in peer{};
    std::array<uint8_t, 2> channel{};
    int relay = -1;
};

// Is it ChannelData, and not a request?  (RFC 8656, section 12)
inline bool is_channel_data(Bytes bytes) {
    return bytes.size() >= 4 && bytes[0] >> 6 == 1;
}

// A UDP socket, not blocking, with large buffers; `coalesce` turns UDP_GRO on.  Throws
// std::system_error.
int open_bare_socket(const TransportAddress&, bool coalesce);

class BareFlows {
  public:
    // Requests are answered from `listener`; relay sockets are opened by open_bare_socket().
    BareFlows(int listener, IpAddress relay, std::string secret, bool coalesce);

    // All clients of relay_load have one address, so that the port says which one it is.
    Flow* find(const sockaddr_in& client) const { return by_port_[client.sin_port].get(); }

    // Answers a request of anybody's with success, once its user name came along.  The result is
    // the flow that this has opened, if it has.
    Flow* answer(const sockaddr_in& client, Bytes request);

  private:
    Flow& open(const sockaddr_in& client);
    void challenge(const sockaddr_in& client, const stun::Message& request) const;
    void send(const sockaddr_in& client, Bytes response) const;

    const int listener_;
    const IpAddress relay_;
    const std::string secret_;
    const bool coalesce_;
    std::vector<std::unique_ptr<Flow>> by_port_;
};

}  // namespace ahoy::bench
