// What a shard counts, in plain numbers of its own, and the sums over all shards.
#pragma once

#include <cstdint>

#include "net/dtls.h"
#include "net/http.h"
#include "net/tcp_server.h"
#include "net/turn_streams.h"
#include "net/udp_batch.h"
#include "room/rooms.h"
#include "turn/server.h"

namespace ahoy::app {

// Requests to the API.
struct ApiCounts {
    uint64_t answered = 0;
    uint64_t refused = 0;
    uint64_t unauthorized = 0;
};

struct Counts {
    turn::Stats turn;
    room::Stats rooms;
    net::HttpCounts http;
    net::TcpCounts tcp;
    net::TurnStreamCounts turn_streams;
    net::DtlsCounts dtls;
    net::SendCounts sent;
    ApiCounts api;
    uint64_t sockets_too_fast = 0;    // closed for what they alone have sent
    uint64_t addresses_too_fast = 0;  // messages refused for what their network has sent
    uint64_t socket_errors = 0;       // Collider's wserrors
    uint64_t http_errors = 0;         // Collider's httperrors
};

void add(Counts& total, const Counts& more);
void add(net::HttpCounts& total, const net::HttpCounts& more);

}  // namespace ahoy::app
