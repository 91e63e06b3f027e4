#include "turn/credentials.h"

#include <gtest/gtest.h>

#include <set>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

const Now now{Instant{} + 1h, WallTime(1'700'000'000s)};

// What `credentials` says to a request of `username`, signed as with `password`.
Result<Keys, AuthFailure> ask(const Credentials& credentials, std::string_view username,
                              std::string_view password, Now when = now) {
    std::array<uint8_t, 1024> buffer;
    MessageWriter writer(buffer, {Method::allocate, Class::request}, {});
    writer.text(AttributeType::username, username);
    writer.integrity(stun::long_term_key(username, credentials.realm(), password));
    return credentials.authenticate(Message::parse(writer.finish()).value(), username,
                                    stun::PasswordAlgorithm::md5, when);
}

AuthFailure failure(const Credentials& credentials, std::string_view username,
                    std::string_view password, Now when = now) {
    const auto result = ask(credentials, username, password, when);
    return result ? AuthFailure::count : result.error();
}

TEST(Credentials, D17_StaticUsers) {
    const auto credentials = World::credentials({});
    EXPECT_EQ(ask(credentials, "alice", "wonder").value(), make_keys("alice", "ahoy", "wonder"));
    EXPECT_EQ(failure(credentials, "alice", "builder"), AuthFailure::wrong_password);
    EXPECT_EQ(failure(credentials, "mallory", "wonder"), AuthFailure::unknown_user);
    EXPECT_EQ(failure(credentials, "", ""), AuthFailure::unknown_user);
}

TEST(Credentials, D32_RestNames) {
    const auto credentials = World::credentials({"north", "south"});
    for (const char* secret : {"north", "south"}) {
        const auto minted = mint(secret, "carol", 1h, now);
        EXPECT_EQ(minted.username, "1700003600:carol");
        EXPECT_TRUE(ask(credentials, minted.username, minted.password));
        EXPECT_EQ(failure(credentials, minted.username, minted.password + "x"),
                  AuthFailure::wrong_password);
    }
    const auto foreign = mint("west", "carol", 1h, now);
    EXPECT_EQ(failure(credentials, foreign.username, foreign.password),
              AuthFailure::wrong_password);
}

TEST(Credentials, D32_RestPasswordIsTheSchemesOwn) {
    // printf 1700003600:carol | openssl dgst -sha1 -hmac north -binary | base64
    EXPECT_EQ(mint("north", "carol", 1h, now).password, "smlVqvGOa0QLDypQa4oTCFRCgpU=");
}

TEST(Credentials, D32_RestPasswordMayBeMadeWithSha256) {
    // printf 1700003600:carol | openssl dgst -sha256 -hmac north -binary | base64
    const auto* const password = "3uv+ugxpHdVvs+jYWGLuuSPhBqYtYMgT7qdpg7Tx8vk=";
    const auto credentials = World::credentials({"south", "north"});
    const auto keys = ask(credentials, "1700003600:carol", password);
    ASSERT_TRUE(keys);
    EXPECT_TRUE(credentials.stands_by("1700003600:carol", *keys));
    EXPECT_FALSE(World::credentials({"south"}).stands_by("1700003600:carol", *keys));
    EXPECT_EQ(failure(World::credentials({"south"}), "1700003600:carol", password),
              AuthFailure::wrong_password);
}

TEST(Credentials, D32_A5_RestNamesExpire) {
    const auto credentials = World::credentials();
    const auto minted = mint("north", "carol", 60s, now);
    const auto after = [&](std::chrono::seconds s) { return Now{now.steady + s, now.wall + s}; };
    EXPECT_TRUE(ask(credentials, minted.username, minted.password, after(59s)));
    EXPECT_EQ(failure(credentials, minted.username, minted.password, after(60s)),
              AuthFailure::expired);
    EXPECT_EQ(failure(credentials, minted.username, minted.password, after(61s)),
              AuthFailure::expired);
}

TEST(Credentials, A5_TimesBeyond2038And2106) {
    const auto credentials = World::credentials();
    for (const char* year : {"2147483648:u", "4294967296:u", "9223372036854775807:u"}) {
        const auto password = base64(hmac_sha1(as_bytes("north"), {as_bytes(year)}));
        EXPECT_TRUE(ask(credentials, year, password)) << year;
    }
}

TEST(Credentials, D33_NamesThatAreNoTimeAreRefused) {
    const auto credentials = World::credentials();
    for (const char* name :
         {"", ":", ":carol", "carol", "carol:1900000000", "1999999999", "1999999999:", "-1:carol",
          "+1900000000:carol", "1900000000 :carol", "0x7fffffff:carol", "1.9e9:carol",
          "9223372036854775808:carol", "99999999999999999999999:carol"}) {
        const auto password = base64(hmac_sha1(as_bytes("north"), {as_bytes(name)}));
        EXPECT_EQ(failure(credentials, name, password), AuthFailure::unknown_user) << name;
    }
}

// Not by a clock, which would make the test depend on the machine: by what is computed.
TEST(Credentials, D27_EveryNameCostsTheSame) {
    const auto minted = mint("south", "carol", 1h, now);
    const auto by_sha256 = base64(hmac_sha256(as_bytes("south"), {as_bytes(minted.username)}));
    const auto work = [&](const Credentials& credentials, std::string_view name,
                          std::string_view password) {
        const auto before = digests_made();
        (void)ask(credentials, name, password);
        return digests_made() - before;
    };
    for (const auto& secrets : {std::vector<std::string>{}, {"north"}, {"north", "south"}}) {
        const auto credentials = World::credentials(secrets);
        const auto expected = work(credentials, "mallory", "wonder");
        // The first two are the client's; of each secret two passwords are tried.
        EXPECT_EQ(expected, 2 + 1 + 2 * 4 * secrets.size());
        EXPECT_EQ(work(credentials, "alice", "wonder"), expected);
        EXPECT_EQ(work(credentials, "alice", "wander"), expected);
        EXPECT_EQ(work(credentials, minted.username, minted.password), expected);
        EXPECT_EQ(work(credentials, minted.username, by_sha256), expected);
        EXPECT_EQ(work(credentials, minted.username, "wrong"), expected);
        EXPECT_EQ(work(credentials, "", ""), expected);
    }
}

TEST(Credentials, A10_D32_ASecretThatIsGoneIsGone) {
    const auto minted = mint("north", "carol", 1h, now);
    EXPECT_FALSE(ask(World::credentials({"south"}), minted.username, minted.password));
    EXPECT_TRUE(ask(World::credentials({"south", "north"}), minted.username, minted.password));
}

TEST(Credentials, D22_UserhashesAreOfUsersOfTheConfiguration) {
    const auto credentials = World::credentials();
    EXPECT_EQ(credentials.name_of(stun::userhash("bob", "ahoy")), "bob");
    EXPECT_FALSE(credentials.name_of(stun::userhash("bob", "elsewhere")));
    EXPECT_FALSE(credentials.name_of(stun::userhash("mallory", "ahoy")));
    EXPECT_FALSE(credentials.has_userhashes());  // of REST names there are none
    EXPECT_TRUE(World::credentials({}).has_userhashes());
}

TEST(Credentials, D24_NamesAndPasswordsAreOpaqueStrings) {
    const Credentials composed("caf\xc3\xa9", {{"ren\xc3\xa9", "\xc3\xa9"}}, {});
    const Credentials decomposed("cafe\xcc\x81", {{"rene\xcc\x81", "e\xcc\x81"}}, {});
    EXPECT_EQ(composed.realm(), decomposed.realm());
    for (const auto* credentials : {&composed, &decomposed}) {
        EXPECT_TRUE(ask(*credentials, "ren\xc3\xa9", "\xc3\xa9"));
        EXPECT_TRUE(credentials->name_of(stun::userhash("ren\xc3\xa9", "caf\xc3\xa9")));
    }
}

TEST(Credentials, D16_WhoseKeyIsKnownButNotThePasswordIsAUserToo) {
    const Credentials credentials("ahoy", {{"alice", "wonder"}}, {},
                                  {{"bob", stun::long_term_key("bob", "ahoy", "builder")},
                                   {"alice", stun::long_term_key("alice", "ahoy", "old")}});
    EXPECT_TRUE(ask(credentials, "bob", "builder"));
    EXPECT_EQ(failure(credentials, "bob", "wonder"), AuthFailure::wrong_password);
    EXPECT_TRUE(ask(credentials, "alice", "wonder"));  // the configuration goes first
    EXPECT_EQ(failure(credentials, "alice", "old"), AuthFailure::wrong_password);
    EXPECT_EQ(credentials.name_of(stun::userhash("bob", "ahoy")), "bob");
    EXPECT_FALSE(credentials.has_all_keys());
    EXPECT_TRUE(World::credentials().has_all_keys());
}

TEST(Credentials, StandsByWhatCouldStillBeUsed) {
    const auto credentials = World::credentials({"north"});
    const auto stands_by = [&](std::string_view name, std::string_view password) {
        return credentials.stands_by(name, make_keys(name, "ahoy", password));
    };
    EXPECT_TRUE(stands_by("alice", "wonder"));
    EXPECT_FALSE(stands_by("alice", "old"));
    EXPECT_FALSE(stands_by("mallory", "wonder"));
    const auto minted = mint("north", "carol", -1h, now);  // whose time is over
    EXPECT_TRUE(stands_by(minted.username, minted.password));
    const auto foreign = mint("south", "carol", 1h, now);
    EXPECT_FALSE(stands_by(foreign.username, foreign.password));
}

class NoncesTest : public testing::Test {
  protected:
    NonceState check(std::string_view text, Duration later = 0s) const {
        return nonces.check({now.steady + later, now.wall}, {client, "ahoy"}, text);
    }
    const Nonces nonces{Nonces::Secret{1}};
    const TransportAddress client = at("5.6.7.8:1234");
    const std::string nonce = nonces.issue(now, {client, "ahoy"});
};

TEST_F(NoncesTest, D02_D03_BeginsWithTheCookieAndTheFeatures) {
    const std::pair<Features, std::string_view> table[] = {{{}, "obMatJos2AAAA"},
                                                           {{true, false}, "obMatJos2gAAA"},
                                                           {{false, true}, "obMatJos2QAAA"},
                                                           {{true, true}, "obMatJos2wAAA"}};
    for (const auto& [features, head] : table) {
        const auto issued = nonces.issue(now, {client, "ahoy"}, features);
        EXPECT_EQ(issued.size(), 32u);
        EXPECT_EQ(issued.substr(0, 13), head);
        EXPECT_EQ(check(issued), NonceState::fresh);
        EXPECT_EQ(Nonces::features(issued), features);
    }
}

TEST_F(NoncesTest, D14_NobodyCanTakeAFeatureOut) {
    std::string changed = nonces.issue(now, {client, "ahoy"}, {.password_algorithms = true});
    changed[9] = 'A';
    EXPECT_EQ(check(changed), NonceState::invalid);
}

TEST_F(NoncesTest, D04_TI14_BelongsToOneAddress) {
    for (const char* other : {"5.6.7.8:1235", "5.6.7.9:1234", "[2001:db8::1]:1234"}) {
        EXPECT_EQ(nonces.check(now, {at(other), "ahoy"}, nonce), NonceState::invalid) << other;
        EXPECT_NE(nonces.issue(now, {at(other), "ahoy"}), nonce);
    }
}

TEST_F(NoncesTest, D05_LivesTenMinutes) {
    EXPECT_EQ(check(nonce, 10min - 1s), NonceState::fresh);
    EXPECT_EQ(check(nonce, 10min), NonceState::stale);
    EXPECT_EQ(check(nonce, 24h), NonceState::stale);
    EXPECT_EQ(check(nonce, -2s), NonceState::stale);  // from the future
}

TEST_F(NoncesTest, D07_AnyChangeMakesItInvalid) {
    for (size_t i = 0; i < nonce.size(); ++i) {
        for (const char c : {'!', 'B', '\0', '\xff'}) {
            std::string other = nonce;
            other[i] = c;
            if (other == nonce) continue;
            EXPECT_NE(check(other), NonceState::fresh) << i;
        }
    }
    const std::string longer = nonce + "A";
    const std::string_view text = nonce;
    for (const std::string_view other :
         {std::string_view(), text.substr(1), text.substr(0, 13), text.substr(0, 31),
          std::string_view(longer), std::string_view("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
          std::string_view("obMatJos2AAAAAAAAAAAAAAAAAAAAAAA")}) {
        EXPECT_NE(check(other), NonceState::fresh) << other;
    }
}

TEST_F(NoncesTest, D05_AnotherSecretMakesOthers) {
    EXPECT_EQ(Nonces({2}).check(now, {client, "ahoy"}, nonce), NonceState::invalid);
}

TEST_F(NoncesTest, O15_TheWallClockDoesNotMatter) {
    EXPECT_EQ(nonces.check({now.steady, now.wall + 24h * 365}, {client, "ahoy"}, nonce),
              NonceState::fresh);
}

TEST_F(NoncesTest, SecondsMayWrapAround) {
    const Now late{Instant{} + std::chrono::seconds((1LL << 32) - 1), now.wall};
    const auto issued = nonces.issue(late, {client, "ahoy"});
    EXPECT_EQ(nonces.check({late.steady + 5s, now.wall}, {client, "ahoy"}, issued),
              NonceState::fresh);
    EXPECT_EQ(nonces.check({late.steady + 601s, now.wall}, {client, "ahoy"}, issued),
              NonceState::stale);
}

}  // namespace
}  // namespace ahoy::turn
