#include "bench/bare_mmsg.h"

#include <netinet/udp.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace ahoy::bench {
namespace {

// The size of the datagrams that UDP_GRO has put together in one message.
size_t segment_size(msghdr& message, size_t size) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_UDP || c->cmsg_type != UDP_GRO) continue;
        int found = 0;
        std::memcpy(&found, CMSG_DATA(c), sizeof found);
        return static_cast<size_t>(found);
    }
    return size;
}

void cut_into(msghdr& message, std::span<uint8_t> control, size_t size) {
    const auto value = static_cast<uint16_t>(size);
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(sizeof value);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    *header = {.cmsg_len = CMSG_LEN(sizeof value), .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT};
    std::memcpy(CMSG_DATA(header), &value, sizeof value);
}

}  // namespace

BareMmsg::BareMmsg(int listener, BareFlows& flows)
    : listener_(listener), flows_(flows), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (size_t i = 0; i < messages; ++i) {
        in_pieces_[i] = {memory_.get() + i * stride, buffer_size};
        in_[i].msg_hdr = {.msg_name = &froms_[i],
                          .msg_iov = &in_pieces_[i],
                          .msg_iovlen = 1,
                          .msg_control = in_controls_[i].bytes.data()};
    }
    watch(listener_, nullptr);
}

void BareMmsg::watch(int fd, Flow* flow) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = flow}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
}

void BareMmsg::run() {
    std::array<epoll_event, 16> events;
    for (;;) {
        const int ready = ::epoll_wait(epoll_, events.data(), events.size(), -1);
        for (int i = 0; i < ready; ++i) {
            if (messages - received_ < most_of_relay) flush();
            auto* flow = static_cast<Flow*>(events[static_cast<size_t>(i)].data.ptr);
            if (flow == nullptr) {
                from_clients();
            } else {
                from_peer(*flow);
            }
        }
        flush();
    }
}

size_t BareMmsg::receive(int fd, size_t most) {
    for (size_t i = received_; i < received_ + most; ++i) {
        in_[i].msg_hdr.msg_namelen = sizeof(sockaddr_in);
        in_[i].msg_hdr.msg_controllen = sizeof(Control);
    }
    const int count = ::recvmmsg(fd, &in_[received_], static_cast<unsigned>(most), 0, nullptr);
    return count < 0 ? 0 : static_cast<size_t>(count);
}

void BareMmsg::from_clients() {
    const size_t count = receive(listener_, messages - received_);
    for (size_t i = received_; i < received_ + count; ++i) {
        auto* bytes = static_cast<uint8_t*>(in_pieces_[i].iov_base);
        const size_t size = in_[i].msg_len;
        if (!is_channel_data({bytes, size})) {
            Flow* opened = flows_.answer(froms_[i], {bytes, size});
            if (opened != nullptr) watch(opened->relay, opened);
            continue;
        }
        Flow* flow = flows_.find(froms_[i]);
        if (flow == nullptr) continue;
        const size_t segment = segment_size(in_[i].msg_hdr, size);
        std::array<iovec, most_segments> pieces;
        size_t used = 0;
        for (size_t at = 0; at + 4 < size && used < pieces.size(); at += segment) {
            pieces[used++] = {bytes + at + 4, std::min(segment, size - at) - 4};
        }
        msghdr out{.msg_name = &flow->peer,
                   .msg_namelen = sizeof flow->peer,
                   .msg_iov = pieces.data(),
                   .msg_iovlen = used};
        Control control;
        if (used > 1) cut_into(out, control.bytes, segment - 4);
        (void)::sendmsg(flow->relay, &out, 0);
    }
    received_ += count;
}

void BareMmsg::from_peer(Flow& flow) {
    const size_t count = receive(flow.relay, std::min(most_of_relay, messages - received_));
    for (size_t i = received_; i < received_ + count; ++i) {
        auto* bytes = static_cast<uint8_t*>(in_pieces_[i].iov_base);
        const size_t size = in_[i].msg_len;
        const size_t segment = segment_size(in_[i].msg_hdr, size);
        // The last one may be shorter; its header would be another.  relay_load sends no such.
        auto& prefix = prefixes_[answers_];
        prefix = {flow.channel[0], flow.channel[1], static_cast<uint8_t>(segment >> 8),
                  static_cast<uint8_t>(segment)};
        const size_t first = pieces_used_;
        for (size_t at = 0; at < size; at += segment) {
            pieces_[pieces_used_++] = {prefix.data(), prefix.size()};
            pieces_[pieces_used_++] = {bytes + at, std::min(segment, size - at)};
        }
        msghdr& out = out_[answers_].msg_hdr;
        out = {.msg_name = &flow.client,
               .msg_namelen = sizeof flow.client,
               .msg_iov = &pieces_[first],
               .msg_iovlen = pieces_used_ - first};
        if (segment < size) cut_into(out, out_controls_[answers_].bytes, segment + 4);
        ++answers_;
    }
    received_ += count;
}

void BareMmsg::flush() {
    for (size_t done = 0; done < answers_;) {
        const int sent =
            ::sendmmsg(listener_, &out_[done], static_cast<unsigned>(answers_ - done), 0);
        done += sent > 0 ? static_cast<size_t>(sent) : 1;
    }
    answers_ = pieces_used_ = received_ = 0;
}

}  // namespace ahoy::bench
