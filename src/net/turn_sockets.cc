#include "net/turn_sockets.h"

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
#include "net/dtls.h"
#include "net/icmp_errors.h"
#include "net/socket_address.h"
#include "net/start_error.h"

namespace ahoy::net {
namespace {

constexpr int listener_buffer = 4 << 20;  // bytes; the kernel grants what net.core.rmem_max allows
constexpr size_t most_events = 16;  // a round; more of them let the first one's answer wait longer
constexpr unsigned most_refusals = 256;
constexpr Duration port_rest = 30s;
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
    ask_for_traffic_class(fd, address.ip.family());
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

TurnSockets::TurnSockets(boost::asio::any_io_executor executor, RelayAddresses& addresses,
                         TurnShared& shared, PortRange ports, Random random)
    : addresses_(addresses),
      shared_(shared),
      ports_(ports),
      random_(std::move(random)),
      epoll_(executor, make_epoll()),
      timer_(executor) {}

TurnSockets::~TurnSockets() {
    for (const Socket& socket : sockets_) {
        if (socket.fd >= 0) ::close(socket.fd);
    }
}

// ---- opening and closing

SocketId TurnSockets::add(const Socket& socket) {
    uint32_t index = 0;
    if (free_.empty()) {
        index = static_cast<uint32_t>(sockets_.size());
        sockets_.push_back(socket);
    } else {
        index = free_.back();
        free_.pop_back();
        sockets_[index] = socket;
    }
    return SocketId{index};
}

// A relay socket that was held for whoever redeems it.
SocketId TurnSockets::add(const TurnShared::HeldPort& held) {
    const IpAddress& told = addresses_.all()[held.relay_address].told;
    return add({.fd = held.fd,
                .kind = Kind::relay,
                .local = {told, held.port},
                .relay_address = held.relay_address});
}

void TurnSockets::forget(SocketId id) {
    sockets_[index_of(id)] = {};
    free_.push_back(static_cast<uint32_t>(id));
}

bool TurnSockets::watch(SocketId id, int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.u32 = static_cast<uint32_t>(id)}};
    return ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, fd, &event) == 0;
}

TransportAddress TurnSockets::listen(const TransportAddress& address, std::string_view key) {
    const int fd = make_socket(address);
    if (fd < 0) throw StartError(explain_listen_error(key, "UDP", address, errno));
    set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    set_option(fd, SOL_SOCKET, SO_RCVBUF, listener_buffer);
    set_option(fd, SOL_SOCKET, SO_SNDBUF, listener_buffer);
    const bool any_local = address.ip.is_unspecified();
    if (any_local && address.ip.is_v4()) set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (any_local && !address.ip.is_v4()) set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    if (bind_to(fd, address) != 0) {
        const int error = errno;
        ::close(fd);
        throw StartError(explain_listen_error(key, "UDP", address, error));
    }
    const TransportAddress bound = local_address(fd);
    const SocketId id =
        add({.fd = fd, .kind = Kind::listener, .any_local = any_local, .local = bound});
    if (!watch(id, fd)) {
        throw StartError(explain_listen_error(key, "UDP", address, errno));
    }
    return bound;
}

std::optional<SocketId> TurnSockets::listener_at(const TransportAddress& address) const {
    for (size_t i = 0; i < sockets_.size(); ++i) {
        const Socket& socket = sockets_[i];
        if (socket.kind != Kind::listener || socket.local.port != address.port) continue;
        const bool covers = socket.any_local && socket.local.ip.family() == address.ip.family();
        if (covers || socket.local.ip == address.ip) return SocketId{static_cast<uint32_t>(i)};
    }
    return {};
}

bool TurnSockets::is_listener(SocketId id) const {
    return sockets_[index_of(id)].kind == Kind::listener;
}

void TurnSockets::forbid_coalescing(SocketId id) {
    Socket& socket = sockets_[index_of(id)];
    if (socket.forbids_coalescing++ == 0) set_option(socket.fd, SOL_UDP, UDP_GRO, 0);
}

void TurnSockets::allow_coalescing(SocketId id) {
    Socket& socket = sockets_[index_of(id)];
    CHECK(socket.forbids_coalescing > 0);
    if (--socket.forbids_coalescing == 0) set_option(socket.fd, SOL_UDP, UDP_GRO, 1);
}

