#include "app/life_log.h"

#include "app/log.h"
#include "app/webhooks.h"

namespace ahoy::app {
namespace {

std::string_view label(room::ClosedReason reason) {
    switch (reason) {
        case room::ClosedReason::empty:
            return "empty";
        case room::ClosedReason::idle:
            return "idle";
        case room::ClosedReason::gave_way:
            return "gave_way";
        case room::ClosedReason::closed:
            return "closed";
    }
    return "unknown";
}

std::string_view label(room::LeftReason reason) {
    switch (reason) {
        case room::LeftReason::left:
            return "left";
        case room::LeftReason::removed:
            return "removed";
        case room::LeftReason::never_registered:
            return "never_registered";
        case room::LeftReason::socket_lost:
            return "socket_lost";
        case room::LeftReason::room_expired:
            return "room_expired";
        case room::LeftReason::gave_way:
            return "gave_way";
        case room::LeftReason::room_closed:
            return "room_closed";
    }
    return "unknown";
}

std::string relays(const turn::Allocation& allocation) {
    std::string text;
    for (const AddressFamily family : {AddressFamily::ipv4, AddressFamily::ipv6}) {
        const auto& relay = allocation.stored_relay(family);
        if (!relay) continue;
        if (!text.empty()) text += ',';
        text += relay->port.address.to_string();
    }
    return text;
}

}  // namespace

void LifeLog::tell(const RoomEvent& event) {
    if (webhooks_) webhooks_->tell(event);
}

void LifeLog::room_opened(std::string_view room) {
    log::info("room.opened", {{"room", names_.for_log(room)}});
    tell({.type = "room.opened", .room = room});
}

void LifeLog::room_closed(std::string_view room, room::ClosedReason reason) {
    log::info("room.closed", {{"room", names_.for_log(room)}, {"reason", label(reason)}});
    tell({.type = "room.closed", .room = room, .reason = label(reason)});
}

void LifeLog::client_joined(std::string_view room, room::Number number) {
    log::info("client.joined", {{"room", names_.for_log(room)}, {"client", uint64_t{number}}});
    tell({.type = "client.joined", .room = room, .client = number});
}

void LifeLog::client_left(std::string_view room, room::Number number, room::LeftReason reason) {
    log::info(
        "client.left",
        {{"room", names_.for_log(room)}, {"client", uint64_t{number}}, {"reason", label(reason)}});
    tell({.type = "client.left", .room = room, .client = number, .reason = label(reason)});
}

void LifeLog::allocation_created(const turn::AllocationEvent& event) {
    const turn::Allocation& allocation = event.allocation;
    log::info("allocation.created", {{"client", allocation.five_tuple().client.to_string()},
                                     {"server", allocation.five_tuple().server.to_string()},
                                     {"relay", relays(allocation)},
                                     {"realm", event.realm},
                                     {"user", allocation.user().name()}});
}

void LifeLog::allocation_moved(const turn::AllocationEvent& event) {
    const turn::Allocation& allocation = event.allocation;
    log::info("allocation.moved", {{"client", allocation.five_tuple().client.to_string()},
                                   {"server", allocation.five_tuple().server.to_string()},
                                   {"relay", relays(allocation)},
                                   {"realm", event.realm},
                                   {"user", allocation.user().name()}});
}

void LifeLog::allocation_ended(const turn::AllocationEvent& event, turn::EndReason reason) {
    const turn::Allocation& allocation = event.allocation;
    const auto age =
        std::chrono::floor<std::chrono::seconds>(event.now.steady - allocation.created_at());
    log::info("allocation.ended", {{"client", allocation.five_tuple().client.to_string()},
                                   {"relay", relays(allocation)},
                                   {"realm", event.realm},
                                   {"user", allocation.user().name()},
                                   {"reason", label(reason)},
                                   {"seconds", static_cast<uint64_t>(age.count())},
                                   {"packets_to_peers", allocation.to_peers.packets},
                                   {"bytes_to_peers", allocation.to_peers.bytes},
                                   {"packets_to_client", allocation.to_client.packets},
                                   {"bytes_to_client", allocation.to_client.bytes}});
}

}  // namespace ahoy::app
