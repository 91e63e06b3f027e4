#include "net/udp.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/check.h"
#include "net/clock.h"
#include "net/socket_address.h"
#include "net/start_error.h"

namespace ahoy::net {
namespace {

constexpr int listener_buffer = 4 << 20;  // bytes; the kernel grants what net.core.rmem_max allows
constexpr size_t most_events = 64;
constexpr size_t relay_share = 16;  // messages of one relay socket a round, for fairness

size_t index_of(SocketId id) {
    return static_cast<size_t>(id);
}

int make_epoll() {
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    return fd;
}

template <class T>
void set_option(int fd, int level, int option, const T& value) {
    // An option that this kernel lacks costs speed or comfort, never correctness; where it would,
    // the caller asks for the result of what depends on it.
    (void)::setsockopt(fd, level, option, &value, sizeof value);
}

int make_socket(const TransportAddress& address) {
    const int family = address.ip.is_v4() ? AF_INET : AF_INET6;
    const int fd = ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return fd;
    if (family == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set_option(fd, SOL_UDP, UDP_GRO, 1);
    return fd;
}

int bind_to(int fd, const TransportAddress& address) {
    const SocketAddress to(address);
    return ::bind(fd, to.get(), to.size());
}

TransportAddress local_address(int fd) {
    SocketAddress local;
    CHECK(::getsockname(fd, local.get(), local.capacity()) == 0);
    return local.address();
}

}  // namespace

Udp::Udp(boost::asio::any_io_executor executor, RelayAddresses& addresses, PortRange ports,
         Random random)
    : addresses_(addresses),
      ports_(ports),
      random_(std::move(random)),
      epoll_(executor, make_epoll()),
      timer_(executor) {}

Udp::~Udp() {
    for (const Socket& socket : sockets_) {
        if (socket.fd >= 0) ::close(socket.fd);
    }
}

// ---- opening and closing
// ----------------------------------------------------------------------------

SocketId Udp::add(Socket socket) {
    uint32_t index = 0;
    if (free_.empty()) {
        index = static_cast<uint32_t>(sockets_.size());
        sockets_.push_back(socket);
    } else {
        index = free_.back();
        free_.pop_back();
        sockets_[index] = socket;
    }
    epoll_event event{.events = EPOLLIN, .data = {.u32 = index}};
    CHECK(::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, socket.fd, &event) == 0);
    return SocketId{index};
}

TransportAddress Udp::listen(const TransportAddress& address, std::string_view key) {
    const int fd = make_socket(address);
    if (fd < 0) throw StartError(explain_listen_error(key, "UDP", address, errno));
    set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    set_option(fd, SOL_SOCKET, SO_RCVBUF, listener_buffer);
    set_option(fd, SOL_SOCKET, SO_SNDBUF, listener_buffer);
    if (address.ip.is_v4()) {
        set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
    } else {
        set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    }
    if (bind_to(fd, address) != 0) {
        const int error = errno;
        ::close(fd);
        throw StartError(explain_listen_error(key, "UDP", address, error));
    }
    const TransportAddress bound = local_address(fd);
    add({.fd = fd, .kind = Kind::listener, .local = bound});
    return bound;
}

bool Udp::supports(AddressFamily family) const {
    return addresses_.supports(family);
}
bool Udp::is_own(const IpAddress& ip) const {
    return addresses_.is_own(ip);
}
bool Udp::is_live(const TransportAddress& address) const {
    return addresses_.is_live(address);
}

std::optional<turn::RelayPort> Udp::open_port(size_t relay_address, uint16_t port) {
    const RelayAddress& address = addresses_.all()[relay_address];
    const int fd = make_socket({address.bound, port});
    if (fd < 0) return {};
    // No SO_REUSEADDR: that the port is ours alone is what bind(2) decides.
    if (bind_to(fd, {address.bound, port}) != 0) {
        ::close(fd);
        return {};
    }
    addresses_.set_live(relay_address, port, true);
    const TransportAddress told{address.told, port};
    const SocketId id =
        add({.fd = fd, .kind = Kind::relay, .local = told, .relay_address = relay_address});
    return turn::RelayPort{id, told};
}

std::optional<turn::OpenedPorts> Udp::open(AddressFamily family, turn::Parity parity,
                                           const IpAddress& near) {
    const auto relay_address = addresses_.choose(family, near);
    if (!relay_address) return {};
    // From a random port upwards and around.  Ports of our own cost a bit test each; those that
    // other programs hold cost a system call, so their number is bounded.
    constexpr unsigned most_refusals = 256;
    const uint32_t step = parity == turn::Parity::any ? 1 : 2;
    const uint32_t low = ports_.low + (step == 2 && ports_.low % 2 != 0 ? 1u : 0u);
    if (low > ports_.high) return {};
    const uint32_t slots = (ports_.high - low) / step + 1;
    const uint64_t start = random_.below(slots);
    unsigned refusals = 0;
    for (uint32_t i = 0; i < slots && refusals < most_refusals; ++i) {
        const auto port = static_cast<uint16_t>(low + (start + i) % slots * step);
        const IpAddress& told = addresses_.all()[*relay_address].told;
        if (addresses_.is_live({told, port})) continue;
        const auto opened = open_port(*relay_address, port);
        if (!opened) {
            ++refusals;
            continue;
        }
        if (parity != turn::Parity::even_and_next) return turn::OpenedPorts{*opened, {}};
        if (port < ports_.high) {
            if (const auto next = open_port(*relay_address, static_cast<uint16_t>(port + 1))) {
                return turn::OpenedPorts{*opened, next};
            }
        }
        close_socket(opened->socket);
        ++refusals;
    }
    return {};
}

void Udp::close(const turn::RelayPort& port) {
    close_socket(port.socket);
}

void Udp::close_socket(SocketId id) {
    Socket& socket = sockets_[index_of(id)];
    CHECK(socket.kind == Kind::relay);
    addresses_.set_live(socket.relay_address, socket.local.port, false);
    // The outbox may still hold packets that leave through it.
    socket.kind = Kind::closing;
    closing_.push_back(static_cast<uint32_t>(index_of(id)));
}

void Udp::reclaim_closed() {
    for (const uint32_t index : closing_) {
        ::close(sockets_[index].fd);
        sockets_[index] = {};
        free_.push_back(index);
    }
    closing_.clear();
}

// ---- the loop
// -----------------------------------------------------------------------------------------

void Udp::start(turn::Server& server) {
    server_ = &server;
    wait_readable();
}

void Udp::stop() {
    flush();
    server_ = nullptr;
    timer_.cancel();
    boost::system::error_code ignored;
    epoll_.cancel(ignored);
}

void Udp::wait_readable() {
    epoll_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [this](boost::system::error_code error) {
                          if (error || server_ == nullptr) return;
                          read_round();
                          wait_readable();
                      });
}