bool TurnSockets::supports(AddressFamily family) const {
    return addresses_.supports(family);
}
bool TurnSockets::is_own(const IpAddress& ip) const {
    return addresses_.is_own(ip);
}
bool TurnSockets::is_live(const TransportAddress& address) const {
    return addresses_.is_live(address);
}

Result<turn::RelayPort, TurnSockets::Denied> TurnSockets::open_port(size_t relay_address,
                                                                    uint16_t port) {
    const RelayAddress& address = addresses_.all()[relay_address];
    const int fd = make_socket({address.bound, port});
    if (fd < 0) return unexpected(Denied::exhausted);
    // Without DF unless the client asks for it; routers may then fragment (RFC 8656, section 14).
    if (address.bound.is_v4()) set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
    queue_icmp_errors(fd, address.bound.family());
    // No SO_REUSEADDR: that the port is ours alone is what bind(2) decides.
    if (bind_to(fd, {address.bound, port}) != 0) {
        ::close(fd);
        return unexpected(Denied::taken);
    }
    const TransportAddress told{address.told, port};
    const SocketId id =
        add({.fd = fd, .kind = Kind::relay, .local = told, .relay_address = relay_address});
    addresses_.set_live(relay_address, port, true);
    if (!watch(id, fd)) {
        close_socket(id);
        return unexpected(Denied::exhausted);
    }
    return turn::RelayPort{id, told};
}

std::optional<turn::OpenedPorts> TurnSockets::open(AddressFamily family, turn::Parity parity,
                                                   const IpAddress& near) {
    const auto relay_address = addresses_.choose(family, near);
    if (!relay_address) return {};
    wake_rested(read_clocks().steady);
    auto opened = search(*relay_address, parity, false);
    if (!opened && !resting_.empty()) opened = search(*relay_address, parity, true);
    return opened;
}

// From a random port upwards and around.  Ports of our own cost a bit test each; those that other
// programs hold cost a system call, so their number is bounded.
std::optional<turn::OpenedPorts> TurnSockets::search(size_t relay_address, turn::Parity parity,
                                                     bool resting_too) {
    const uint32_t step = parity == turn::Parity::any ? 1 : 2;
    const uint32_t low = ports_.low + (step == 2 && ports_.low % 2 != 0 ? 1u : 0u);
    if (low > ports_.high) return {};
    const uint32_t slots = (ports_.high - low) / step + 1;
    const uint64_t start = random_.below(slots);
    unsigned refusals = 0;
    for (uint32_t i = 0; i < slots && refusals < most_refusals; ++i) {
        const auto port = static_cast<uint16_t>(low + (start + i) % slots * step);
        if (addresses_.is_used(relay_address, port)) continue;
        if (!resting_too && addresses_.is_resting(relay_address, port)) continue;
        const auto opened = open_port(relay_address, port);
        if (!opened && opened.error() == Denied::exhausted) return {};
        ++refusals;
        if (!opened) continue;
        if (parity != turn::Parity::even_and_next) return turn::OpenedPorts{*opened, {}};
        if (port < ports_.high && !addresses_.is_used(relay_address, port + 1)) {
            const auto next = open_port(relay_address, static_cast<uint16_t>(port + 1));
            if (next) return turn::OpenedPorts{*opened, *next};
        }
        close_socket(opened->socket);
    }
    return {};
}

// Rested, or so many that new allocations would hardly find a port that does not.
void TurnSockets::wake_rested(Instant now) {
    const size_t most = (size_t{ports_.high} - ports_.low + 1) / 4;
    while (!resting_.empty() && (now >= resting_.front().until || resting_.size() > most)) {
        addresses_.set_resting(resting_.front().relay_address, resting_.front().port, false);
        resting_.pop_front();
    }
}

void TurnSockets::close(const turn::RelayPort& port) {
    close_socket(port.socket);
}

// What was to leave through it has left, and nobody reads it while it is held.
void TurnSockets::reserve(const turn::RelayPort& port, turn::Reservation reservation) {
    const Socket& socket = sockets_[index_of(port.socket)];
    CHECK(socket.kind == Kind::relay);
    CHECK(::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_DEL, socket.fd, nullptr) == 0);
    shared_.reserve(std::move(reservation), {socket.fd, socket.relay_address, socket.local.port});
    forget(port.socket);
}

