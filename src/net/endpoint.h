// Our transport addresses as Asio's TCP endpoints, and back.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstring>

#include "net/socket_address.h"

namespace ahoy::net {

inline TransportAddress to_address(const boost::asio::ip::tcp::endpoint& endpoint) {
    return SocketAddress(*endpoint.data()).address();
}

inline boost::asio::ip::tcp::endpoint to_endpoint(const TransportAddress& address) {
    const SocketAddress socket(address);
    boost::asio::ip::tcp::endpoint endpoint;
    std::memcpy(endpoint.data(), socket.get(), socket.size());
    endpoint.resize(socket.size());
    return endpoint;
}

}  // namespace ahoy::net
