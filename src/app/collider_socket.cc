// One WebSocket that speaks Collider: carries what room::collider::Session understood to the room's
// shard, and lives on the shard that accepted it.
#include "app/room_socket.h"

namespace ahoy::app {
namespace {

namespace asio = boost::asio;
namespace collider = room::collider;

class ColliderSocket final : public RoomSocket {
  public:
    explicit ColliderSocket(Worker& worker)
        : RoomSocket(worker), session_(net::read_clocks().steady, worker.session_limits) {}

    // The next one is read when the room's shard has answered, so that nobody can send more than
    // it takes.
    asio::awaitable<void> message(std::string_view text) override {
        const collider::Action action = session_.receive(net::read_clocks().steady, text);
        if (const auto* wanted = std::get_if<collider::Register>(&action)) {
            const auto answer = co_await carry_out(*wanted);
            tell(session_.answered(answer));
        } else if (const auto* said = std::get_if<collider::Send>(&action)) {
            const auto answer = co_await carry_out(*said);
            tell(session_.answered(answer));
        } else if (const auto* failure = std::get_if<collider::Failure>(&action)) {
            tell(*failure);
        }
    }

  private:
    Instant first_words_by() const override { return session_.register_by(); }
    void late() override { tell(session_.expire(net::read_clocks().steady)); }
    const std::string& room() const override { return session_.room(); }

    asio::awaitable<Result<void, room::RegisterRefusal>> carry_out(
        const collider::Register& wanted) {
        co_return co_await on_rooms([&](Now now, room::Rooms& rooms, room::Deliveries& out) {
            return rooms.register_client(now, id(), wanted.room, wanted.client, out);
        });
    }

    asio::awaitable<Result<void, room::SendRefusal>> carry_out(const collider::Send& said) {
        co_return co_await on_rooms([&](Now now, room::Rooms& rooms, room::Deliveries& out) {
            return rooms.send(now, id(), said.text, out);
        });
    }

    void tell(std::optional<collider::Failure> failure) {
        if (!failure) return;
        ++worker().socket_errors;
        socket().send(std::move(failure->frame));
        if (failure->close) socket().close(failure->status);
    }

    collider::Session session_;
};

}  // namespace

std::unique_ptr<net::WebSocketHandler> make_collider_socket(Worker& worker) {
    return std::make_unique<ColliderSocket>(worker);
}

}  // namespace ahoy::app
