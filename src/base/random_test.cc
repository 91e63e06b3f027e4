#include "base/random.h"

#include <gtest/gtest.h>

#include <set>

namespace ahoy {
namespace {

TEST(Random, IsTheChaCha20KeyStreamOfItsSeed) {
    Random random{Random::Seed{}};
    std::array<uint8_t, 8> bytes;
    random.fill(bytes);
    // RFC 8439, appendix A.1, test vector 1.
    const std::array<uint8_t, 8> expected{0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90};
    EXPECT_EQ(bytes, expected);
}

TEST(Random, SameSeedSameNumbers) {
    Random a = Random::from_number(7), b = Random::from_number(7), c = Random::from_number(8);
    bool differs = false;
    for (int i = 0; i < 1000; ++i) {
        const uint64_t value = a.next();
        EXPECT_EQ(value, b.next());
        differs |= value != c.next();
    }
    EXPECT_TRUE(differs);
}

TEST(Random, BelowCoversItsRange) {
    Random random = Random::from_number(1);
    std::set<uint64_t> seen;
    for (int i = 0; i < 200; ++i) seen.insert(random.below(7));
    EXPECT_EQ(seen.size(), 7u);
    EXPECT_EQ(*seen.rbegin(), 6u);
}

TEST(Random, TokensAreUrlSafe) {
    const std::string token = Random::from_number(1).token(16);
    EXPECT_EQ(token.size(), 22u);
    EXPECT_EQ(token.find_first_of("+/="), token.npos);
}

}  // namespace
}  // namespace ahoy
