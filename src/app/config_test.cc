#include "app/config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace ahoy::app {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A configuration file that is gone again at the end of the test.
class File {
  public:
    explicit File(const std::string& text) : name_(testing::TempDir() + "ahoy_config_test.toml") {
        std::ofstream(name_) << text;
    }
    ~File() { std::remove(name_.c_str()); }
    const std::string& name() const { return name_; }

  private:
    std::string name_;
};

Config read(const std::string& text) {
    return load_config(File(text).name(), {});
}

Config set(const std::string& setting) {
    return load_config("", {Setting::parse(setting)});
}

template <class Action>
std::string refusal(Action action) {
    try {
        action();
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "nothing was refused";
}

TEST(Config, DefaultsAreThoseOfTheInterface) {
    const Config config = load_config("", {});
    ASSERT_EQ(config.http.listen.size(), 2u);
    EXPECT_EQ(config.http.listen[0].to_string(), "0.0.0.0:8080");
    EXPECT_EQ(config.http.listen[1].to_string(), "[::]:8080");
    EXPECT_EQ(config.turn.listen[0].port, 3478);
    EXPECT_EQ(config.turn.ports.low, 49152);
    EXPECT_EQ(config.turn.ports.high, 65535);
    EXPECT_EQ(config.rooms.capacity, 8u);
    EXPECT_TRUE(config.rooms.require_join);
    EXPECT_EQ(config.rooms.register_timeout, 10s);
    EXPECT_EQ(config.ice.credential_lifetime, 24h);
    EXPECT_TRUE(warnings(config).empty());
}

TEST(Config, TheDefaultConfigIsAConfigThatChangesNothing) {
    const Config config = read(default_config());
    EXPECT_EQ(config.turn.listen, Config().turn.listen);
    EXPECT_EQ(config.turn.realm, "ahoy");
}

// Every key, with another value than its default; those that need each other stand together.
const std::vector<std::vector<std::string>> other_values{
    {"server.threads=3"},
    {"server.drain_timeout=1m"},
    {"server.moved_to=wss://other.example.org/v1/ws"},
    {"server.max_connections=3"},
    {"server.address_connections=3"},
    {"server.balancers=[\"192.0.2.0/24\"]"},
    {"log.format=json"},
    {"http.listen=[]"},
    {"http.public_url=https://call.example.org"},
    {"http.trusted_proxies=[\"192.0.2.0/24\"]"},
    {"http.origins=[\"https://call.example.org\"]"},
    {"http.embed_origins=[\"https://shop.example.org\"]"},
    {"tls.listen=[\"192.0.2.1:443\"]"},
    {"tls.certificate=cert.pem", "tls.key=key.pem"},
    {"rooms.capacity=3"},
    {"rooms.max_rooms=3"},
    {"rooms.max_queued_bytes=3"},
    {"rooms.joins_per_minute=3"},
    {"rooms.messages_per_second=3"},
    {"rooms.bytes_per_second=3"},
    {"rooms.room_messages_per_second=3"},
    {"rooms.address_messages_per_second=3"},
    {"rooms.require_join=false"},
    {"rooms.register_timeout=3s"},
    {"rooms.resume_timeout=3s"},
    {"rooms.lobby=true"},
    {"rooms.lifetime=3m"},
    {"rooms.name_secret=0123456789abcdef0123456789abcdef"},
    {"rooms.access=token", "rooms.tokens.jwks=keys.json"},
    {"rooms.tokens.keys={ main = \"0123456789abcdef0123456789abcdef\" }"},
    {"collider.listen=[\"192.0.2.1:8089\"]"},
    {"api.listen=[\"192.0.2.1:8090\"]", "api.keys={ shop = \"0123456789abcdef0123456789abcdef\" }"},
    {"webhooks.url=https://shop.example.org/", "webhooks.secret_file=secret"},
    {"webhooks.secret=0123456789abcdef0123456789abcdef"},
    {"ice.servers=[{ urls = [\"stun:stun.example.org\"] }]"},
    {"ice.credential_lifetime=3m"},
    {"turn.listen=[]"},
    {"turn.tls_listen=[\"192.0.2.1:5349\"]"},
    {"turn.public_host=turn.example.org"},
    {"turn.relay_addresses=[\"192.0.2.1\"]"},
    {"turn.external_addresses=[\"192.0.2.1\"]"},
    {"turn.ports=[50000, 50100]"},
    {"turn.realm=example.org"},
    {"turn.secret=0123456789abcdef0123456789abcdef"},
    {"turn.secret_file=secrets"},
    {"turn.users={ alice = \"wonder\" }"},
    {"turn.user_keys={ bob = \"d18bc266a0640931a539367a522a3fbb\" }"},
    {"turn.database=users.db"},
    {"turn.max_users=3"},
    {"turn.end_revoked=true"},
    {"turn.max_allocations=3"},
    {"turn.max_lifetime=2h"},
    {"turn.permission_lifetime=6m"},
    {"turn.channel_lifetime=11m"},
    {"turn.user_quota=3"},
    {"turn.address_quota=3"},
    {"turn.max_permissions=3"},
    {"turn.user_permissions=3"},
    {"turn.address_permissions=3"},
    {"turn.max_channels=3"},
    {"turn.user_channels=3"},
    {"turn.address_channels=3"},
    {"turn.max_peer_connections=3"},
    {"turn.user_peer_connections=3"},
    {"turn.address_peer_connections=3"},
    {"turn.user_bandwidth=3"},
    {"turn.address_bandwidth=3"},
    {"turn.allocation_bandwidth=3"},
    {"turn.total_bandwidth=3"},
    {"turn.stun_rate=3"},
    {"turn.discovery=[\"192.0.2.1:3478\", \"192.0.2.2:3479\"]"},
    {"turn.classic_stun=true"},
    {"turn.alternates=[\"198.51.100.7:3478\"]"},
    {"turn.tls_alternates=[\"198.51.100.7:5349\"]"},
    {"turn.redirect=always"},
    {"turn.authenticate_binding=true"},
    {"turn.stun_only=true"},
    {"turn.legacy_channels=false"},
    {"turn.tcp_relay=true"},
    {"turn.mobility=true"},
    {"turn.fastpath=off"},
    {"turn.peers.allow=[\"10.0.0.0/8\"]"},
    {"turn.peers.deny=[\"192.0.2.0/24\"]"},
    {"turn.oauth.server_name=turn.example.org",
     "turn.oauth.keys=[{ kid = \"north\", key = \"MTIzNDU2Nzg5MDEyMzQ1Ng==\" }]"},
};

// The keys that `ahoy default-config` has, and whether it says that SIGHUP is enough for them.
std::map<std::string, bool> keys_that_may_change() {
    std::map<std::string, bool> keys;
    std::istringstream lines(default_config());
    std::string section;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with('[')) section = line.substr(1, line.size() - 2);
        const size_t equals = line.find(" = ");
        if (line.starts_with('#') || equals == line.npos) continue;
        keys[section + '.' + line.substr(0, equals)] = line.ends_with(" (SIGHUP)");
    }
    return keys;
}

