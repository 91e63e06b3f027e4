// A connection to a peer of a TCP allocation (RFC 6062) that a client has joined.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <utility>

#include "net/peer_sockets.h"

namespace ahoy::net {

class JoinedPeer {
  public:
    JoinedPeer(PeerSockets& all, turn::ConnectionId id, boost::asio::ip::tcp::socket of_peer)
        : socket(std::move(of_peer)), all_(&all), id_(id) {}
    ~JoinedPeer() { close(); }
    JoinedPeer(JoinedPeer&& other) noexcept
        : socket(std::move(other.socket)),
          all_(std::exchange(other.all_, nullptr)),
          id_(other.id_) {}
    JoinedPeer& operator=(JoinedPeer&&) = delete;

    // The allocation has ended the connection.
    bool disconnected() const { return all_ == nullptr || !all_->is_joined(id_); }
    void close() {
        if (all_ == nullptr) return;
        std::exchange(all_, nullptr)->release(id_);
        boost::system::error_code ignored;
        socket.close(ignored);
    }

    boost::asio::ip::tcp::socket socket;

  private:
    PeerSockets* all_;
    turn::ConnectionId id_;
};

}  // namespace ahoy::net
