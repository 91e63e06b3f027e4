#include "app/collider_socket.h"

namespace ahoy::app {
namespace {

namespace collider = room::collider;

class ColliderSocket final : public net::WebSocketHandler {
  public:
    explicit ColliderSocket(Worker& worker) : worker_(worker) {}

    void opened(net::WebSocket& socket) override {
        socket_ = &socket;
        id_ = worker_.add_socket(socket);
    }

    void message(std::string_view text) override {
        std::visit([this](auto action) { carry_out(std::move(action)); }, session_.receive(text));
    }

    void closed() override {
        worker_.remove_socket(id_);
        if (session_.room().empty()) return;
        room_owner().post_to_rooms(
            [id = id_](Now now, room::Rooms& rooms, room::Deliveries& deliveries) {
                rooms.socket_lost(now, id, deliveries);
            });
    }

  private:
    Worker& room_owner() const { return owner_of(worker_.all(), session_.room()); }

    void carry_out(collider::Register action) {
        room_owner().post_to_rooms([id = id_, home = &worker_, action = std::move(action)](
                                       Now now, room::Rooms& rooms, room::Deliveries& deliveries) {
            const auto done =
                rooms.register_client(now, id, action.room, action.client, deliveries);
            if (!done) reject(*home, id, collider::refused(done.error()));
        });
    }

    void carry_out(collider::Send action) {
        room_owner().post_to_rooms([id = id_, home = &worker_, action = std::move(action)](
                                       Now now, room::Rooms& rooms, room::Deliveries& deliveries) {
            const auto done = rooms.send(now, id, action.text, deliveries);
            if (!done) reject(*home, id, collider::refused(done.error()));
        });
    }

    void carry_out(collider::Nothing) {}
    void carry_out(collider::Failure failure) { reject(worker_, id_, std::move(failure)); }

    static void reject(Worker& home, room::ConnectionId id, collider::Failure failure) {
        home.post_frame(id, std::move(failure.frame), failure.close);
    }

    Worker& worker_;
    collider::Session session_;
    net::WebSocket* socket_ = nullptr;
    room::ConnectionId id_;
};

}  // namespace

std::unique_ptr<net::WebSocketHandler> make_collider_socket(Worker& worker) {
    return std::make_unique<ColliderSocket>(worker);
}

}  // namespace ahoy::app