std::optional<turn::RelayPort> TurnSockets::redeem(const stun::ReservationToken& token,
                                                   const turn::User& user, Instant now) {
    const auto held = shared_.redeem(token, user, now);
    if (!held) return {};
    const SocketId id = add(*held);
    if (!watch(id, held->fd)) {
        close_socket(id);
        return {};
    }
    return turn::RelayPort{id, sockets_[index_of(id)].local};
}

Instant TurnSockets::withdraw_expired(Instant now) {
    const auto expired = shared_.take_expired(now);
    for (const TurnShared::HeldPort& held : expired.ports) close_socket(add(held));
    return expired.next;
}

std::optional<turn::Quotas::Refused> TurnSockets::charge(const turn::User& user,
                                                         const IpAddress& client,
                                                         const turn::Counts& more,
                                                         const turn::Quotas::Limits& limits) {
    return shared_.charge(user, client, more, limits);
}
void TurnSockets::discharge(const turn::User& user, const IpAddress& client,
                            const turn::Counts& fewer) {
    shared_.discharge(user, client, fewer);
}
turn::Buckets TurnSockets::buckets_of(const turn::User& user, const IpAddress& client,
                                      Instant now) {
    return shared_.buckets_of(user, client, now);
}

void TurnSockets::close_socket(SocketId id) {
    Socket& socket = sockets_[index_of(id)];
    CHECK(socket.kind == Kind::relay);
    addresses_.set_live(socket.relay_address, socket.local.port, false);
    // Its peers may go on sending for a while, and the next owner should not get that.
    const Instant now = read_clocks().steady;
    addresses_.set_resting(socket.relay_address, socket.local.port, true);
    resting_.push_back({socket.relay_address, socket.local.port, now + port_rest});
    wake_rested(now);
    // The outbox may still hold packets that leave through it.
    socket.kind = Kind::closing;
    closing_.push_back(static_cast<uint32_t>(index_of(id)));
}

void TurnSockets::reclaim_closed() {
    for (const uint32_t index : closing_) {
        ::close(sockets_[index].fd);
        forget(SocketId{index});
    }
    closing_.clear();
}

// ---- the loop

void TurnSockets::start(turn::Server& server) {
    server_ = &server;
    wait_readable();
}

void TurnSockets::stop() {
    flush();
    server_ = nullptr;
    dtls_ = nullptr;
    timer_.cancel();
    boost::system::error_code ignored;
    epoll_.cancel(ignored);
}

void TurnSockets::wait_readable() {
    epoll_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [this](boost::system::error_code error) {
                          if (error || server_ == nullptr) return;
                          read_round();
                          wait_readable();
                      });
}