void Udp::read_round() {
    std::array<epoll_event, most_events> events;
    const int ready =
        ::epoll_wait(epoll_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
    if (ready <= 0) return;
    const Now now = read_clocks();
    for (int i = 0; i < ready; ++i) {
        if (receiver_.room() == 0) flush();
        read_socket(events[static_cast<size_t>(i)].data.u32, now);
    }
    flush();
    wait_deadline();
}

void Udp::read_socket(size_t index, Now now) {
    const Socket socket = sockets_[index];  // a copy: the core may open sockets meanwhile
    if (socket.kind != Kind::listener && socket.kind != Kind::relay) return;
    const bool is_relay = socket.kind == Kind::relay;
    const SocketId id{static_cast<uint32_t>(index)};
    received_.clear();
    receiver_.receive(socket.fd, is_relay ? relay_share : ReceiveBatch::capacity, received_);
    for (const Received& datagram : received_) {
        if (!outbox_.has_room()) send_pending();
        const TransportAddress local{
            datagram.local.is_unspecified() ? socket.local.ip : datagram.local, socket.local.port};
        if (is_relay) {
            server_->from_peer(
                now, {id, addresses_.to_told(datagram.from), socket.local, datagram.bytes},
                outbox_);
        } else {
            server_->from_client(now, {id, datagram.from, local, datagram.bytes}, outbox_);
        }
    }
}

void Udp::flush() {
    send_pending();
    reclaim_closed();
    receiver_.clear();
}

void Udp::send_pending() {
    const std::span<Transmit> pending = outbox_.pending();
    order_.clear();
    for (Transmit& transmit : pending) {
        transmit.to = addresses_.to_bound(transmit.to);
        order_.push_back(&transmit);
    }
    // Together what leaves together; the order within a flow stays.
    std::stable_sort(order_.begin(), order_.end(), [](const Transmit* a, const Transmit* b) {
        return std::tie(a->socket, a->to) < std::tie(b->socket, b->to);
    });
    for (size_t first = 0; first < order_.size();) {
        size_t end = first + 1;
        while (end < order_.size() && order_[end]->socket == order_[first]->socket) ++end;
        sender_.send(sockets_[index_of(order_[first]->socket)].fd,
                     std::span(order_).subspan(first, end - first));
        first = end;
    }
    outbox_.clear();
}

// ---- time
// ---------------------------------------------------------------------------------------------

void Udp::wait_deadline() {
    if (server_ == nullptr) return;
    const Instant next = server_->next_deadline();
    if (next >= timer_at_) return;  // looks again when the earlier one comes
    timer_at_ = next;
    timer_.expires_at(to_steady(next));
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error && server_ != nullptr) on_deadline();
    });
}

void Udp::on_deadline() {
    timer_at_ = Instant::max();
    server_->expire(read_clocks(), outbox_);
    flush();
    wait_deadline();
}

}  // namespace ahoy::net
