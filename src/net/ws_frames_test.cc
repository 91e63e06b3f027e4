#include "net/ws_frames.h"

#include <gmock/gmock.h>

namespace ahoy::net {
namespace {

using testing::ElementsAre;

constexpr uint8_t last = 0x80;

// A frame as a client sends it, masked.
std::string masked(uint8_t first, std::string_view payload,
                   std::string_view mask = "\x37\xfa\x21\x3d") {
    std::string frame{static_cast<char>(first)};
    if (payload.size() < 126) {
        frame += static_cast<char>(0x80 | payload.size());
    } else if (payload.size() < 0x10000) {
        frame += '\xfe';
        frame += static_cast<char>(payload.size() >> 8);
        frame += static_cast<char>(payload.size());
    } else {
        frame += '\xff';
        for (int shift = 56; shift >= 0; shift -= 8) {
            frame += static_cast<char>(payload.size() >> shift);
        }
    }
    frame += mask;
    for (size_t i = 0; i < payload.size(); ++i) {
        frame += static_cast<char>(payload[i] ^ mask[i % mask.size()]);
    }
    return frame;
}

std::string text(std::string_view payload) {
    return masked(last | 1, payload);
}

class WsReaderTest : public testing::Test {
  protected:
    static constexpr size_t most = 100'000;

