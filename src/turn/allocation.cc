#include "turn/allocation.h"

#include <algorithm>

namespace ahoy::turn {
namespace {

// The first entry that `matches`, moved to the front.
template <class Entry, class Matches>
Entry* find_and_move_to_front(std::vector<Entry>& entries, Matches&& matches) {
    const auto found = std::find_if(entries.begin(), entries.end(), matches);
    if (found == entries.end()) return nullptr;
    if (found != entries.begin()) std::swap(*found, entries.front());
    return &entries.front();
}

template <class Entry>
const Entry* if_live(const Entry* entry, Instant now) {
    return entry != nullptr && now < entry->expires_at ? entry : nullptr;
}

template <class Entry>
void erase_expired(std::vector<Entry>& entries, Instant now) {
    std::erase_if(entries, [&](const Entry& e) { return now >= e.expires_at; });
}

template <class Entry>
unsigned count(const std::vector<Entry>& entries) {
    return static_cast<unsigned>(entries.size());
}

}  // namespace

const Relay* Allocation::relay(AddressFamily family, Instant now) const {
    const auto& relay = relays_[index(family)];
    return relay && now < relay->expires_at ? &*relay : nullptr;
}

void Allocation::extend_relay(AddressFamily family, Instant expires_at) {
    auto& relay = relays_[index(family)];
    if (relay) relay->expires_at = expires_at;
}

void Allocation::remove_relay(AddressFamily family) {
    relays_[index(family)].reset();
    std::erase_if(permissions_, [&](const Permission& p) { return p.peer.family() == family; });
    std::erase_if(channels_, [&](const Channel& c) { return c.peer.ip.family() == family; });
}

Instant Allocation::first_expiry() const {
    Instant first = Instant::max();
    for (const auto& relay : relays_) {
        if (relay) first = std::min(first, relay->expires_at);
    }
    for (const PeerConnection& connection : connections) {
        if (connection.state == PeerConnection::State::joined) continue;
        first = std::min(first, connection.expires_at);
    }
    for (const Permission& permission : permissions_)
        first = std::min(first, permission.expires_at);
    for (const Channel& channel : channels_) first = std::min(first, channel.expires_at);
    return first;
}

Instant Allocation::last_expiry() const {
    Instant last{};
    for (const auto& relay : relays_) {
        if (relay) last = std::max(last, relay->expires_at);
    }
    return last;
}

const Permission* Allocation::permission(const IpAddress& peer, Instant now) {
    return if_live(
        find_and_move_to_front(permissions_, [&](const Permission& p) { return p.peer == peer; }),
        now);
}

const Channel* Allocation::channel(ChannelNumber number, Instant now) {
    return if_live(
        find_and_move_to_front(channels_, [&](const Channel& c) { return c.number == number; }),
        now);
}

const Channel* Allocation::channel(const TransportAddress& peer, Instant now) {
    return if_live(
        find_and_move_to_front(channels_, [&](const Channel& c) { return c.peer == peer; }), now);
}

Counts Allocation::held() const {
    return {.allocations = 1,
            .permissions = count(permissions_),
            .channels = count(channels_),
            .connections = count(connections)};
}

void Allocation::permit(const Permission& permission) {
    Permission* const known = find_and_move_to_front(
        permissions_, [&](const Permission& p) { return p.peer == permission.peer; });
    if (known != nullptr) {
        *known = permission;
        return;
    }
    permissions_.push_back(permission);
}

void Allocation::bind(const Channel& channel) {
    // An expired binding of either half must not stay beside the new one.
    std::erase_if(channels_, [&](const Channel& c) {
        return c.number == channel.number || c.peer == channel.peer;
    });
    channels_.push_back(channel);
}

void Allocation::reclaim(Instant now) {
    erase_expired(permissions_, now);
    erase_expired(channels_, now);
}

}  // namespace ahoy::turn
