#include "probe/link.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "base/check.h"
#include "net/clock.h"
#include "net/socket_address.h"

namespace ahoy::probe {
namespace {

constexpr long handshake_mtu = 1200;  // fits every path
constexpr size_t largest_datagram = 65536;

Cause cause_of_errno(int error) {
    switch (error) {
        case ECONNREFUSED:
            return Cause::refused;
        case ENETUNREACH:
        case EHOSTUNREACH:
        case EADDRNOTAVAIL:
        case EAFNOSUPPORT:
        case EINVAL:  // a link-local address without its interface
            return Cause::unreachable;
        case ETIMEDOUT:
            return Cause::no_answer;
        default:
            return Cause::closed;
    }
}

int milliseconds_until(Instant until) {
    const Duration left = until - net::read_clocks().steady;
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::clamp<int64_t>(rounded, 0, INT_MAX));
}

}  // namespace

Link::Link(Transport transport, const TransportAddress& server)
    : transport_(transport), server_(server) {}

Link::~Link() {
    if (fd_ >= 0) ::close(fd_);
}

bool Link::wait(short events, Instant until) const {
    pollfd entry{.fd = fd_, .events = events, .revents = 0};
    return ::poll(&entry, 1, milliseconds_until(until)) > 0;
}

Cause Link::connect(Instant until) {
    const int kind = is_stream() ? SOCK_STREAM : SOCK_DGRAM;
    fd_ = ::socket(server_.ip.is_v4() ? AF_INET : AF_INET6, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return cause_of_errno(errno);
    if (is_stream()) {
        const int on = 1;
        (void)::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    const net::SocketAddress to(server_);
    if (::connect(fd_, to.get(), to.size()) == 0) return Cause::none;
    if (errno != EINPROGRESS) return cause_of_errno(errno);
    if (!wait(POLLOUT, until)) return Cause::no_answer;
    int error = 0;
    socklen_t size = sizeof error;
    (void)::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 ? Cause::none : cause_of_errno(error);
}

IpAddress Link::local() const {
    net::SocketAddress address;
    if (::getsockname(fd_, address.get(), address.capacity()) != 0) return {};
    return address.address().ip;
}

// ---- TLS and DTLS

void Link::prepare(const Trust& trust) {
    const bool dtls = transport_ == Transport::dtls;
    context_.reset(SSL_CTX_new(dtls ? DTLS_client_method() : TLS_client_method()));
    CHECK(context_ != nullptr);
    SSL_CTX_set_default_verify_paths(context_.get());
    ssl_.reset(SSL_new(context_.get()));
    CHECK(ssl_ != nullptr);
    if (dtls) {
        BIO* const bio = BIO_new_dgram(fd_, BIO_NOCLOSE);
        const net::SocketAddress to(server_);
        BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, const_cast<sockaddr*>(to.get()));
        SSL_set_bio(ssl_.get(), bio, bio);
        SSL_set_options(ssl_.get(), SSL_OP_NO_QUERY_MTU);
        SSL_set_mtu(ssl_.get(), handshake_mtu);
    } else {
        SSL_set_fd(ssl_.get(), fd_);
    }
    if (!IpAddress::parse(trust.name)) SSL_set_tlsext_host_name(ssl_.get(), trust.name.c_str());
    checked_ = trust.checked;
    if (checked_) faults_.watch(ssl_.get(), trust.name_checked ? trust.name : "");
    SSL_set_connect_state(ssl_.get());
}

Cause Link::shake_hands(const Trust& trust, Instant until) {
    prepare(trust);
    for (;;) {
        ERR_clear_error();
        const int result = SSL_do_handshake(ssl_.get());
        if (result == 1) return Cause::none;
        const int error = SSL_get_error(ssl_.get(), result);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
            return why_it_failed(error);
        }
        Instant next = until;
        timeval left{};
        const bool repeats = transport_ == Transport::dtls && DTLSv1_get_timeout(ssl_.get(), &left);
        if (repeats) {
            next = std::min(next, net::read_clocks().steady + std::chrono::seconds(left.tv_sec) +
                                      std::chrono::microseconds(left.tv_usec));
        }
        if (wait(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, next)) continue;
        if (net::read_clocks().steady >= until) return Cause::no_answer;
        if (repeats) DTLSv1_handle_timeout(ssl_.get());
    }
}

