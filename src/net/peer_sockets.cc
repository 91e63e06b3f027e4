#include "net/peer_sockets.h"

#include <sys/socket.h>
#include <unistd.h>

namespace ahoy::net {

using Joined = turn::PeerStreams::Joined;

PeerSockets::~PeerSockets() {
    for (const auto& [id, entry] : entries_) {
        if (!entry.joined) ::close(entry.fd);
    }
}

bool PeerSockets::put(turn::ConnectionId id, int fd, turn::Holder holder,
                      std::function<void()> on_end) {
    const std::lock_guard lock(mutex_);
    const bool added =
        entries_.try_emplace(id, Entry{fd, std::move(holder), std::move(on_end)}).second;
    if (!added) ::close(fd);
    return added;
}

Result<PeerSockets::Taken, Joined> PeerSockets::join(turn::ConnectionId id,
                                                     const turn::User& user) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end() || found->second.joined) return unexpected(Joined::unknown);
    if (found->second.holder.user != user) return unexpected(Joined::other_user);
    found->second.joined = true;
    return Taken{found->second.fd, found->second.holder.buckets};
}

void PeerSockets::release(turn::ConnectionId id) {
    std::function<void()> on_end;
    {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(id);
        if (found == entries_.end()) return;
        on_end = std::move(found->second.on_end);
        entries_.erase(found);
    }
    on_end();
}

bool PeerSockets::abandon(turn::ConnectionId id) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return true;
    if (found->second.joined) return false;
    ::close(found->second.fd);
    entries_.erase(found);
    return true;
}

void PeerSockets::disconnect(turn::ConnectionId id) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    if (found->second.joined) {
        ::shutdown(found->second.fd, SHUT_RDWR);
    } else {
        ::close(found->second.fd);
    }
    entries_.erase(found);
}

bool PeerSockets::is_joined(turn::ConnectionId id) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    return found != entries_.end() && found->second.joined;
}

}  // namespace ahoy::net
