// A TCP connection whose protocol is known by now, plain or TLS, with what was read of it so far.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <exception>
#include <memory>
#include <type_traits>

#include "base/address.h"
#include "net/tls_stream.h"

namespace ahoy::net {

using PlainStream = boost::asio::ip::tcp::socket;

template <class Stream>
constexpr bool is_tls = std::is_same_v<Stream, TlsStream>;

inline PlainStream& socket_of(PlainStream& stream) {
    return stream;
}
inline PlainStream& socket_of(TlsStream& stream) {
    return stream.socket();
}
// What reads or writes then ends with an error.
template <class Stream>
void close(Stream& stream) {
    boost::system::error_code ignored;
    socket_of(stream).close(ignored);
}

// A connection's place among those that there may be: until this is gone.
class Place {
  public:
    virtual ~Place() = default;
};

template <class Stream>
struct Accepted {
    Stream stream;
    boost::beast::flat_buffer first;  // read already, not looked at by the protocol yet
    TransportAddress remote;          // of the client, in front of a load balancer too
    TransportAddress local;
    std::unique_ptr<Place> place;
};

// Completion with a tuple that begins with the error code, instead of an exception.
constexpr auto tuple_awaitable = boost::asio::as_tuple(boost::asio::use_awaitable);

// For co_spawn.  Nothing on a connection throws but a bug or the lack of memory; the shard says so
// and ends.
inline void rethrow(std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
}

}  // namespace ahoy::net
