#include "net/websocket.h"

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/write.hpp>
#include <string>
#include <vector>

#include "net/clock.h"
#include "net/stream.h"
#include "net/ws_frames.h"

namespace ahoy::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Upgrade = http::request<http::string_body>;

constexpr auto goodbye = 2s;             // for the other side's half of the closing handshake
constexpr size_t roomy = 4 * 1024;       // bytes that a buffer may keep while nothing happens
constexpr size_t read_size = 32 * 1024;  // bytes

// Of one thread: what was read is dealt with before anything else happens on it.
std::span<uint8_t> scratch() {
    thread_local std::array<uint8_t, read_size> bytes;
    return bytes;
}

// One open WebSocket.  Kept alive by run() and by what it reads and writes.
//
// All messages that were read at once are handled before what they caused is written, to this
// socket or others, so that many small ones cost few system calls.
template <class Stream>
class Session final : public WebSocketSession,
                      public WebSocket,
                      public std::enable_shared_from_this<Session<Stream>> {
  public:
    Session(Stream stream, beast::flat_buffer first, HttpShared& shared)
        : stream_(std::move(stream)),
          shared_(shared),
          timer_(stream_.get_executor()),
          reader_(shared.limits.websocket_message) {
        const auto bytes = first.cdata();
        const auto* data = static_cast<const uint8_t*>(bytes.data());
        unread_.assign(data, data + bytes.size());
    }

    asio::awaitable<void> run(std::unique_ptr<WebSocketHandler> handler) override {
        ++shared_.counts.websockets;
        handler_ = handler.get();
        heard_at_ = read_clocks().steady;
        handler->opened(*this);
        lowest(stream_).socket().non_blocking(true);
        take_messages({});
        while (state_ != State::closed) {
            timer_.expires_at(to_steady(next_look()));
            co_await timer_.async_wait(tuple_awaitable);
            look();
        }
        --shared_.counts.websockets;
        handler_ = nullptr;
        handler->closed();
    }

    // ---- WebSocket
    void send(std::string_view text) override {
        if (state_ != State::open) return;
        const HttpLimits& limits = shared_.limits;
        write_frame(unsent_, Opcode::text, text);
        ++unsent_messages_;
        // What is not being written yet is of this moment, such as all that waited for somebody who
        // is back, and no sign of a slow reader.
        if (writing_ &&
            (unsent_.size() > limits.queued_bytes || unsent_messages_ > limits.queued_messages)) {
            ++shared_.counts.slow_readers;
            return end();
        }
        flush_soon();
    }
    void close(uint16_t status) override {
        if (state_ != State::open) return;
        write_close(unsent_, status);
        state_ = State::closing;
        close_by_ = read_clocks().steady + goodbye;
        timer_.cancel();
        flush_soon();
    }
    void hold() override { ++holds_; }
    void go_on() override {
        if (--holds_ == 0) take_messages({});
    }
    void stop() override {
        if (handler_ && state_ == State::open) handler_->stopping();
        close(static_cast<uint16_t>(CloseCode::going_away));
    }

  private:
    // `closing`: our close frame is on its way, and what the client still says is not heard.
    enum class State { open, closing, closed };

    // ---- time
    Instant next_look() const {
        if (state_ == State::closing) return close_by_;
        const Duration patience = shared_.limits.websocket_idle_time;
        return heard_at_ + (pinged_ ? patience : patience / 2);
    }
    void look() {
        if (state_ == State::closed || read_clocks().steady < next_look()) return;
        if (state_ == State::closing || pinged_) return end();
        pinged_ = true;
        write_frame(unsent_, Opcode::ping, {});
        flush_soon();
    }

    void end() {
        if (state_ == State::closed) return;
        state_ = State::closed;
        timer_.cancel();
        lowest(stream_).close();
    }

    // ---- reading
    void read() {
        if constexpr (is_tls<Stream>) {
            if (unread_.empty()) unread_.shrink_to_fit();
            const size_t before = unread_.size();
            unread_.resize(before + record_size);
            stream_.async_read_some(
                asio::buffer(unread_.data() + before, record_size),
                [self = this->shared_from_this(), before](error_code error, size_t size) {
                    self->unread_.resize(before + size);
                    error ? self->end() : self->take_messages({});
                });
        } else {
            stream_.socket().async_wait(
                asio::socket_base::wait_read, [self = this->shared_from_this()](error_code error) {
                    if (error) return self->end();
                    const auto room = scratch();
                    const size_t size = self->stream_.socket().read_some(
                        asio::buffer(room.data(), room.size()), error);
                    if (error == asio::error::would_block) return self->read();
                    error ? self->end() : self->take_messages(room.first(size));
                });
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
        if (is_alive) {
            heard_at_ = read_clocks().steady;
            pinged_ = false;
        }
        keep(bytes);
        if (state_ == State::closed) return;
        if (const auto& failure = reader_.failure()) {
            state_ == State::open ? close(static_cast<uint16_t>(failure->code)) : end();
            return;
        }
        if (holds_ == 0) read();
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
                close_by_ = read_clocks().steady + goodbye;
                timer_.cancel();
                return flush_soon();
            case Opcode::text:
            case Opcode::binary:
                if (state_ == State::open) handler_->message(frame.payload);
                return;
            case Opcode::pong:
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

    static constexpr size_t record_size = 4 * 1024;

    Stream stream_;
    HttpShared& shared_;
    asio::steady_timer timer_;
    WsReader reader_;
    WebSocketHandler* handler_ = nullptr;  // while the socket is open
    State state_ = State::open;
    unsigned holds_ = 0;
    bool pinged_ = false;  // since the last sign of life
    bool flushing_ = false, writing_ = false, ends_when_sent_ = false;
    Instant heard_at_, close_by_;
    std::vector<uint8_t> unread_;  // what is not whole, or came while held
    std::string unsent_;
    std::string sending_;
    size_t unsent_messages_ = 0;
};

http::response<http::empty_body> accept(const Upgrade& upgrade) {
    http::response<http::empty_body> answer(http::status::switching_protocols, upgrade.version());
    answer.set(http::field::upgrade, "websocket");
    answer.set(http::field::connection, "Upgrade");
    answer.set(http::field::sec_websocket_accept,
               *accept_key(upgrade[http::field::sec_websocket_key]));
    return answer;
}

}  // namespace

// RFC 6455, section 4.2.1
bool is_sound_upgrade(const Upgrade& upgrade) {
    return upgrade.method() == http::verb::get && upgrade.version() == 11 &&
           upgrade[http::field::sec_websocket_version] == "13" &&
           accept_key(upgrade[http::field::sec_websocket_key]);
}

template <class Stream>
asio::awaitable<std::shared_ptr<WebSocketSession>> accept_websocket(Stream stream,
                                                                    beast::flat_buffer first,
                                                                    const Upgrade& upgrade,
                                                                    HttpShared& shared) {
    const auto answer = accept(upgrade);
    const auto [error, size] = co_await http::async_write(stream, answer, tuple_awaitable);
    if (error) co_return nullptr;
    lowest(stream).expires_never();  // the WebSocket has deadlines of its own
    co_return std::make_shared<Session<Stream>>(std::move(stream), std::move(first), shared);
}

template asio::awaitable<std::shared_ptr<WebSocketSession>> accept_websocket(PlainStream,
                                                                             beast::flat_buffer,
                                                                             const Upgrade&,
                                                                             HttpShared&);
template asio::awaitable<std::shared_ptr<WebSocketSession>> accept_websocket(TlsStream,
                                                                             beast::flat_buffer,
                                                                             const Upgrade&,
                                                                             HttpShared&);

}  // namespace ahoy::net
