#include "room/join_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ahoy::room {
namespace {

using testing::HasSubstr;

const WallTime noon{1'800'000'000s};
const std::string secret(32, 's');
const std::string other_secret(32, 'o');

// RFC 8037, appendix A.2.
constexpr auto ed25519_x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

std::string encode(std::string_view text) {
    return base64url(as_bytes(text));
}

std::string sign(std::string_view header, std::string_view payload,
                 const std::string& with = secret) {
    const std::string text = encode(header) + '.' + encode(payload);
    return text + '.' + base64url(hmac_sha256(as_bytes(with), {as_bytes(text)}));
}

// A token of the key "a" with these claims.
std::string token(std::string_view payload) {
    return sign(R"({"alg":"HS256","kid":"a"})", payload);
}

// A token that has to be valid, but for these claims.
std::string token_and(const std::string& more) {
    return token(R"({"room":"tea","exp":1800000060,)" + more + "}");
}

TokenKeys ed25519_keys() {
    return parse_jwks(R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"e","x":")" +
                      std::string(ed25519_x) + R"("}]})")
        .value();
}

const JoinTokens tokens{TokenKeys{{"a", HmacKey{secret}}, {"b", HmacKey{other_secret}}}};

std::optional<TokenRefusal> refusal(const JoinTokens& of, std::string_view text,
                                    WallTime now = noon) {
    const auto claims = of.verify(text, now);
    if (claims) return {};
    return claims.error();
}
std::optional<TokenRefusal> refusal(std::string_view text, WallTime now = noon) {
    return refusal(tokens, text, now);
}

constexpr std::optional<TokenRefusal> accepted;

TEST(JoinToken, SaysWhoMayEnterWhichRoom) {
    const auto claims = tokens.verify(
        token(R"({"room":"tea","exp":1800000060,"name":"Älice","role":"host","sub":"u7"})"), noon);
    ASSERT_TRUE(claims);
    EXPECT_EQ(claims->room, "tea");
    EXPECT_EQ(claims->name, "Älice");
    EXPECT_EQ(claims->role, Role::host);
    EXPECT_EQ(claims->subject, "u7");
    EXPECT_EQ(claims->expires_at, noon + 60s);
}

TEST(JoinToken, ARoomAndAnEndAreEnough) {
    const auto claims = tokens.verify(token(R"({"room":"tea","exp":1800000060})"), noon);
    ASSERT_TRUE(claims);
    EXPECT_EQ(claims->name, "");
    EXPECT_EQ(claims->role, std::nullopt);
}

TEST(JoinToken, ARoomIsANameOrTheBeginningOfNamesOrAny) {
    const auto allows = [](const char* pattern, const char* room) {
        return Claims{.room = pattern}.allows(room);
    };
    EXPECT_TRUE(allows("tea", "tea"));
    EXPECT_FALSE(allows("tea", "tea2"));
    EXPECT_FALSE(allows("tea", "te"));
    EXPECT_TRUE(allows("team-*", "team-red"));
    EXPECT_TRUE(allows("team-*", "team-"));
    EXPECT_FALSE(allows("team-*", "team"));
    EXPECT_FALSE(allows("team-*", "my-team-red"));
    EXPECT_TRUE(allows("*", "anything"));
}

TEST(JoinToken, WhatIsNoRoomIsMalformed) {
    for (const char* room : {R"("")", R"("a b")", R"("**")", R"("a*b")", R"("*a")", "7", "null"}) {
        const std::string payload = R"({"exp":1800000060,"room":)" + std::string(room) + "}";
        EXPECT_EQ(refusal(token(payload)), TokenRefusal::malformed) << room;
    }
    EXPECT_EQ(refusal(token(R"({"exp":1800000060})")), TokenRefusal::malformed);
    EXPECT_TRUE(is_room_pattern(std::string(256, 'a')));
    EXPECT_FALSE(is_room_pattern(std::string(257, 'a')));
}

