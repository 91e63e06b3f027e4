// ChannelData: what parses is inside the packet and is written back as it was; what is written
// parses, with any padding.
#include "turn/channel_data.h"

#include "fuzz/input.h"

namespace ahoy::fuzz {

using turn::ChannelData;
using turn::ChannelNumber;

void run(Input input) {
    const Bytes bytes = input.rest();
    const auto data = ChannelData::parse(bytes);
    const size_t channel = bytes.size() < 2 ? 0 : static_cast<size_t>(bytes[0] << 8 | bytes[1]);
    const size_t size = bytes.size() < 4 ? 0 : static_cast<size_t>(bytes[2] << 8 | bytes[3]);
    const bool right =
        bytes.size() >= 4 && channel >= 0x4000 && channel <= 0x7ffe && size <= bytes.size() - 4;
    CHECK(data.has_value() == right);
    if (data) {
        CHECK(data->channel.to_wire() == channel);
        CHECK(data->payload.data() == bytes.data() + 4 && data->payload.size() == size);
        const auto header = ChannelData::header(data->channel, size);
        CHECK(std::ranges::equal(header, bytes.first(4)));
    }

    // The same bytes as a payload, with 0 to 3 bytes behind it.
    const auto number = ChannelNumber::from_wire(static_cast<uint16_t>(0x4000 | (channel & 0xfff)));
    const Bytes payload = bytes.first(std::min<size_t>(bytes.size(), 0xffff));
    const auto header = ChannelData::header(*number, payload.size());
    std::vector<uint8_t> message(header.begin(), header.end());
    message.insert(message.end(), payload.begin(), payload.end());
    message.resize(message.size() + bytes.size() % 4);
    const auto again = ChannelData::parse(message);
    CHECK(again && again->channel == *number && std::ranges::equal(again->payload, payload));
}

}  // namespace ahoy::fuzz
