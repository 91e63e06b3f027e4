#include "base/crypto.h"

#include <gtest/gtest.h>

#include <iomanip>
#include <sstream>

namespace ahoy {
namespace {

std::string hex(Bytes bytes) {
    std::ostringstream out;
    for (const uint8_t byte : bytes) out << std::hex << std::setw(2) << std::setfill('0') << +byte;
    return out.str();
}

TEST(Crypto, Digests) {
    EXPECT_EQ(hex(md5(as_bytes("abc"))), "900150983cd24fb0d6963f7d28e17f72");
    EXPECT_EQ(hex(sha256(as_bytes("abc"))),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Crypto, HmacOfRfc2202AndRfc4231) {
    const Bytes key = as_bytes("Jefe");
    const Bytes text = as_bytes("what do ya want for nothing?");
    EXPECT_EQ(hex(hmac_sha1(key, {text})), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    EXPECT_EQ(hex(hmac_sha256(key, {text.first(4), text.subspan(4)})),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Crypto, EmptyKeyIsNotThePreviousOne) {
    const auto empty = hmac_sha1({}, {as_bytes("x")});
    hmac_sha1(as_bytes("another"), {as_bytes("x")});
    EXPECT_EQ(hmac_sha1({}, {as_bytes("x")}), empty);
}

TEST(Crypto, Base64) {
    EXPECT_EQ(base64(as_bytes("fooba")), "Zm9vYmE=");
    EXPECT_EQ(base64({}), "");
    const std::array<uint8_t, 2> bytes{0xfb, 0xff};
    EXPECT_EQ(base64(bytes), "+/8=");
    EXPECT_EQ(base64url(bytes), "-_8");
}

std::optional<std::string> decoded(std::string_view text) {
    const auto bytes = base64url_decode(text);
    if (!bytes) return {};
    return std::string(as_text(*bytes));
}

TEST(Crypto, Base64UrlIsDecodedAsItIsEncoded) {
    for (const char* text : {"", "f", "fo", "foo", "foob", "fooba", "foobar", "\xfb\xff\xfe"}) {
        EXPECT_EQ(decoded(base64url(as_bytes(text))), text);
    }
}

TEST(Crypto, Base64UrlHasOneTextForSomeBytes) {
    EXPECT_EQ(decoded("Zg"), "f");
    for (const char* wrong : {"Zg==", "Zg=", "Zh", "Zm9", "Z", "Zm9vY", "+_8", "-/8", " Zg", "Zg\n",
                              "Z g", "Zm8\xc3\xa9"}) {
        EXPECT_EQ(decoded(wrong), std::nullopt) << wrong;
    }
    EXPECT_EQ(decoded(std::string_view("Zg\0A", 4)), std::nullopt);
}

Ed25519PublicKey key_of(std::string_view text) {
    Ed25519PublicKey key{};
    const auto bytes = base64url_decode(text).value();
    std::copy_n(bytes.begin(), key.size(), key.begin());
    return key;
}

// RFC 8037, appendix A.4.
TEST(Crypto, Ed25519OfRfc8037) {
    const auto key = key_of("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    const Bytes message = as_bytes("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
    auto signature = base64url_decode(
                         "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5"
                         "BhVsPt9g7sVvpAr_MuM0KAg")
                         .value();
    EXPECT_TRUE(ed25519_verifies(key, message, signature));
    EXPECT_FALSE(ed25519_verifies(key, message.first(message.size() - 1), signature));
    EXPECT_FALSE(ed25519_verifies(key, message, Bytes(signature).first(63)));
    EXPECT_FALSE(ed25519_verifies(key, message, {}));
    EXPECT_FALSE(ed25519_verifies(key, {}, signature));
    EXPECT_FALSE(ed25519_verifies({}, message, signature));
    signature[0] ^= 1;
    EXPECT_FALSE(ed25519_verifies(key, message, signature));
}

TEST(Crypto, EqualComparesLengthAndContent) {
    EXPECT_TRUE(equal_in_constant_time(as_bytes("abc"), as_bytes("abc")));
    EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("abd")));
    EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("ab")));
    EXPECT_TRUE(equal_in_constant_time({}, {}));
}

}  // namespace
}  // namespace ahoy