// RFC 7515, appendix A.1: its claims name no room, which is asked after its signature.
TEST(JoinToken, Hs256OfRfc7515) {
    const std::string text =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0c"
        "nVlfQ"
        ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const JoinTokens rfc(
        parse_jwks(R"({"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoq)"
                   R"(Q-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]})")
            .value());
    EXPECT_EQ(refusal(rfc, text), TokenRefusal::malformed);
    std::string forged = text;
    forged[forged.size() - 2] = 'A';
    EXPECT_EQ(refusal(rfc, forged), TokenRefusal::bad_signature);
}

// RFC 8037, appendix A.4: what it signs is no JSON, which is asked after its signature.
TEST(JoinToken, Ed25519OfRfc8037) {
    const JoinTokens rfc(ed25519_keys());
    const std::string text =
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-"
        "09PGcvM"
        "g3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    EXPECT_EQ(refusal(rfc, text), TokenRefusal::malformed);
    std::string forged = text;
    forged[forged.size() - 2] = 'B';
    EXPECT_EQ(refusal(rfc, forged), TokenRefusal::bad_signature);
}

TEST(JoinToken, OnlyThreePartsOfStrictBase64Url) {
    const std::string good = token(R"({"room":"tea","exp":1800000060})");
    ASSERT_EQ(refusal(good), accepted);
    for (const std::string& bad :
         {std::string(), std::string("."), std::string(".."), good.substr(0, good.rfind('.')),
          good + ".", good + "=", ' ' + good, good + '\n', good + std::string(1, '\0')}) {
        EXPECT_EQ(refusal(bad), TokenRefusal::malformed) << bad;
    }
    // JSON serialization (RFC 7515, section 7.2).
    EXPECT_EQ(refusal(R"({"payload":"e30","signatures":[]})"), TokenRefusal::malformed);
}

TEST(JoinToken, EveryCharacterCounts) {
    const std::string good = token(R"({"room":"tea","exp":1800000060})");
    for (size_t i = 0; i < good.size(); ++i) {
        std::string changed = good;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_NE(refusal(changed), accepted) << i;
    }
}

TEST(JoinToken, IsNotLongerThan4096Bytes) {
    const auto with_filler = [](size_t size) {
        return token_and(R"("filler":")" + std::string(size, 'x') + '"');
    };
    size_t size = 2900;
    while (with_filler(size + 1).size() <= JoinTokens::max_size) ++size;
    EXPECT_EQ(refusal(with_filler(size)), accepted);
    EXPECT_EQ(refusal(with_filler(size + 1)), TokenRefusal::malformed);
}

TEST(JoinToken, TheHeaderIsAnObjectWithAnAlgorithmAndNothingCritical) {
    constexpr auto payload = R"({"room":"tea","exp":1800000060})";
    for (const char* header :
         {"", "{", "[]", "null", "{}", R"({"alg":7,"kid":"a"})", R"({"alg":"HS256","kid":7})",
          R"({"alg":"HS256","kid":"a","crit":["exp"]})",
          R"({"alg":"HS256","kid":"a","crit":["b64"],"b64":false})", R"({"alg":"HS256"} {})"}) {
        EXPECT_EQ(refusal(sign(header, payload)), TokenRefusal::malformed) << header;
    }
}

TEST(JoinToken, TheKeyIsThatOfTheKid) {
    constexpr auto payload = R"({"room":"tea","exp":1800000060})";
    EXPECT_EQ(refusal(sign(R"({"alg":"HS256","kid":"b"})", payload, other_secret)), accepted);
    EXPECT_EQ(refusal(sign(R"({"alg":"HS256","kid":"b"})", payload)), TokenRefusal::bad_signature);
    EXPECT_EQ(refusal(sign(R"({"alg":"HS256","kid":"c"})", payload)), TokenRefusal::unknown_key);
    EXPECT_EQ(refusal(sign(R"({"alg":"HS256","kid":""})", payload)), TokenRefusal::unknown_key);
}

TEST(JoinToken, WithoutAKidItIsTheOnlyKeyOrNone) {
    const std::string text = sign(R"({"alg":"HS256"})", R"({"room":"tea","exp":1800000060})");
    const JoinTokens one(TokenKeys{{"a", HmacKey{secret}}}), none{TokenKeys{}};
    EXPECT_EQ(refusal(one, text), accepted);
    EXPECT_EQ(refusal(tokens, text), TokenRefusal::unknown_key);
    EXPECT_EQ(refusal(none, text), TokenRefusal::unknown_key);
}

