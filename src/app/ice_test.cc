#include "app/ice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crypto.h"

namespace ahoy::app {
namespace {

using testing::ElementsAre;

constexpr Now now{Instant{}, WallTime(1'000'000s)};

IceServers servers(std::string public_host = "") {
    return {{.extra = {{{"stun:stun.example.org"}, "", ""}},
             .public_host = std::move(public_host),
             .ports = {.udp = {3478}, .tcp = {3478}, .tls = {443}},
             .lifetime = 1h,
             .secret = "secret"},
            Random::from_number(1)};
}

TEST(IceServers, OurOwnComeFirstOnTheHostTheClientReached) {
    const auto config = servers().make(now, "call.example.org");
    ASSERT_EQ(config.servers.size(), 3u);
    EXPECT_THAT(config.servers[0].urls, ElementsAre("stun:call.example.org:3478"));
    EXPECT_THAT(config.servers[1].urls, ElementsAre("turn:call.example.org:3478?transport=udp",
                                                    "turn:call.example.org:3478?transport=tcp",
                                                    "turns:call.example.org:443?transport=tcp"));
    EXPECT_THAT(config.servers[2].urls, ElementsAre("stun:stun.example.org"));
    EXPECT_EQ(config.lifetime, 3600s);
}

TEST(IceServers, CredentialsExpireAndAreProvenByTheSecret) {
    auto ice = servers();
    const auto first = ice.make(now, "example.org").servers[1];
    const auto second = ice.make(now, "example.org").servers[1];
    EXPECT_TRUE(first.username.starts_with("1003600:"));
    EXPECT_NE(first.username, second.username);
    EXPECT_EQ(first.credential, base64(hmac_sha1(as_bytes("secret"), {as_bytes(first.username)})));
}

TEST(IceServers, HostsAreWrittenAsUrlsWantThem) {
    EXPECT_THAT(servers().make(now, "2001:db8::1").servers[0].urls,
                ElementsAre("stun:[2001:db8::1]:3478"));
    EXPECT_THAT(servers().make(now, "[2001:db8::1]").servers[0].urls,
                ElementsAre("stun:[2001:db8::1]:3478"));  // as it comes from a configuration
    EXPECT_THAT(servers().make(now, "call_server").servers[0].urls,
                ElementsAre("stun:call_server:3478"));
    EXPECT_THAT(servers().make(now, "localhost").servers[0].urls,
                ElementsAre("stun:127.0.0.1:3478"));
    EXPECT_THAT(servers("turn.example.org").make(now, "call.example.org").servers[0].urls,
                ElementsAre("stun:turn.example.org:3478"));
}

TEST(IceServers, B03_NoStunUrlsWhereBindingNeedsACredential) {
    auto ice = servers();
    ice.set_ports({.udp = {3478}, .tcp = {3478}, .tls = {}, .stun = false});
    EXPECT_THAT(
        ice.make(now, "example.org").servers[0].urls,
        ElementsAre("turn:example.org:3478?transport=udp", "turn:example.org:3478?transport=tcp"));
}

TEST(IceServers, AHostThatIsNoneGetsOnlyWhatTheConfigurationAdds) {
    EXPECT_EQ(servers().make(now, "a\"b").servers.size(), 1u);
    EXPECT_EQ(servers().make(now, "").servers.size(), 1u);
    EXPECT_EQ(servers().make(now, "[").servers.size(), 1u);
}

TEST(IceServers, NoCredentialsWhereNobodyRelays) {
    auto ice = servers();
    ice.set_ports({.udp = {3478}, .tcp = {3478}, .tls = {443}, .turn = false});
    const auto config = ice.make(now, "call.example.org");
    ASSERT_EQ(config.servers.size(), 2u);
    EXPECT_THAT(config.servers[0].urls, ElementsAre("stun:call.example.org:3478"));
    EXPECT_EQ(config.servers[0].credential, "");
}

}  // namespace
}  // namespace ahoy::app