TEST(Config, AReloadNamesEveryChangedKeyAsAppliedOrAsWaitingForARestart) {
    auto keys = keys_that_may_change();
    ASSERT_FALSE(keys.empty());
    for (const auto& together : other_values) {
        SCOPED_TRACE(together.front());
        std::vector<Setting> settings;
        std::vector<std::string> applied, waiting;
        for (const std::string& text : together) {
            settings.push_back(Setting::parse(text));
            const auto key = keys.extract(settings.back().key);
            ASSERT_FALSE(key.empty()) << text;
            (key.mapped() ? applied : waiting).push_back(key.key());
        }
        const Config wanted = load_config("", settings);
        const Reloaded reloaded = reload_config(Config(), wanted);
        EXPECT_EQ(reloaded.applied, applied);
        EXPECT_EQ(reloaded.waiting, waiting);
        // What was applied is as it is wanted, and what waits is still said to.
        const Reloaded again = reload_config(reloaded.config, wanted);
        EXPECT_THAT(again.applied, IsEmpty());
        EXPECT_EQ(again.waiting, waiting);
        // And nothing that waits has got in.
        EXPECT_THAT(reload_config(reloaded.config, Config()).waiting, IsEmpty());
    }
    for (const auto& [key, may_change] : keys) ADD_FAILURE() << key << " is not in other_values";
}

