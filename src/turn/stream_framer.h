// Whole messages out of a TCP or TLS stream: STUN messages and ChannelData, one after the other
// (RFC 8489, section 6.2.2; RFC 8656, section 12.5).
//
// Bytes are read into space() and come out of next() as they lie in the buffer.  What is neither
// breaks the stream for good, because the beginning of the next message is lost then.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/crypto.h"

namespace ahoy::turn {

class StreamFramer {
  public:
    // The longest message: ChannelData of 65,535 bytes, or STUN of the same, with head and padding.
    static constexpr size_t max_message = 20 + 65536;

    // Room for the next read, never empty.  Grows with what arrives, not with what a header
    // promises, so that a stranger has to send what he makes us keep.  Invalidates what next()
    // gave.
    std::span<uint8_t> space();
    void received(size_t size) { end_ += size; }

    // The next message: STUN as it is, ChannelData without its padding.
    std::optional<Bytes> next();

    // What next() has not given, when what follows is no message any more.
    Bytes rest() const { return Bytes(buffer_).subspan(begin_, end_ - begin_); }

    bool broken() const { return broken_; }
    // A part of a message is waiting for its rest.
    bool partial() const { return begin_ != end_; }

  private:
    static constexpr size_t first_size = 2048;

    std::vector<uint8_t> buffer_;
    size_t begin_ = 0;  // of what next() has not given yet
    size_t end_ = 0;
    bool broken_ = false;
};

// How many zero bytes a ChannelData message is followed by on a stream.
constexpr size_t stream_padding(size_t size) {
    return (4 - size % 4) % 4;
}

}  // namespace ahoy::turn
