// One connection to a server, by UDP, TCP, TLS or DTLS, that carries whole messages.
//
// Every call that waits does so until a given instant at most.  Blocking by poll(2), not Asio's:
// there is one thing to do at a time, and so all four transports are one piece of code.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/datagram.h"
#include "base/time.h"
#include "probe/certificate.h"
#include "probe/finding.h"
#include "turn/stream_framer.h"

namespace ahoy::probe {

struct Trust {
    std::string name;     // for the handshake; empty: none is asked for
    bool checked = true;  // the certificate
    bool name_checked = true;
};

class Link {
  public:
    Link(Transport, const TransportAddress& server);
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    // Cause::none when it is there.
    Cause connect(Instant until);
    // Over TLS and DTLS, after connect().
    Cause shake_hands(const Trust&, Instant until);

    // Cause::none when it is on its way.
    Cause send(const Transmit&, Instant until);
    // Hands over what has come; then Cause::none unless the link is gone.
    Cause receive(const std::function<void(Bytes)>& take);

    int fd() const { return fd_; }
    IpAddress local() const;
    bool is_secure() const { return transport_ == Transport::tls || transport_ == Transport::dtls; }
    // After the handshake.
    std::string description() const;
    std::vector<Finding> certificate(Now) const;
    // OpenSSL's words about what failed.
    const std::string& words() const { return words_; }

  private:
    struct Free {
        void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };

    bool is_stream() const { return ahoy::is_stream(transport_); }
    bool wait(short events, Instant until) const;
    void prepare(const Trust&);
    Cause why_it_failed(int result);
    Cause write_all(Bytes, Instant until);
    Cause read_some(std::span<uint8_t> space, size_t& size);

    Transport transport_;
    TransportAddress server_;
    int fd_ = -1;
    std::unique_ptr<SSL_CTX, Free> context_;
    std::unique_ptr<SSL, Free> ssl_;
    CertificateFaults faults_;
    bool checked_ = true;
    turn::StreamFramer framer_;
    std::string words_;
};

// Sleeps until one of the links has something to read; at most until then.
void wait_for_any(const std::vector<const Link*>&, Instant until);

}  // namespace ahoy::probe
