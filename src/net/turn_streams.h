// TURN over TCP and TLS (RFC 8656, section 3.1): the clients' connections of one shard.
//
// Each is bounded in what it may make us keep: one message that is not complete, for a short time;
// a connection without an allocation, for a little longer; and a queue towards a client that reads
// slowly, from which nothing grows: what does not fit is dropped in whole messages, as UDP would.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>

#include "base/time.h"
#include "net/turn_sockets.h"
#include "turn/bandwidth.h"

namespace ahoy::net {

template <class Stream>
struct Accepted;
struct TurnStreamTable;
class JoinedPeer;

struct TurnStreamLimits {
    size_t queued_bytes = 256 * 1024;  // waiting to be sent to one client
    Duration message_time = 10s;       // from a message's first byte to its last
    Duration idle_time = 30s;          // without a byte and without an allocation
};

struct TurnStreamCounts {
    size_t tcp = 0;                 // open
    size_t tls = 0;                 // open
    size_t joined = 0;              // of both, those that are a connection to a peer (RFC 6062)
    uint64_t bytes_to_peers = 0;    // of those
    uint64_t bytes_to_clients = 0;  // of those
    uint64_t broken = 0;            // closed, because what came was neither STUN nor ChannelData
    uint64_t timed_out = 0;         // closed by one of the two times
    uint64_t queue_full = 0;        // messages dropped on their way to a client that reads slowly
};

class TurnStreams {
  public:
    // `sockets` and `bandwidth` outlive this or stop().
    TurnStreams(boost::asio::io_context&, TurnSockets& sockets, turn::Bandwidth& bandwidth,
                TurnStreamLimits = {});
    ~TurnStreams();

    void start();
    // Closes all connections.
    void stop();

    // Until the connection is closed.  Defined for PlainStream and TlsStream.
    template <class Stream>
    boost::asio::awaitable<void> serve(Accepted<Stream>);

    // From the message on that is being answered, the client's stream carries what it and the peer
    // say to each other (RFC 6062, section 5.4).
    void join(SocketId client, JoinedPeer);

    const TurnStreamCounts& counts() const;

  private:
    std::shared_ptr<TurnStreamTable> table_;
};

}  // namespace ahoy::net
