#include "bench/traffic.h"

#include <netinet/udp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "bench/load_error.h"
#include "net/clock.h"

namespace ahoy::bench {
namespace {

constexpr size_t peer_batch = 64;       // messages in one sendmmsg
constexpr Duration least_sleep = 50us;  // so that a high rate is not one wake-up a datagram
constexpr Duration period = 100ms;      // what takes longer than one to two of these is lost
constexpr Duration quiet = 300ms;       // after which nothing is expected any more
constexpr uint64_t most_behind = 128;   // bursts at once, to catch up with the rate
constexpr size_t peer_event = SIZE_MAX;

// UDP_SEGMENT of one message; the size used.
size_t write_segment(net::ControlBuffer& buffer, size_t size) {
    auto* const header = reinterpret_cast<cmsghdr*>(buffer.bytes.data());
    const auto segment = static_cast<uint16_t>(size);
    *header = {
        .cmsg_len = CMSG_LEN(sizeof segment), .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT};
    std::memcpy(CMSG_DATA(header), &segment, sizeof segment);
    return CMSG_SPACE(sizeof segment);
}

}  // namespace

void Count::add(const Count& other) {
    sent += other.sent;
    arrived += other.arrived;
    delivered += other.delivered;
    late += other.late;
    duplicates += other.duplicates;
    not_sent += other.not_sent;
    delay.add(other.delay);
}

std::vector<End> relayed_ends(Sessions& sessions, const TransportAddress& peer) {
    std::vector<End> ends;
    for (size_t i = 0; i < sessions.size(); ++i) {
        Session& session = sessions[i];
        ends.push_back({.fd = session.fd(),
                        .reached_at = session.client().relayed().value(),
                        .session = &session,
                        .channel = session.client().channel_to(peer).value()});
    }
    return ends;
}

Traffic::Traffic(const std::vector<End>& ends, Descriptor& peer, const Load& load)
    : load_(load),
      header_size_(ends.front().channel ? turn::ChannelData::header_size : 0),
      peer_(peer.get()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      client_buffer_(load.burst * (header_size_ + load.size)),
      peer_buffer_(peer_batch * load.burst * load.size) {
    if (::getentropy(&run_id_, sizeof run_id_) != 0) run_id_ = static_cast<uint64_t>(::getpid());
    for (const End& end : ends) {
        epoll_event event{.events = EPOLLIN, .data = {.u64 = flows_.size()}};
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, end.fd, &event);
        Flow& flow = flows_.emplace_back();
        flow.end = end;
        flow.reached_at = net::SocketAddress(end.reached_at);
        if (end.channel) flow.header = turn::ChannelData::header(*end.channel, load.size);
    }
    epoll_event event{.events = EPOLLIN, .data = {.u64 = peer_event}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, peer_, &event);
    queued_.reserve(peer_batch);  // headers point into it
    headers_.resize(peer_batch);
}

void Traffic::run(const std::function<void()>& measure) {
    begin_ = now_ = heard_at_ = upkeep_at_ = net::read_clocks().steady;
    from_ = begin_ + load_.warm_up;
    to_ = from_ + load_.length;
    while (now_ < from_) {
        send_due();
        wait(from_);
    }
    measure();
    while (now_ < to_) {
        send_due();
        wait(to_);
    }
    measure();
    sending_ = false;
    while (now_ - std::max(heard_at_, to_) < quiet) wait(now_ + quiet);
}

// ---- out

void Traffic::send_due() {
    if (load_.rate != 0) {
        send_by_rate();
    } else {
        send_by_window(to_peer);
        send_by_window(to_client);
    }
    flush_peer();
}

void Traffic::send_by_rate() {
    const auto elapsed = std::chrono::duration<double>(now_ - begin_).count();
    const auto due = static_cast<uint64_t>(elapsed * load_.rate / load_.burst);
    // What this thread was kept from sending in time is not sent later in one go: that would be
    // another load than the one asked for.
    if (due > turns_ + most_behind) turns_ = due - most_behind;
    for (; turns_ < due; ++turns_) {
        send(static_cast<uint32_t>(turns_ / 2 % flows_.size()),
             turns_ % 2 == 0 ? to_peer : to_client);
    }
}

// One burst for each flow in turn.
void Traffic::send_by_window(Way way) {
    Window& window = windows_[way];
    while (window.under_way[0] + window.under_way[1] + load_.burst <=
           std::max(load_.window, load_.burst)) {
        if (!send(window.next_flow, way)) return;  // the socket is full
        window.next_flow = (window.next_flow + 1) % static_cast<uint32_t>(flows_.size());
    }
}

bool Traffic::send(uint32_t index, Way way) {
    if (way == to_peer && !send_from_client(flows_[index], index)) return false;
    if (way == to_client) queue_to_client(flows_[index], index);
    under_way(way, now_) += load_.burst;
    return true;
}

unsigned& Traffic::under_way(Way way, Instant sent_at) {
    return windows_[way].under_way[static_cast<uint64_t>((sent_at - begin_) / period) % 2];
}

// A period begins with its first reading; what has not come back of the last but one is forgotten.
void Traffic::read_clock() {
    now_ = net::read_clocks().steady;
    const auto now = static_cast<uint64_t>((now_ - begin_) / period);
    for (Window& window : windows_) {
        if (now > period_ + 1) window.under_way = {};
        if (now != period_) window.under_way[now % 2] = 0;
    }
    period_ = now;
}

void Traffic::stamp(uint8_t* payload, uint32_t index, Way way) {
    Direction& direction = flows_[index].directions[way];
    const Stamp stamp{run_id_, now_.time_since_epoch().count(), index, direction.next++};
    std::memcpy(payload, &stamp, sizeof stamp);
}

// Of one burst, stamped with now_.
void Traffic::count_sent(Way way, bool went) {
    if (!measuring(now_)) return;
    (went ? counts_[way].sent : counts_[way].not_sent) += load_.burst;
}

bool Traffic::send_from_client(Flow& flow, uint32_t index) {
    read_clock();
    uint8_t* next = client_buffer_.data();
    for (unsigned i = 0; i < load_.burst; ++i) {
        std::copy_n(flow.header.begin(), header_size_, next);
        stamp(next + header_size_, index, to_peer);
        next += header_size_ + load_.size;
    }
    ssize_t sent = 0;
    if (load_.burst == 1) {
        sent = ::send(flow.end.fd, client_buffer_.data(), client_buffer_.size(), 0);
    } else {
        net::ControlBuffer control;
        iovec piece{client_buffer_.data(), client_buffer_.size()};
        const msghdr message{.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes.data(),
                             .msg_controllen = write_segment(control, header_size_ + load_.size)};
        sent = ::sendmsg(flow.end.fd, &message, 0);
    }
    if (sent < 0 && errno == ECONNREFUSED) {
        throw LoadError("where the datagrams go nobody listens any more");
    }
    count_sent(to_peer, sent >= 0);
    return sent >= 0;
}

void Traffic::queue_to_client(Flow& flow, uint32_t index) {
    if (queued_.size() == peer_batch) flush_peer();
    const size_t bytes = load_.burst * load_.size;
    Queued& queued = queued_.emplace_back();
    queued.flow = index;
    queued.piece = {peer_buffer_.data() + (queued_.size() - 1) * bytes, bytes};
    mmsghdr& header = headers_[queued_.size() - 1];
    header = {};
    header.msg_hdr.msg_name = flow.reached_at.get();
    header.msg_hdr.msg_namelen = flow.reached_at.size();
    header.msg_hdr.msg_iov = &queued.piece;
    header.msg_hdr.msg_iovlen = 1;
    if (load_.burst > 1) {
        header.msg_hdr.msg_control = queued.control.bytes.data();
        header.msg_hdr.msg_controllen = write_segment(queued.control, load_.size);
    }
}

void Traffic::flush_peer() {
    if (queued_.empty()) return;
    read_clock();
    for (const Queued& queued : queued_) {
        auto* const payloads = static_cast<uint8_t*>(queued.piece.iov_base);
        for (unsigned i = 0; i < load_.burst; ++i) {
            stamp(payloads + i * load_.size, queued.flow, to_client);
        }
    }
    size_t done = 0;
    while (done < queued_.size()) {
        const int sent = ::sendmmsg(peer_, headers_.data() + done,
                                    static_cast<unsigned>(queued_.size() - done), 0);
        if (sent <= 0) break;
        done += static_cast<size_t>(sent);
    }
    for (size_t i = 0; i < queued_.size(); ++i) {
        count_sent(to_client, i < done);
    }
    queued_.clear();
}

// ---- in

void Traffic::wait(Instant until) {
    if (load_.rate != 0 && sending_) {
        const double next = static_cast<double>(turns_ + 1) * load_.burst / load_.rate;
        const Instant due = begin_ + Duration(static_cast<int64_t>(next * 1e9));
        until = std::min(until, std::max(due, now_ + least_sleep));
    }
    until = std::min(until, now_ + period / 2);
    read_clock();
    const auto sleep = std::max<int64_t>((until - now_).count(), 0);
    const timespec timeout{.tv_sec = sleep / 1'000'000'000, .tv_nsec = sleep % 1'000'000'000};
    std::array<epoll_event, 64> events;
    const int count = ::epoll_pwait2(epoll_.get(), events.data(), events.size(), &timeout, nullptr);
    for (int i = 0; i < count; ++i) receive(events[static_cast<size_t>(i)].data.u64);
    read_clock();
    keep_alive();
}

void Traffic::receive(size_t index) {
    const bool is_peer = index == peer_event;
    received_.clear();
    receiver_.receive(is_peer ? peer_ : flows_[index].end.fd,
                      is_peer ? net::ReceiveBatch::capacity : 16, received_);
    read_clock();
    const Instant arrived_at = now_;
    Session* const session = is_peer ? nullptr : flows_[index].end.session;
    for (const net::Received& datagram : received_) {
        if (session == nullptr) {
            take(datagram.bytes, is_peer ? to_peer : to_client, arrived_at);
        } else if (const auto data = turn::ChannelData::parse(datagram.bytes)) {
            take(data->payload, to_client, arrived_at);
        } else {
            session->take(datagram.bytes);
        }
    }
    receiver_.clear();
}

void Traffic::take(Bytes payload, Way way, Instant arrived_at) {
    Stamp stamp;
    if (payload.size() != load_.size) return;
    std::memcpy(&stamp, payload.data(), sizeof stamp);
    if (stamp.run != run_id_ || stamp.flow >= flows_.size()) return;
    heard_at_ = arrived_at;
    Direction& direction = flows_[stamp.flow].directions[way];
    Count& count = counts_[way];
    const Arrival arrival = direction.arrivals.add(stamp.number);
    const Instant sent_at{Duration(stamp.sent_at)};
    const bool counts = measuring(sent_at);
    if (arrival == Arrival::duplicate) {
        count.duplicates += counts;
        return;
    }
    if (measuring(arrived_at)) ++count.delivered;
    if (counts) {
        ++count.arrived;
        count.late += arrival == Arrival::late;
        count.delay.add(arrived_at - sent_at);
    }
    if (static_cast<uint64_t>((sent_at - begin_) / period) + 1 < period_) return;
    unsigned& waiting = under_way(way, sent_at);
    if (waiting > 0) --waiting;
}

void Traffic::keep_alive() {
    if (now_ - upkeep_at_ < period) return;
    upkeep_at_ = now_;
    for (const Flow& flow : flows_) {
        if (flow.end.session != nullptr) flow.end.session->expire();
    }
}

}  // namespace ahoy::bench
