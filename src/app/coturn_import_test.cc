#include "app/coturn_import.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "app/config.h"
#include "app/coturn_options.h"

namespace ahoy::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

CoturnImport imports(std::string_view text) {
    return import_coturn_text(text, "turnserver.conf");
}

// What the server makes of it.
Config loads(const CoturnImport& imported) {
    const std::string file = testing::TempDir() + "ahoy_coturn_import_test.toml";
    std::ofstream(file) << imported.toml;
    const Config config = load_config(file, {});
    std::filesystem::remove(file);
    return config;
}

constexpr std::string_view with_users = "lt-cred-mech\nrealm=example.org\nuser=alice:wonder\n";

std::string with(std::string_view lines) {
    return std::string(with_users) + std::string(lines);
}

TEST(CoturnImport, AWholeConfiguration) {
    const auto imported = imports(R"(# Coturn TURN SERVER configuration file
listening-port=3479
tls-listening-port=5350
listening-ip=192.0.2.10
listening-ip=2001:db8::10
aux-server=192.0.2.10:443
relay-ip=192.0.2.11
external-ip=198.51.100.7/192.0.2.11
relay-threads=4
min-port=50000
max-port=59999
verbose
fingerprint
lt-cred-mech
realm=example.org
user=alice:wonder "land"
user=bob:0xd18bc266a0640931a539367a522a3fbb
  user = carol:first
user=carol:last
user-quota=12
total-quota=1200
max-bps=64000
bps-capacity=64000000
no-tcp-relay
stale-nonce=600
cert=/etc/coturn/cert.pem
pkey=/etc/coturn/key.pem
pkey-pwd=hush
cipher-list="DEFAULT"
no-tlsv1
no-tlsv1_1
no-multicast-peers
denied-peer-ip=192.0.2.0-192.0.2.255
denied-peer-ip=198.51.100.1-198.51.100.2
allowed-peer-ip=10.0.0.1
secure-stun
syslog
pidfile="/var/run/turnserver.pid"
proc-user=turnserver
no-cli
web-admin=off
prometheus
mobility=0
frobnicate=1
)");
    EXPECT_EQ(
        imported.toml,
        R"(# Made of turnserver.conf by `ahoy import`.  `ahoy default-config` has every key and its meaning.
#
# Private and other special addresses are not relayed to unless turn.peers.allow has
# them; coturn relayed to all but those that it was told not to.
#
# Not carried over:
#   turnserver.conf:12: verbose: the log has one line for each life event
#   turnserver.conf:13: fingerprint: an answer has a fingerprint if its request has
#   turnserver.conf:28: pkey-pwd: changes: keys are not decrypted: `openssl pkey` takes the password off
#   turnserver.conf:37: syslog: the log is on stderr; the service manager takes it to the journal
#   turnserver.conf:38: pidfile: the service manager knows the process
#   turnserver.conf:39: proc-user: changes: it stays the user it is started as: let the service manager choose
#   turnserver.conf:42: prometheus: /metrics is on http.listen
#   turnserver.conf:44: frobnicate: changes: is no option that is known here
#   turnserver.conf:23: bps-capacity: changes: it bounds what is relayed; coturn refused sessions that might exceed it together
#
# So without a key:
#   line 30: no-tlsv1: TLS begins with 1.2
#   line 31: no-tlsv1_1: TLS begins with 1.2
#   line 32: no-multicast-peers: multicast is never relayed to
#   line 40: no-cli: there is no such port

[server]
threads = 4

[http]
listen = ["127.0.0.1:8080"]         # coturn had no web page: /metrics and ours are for this machine only

[tls]
certificate = "/etc/coturn/cert.pem"
key = "/etc/coturn/key.pem"

[turn]
listen = ["192.0.2.10:3479", "[2001:db8::10]:3479", "192.0.2.10:443"]
tls_listen = ["192.0.2.10:5350", "[2001:db8::10]:5350"]
relay_addresses = ["192.0.2.11"]
external_addresses = ["198.51.100.7/192.0.2.11"]
ports = [50000, 59999]
realm = "example.org"
max_allocations = 1200
allocation_bandwidth = 64000
total_bandwidth = 64000000
user_quota = 12
tcp_relay = false
authenticate_binding = true

[turn.users]
"alice" = "wonder \"land"
"carol" = "last"

[turn.user_keys]
"bob" = "d18bc266a0640931a539367a522a3fbb"

[turn.peers]
allow = ["10.0.0.1/32"]
deny = ["192.0.2.0/24", "198.51.100.1/32", "198.51.100.2/32"]
)");
    EXPECT_TRUE(imported.changes_behaviour);
    EXPECT_EQ(imported.remarks.size(), 9u);
    const Config config = loads(imported);
    EXPECT_EQ(config.turn.users.at("alice"), "wonder \"land");
    EXPECT_EQ(config.turn.user_keys.at("bob"), md5_from_hex("d18bc266a0640931a539367a522a3fbb"));
    EXPECT_EQ(config.turn.listen.size(), 3u);
    EXPECT_EQ(config.turn.ports.low, 50000);
}

