#include "app/room_socket.h"

namespace ahoy::app {

RoomSocket::RoomSocket(Worker& worker, const net::Request& request)
    : Timed(worker.shard.timeouts()), worker_(worker), remote_(request.remote.ip) {}

void RoomSocket::opened(net::WebSocket& socket) {
    socket_ = &socket;
    id_ = worker_.add_socket(socket);
    expires_at(first_words_by());
}

void RoomSocket::message(std::string_view text) {
    const Now now = net::read_clocks();
    if (!worker_.message_limit.allows(now.steady, remote_)) return refuse_network();
    hear(now, text);
}

void RoomSocket::closed() {
    if (was_too_fast()) ++worker_.sockets_too_fast;
    worker_.remove_socket(id_);
    if (room().empty()) return;
    owner_of(worker_.all(), room())
        .post_to_rooms([id = id_](Now now, room::Rooms& rooms, room::Deliveries& deliveries) {
            rooms.socket_lost(now, id, deliveries);
        });
}

}  // namespace ahoy::app
