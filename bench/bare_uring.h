// The engine "uring": one multishot receive for each socket into buffers that all share, and a
// send for each datagram, submitted together.  Without UDP_GRO: the buffers would have to hold
// 64 KiB each.
#pragma once

#include <liburing.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "bench/bare_flows.h"

namespace ahoy::bench {

class BareUring {
  public:
    BareUring(int listener, BareFlows&);
    ~BareUring();
    BareUring(const BareUring&) = delete;
    BareUring& operator=(const BareUring&) = delete;
    [[noreturn]] void run();

  private:
    static constexpr unsigned buffers = 2048;
    static constexpr unsigned buffer_size = 2048;
    static constexpr unsigned descriptors = 16384;          // registered under their own numbers
    static constexpr uint64_t is_send = uint64_t{1} << 63;  // of user_data; the rest is the buffer

    struct Send {
        msghdr message{};
        std::array<iovec, 2> pieces{};
        std::array<uint8_t, 4> prefix{};
    };

    void add(int fd, Flow*);
    void listen(int fd);
    void complete(const io_uring_cqe&);
    void from_client(unsigned buffer, const sockaddr_in& from, std::span<uint8_t>);
    void from_peer(unsigned buffer, Flow&, std::span<uint8_t>);
    void send(unsigned buffer, int through);
    void give_back(unsigned buffer);
    io_uring_sqe& next();

    const int listener_;
    BareFlows& flows_;
    io_uring ring_{};
    io_uring_buf_ring* free_ = nullptr;
    int given_back_ = 0;
    std::unique_ptr<uint8_t[]> memory_{new uint8_t[buffers * buffer_size]};
    std::vector<Send> sends_{buffers};  // by buffer
    msghdr shape_{.msg_namelen = sizeof(sockaddr_in)};
    std::vector<Flow*> flows_of_ =
        std::vector<Flow*>(descriptors);  // by descriptor; not the listener's
};

}  // namespace ahoy::bench