TEST(JoinToken, TheAlgorithmIsTheKeysWhateverTheTokenSays) {
    constexpr auto payload = R"({"room":"tea","exp":1800000060})";
    for (const char* algorithm : {"none", "None", "HS512", "hs256", "EdDSA", "RS256", ""}) {
        const std::string header = R"({"kid":"a","alg":")" + std::string(algorithm) + R"("})";
        EXPECT_EQ(refusal(sign(header, payload)), TokenRefusal::bad_signature) << algorithm;
        EXPECT_EQ(refusal(encode(header) + '.' + encode(payload) + '.'),
                  TokenRefusal::bad_signature);
    }
    // Everybody knows the public key: it is no secret for HS256.
    const JoinTokens public_key(ed25519_keys());
    const auto bytes = base64url_decode(ed25519_x).value();
    for (const std::string& known : {std::string(as_text(bytes)), std::string(ed25519_x)}) {
        EXPECT_EQ(refusal(public_key, sign(R"({"alg":"HS256","kid":"e"})", payload, known)),
                  TokenRefusal::bad_signature);
        EXPECT_EQ(refusal(public_key, sign(R"({"alg":"EdDSA","kid":"e"})", payload, known)),
                  TokenRefusal::bad_signature);
    }
}

TEST(JoinToken, ASignatureIsAsLongAsItIs) {
    const std::string good = token(R"({"room":"tea","exp":1800000060})");
    const std::string text = good.substr(0, good.rfind('.') + 1);
    auto signature = base64url_decode(good.substr(text.size())).value();
    signature.push_back(0);
    EXPECT_EQ(refusal(text), TokenRefusal::bad_signature);
    EXPECT_EQ(refusal(text + base64url(signature)), TokenRefusal::bad_signature);
    EXPECT_EQ(refusal(text + base64url(Bytes(signature).first(16))), TokenRefusal::bad_signature);
}

TEST(JoinToken, ItExpires) {
    const std::string text = token(R"({"room":"tea","exp":1800000000})");
    EXPECT_EQ(refusal(text, noon - 1s), accepted);
    EXPECT_EQ(refusal(text, noon + JoinTokens::leeway - 1s), accepted);
    EXPECT_EQ(refusal(text, noon + JoinTokens::leeway), TokenRefusal::expired);
    EXPECT_EQ(refusal(token(R"({"room":"tea"})")), TokenRefusal::malformed);
}

TEST(JoinToken, ItBegins) {
    for (const char* name : {"nbf", "iat"}) {
        const std::string text =
            token(R"({"room":"tea","exp":1800001000,")" + std::string(name) + R"(":1800000100})");
        EXPECT_EQ(refusal(text, noon + 100s - JoinTokens::leeway), accepted) << name;
        EXPECT_EQ(refusal(text, noon + 99s - JoinTokens::leeway), TokenRefusal::not_yet_valid);
    }
}

TEST(JoinToken, ADateIsANumberOfAPossibleSize) {
    for (const char* exp : {"1800000060.75", "18.0000006e8", "253402300799"}) {
        EXPECT_EQ(refusal(token(R"({"room":"tea","exp":)" + std::string(exp) + "}")), accepted)
            << exp;
    }
    for (const char* exp : {R"("1800000060")", "null", "true", "[]", "253402300800", "1e30",
                            "1e308", "18446744073709551615", "9223372036854775807", "-1e30"}) {
        EXPECT_EQ(refusal(token(R"({"room":"tea","exp":)" + std::string(exp) + "}")),
                  TokenRefusal::malformed)
            << exp;
    }
    EXPECT_EQ(refusal(token(R"({"room":"tea","exp":-253402300799})")), TokenRefusal::expired);
}

