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

TEST(Crypto, EqualComparesLengthAndContent) {
    EXPECT_TRUE(equal_in_constant_time(as_bytes("abc"), as_bytes("abc")));
    EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("abd")));
    EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("ab")));
    EXPECT_TRUE(equal_in_constant_time({}, {}));
}

}  // namespace
}  // namespace ahoy
