// What crosses the boundary between a core and the sockets.
//
// A core gets a Datagram and answers into the caller's Outbox during the call, so there is no
// "drain me" rule to forget.  Relayed payload is not copied: a Transmit points into the received
// bytes, which stay valid until the batch is flushed, and carries up to four bytes of its own, the
// ChannelData header, to be sent in front.  (Headroom in front of the bytes would not do: segments
// that UDP_GRO delivers together have none.)
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace ahoy {

// A socket of the shell: a listener, a relay socket or a client's stream.  Opaque to the cores.
enum class SocketId : uint32_t {};

// How a client reaches us.
enum class Transport : uint8_t { udp, tcp, tls, dtls, count };
std::string_view label(Transport);
constexpr bool is_stream(Transport transport) {
    return transport == Transport::tcp || transport == Transport::tls;
}

struct Datagram {
    SocketId socket{};
    TransportAddress from;
    TransportAddress local;  // where it was sent to; answers leave from there
    std::span<const uint8_t> bytes;
    Transport transport = Transport::udp;
    uint8_t traffic_class = 0;  // DSCP and ECN that it came with; of connections 0
};

// What the network said about a datagram that one of our sockets had sent.
struct IcmpError {
    SocketId socket{};
    TransportAddress to;  // where that datagram was to go
    uint8_t type = 0;     // ICMP's or ICMPv6's, as the family of `to` is
    uint8_t code = 0;
    uint32_t mtu = 0;  // meaningful when it was too big
};

struct Transmit {
    SocketId socket{};
    IpAddress from;  // source address on a wildcard listener; unspecified: the socket's own
    TransportAddress to;
    std::array<uint8_t, 4> prefix{};
    uint8_t prefix_size = 0;
    uint8_t traffic_class = 0;       // DSCP and ECN to leave with, where it leaves as a datagram
    bool dont_fragment = false;      // sent whole or not at all, on the whole way (IPv4's DF)
    std::span<const uint8_t> bytes;  // received bytes or the outbox's own; valid until clear()

    size_t size() const { return prefix_size + bytes.size(); }
};

// What a batch sends.  Bounded: the shell flushes it whenever has_room() turns false, which leaves
// enough for everything that one more input can cause.
class Outbox {
  public:
    static constexpr size_t capacity = 512;
    static constexpr size_t most_per_input = 4;             // transmits
    static constexpr size_t scratch_per_input = 72 * 1024;  // bytes: one largest datagram and more

    Outbox();

    // Bytes for a message made here, e.g. a STUN response.  Empty when the scratch space is used
    // up; the message is then dropped and counted.
    std::span<uint8_t> scratch(size_t size);
    // Gives back what was not used of the latest scratch().
    void trim(std::span<uint8_t> latest, size_t used);

    void send(const Transmit&);

    bool has_room() const {
        return pending_.size() + most_per_input <= capacity &&
               scratch_size - scratch_used_ >= scratch_per_input;
    }
    // For the shell to send; it may map addresses in place.
    std::span<Transmit> pending() { return pending_; }
    uint64_t overflowed() const { return overflowed_; }
    void clear();

  private:
    static constexpr size_t scratch_size = 256 * 1024;

    std::vector<Transmit> pending_;
    std::unique_ptr<uint8_t[]> scratch_;
    size_t scratch_used_ = 0;
    uint64_t overflowed_ = 0;
};

}  // namespace ahoy
