// Many datagrams per system call: recvmmsg with UDP_GRO in, sendmmsg with UDP_SEGMENT out.
//
// Nothing is copied here: received bytes stay in the batch until clear(), and a Transmit's bytes
// are gathered from where they are.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/datagram.h"
#include "net/socket_address.h"

namespace ahoy::net {

// Room for the control messages of one message: its local address, its traffic class, its segment
// size, and that it must not be fragmented.
struct ControlBuffer {
    alignas(cmsghdr) std::array<uint8_t, 128> bytes;
};

// Received::traffic_class is known on this socket from now on.
void ask_for_traffic_class(int fd, AddressFamily);

// One datagram of a ReceiveBatch.
struct Received {
    TransportAddress from;
    IpAddress local;  // the address it was sent to; unspecified unless the socket asks for it
    std::span<const uint8_t> bytes;
    uint8_t traffic_class = 0;  // DSCP and ECN; 0 unless the socket asks for it
};

class ReceiveBatch {
  public:
    static constexpr size_t capacity = 64;  // messages; each up to 64 KiB of coalesced datagrams

    ReceiveBatch();

    // Reads up to `most` messages of a non-blocking socket on top of what is here.  The result says
    // how many messages that was; their datagrams were appended to `out`.
    size_t receive(int fd, size_t most, std::vector<Received>& out);
    size_t room() const { return capacity - used_; }
    void clear() { used_ = 0; }

  private:
    static constexpr size_t buffer_size = 65536;
    // Not a power of two apart: small datagrams' first lines would share one set of the cache.
    static constexpr size_t stride = buffer_size + 192;

    std::unique_ptr<uint8_t[]> buffers_;
    std::array<ControlBuffer, capacity> controls_;
    std::array<SocketAddress, capacity> froms_;
    std::array<iovec, capacity> pieces_;
    std::array<mmsghdr, capacity> headers_;
    size_t used_ = 0;
};

struct SendCounts {
    uint64_t datagrams = 0;
    uint64_t calls = 0;    // of the kernel
    uint64_t full = 0;     // datagrams dropped because the socket's buffer was full
    uint64_t refused = 0;  // datagrams that the kernel would not send (no route, filtered, too big)
};

class SendBatch {
  public:
    SendBatch();

    // Sends in order over one socket of one family.  Runs with one destination, source and size
    // become one message that the kernel cuts up.  What cannot be sent now is dropped and counted:
    // UDP may, and waiting for one destination would hold up all others.
    void send(int fd, std::span<const Transmit* const> transmits);
    const SendCounts& counts() const { return counts_; }

    // Does this kernel cut (UDP_SEGMENT)?  Found out by asking; false makes runs of one.
    static bool kernel_segments();

  private:
    static constexpr size_t most_messages = 128;
    static constexpr size_t most_segments = 64;      // UDP_MAX_SEGMENTS of Linux
    static constexpr size_t most_bytes = 65000;      // of one segmented message
    static constexpr size_t largest_segment = 1452;  // fits an MTU of 1500 over IPv6

    struct Run {
        size_t first;
        size_t count;
    };
    void send_alike(int fd, std::span<const Transmit* const>);
    size_t run_length(std::span<const Transmit* const>) const;
    void add(std::span<const Transmit* const> run, size_t first);
    void flush(int fd, std::span<const Transmit* const> transmits);
    void send_one_by_one(int fd, std::span<const Transmit* const>);

    std::vector<mmsghdr> headers_;
    std::vector<Run> runs_;
    std::vector<iovec> pieces_;
    std::vector<SocketAddress> tos_;
    std::vector<ControlBuffer> controls_;
    bool segments_;
    SendCounts counts_;
};

}  // namespace ahoy::net
