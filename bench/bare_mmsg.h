// The engine "mmsg": recvmmsg with UDP_GRO in, sendmmsg with UDP_SEGMENT out.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>

#include "bench/bare_flows.h"

namespace ahoy::bench {

class BareMmsg {
  public:
    BareMmsg(int listener, BareFlows&);
    [[noreturn]] void run();

  private:
    static constexpr size_t messages = 80;
    static constexpr size_t most_of_relay = 16;  // messages at once
    static constexpr size_t buffer_size = 65536;
    static constexpr size_t stride = buffer_size + 192;  // not all buffers in one set of the cache
    static constexpr size_t most_segments = 64;          // UDP_MAX_SEGMENTS of Linux
    struct Control {
        alignas(cmsghdr) std::array<uint8_t, 64> bytes;
    };

    void watch(int fd, Flow*);
    size_t receive(int fd, size_t most);
    void from_clients();
    void from_peer(Flow&);
    void flush();

    const int listener_;
    BareFlows& flows_;
    const int epoll_;

    size_t received_ = 0;
    std::unique_ptr<uint8_t[]> memory_{new uint8_t[messages * stride]};
    std::array<mmsghdr, messages> in_{};
    std::array<iovec, messages> in_pieces_{};
    std::array<sockaddr_in, messages> froms_{};
    std::array<Control, messages> in_controls_{};

    size_t answers_ = 0;
    size_t pieces_used_ = 0;
    std::array<mmsghdr, messages> out_{};
    std::array<Control, messages> out_controls_{};
    std::array<std::array<uint8_t, 4>, messages> prefixes_{};
    std::array<iovec, messages * 2 * most_segments> pieces_{};
};

}  // namespace ahoy::bench
