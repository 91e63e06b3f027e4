#include "stun/integrity.h"

#include <gtest/gtest.h>

#include "stun/test_support.h"

namespace ahoy::stun {
namespace {

const std::string_view short_term_password = "VOkJxbRl1RmTxUk/WvJxBt";

// RFC 5769, section 2.1.
const auto sample_request = from_hex(R"(
    0001 0058 2112a442 b7e7a701bc34d686fa87dfae
    8022 0010 5354554e207465737420636c69656e74
    0024 0004 6e0001ff
    8029 0008 932ff9b151263b36
    0006 0009 6576746a3a6836765920 2020
    0008 0014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
    8028 0004 e57a3bcf)");

// RFC 5769, section 2.2.
const auto sample_ipv4_response = from_hex(R"(
    0101 003c 2112a442 b7e7a701bc34d686fa87dfae
    8022 000b 7465737420766563746f7220
    0020 0008 0001a147e112a643
    0008 0014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7
    8028 0004 c07d4c96)");

// RFC 5769, section 2.3.
const auto sample_ipv6_response = from_hex(R"(
    0101 0048 2112a442 b7e7a701bc34d686fa87dfae
    8022 000b 7465737420766563746f7220
    0020 0014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
    0008 0014 a382954e4be67bf11784c97c8292c275bfe3ed41
    8028 0004 c8fb0b4c)");

// RFC 5769, section 2.4.
const auto long_term_request = from_hex(R"(
    0001 0060 2112a442 78ad3433c6ad72c029da412e
    0006 0012 e3839ee38388e383aae38383e382afe382b9 0000
    0015 001c 662f2f3439396b39353464364f4c33346f4c394653547679363473 41
    0014 000b 6578616d706c652e6f726700
    0008 0014 f67024656dd64a3e02b8e0712e85c9a28ca89666)");

// RFC 8489, appendix B.1, with erratum 6268.
const auto sha256_request = from_hex(R"(
    0001 0090 2112a442 78ad3433c6ad72c029da412e
    001e 0020 4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704
    0015 0029 6f624d61744a6f73324141414366
              2f2f3439396b39353464364f4c33346f4c39465354767936347341 000000
    0014 000b 6578616d706c652e6f726700
    001d 0004 00020000
    001c 0020 b5c7bf005b6c52a21c51c5e892f81924136296cb927c43149309278cc6518e65)");

TEST(Rfc5769, A31_SampleRequest) {
    const auto message = Message::parse(sample_request);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->type(), (MessageType{Method::binding, Class::request}));
    EXPECT_EQ(message->text(AttributeType::software), "STUN test client");
    EXPECT_EQ(message->text(AttributeType::username), "evtj:h6vY");
    EXPECT_TRUE(message->has(AttributeType::priority));
    EXPECT_TRUE(message->has_fingerprint());
    EXPECT_TRUE(integrity_holds(*message, as_bytes(short_term_password)));
    EXPECT_FALSE(integrity_holds(*message, as_bytes("VOkJxbRl1RmTxUk/WvJxBT")));
}

TEST(Rfc5769, A31_A32_SampleIpv4Response) {
    const auto message = Message::parse(sample_ipv4_response);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->type(), (MessageType{Method::binding, Class::success}));
    EXPECT_EQ(message->text(AttributeType::software), "test vector");
    EXPECT_EQ(message->xor_address(AttributeType::xor_mapped_address),
              TransportAddress::parse("192.0.2.1:32853"));
    EXPECT_TRUE(integrity_holds(*message, as_bytes(short_term_password)));
}

