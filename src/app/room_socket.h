// One WebSocket that has to do with rooms, whatever it speaks: known to its worker, with a time
// limit for its first words, and missed by its room when it is gone.
#pragma once

#include <memory>
#include <string>

#include "app/worker.h"
#include "net/http.h"
#include "net/timeouts.h"

namespace ahoy::app {

class RoomSocket : public net::WebSocketHandler, private net::Timed {
  public:
    void opened(net::WebSocket&) final;
    void message(std::string_view) final;
    void closed() final;

  protected:
    RoomSocket(Worker&, const net::Request&);

    // Of the half of the protocol that lives here.
    virtual Instant first_words_by() const = 0;
    virtual void late() = 0;
    virtual void hear(Now heard, std::string_view message) = 0;
    // Its network has sent too much.
    virtual void refuse_network() = 0;
    virtual bool was_too_fast() const = 0;
    virtual const std::string& room() const = 0;  // empty before it is known

    Worker& worker() const { return worker_; }
    net::WebSocket& socket() const { return *socket_; }
    const IpAddress& remote() const { return remote_; }
    room::ConnectionId id() const { return id_; }

    // Runs `call` on another worker's shard, where it owns all it needs, and then `after` here with
    // its result; the next message is heard after that.
    template <class Call, class After>
    void elsewhere(Worker& there, Call call, After after) {
        if (&there == &worker_) return after(call());
        socket_->hold();
        boost::asio::post(
            there.shard.io(), [this, alive = std::weak_ptr(alive_), &here = worker_,
                               call = std::move(call), after = std::move(after)]() mutable {
                boost::asio::post(here.shard.io(),
                                  [this, alive = std::move(alive), after = std::move(after),
                                   result = call()]() mutable {
                                      if (alive.expired()) return;
                                      after(std::move(result));
                                      socket_->go_on();
                                  });
            });
    }
    // On the room's shard; the room is known.
    template <class Call, class After>
    void on_rooms(Call call, After after) {
        Worker& owner = owner_of(worker_.all(), room());
        elsewhere(
            owner,
            [&owner, call = std::move(call)]() mutable {
                return owner.with_rooms(std::move(call));
            },
            std::move(after));
    }

  private:
    void expired() final { late(); }

    Worker& worker_;
    const IpAddress remote_;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
    net::WebSocket* socket_ = nullptr;
    room::ConnectionId id_;
};

// `request` is the one that opened it.  Collider's protocol:
std::unique_ptr<net::WebSocketHandler> make_collider_socket(Worker&, const net::Request& request);
// Our own:
std::unique_ptr<net::WebSocketHandler> make_native_socket(Worker&, const net::Request& request);

}  // namespace ahoy::app
