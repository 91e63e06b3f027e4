#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>

namespace ahoy {
namespace {

TEST(Reader, ShortPacketIsNoticedOnceAtTheEnd) {
    const std::array<uint8_t, 3> bytes{0x40, 0x01, 0x00};
    Reader reader(bytes);
    EXPECT_EQ(reader.u16(), 0x4001);
    EXPECT_EQ(reader.u16(), 0);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.u8(), 0);  // spent: even what would fit is gone
    EXPECT_TRUE(reader.empty());
}

TEST(Reader, ReadsBigEndian) {
    const std::array<uint8_t, 15> bytes{1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4};
    Reader reader(bytes);
    EXPECT_EQ(reader.u8(), 1);
    EXPECT_EQ(reader.u16(), 2);
    EXPECT_EQ(reader.u32(), 3u);
    EXPECT_EQ(reader.u64(), 4u);
    EXPECT_TRUE(reader.ok());
    EXPECT_TRUE(reader.empty());
}

TEST(Writer, WritesNothingPastTheEnd) {
    std::array<uint8_t, 5> buffer{};
    buffer[4] = 0xee;
    Writer writer(std::span<uint8_t>(buffer).first(4));
    writer.u16(0x0102);
    writer.u32(0x03040506);
    EXPECT_FALSE(writer.ok());
    EXPECT_EQ(buffer[4], 0xee);
    EXPECT_EQ(writer.size(), 2u);
}

TEST(Writer, PatchesALengthWrittenEarlier) {
    std::array<uint8_t, 8> buffer{};
    Writer writer(buffer);
    writer.u16(0);
    writer.text("abc");
    writer.u16_at(0, 3);
    const std::array<uint8_t, 5> expected{0, 3, 'a', 'b', 'c'};
    EXPECT_TRUE(std::ranges::equal(writer.written(), expected));
}

}  // namespace
}  // namespace ahoy
