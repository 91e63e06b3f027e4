// One WebSocket that speaks Collider: carries what room::collider::Session understood to the room's
// shard, and lives on the shard that accepted it.
#pragma once

#include <memory>

#include "app/worker.h"

namespace ahoy::app {

std::unique_ptr<net::WebSocketHandler> make_collider_socket(Worker&);

}  // namespace ahoy::app