TEST(CoturnImport, NothingIsSaidWhereNothingIsMissing) {
    const auto imported = imports(
        "use-auth-secret\nstatic-auth-secret=0123456789abcdef0123456789abcdef\n"
        "realm=example.org\nno-tls\nno-dtls\ncert=/x\npkey=/y\nmax-bps=0\nsecure-stun=no\n"
        "rest-api-separator=:\nallocation-default-address-family=\"ipv4\"\n");
    EXPECT_THAT(imported.remarks, IsEmpty());
    EXPECT_FALSE(imported.changes_behaviour);
    const Config config = loads(imported);
    EXPECT_THAT(config.turn.secret.all, ElementsAre("0123456789abcdef0123456789abcdef"));
    EXPECT_EQ(config.turn.user_quota, 0u);
    EXPECT_TRUE(config.turn.tcp_relay);  // as coturn without no-tcp-relay
    EXPECT_THAT(config.turn.tls_listen, IsEmpty());
    EXPECT_EQ(config.tls.certificate, "");
    ASSERT_EQ(config.http.listen.size(), 1u);
    EXPECT_TRUE(config.http.listen[0].ip.is_loopback());  // the page would hand out credentials
}

TEST(CoturnImport, LifetimesAreCarriedOver) {
    const auto imported = imports(
        with("max-allocate-lifetime=7200\nchannel-lifetime=900\npermission-lifetime=240\n"));
    EXPECT_THAT(imported.remarks, IsEmpty());
    const Config config = loads(imported);
    EXPECT_EQ(config.turn.max_lifetime, 2h);
    EXPECT_EQ(config.turn.channel_lifetime, 15min);
    EXPECT_EQ(config.turn.permission_lifetime, 4min);
}

TEST(CoturnImport, E01_AlternateServersWereForEverybody) {
    const auto imported =
        imports(with("alternate-server=198.51.100.7\nalternate-server=198.51.100.8:3479\n"
                     "alternate-server=[2001:db8::7]:3478\ntls-alternate-server=198.51.100.7\n"));
    EXPECT_THAT(imported.remarks, IsEmpty());
    const Config config = loads(imported);
    ASSERT_EQ(config.turn.alternates.size(), 3u);
    EXPECT_EQ(config.turn.alternates[0].to_string(), "198.51.100.7:3478");
    EXPECT_EQ(config.turn.alternates[1].to_string(), "198.51.100.8:3479");
    ASSERT_EQ(config.turn.tls_alternates.size(), 1u);
    EXPECT_EQ(config.turn.tls_alternates[0].address.to_string(), "198.51.100.7:5349");
    EXPECT_EQ(config.turn.redirect, turn::Redirect::always);
}

TEST(CoturnImport, N01_Rfc5780TakesTwoAddresses) {
    const auto discovery = [](std::string_view lines) {
        return loads(imports(with(lines))).turn.discovery;
    };
    const std::string two = "listening-ip=192.0.2.1\nlistening-ip=192.0.2.2\n";
    ASSERT_EQ(discovery(two + "rfc5780\n").size(), 2u);
    EXPECT_EQ(discovery(two + "rfc5780\n")[0].to_string(), "192.0.2.1:3478");
    EXPECT_EQ(discovery(two + "rfc5780\n")[1].to_string(), "192.0.2.2:3479");
    EXPECT_EQ(discovery(two + "rfc5780\nalt-listening-port=4000\n")[1].port, 4000);
    EXPECT_EQ(discovery(two + "rfc5780\nalt-listening-port=0\n")[1].port, 3479);
    EXPECT_THAT(discovery(two), IsEmpty());
    EXPECT_THAT(discovery(two + "rfc5780\nno-rfc5780\n"), IsEmpty());
    const auto one = imports(with("listening-ip=192.0.2.1\nrfc5780\n"));
    EXPECT_THAT(one.remarks, ElementsAre(HasSubstr("needs two addresses")));
    const auto three = imports(with(two + "listening-ip=192.0.2.3\nrfc5780\n"));
    EXPECT_THAT(three.remarks, ElementsAre(HasSubstr("two addresses of a family")));
}

TEST(CoturnImport, B04_ClassicStunIsCarriedOverUnlessBindingIsAuthenticated) {
    for (const std::string option : {"rfc3489-compatibility", "stun-backward-compatibility"}) {
        EXPECT_TRUE(loads(imports(with(option))).turn.classic_stun);
        const auto secured = imports(with(option + "\nsecure-stun"));
        EXPECT_FALSE(loads(secured).turn.classic_stun);
        EXPECT_THAT(secured.remarks, ElementsAre(HasSubstr("cannot be authenticated")));
    }
}