Cause Link::why_it_failed(int error) {
    if (error == SSL_ERROR_ZERO_RETURN) return Cause::closed;
    const unsigned long last = ERR_peek_last_error();
    if (error == SSL_ERROR_SYSCALL || last == 0) {
        return errno == 0 ? Cause::closed : cause_of_errno(errno);
    }
    if (const char* reason = ERR_reason_error_string(last)) words_ = reason;
    if (ERR_GET_LIB(last) != ERR_LIB_SSL) return Cause::tls_failed;
    switch (ERR_GET_REASON(last)) {
        case SSL_R_UNEXPECTED_EOF_WHILE_READING:
            return Cause::closed;
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
        case SSL_R_PACKET_LENGTH_TOO_LONG:
            return Cause::not_tls;
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
            return Cause::tls_version;
        default:
            return Cause::tls_failed;
    }
}

std::string Link::description() const {
    return std::string(SSL_get_version(ssl_.get())) + ", " +
           SSL_CIPHER_get_name(SSL_get_current_cipher(ssl_.get()));
}

std::vector<Finding> Link::certificate(Now now) const {
    const X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    if (certificate == nullptr) return {};
    return judge_certificate(*certificate, faults_, checked_, now);
}

// ---- messages

Cause Link::send(const Transmit& transmit, Instant until) {
    std::vector<uint8_t> message(transmit.prefix.begin(),
                                 transmit.prefix.begin() + transmit.prefix_size);
    message.insert(message.end(), transmit.bytes.begin(), transmit.bytes.end());
    if (is_stream()) message.resize(message.size() + turn::stream_padding(message.size()));
    return write_all(message, until);
}

Cause Link::write_all(Bytes message, Instant until) {
    while (!message.empty()) {
        ERR_clear_error();
        errno = 0;
        const int size = static_cast<int>(message.size());
        const ssize_t sent = ssl_ ? SSL_write(ssl_.get(), message.data(), size)
                                  : ::send(fd_, message.data(), message.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            message = message.subspan(static_cast<size_t>(sent));
            continue;
        }
        const int error = ssl_ ? SSL_get_error(ssl_.get(), static_cast<int>(sent)) : 0;
        const bool full = ssl_ ? error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ
                               : errno == EAGAIN || errno == ENOBUFS;
        if (!full) return ssl_ ? why_it_failed(error) : cause_of_errno(errno);
        // A datagram that does not fit is lost, as on the rest of its way.
        if (!is_stream()) return Cause::none;
        if (!wait(POLLOUT, until)) return Cause::no_answer;
    }
    return Cause::none;
}

// One read; `size` stays zero when there is nothing for now.
Cause Link::read_some(std::span<uint8_t> space, size_t& size) {
    size = 0;
    ERR_clear_error();
    errno = 0;
    const ssize_t got = ssl_ ? SSL_read(ssl_.get(), space.data(), static_cast<int>(space.size()))
                             : ::recv(fd_, space.data(), space.size(), 0);
    if (got > 0) {
        size = static_cast<size_t>(got);
        return Cause::none;
    }
    if (ssl_) {
        const int error = SSL_get_error(ssl_.get(), static_cast<int>(got));
        const bool nothing = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
        return nothing ? Cause::none : why_it_failed(error);
    }
    if (got == 0) return is_stream() ? Cause::closed : Cause::none;
    return errno == EAGAIN || errno == EINTR ? Cause::none : cause_of_errno(errno);
}

Cause Link::receive(const std::function<void(Bytes)>& take) {
    // Bounded, so that a server that never stops sending does not keep us here.
    constexpr int most = 64;
    std::array<uint8_t, largest_datagram> datagram;
    for (int i = 0; i < most; ++i) {
        size_t size = 0;
        const auto space = is_stream() ? framer_.space() : std::span<uint8_t>(datagram);
        const Cause cause = read_some(space, size);
        if (cause != Cause::none || size == 0) return cause;
        if (!is_stream()) {
            take(Bytes(datagram).first(size));
            continue;
        }
        framer_.received(size);
        while (const auto message = framer_.next()) take(*message);
        if (framer_.broken()) return Cause::not_stun;
    }
    return Cause::none;
}

void wait_for_any(const std::vector<const Link*>& links, Instant until) {
    std::vector<pollfd> entries;
    for (const Link* link : links) {
        entries.push_back({.fd = link->fd(), .events = POLLIN, .revents = 0});
    }
    (void)::poll(entries.data(), entries.size(), milliseconds_until(until));
}

}  // namespace ahoy::probe
