#include "app/access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "net/start_error.h"
#include "stun/integrity.h"

namespace ahoy::app {
namespace {

using testing::HasSubstr;

const Md5 alices = stun::long_term_key("alice", "example.org", "wonder");
const Md5 bobs = stun::long_term_key("bob", "example.org", "builder");

class AccessTest : public testing::Test {
  protected:
    AccessTest() {
        std::filesystem::remove(file);
        config.turn.realm = "example.org";
        config.turn.database = file;
        writer = std::make_unique<UserDatabase>(file, UserDatabase::Mode::create, 0s);
    }
    ~AccessTest() override { std::filesystem::remove(file); }

    Access reads() { return reader.read(config, {}); }
    static const turn::Realm& first(const Access& access) {
        return (*access.realms)[turn::RealmId{}];
    }
    static bool knows(const Access& access, std::string_view name, const Md5& key) {
        return first(access).credentials.stands_by(name, {.md5 = key, .sha256 = {}});
    }
    static bool takes(const Access& access, std::string_view secret) {
        const auto minted = turn::mint(secret, "carol", 1h, {Instant{} + 1h, WallTime(1000s)});
        return knows(access, minted.username,
                     stun::long_term_key(minted.username, "example.org", minted.password));
    }

    // As turnadmin does.
    void puts_option(const std::string& option, const std::string& value) const {
        sqlite3* db = nullptr;
        ASSERT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
        const std::string sql = "INSERT OR REPLACE INTO turn_realm_option VALUES('example.org', '" +
                                option + "', '" + value + "')";
        EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
        sqlite3_close(db);
    }

