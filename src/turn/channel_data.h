// ChannelData messages (RFC 8656, section 12.4): four bytes in front of what is relayed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/crypto.h"

namespace ahoy::turn {

// 0x4000 to 0x7FFE, RFC 5766's range; RFC 8656 reserves what lies above 0x4FFF, and which of the
// two holds is the server's configuration.  Holding one is proof that the number is in the wider
// range.
class ChannelNumber {
  public:
    static constexpr uint16_t first = 0x4000, last = 0x7ffe;
    static constexpr uint16_t last_of_rfc8656 = 0x4fff;

    static constexpr std::optional<ChannelNumber> from_wire(uint16_t value) {
        if (value < first || value > last) return {};
        return ChannelNumber(value);
    }
    constexpr uint16_t to_wire() const { return value_; }
    friend constexpr auto operator<=>(ChannelNumber, ChannelNumber) = default;

  private:
    explicit constexpr ChannelNumber(uint16_t value) : value_(value) {}
    uint16_t value_;
};

struct ChannelData {
    static constexpr size_t header_size = 4;

    ChannelNumber channel;
    Bytes payload;

    // What follows the payload is padding, which is allowed over UDP and needed on streams.
    static std::optional<ChannelData> parse(Bytes bytes) {
        Reader reader(bytes);
        const auto channel = ChannelNumber::from_wire(reader.u16());
        const Bytes payload = reader.take(reader.u16());
        if (!channel || !reader.ok()) return {};
        return ChannelData{*channel, payload};
    }

    // `size`: at most 65535 bytes follow.
    static constexpr std::array<uint8_t, header_size> header(ChannelNumber channel, size_t size) {
        const uint16_t number = channel.to_wire();
        return {static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number),
                static_cast<uint8_t>(size >> 8), static_cast<uint8_t>(size)};
    }
};

}  // namespace ahoy::turn
