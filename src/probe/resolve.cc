#include "probe/resolve.h"

#include <netdb.h>

#include <algorithm>
#include <future>
#include <memory>
#include <thread>

#include "net/socket_address.h"

namespace ahoy::probe {
namespace {

using Answer = Result<std::vector<IpAddress>, Cause>;

Answer ask(const std::string& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (error != 0) {
        return unexpected(error == EAI_AGAIN ? Cause::name_server_silent : Cause::name_unknown);
    }
    std::vector<IpAddress> addresses;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        const IpAddress ip = net::SocketAddress(*entry->ai_addr).address().ip;
        if (std::find(addresses.begin(), addresses.end(), ip) == addresses.end()) {
            addresses.push_back(ip);
        }
    }
    ::freeaddrinfo(found);
    return addresses;
}

}  // namespace

Answer resolve(const std::string& host, Duration patience) {
    if (const auto ip = IpAddress::parse(host)) return std::vector{*ip};
    // On its own, because nothing stops the system's resolver; what it finds too late is forgotten.
    auto promise = std::make_shared<std::promise<Answer>>();
    auto answer = promise->get_future();
    std::thread([promise, host] { promise->set_value(ask(host)); }).detach();
    if (answer.wait_for(patience) != std::future_status::ready) {
        return unexpected(Cause::name_server_silent);
    }
    return answer.get();
}

}  // namespace ahoy::probe
