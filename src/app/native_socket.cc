// One WebSocket that speaks our own protocol: carries what room::native::Session understood to the
// room's shard, and lives on the shard that accepted it.
#include "app/room_socket.h"

namespace ahoy::app {
namespace {

namespace asio = boost::asio;
namespace native = room::native;

// Who was here when the server stopped comes back spread over this time.
constexpr auto soonest_return = 500ms;
constexpr auto return_spread = 2500ms;

class NativeSocket final : public RoomSocket {
  public:
    NativeSocket(Worker& worker, const net::Request& request)
        : RoomSocket(worker),
          remote_(request.remote.ip),
          host_(room::host_of(request.http.host)),
          session_(net::read_clocks().steady, worker.session_limits, worker.resume_tickets) {}

    asio::awaitable<void> message(std::string_view text) override {
        native::Action action = session_.receive(net::read_clocks(), text);
        if (auto* enter = std::get_if<native::Enter>(&action)) {
            const bool may = co_await may_join(worker(), remote_);
            if (!may) co_return tell(native::refuse(native::Refusal::too_many_joins));
            if (const auto why = present_token(*enter)) co_return tell(native::refuse(*why));
            enter->ice_servers = ice_servers();
            co_await on_rooms([&](Now now, room::Rooms& rooms, room::Deliveries& out) {
                return rooms.enter(now, id(), std::move(*enter), out), 0;
            });
        } else if (auto* resume = std::get_if<native::Resume>(&action)) {
            resume->ice_servers = ice_servers();
            co_await on_rooms([&](Now now, room::Rooms& rooms, room::Deliveries& out) {
                return rooms.resume(now, id(), *resume, out), 0;
            });
        } else if (auto* request = std::get_if<native::Request>(&action)) {
            auto* ice = std::get_if<native::Ice>(&request->command);
            if (ice) ice->ice_servers = ice_servers();
            co_await on_rooms([&](Now now, room::Rooms& rooms, room::Deliveries& out) {
                return rooms.carry_out(now, id(), *request, out), 0;
            });
        } else if (const auto* handled = std::get_if<native::Acknowledge>(&action)) {
            co_await on_rooms([&](Now, room::Rooms& rooms, room::Deliveries&) {
                return rooms.acknowledge(id(), handled->seq), 0;
            });
        } else if (auto* told = std::get_if<native::Tell>(&action)) {
            tell(std::move(*told));
        }
    }

    void stopping() override {
        const auto spread = std::chrono::milliseconds(id().number * 397 % return_spread.count());
        socket().send(native::bye_frame(native::ByeReason::shutdown, soonest_return + spread));
    }

  private:
    Instant first_words_by() const override { return session_.hello_by(); }
    void late() override {
        if (auto told = session_.expire(net::read_clocks().steady)) tell(*std::move(told));
    }
    const std::string& room() const override { return session_.room(); }

    std::optional<native::Refusal> present_token(native::Enter& enter) {
        if (!worker().join_tokens) return {};
        return native::present_token(*worker().join_tokens, net::read_clocks().wall, enter);
    }

    std::string ice_servers() {
        return room::apprtc::to_json(worker().ice.make(net::read_clocks(), host_).servers);
    }

    void tell(native::Tell told) {
        socket().send(std::move(told.frame));
        if (told.close) socket().close(*told.close);
    }

    IpAddress remote_;
    std::string host_;
    native::Session session_;
};

}  // namespace

std::unique_ptr<net::WebSocketHandler> make_native_socket(Worker& worker,
                                                          const net::Request& request) {
    return std::make_unique<NativeSocket>(worker, request);
}

}  // namespace ahoy::app
