// A TCP connection whose protocol is known by now, plain or TLS, with what was read of it so far.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <exception>
#include <type_traits>

#include "base/address.h"

namespace ahoy::net {

using PlainStream = boost::beast::tcp_stream;
using TlsStream = boost::beast::ssl_stream<boost::beast::tcp_stream>;

template <class Stream>
constexpr bool is_tls = std::is_same_v<Stream, TlsStream>;

template <class Stream>
struct Accepted {
    Stream stream;
    boost::beast::flat_buffer first;  // read already, not looked at by the protocol yet
    TransportAddress remote;          // of the client, in front of a load balancer too
    TransportAddress local;
};

inline PlainStream& lowest(PlainStream& stream) {
    return stream;
}
inline PlainStream& lowest(TlsStream& stream) {
    return stream.next_layer();
}

// Completion with a tuple that begins with the error code, instead of an exception.
constexpr auto tuple_awaitable = boost::asio::as_tuple(boost::asio::use_awaitable);

// For co_spawn.  Nothing on a connection throws but a bug or the lack of memory; the shard says so
// and ends.
inline void rethrow(std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
}

}  // namespace ahoy::net
