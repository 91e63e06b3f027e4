// The relayed ports of one shard's TCP allocations (RFC 6062) and the connections through them, up
// to where a client joins one.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "base/random.h"
#include "net/relay_addresses.h"
#include "net/turn_shared.h"
#include "net/turn_sockets.h"
#include "net/turn_streams.h"
#include "turn/peer_streams.h"

namespace ahoy::net {

class TcpRelays final : public turn::PeerStreams {
  public:
    // The references outlive this or stop().
    TcpRelays(boost::asio::io_context&, RelayAddresses&, PeerSockets&, TurnSockets&, TurnStreams&,
              PortRange, Random);
    ~TcpRelays() override;

    // Closes what is open.
    void stop();

    std::optional<turn::RelayPort> listen(AddressFamily, const IpAddress& near) override;
    void close(const turn::RelayPort&) override;
    void connect(const turn::RelayPort&, const TransportAddress& peer, turn::ConnectionId,
                 const turn::Holder&) override;
    Joined join(SocketId client, turn::ConnectionId, const turn::User& user) override;
    bool abandon(turn::ConnectionId) override;
    void disconnect(turn::ConnectionId) override;
    bool is_live(const TransportAddress&) const override;

  private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace ahoy::net
