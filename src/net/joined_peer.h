// A connection to a peer of a TCP allocation (RFC 6062) that a client has joined.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <utility>

#include "net/peer_sockets.h"

namespace ahoy::net {

class JoinedPeer {
  public:
    JoinedPeer(PeerSockets& all, turn::ConnectionId id, boost::asio::ip::tcp::socket of_peer,
               turn::Buckets of_holder)
        : socket(std::move(of_peer)), buckets(std::move(of_holder)), all_(&all), id_(id) {}
    ~JoinedPeer() { close(); }
    JoinedPeer(JoinedPeer&& other) noexcept
        : socket(std::move(other.socket)),
          buckets(std::move(other.buckets)),
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
    turn::Buckets buckets;  // of what is carried

  private:
    PeerSockets* all_;
    turn::ConnectionId id_;
};

}  // namespace ahoy::net
