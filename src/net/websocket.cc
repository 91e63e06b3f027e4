#include "net/websocket.h"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <string>
#include <vector>

#include "net/clock.h"
#include "net/ws_frames.h"

namespace ahoy::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr auto goodbye = 2s;             // for the other side's half of the closing handshake
constexpr size_t roomy = 512;            // bytes that a buffer may keep while nothing happens
constexpr size_t read_size = 32 * 1024;  // bytes

// Of one thread: what was read is dealt with before anything else happens on it.
std::span<uint8_t> scratch() {
    thread_local std::array<uint8_t, read_size> bytes;
    return bytes;
}

// One open WebSocket.  Holds itself until it is closed.
//
// All messages that were read at once are handled before what they caused is written, to this
// socket or others, so that many small ones cost few system calls.
template <class Stream>
class Session final : public Closable,
                      public WebSocket,
                      public std::enable_shared_from_this<Session<Stream>>,
                      private Timed {
  public:
    Session(Accepted<Stream> accepted, std::unique_ptr<WebSocketHandler> handler,
            std::shared_ptr<HttpShared> shared)
        : Timed(shared->timeouts),
          place_(std::move(accepted.place)),
          stream_(std::move(accepted.stream)),
          shared_(std::move(shared)),
          reader_(shared_->limits.websocket_message),
          handler_(std::move(handler)) {
        const auto bytes = accepted.first.cdata();
        const auto* data = static_cast<const uint8_t*>(bytes.data());
        unread_.assign(data, data + bytes.size());
        shared_->open.insert(this);
        ++shared_->counts.websockets;
    }
    ~Session() override {
        shared_->open.erase(this);
        --shared_->counts.websockets;
    }

    void start(std::string_view accept) {
        self_ = this->shared_from_this();
        error_code ignored;  // what is wrong with the socket shows when it is read
        socket_of(stream_).native_non_blocking(true, ignored);
        unsent_.append(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Accept: ");
        unsent_.append(accept).append("\r\n\r\n");
        flush_soon();
        expires_after(shared_->limits.ping_time);
        handler_->opened(*this);
        take_messages({});
    }

    // ---- WebSocket
    void send(std::string_view text) override {
        if (state_ != State::open) return;
        const HttpLimits& limits = shared_->limits;
        write_frame(unsent_, Opcode::text, text);
        ++unsent_messages_;
        // What is not being written yet is of this moment, such as all that waited for somebody who
        // is back, and no sign of a slow reader.
        if (writing_ &&
            (unsent_.size() > limits.queued_bytes || unsent_messages_ > limits.queued_messages)) {
            ++shared_->counts.slow_readers;
            return end();
        }
        flush_soon();
    }
    void close(uint16_t status) override {
        if (state_ != State::open) return;
        write_close(unsent_, status);
        state_ = State::closing;
        expires_after(goodbye);
        flush_soon();
    }
    void hold() override { ++holds_; }
    void go_on() override {
        if (--holds_ == 0) take_messages({});
    }
    void stop() override {
        if (state_ == State::open) handler_->stopping();
        close(static_cast<uint16_t>(CloseCode::going_away));
    }

  private:
    // `closing`: our close frame is on its way, and what the client still says is not heard.
    enum class State { open, closing, closed };

    // ---- time
    void expired() override {
        if (state_ == State::closing || silent_) return end();
        silent_ = true;
        pinged_at_ = read_clocks().steady;
        write_frame(unsent_, Opcode::ping, std::to_string(++pings_));
        flush_soon();
        expires_after(shared_->limits.pong_time);
    }
    // What answers no ping of ours is a sign of life, too (RFC 6455, section 5.5.3).
    void take_pong(std::string_view payload) {
        if (!pinged_at_ || payload != std::to_string(pings_)) return;
        const Duration round_trip = read_clocks().steady - *std::exchange(pinged_at_, {});
        ++shared_->counts.pongs;
        shared_->counts.round_trips += round_trip;
        if (state_ == State::open) handler_->measured(round_trip);
    }

    // The handler goes later, because it may be what ends this.
    void end() {
        if (state_ == State::closed) return;
        state_ = State::closed;
        expires_at(Instant::max());
        net::close(stream_);
        asio::post(stream_.get_executor(), [self = std::move(self_)] {
            self->handler_->closed();
            self->handler_.reset();
        });
    }

    // ---- reading
    void wait() {
        socket_of(stream_).async_wait(asio::socket_base::wait_read,
                                      [self = this->shared_from_this()](error_code error) {
                                          error ? self->end() : self->read();
                                      });
    }
    void read() {
        if (state_ == State::closed) return;
        error_code error;
        const auto room = scratch();
        const size_t size = stream_.read_some(asio::buffer(room.data(), room.size()), error);
        if (error == asio::error::would_block) return wait();
        if (error) return end();
        take_messages(room.first(size));
    }
    // TLS may have more to give than the socket tells.
    void read_on() {
        if constexpr (is_tls<Stream>) {
            asio::post(stream_.get_executor(), [self = this->shared_from_this()] { self->read(); });
        } else {
            wait();
        }
    }

    // Of what is unread and, behind it, of `bytes`, which are only there during the call.
    void take_messages(std::span<uint8_t> bytes) {
        if (state_ == State::closed) return;
        if (!unread_.empty()) {
            unread_.insert(unread_.end(), bytes.begin(), bytes.end());
            bytes = unread_;
        }
        const auto self = this->shared_from_this();
        bool is_alive = false;
        while (holds_ == 0 && state_ != State::closed) {
            const auto frame = reader_.next(bytes);
            if (!frame) break;
            is_alive = true;
            take(*frame);
        }
        // Bytes alone are no sign of life: one may come a second, for ever.
        if (is_alive) silent_ = false;
        keep(bytes);
        if (state_ == State::closed) return;
        if (const auto& failure = reader_.failure()) {
            state_ == State::open ? close(static_cast<uint16_t>(failure->code)) : end();
            return;
        }
        if (holds_ == 0) read_on();
    }

    // `rest` is a part of unread_, or of a buffer that others will use.
    void keep(std::span<uint8_t> rest) {
        if (!unread_.empty()) {
            unread_.erase(unread_.begin(),
                          unread_.end() - static_cast<std::ptrdiff_t>(rest.size()));
        } else {
            unread_.assign(rest.begin(), rest.end());
        }
        if (unread_.empty()) unread_ = {};
    }

    void take(const WsReader::Frame& frame) {
        switch (frame.what) {
            case Opcode::ping:
                if (state_ == State::open) write_frame(unsent_, Opcode::pong, frame.payload);
                return flush_soon();
            case Opcode::close:
                if (state_ == State::closing) return end();
                // The same status back (RFC 6455, section 5.5.1), and then the end.
                write_frame(unsent_, Opcode::close, frame.payload.substr(0, 2));
                state_ = State::closing;
                ends_when_sent_ = true;
                expires_after(goodbye);
                return flush_soon();
            case Opcode::text:
            case Opcode::binary:
                if (state_ == State::open) handler_->message(frame.payload);
                return;
            case Opcode::pong:
                return take_pong(frame.payload);
            case Opcode::continuation:
                return;
        }
    }

    // ---- writing
    void flush_soon() {
        if (flushing_ || writing_) return;
        flushing_ = true;
        asio::post(stream_.get_executor(), [self = this->shared_from_this()] {
            self->flushing_ = false;
            self->flush();
        });
    }

    void flush() {
        if (state_ == State::closed || writing_ || unsent_.empty()) return;
        writing_ = true;
        std::swap(sending_, unsent_);
        unsent_messages_ = 0;
        asio::async_write(
            stream_, asio::buffer(sending_),
            [self = this->shared_from_this()](error_code error, size_t) { self->sent(error); });
    }

    void sent(error_code error) {
        writing_ = false;
        sending_.clear();
        if (sending_.capacity() > roomy) sending_ = {};
        if (error) return end();
        if (!unsent_.empty()) return flush();
        if (ends_when_sent_) end();
    }

    const std::unique_ptr<Place> place_;
    Stream stream_;
    const std::shared_ptr<HttpShared> shared_;
    WsReader reader_;
    std::unique_ptr<WebSocketHandler> handler_;
    std::shared_ptr<Session> self_;
    State state_ = State::open;
    unsigned holds_ = 0;
    bool silent_ = false;  // since the latest ping
    bool flushing_ = false, writing_ = false, ends_when_sent_ = false;
    uint32_t pings_ = 0;
    std::optional<Instant> pinged_at_;  // if the latest is not answered
    std::vector<uint8_t> unread_;       // what is not whole, or came while held
    std::string unsent_;
    std::string sending_;
    size_t unsent_messages_ = 0;
};

}  // namespace

template <class Stream>
void start_websocket(Accepted<Stream> accepted, std::string_view accept,
                     std::unique_ptr<WebSocketHandler> handler,
                     std::shared_ptr<HttpShared> shared) {
    std::make_shared<Session<Stream>>(std::move(accepted), std::move(handler), std::move(shared))
        ->start(accept);
}

template void start_websocket(Accepted<PlainStream>, std::string_view,
                              std::unique_ptr<WebSocketHandler>, std::shared_ptr<HttpShared>);
template void start_websocket(Accepted<TlsStream>, std::string_view,
                              std::unique_ptr<WebSocketHandler>, std::shared_ptr<HttpShared>);

}  // namespace ahoy::net
