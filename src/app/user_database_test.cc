#include "app/user_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "stun/integrity.h"
#include "turn/realms.h"

namespace ahoy::app {
namespace {

using testing::_;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using Mode = UserDatabase::Mode;

class UserDatabaseTest : public testing::Test {
  protected:
    UserDatabaseTest() { std::filesystem::remove(file); }
    ~UserDatabaseTest() override { std::filesystem::remove(file); }

    // As another program would, over a connection of its own.
    void runs(const std::string& sql) {
        sqlite3* db = nullptr;
        ASSERT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
        char* error = nullptr;
        EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
        sqlite3_close(db);
    }
    void has_tables() { UserDatabase(file, Mode::create, 0s); }
    UserRows reads_all(size_t max_users = 1000) {
        return UserDatabase(file, Mode::read, 0s).read("example.org", max_users);
    }
    RealmRows reads(size_t max_users = 1000) {
        return reads_all(max_users).realms.at("example.org");
    }
    size_t unusable() { return reads_all().unusable; }
    template <class Action>
    std::string failure(Action action) {
        try {
            action();
        } catch (const DatabaseError& error) {
            return error.what();
        }
        return "no failure";
    }
    std::string failure() {
        return failure([&] { reads(); });
    }

    const std::string file = testing::TempDir() + "ahoy_user_database_test.db";
};

const Md5 alices = stun::long_term_key("alice", "example.org", "wonder");

TEST_F(UserDatabaseTest, HoldsUsersAsCoturnWritesThem) {
    has_tables();
    // turnadmin -a -u alice -r example.org -p wonder
    runs(
        "INSERT INTO turnusers_lt VALUES"
        "('example.org', 'alice', 'd18bc266a0640931a539367a522a3fbb'),"
        "('example.org', 'upper', 'D18BC266A0640931A539367A522A3FBB'),"
        "('example.net', 'bob', 'd18bc266a0640931a539367a522a3fbb')");
    const RealmRows realm = reads();
    EXPECT_THAT(realm.users, ElementsAre(Pair("alice", alices), Pair("upper", alices)));
    EXPECT_EQ(unusable(), 0u);
}

TEST_F(UserDatabaseTest, CountsWhatNobodyCouldUse) {
    has_tables();
    runs(
        "INSERT INTO turnusers_lt VALUES"
        "('example.org', 'short', 'd18bc266a0640931a539367a522a3f'),"
        "('example.org', 'plain', 'wonder'),"  // nor does coturn take a password here
        "('example.org', 'nothex', 'g18bc266a0640931a539367a522a3fbb'),"
        "('example.org', 'signed', '-18bc266a0640931a539367a522a3fbb'),"
        "('example.org', '', 'd18bc266a0640931a539367a522a3fbb'),"
        "('example.org', 'none', NULL)");
    runs("INSERT INTO turn_secret VALUES ('example.org', ''), ('example.org', 'north')");
    const RealmRows realm = reads();
    EXPECT_THAT(realm.users, IsEmpty());
    EXPECT_THAT(realm.secrets, ElementsAre("north"));
    EXPECT_EQ(unusable(), 7u);
}

TEST_F(UserDatabaseTest, HoldsSecretsTheNewestFirst) {
    UserDatabase database(file, Mode::create, 0s);
    database.add_secret("example.org", "west");
    database.add_secret("example.org", "east");
    database.add_secret("example.net", "north");
    EXPECT_THAT(reads().secrets, ElementsAre("east", "west"));
    database.add_secret("example.org", "west");  // again
    EXPECT_THAT(reads().secrets, ElementsAre("west", "east"));
    EXPECT_TRUE(database.remove_secret("example.org", "west"));
    EXPECT_FALSE(database.remove_secret("example.org", "north"));
    EXPECT_THAT(reads().secrets, ElementsAre("east"));
}

TEST_F(UserDatabaseTest, HoldsPeersOfTheRealmAndOfAll) {
    has_tables();
    runs(
        "INSERT INTO allowed_peer_ip VALUES ('example.org', '10.0.0.1'), ('x', '10.0.0.2');"
        "INSERT INTO denied_peer_ip VALUES ('', '198.51.100.0-198.51.100.255'),"
        "('', '::ffff:0.0.0.0-::ffff:255.255.255.255')");
    const RealmRows realm = reads();
    ASSERT_EQ(realm.peers.allow.size(), 1u);
    EXPECT_EQ(realm.peers.allow[0].to_string(), "10.0.0.1/32");
    ASSERT_EQ(realm.peers.deny.size(), 1u);
    EXPECT_EQ(realm.peers.deny[0].to_string(), "198.51.100.0/24");
    runs("INSERT INTO denied_peer_ip VALUES ('example.org', 'the moon')");
    EXPECT_THAT(failure(), HasSubstr("denied_peer_ip: \"the moon\" is not an address range"));
}

TEST_F(UserDatabaseTest, HoldsOptionsOfTheRealm) {
    has_tables();
    runs(
        "INSERT INTO turn_realm_option VALUES ('example.org', 'total-quota', '12'),"
        "('example.org', 'user-quota', '0'), ('example.org', 'max-bps', 'x'),"
        "('example.net', 'user-quota', '3')");
    const RealmRows realm = reads();
    EXPECT_THAT(realm.options, ElementsAre(Pair("total-quota", 12u)));
    EXPECT_EQ(unusable(), 1u);
}

TEST_F(UserDatabaseTest, D34_HoldsKeysOfAuthorizationServers) {
    has_tables();
    const std::string key = "'MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI='";
    runs(
        "INSERT INTO oauth_key VALUES"
        "('north', " +
        key +
        ", 1700000000, 3600, 'A256GCM', 'example.org'),"
        "('south', " +
        key +
        ", 0, 0, 'a128gcm', ''),"
        "('elsewhere', " +
        key +
        ", 0, 0, 'A256GCM', 'example.net'),"
        "('algorithm', " +
        key +
        ", 0, 0, 'A256CBC', ''),"
        "('short', 'MTIzNDU2Nzg5MDEyMzQ1Ng==', 0, 0, 'A256GCM', ''),"
        "('broken', 'north', 0, 0, 'A256GCM', ''),"
        "('', " +
        key + ", 0, 0, 'A256GCM', '')");
    const RealmRows realm = reads();
    ASSERT_EQ(realm.oauth_keys.size(), 2u);
    EXPECT_EQ(realm.oauth_keys[0].kid, "north");
    EXPECT_EQ(as_text(realm.oauth_keys[0].key), "12345678901234567890123456789012");
    EXPECT_EQ(realm.oauth_keys[0].from, WallTime(1'700'000'000s));
    EXPECT_EQ(realm.oauth_keys[0].until, WallTime(1'700'003'600s));
    EXPECT_EQ(as_text(realm.oauth_keys[1].key), "1234567890123456");
    EXPECT_EQ(realm.oauth_keys[1].until, WallTime::max());
    EXPECT_EQ(unusable(), 4u);
}

TEST_F(UserDatabaseTest, AnOlderFileNeedsNotHaveEveryTable) {
    runs(
        "CREATE TABLE turnusers_lt (realm, name, hmackey, PRIMARY KEY (realm, name));"
        "INSERT INTO turnusers_lt VALUES"
        "('example.org', 'alice', 'd18bc266a0640931a539367a522a3fbb')");
    EXPECT_THAT(reads().users, ElementsAre(Pair("alice", alices)));
    has_tables();  // adds the others and keeps what is there
    EXPECT_THAT(reads().users, ElementsAre(Pair("alice", alices)));
}

TEST_F(UserDatabaseTest, SaysWhatIsWrongWithAFile) {
    EXPECT_THAT(failure(), HasSubstr(file + ": No such file"));
    runs("CREATE TABLE something (x)");
    EXPECT_THAT(failure(), HasSubstr("has none of the tables of users"));
    std::ofstream(file) << std::string(4096, 'x');
    EXPECT_THAT(failure(), HasSubstr("file is not a database"));
}

TEST_F(UserDatabaseTest, IsBounded) {
    UserDatabase database(file, Mode::create, 0s);
    for (const char* name : {"alice", "bob", "carol"}) {
        database.put_user({"example.org", name}, alices);
    }
    EXPECT_EQ(reads(3).users.size(), 3u);
    EXPECT_THAT(failure([&] { reads(2); }), HasSubstr("more than 2 users; raise turn.max_users"));
}

TEST_F(UserDatabaseTest, UsersComeAndGo) {
    UserDatabase database(file, Mode::create, 0s);
    const UserDatabase::User alice{"example.org", "alice"};
    EXPECT_FALSE(database.has_user(alice));
    database.put_user(alice, {});
    database.put_user(alice, alices);
    database.put_user({"example.net", "o'brien"}, alices);
    EXPECT_TRUE(database.has_user(alice));
    EXPECT_THAT(reads().users, ElementsAre(Pair("alice", alices)));
    ASSERT_EQ(database.users().size(), 2u);
    EXPECT_EQ(database.users()[0].name, "o'brien");
    EXPECT_TRUE(database.remove_user(alice));
    EXPECT_FALSE(database.remove_user(alice));
    EXPECT_THAT(reads().users, IsEmpty());
}

TEST_F(UserDatabaseTest, NoticesWhatOthersWrite) {
    has_tables();
    UserDatabase database(file, Mode::read, 0s);
    EXPECT_TRUE(database.has_changed());  // it has not been read yet
    database.read("example.org", 1000);
    EXPECT_FALSE(database.has_changed());
    runs("INSERT INTO turn_secret VALUES ('example.org', 'north')");
    EXPECT_TRUE(database.has_changed());
    EXPECT_TRUE(database.has_changed());
    EXPECT_THAT(database.read("example.org", 1000).realms.at("example.org").secrets,
                ElementsAre("north"));
    EXPECT_FALSE(database.has_changed());
}

TEST_F(UserDatabaseTest, NoticesThatAnotherFileHasTakenItsName) {
    has_tables();
    UserDatabase database(file, Mode::read, 0s);
    database.read("example.org", 1000);
    const std::string old = file + ".old";
    std::filesystem::rename(file, old);
    EXPECT_FALSE(database.has_changed());  // not there for a moment
    UserDatabase(file, Mode::create, 0s).add_secret("example.org", "north");
    std::filesystem::remove(old);
    EXPECT_TRUE(database.has_changed());
    EXPECT_THAT(database.read("example.org", 1000).realms.at("example.org").secrets,
                ElementsAre("north"));
    EXPECT_FALSE(database.has_changed());
}

TEST_F(UserDatabaseTest, IsReadAgainAfterItCouldNotBe) {
    has_tables();
    UserDatabase database(file, Mode::read, 0s);
    database.read("example.org", 1000);
    sqlite3* other = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &other), SQLITE_OK);
    sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr);
    EXPECT_THAT(failure([&] { database.read("example.org", 1000); }), HasSubstr("is locked"));
    EXPECT_TRUE(database.has_changed());
    sqlite3_close(other);
    EXPECT_THAT(database.read("example.org", 1000).realms.at("example.org").secrets, IsEmpty());
    EXPECT_FALSE(database.has_changed());
}

TEST_F(UserDatabaseTest, HoldsEveryRealmThatSomebodyCouldBeIn) {
    has_tables();
    runs(
        "INSERT INTO turnusers_lt VALUES"
        "('example.org', 'alice', 'd18bc266a0640931a539367a522a3fbb'),"
        "('users.example', 'alice', 'd18bc266a0640931a539367a522a3fbb'),"
        "('', 'nobody', 'd18bc266a0640931a539367a522a3fbb');"
        "INSERT INTO turn_secret VALUES ('secrets.example', 'north');"
        "INSERT INTO oauth_key VALUES"
        "('kid', 'MTIzNDU2Nzg5MDEyMzQ1Ng==', 0, 0, 'A128GCM', 'tokens.example');"
        "INSERT INTO turn_origin_to_realm VALUES"
        "('https://example.net:443', 'origin.example'), ('https://example.com:443', '');"
        "INSERT INTO turn_realm_option VALUES"
        "('users.example', 'user-quota', '3'), ('options.example', 'user-quota', '4');"
        "INSERT INTO denied_peer_ip VALUES ('secrets.example', '10.0.0.1'), ('', '10.0.0.2')");
    const UserRows rows = reads_all();
    ASSERT_THAT(rows.realms, ElementsAre(Pair("example.org", _), Pair("origin.example", _),
                                         Pair("secrets.example", _), Pair("tokens.example", _),
                                         Pair("users.example", _)));
    EXPECT_EQ(rows.count_users(), 2u);
    EXPECT_THAT(rows.realms.at("users.example").options, ElementsAre(Pair("user-quota", 3u)));
    EXPECT_THAT(rows.realms.at("secrets.example").secrets, ElementsAre("north"));
    EXPECT_EQ(rows.realms.at("secrets.example").peers.deny.size(), 2u);
    EXPECT_EQ(rows.realms.at("users.example").peers.deny.size(), 1u);
    EXPECT_EQ(rows.realms.at("tokens.example").oauth_keys.size(), 1u);
    EXPECT_THAT(rows.origins, ElementsAre(Pair("https://example.net:443", "origin.example")));
    EXPECT_EQ(rows.unusable, 2u);
}

TEST_F(UserDatabaseTest, RealmsAreBounded) {
    UserDatabase database(file, Mode::create, 0s);
    for (size_t i = 1; i < turn::Realms::max_realms; ++i) {
        database.add_secret("realm" + std::to_string(i), "north");
    }
    EXPECT_EQ(reads_all().realms.size(), turn::Realms::max_realms);
    database.add_secret(std::string(200, 'x'), "north");  // is none
    EXPECT_EQ(reads_all().unusable, 1u);
    database.add_secret("another", "north");
    EXPECT_THAT(failure(), HasSubstr("has more than 64 realms"));
}

TEST_F(UserDatabaseTest, UsersOfAllRealmsAreBoundedTogether) {
    UserDatabase database(file, Mode::create, 0s);
    for (const char* realm : {"example.org", "example.net", "example.com"}) {
        database.put_user({realm, "alice"}, alices);
    }
    EXPECT_EQ(reads_all(3).count_users(), 3u);
    EXPECT_THAT(failure([&] { reads(2); }), HasSubstr("more than 2 users; raise turn.max_users"));
}

}  // namespace
}  // namespace ahoy::app
