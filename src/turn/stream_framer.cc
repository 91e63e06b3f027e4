#include "turn/stream_framer.h"

#include <algorithm>

#include "stun/attributes.h"
#include "turn/channel_data.h"

namespace ahoy::turn {
namespace {

struct Frame {
    size_t size;    // of the message
    size_t padded;  // on the stream
};

enum class Kind { stun, channel_data, neither };

// By the first two bits (RFC 8656, section 12.4); the channel numbers in between are reserved.
Kind kind_of(uint8_t first) {
    if (first < 0x40) return Kind::stun;
    return first <= ChannelNumber::last >> 8 ? Kind::channel_data : Kind::neither;
}

// Of a header that is all there; nothing when it cannot be one.
std::optional<Frame> stun_frame(Bytes header) {
    Reader reader(header);
    reader.u16();
    const size_t length = reader.u16();
    if (reader.u32() != stun::magic_cookie || length % 4 != 0) return {};
    return Frame{stun::header_size + length, stun::header_size + length};
}

Frame channel_data_frame(Bytes header) {
    Reader reader(header);
    reader.u16();
    const size_t size = ChannelData::header_size + reader.u16();
    return {size, size + stream_padding(size)};
}

}  // namespace

std::span<uint8_t> StreamFramer::space() {
    if (begin_ == end_) begin_ = end_ = 0;
    if (begin_ > 0) {
        std::copy(buffer_.begin() + static_cast<ptrdiff_t>(begin_),
                  buffer_.begin() + static_cast<ptrdiff_t>(end_), buffer_.begin());
        end_ -= begin_;
        begin_ = 0;
    }
    // Full means that more came than fitted: a long message, or many at once.
    if (end_ == buffer_.size()) {
        buffer_.resize(std::clamp(2 * buffer_.size(), first_size, max_message));
    }
    return std::span(buffer_).subspan(end_);
}

std::optional<Bytes> StreamFramer::next() {
    const Bytes rest = Bytes(buffer_).subspan(begin_, end_ - begin_);
    if (broken_ || rest.empty()) return {};
    const Kind kind = kind_of(rest[0]);
    broken_ = kind == Kind::neither;
    const size_t header = kind == Kind::stun ? stun::header_size : ChannelData::header_size;
    if (broken_ || rest.size() < header) return {};
    const auto frame = kind == Kind::stun ? stun_frame(rest) : channel_data_frame(rest);
    broken_ = !frame;
    if (broken_ || rest.size() < frame->padded) return {};
    begin_ += frame->padded;
    return rest.first(frame->size);
}

}  // namespace ahoy::turn
