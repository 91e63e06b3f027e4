// How a client is reached who is not on plain UDP: by its TCP, TLS or DTLS connection.
//
// The connection attaches itself to its shard's TurnSockets, hands up the messages that come in,
// and sends what the core answers.
#pragma once

#include "base/datagram.h"

namespace ahoy::net {

class ClientTransport {
  public:
    // One whole message, valid during the call.  What cannot be sent soon is dropped, as UDP would.
    virtual void send(const Transmit&) = 0;
    // After the last send() of a batch.
    virtual void flush() = 0;

  protected:
    ~ClientTransport() = default;
};

}  // namespace ahoy::net
