#include "base/aead.h"

#include <gtest/gtest.h>

namespace ahoy {
namespace {

std::vector<uint8_t> from_hex(std::string_view hex) {
    std::vector<uint8_t> bytes;
    for (size_t i = 0; i < hex.size(); i += 2) {
        bytes.push_back(
            static_cast<uint8_t>(std::stoul(std::string(hex.substr(i, 2)), nullptr, 16)));
    }
    return bytes;
}

// From "The Galois/Counter Mode of Operation", test cases 2, 4 and 14.
TEST(Aead, D34_OpensWhatItsInventorsSealed) {
    struct {
        std::string_view key, nonce, associated, plaintext, sealed;
    } const cases[] = {
        {"00000000000000000000000000000000", "000000000000000000000000", "",
         "00000000000000000000000000000000",
         "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"},
        {"feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
         "feedfacedeadbeeffeedfacedeadbeefabaddad2",
         "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24"
         "49a6b525b16aedf5aa0de657ba637b39",
         "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5a"
         "ac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"},
        {"0000000000000000000000000000000000000000000000000000000000000000",
         "000000000000000000000000", "", "00000000000000000000000000000000",
         "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    };
    for (const auto& c : cases) {
        const auto key = from_hex(c.key), nonce = from_hex(c.nonce);
        const auto associated = from_hex(c.associated), plaintext = from_hex(c.plaintext);
        const auto sealed = from_hex(c.sealed);
        EXPECT_EQ(aes_gcm_seal(key, nonce, associated, plaintext), sealed);
        EXPECT_EQ(aes_gcm_open(key, nonce, associated, sealed), plaintext);
    }
}

TEST(Aead, D34_OpensNothingThatIsNotAsItWasSealed) {
    const std::vector<uint8_t> key(32, 1), nonce(aes_gcm_nonce_size, 2);
    const auto name = as_bytes("turn.example.org"), text = as_bytes("plain");
    const auto sealed = aes_gcm_seal(key, nonce, name, text);
    ASSERT_TRUE(aes_gcm_open(key, nonce, name, sealed));
    for (size_t i = 0; i < sealed.size(); ++i) {
        auto changed = sealed;
        changed[i] ^= 1;
        EXPECT_FALSE(aes_gcm_open(key, nonce, name, changed));
        EXPECT_FALSE(aes_gcm_open(key, nonce, name, Bytes(sealed).first(i)));
    }
    EXPECT_FALSE(aes_gcm_open(key, nonce, as_bytes("turn.example.com"), sealed));
    EXPECT_FALSE(aes_gcm_open(std::vector<uint8_t>(32, 3), nonce, name, sealed));
    EXPECT_FALSE(aes_gcm_open(key, std::vector<uint8_t>(aes_gcm_nonce_size), name, sealed));
}

TEST(Aead, AnEmptyTextHasATagToo) {
    const std::vector<uint8_t> key(16, 1), nonce(aes_gcm_nonce_size, 2);
    const auto sealed = aes_gcm_seal(key, nonce, {}, {});
    EXPECT_EQ(sealed.size(), aes_gcm_tag_size);
    EXPECT_EQ(aes_gcm_open(key, nonce, {}, sealed), std::vector<uint8_t>{});
}

}  // namespace
}  // namespace ahoy