TEST(CoturnImport, SeveralSecretsAreAllAcceptedUpToFour) {
    const auto secrets = [](const CoturnImport& imported) {
        return loads(imported).turn.secret.all;
    };
    const std::string several =
        "realm=x\nstatic-auth-secret=north\nstatic-auth-secret=east\nstatic-auth-secret=north\n"
        "static-auth-secret=south\nstatic-auth-secret=west\n";
    const auto four = imports(several);
    EXPECT_THAT(secrets(four), ElementsAre("north", "east", "south", "west"));
    EXPECT_THAT(four.remarks, IsEmpty());
    const auto five = imports(several + "static-auth-secret=up\n");
    EXPECT_THAT(secrets(five), ElementsAre("north", "east", "south", "west"));
    EXPECT_THAT(five.remarks, ElementsAre(HasSubstr(":7: static-auth-secret: changes: a server")));
    EXPECT_THAT(imports("realm=x\nstatic-auth-secret=\n").remarks,
                ElementsAre(HasSubstr(":2: static-auth-secret: changes: is empty")));
}

TEST(CoturnImport, StunOnlyRelaysForNobody) {
    for (const char* text : {"stun-only\n", "stun-only\nno-auth\n", "stun-only\ntotal-quota=5\n",
                             "stun-only\nlt-cred-mech\nrealm=x\nuser=alice:wonder\n"}) {
        const auto imported = imports(text);
        EXPECT_TRUE(loads(imported).turn.stun_only) << text;
        EXPECT_FALSE(imported.changes_behaviour) << text;
    }
    EXPECT_FALSE(loads(imports(with("stun-only=off\n"))).turn.stun_only);
}

TEST(CoturnImport, UsersBesideASecretCountedForNothing) {
    const auto imported = imports("static-auth-secret=north\nrealm=x\nuser=alice:wonder\n");
    EXPECT_THAT(imported.remarks, ElementsAre(HasSubstr(":3: user: coturn takes no users")));
    EXPECT_FALSE(imported.changes_behaviour);
    EXPECT_THAT(loads(imported).turn.users, IsEmpty());
}

TEST(CoturnImport, WhoMayRelayIsNeverLeftOpen) {
    for (const char* text : {"", "no-auth\n", "lt-cred-mech\nrealm=x\n", "use-auth-secret\n",
                             "psql-userdb=\"host=db\"\nlt-cred-mech\n"}) {
        EXPECT_TRUE(imports(text).changes_behaviour) << text;
        loads(imports(text));
    }
    const auto database = imports("lt-cred-mech\nrealm=example.org\ndb=/var/lib/turn/turndb\n");
    EXPECT_EQ(loads(database).turn.database, "/var/lib/turn/turndb");
    EXPECT_THAT(database.remarks, ElementsAre(HasSubstr("coturn took only the users")));
    EXPECT_THAT(imports("static-auth-secret=north\nrealm=x\ndb=/var/lib/turn/turndb\n").remarks,
                ElementsAre(HasSubstr("coturn took only the secrets"),
                            HasSubstr(":1: static-auth-secret: changes: counts in turn.realm")));
    EXPECT_THAT(imports("user=bob:0xd18bc266a0640931a539367a522a3fbb\n").remarks,
                ElementsAre(HasSubstr("there is no realm")));
}

TEST(CoturnImport, WhatIsWrongIsLeftOutAndSaid) {
    for (const char* line : {"listening-ip=eth0",
                             "listening-port=0",
                             "listening-port=66666",
                             "relay-ip=x",
                             "external-ip=example.org",
                             "min-port=80",
                             "min-port=60000\nmax-port=50000",
                             "relay-threads=x",
                             "relay-threads=4096",
                             "user=nobody",
                             "user=:x",
                             "user=x:",
                             "user=bob:0x12",
                             "total-quota=x",
                             "user-quota=x",
                             "max-allocate-lifetime=x",
                             "permission-lifetime=0",
                             "denied-peer-ip=192.0.2.9-192.0.2.1",
                             "allowed-peer-ip=everybody",
                             "aux-server=192.0.2.1",
                             "alternate-server=turn2.example.org",
                             "tls-alternate-server=198.51.100.7:x",
                             "udp-alternate-server=198.51.100.7",
                             "cert=/x",
                             "cert=a\npkey=/b"}) {
        const auto imported = imports(with(line));
        EXPECT_TRUE(imported.changes_behaviour) << line;
        EXPECT_FALSE(imported.remarks.empty()) << line;
        loads(imported);
    }
    EXPECT_TRUE(imports(fmt::format("realm={:x>200}", "")).changes_behaviour);
}