void TurnSockets::read_round() {
    std::array<epoll_event, most_events> events;
    const int ready =
        ::epoll_wait(epoll_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
    if (ready <= 0) return;
    const Now now = read_clocks();
    for (int i = 0; i < ready; ++i) {
        const epoll_event& event = events[static_cast<size_t>(i)];
        if ((event.events & EPOLLERR) != 0) read_errors(event.data.u32, now);
        if (receiver_.room() == 0) flush();
        read_socket(event.data.u32, now);
    }
    flush();
}

// Those of a relay socket; the queue of a listener is not filled.
void TurnSockets::read_errors(size_t index, Now now) {
    const Socket socket = sockets_[index];
    if (socket.kind != Kind::relay) return;
    for (size_t i = 0; i < relay_share; ++i) {
        const auto error = read_error(socket.fd);
        if (!error) return;
        if (!error->to) continue;
        if (!outbox_.has_room()) send_now();
        server_->from_icmp(now,
                           {.socket = SocketId{static_cast<uint32_t>(index)},
                            .to = addresses_.to_told(*error->to),
                            .type = error->type,
                            .code = error->code,
                            .mtu = error->info},
                           outbox_);
    }
}

void TurnSockets::read_socket(size_t index, Now now) {
    const Socket socket = sockets_[index];  // a copy: the core may open sockets meanwhile
    if (socket.kind != Kind::listener && socket.kind != Kind::relay) return;
    const bool is_relay = socket.kind == Kind::relay;
    const SocketId id{static_cast<uint32_t>(index)};
    received_.clear();
    receiver_.receive(socket.fd, is_relay ? relay_share : ReceiveBatch::capacity, received_);
    for (const Received& datagram : received_) {
        // Its scope is not part of our addresses, so it could not be answered.
        if (datagram.from.ip.is_link_local() && !datagram.from.ip.is_v4()) continue;
        if (!outbox_.has_room()) send_now();
        const TransportAddress local{
            datagram.local.is_unspecified() ? socket.local.ip : datagram.local, socket.local.port};
        if (is_relay) {
            server_->from_peer(now,
                               {.socket = id,
                                .from = addresses_.to_told(datagram.from),
                                .local = socket.local,
                                .bytes = datagram.bytes,
                                .traffic_class = datagram.traffic_class},
                               outbox_);
        } else if (is_dtls(datagram.bytes)) {
            if (dtls_ != nullptr) {
                dtls_->from_network(now, {id, datagram.from, local, datagram.bytes});
            }
        } else {
            server_->from_client(now,
                                 {.socket = id,
                                  .from = datagram.from,
                                  .local = local,
                                  .bytes = datagram.bytes,
                                  .traffic_class = datagram.traffic_class},
                                 outbox_);
        }
    }
}

void TurnSockets::flush() {
    send_now();
    reclaim_closed();
    receiver_.clear();
    wait_deadline();
}

void TurnSockets::send_now() {
    const std::span<Transmit> pending = outbox_.pending();
    order_.clear();
    for (Transmit& transmit : pending) {
        transmit.to = addresses_.to_bound(transmit.to);
        if (!sockets_[index_of(transmit.socket)].any_local) transmit.from = {};
        order_.push_back(&transmit);
    }
    // Together what leaves together; the order within a flow stays.
    std::sort(order_.begin(), order_.end(), [](const Transmit* a, const Transmit* b) {
        return std::tie(a->socket, a->to, a) < std::tie(b->socket, b->to, b);
    });
    for (size_t first = 0; first < order_.size();) {
        size_t end = first + 1;
        while (end < order_.size() && order_[end]->socket == order_[first]->socket) ++end;
        send_all(sockets_[index_of(order_[first]->socket)],
                 std::span(order_).subspan(first, end - first));
        first = end;
    }
    outbox_.clear();
    if (dtls_ != nullptr) dtls_->batch_sent();
    send_records();
}

void TurnSockets::send_all(const Socket& socket, std::span<const Transmit* const> transmits) {
    if (socket.kind != Kind::connection) return sender_.send(socket.fd, transmits);
    for (const Transmit* transmit : transmits) socket.connection->send(*transmit);
    socket.connection->flush();
}

// ---- connections

SocketId TurnSockets::attach(ClientTransport& connection) {
    return add({.kind = Kind::connection, .connection = &connection});
}

void TurnSockets::from_client(Now now, const Datagram& in) {
    if (server_ == nullptr) return;
    if (!outbox_.has_room()) send_now();
    server_->from_client(now, in, outbox_);
}

bool TurnSockets::has_allocation(const turn::FiveTuple& five_tuple, Now now) {
    return server_ != nullptr && server_->has_allocation(five_tuple, now);
}

void TurnSockets::detach(const turn::FiveTuple& five_tuple, Now now) {
    flush();
    if (server_ != nullptr) server_->client_gone(now, five_tuple);
    forget(five_tuple.socket);
    reclaim_closed();
}

void TurnSockets::send_record(const Datagram& path, Bytes record) {
    if (!records_.has_room()) send_records();
    const auto copy = records_.scratch(record.size());
    std::copy(record.begin(), record.end(), copy.begin());
    const bool any_local = sockets_[index_of(path.socket)].any_local;
    records_.send({.socket = path.socket,
                   .from = any_local ? path.local.ip : IpAddress(),
                   .to = path.from,
                   .bytes = copy});
}

void TurnSockets::send_records() {
    const std::span<Transmit> pending = records_.pending();
    for (size_t first = 0; first < pending.size();) {
        record_order_.clear();
        size_t end = first;
        for (; end < pending.size() && pending[end].socket == pending[first].socket; ++end) {
            record_order_.push_back(&pending[end]);
        }
        sender_.send(sockets_[index_of(pending[first].socket)].fd, record_order_);
        first = end;
    }
    records_.clear();
}

// ---- time

void TurnSockets::wait_deadline() {
    if (server_ == nullptr) return;
    const Instant next = server_->next_deadline();
    if (next >= timer_at_) return;  // looks again when the earlier one comes
    timer_at_ = next;
    timer_.expires_at(to_steady(next));
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error && server_ != nullptr) on_deadline();
    });
}

void TurnSockets::on_deadline() {
    timer_at_ = Instant::max();
    server_->expire(read_clocks(), outbox_);
    flush();
}

}  // namespace ahoy::net