    const std::string file = testing::TempDir() + "ahoy_access_test.db";
    std::unique_ptr<UserDatabase> writer;
    Config config;
    AccessReader reader{"example.org", "made"};
};

TEST_F(AccessTest, TheConfigurationAndTheDatabaseTogether) {
    config.turn.users = {{"alice", "wonder"}};
    config.turn.user_keys = {{"dora", alices}};
    writer->put_user({"example.org", "alice"}, bobs);
    writer->put_user({"example.org", "bob"}, bobs);
    writer->put_user({"example.net", "carol"}, bobs);
    const Access access = reads();
    EXPECT_TRUE(knows(access, "alice", alices));  // the configuration's
    EXPECT_TRUE(knows(access, "bob", bobs));
    EXPECT_TRUE(knows(access, "dora", alices));
    EXPECT_FALSE(knows(access, "carol", bobs));
    EXPECT_FALSE(first(access).credentials.has_all_keys());
}

TEST_F(AccessTest, ASecretIsMadeOnlyWhereThereIsNone) {
    EXPECT_EQ(reads().secret, "made");
    writer->add_secret("example.org", "old");
    writer->add_secret("example.org", "new");
    const Access access = reads();
    EXPECT_EQ(access.secret, "new");
    EXPECT_TRUE(takes(access, "old"));
    EXPECT_FALSE(takes(access, "made"));
    config.turn.secret = {{"mine", "was mine"}};
    const Access ours = reads();
    EXPECT_EQ(ours.secret, "mine");
    for (const char* secret : {"was mine", "old"}) EXPECT_TRUE(takes(ours, secret)) << secret;
}

TEST_F(AccessTest, SecretsAreThoseOfTheFileIfTheyAreOrderly) {
    config.turn.database.clear();
    config.turn.secret_file = file + ".secrets";
    const auto reads_secrets = [&](std::string_view text) {
        std::ofstream(config.turn.secret_file) << text;
        return reads();
    };
    const Access access = reads_secrets("north\r\nsouth\r\n");
    EXPECT_EQ(access.secret, "north");
    for (const char* secret : {"north", "south"}) EXPECT_TRUE(takes(access, secret)) << secret;
    EXPECT_THROW(reads_secrets("\n"), net::StartError);
    EXPECT_THROW(reads_secrets(std::string(257, 'x')), net::StartError);
    std::filesystem::remove(config.turn.secret_file);
}

TEST_F(AccessTest, MoreSecretsThanAreTriedForARequestAreRefused) {
    for (const char* secret : {"a", "b", "c", "d"}) writer->add_secret("example.org", secret);
    reads();
    writer->add_secret("example.org", "e");
    try {
        reads();
        FAIL() << "was taken";
    } catch (const net::StartError& error) {
        EXPECT_THAT(error.what(), HasSubstr("5 secrets together, more than 4"));
    }
}

TEST_F(AccessTest, TheRealmsOptionsAreQuotas) {
    config.turn.max_allocations = 100;
    config.turn.user_quota = 7;
    config.turn.address_quota = 11;
    config.turn.allocation_bandwidth = 3;
    config.turn.user_bandwidth = 4;
    config.turn.address_bandwidth = 5;
    EXPECT_EQ(reads().bandwidth.per_user, 4u);
    EXPECT_EQ(reads().bandwidth.per_address, 5u);
    EXPECT_EQ(reads().bandwidth.per_allocation, 3u);
    EXPECT_EQ(reads().quotas.total.allocations, 100u);
    EXPECT_EQ(reads().quotas.per_user.allocations, 7u);
    EXPECT_EQ(reads().quotas.per_address.allocations, 11u);
    EXPECT_EQ(first(reads()).limits.allocations, std::nullopt);
    puts_option("total-quota", "50");
    puts_option("user-quota", "9");
    puts_option("max-bps", "64000");
    const Access access = reads();
    EXPECT_EQ(first(access).limits.allocations, 50u);
    EXPECT_EQ(first(access).limits.allocations_per_user, 9u);
    EXPECT_EQ(first(access).limits.bandwidth, 64'000u);
    EXPECT_EQ(access.quotas.total.allocations, 100u);  // of all realms
}

TEST_F(AccessTest, QuotasAreThoseOfTheConfiguration) {
    auto& turn = config.turn;
    turn.user_permissions = 1, turn.address_permissions = 2, turn.max_permissions = 3;
    turn.user_channels = 4, turn.address_channels = 5, turn.max_channels = 6;
    turn.user_peer_connections = 7, turn.address_peer_connections = 8;
    turn.max_peer_connections = 9;
    const auto quotas = reads().quotas;
    using turn::Counts;
    EXPECT_EQ(quotas.per_user,
              (Counts{.allocations = 256, .permissions = 1, .channels = 4, .connections = 7}));
    EXPECT_EQ(quotas.per_address,
              (Counts{.allocations = 4096, .permissions = 2, .channels = 5, .connections = 8}));
    EXPECT_EQ(quotas.total,
              (Counts{.allocations = 100'000, .permissions = 3, .channels = 6, .connections = 9}));
}

TEST_F(AccessTest, D34_TokensAreTakenWhereTheServerHasANameForThem) {
    config.turn.oauth.keys = {{"north", std::vector<uint8_t>(32)}};
    EXPECT_FALSE(first(reads()).credentials.token_keys().in_use());
    config.turn.oauth.server_name = "turn.example.org";
    EXPECT_TRUE(first(reads()).credentials.token_keys().has("north"));
}

TEST_F(AccessTest, ADatabaseThatIsBrokenLaterIsReadWhenItIsMended) {
    reads();
    EXPECT_FALSE(reader.has_changed());
    const std::string away = file + ".away";
    std::filesystem::rename(file, away);
    std::ofstream(file) << std::string(4096, 'x');
    EXPECT_TRUE(reader.has_changed());
    EXPECT_THROW(reads(), net::StartError);
    EXPECT_TRUE(reader.has_changed());
    std::filesystem::rename(away, file);
    reads();
    EXPECT_FALSE(reader.has_changed());
    config.turn.database.clear();
    writer->put_user({"example.org", "bob"}, bobs);
    EXPECT_FALSE(knows(reads(), "bob", bobs));
    EXPECT_FALSE(reader.has_changed());
}

TEST_F(AccessTest, WhatTheConfigurationHasIsOfTheFirstRealmAlone) {
    config.turn.users = {{"alice", "wonder"}};
    config.turn.secret = {{"north"}};
    config.turn.peers.allow = {*Prefix::parse("10.0.0.0/8")};
    writer->put_user({"example.net", "bob"}, bobs);
    const Access access = reads();
    ASSERT_EQ(access.realms->count(), 2u);
    const turn::Realm& other = (*access.realms)[turn::RealmId{1}];
    EXPECT_EQ(other.name(), "example.net");
    EXPECT_TRUE(other.credentials.stands_by("bob", {.md5 = bobs, .sha256 = {}}));
    EXPECT_FALSE(
        other.credentials.stands_by("alice", turn::make_keys("alice", "example.net", "wonder")));
    const auto minted = turn::mint("north", "carol", 1h, {Instant{} + 1h, WallTime(1000s)});
    EXPECT_FALSE(other.credentials.stands_by(
        minted.username, turn::make_keys(minted.username, "example.net", minted.password)));
    EXPECT_EQ(access.secret, "north");
}

TEST_F(AccessTest, ARealmKeepsItsIdWhenOthersComeAndWhenItGoes) {
    writer->put_user({"example.net", "bob"}, bobs);
    ASSERT_EQ(reads().realms->count(), 2u);
    writer->put_user({"example.com", "carol"}, bobs);
    const auto both = reads().realms;
    ASSERT_EQ(both->count(), 3u);
    EXPECT_EQ((*both)[turn::RealmId{1}].name(), "example.net");
    EXPECT_EQ((*both)[turn::RealmId{2}].name(), "example.com");
    writer->remove_user({"example.net", "bob"});
    const auto gone = reads().realms;
    ASSERT_EQ(gone->count(), 3u);
    EXPECT_EQ((*gone)[turn::RealmId{1}].name(), "example.net");
    EXPECT_FALSE(
        (*gone)[turn::RealmId{1}].credentials.stands_by("bob", {.md5 = bobs, .sha256 = {}}));
}

TEST_F(AccessTest, TooManySecretsOfAnyRealmAreRefused) {
    for (const char* secret : {"a", "b", "c", "d", "e"}) writer->add_secret("example.net", secret);
    try {
        reads();
        FAIL() << "was taken";
    } catch (const net::StartError& error) {
        EXPECT_THAT(error.what(), HasSubstr("realm example.net: "));
    }
}

}  // namespace
}  // namespace ahoy::app
