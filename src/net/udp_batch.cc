#include "net/udp_batch.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/check.h"

namespace ahoy::net {
namespace {

struct Control {
    IpAddress local;
    size_t segment = 0;  // 0: the message is one datagram
    uint8_t traffic_class = 0;
};

template <class T>
T read_value(const cmsghdr* control) {
    T value;
    std::memcpy(&value, CMSG_DATA(control), sizeof value);
    return value;
}

Control read_control(msghdr& message) {
    Control found;
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            found.local = from_in_addr(read_value<in_pktinfo>(c).ipi_addr);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            found.local = from_in6_addr(read_value<in6_pktinfo>(c).ipi6_addr);
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            found.traffic_class = read_value<uint8_t>(c);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            found.traffic_class = static_cast<uint8_t>(read_value<int>(c));
        } else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            found.segment = static_cast<size_t>(read_value<int>(c));
        }
    }
    return found;
}

// Appends control messages to a buffer that is large and aligned enough for all that we use.
class ControlWriter {
  public:
    explicit ControlWriter(std::span<uint8_t> buffer) : buffer_(buffer) {}

    template <class T>
    void add(int level, int type, const T& value) {
        auto* header = reinterpret_cast<cmsghdr*>(buffer_.data() + used_);
        *header = {.cmsg_len = CMSG_LEN(sizeof value), .cmsg_level = level, .cmsg_type = type};
        std::memcpy(CMSG_DATA(header), &value, sizeof value);
        used_ += CMSG_SPACE(sizeof value);
    }
    size_t used() const { return used_; }

  private:
    std::span<uint8_t> buffer_;
    size_t used_ = 0;
};

void add_source(ControlWriter& control, const IpAddress& from) {
    if (from.is_unspecified()) return;
    if (from.is_v4()) {
        in_pktinfo info{};
        info.ipi_spec_dst = to_in_addr(from);
        control.add(IPPROTO_IP, IP_PKTINFO, info);
    } else {
        in6_pktinfo info{};
        info.ipi6_addr = to_in6_addr(from);
        control.add(IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
}

// What all datagrams of one message have in common.
void add_common(ControlWriter& control, const Transmit& transmit) {
    const bool is_v4 = transmit.to.ip.is_v4();
    add_source(control, transmit.from);
    if (transmit.traffic_class != 0) {
        control.add(is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_TOS : IPV6_TCLASS,
                    int{transmit.traffic_class});
    }
    if (transmit.dont_fragment && !is_v4) control.add(IPPROTO_IPV6, IPV6_DONTFRAG, int{1});
}

// IPv4's DF is the socket's, not the message's, so it is on only around what asks for it.  PROBE
// sets it and believes no earlier word about the path: the sender wants to find out.
class WithoutFragments {
  public:
    explicit WithoutFragments(int fd) : fd_(fd) {
        socklen_t size = sizeof before_;
        CHECK(::getsockopt(fd_, IPPROTO_IP, IP_MTU_DISCOVER, &before_, &size) == 0);
        set(IP_PMTUDISC_PROBE);
    }
    ~WithoutFragments() { set(before_); }
    WithoutFragments(const WithoutFragments&) = delete;
    WithoutFragments& operator=(const WithoutFragments&) = delete;

  private:
    void set(int mode) {
        CHECK(::setsockopt(fd_, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof mode) == 0);
    }
    int fd_;
    int before_ = 0;
};

// How many of the first messages went out, or -1.  sendmsg is the cheaper call for one.
int send_messages(int fd, std::span<mmsghdr> messages) {
    if (messages.size() > 1) {
        return ::sendmmsg(fd, messages.data(), static_cast<unsigned>(messages.size()), 0);
    }
    return ::sendmsg(fd, &messages.front().msg_hdr, 0) < 0 ? -1 : 1;
}

bool same_flow(const Transmit& a, const Transmit& b) {
    return a.to == b.to && a.from == b.from && a.traffic_class == b.traffic_class &&
           a.dont_fragment == b.dont_fragment;
}

}  // namespace

// ---- in

void ask_for_traffic_class(int fd, AddressFamily family) {
    constexpr int on = 1;
    if (family == AddressFamily::ipv4) {
        (void)::setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof on);
    } else {
        (void)::setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof on);
    }
}