TEST(JoinToken, AClaimOfAnotherTypeIsMalformed) {
    for (const char* claim : {R"("name":7)", R"("sub":{})", R"("role":"admin")", R"("role":1)",
                              R"("nbf":"soon")", R"("iat":null)"}) {
        EXPECT_EQ(refusal(token_and(claim)), TokenRefusal::malformed) << claim;
    }
    for (const char* payload : {"", "[]", "7", "{", R"({"room":"tea","exp":1800000060,})",
                                "{\"room\":\"tea\",\"exp\":1800000060,\"name\":\"\xff\"}"}) {
        EXPECT_EQ(refusal(token(payload)), TokenRefusal::malformed) << payload;
    }
}

TEST(JoinToken, ANameHasAtMost64Characters) {
    const auto named = [](size_t count) {
        std::string name;
        for (size_t i = 0; i < count; ++i) name += "ä";
        return token_and(R"("name":")" + name + '"');
    };
    EXPECT_EQ(refusal(named(64)), accepted);
    EXPECT_EQ(refusal(named(65)), TokenRefusal::malformed);
}

TEST(JoinToken, WhatIsForSomebodyElseIsNotForUs) {
    EXPECT_EQ(refusal(token_and(R"("aud":"https://example.org")")), TokenRefusal::malformed);
}

TEST(JoinToken, OtherClaimsAreIgnoredUpToADepth) {
    EXPECT_EQ(refusal(token_and(R"("iss":"https://example.org","jti":"1","a":{"b":[{"c":{}}]})")),
              accepted);
    EXPECT_EQ(refusal(token_and(R"("a":)" + std::string(1000, '[') + std::string(1000, ']'))),
              TokenRefusal::malformed);
}

// RFC 7519, section 4.
TEST(JoinToken, OfEqualNamesTheLastCounts) {
    const auto claims =
        tokens.verify(token(R"({"room":"*","exp":1,"room":"tea","exp":1800000060})"), noon);
    ASSERT_TRUE(claims);
    EXPECT_EQ(claims->room, "tea");
    EXPECT_EQ(refusal(sign(R"({"alg":"HS256","alg":"none","kid":"a"})",
                           R"({"room":"tea","exp":1800000060})")),
              TokenRefusal::bad_signature);
}

TEST(JoinToken, AnUnsignedPayloadIsNotLookedAt) {
    const uint64_t before = digests_made();
    EXPECT_EQ(refusal(sign(R"({"alg":"HS256","kid":"c"})", "{")), TokenRefusal::unknown_key);
    EXPECT_EQ(refusal(encode(R"({"alg":"HS256","kid":"a"})") + "..AAAA"),
              TokenRefusal::bad_signature);
    EXPECT_EQ(digests_made(), before + 2);  // one to sign, one to verify
}

// ---- entering

TEST(JoinToken, WhoEntersIsToldWhetherAnotherTokenWouldHelp) {
    const auto why = [](std::string_view text, std::string_view room) {
        return tokens.admit(text, room, noon).error();
    };
    const std::string good = token(R"({"room":"tea","exp":1800000060})");
    EXPECT_EQ(tokens.admit(good, "tea", noon)->room, "tea");
    EXPECT_EQ(why("", "tea"), EntryRefusal::token_required);
    EXPECT_EQ(why(good, "coffee"), EntryRefusal::bad_token);
    EXPECT_EQ(why(good + "A", "tea"), EntryRefusal::bad_token);
    EXPECT_EQ(why(token(R"({"room":"tea","exp":1})"), "tea"), EntryRefusal::token_expired);
    EXPECT_EQ(why(token_and(R"("nbf":1800000050)"), "tea"), EntryRefusal::bad_token);
}

// ---- minting

TEST(JoinToken, WhatIsMintedIsTaken) {
    const Claims claims{.room = "team-*",
                        .expires_at = noon + 1h,
                        .name = "Alice \"Älice\"",
                        .subject = "u7",
                        .role = Role::guest};
    const auto minted = tokens.mint(claims, "b");
    ASSERT_TRUE(minted);
    const auto verified = tokens.verify(*minted, noon);
    ASSERT_TRUE(verified);
    EXPECT_EQ(verified->room, claims.room);
    EXPECT_EQ(verified->expires_at, claims.expires_at);
    EXPECT_EQ(verified->name, claims.name);
    EXPECT_EQ(verified->subject, claims.subject);
    EXPECT_EQ(verified->role, claims.role);
}

TEST(JoinToken, MintingTakesTheKeyThatIsNamedOrTheOnlyOne) {
    const Claims claims{.room = "tea", .expires_at = noon + 1h};
    EXPECT_FALSE(tokens.mint(claims));
    EXPECT_FALSE(tokens.mint(claims, "c"));
    TokenKeys keys = ed25519_keys();
    EXPECT_FALSE(JoinTokens(keys).mint(claims, "e"));
    keys.emplace("a", HmacKey{secret});
    const JoinTokens one(keys);
    EXPECT_EQ(refusal(one, one.mint(claims).value()), accepted);
}

// ---- JWK Sets

std::string jwks_error(const std::string& keys) {
    const auto parsed = parse_jwks(R"({"keys":[)" + keys + "]}");
    return parsed ? "nothing was wrong" : parsed.error();
}

const std::string k = encode(secret);

TEST(Jwks, KeysForTheTwoAlgorithms) {
    const auto keys = parse_jwks(
        R"({"keys":[{"kty":"oct","kid":"a","use":"sig","alg":"HS256","k":")" + k +
        R"("},{"kty":"OKP","crv":"Ed25519","kid":"e","alg":"EdDSA","x":")" + ed25519_x + R"("}]})");
    ASSERT_TRUE(keys) << keys.error();
    EXPECT_EQ(std::get<HmacKey>(keys->at("a")).secret, secret);
    EXPECT_EQ(std::get<Ed25519PublicKey>(keys->at("e"))[0], 0xd7);
}

TEST(Jwks, WhatIsForSomethingElseIsIgnored) {
    const auto keys = parse_jwks(R"({"keys":[
        {"kty":"RSA","kid":"r","n":"AQAB","e":"AQAB"}, {"kty":"EC","crv":"P-256","kid":"p"},
        {"kty":"OKP","crv":"X25519","kid":"x","x":"AA"}, {"kty":"OKP","crv":"Ed448","kid":"z"},
        {"kty":"OKP","crv":"Ed25519","use":"enc","kid":"e"},
        {"kty":"oct","alg":"HS512","kid":"h","k":"AA"},
        {"kty":"oct","kid":"a","k":")" +
                                 k + R"("}]})");
    ASSERT_TRUE(keys) << keys.error();
    EXPECT_EQ(keys->size(), 1u);
    EXPECT_THAT(jwks_error(R"({"kty":"RSA","kid":"r"})"), HasSubstr("has no key for HS256"));
    EXPECT_THAT(jwks_error(""), HasSubstr("has no key for HS256"));
}

