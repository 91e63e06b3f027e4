#include "bench/sockets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "bench/load_error.h"
#include "net/socket_address.h"

namespace ahoy::bench {
namespace {

[[noreturn]] void fail(const char* call) {
    throw std::system_error(errno, std::generic_category(), call);
}

template <class T>
void set_option(int fd, int level, int option, const T& value) {
    (void)::setsockopt(fd, level, option, &value, sizeof value);
}

// The namespace this thread is in until the end of the scope, when it goes back.
class InNamespace {
  public:
    explicit InNamespace(const std::string& path)
        : home_(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) {
        if (path.empty()) return;
        const Descriptor there(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (there.get() < 0 || ::setns(there.get(), CLONE_NEWNET) != 0) {
            throw LoadError(
                fmt::format("--peer-netns {}: {} (it takes root, and a path such as "
                            "/run/netns/NAME)",
                            path, std::strerror(errno)));
        }
        left_ = true;
    }
    ~InNamespace() {
        if (left_ && ::setns(home_.get(), CLONE_NEWNET) != 0) std::abort();
    }
    InNamespace(const InNamespace&) = delete;
    InNamespace& operator=(const InNamespace&) = delete;

  private:
    Descriptor home_;
    bool left_ = false;
};

}  // namespace

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

TransportAddress resolve(const std::string& server) {
    if (const auto address = TransportAddress::parse(server)) return *address;
    const size_t colon = server.rfind(':');
    const std::string host = server.substr(0, colon);
    const std::string port = colon == server.npos ? "3478" : server.substr(colon + 1);
    const addrinfo hints{.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
    if (error != 0) {
        throw LoadError(fmt::format("--server {}: {} (\"host:port\" is expected)", server,
                                    ::gai_strerror(error)));
    }
    const auto address = net::SocketAddress(*found->ai_addr).address();
    ::freeaddrinfo(found);
    return address;
}

Descriptor open_udp(AddressFamily family) {
    Descriptor socket(::socket(family == AddressFamily::ipv4 ? AF_INET : AF_INET6,
                               SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket.get() < 0) fail("socket");
    constexpr int buffer = 8 << 20;
    // What is lost here is not the server's loss; the first of each pair takes a privilege.
    set_option(socket.get(), SOL_SOCKET, SO_RCVBUF, buffer);
    set_option(socket.get(), SOL_SOCKET, SO_SNDBUF, buffer);
    set_option(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, buffer);
    set_option(socket.get(), SOL_SOCKET, SO_SNDBUFFORCE, buffer);
    set_option(socket.get(), SOL_UDP, UDP_GRO, 1);
    return socket;
}

void connect_to(int fd, const TransportAddress& server) {
    const net::SocketAddress to(server);
    if (::connect(fd, to.get(), to.size()) == 0) return;
    throw LoadError(fmt::format("{} cannot be reached from here: {}", server.to_string(),
                                std::strerror(errno)));
}

TransportAddress local_address(int fd) {
    net::SocketAddress local;
    if (::getsockname(fd, local.get(), local.capacity()) != 0) fail("getsockname");
    return local.address();
}

Descriptor open_peer(const TransportAddress& server, const std::optional<IpAddress>& wanted,
                     const std::string& namespace_path) {
    const InNamespace there(namespace_path);
    Descriptor peer = open_udp(server.ip.family());
    IpAddress ip = wanted.value_or(IpAddress{});
    if (!wanted) {
        const Descriptor probe = open_udp(server.ip.family());
        connect_to(probe.get(), server);
        ip = local_address(probe.get()).ip;
    }
    const net::SocketAddress at({ip, 0});
    if (::bind(peer.get(), at.get(), at.size()) != 0) {
        throw LoadError(fmt::format("--peer-address {}: {}", ip.to_string(), std::strerror(errno)));
    }
    return peer;
}

}  // namespace ahoy::bench