ReceiveBatch::ReceiveBatch() : buffers_(new uint8_t[capacity * stride]) {
    for (size_t i = 0; i < capacity; ++i) {
        pieces_[i] = {buffers_.get() + i * stride, buffer_size};
        headers_[i] = {};
        headers_[i].msg_hdr.msg_name = froms_[i].get();
        headers_[i].msg_hdr.msg_iov = &pieces_[i];
        headers_[i].msg_hdr.msg_iovlen = 1;
        headers_[i].msg_hdr.msg_control = controls_[i].bytes.data();
    }
}

size_t ReceiveBatch::receive(int fd, size_t most, std::vector<Received>& out) {
    const size_t wanted = std::min(most, room());
    mmsghdr* const headers = headers_.data() + used_;
    for (size_t i = 0; i < wanted; ++i) {
        headers[i].msg_hdr.msg_namelen = sizeof(sockaddr_in6);
        headers[i].msg_hdr.msg_controllen = sizeof(ControlBuffer);
    }
    const int received = ::recvmmsg(fd, headers, static_cast<unsigned>(wanted), 0, nullptr);
    if (received <= 0) return 0;
    const auto count = static_cast<size_t>(received);
    for (size_t i = 0; i < count; ++i) {
        const Control control = read_control(headers[i].msg_hdr);
        const TransportAddress from = froms_[used_ + i].address();
        std::span<const uint8_t> bytes(static_cast<const uint8_t*>(pieces_[used_ + i].iov_base),
                                       headers[i].msg_len);
        const size_t segment = control.segment == 0 ? bytes.size() : control.segment;
        do {
            const size_t size = std::min(segment, bytes.size());
            out.push_back({from, control.local, bytes.first(size), control.traffic_class});
            bytes = bytes.subspan(size);
        } while (!bytes.empty());
    }
    used_ += count;
    return count;
}

// ---- out

SendBatch::SendBatch() : segments_(kernel_segments()) {
    headers_.reserve(most_messages);
    runs_.reserve(most_messages);
    // Headers point into these; they must not grow while in use.
    pieces_.reserve(2 * Outbox::capacity);
    tos_.reserve(most_messages);
    controls_.reserve(most_messages);
}

bool SendBatch::kernel_segments() {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    int size = 0;
    socklen_t length = sizeof size;
    const bool known = ::getsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, &length) == 0;
    ::close(fd);
    return known;
}

// How many of the first transmits can be one segmented message: all of the first one's size, but
// for a last one that may be shorter.
size_t SendBatch::run_length(std::span<const Transmit* const> transmits) const {
    const Transmit& first = *transmits.front();
    const size_t size = first.size();
    if (!segments_ || size == 0 || size > largest_segment) return 1;
    const size_t most = std::min({transmits.size(), most_segments, most_bytes / size});
    for (size_t n = 1; n < most; ++n) {
        const Transmit& next = *transmits[n];
        if (!same_flow(first, next) || next.size() > size || next.size() == 0) return n;
        if (next.size() < size) return n + 1;
    }
    return most;
}

