#include "net/websocket.h"

#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <deque>
#include <string>

#include "net/stream.h"

namespace ahoy::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using boost::system::error_code;

// One open WebSocket.  Kept alive by its reading coroutine and by each write that is under way.
template <class Stream>
class Session final : public WebSocketSession,
                      public WebSocket,
                      public std::enable_shared_from_this<Session<Stream>> {
  public:
    Session(Stream stream, HttpShared& shared) : stream_(std::move(stream)), shared_(shared) {
        const HttpLimits& limits = shared.limits;
        stream_.read_message_max(limits.websocket_message);
        stream_.auto_fragment(false);
        stream_.text(true);
        stream_.set_option(websocket::stream_base::timeout{
            .handshake_timeout = limits.header_time,
            .idle_timeout = limits.websocket_idle_time,
            .keep_alive_pings = true,
        });
    }

    asio::awaitable<void> run(http::request<http::string_body> upgrade,
                              std::unique_ptr<WebSocketHandler> handler) override {
        const auto [refused] = co_await stream_.async_accept(upgrade, tuple_awaitable);
        if (refused) co_return;
        ++shared_.counts.websockets;
        handler_ = handler.get();
        handler->opened(*this);
        beast::flat_buffer buffer;
        while (true) {
            const auto [error, size] = co_await stream_.async_read(buffer, tuple_awaitable);
            if (error) break;
            const auto data = buffer.cdata();
            // Once it is to be closed, what is on its way is too late.
            if (state_ == State::open) {
                const std::string_view text(static_cast<const char*>(data.data()), size);
                co_await handler->message(text);
            }
            buffer.consume(size);
            if (buffer.capacity() > roomy) buffer.shrink_to_fit();
        }
        state_ = State::closed;
        --shared_.counts.websockets;
        handler_ = nullptr;
        handler->closed();
    }

    void send(std::string text) override {
        if (state_ != State::open) return;
        const HttpLimits& limits = shared_.limits;
        queued_bytes_ += text.size();
        queue_.push_back(std::move(text));
        if (queued_bytes_ > limits.queued_bytes || queue_.size() > limits.queued_messages) {
            ++shared_.counts.slow_readers;
            state_ = State::closed;
            beast::get_lowest_layer(stream_).cancel();
            return;
        }
        if (queue_.size() == 1) write_next();
    }

    void close(uint16_t status) override {
        close_after_queue(static_cast<websocket::close_code>(status));
    }
    void stop() override {
        if (handler_ && state_ == State::open) handler_->stopping();
        close_after_queue(websocket::close_code::going_away);
    }

  private:
    enum class State { open, closing, closed };
    static constexpr size_t roomy = 64 * 1024;

    void close_after_queue(websocket::close_code code) {
        if (state_ != State::open) return;
        state_ = State::closing;
        close_code_ = code;
        if (queue_.empty()) send_close();
    }

    void write_next() {
        stream_.async_write(
            asio::buffer(queue_.front()),
            [self = this->shared_from_this()](error_code error, size_t) { self->written(error); });
    }

    void written(error_code error) {
        if (error || state_ == State::closed) return;
        queued_bytes_ -= queue_.front().size();
        queue_.pop_front();
        if (!queue_.empty()) {
            write_next();
        } else if (state_ == State::closing) {
            send_close();
        }
    }

    void send_close() {
        stream_.async_close(close_code_, [self = this->shared_from_this()](error_code) {});
    }

    websocket::stream<Stream> stream_;
    HttpShared& shared_;
    WebSocketHandler* handler_ = nullptr;  // while the socket is open
    State state_ = State::open;
    websocket::close_code close_code_ = websocket::close_code::normal;
    std::deque<std::string> queue_;  // the front one is being written
    size_t queued_bytes_ = 0;
};

}  // namespace

template <class Stream>
std::shared_ptr<WebSocketSession> make_websocket_session(Stream stream, HttpShared& shared) {
    return std::make_shared<Session<Stream>>(std::move(stream), shared);
}

template std::shared_ptr<WebSocketSession> make_websocket_session(PlainStream, HttpShared&);
template std::shared_ptr<WebSocketSession> make_websocket_session(TlsStream, HttpShared&);

}  // namespace ahoy::net
