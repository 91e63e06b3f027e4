// One server, its ports and the oracle that watches it.
#pragma once

#include "sim/turn_world.h"

namespace ahoy::sim {

struct TurnWorld::Shard {
    Shard(size_t number, TurnPorts relay_ports) : index(number), ports(std::move(relay_ports)) {}

    size_t index;
    TurnPorts ports;
    std::unique_ptr<TurnModel> model;
    std::unique_ptr<turn::Server> server;
    Instant expire_at = Instant::max();
};

}  // namespace ahoy::sim