void SendBatch::add(std::span<const Transmit* const> run, size_t first) {
    const Transmit& head = *run.front();
    const size_t pieces = pieces_.size();
    for (const Transmit* transmit : run) {
        if (transmit->prefix_size > 0) {
            // sendmsg only reads, but iovec has no const.
            pieces_.push_back(
                {const_cast<uint8_t*>(transmit->prefix.data()), transmit->prefix_size});
        }
        pieces_.push_back({const_cast<uint8_t*>(transmit->bytes.data()), transmit->bytes.size()});
    }
    const SocketAddress& to = tos_.emplace_back(head.to);
    auto& buffer = controls_.emplace_back();
    ControlWriter control(buffer.bytes);
    add_common(control, head);
    if (run.size() > 1) control.add(SOL_UDP, UDP_SEGMENT, static_cast<uint16_t>(head.size()));

    mmsghdr& header = headers_.emplace_back();
    header = {};
    header.msg_hdr.msg_name = const_cast<sockaddr*>(to.get());
    header.msg_hdr.msg_namelen = to.size();
    header.msg_hdr.msg_iov = &pieces_[pieces];
    header.msg_hdr.msg_iovlen = pieces_.size() - pieces;
    header.msg_hdr.msg_control = control.used() > 0 ? buffer.bytes.data() : nullptr;
    header.msg_hdr.msg_controllen = control.used();
    runs_.push_back({first, run.size()});
}

void SendBatch::send(int fd, std::span<const Transmit* const> transmits) {
    CHECK(transmits.size() <= Outbox::capacity);
    while (!transmits.empty()) {
        const bool whole = transmits.front()->dont_fragment;
        const auto end = std::ranges::find_if(
            transmits, [&](const Transmit* next) { return next->dont_fragment != whole; });
        const auto alike = transmits.first(static_cast<size_t>(end - transmits.begin()));
        std::optional<WithoutFragments> mode;
        if (whole && alike.front()->to.ip.is_v4()) mode.emplace(fd);
        send_alike(fd, alike);
        transmits = transmits.subspan(alike.size());
    }
}

void SendBatch::send_alike(int fd, std::span<const Transmit* const> transmits) {
    size_t next = 0;
    while (next < transmits.size()) {
        while (next < transmits.size() && headers_.size() < most_messages) {
            const size_t count = run_length(transmits.subspan(next));
            add(transmits.subspan(next, count), next);
            next += count;
        }
        flush(fd, transmits);
    }
}

void SendBatch::flush(int fd, std::span<const Transmit* const> transmits) {
    size_t done = 0;
    size_t tried = headers_.size();  // the one that was refused last
    while (done < headers_.size()) {
        ++counts_.calls;
        const int sent = send_messages(fd, std::span(headers_).subspan(done));
        if (sent > 0) {
            for (int i = 0; i < sent; ++i) counts_.datagrams += runs_[done++].count;
            continue;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            for (; done < headers_.size(); ++done) counts_.full += runs_[done].count;
            break;
        }
        // A socket with an error queue tells here, once, what became of an earlier datagram.
        if (std::exchange(tried, done) != done) continue;
        const Run run = runs_[done++];
        if (run.count > 1) {
            // Most likely a path whose MTU is below the segment's size.
            send_one_by_one(fd, transmits.subspan(run.first, run.count));
        } else {
            ++counts_.refused;
        }
    }
    headers_.clear();
    runs_.clear();
    pieces_.clear();
    tos_.clear();
    controls_.clear();
}

void SendBatch::send_one_by_one(int fd, std::span<const Transmit* const> transmits) {
    for (const Transmit* transmit : transmits) {
        ControlBuffer buffer;
        ControlWriter control(buffer.bytes);
        add_common(control, *transmit);
        const SocketAddress to(transmit->to);
        std::array<iovec, 2> pieces{
            iovec{const_cast<uint8_t*>(transmit->prefix.data()), transmit->prefix_size},
            iovec{const_cast<uint8_t*>(transmit->bytes.data()), transmit->bytes.size()}};
        msghdr message{};
        message.msg_name = const_cast<sockaddr*>(to.get());
        message.msg_namelen = to.size();
        message.msg_iov = pieces.data();
        message.msg_iovlen = pieces.size();
        message.msg_control = control.used() > 0 ? buffer.bytes.data() : nullptr;
        message.msg_controllen = control.used();
        ++counts_.calls;
        // A second time because of the error queue, as in flush().
        if (::sendmsg(fd, &message, 0) >= 0 || ::sendmsg(fd, &message, 0) >= 0) {
            ++counts_.datagrams;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            ++counts_.full;
        } else {
            ++counts_.refused;
        }
    }
}

}  // namespace ahoy::net
