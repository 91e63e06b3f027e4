// Life events to the log: rooms, clients and allocations as they come and go, each with the reason
// of its end.  Those of rooms go to the webhooks too.  Holds nothing else, and so one serves all
// shards.
#pragma once

#include "room/rooms.h"
#include "turn/server.h"

namespace ahoy::app {

class Webhooks;
struct RoomEvent;

class LifeLog final : public room::Observer, public turn::Observer {
  public:
    // Before the shards start.  Null, or outlives this.
    void use(Webhooks* webhooks) { webhooks_ = webhooks; }
    void use(room::RoomNames names) { names_ = std::move(names); }

    void room_opened(std::string_view room) override;
    void room_closed(std::string_view room, room::ClosedReason) override;
    void client_joined(std::string_view room, room::Number) override;
    void client_left(std::string_view room, room::Number, room::LeftReason) override;
    void allocation_created(const turn::AllocationEvent&) override;
    void allocation_moved(const turn::AllocationEvent&) override;
    void allocation_ended(const turn::AllocationEvent&, turn::EndReason) override;

  private:
    void tell(const RoomEvent&);

    Webhooks* webhooks_ = nullptr;
    room::RoomNames names_;
};

}  // namespace ahoy::app
