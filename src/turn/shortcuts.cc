// Which bound channels the shell relays by itself (fast_path.h).
//
// An allocation's shortcuts mirror its tables.  After every change to these they are made the same
// again as a whole, so that no way of changing them can forget one.  Expired entries are mirrored
// like others, with their time, until they are reclaimed.
#include <algorithm>

#include "turn/server.h"

namespace ahoy::turn {

// None where bandwidth is limited: the buckets are here.
std::vector<Server::OpenShortcut> Server::possible_shortcuts(const Allocation& allocation) const {
    std::vector<OpenShortcut> possible;
    const bool is_limited = bandwidth_.is_limited(allocation.user().realm());
    if (is_limited || allocation.client_has_left()) return possible;
    for (const Channel& channel : allocation.channels()) {
        const auto& relay = allocation.stored_relay(channel.peer.ip.family());
        const auto permission =
            std::ranges::find(allocation.permissions(), channel.peer.ip, &Permission::peer);
        if (!relay || permission == allocation.permissions().end()) continue;
        possible.push_back(
            {.shortcut = {.client = allocation.five_tuple(),
                          .channel = channel.number,
                          .relay = relay->port,
                          .peer = channel.peer},
             .until = std::min({channel.expires_at, permission->expires_at, relay->expires_at})});
    }
    return possible;
}

void Server::update_shortcuts(Allocation& allocation) {
    if (fast_path_ == nullptr) return;
    const auto possible = possible_shortcuts(allocation);
    auto& opened = slots_[slot_of(allocation)].shortcuts;
    const auto same_as = [](const Shortcut& shortcut) {
        return [&](const OpenShortcut& other) { return other.shortcut == shortcut; };
    };
    // What ends does so before anything new, which may be for the same peer or channel number.
    std::erase_if(opened, [&](const OpenShortcut& open) {
        if (std::ranges::any_of(possible, same_as(open.shortcut))) return false;
        close_shortcut(allocation, open);
        return true;
    });
    for (const OpenShortcut& wanted : possible) {
        const auto open = std::ranges::find_if(opened, same_as(wanted.shortcut));
        if (open == opened.end()) {
            open_shortcut(opened, wanted);
        } else if (open->until != wanted.until) {
            open->until = wanted.until;
            fast_path_->prolong(open->id, wanted.until);
        }
    }
}

void Server::open_shortcut(std::vector<OpenShortcut>& opened, OpenShortcut wanted) {
    const auto id = fast_path_->open(wanted.shortcut, wanted.until);
    if (!id) return;
    wanted.id = *id;
    opened.push_back(wanted);
    ++stats_.shortcuts;
}

void Server::close_shortcut(Allocation& allocation, const OpenShortcut& open) {
    count(allocation, fast_path_->close(open.id));
    --stats_.shortcuts;
}

void Server::close_shortcuts(Allocation& allocation) {
    auto& opened = slots_[slot_of(allocation)].shortcuts;
    for (const OpenShortcut& open : opened) close_shortcut(allocation, open);
    opened.clear();
}

void Server::count(Allocation& allocation, const FastPath::Carried& carried) {
    allocation.to_peers.add(carried.to_peer);
    allocation.to_client.add(carried.to_client);
    stats_.to_peers.add(carried.to_peer);
    stats_.to_clients.add(carried.to_client);
    stats_.carried.to_peer.add(carried.to_peer);
    stats_.carried.to_client.add(carried.to_client);
}

std::optional<size_t> Server::count_carried(size_t from) {
    constexpr size_t at_once = 256;
    const size_t to = std::min(from + at_once, slots_.size());
    for (size_t i = from; i < to; ++i) {
        for (const OpenShortcut& open : slots_[i].shortcuts) {
            count(*slots_[i].allocation, fast_path_->carried(open.id));
        }
    }
    if (to >= slots_.size()) return {};
    return to;
}

void Server::limit_bandwidth(const Bandwidth::Limits& limits) {
    if (limits == bandwidth_.limits()) return;
    bandwidth_.limit(limits);
    for (Slot& slot : slots_) {
        if (!slot.allocation) continue;
        slot.allocation->buckets.refill_shared();
        update_shortcuts(*slot.allocation);
    }
}

}  // namespace ahoy::turn
