// One WebSocket that speaks our own protocol: carries what room::native::Session understood to the
// room's shard, and lives on the shard that accepted it.
#include "app/room_socket.h"

namespace ahoy::app {
namespace {

namespace native = room::native;

// Who was here when the server stopped comes back spread over this time.
constexpr auto soonest_return = 500ms;
constexpr auto return_spread = 2500ms;

class NativeSocket final : public RoomSocket {
  public:
    NativeSocket(Worker& worker, const net::Request& request)
        : RoomSocket(worker, request),
          host_(room::host_of(request.http.host)),
          session_(net::read_clocks().steady, worker.session_limits, worker.resume_tickets) {}

    void measured(Duration round_trip) override { session_.measured(round_trip); }

    void stopping() override {
        const auto spread = std::chrono::milliseconds(id().number * 397 % return_spread.count());
        socket().send(native::shutdown_frame(soonest_return + spread, worker().moved_to));
    }

  private:
    void hear(Now heard, std::string_view text) override {
        native::Action action = session_.receive(heard, text);
        if (auto* wish = std::get_if<native::Enter>(&action)) {
            enter(std::move(*wish));
        } else if (auto* seat = std::get_if<native::Resume>(&action)) {
            seat->ice_servers = ice_servers();
            in_rooms([seat = std::move(*seat)](Now now, room::Rooms& rooms, room::ConnectionId id,
                                               room::Deliveries& out) {
                rooms.resume(now, id, seat, out);
            });
        } else if (auto* request = std::get_if<native::Request>(&action)) {
            auto* ice = std::get_if<native::Ice>(&request->command);
            if (ice) ice->ice_servers = ice_servers();
            in_rooms([request = std::move(*request)](Now now, room::Rooms& rooms,
                                                     room::ConnectionId id, room::Deliveries& out) {
                rooms.carry_out(now, id, request, out);
            });
        } else if (const auto* handled = std::get_if<native::Acknowledge>(&action)) {
            in_rooms([seq = handled->seq](Now, room::Rooms& rooms, room::ConnectionId id,
                                          room::Deliveries&) { rooms.acknowledge(id, seq); });
        } else if (const auto* told = std::get_if<native::Tell>(&action)) {
            tell(*told);
        }
    }

    void refuse_network() override { tell(session_.too_fast()); }
    bool was_too_fast() const override { return session_.was_too_fast(); }
    Instant first_words_by() const override { return session_.hello_by(); }
    void late() override {
        if (auto told = session_.expire(net::read_clocks().steady)) tell(*told);
    }
    const std::string& room() const override { return session_.room(); }

    // Once its network may.
    void enter(native::Enter wish) {
        Worker& counter = counter_of(worker().all(), remote());
        elsewhere(
            counter,
            [&counter, client = remote()] {
                return counter.join_limit.allows(net::read_clocks().steady, client);
            },
            [this, wish = std::move(wish)](bool may) mutable {
                if (!may) return tell(native::refuse(native::Refusal::too_many_joins));
                if (const auto why = present_token(wish)) return tell(native::refuse(*why));
                wish.ice_servers = ice_servers();
                in_rooms([wish = std::move(wish)](Now now, room::Rooms& rooms,
                                                  room::ConnectionId id,
                                                  room::Deliveries& out) mutable {
                    rooms.enter(now, id, std::move(wish), out);
                });
            });
    }

    // What a call has to say to anybody is among the deliveries.
    template <class Call>
    void in_rooms(Call call) {
        on_rooms(
            [call = std::move(call), id = id()](Now now, room::Rooms& rooms,
                                                room::Deliveries& out) mutable {
                call(now, rooms, id, out);
                return true;
            },
            [](bool) {});
    }

    std::optional<native::Refusal> present_token(native::Enter& enter) {
        if (!worker().join_tokens) return {};
        return native::present_token(*worker().join_tokens, net::read_clocks().wall, enter);
    }

    std::string ice_servers() {
        return room::apprtc::to_json(worker().ice.make(net::read_clocks(), host_).servers);
    }

    void tell(const native::Tell& told) {
        socket().send(told.frame);
        if (told.close) socket().close(*told.close);
    }

    std::string host_;
    native::Session session_;
};

}  // namespace

std::unique_ptr<net::WebSocketHandler> make_native_socket(Worker& worker,
                                                          const net::Request& request) {
    return std::make_unique<NativeSocket>(worker, request);
}

}  // namespace ahoy::app
