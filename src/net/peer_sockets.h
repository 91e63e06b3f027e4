// Connections to the peers of TCP allocations (RFC 6062), of all shards: the client's stream for
// one may come to any of them.
//
// One object for the whole program, behind a mutex that is taken when a connection begins, is
// joined or ends; no byte waits for it.  Nobody reads a connection before it is joined, so what its
// peer sends until then stays with the kernel, and TCP's window bounds it.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "base/result.h"
#include "turn/peer_streams.h"

namespace ahoy::net {

class PeerSockets {
  public:
    PeerSockets() = default;
    ~PeerSockets();  // closes what nobody has joined
    PeerSockets(const PeerSockets&) = delete;
    PeerSockets& operator=(const PeerSockets&) = delete;

    // Takes the socket, for its holder's user to join; `on_end` is called by release().  False, and
    // the socket is closed, if there is one of this id.
    bool put(turn::ConnectionId, int fd, turn::Holder, std::function<void()> on_end);
    // The socket is the caller's now: release() comes before closing it.
    struct Taken {
        int fd = -1;
        turn::Buckets buckets;
    };
    Result<Taken, turn::PeerStreams::Joined> join(turn::ConnectionId, const turn::User& user);
    void release(turn::ConnectionId);

    // As PeerStreams has them; a joined one is shut down, which ends what its owner does with it.
    bool abandon(turn::ConnectionId);
    void disconnect(turn::ConnectionId);
    // Joined, and neither released nor disconnected.
    bool is_joined(turn::ConnectionId) const;

  private:
    struct Entry {
        int fd;
        turn::Holder holder;
        std::function<void()> on_end;
        bool joined = false;
    };
    mutable std::mutex mutex_;
    std::unordered_map<turn::ConnectionId, Entry> entries_;
};

}  // namespace ahoy::net