TEST(Jwks, WhatCannotBeRightIsNamed) {
    const std::string oct = R"({"kty":"oct","kid":"a","k":")" + k + R"("})";
    EXPECT_THAT(jwks_error(oct + ',' + oct), HasSubstr("key 2: its \"kid\" is that of an earlier"));
    EXPECT_THAT(jwks_error("7"), HasSubstr("key 1: expected an object"));
    EXPECT_THAT(jwks_error("{}"), HasSubstr("\"kty\""));
    EXPECT_THAT(jwks_error(R"({"kty":"oct","k":"c2hvcnQ"})"), HasSubstr("has 5 bytes"));
    EXPECT_THAT(jwks_error(R"({"kty":"oct","k":"c2hvcnQ="})"), HasSubstr("not base64url"));
    EXPECT_THAT(jwks_error(R"({"kty":"oct"})"), HasSubstr("in \"k\""));
    EXPECT_THAT(jwks_error(R"({"kty":"OKP","crv":"Ed25519"})"), HasSubstr("in \"x\""));
    EXPECT_THAT(jwks_error(R"({"kty":"OKP","crv":"Ed25519","x":"AA"})"), HasSubstr("32 bytes"));
    EXPECT_THAT(jwks_error(R"({"kty":"oct","kid":7,"k":")" + k + R"("})"), HasSubstr("kid"));
    for (const char* text : {"", "[]", "{}", R"({"keys":{}})", "-----BEGIN PUBLIC KEY-----"}) {
        EXPECT_THAT(parse_jwks(text).error(), HasSubstr("no JWK Set")) << text;
    }
}

}  // namespace
}  // namespace ahoy::room