TEST(Config, AReloadThatGoesWithoutItsRestartIsRefused) {
    const std::string tokens = "[rooms]\naccess = \"token\"\ntokens.jwks = \"keys.json\"\n";
    const auto error =
        refusal([&] { reload_config(set("rooms.require_join=false"), read(tokens)); });
    EXPECT_THAT(error,
                AllOf(HasSubstr("rooms.access: \"token\" needs"),
                      HasSubstr("takes a restart, as do the changes of rooms.require_join")));
}

TEST(Config, ReadsEveryKindOfValue) {
    const Config config = read(R"(
[server]
threads = 2
drain_timeout = "90s"
[turn]
listen = ["192.0.2.1:3478"]
external_addresses = ["203.0.113.5/192.0.2.1"]
ports = [50000, 50100]
users = { alice = "password" }
[turn.peers]
allow = ["10.1.0.0/16"]
[ice]
servers = [{ urls = ["turn:turn.example.org"], username = "bob", credential = "secret" }]
)");
    EXPECT_EQ(config.server.threads, 2u);
    EXPECT_EQ(config.server.drain_timeout, 90s);
    EXPECT_EQ(config.turn.listen.at(0).to_string(), "192.0.2.1:3478");
    EXPECT_EQ(config.turn.external_addresses.at(0).told.to_string(), "203.0.113.5");
    EXPECT_EQ(config.turn.external_addresses.at(0).bound.to_string(), "192.0.2.1");
    EXPECT_EQ(config.turn.ports.high, 50100);
    EXPECT_EQ(config.turn.users.at("alice"), "password");
    EXPECT_EQ(config.turn.peers.allow.at(0).to_string(), "10.1.0.0/16");
    EXPECT_EQ(config.ice.servers.at(0).username, "bob");
}

TEST(Config, AnUnknownKeyIsNamedWithItsLineAndTheNearestKnownOne) {
    const std::string error = refusal([] { read("[turn]\nrealm = \"x\"\nsecrt = \"y\"\n"); });
    EXPECT_THAT(error, AllOf(HasSubstr(":3:"), HasSubstr("turn.secrt"), HasSubstr("turn.secret")));
}

TEST(Config, AKeyInTheWrongSectionIsToldItsSection) {
    EXPECT_THAT(refusal([] { read("[http]\nrealm = \"x\"\n"); }), HasSubstr("is turn.realm"));
}

TEST(Config, TheApiNeedsKeysThatNobodyGuesses) {
    const auto api = [](const std::string& keys) {
        return refusal([&] { read("[api]\nlisten = [\"127.0.0.1:8090\"]\n" + keys); });
    };
    const std::string good(32, 'k');
    EXPECT_EQ(api("keys = { shop = \"" + good + "\" }"), "nothing was refused");
    EXPECT_THAT(api(""), HasSubstr("api.keys: there are none"));
    const std::string secret = "0123456789012345678901234567890";
    EXPECT_THAT(api("keys = { shop = \"" + secret + "\" }"),
                AllOf(HasSubstr("\"shop\" has 31 characters, expected at least 32"),
                      testing::Not(HasSubstr(secret))));
    EXPECT_THAT(api("keys = { shop = \"" + good + " \" }"), HasSubstr("other characters"));
}

TEST(Config, WebhooksNeedAUrlAndASecret) {
    EXPECT_THAT(refusal([] { set("webhooks.url=shop.example.org"); }),
                AllOf(HasSubstr("webhooks.url"), HasSubstr("expected a URL")));
    EXPECT_THAT(refusal([] { set("webhooks.url=https://shop.example.org/"); }),
                AllOf(HasSubstr("webhooks.secret"), HasSubstr("at least 32")));
}

TEST(Config, AMistypedSectionIsExplainedByItsFirstKey) {
    EXPECT_THAT(refusal([] { read("[trun]\nrealm = \"x\"\n"); }), HasSubstr("is turn.realm"));
}

