// WebSocket framing (RFC 6455, section 5), the server's side, without sockets.
//
// Unmasks in the buffer that the bytes came in, and copies only messages that come in fragments.
// No extension is ever agreed on, so a reserved bit is an error.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ahoy::net {

// RFC 6455, section 7.4.1
enum class CloseCode : uint16_t {
    normal = 1000,
    going_away = 1001,
    protocol_error = 1002,
    not_utf8 = 1007,
    policy = 1008,
    too_large = 1009,
};

enum class Opcode : uint8_t {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10
};

class WsReader {
  public:
    explicit WsReader(size_t max_message) : max_message_(max_message) {}

    struct Frame {
        Opcode what{};             // `text` and `binary` for a whole message
        std::string_view payload;  // in the caller's buffer or in ours, until the next call
    };
    struct Failure {
        CloseCode code{};
    };
    // The first complete frame or message of `bytes`, which shrinks to what follows it; nothing
    // when more bytes are needed.  After a failure nothing more is to be read.
    std::optional<Frame> next(std::span<uint8_t>& bytes);
    const std::optional<Failure>& failure() const { return failure_; }

  private:
    std::optional<Frame> fail(CloseCode);
    std::optional<Frame> data(Opcode, bool is_last, std::string_view payload);

    const size_t max_message_;
    std::optional<Failure> failure_;
    std::optional<Opcode> fragmented_;  // the kind of the message that has begun
    std::string fragments_;
    bool delivered_ = false;  // fragments_ are of a message that the caller has had
};

// Appends a frame.  Control frames are cut at their 125 bytes.
void write_frame(std::string& to, Opcode, std::string_view payload);
void write_close(std::string& to, uint16_t code);

// Sec-WebSocket-Accept (section 4.2.2); nothing for a key that is not 16 bytes of base64.
std::optional<std::string> accept_key(std::string_view sec_websocket_key);

}  // namespace ahoy::net