    // What the frames mean, "text Hello" or "fail 1002"; the bytes come in pieces of `size`.
    static std::vector<std::string> read(const std::string& bytes, size_t size = SIZE_MAX) {
        WsReader reader(most);
        std::vector<std::string> read;
        std::vector<uint8_t> unread;
        for (size_t at = 0; at < bytes.size() && !reader.failure();) {
            const size_t end =
                std::min(bytes.size(), size > bytes.size() ? bytes.size() : at + size);
            unread.insert(unread.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                          bytes.begin() + static_cast<std::ptrdiff_t>(end));
            at = end;
            std::span<uint8_t> rest(unread);
            while (const auto frame = reader.next(rest)) {
                read.push_back(name(frame->what) + ' ' + std::string(frame->payload));
            }
            unread.erase(unread.begin(), unread.end() - static_cast<std::ptrdiff_t>(rest.size()));
        }
        if (reader.failure()) {
            read.push_back("fail " + std::to_string(static_cast<int>(reader.failure()->code)));
        }
        return read;
    }
    static std::string name(Opcode what) {
        switch (what) {
            case Opcode::text:
                return "text";
            case Opcode::binary:
                return "binary";
            case Opcode::close:
                return "close";
            case Opcode::ping:
                return "ping";
            case Opcode::pong:
                return "pong";
            case Opcode::continuation:
                break;
        }
        return "?";
    }
};

// RFC 6455, section 5.7
TEST_F(WsReaderTest, TheExamplesOfTheRfc) {
    EXPECT_THAT(read("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), ElementsAre("text Hello"));
    EXPECT_THAT(read("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), ElementsAre("pong Hello"));
}

TEST_F(WsReaderTest, WhateverTheLength) {
    for (const size_t size :
         std::initializer_list<size_t>{0, 1, 7, 8, 9, 125, 126, 127, 65535, 65536, 100'000}) {
        const std::string payload(size, 'a');
        EXPECT_THAT(read(text(payload)), ElementsAre("text " + payload)) << size;
    }
}

TEST_F(WsReaderTest, WhereverTheBytesAreCut) {
    const std::string bytes = text("one") + masked(last | 9, "p") + text(std::string(200, 'b')) +
                              masked(1, "fr") + masked(last | 9, "q") + masked(last, "ag") +
                              masked(last | 8, "\x03\xe8");
    const auto whole = read(bytes);
    EXPECT_EQ(whole.size(), 6);
    EXPECT_EQ(whole[4], "text frag");
    for (size_t size = 1; size < 20; ++size) EXPECT_EQ(read(bytes, size), whole) << size;
}

TEST_F(WsReaderTest, FragmentsAreOneMessage) {
    EXPECT_THAT(read(masked(1, "Hel") + masked(0, "") + masked(last, "lo") + text("x")),
                ElementsAre("text Hello", "text x"));
    EXPECT_THAT(read(masked(2, "a") + masked(last, "b")), ElementsAre("binary ab"));
}

TEST_F(WsReaderTest, ACharacterMayBeCutByFragments) {
    EXPECT_THAT(read(masked(1, "\xc3") + masked(last, "\xa9")), ElementsAre("text \xc3\xa9"));
}

TEST_F(WsReaderTest, WhatTheRfcForbidsIsAProtocolError) {
    const std::pair<const char*, std::string> cases[] = {
        {"reserved bits", masked(last | 0x40 | 1, "x")},
        {"unknown data", masked(last | 3, "x")},
        {"unknown control", masked(last | 11, "x")},
        {"no mask", std::string("\x81\x01x")},
        {"long control", masked(last | 9, std::string(126, 'x'))},
        {"control in fragments", masked(9, "x")},
        {"continuation of nothing", masked(last, "x")},
        {"a message within another", masked(1, "x") + text("y")},
        {"half a status", masked(last | 8, "\x03")},
        {"a status that is never sent", masked(last | 8, "\x03\xee")},
        {"a status of nobody", masked(last | 8, "\x07\xd0")},
    };
    for (const auto& [what, bytes] : cases) {
        EXPECT_EQ(read(bytes).back(), "fail 1002") << what;
    }
}

TEST_F(WsReaderTest, TextIsUtf8) {
    EXPECT_THAT(read(text("\xff")), ElementsAre("fail 1007"));
    EXPECT_THAT(read(masked(last | 2, "\xff")), ElementsAre("binary \xff"));
    EXPECT_THAT(read(masked(last | 8, "\x03\xe8\xff")), ElementsAre("fail 1007"));
}

TEST_F(WsReaderTest, AMessageIsBounded) {
    EXPECT_THAT(read(text(std::string(most + 1, 'a'))), ElementsAre("fail 1009"));
    const std::string half(most / 2 + 1, 'a');
    EXPECT_THAT(read(masked(1, half) + masked(last, half)), ElementsAre("fail 1009"));
    // Before a byte of it has come.
    EXPECT_THAT(read(std::string("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10)),
                ElementsAre("fail 1009"));
}

TEST_F(WsReaderTest, ACloseMayBeEmptyOrSayWhy) {
    EXPECT_THAT(read(masked(last | 8, "")), ElementsAre("close "));
    EXPECT_THAT(read(masked(last | 8, "\x03\xe8z")), ElementsAre("close \x03\xe8z"));
    EXPECT_THAT(read(masked(last | 8, "\x0b\xb8")), ElementsAre("close \x0b\xb8"));
}

TEST(WsFrames, AreWrittenUnmasked) {
    std::string to;
    write_frame(to, Opcode::text, "Hello");
    write_frame(to, Opcode::ping, {});
    EXPECT_EQ(to, std::string("\x81\x05Hello\x89\x00", 9));
    to.clear();
    write_frame(to, Opcode::text, std::string(256, 'a'));
    EXPECT_EQ(to.substr(0, 4), std::string("\x81\x7e\x01\x00", 4));
    to.clear();
    write_frame(to, Opcode::binary, std::string(65536, 'a'));
    EXPECT_EQ(to.substr(0, 10), std::string("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10));
    to.clear();
    write_close(to, 1001);
    EXPECT_EQ(to, "\x88\x02\x03\xe9");
}

// RFC 6455, section 1.3
TEST(WsFrames, TheKeyOfTheRfc) {
    EXPECT_EQ(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    for (const char* bad : {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ==a",
                            "dGhlIHNhbXBsZSBub2!jZQ==", "dGhlIHNhbXBsZSBub25j"}) {
        EXPECT_EQ(accept_key(bad), std::nullopt) << bad;
    }
}

}  // namespace
}  // namespace ahoy::net
