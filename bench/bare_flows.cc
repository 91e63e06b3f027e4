#include "bench/bare_flows.h"

#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/crypto.h"
#include "net/socket_address.h"
#include "stun/integrity.h"

namespace ahoy::bench {
namespace {

using stun::AttributeType;
using stun::Method;

constexpr int socket_buffer = 4 << 20;  // bytes; the kernel grants what its limits allow
constexpr std::string_view realm = "bare";

void bind_channel(Flow& flow, const stun::Message& request) {
    const auto peer = request.xor_address(AttributeType::xor_peer_address);
    const auto number = request.find(AttributeType::channel_number);
    if (!peer || !peer->ip.is_v4() || !number || number->size() < 2) return;
    flow.peer = {.sin_family = AF_INET,
                 .sin_port = htons(peer->port),
                 .sin_addr = net::to_in_addr(peer->ip)};
    flow.channel = {(*number)[0], (*number)[1]};
}

TransportAddress local_address(int fd) {
    net::SocketAddress local;
    if (::getsockname(fd, local.get(), local.capacity()) != 0) {
        throw std::system_error(errno, std::generic_category(), "getsockname");
    }
    return local.address();
}

}  // namespace

int open_bare_socket(const TransportAddress& address, bool coalesce) {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const net::SocketAddress to(address);
    if (fd < 0 || ::bind(fd, to.get(), to.size()) != 0) {
        throw std::system_error(errno, std::generic_category(), address.to_string());
    }
    const int on = 1;
    if (coalesce) (void)::setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on);
    (void)::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &socket_buffer, sizeof socket_buffer);
    (void)::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &socket_buffer, sizeof socket_buffer);
    return fd;
}

BareFlows::BareFlows(int listener, IpAddress relay, std::string secret, bool coalesce)
    : listener_(listener),
      relay_(relay),
      secret_(std::move(secret)),
      coalesce_(coalesce),
      by_port_(65536) {}

Flow& BareFlows::open(const sockaddr_in& client) {
    auto& flow = by_port_[client.sin_port];
    if (!flow) {
        const int relay = open_bare_socket({relay_, 0}, coalesce_);
        flow = std::make_unique<Flow>(Flow{.client = client, .relay = relay});
    }
    return *flow;
}

Flow* BareFlows::answer(const sockaddr_in& client, Bytes bytes) {
    const auto request = stun::Message::parse(bytes);
    if (!request || request->message_class() != stun::Class::request) return nullptr;
    const auto username = request->text(AttributeType::username);
    if (!username) {
        challenge(client, *request);
        return nullptr;
    }
    const bool known = find(client) != nullptr;
    Flow& flow = open(client);
    std::array<uint8_t, 256> buffer;
    stun::MessageWriter writer(buffer, {request->method(), stun::Class::success},
                               request->transaction_id());
    if (request->method() == Method::allocate) {
        writer.xor_address(AttributeType::xor_relayed_address, local_address(flow.relay));
        writer.xor_address(AttributeType::xor_mapped_address,
                           {net::from_in_addr(client.sin_addr), ntohs(client.sin_port)});
    }
    if (request->method() == Method::channel_bind) bind_channel(flow, *request);
    writer.lifetime(1h);
    // The client believes only what is signed with its key.
    const auto password = base64(hmac_sha1(as_bytes(secret_), {as_bytes(*username)}));
    writer.integrity(stun::long_term_key(*username, realm, password));
    send(client, writer.finish());
    return known ? nullptr : &flow;
}

void BareFlows::challenge(const sockaddr_in& client, const stun::Message& request) const {
    std::array<uint8_t, 128> buffer;
    stun::MessageWriter writer(buffer, {request.method(), stun::Class::error},
                               request.transaction_id());
    writer.error(stun::ErrorCode::unauthenticated, "Unauthenticated");
    writer.text(AttributeType::realm, realm);
    writer.text(AttributeType::nonce, "bare");
    send(client, writer.finish());
}

void BareFlows::send(const sockaddr_in& client, Bytes response) const {
    (void)::sendto(listener_, response.data(), response.size(), 0,
                   reinterpret_cast<const sockaddr*>(&client), sizeof client);
}

}  // namespace ahoy::bench
