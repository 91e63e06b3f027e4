// What a shard answers over HTTP: the call page, AppRTC, Collider, health and metrics.
//
// Routing only.  AppRTC's and Collider's words are those of room/; a request about a room is
// answered on the room's shard.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "app/worker.h"
#include "net/assets.h"
#include "net/http.h"

namespace ahoy::app {

// What is true of the whole server.
struct ServerState {
    std::atomic<bool> ready{false};
    Instant started_at;
    boost::asio::any_io_executor main;       // of the thread that relays nothing
    std::vector<std::string> origins;        // that may use the rooms; empty: any
    std::vector<std::string> embed_origins;  // that may frame a call; empty: none
    const Webhooks* webhooks = nullptr;      // on the main thread
};

class Site final : public net::HttpService {
  public:
    // The references outlive this.
    Site(Worker& worker, const ServerState& state) : worker_(worker), state_(state) {}

    boost::asio::awaitable<room::HttpResponse> respond(const net::Request&) override;
    Result<std::unique_ptr<net::WebSocketHandler>, room::HttpResponse> open_websocket(
        const net::Request&) override;

  private:
    Worker& worker_;
    const ServerState& state_;
};

// A stand-alone Collider port (`collider.listen`): its paths at the root, and nothing else.
class ColliderSite final : public net::HttpService {
  public:
    ColliderSite(Worker& worker, const ServerState& state) : worker_(worker), state_(state) {}

    boost::asio::awaitable<room::HttpResponse> respond(const net::Request&) override;
    Result<std::unique_ptr<net::WebSocketHandler>, room::HttpResponse> open_websocket(
        const net::Request&) override;

  private:
    Worker& worker_;
    const ServerState& state_;
};

// The API for products (`api.listen`); room/api has its words.
class ApiSite final : public net::HttpService {
  public:
    explicit ApiSite(Worker& worker) : worker_(worker) {}

    boost::asio::awaitable<room::HttpResponse> respond(const net::Request&) override;
    Result<std::unique_ptr<net::WebSocketHandler>, room::HttpResponse> open_websocket(
        const net::Request&) override;

  private:
    Worker& worker_;
};

}  // namespace ahoy::app
