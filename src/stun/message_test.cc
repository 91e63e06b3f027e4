#include "stun/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stun/integrity.h"
#include "stun/test_support.h"

namespace ahoy::stun {
namespace {

using testing::ElementsAre;

const TransactionId id{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
constexpr std::string_view header_tail = "2112a442 0102030405060708090a0b0c";
constexpr MessageType binding_request{Method::binding, Class::request};

std::vector<uint8_t> packet(std::string_view type, std::string_view length,
                            std::string_view attributes) {
    std::string text;
    text.append(type).append(length).append(header_tail).append(attributes);
    return from_hex(text);
}

// A message that `add` writes into.
template <class Add>
std::vector<uint8_t> written(MessageType type, Add&& add) {
    std::array<uint8_t, 2048> buffer;
    buffer.fill(0xee);  // so that bytes nobody wrote are seen
    MessageWriter writer(buffer, type, id);
    add(writer);
    const auto bytes = writer.finish();
    return {bytes.begin(), bytes.end()};
}

TEST(MessageType, A21_MethodAndClassBits) {
    const std::pair<MessageType, int> table[] = {
        {{Method::binding, Class::request}, 0x0001},
        {{Method::binding, Class::indication}, 0x0011},
        {{Method::binding, Class::success}, 0x0101},
        {{Method::binding, Class::error}, 0x0111},
        {{Method::allocate, Class::request}, 0x0003},
        {{Method::allocate, Class::error}, 0x0113},
        {{Method::send, Class::indication}, 0x0016},
        {{Method::data, Class::indication}, 0x0017},
        {{Method::create_permission, Class::success}, 0x0108},
        {{static_cast<Method>(0xfff), Class::error}, 0x3fff},
        {{static_cast<Method>(0x0010), Class::request}, 0x0020},
        {{static_cast<Method>(0x0080), Class::request}, 0x0200},
    };
    for (const auto& [type, wire] : table) {
        EXPECT_EQ(type.to_wire(), wire);
        EXPECT_EQ(MessageType::from_wire(static_cast<uint16_t>(wire)), type);
    }
}

TEST(MessageType, A21_EveryTypeRoundTrips) {
    for (unsigned wire = 0; wire < 0x4000; ++wire) {
        const auto v = static_cast<uint16_t>(wire);
        ASSERT_EQ(MessageType::from_wire(v).to_wire(), v);
    }
}

TEST(Message, A06_HeaderOnly) {
    const auto bytes = packet("0001", "0000", "");
    const auto message = Message::parse(bytes);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->type(), binding_request);
    EXPECT_EQ(message->transaction_id(), id);
}

TEST(Message, A01_FirstTwoBitsMustBeZero) {
    for (const char* type : {"4001", "8001", "c001"}) {
        EXPECT_FALSE(Message::parse(packet(type, "0000", ""))) << type;
    }
}

TEST(Message, A02_OtherCookieIsNotStun) {
    auto bytes = packet("0001", "0000", "");
    for (size_t i = 4; i < 8; ++i) {
        auto other = bytes;
        other[i] ^= 0x80;
        EXPECT_FALSE(Message::parse(other)) << i;
    }
}

TEST(Message, A02_AClassicBindingRequestHasNoCookieAndASixteenByteTransactionId) {
    const auto classic = from_hex("00010008 000102030405060708090a0b0c0d0e0f 0003000400000006");
    EXPECT_FALSE(Message::parse(classic));
    const auto message = Message::parse_classic(classic);
    ASSERT_TRUE(message && message->is_classic());
    EXPECT_EQ(message->cookie(), 0x00010203u);
    EXPECT_EQ(to_hex(message->transaction_id()), "0405060708090a0b0c0d0e0f");
    EXPECT_TRUE(message->has(AttributeType::change_request));

    std::array<uint8_t, 100> buffer;
    MessageWriter writer(buffer, {Method::binding, Class::success}, message->transaction_id(),
                         message->cookie());
    EXPECT_EQ(to_hex(writer.finish()), "01010000000102030405060708090a0b0c0d0e0f");
}

TEST(Message, A02_NothingElseIsClassic) {
    EXPECT_FALSE(Message::parse_classic(packet("0001", "0000", "")));  // it has the cookie
    for (const char* other : {"0002", "0003", "0011", "0101", "4001"}) {
        const auto bytes = from_hex(std::string(other) + "0000000102030405060708090a0b0c0d0e0f");
        EXPECT_FALSE(Message::parse_classic(bytes)) << other;
    }
    EXPECT_FALSE(Message::parse_classic(from_hex("00010004000102030405060708090a0b0c0d0e0f")));
}

TEST(Message, A03_LengthIsAMultipleOfFour) {
    EXPECT_FALSE(Message::parse(packet("0001", "0002", "0000")));
    EXPECT_FALSE(Message::parse(packet("0001", "0005", "80220001 41")));
}

TEST(Message, A04_LengthIsExactlyTheRest) {
    EXPECT_TRUE(Message::parse(packet("0001", "0004", "80220000")));
    EXPECT_FALSE(Message::parse(packet("0001", "0008", "80220000")));
    EXPECT_FALSE(Message::parse(packet("0001", "0000", "80220000")));
    EXPECT_FALSE(Message::parse(packet("0001", "fffc", "80220000")));
    EXPECT_FALSE(Message::parse({}));
}

TEST(Message, A04_EveryTruncationIsRefused) {
    const auto bytes = written(binding_request, [](MessageWriter& w) {
        w.text(AttributeType::username, "someone");
        w.integrity(as_bytes("key"));
        w.fingerprint();
    });
    ASSERT_TRUE(Message::parse(bytes));
    for (size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(Message::parse(Bytes(bytes).first(size))) << size;
    }
}

TEST(Message, A05_AttributeMustEndInsideTheMessage) {
    EXPECT_FALSE(Message::parse(packet("0001", "0004", "80220001")));
    EXPECT_FALSE(Message::parse(packet("0001", "0008", "8022ffff 41414141")));
    EXPECT_FALSE(Message::parse(packet("0001", "0008", "80220005 41414141")));
    EXPECT_FALSE(Message::parse(packet("0001", "000c", "80220004 41414141 00060001")));
}

TEST(Message, A09_PaddingMayHaveAnyValue) {
    const auto bytes = packet("0001", "0008", "00060001 41ffffff");
    EXPECT_EQ(Message::parse(bytes)->text(AttributeType::username), "A");
}

TEST(MessageWriter, A09_A19_PaddingIsZero) {
    const auto bytes = written(binding_request, [](MessageWriter& w) {
        w.text(AttributeType::username, "A");
        w.unknown_attributes(std::array<uint16_t, 1>{0x7fff});
    });
    EXPECT_EQ(to_hex(bytes), to_hex(packet("0001", "0010", "00060001 41000000 000a0002 7fff0000")));
}

TEST(Message, A10_WrongFingerprintIsDropped) {
    auto bytes = written(binding_request, [](MessageWriter& w) { w.fingerprint(); });
    ASSERT_TRUE(Message::parse(bytes));
    for (size_t i = 8; i < bytes.size(); ++i) {
        auto other = bytes;
        other[i] ^= 0x01;
        const auto message = Message::parse(other);
        EXPECT_FALSE(message && message->has_fingerprint()) << i;
    }
    bytes.back() ^= 0xff;
    EXPECT_FALSE(Message::parse(bytes));
}

TEST(Message, A11_FingerprintIsTheLastAttribute) {
    // The checksum is right for the length that the header has.
    auto bytes = packet("0001", "000c", "80280004 00000000 80220000");
    const uint32_t value = fingerprint_of(Bytes(bytes).first(header_size));
    for (size_t i = 0; i < 4; ++i) {
        bytes[header_size + 4 + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
    }
    EXPECT_FALSE(Message::parse(bytes));
}

TEST(Message, A13_WhatFollowsMessageIntegrityIsInvisible) {
    const auto bytes = written(binding_request, [](MessageWriter& w) {
        w.integrity(as_bytes("key"));
        w.xor_address(AttributeType::xor_peer_address, *TransportAddress::parse("192.0.2.1:1"));
        w.text(AttributeType::username, "mallory");
        w.fingerprint();
    });
    const auto message = Message::parse(bytes);
    ASSERT_TRUE(message);
    EXPECT_FALSE(message->has(AttributeType::xor_peer_address));
    EXPECT_FALSE(message->has(AttributeType::username));
    EXPECT_TRUE(message->has_fingerprint());
    EXPECT_TRUE(integrity_holds(*message, as_bytes("key")));
    size_t visited = 0;
    message->each([&](AttributeType, Bytes) { ++visited; });
    EXPECT_EQ(visited, 0u);
}

TEST(Message, A13_Sha256AfterMessageIntegrityCounts) {
    const auto bytes = written(binding_request, [](MessageWriter& w) {
        w.integrity(as_bytes("key"));
        w.integrity_sha256(as_bytes("key"));
        w.fingerprint();
    });
    const auto message = Message::parse(bytes);
    ASSERT_TRUE(message);
    EXPECT_TRUE(integrity_holds(*message, as_bytes("key")));
    EXPECT_TRUE(integrity_sha256_holds(*message, as_bytes("key")));
}

TEST(Message, A14_WhatFollowsSha256IsInvisible) {
    const auto bytes = written(binding_request, [](MessageWriter& w) {
        w.integrity_sha256(as_bytes("key"));
        w.integrity(as_bytes("key"));
        w.text(AttributeType::username, "mallory");
    });
    const auto message = Message::parse(bytes);
    ASSERT_TRUE(message);
    EXPECT_TRUE(message->integrity_sha256_at());
    EXPECT_FALSE(message->integrity_at());
    EXPECT_FALSE(message->has(AttributeType::username));
}

TEST(Message, A15_OnlyTheFirstOfATypeCounts) {
    const auto bytes = written(binding_request, [](MessageWriter& w) {
        w.text(AttributeType::username, "first");
        w.text(AttributeType::username, "second");
    });
    EXPECT_EQ(Message::parse(bytes)->text(AttributeType::username), "first");
}

TEST(Message, A15_TheFirstMessageIntegrityCounts) {
    const auto bytes = written(binding_request, [](MessageWriter& w) {
        w.integrity(as_bytes("first"));
        w.integrity(as_bytes("second"));
    });
    EXPECT_TRUE(integrity_holds(Message::parse(bytes).value(), as_bytes("first")));
    EXPECT_FALSE(integrity_holds(Message::parse(bytes).value(), as_bytes("second")));
}

TEST(Message, A29_AttributesAreBounded) {
    const auto with = [](size_t count) {
        return written(binding_request, [&](MessageWriter& w) {
            for (size_t i = 0; i < count; ++i) w.text(AttributeType::software, "");
        });
    };
    EXPECT_TRUE(Message::parse(with(Message::max_attributes)));
    EXPECT_FALSE(Message::parse(with(Message::max_attributes + 1)));
}

TEST(Message, A30_MisalignedBuffersAreRead) {
    const auto bytes = written(binding_request, [](MessageWriter& w) {
        w.xor_address(AttributeType::xor_mapped_address, *TransportAddress::parse("192.0.2.1:80"));
        w.integrity(as_bytes("key"));
        w.fingerprint();
    });
    std::array<uint8_t, 256> buffer{};
    for (size_t offset = 0; offset < 4; ++offset) {
        std::copy(bytes.begin(), bytes.end(), buffer.begin() + static_cast<ptrdiff_t>(offset));
        const auto message = Message::parse(Bytes(buffer).subspan(offset, bytes.size()));
        ASSERT_TRUE(message);
        EXPECT_TRUE(integrity_holds(*message, as_bytes("key")));
        EXPECT_EQ(message->xor_address(AttributeType::xor_mapped_address),
                  TransportAddress::parse("192.0.2.1:80"));
    }
}

TEST(MessageWriter, A23_ErrorCodeBytes) {
    const auto bytes = written({Method::allocate, Class::error}, [](MessageWriter& w) {
        w.error(ErrorCode::allocation_mismatch, "Mismatch!");
    });
    EXPECT_EQ(to_hex(bytes),
              to_hex(packet("0113", "0014", "0009000d 00000425 4d69736d6174636821000000")));
}

TEST(MessageWriter, A26_AlternateServerIsNotXored) {
    const auto bytes = written({Method::allocate, Class::error}, [](MessageWriter& w) {
        w.address(AttributeType::alternate_server, *TransportAddress::parse("192.0.2.1:3478"));
    });
    EXPECT_EQ(to_hex(bytes), to_hex(packet("0113", "000c", "80230008 00010d96 c0000201")));
}

TEST(MessageWriter, A32_XorAddressBytes) {
    const auto v4 = written({Method::binding, Class::success}, [](MessageWriter& w) {
        w.xor_address(AttributeType::xor_mapped_address, *TransportAddress::parse("192.0.2.1:0"));
    });
    EXPECT_EQ(to_hex(v4), to_hex(packet("0101", "000c", "00200008 00012112 e112a643")));
    const auto v6 = written({Method::binding, Class::success}, [](MessageWriter& w) {
        w.xor_address(AttributeType::xor_mapped_address, *TransportAddress::parse("[::]:0"));
    });
    EXPECT_EQ(to_hex(v6), to_hex(packet("0101", "0018",
                                        "00200014 00022112 2112a442 0102030405060708090a0b0c")));
}

TEST(MessageWriter, NumbersAsTheRfcDrawsThem) {
    const auto bytes = written({Method::channel_bind, Class::request}, [](MessageWriter& w) {
        w.channel_number(0x4001);
        w.lifetime(10min);
    });
    EXPECT_EQ(to_hex(bytes), to_hex(packet("0009", "0010", "000c0004 40010000 000d0004 00000258")));
}

TEST(MessageWriter, GivesNothingWhenItDoesNotFit) {
    for (size_t size = 0; size < 20 + 8 + 24 + 8; ++size) {
        std::vector<uint8_t> buffer(size);
        MessageWriter writer(buffer, binding_request, id);
        writer.text(AttributeType::username, "user");
        writer.integrity(as_bytes("key"));
        writer.fingerprint();
        EXPECT_TRUE(writer.finish().empty()) << size;
    }
}

TEST(Message, EachVisitsInOrder) {
    const auto bytes = written(binding_request, [](MessageWriter& w) {
        w.text(AttributeType::username, "u");
        w.number(AttributeType::lifetime, 7);
    });
    std::vector<AttributeType> types;
    Message::parse(bytes)->each([&](AttributeType type, Bytes) { types.push_back(type); });
    EXPECT_THAT(types, ElementsAre(AttributeType::username, AttributeType::lifetime));
}

}  // namespace
}  // namespace ahoy::stun
