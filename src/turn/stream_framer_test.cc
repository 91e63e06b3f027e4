#include "turn/stream_framer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

using testing::ElementsAre;

Payload stun_of(size_t data_size) {
    Payload buffer(data_size + 64);
    MessageWriter writer(buffer, {Method::send, Class::indication}, {});
    writer.attribute(AttributeType::data, Payload(data_size, 7));
    const auto message = writer.finish();
    return {message.begin(), message.end()};
}

// Without padding, as next() gives it.
Payload channel_data_of(size_t size) {
    const auto header = ChannelData::header(number(0x4001), size);
    Payload message(header.size() + size, 9);
    std::copy(header.begin(), header.end(), message.begin());
    return message;
}

Payload joined(std::initializer_list<Payload> messages) {
    Payload stream;
    for (const Payload& message : messages) {
        stream.insert(stream.end(), message.begin(), message.end());
        stream.resize(stream.size() + stream_padding(message.size()));
    }
    return stream;
}

// Gives `stream` in reads of at most `most` bytes.
std::vector<Payload> read(StreamFramer& framer, Bytes stream, size_t most = SIZE_MAX) {
    std::vector<Payload> messages;
    while (!stream.empty() && !framer.broken()) {
        const auto space = framer.space();
        const size_t size = std::min({space.size(), stream.size(), most});
        std::copy_n(stream.begin(), size, space.begin());
        framer.received(size);
        stream = stream.subspan(size);
        while (const auto message = framer.next())
            messages.emplace_back(message->begin(), message->end());
    }
    return messages;
}

TEST(StreamFramer, C02_InterleavesStunAndChannelDataCutAtEveryByte) {
    const std::initializer_list<Payload> messages{stun_of(0), channel_data_of(5), stun_of(9),
                                                  channel_data_of(0), channel_data_of(8)};
    const Payload stream = joined(messages);
    for (size_t cut = 1; cut < stream.size(); ++cut) {
        StreamFramer framer;
        auto got = read(framer, Bytes(stream).first(cut));
        for (auto& message : read(framer, Bytes(stream).subspan(cut))) got.push_back(message);
        EXPECT_EQ(got, std::vector<Payload>(messages)) << "cut at " << cut;
        EXPECT_FALSE(framer.partial());
    }
}

TEST(StreamFramer, C02_TakesOneByteAtATime) {
    StreamFramer framer;
    EXPECT_THAT(read(framer, joined({stun_of(3), channel_data_of(3)}), 1),
                ElementsAre(stun_of(3), channel_data_of(3)));
}

TEST(StreamFramer, C03_FindsTwoMessagesInOneSegment) {
    StreamFramer framer;
    EXPECT_THAT(read(framer, joined({channel_data_of(1), channel_data_of(2)})),
                ElementsAre(channel_data_of(1), channel_data_of(2)));
}

TEST(StreamFramer, J13_WaitsForTheLastPadding) {
    StreamFramer framer;
    const Payload stream = joined({channel_data_of(1)});
    ASSERT_EQ(stream.size(), 8u);
    EXPECT_TRUE(read(framer, Bytes(stream).first(7)).empty());
    EXPECT_TRUE(framer.partial());
    EXPECT_THAT(read(framer, Bytes(stream).last(1)), ElementsAre(channel_data_of(1)));
}

TEST(StreamFramer, TakesTheLongestMessages) {
    StreamFramer framer;
    const Payload data = channel_data_of(65535);
    const Payload stun = stun_of(65528);
    EXPECT_THAT(read(framer, joined({data, stun, data}), 1400), ElementsAre(data, stun, data));
}

TEST(StreamFramer, KeepsNoMoreThanWasSent) {
    StreamFramer framer;
    const Payload data = channel_data_of(65535);
    read(framer, Bytes(data).first(100));
    EXPECT_LE(framer.space().size(), 2048u);
}

TEST(StreamFramer, C04_BreaksOnGarbage) {
    const Payload stun = stun_of(0);
    Payload no_cookie = stun;
    no_cookie[4] ^= 1;
    Payload odd_length = stun;
    odd_length[3] = 2;
    for (const Payload& garbage : {Payload{0x16, 3, 1, 2, 0}, Payload(30, 0xff),
                                   Payload{0x80, 0, 0, 0}, no_cookie, odd_length}) {
        StreamFramer framer;
        EXPECT_THAT(read(framer, joined({stun, garbage, stun})), ElementsAre(stun));
        EXPECT_TRUE(framer.broken());
    }
}

TEST(StreamFramer, StaysBroken) {
    StreamFramer framer;
    read(framer, Payload{0xff});
    const Payload stun = stun_of(0);
    std::copy(stun.begin(), stun.end(), framer.space().begin());
    framer.received(stun.size());
    EXPECT_FALSE(framer.next());
}

}  // namespace
}  // namespace ahoy::turn
