// Tells another program, by signed POSTs, of rooms that open and close and of clients that come and
// go (docs/api.md).
//
// Lives on the main thread, which relays nothing; shards hand it their events.  What it may cost is
// bounded: events that wait, attempts at once, the time of each.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "app/config.h"
#include "app/webhook_queue.h"
#include "app/webhook_text.h"

namespace ahoy::app {

// Of an attempt.  Any status but 2xx is a refusal.
enum class WebhookResult {
    delivered,
    unresolved,
    unreachable,
    bad_tls,
    timed_out,
    broken,
    refused
};
std::string_view label(WebhookResult);

struct WebhookCounts {
    std::array<uint64_t, 7> attempts{};  // by result
    uint64_t queue_full = 0;             // events lost so
    uint64_t given_up = 0;               // and so
    size_t queued = 0;
};

class Webhooks {
  public:
    // Throws net::StartError.  Without webhooks.url there is nothing to make: null.
    static std::unique_ptr<Webhooks> make(const Config&, boost::asio::io_context& main, Random&);

    // On any thread.
    void tell(const RoomEvent&);

    // On the main thread.
    WebhookCounts counts() const;
    // Something is being told, or could be at once.
    bool busy() const;
    size_t undelivered() const { return queue_.size(); }

  private:
    Webhooks(boost::asio::io_context& main, WebhookTarget, std::string secret, Random&);

    void put(const std::string& room, WebhookQueue::Event);
    void go_on();
    boost::asio::awaitable<void> attempt(WebhookQueue::Attempt);
    boost::asio::awaitable<WebhookResult> post(const WebhookQueue::Event&);
    void note(WebhookResult, bool failed_before);

    boost::asio::io_context& main_;
    const WebhookTarget target_;
    const std::string secret_;
    const std::string run_;  // begins each id of this run of the server
    boost::asio::ssl::context tls_;
    boost::asio::steady_timer timer_;
    WebhookQueue queue_;
    WebhookCounts counts_;

    // Of all threads.
    std::atomic<uint64_t> last_id_ = 0;
    std::atomic<size_t> on_their_way_ = 0;  // to the main thread
    std::atomic<uint64_t> lost_on_the_way_ = 0;
};

}  // namespace ahoy::app
