#include "turn/access_token.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/bytes.h"

namespace ahoy::turn {
namespace {

const std::vector<uint8_t> long_key =
    from_base64("MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=").value();
const std::vector<uint8_t> short_key(long_key.begin(), long_key.begin() + 16);
const WallTime issued(1'700'000'000s);
constexpr std::string_view name = "turn.example.org";

std::vector<uint8_t> bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

class AccessTokenTest : public testing::Test {
  protected:
    std::vector<uint8_t> sealed() const {
        return seal_access_token(long_key, bytes_of("hhHaHahHhHaH"), name,
                                 write_access_token(token));
    }
    std::optional<TokenFailure> fails(Bytes bytes, WallTime now = issued) const {
        const auto opened = keys.open("north", bytes, now);
        return opened ? std::nullopt : std::optional(opened.error());
    }
    AccessToken token{bytes_of("eastereastereastereastereaster!!"), issued, 3600s};
    TokenKeys keys{std::string(name), {{"north", {long_key}}, {"short", {short_key}}}};
};

// Both made by coturn's turnutils_oauth.
TEST_F(AccessTokenTest, D34_OpensWhatAnotherAuthorizationServerSealed) {
    const auto by_256 = from_base64(
        "AAxoYUhhSGFIYUhhSAA69lfeRh7Y4jX1Waug49Bhrw1qlSfg7Ku4GcL6gn/+q+udQeTJs4f9NprjBYF2uFLX2W2+"
        "s2hOUmr17m1jLQ==");
    EXPECT_EQ(keys.open("north", by_256.value(), issued).value(), token);
    const auto by_128 = from_base64(
        "AAxoYUhhSGFIYUhhSACk5c/E+8qQ1PNzUxFW4bmm8KK9EJxnN1N7mpg2jXI0FLC7e8CFA1GQCWj+qGal");
    token.mac_key = bytes_of("eastereastereast");
    EXPECT_EQ(keys.open("short", by_128.value(), issued).value(), token);
}

TEST_F(AccessTokenTest, D34_OpensWhatItSealed) {
    EXPECT_EQ(keys.open("north", sealed(), issued).value(), token);
}

TEST_F(AccessTokenTest, D34_OpensNothingThatIsNotSealedForThisServer) {
    const auto good = sealed();
    for (size_t i = 0; i < good.size(); ++i) {
        auto changed = good;
        changed[i] ^= 1;
        EXPECT_EQ(fails(changed), TokenFailure::sealed_else) << i;
        EXPECT_EQ(fails(Bytes(good).first(i)), TokenFailure::sealed_else) << i;
    }
    auto longer = good;
    longer.push_back(0);
    EXPECT_EQ(fails(longer), TokenFailure::sealed_else);
    const TokenKeys others("turn.example.com", {{"north", {long_key}}});
    EXPECT_EQ(others.open("north", good, issued).error(), TokenFailure::sealed_else);
    EXPECT_EQ(keys.open("short", good, issued).error(), TokenFailure::sealed_else);
    EXPECT_EQ(keys.open("south", good, issued).error(), TokenFailure::unknown_key);
    EXPECT_EQ(keys.open("", good, issued).error(), TokenFailure::unknown_key);
}

TEST_F(AccessTokenTest, D34_ATokenHoldsForItsLifetimeAndFiveSecondsEitherWay) {
    const auto good = sealed();
    EXPECT_EQ(fails(good, issued + 3604s), std::nullopt);
    EXPECT_EQ(fails(good, issued + 3605s), TokenFailure::expired_token);
    EXPECT_EQ(fails(good, issued - 3604s), std::nullopt);
    EXPECT_EQ(fails(good, issued - 3605s), TokenFailure::expired_token);
    EXPECT_EQ(token.end(), issued + 3605s);
}

TEST_F(AccessTokenTest, D34_AKeyHoldsForItsOwnTime) {
    keys = TokenKeys(std::string(name), {{"north", {long_key, issued - 10s, issued + 10s}}});
    const auto good = sealed();
    EXPECT_EQ(fails(good, issued - 11s), TokenFailure::expired_key);
    EXPECT_EQ(fails(good, issued - 10s), std::nullopt);
    EXPECT_EQ(fails(good, issued + 9s), std::nullopt);
    EXPECT_EQ(fails(good, issued + 10s), TokenFailure::expired_key);
}

TEST_F(AccessTokenTest, D34_ATokenOfAllAgesIsOrderly) {
    token.timestamp = WallTime(std::chrono::seconds((int64_t{1} << 48) - 1));
    token.lifetime = std::chrono::seconds(0xffffffff);
    EXPECT_EQ(parse_access_token(write_access_token(token)), token);
    EXPECT_EQ(fails(sealed()), TokenFailure::expired_token);
}

TEST_F(AccessTokenTest, D34_TheKeyInItHasALengthThatSigns) {
    for (const size_t size : {0u, 15u, 16u, 20u, 32u, 64u, 65u, 128u}) {
        token.mac_key.assign(size, 'x');
        EXPECT_EQ(parse_access_token(write_access_token(token)).has_value(),
                  size >= 16 && size <= 64);
    }
}

TEST_F(AccessTokenTest, D34_TheBlockEndsWhereItSays) {
    auto block = write_access_token(token);
    for (size_t size = 0; size < block.size(); ++size) {
        EXPECT_FALSE(parse_access_token(Bytes(block).first(size)));
    }
    block.push_back(0);
    EXPECT_FALSE(parse_access_token(block));
}

TEST_F(AccessTokenTest, D34_EveryTokenIsAUserOfItsOwn) {
    const auto one = token_user("north", sealed());
    EXPECT_EQ(one, token_user("north", sealed()));
    EXPECT_TRUE(one.starts_with("north/"));
    token.lifetime = 3601s;
    EXPECT_NE(one, token_user("north", sealed()));
}

}  // namespace
}  // namespace ahoy::turn
