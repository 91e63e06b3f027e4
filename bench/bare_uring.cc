#include "bench/bare_uring.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <system_error>

namespace ahoy::bench {
namespace {

// liburing returns errors as negative numbers.
void expect(int result, const char* call) {
    if (result < 0) throw std::system_error(-result, std::generic_category(), call);
}

}  // namespace

BareUring::BareUring(int listener, BareFlows& flows) : listener_(listener), flows_(flows) {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
    params.cq_entries = 4 * buffers;
    expect(::io_uring_queue_init_params(2 * buffers, &ring_, &params), "io_uring_setup");
    expect(::io_uring_register_files_sparse(&ring_, descriptors), "io_uring_register (files)");

    void* const memory = ::mmap(nullptr, buffers * sizeof(io_uring_buf), PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    free_ = static_cast<io_uring_buf_ring*>(memory);
    ::io_uring_buf_ring_init(free_);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<uint64_t>(memory);
    registration.ring_entries = buffers;
    expect(::io_uring_register_buf_ring(&ring_, &registration, 0), "io_uring_register (buffers)");
    for (unsigned i = 0; i < buffers; ++i) give_back(i);

    add(listener, nullptr);
}

BareUring::~BareUring() {
    ::io_uring_queue_exit(&ring_);
    ::munmap(free_, buffers * sizeof(io_uring_buf));
}

void BareUring::add(int fd, Flow* flow) {
    const auto index = static_cast<unsigned>(fd);
    expect(::io_uring_register_files_update(&ring_, index, &fd, 1), "io_uring_register (file)");
    flows_of_.at(index) = flow;
    listen(fd);
}

void BareUring::listen(int fd) {
    io_uring_sqe& sqe = next();
    ::io_uring_prep_recvmsg_multishot(&sqe, fd, &shape_, 0);
    sqe.flags |= IOSQE_BUFFER_SELECT | IOSQE_FIXED_FILE;
    sqe.user_data = static_cast<uint64_t>(fd);
}

io_uring_sqe& BareUring::next() {
    for (;;) {
        if (io_uring_sqe* const sqe = ::io_uring_get_sqe(&ring_)) return *sqe;
        ::io_uring_submit(&ring_);
    }
}

void BareUring::run() {
    for (;;) {
        ::io_uring_buf_ring_advance(free_, std::exchange(given_back_, 0));
        const int result = ::io_uring_submit_and_wait(&ring_, 1);
        if (result != -EINTR) expect(result, "io_uring_enter");
        unsigned head = 0;
        unsigned seen = 0;
        io_uring_cqe* cqe = nullptr;
        io_uring_for_each_cqe(&ring_, head, cqe) {
            complete(*cqe);
            ++seen;
        }
        ::io_uring_cq_advance(&ring_, seen);
    }
}

void BareUring::complete(const io_uring_cqe& cqe) {
    if ((cqe.user_data & is_send) != 0) {
        give_back(static_cast<unsigned>(cqe.user_data));
        return;
    }
    const auto fd = static_cast<int>(cqe.user_data);
    if (cqe.res >= 0 && (cqe.flags & IORING_CQE_F_BUFFER) != 0) {
        const unsigned buffer = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
        auto* const out =
            ::io_uring_recvmsg_validate(memory_.get() + buffer * buffer_size, cqe.res, &shape_);
        auto* const bytes =
            out ? static_cast<uint8_t*>(::io_uring_recvmsg_payload(out, &shape_)) : nullptr;
        const size_t size = out ? ::io_uring_recvmsg_payload_length(out, cqe.res, &shape_) : 0;
        Flow* const flow = flows_of_[static_cast<size_t>(fd)];
        if (out == nullptr) {
            give_back(buffer);
        } else if (flow != nullptr) {
            from_peer(buffer, *flow, {bytes, size});
        } else {
            sockaddr_in from;
            std::memcpy(&from, ::io_uring_recvmsg_name(out), sizeof from);
            from_client(buffer, from, {bytes, size});
        }
    }
    if ((cqe.flags & IORING_CQE_F_MORE) == 0) listen(fd);
}

void BareUring::from_client(unsigned buffer, const sockaddr_in& from, std::span<uint8_t> bytes) {
    Flow* flow = flows_.find(from);
    if (flow == nullptr || !is_channel_data(bytes)) {
        Flow* const opened = flows_.answer(from, bytes);
        if (opened != nullptr) add(opened->relay, opened);
        give_back(buffer);
        return;
    }
    Send& out = sends_[buffer];
    out.pieces[0] = {bytes.data() + 4, bytes.size() - 4};
    out.message = {.msg_name = &flow->peer,
                   .msg_namelen = sizeof flow->peer,
                   .msg_iov = out.pieces.data(),
                   .msg_iovlen = 1};
    send(buffer, flow->relay);
}

void BareUring::from_peer(unsigned buffer, Flow& flow, std::span<uint8_t> bytes) {
    Send& out = sends_[buffer];
    out.prefix = {flow.channel[0], flow.channel[1], static_cast<uint8_t>(bytes.size() >> 8),
                  static_cast<uint8_t>(bytes.size())};
    out.pieces = {iovec{out.prefix.data(), out.prefix.size()}, iovec{bytes.data(), bytes.size()}};
    out.message = {.msg_name = &flow.client,
                   .msg_namelen = sizeof flow.client,
                   .msg_iov = out.pieces.data(),
                   .msg_iovlen = 2};
    send(buffer, listener_);
}

void BareUring::send(unsigned buffer, int through) {
    io_uring_sqe& sqe = next();
    ::io_uring_prep_sendmsg(&sqe, through, &sends_[buffer].message, 0);
    sqe.flags |= IOSQE_FIXED_FILE;
    sqe.user_data = is_send | buffer;
}

void BareUring::give_back(unsigned buffer) {
    ::io_uring_buf_ring_add(free_, memory_.get() + buffer * buffer_size, buffer_size,
                            static_cast<unsigned short>(buffer), io_uring_buf_ring_mask(buffers),
                            given_back_++);
}

}  // namespace ahoy::bench
