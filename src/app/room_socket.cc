#include "app/room_socket.h"

namespace ahoy::app {

RoomSocket::RoomSocket(Worker& worker) : worker_(worker), deadline_(worker.shard.io()) {}

void RoomSocket::opened(net::WebSocket& socket) {
    socket_ = &socket;
    id_ = worker_.add_socket(socket);
    deadline_.expires_at(net::to_steady(first_words_by()));
    // It may be due already when this goes.
    deadline_.async_wait(
        [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
            if (!error && !alive.expired()) late();
        });
}

void RoomSocket::closed() {
    worker_.remove_socket(id_);
    if (room().empty()) return;
    owner_of(worker_.all(), room())
        .post_to_rooms([id = id_](Now now, room::Rooms& rooms, room::Deliveries& deliveries) {
            rooms.socket_lost(now, id, deliveries);
        });
}

}  // namespace ahoy::app
