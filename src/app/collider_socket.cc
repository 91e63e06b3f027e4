#include "app/collider_socket.h"

#include <boost/asio/steady_timer.hpp>

namespace ahoy::app {
namespace {

namespace asio = boost::asio;
namespace collider = room::collider;

class ColliderSocket final : public net::WebSocketHandler {
  public:
    explicit ColliderSocket(Worker& worker)
        : worker_(worker),
          session_(net::read_clocks().steady, worker.session_limits),
          deadline_(worker.shard.io()) {}

    void opened(net::WebSocket& socket) override {
        socket_ = &socket;
        id_ = worker_.add_socket(socket);
        deadline_.expires_at(net::to_steady(session_.register_by()));
        // It may be due already when this goes.
        deadline_.async_wait(
            [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
                if (!error && !alive.expired()) tell(session_.expire(net::read_clocks().steady));
            });
    }

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

    asio::awaitable<Result<void, room::RegisterRefusal>> carry_out(
        const collider::Register& wanted) {
        co_return co_await on_rooms([&](Now now, room::Rooms& rooms, room::Deliveries& out) {
            return rooms.register_client(now, id_, wanted.room, wanted.client, out);
        });
    }

    asio::awaitable<Result<void, room::SendRefusal>> carry_out(const collider::Send& said) {
        co_return co_await on_rooms([&](Now now, room::Rooms& rooms, room::Deliveries& out) {
            return rooms.send(now, id_, said.text, out);
        });
    }

    template <class Call>
    auto on_rooms(Call call)
        -> asio::awaitable<std::invoke_result_t<Call, Now, room::Rooms&, room::Deliveries&>> {
        Worker& owner = room_owner();
        co_return co_await net::on_shard(owner.shard, [&] { return owner.with_rooms(call); });
    }

    void tell(std::optional<collider::Failure> failure) {
        if (!failure) return;
        ++worker_.socket_errors;
        socket_->send(std::move(failure->frame));
        if (failure->close) socket_->close(failure->status);
    }

    Worker& worker_;
    collider::Session session_;
    asio::steady_timer deadline_;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
    net::WebSocket* socket_ = nullptr;
    room::ConnectionId id_;
};

}  // namespace

std::unique_ptr<net::WebSocketHandler> make_collider_socket(Worker& worker) {
    return std::make_unique<ColliderSocket>(worker);
}

}  // namespace ahoy::app
