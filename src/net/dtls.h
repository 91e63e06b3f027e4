// TURN over DTLS 1.2 (RFC 7350, RFC 6347): the associations of one shard's UDP listeners.
//
// Nothing is kept about a stranger: a ClientHello is answered with a cookie that only the owner of
// the source address can send back, and a record that is no ClientHello with nothing.  From the
// cookie on a client has a session, which ends when its handshake takes too long or when it is
// quiet without having an allocation.  The protocol itself is OpenSSL's.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <vector>

#include "base/random.h"
#include "net/turn_sockets.h"

namespace ahoy::net {

// RFC 7983, section 7: the first byte of a DTLS record.
constexpr bool is_dtls(Bytes datagram) {
    return !datagram.empty() && datagram[0] >= 20 && datagram[0] <= 63;
}

struct DtlsLimits {
    size_t sessions = 10'000;
    Duration handshake_time = 15s;
    Duration idle_time = 30s;  // without an allocation
};

struct DtlsCounts {
    size_t sessions = 0;
    uint64_t hellos = 0;     // ClientHellos without a valid cookie, answered with one
    uint64_t strange = 0;    // records that belong to no session
    uint64_t refused = 0;    // over the limit
    uint64_t failed = 0;     // handshakes
    uint64_t timed_out = 0;  // by one of the two times
    uint64_t too_large = 0;  // messages that do not fit into a record
};

class Dtls {
  public:
    // `sockets` outlives this.
    Dtls(boost::asio::any_io_executor, TurnSockets& sockets, Random, DtlsLimits = {});
    ~Dtls();

    // Once, before any shard uses it.
    static void prepare(boost::asio::ssl::context&);
    // For handshakes from now on; null: records are ignored.
    void set_context(std::shared_ptr<boost::asio::ssl::context>);
    void stop();
    const DtlsCounts& counts() const { return counts_; }

    // A record that arrived on a listener.
    void from_network(Now, const Datagram&);
    // What was handed up is answered, its plaintext no longer needed.
    void batch_sent() { plaintext_used_ = 0; }

  private:
    class Session;
    using Secret = std::array<uint8_t, 32>;
    struct HashFiveTuple : AddressHash {
        using AddressHash::AddressHash;
        size_t operator()(const turn::FiveTuple& t) const {
            return mix(t.client, static_cast<uint64_t>(t.socket));
        }
    };

    void meet(Now, const Datagram&);
    std::span<uint8_t> plaintext_room();
    void look_after_sessions();

    static int make_cookie(SSL*, unsigned char* cookie, unsigned* size);
    static int check_cookie(SSL*, const unsigned char* cookie, unsigned size);

    TurnSockets& sockets_;
    const DtlsLimits limits_;
    Secret cookie_secret_{};
    std::shared_ptr<boost::asio::ssl::context> context_;
    // The five-tuple's socket is the listener here, and the session's own towards the core.
    boost::unordered_flat_map<turn::FiveTuple, std::unique_ptr<Session>, HashFiveTuple> sessions_;
    std::unique_ptr<Session> next_;  // meets strangers until one comes back with the cookie
    boost::asio::steady_timer timer_;
    std::unique_ptr<uint8_t[]> plaintext_;  // of the batch that is being handled
    size_t plaintext_used_ = 0;
    DtlsCounts counts_;
};

}  // namespace ahoy::net
