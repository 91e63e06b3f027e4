// One WebSocket that speaks Collider: carries what room::collider::Session understood to the room's
// shard, and lives on the shard that accepted it.
#include "app/room_socket.h"

namespace ahoy::app {
namespace {

namespace collider = room::collider;

class ColliderSocket final : public RoomSocket {
  public:
    ColliderSocket(Worker& worker, const net::Request& request)
        : RoomSocket(worker, request), session_(net::read_clocks().steady, worker.session_limits) {}

  private:
    void hear(Now heard, std::string_view text) override {
        collider::Action action = session_.receive(heard.steady, text);
        if (auto* wanted = std::get_if<collider::Register>(&action)) {
            on_rooms(
                [wanted = std::move(*wanted), id = id()](Now now, room::Rooms& rooms,
                                                         room::Deliveries& out) {
                    return rooms.register_client(now, id, wanted.room, wanted.client, out);
                },
                [this](const auto& answer) { tell(session_.answered(answer)); });
        } else if (auto* said = std::get_if<collider::Send>(&action)) {
            on_rooms(
                [said = std::move(*said), id = id()](Now now, room::Rooms& rooms,
                                                     room::Deliveries& out) mutable {
                    return rooms.send(now, id, std::move(said.text), out);
                },
                [this](const auto& answer) { tell(session_.answered(answer)); });
        } else if (const auto* failure = std::get_if<collider::Failure>(&action)) {
            tell(*failure);
        }
    }

    void refuse_network() override { tell(session_.too_fast()); }
    bool was_too_fast() const override { return session_.was_too_fast(); }
    Instant first_words_by() const override { return session_.register_by(); }
    void late() override { tell(session_.expire(net::read_clocks().steady)); }
    const std::string& room() const override { return session_.room(); }

    void tell(std::optional<collider::Failure> failure) {
        if (!failure) return;
        ++worker().socket_errors;
        socket().send(failure->frame);
        if (failure->close) socket().close(failure->status);
    }

    collider::Session session_;
};

}  // namespace

std::unique_ptr<net::WebSocketHandler> make_collider_socket(Worker& worker,
                                                            const net::Request& request) {
    return std::make_unique<ColliderSocket>(worker, request);
}

}  // namespace ahoy::app