TEST(Config, AWrongValueSaysWhatWasFoundAndWhatWouldBeRight) {
    EXPECT_THAT(refusal([] { read("[server]\nthreads = \"many\"\n"); }),
                AllOf(HasSubstr(":2:"), HasSubstr("server.threads"), HasSubstr("\"many\""),
                      HasSubstr("whole number")));
    EXPECT_THAT(refusal([] { read("[rooms]\nlifetime = \"soon\"\n"); }), HasSubstr("\"24h\""));
    EXPECT_THAT(refusal([] { read("[turn]\nlisten = [\"nowhere\"]\n"); }),
                AllOf(HasSubstr("element 1"), HasSubstr("\"nowhere\""), HasSubstr("0.0.0.0:3478")));
    EXPECT_THAT(refusal([] { read("[turn]\nports = [70000, 1]\n"); }), HasSubstr("[49152, 65535]"));
    EXPECT_THAT(refusal([] { read("[log]\nformat = \"xml\"\n"); }), HasSubstr("\"json\""));
    EXPECT_THAT(refusal([] { read("[turn.peers]\nallow = [\"10.1.2.3/8\"]\n"); }),
                HasSubstr("10.0.0.0/8"));
}

TEST(Config, BrokenTomlIsNamedWithItsLine) {
    EXPECT_THAT(refusal([] { read("[turn]\nrealm = \n"); }), HasSubstr("ahoy_config_test.toml:2"));
}

TEST(Config, AMissingFileIsNamed) {
    EXPECT_THAT(refusal([] { load_config("missing.toml", {}); }),
                AllOf(HasSubstr("missing.toml"), HasSubstr("No such file")));
}

TEST(Config, AFolderIsNotAnEmptyConfiguration) {
    EXPECT_THAT(refusal([] { load_config(testing::TempDir(), {}); }), HasSubstr("Is a directory"));
}

TEST(Config, SettingsTakeBareWordsForStringsAndTomlForTheRest) {
    EXPECT_EQ(set("turn.realm=example.org").turn.realm, "example.org");
    EXPECT_EQ(set("turn.realm=\"example.org\"").turn.realm, "example.org");
    EXPECT_THAT(set("turn.secret=123456").turn.secret.all, ElementsAre("123456"));
    EXPECT_EQ(set("rooms.register_timeout=3s").rooms.register_timeout, 3s);
    EXPECT_EQ(set("server.threads=3").server.threads, 3u);
    EXPECT_EQ(set("turn.peers.allow=[\"10.0.0.0/8\"]").turn.peers.allow.size(), 1u);
    EXPECT_EQ(set("turn.fastpath=off").turn.fastpath, FastPath::off);
    EXPECT_EQ(set("turn.fastpath=on").turn.fastpath, FastPath::on);
}

TEST(Config, ASecretMayBeSeveralAndIsNotShown) {
    EXPECT_THAT(Config().turn.secret.all, IsEmpty());
    EXPECT_THAT(set("turn.secret=north").turn.secret.all, ElementsAre("north"));
    EXPECT_THAT(set("turn.secret=[\"north\", \"south\"]").turn.secret.all,
                ElementsAre("north", "south"));
    EXPECT_EQ(warnings(set("turn.secret=[\"0123456789abcdef0123456789abcdef\", \"short\"]")).size(),
              1u);
    for (const char* wrong : {"[]", "[\"north\", \"\"]", "[\"north\", 5]", "[[\"north\"]]"}) {
        const auto text = refusal([&] { set(fmt::format("turn.secret={}", wrong)); });
        EXPECT_THAT(text, HasSubstr("expected a string in quotes, or an array of them")) << wrong;
        EXPECT_THAT(text, testing::Not(HasSubstr("north")));
    }
    EXPECT_THAT(refusal([] { set(R"(turn.secret=["a", "b", "c", "d", "e"])"); }),
                HasSubstr("turn.secret: has 5 secrets, expected at most 4"));
}

TEST(Config, SettingsAreRefusedLikeFiles) {
    EXPECT_THAT(refusal([] { set("turn.relm=x"); }), HasSubstr("is turn.realm"));
    EXPECT_THAT(refusal([] { set("server.threads=many"); }), HasSubstr("whole number"));
    EXPECT_THAT(refusal([] { set("nonsense"); }), HasSubstr("section.key=value"));
}

TEST(Config, AnEmptyFileIsTheDefaults) {
    EXPECT_EQ(read("").turn.realm, "ahoy");
}

