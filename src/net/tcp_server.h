// The TCP listeners of one shard, and what tells the protocols apart that share a port.
//
// A connection is looked at from its first byte on: a PROXY header if it comes from a load balancer
// that writes one; TLS if it begins as TLS does; then, plain or inside, STUN and ChannelData or
// HTTP (RFC 7983 and the letters of HTTP's methods).  From there on it belongs to HttpServer or
// TurnStreams.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/time.h"

namespace ahoy::net {

class HttpServer;
class Shard;
class TurnStreams;

struct TcpLimits {
    size_t connections = 10'000;  // open at once; more are closed at once
    size_t of_one_address = 0;    // of them; 0: any number
    std::vector<Prefix> of_many;  // addresses for which that does not hold: proxies
    Duration opening_time = 10s;  // until the first byte of HTTP or TURN, handshakes included
    // These put a PROXY header in front of every connection.
    std::vector<Prefix> balancers;
};

struct TcpCounts {
    size_t connections = 0;  // open
    uint64_t accepted = 0;
    uint64_t refused = 0;    // over the limit
    uint64_t crowded = 0;    // over the limit of one address
    uint64_t unopened = 0;   // timed out, or gone, before saying anything
    uint64_t unknown = 0;    // neither TLS nor HTTP nor TURN, or not served on that port
    uint64_t bad_proxy = 0;  // no valid PROXY header
    uint64_t bad_tls = 0;    // failed handshakes
};

// What is served on a port.  Null: not that.
struct TcpServices {
    HttpServer* http = nullptr;
    TurnStreams* turn = nullptr;
    bool plain = true;  // also without TLS
};

class TcpServer {
  public:
    TcpServer(Shard&, TcpLimits);  // the shard outlives this
    ~TcpServer();

    // The services outlive this.  Several shards share a port (SO_REUSEPORT).  The result is the
    // address with the port the kernel chose, if it was 0.  Throws StartError, naming `key`.
    TransportAddress listen(const TransportAddress&, const TcpServices&, std::string_view key);
    // From now on; those that are open stay.
    void set_limits(size_t connections, size_t of_one_address);
    // For connections accepted from now on; null: no TLS.
    void set_tls(std::shared_ptr<boost::asio::ssl::context>);
    void start();
    // Accepts no more and closes what is not with a service yet.
    void stop();

    const TcpCounts& counts() const;

  private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace ahoy::net
