// One WebSocket that has to do with rooms, whatever it speaks: known to its worker, with a time
// limit for its first words, and missed by its room when it is gone.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "app/worker.h"
#include "net/http.h"

namespace ahoy::app {

class RoomSocket : public net::WebSocketHandler {
  public:
    void opened(net::WebSocket&) final;
    void closed() final;

  protected:
    explicit RoomSocket(Worker&);

    // Of the half of the protocol that lives here.
    virtual Instant first_words_by() const = 0;
    virtual void late() = 0;
    virtual const std::string& room() const = 0;  // empty before it is known

    Worker& worker() const { return worker_; }
    net::WebSocket& socket() const { return *socket_; }
    room::ConnectionId id() const { return id_; }

    // On the room's shard; the room is known.
    template <class Call>
    auto on_rooms(Call call) -> boost::asio::awaitable<
        std::invoke_result_t<Call, Now, room::Rooms&, room::Deliveries&>> {
        Worker& owner = owner_of(worker_.all(), room());
        co_return co_await net::on_shard(owner.shard, [&] { return owner.with_rooms(call); });
    }

  private:
    Worker& worker_;
    boost::asio::steady_timer deadline_;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
    net::WebSocket* socket_ = nullptr;
    room::ConnectionId id_;
};

// Collider's protocol.
std::unique_ptr<net::WebSocketHandler> make_collider_socket(Worker&);
// Our own; `request` is the one that opened it.
std::unique_ptr<net::WebSocketHandler> make_native_socket(Worker&, const net::Request& request);

// Whether a client's network may join a room once more.
boost::asio::awaitable<bool> may_join(const Worker&, IpAddress client);

}  // namespace ahoy::app