TEST(Config, DurationsDoNotOverflow) {
    EXPECT_EQ(set("rooms.lifetime=3650d").rooms.lifetime, 3650 * 24h);
    EXPECT_THAT(refusal([] { set("rooms.lifetime=150000d"); }), HasSubstr("a duration such as"));
    EXPECT_THAT(refusal([] { set("rooms.lifetime=9223372036854775807d"); }),
                HasSubstr("a duration"));
}

TEST(Config, NoLifetimeIsShorterThanASecond) {
    EXPECT_EQ(set("turn.channel_lifetime=1s").turn.channel_lifetime, 1s);
    for (const char* key : {"max_lifetime", "permission_lifetime", "channel_lifetime"}) {
        EXPECT_THAT(refusal([&] { set(fmt::format("turn.{}=999ms", key)); }),
                    AllOf(HasSubstr(key), HasSubstr("at least \"1s\"")));
    }
}

TEST(Config, KeysThatContradictEachOtherAreRefused) {
    EXPECT_THAT(refusal([] { read("[tls]\ncertificate = \"a.pem\"\n"); }), HasSubstr("both"));
    EXPECT_THAT(refusal([] { read("[turn]\nsecret = \"a\"\nsecret_file = \"b\"\n"); }),
                HasSubstr("set one of them"));
    EXPECT_THAT(refusal([] { set("rooms.capacity=1"); }), HasSubstr("expected 2 to 64"));
    EXPECT_THAT(refusal([] { read("[turn]\nclassic_stun = true\nauthenticate_binding = true\n"); }),
                HasSubstr("set one of them"));
    EXPECT_THAT(refusal([] { set("http.public_url=call.example.org"); }), HasSubstr("https://"));
}

TEST(Config, AnOriginIsWrittenAsBrowsersDo) {
    for (const std::string key : {"http.origins", "http.embed_origins"}) {
        for (const std::string origin :
             {"call.example.org", "https://", "https://call.example.org/", "https://*.example.org",
              "https://Call.example.org", "https://call.example.org:443", "http://example.org:80",
              "https://call.example.org; script-src *", "https://a.example.org,b", "'self'", "*",
              "null", "ftp://example.org"}) {
            EXPECT_THAT(refusal([&] { set(key + "=[\"" + origin + "\"]"); }),
                        HasSubstr(key + ": found \"" + origin));
        }
        set(key + "=[\"http://localhost:5173\", \"https://[2001:db8::1]\"]");
    }
}

TEST(Config, WarnsOfASecretThatCanBeGuessedAndOfAnOpenRelay) {
    EXPECT_EQ(warnings(set("turn.secret=short")).size(), 1u);
    EXPECT_EQ(warnings(set("turn.peers.allow=[\"0.0.0.0/0\"]")).size(), 1u);
}

TEST(Config, WarnsOfLifetimesThatClientsDoNotCountOn) {
    EXPECT_EQ(warnings(set("turn.permission_lifetime=299s")).size(), 1u);
    EXPECT_EQ(warnings(set("turn.channel_lifetime=599s")).size(), 1u);
    EXPECT_TRUE(warnings(set("turn.permission_lifetime=300s")).empty());
    EXPECT_TRUE(warnings(set("turn.max_lifetime=10m")).empty());
}

TEST(Config, D24_WhatIsHashedIsAnOpaqueString) {
    EXPECT_THAT(refusal([] { set("turn.realm=\"a\\tb\""); }), HasSubstr("turn.realm"));
    EXPECT_THAT(refusal([] { set("turn.users={ alice = \"a\\nb\" }"); }),
                HasSubstr("control characters"));
    EXPECT_EQ(set("turn.realm=\"caf\u00e9\"").turn.realm, "caf\xc3\xa9");
}

