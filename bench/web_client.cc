#include "bench/web_client.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "bench/load_error.h"
#include "net/socket_address.h"

namespace ahoy::bench {
namespace {

constexpr size_t read_size = 64 * 1024;
constexpr uint8_t opcode_text = 1, opcode_close = 8, opcode_ping = 9, opcode_pong = 10;

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

// What SSL_read and SSL_write said, as send_some() says it.
ssize_t outcome(const SSL* tls, int result) {
    if (result > 0) return result;
    const int error = SSL_get_error(tls, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

size_t content_length(std::string_view head) {
    const std::string names = lower(head);
    constexpr std::string_view name = "content-length:";
    const size_t at = names.find(name);
    size_t length = 0;
    if (at == names.npos) return 0;
    const size_t begin = names.find_first_not_of(' ', at + name.size());
    std::from_chars(names.data() + begin, names.data() + names.size(), length);
    return length;
}

}  // namespace

WebClient::WebClient(Poll& poll, const TransportAddress& server, SSL_CTX* tls, Handler handler)
    : poll_(poll), handler_(std::move(handler)) {
    const net::SocketAddress address(server);
    fd_ = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) throw LoadError("no more sockets: raise the limit of open files (ulimit -n)");
    const int on = 1;
    (void)::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd_, address.get(), address.size()) != 0 && errno != EINPROGRESS) {
        throw LoadError("cannot connect to " + server.to_string() + ": " + std::strerror(errno));
    }
    epoll_event event{.events = EPOLLIN | EPOLLOUT, .data = {.ptr = this}};
    (void)::epoll_ctl(poll_.fd_, EPOLL_CTL_ADD, fd_, &event);
    if (!tls) return;
    tls_.reset(SSL_new(tls));
    SSL_set_fd(tls_.get(), fd_);
    SSL_set_connect_state(tls_.get());
    SSL_set_mode(tls_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
}

WebClient::~WebClient() {
    if (queued_) std::erase(poll_.unsent_, this);
    if (fd_ >= 0) ::close(fd_);
}

void WebClient::close() {
    if (fd_ < 0) return;
    ::close(fd_);
    fd_ = -1;
    handler_(*this, Got::closed, {});
}

void WebClient::abort() {
    if (fd_ < 0) return;
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    (void)::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(fd_);
    fd_ = -1;
}

void WebClient::request(std::string_view method, std::string_view target) {
    out_.append(method).append(" ").append(target);
    out_ += " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    flush();
}

void WebClient::upgrade(std::string_view target) {
    out_.append("GET ").append(target);
    out_ +=
        " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        "Origin: http://localhost\r\n\r\n";
    upgraded_ = true;
    flush();
}

// A key of zeros masks nothing, which is as good a mask as any for one who measures.
void WebClient::frame(uint8_t opcode, std::string_view text) {
    constexpr uint8_t final = 0x80, masked = 0x80;
    out_ += static_cast<char>(final | opcode);
    if (text.size() < 126) {
        out_ += static_cast<char>(masked | text.size());
    } else {
        out_ += static_cast<char>(masked | 126);
        out_ += static_cast<char>(text.size() >> 8);
        out_ += static_cast<char>(text.size());
    }
    out_.append(4, '\0');
    out_ += text;
    if (!queued_) poll_.unsent_.push_back(this);
    queued_ = true;
}

void WebClient::send(std::string_view text) {
    frame(opcode_text, text);
}

void WebClient::ping() {
    frame(opcode_ping, {});
}

void WebClient::flush() {
    if (fd_ < 0 || !connected_) return;
    while (!out_.empty()) {
        const ssize_t sent = send_some();
        if (sent < 0) return close();
        if (sent == 0) break;
        out_.erase(0, static_cast<size_t>(sent));
    }
    // A handshake that waits for the server is no reason to watch for room.
    const bool wants = !out_.empty() && !(tls_ && SSL_want_read(tls_.get()));
    if (wants == watches_writing_) return;
    watches_writing_ = wants;
    epoll_event event{.events = EPOLLIN | (wants ? uint32_t{EPOLLOUT} : 0), .data = {.ptr = this}};
    (void)::epoll_ctl(poll_.fd_, EPOLL_CTL_MOD, fd_, &event);
}

ssize_t WebClient::send_some() {
    if (tls_) {
        return outcome(tls_.get(),
                       SSL_write(tls_.get(), out_.data(), static_cast<int>(out_.size())));
    }
    const ssize_t sent = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    return sent < 0 && errno == EAGAIN ? 0 : sent;
}

ssize_t WebClient::receive_some(char* to, size_t size) {
    if (tls_) return outcome(tls_.get(), SSL_read(tls_.get(), to, static_cast<int>(size)));
    const ssize_t got = ::recv(fd_, to, size, 0);
    if (got < 0 && errno == EAGAIN) return 0;
    return got == 0 ? -1 : got;
}

void WebClient::on_events(uint32_t events) {
    if (events & EPOLLOUT) {
        connected_ = true;
        flush();
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read();
}

void WebClient::read() {
    static std::array<char, read_size> buffer;
    const std::weak_ptr alive = alive_;
    ssize_t size = 1;
    while (size > 0 && !alive.expired() && fd_ >= 0) {
        size = receive_some(buffer.data(), buffer.size());
        if (size < 0) return close();
        in_.append(buffer.data(), static_cast<size_t>(size));
        take_messages();
        if (!tls_) return;  // and TLS may have more to give than the socket tells
    }
    if (!alive.expired()) flush();
}

void WebClient::take_messages() {
    const std::weak_ptr alive = alive_;
    while (!alive.expired() && fd_ >= 0) {
        const bool is_http = !upgraded_ || in_.compare(in_used_, 5, "HTTP/") == 0;
        if (!(is_http ? take_response() : take_frame())) break;
    }
    if (alive.expired()) return;
    in_.erase(0, in_used_);
    in_used_ = 0;
}

bool WebClient::take_response() {
    const std::string_view rest = std::string_view(in_).substr(in_used_);
    const size_t end = rest.find("\r\n\r\n");
    if (end == rest.npos) return false;
    const size_t size = end + 4 + content_length(rest.substr(0, end));
    if (rest.size() < size) return false;
    in_used_ += size;
    handler_(*this, Got::response, rest.substr(0, size));
    return true;
}

bool WebClient::take_frame() {
    const auto* bytes = reinterpret_cast<const uint8_t*>(in_.data()) + in_used_;
    const size_t there = in_.size() - in_used_;
    if (there < 2) return false;
    const uint8_t opcode = bytes[0] & 0x0f;
    size_t size = bytes[1] & 0x7f, head = 2;
    if (size == 126) {
        if (there < 4) return false;
        size = static_cast<size_t>(bytes[2] << 8 | bytes[3]);
        head = 4;
    } else if (size == 127) {
        throw LoadError("the server sent a frame of more than 64 KiB");
    }
    if (there < head + size) return false;
    const std::string_view text = std::string_view(in_).substr(in_used_ + head, size);
    in_used_ += head + size;
    if (opcode == opcode_close) {
        close();
        return false;
    }
    if (opcode == opcode_ping) {
        frame(opcode_pong, text);
    } else {
        handler_(*this, opcode == opcode_pong ? Got::pong : Got::message, text);
    }
    return true;
}

Poll::Poll() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (fd_ < 0) throw LoadError("no epoll set to be had");
}

Poll::~Poll() {
    ::close(fd_);
}

void Poll::round(int wait_ms) {
    std::array<epoll_event, 512> events;
    const int count = ::epoll_wait(fd_, events.data(), static_cast<int>(events.size()), wait_ms);
    for (int i = 0; i < count; ++i) {
        static_cast<WebClient*>(events[static_cast<size_t>(i)].data.ptr)
            ->on_events(events[static_cast<size_t>(i)].events);
    }
    flush();
}

void Poll::flush() {
    for (size_t i = 0; i < unsent_.size(); ++i) {
        WebClient& client = *unsent_[i];
        client.queued_ = false;
        client.flush();
    }
    unsent_.clear();
}

}  // namespace ahoy::bench