TEST(Rfc5769, A31_A32_SampleIpv6Response) {
    const auto message = Message::parse(sample_ipv6_response);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->xor_address(AttributeType::xor_mapped_address),
              TransportAddress::parse("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
    EXPECT_TRUE(integrity_holds(*message, as_bytes(short_term_password)));
}

TEST(Rfc5769, A31_D17_LongTermRequest) {
    const auto message = Message::parse(long_term_request);
    ASSERT_TRUE(message);
    const auto username = message->text(AttributeType::username);
    EXPECT_EQ(username, "\u30de\u30c8\u30ea\u30c3\u30af\u30b9");
    EXPECT_EQ(message->text(AttributeType::nonce), "f//499k954d6OL34oL9FSTvy64sA");
    EXPECT_EQ(message->text(AttributeType::realm), "example.org");
    EXPECT_FALSE(message->has_fingerprint());
    EXPECT_TRUE(
        integrity_holds(*message, long_term_key(username.value(), "example.org", "TheMatrIX")));
    EXPECT_FALSE(
        integrity_holds(*message, long_term_key(username.value(), "example.org", "TheMatrix")));
}

TEST(Rfc8489, D19_LongTermRequestWithSha256) {
    const auto message = Message::parse(sha256_request);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->text(AttributeType::realm), "example.org");
    const Sha256 key =
        sha256(as_bytes("\u30de\u30c8\u30ea\u30c3\u30af\u30b9:example.org:TheMatrIX"));
    EXPECT_TRUE(integrity_sha256_holds(*message, key));
    EXPECT_FALSE(integrity_holds(*message, key));
}

// The responses of the vectors are padded with spaces, ours with zeros; so the values that depend
// on padding are taken from messages whose attributes need none.
TEST(Rfc5769, A31_D21_WritingTheSampleRequestGivesItsIntegrityAndFingerprint) {
    std::array<uint8_t, 256> buffer;
    const auto sample = Message::parse(long_term_request).value();
    MessageWriter writer(buffer, sample.type(), sample.transaction_id());
    sample.each([&](AttributeType type, Bytes value) { writer.attribute(type, value); });
    writer.integrity(
        long_term_key("\u30de\u30c8\u30ea\u30c3\u30af\u30b9", "example.org", "TheMatrIX"));
    EXPECT_EQ(to_hex(writer.finish()), to_hex(long_term_request));
}

TEST(Integrity, D19_IsRefusedWhenOfAnotherLength) {
    const auto key = as_bytes("key");
    const TransactionId id{};
    for (const size_t size : {0u, 12u, 16u, 18u, 24u}) {
        std::array<uint8_t, 128> buffer;
        MessageWriter writer(buffer, {Method::binding, Class::request}, id);
        writer.attribute(AttributeType::message_integrity, std::vector<uint8_t>(size));
        const auto message = Message::parse(writer.finish());
        ASSERT_TRUE(message) << size;
        EXPECT_TRUE(message->integrity_at());
        EXPECT_FALSE(integrity_holds(*message, key)) << size;
    }
}

TEST(Integrity, D19_Sha256MustNotBeTruncated) {
    const auto key = as_bytes("key");
    std::array<uint8_t, 128> buffer;
    MessageWriter whole(buffer, {Method::binding, Class::request}, {});
    whole.integrity_sha256(key);
    EXPECT_TRUE(integrity_sha256_holds(Message::parse(whole.finish()).value(), key));

    // The first sixteen bytes of the right value, with the length they would be hashed with.
    std::array<uint8_t, 128> other;
    MessageWriter truncated(other, {Method::binding, Class::request}, {});
    truncated.attribute(AttributeType::message_integrity_sha256,
                        Bytes(buffer).subspan(header_size + 4, 16));
    EXPECT_FALSE(integrity_sha256_holds(Message::parse(truncated.finish()).value(), key));
}

TEST(Integrity, D10_EveryByteInFrontOfItCounts) {
    const auto key = as_bytes(short_term_password);
    const size_t end = sample_request.size() - 8;  // without FINGERPRINT, which would notice first
    for (size_t i = 0; i < end; ++i) {
        auto bytes = sample_request;
        bytes.resize(end);
        bytes[3] = static_cast<uint8_t>(end - header_size);
        bytes[i] ^= 0x01;
        const auto message = Message::parse(bytes);
        EXPECT_FALSE(message && integrity_holds(*message, key)) << i;
    }
}

}  // namespace
}  // namespace ahoy::stun