TEST(Config, F24_Quotas) {
    EXPECT_EQ(Config().turn.user_quota, 256u);
    EXPECT_EQ(Config().turn.address_quota, 4096u);
    EXPECT_EQ(set("turn.address_quota=0").turn.address_quota, 0u);
    EXPECT_EQ(set("turn.user_permissions=9").turn.user_permissions, 9u);
    EXPECT_EQ(set("turn.max_channels=9").turn.max_channels, 9u);
    EXPECT_EQ(set("turn.address_peer_connections=9").turn.address_peer_connections, 9u);
    EXPECT_EQ(Config().turn.stun_rate, 10'000u);
    EXPECT_EQ(set("turn.stun_rate=50").turn.stun_rate, 50u);
}

TEST(Config, E03_AnAlternateForTlsMayHaveAName) {
    const Config config =
        set("turn.tls_alternates=[\"198.51.100.7:5349/turn2.example.org\", \"[2001:db8::7]:443\"]");
    EXPECT_EQ(config.turn.tls_alternates.at(0).address.to_string(), "198.51.100.7:5349");
    EXPECT_EQ(config.turn.tls_alternates.at(0).domain, "turn2.example.org");
    EXPECT_EQ(config.turn.tls_alternates.at(1).domain, "");
    const std::string long_name(300, 'a');
    for (const std::string& wrong :
         std::vector<std::string>{"198.51.100.7", "198.51.100.7:5349/", "198.51.100.7:1/a b",
                                  "turn2.example.org:5349", "198.51.100.7:1/" + long_name}) {
        EXPECT_THAT(refusal([&] { set("turn.tls_alternates=[\"" + wrong + "\"]"); }),
                    HasSubstr("/turn2.example.org"))
            << wrong;
    }
    EXPECT_EQ(Config().turn.redirect, turn::Redirect::full);
    EXPECT_EQ(set("turn.redirect=always").turn.redirect, turn::Redirect::always);
}

TEST(Config, N01_DiscoveryIsTwoIpsAndTwoPorts) {
    EXPECT_EQ(set("turn.discovery=[\"192.0.2.1:3478\", \"192.0.2.2:3479\"]").turn.discovery.size(),
              2u);
    set("turn.discovery=[\"192.0.2.1:3478\", \"192.0.2.2:3479\", \"[2001:db8::1]:3478\", "
        "\"[2001:db8::2]:3479\"]");
    for (const std::string wrong :
         {R"("192.0.2.1:3478")", R"("192.0.2.1:3478", "192.0.2.1:3479")",
          R"("192.0.2.1:3478", "192.0.2.2:3478")", R"("0.0.0.0:3478", "192.0.2.2:3479")",
          R"("192.0.2.1:3478", "192.0.2.2:0")", R"("192.0.2.1:3478", "[2001:db8::2]:3479")"}) {
        EXPECT_THAT(refusal([&] { set("turn.discovery=[" + wrong + "]"); }),
                    HasSubstr("two IP addresses with two ports"))
            << wrong;
    }
}

TEST(Config, F37_BandwidthIsNotLimitedByDefault) {
    EXPECT_EQ(Config().turn.allocation_bandwidth, 0u);
    EXPECT_EQ(Config().turn.user_bandwidth, 0u);
    EXPECT_EQ(Config().turn.address_bandwidth, 0u);
    EXPECT_EQ(Config().turn.total_bandwidth, 0u);
    EXPECT_EQ(set("turn.user_bandwidth=500000").turn.user_bandwidth, 500'000u);
    EXPECT_EQ(set("turn.allocation_bandwidth=250000").turn.allocation_bandwidth, 250'000u);
}

TEST(Config, D34_KeysOfAuthorizationServers) {
    const auto keys = read(R"([turn.oauth]
server_name = "turn.example.org"
keys = [
    { kid = "north", key = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=" },
    { kid = "south", key = "MTIzNDU2Nzg5MDEyMzQ1Ng==", from = 2023-11-14T22:13:20Z, until = 2023-11-15T00:13:20+01:00 },
]
)")
                          .turn.oauth.keys;
    ASSERT_EQ(keys.size(), 2u);
    EXPECT_EQ(keys[0].kid, "north");
    EXPECT_EQ(as_text(keys[0].key), "12345678901234567890123456789012");
    EXPECT_EQ(keys[0].from, WallTime::min());
    EXPECT_EQ(keys[0].until, WallTime::max());
    EXPECT_EQ(as_text(keys[1].key), "1234567890123456");
    EXPECT_EQ(keys[1].from, WallTime(1'700'000'000s));
    EXPECT_EQ(keys[1].until, WallTime(1'700'003'600s));
}

TEST(Config, D34_AWrongKeyOfAnAuthorizationServerIsRefusedAndNotShown) {
    for (const char* wrong :
         {R"({ kid = "north" })", R"({ key = "MTIzNDU2Nzg5MDEyMzQ1Ng==" })",
          R"({ kid = "", key = "MTIzNDU2Nzg5MDEyMzQ1Ng==" })",
          R"({ kid = "north", key = "MTIzNDU2Nzg5MDEyMzQ1Njc=" })",
          R"({ kid = "north", key = "MTIz-secret" })",
          R"({ kid = "north", key = "MTIzNDU2Nzg5MDEyMzQ1Ng==", until = "tomorrow" })",
          R"({ kid = "north", key = "MTIzNDU2Nzg5MDEyMzQ1Ng==", until = 2030-01-01 })",
          R"({ kid = "north", key = "MTIzNDU2Nzg5MDEyMzQ1Ng==", alg = "A128GCM" })"}) {
        const auto text = refusal(
            [&] { read(fmt::format("[turn.oauth]\nserver_name = \"a\"\nkeys = [{}]\n", wrong)); });
        EXPECT_THAT(text, HasSubstr("base64 of 16 or 32 bytes")) << wrong;
        EXPECT_THAT(text, testing::Not(HasSubstr("MTIz")));
    }
    EXPECT_THAT(
        refusal([] {
            set("turn.oauth.keys=[{ kid = \"north\", key = \"MTIzNDU2Nzg5MDEyMzQ1Ng==\" }]");
        }),
        HasSubstr("turn.oauth.server_name"));
}

TEST(Config, KeysOfUsersAreMd5InHexadecimal) {
    const Config config = set("turn.user_keys={ bob = \"d18bc266a0640931a539367a522a3fbb\" }");
    EXPECT_EQ(config.turn.user_keys.at("bob")[0], 0xd1);
    for (const char* wrong : {"\"\"", "\"wonder\"", "7", "\"d18bc266a0640931a539367a522a3fb\"",
                              "\"-18bc266a0640931a539367a522a3fbb\""}) {
        const auto text =
            refusal([&] { set(fmt::format("turn.user_keys={{ bob = {} }}", wrong)); });
        EXPECT_THAT(text, HasSubstr("32 hexadecimal digits")) << wrong;
        EXPECT_THAT(text, testing::Not(HasSubstr("wonder")));
    }
}

TEST(Config, RoomsForWhoHasAToken) {
    EXPECT_EQ(Config().rooms.access, RoomAccess::open);
    const std::string secret(32, 's');
    const Config config = read("[rooms]\naccess = \"token\"\n[rooms.tokens]\nkeys = { main = \"" +
                               secret + "\" }\njwks = \"keys.json\"\n");
    EXPECT_EQ(config.rooms.access, RoomAccess::token);
    EXPECT_EQ(config.rooms.tokens.keys.at("main"), secret);
    EXPECT_EQ(config.rooms.tokens.jwks, "keys.json");
    EXPECT_TRUE(warnings(config).empty());
    EXPECT_THAT(warnings(set("rooms.tokens.jwks=keys.json")).at(0), HasSubstr("nobody needs"));
}

TEST(Config, ATokensSecretThatCanBeGuessedIsRefusedAndNotShown) {
    const auto error = refusal([] { set("rooms.tokens.keys={ main = \"open sesame\" }"); });
    EXPECT_THAT(error, AllOf(HasSubstr("rooms.tokens.keys: the secret of \"main\" has 11 bytes"),
                             HasSubstr("at least 32"), testing::Not(HasSubstr("sesame"))));
}

TEST(Config, TokensNeedKeysAndCannotBeWalkedAround) {
    EXPECT_THAT(refusal([] { set("rooms.access=token"); }),
                AllOf(HasSubstr("rooms.access"), HasSubstr("needs keys")));
    EXPECT_THAT(refusal([] { set("rooms.access=members"); }), HasSubstr("\"open\", \"token\""));
    EXPECT_THAT(refusal([] {
                    read(
                        "[rooms]\naccess = \"token\"\nrequire_join = false\n"
                        "tokens.jwks = \"keys.json\"\n");
                }),
                HasSubstr("rooms.require_join = true"));
}

}  // namespace
}  // namespace ahoy::app