TEST(CoturnImport, NoRemarkTellsASecret) {
    const auto imported = imports(
        "pkey-pwd=hush\ncli-password=hush\nmysql-userdb=\"password=hush\"\nuser=hush\n"
        "static-auth-secret=a\nstatic-auth-secret=b\nstatic-auth-secret=c\n"
        "static-auth-secret=d\nstatic-auth-secret=hush\n");
    EXPECT_THAT(imported.toml, Not(HasSubstr("hush")));
    for (const auto& remark : imported.remarks) EXPECT_THAT(remark, Not(HasSubstr("hush")));
}

TEST(CoturnImport, D34_ThirdPartyAuthorization) {
    const auto named = imports(with("oauth\nserver-name=turn.example.org\nuserdb=/var/db\n"));
    EXPECT_EQ(loads(named).turn.oauth.server_name, "turn.example.org");
    const auto unnamed = imports(with("oauth\n"));
    EXPECT_EQ(loads(unnamed).turn.oauth.server_name, "example.org");
    EXPECT_THAT(unnamed.remarks, ElementsAre(HasSubstr("turn.oauth.keys")));
    EXPECT_EQ(loads(imports(with("oauth=no\nserver-name=x\n"))).turn.oauth.server_name, "");
    EXPECT_TRUE(imports("oauth\nlt-cred-mech\nuser=alice:wonder\n").changes_behaviour);
}

TEST(CoturnImport, LongerBlocksAndDenyWinHere) {
    const auto imported =
        imports(with("allowed-peer-ip=10.0.0.0-10.255.255.255\ndenied-peer-ip=10.1.0.0/16\n"));
    EXPECT_THAT(imported.remarks, ElementsAre(HasSubstr("10.1.0.0/16 is denied although")));
    EXPECT_THAT(imports(with("denied-peer-ip=10.0.0.0/8\nallowed-peer-ip=10.0.0.1\n")).remarks,
                IsEmpty());
}

TEST(CoturnImport, DenyingTheMappedFormDeniesNoIpv4Address) {
    const auto imported =
        imports(with("denied-peer-ip=::ffff:0.0.0.0-::ffff:255.255.255.255\n"
                     "denied-peer-ip=10.0.0.0-10.255.255.255\n"));
    EXPECT_FALSE(imported.changes_behaviour);
    EXPECT_THAT(imported.remarks, ElementsAre(HasSubstr("judged as the IPv4 address it is")));
    EXPECT_THAT(loads(imported).turn.peers.deny, ElementsAre(*Prefix::parse("10.0.0.0/8")));
}

TEST(CoturnImport, EveryOptionIsValidWhateverItsValue) {
    for (const CoturnOption& option : coturn_options()) {
        for (const char* value : {"", "=1", "=off", "=\"", "=\\\"\x01", "=192.0.2.1", "=a:b"}) {
            SCOPED_TRACE(fmt::format("{}{}", option.name, value));
            loads(imports(with(fmt::format("{}{}\n", option.name, value))));
        }
    }
}

TEST(CoturnImport, EveryOptionThatIsCarriedOverMakesADifference) {
    const std::vector<std::string> contexts{
        "",
        std::string(with_users),
        "static-auth-secret=north\n",
        "cert=/x\n",
        "pkey=/x\n",
        "cert=/x\npkey=/y\n",
        "oauth\n",
        "rfc5780\nlistening-ip=192.0.2.1\nlistening-ip=192.0.2.2\n"};
    const auto result_of = [](const std::string& text) {
        const auto imported = imports(text);
        return std::pair(imported.toml, imported.remarks);
    };
    for (const CoturnOption& option : coturn_options()) {
        if (option.fate != Fate::carried) continue;
        bool differs = false;
        for (const std::string& context : contexts) {
            for (const char* value :
                 {"", "=2", "=50000", "=/z", "=a:b", "=192.0.2.9", "=192.0.2.9:5000"}) {
                differs |= result_of(context) !=
                           result_of(fmt::format("{}{}{}\n", context, option.name, value));
            }
        }
        EXPECT_TRUE(differs) << option.name;
    }
}

TEST(CoturnOptions, AreSortedAndExplained) {
    const auto options = coturn_options();
    EXPECT_TRUE(std::ranges::is_sorted(options, {}, &CoturnOption::name));
    for (const CoturnOption& option : options) {
        EXPECT_EQ(find_coturn_option(option.name), &option);
        EXPECT_EQ(option.why.empty(), option.fate == Fate::carried) << option.name;
    }
    EXPECT_EQ(find_coturn_option("listening"), nullptr);
}

}  // namespace
}  // namespace ahoy::app
