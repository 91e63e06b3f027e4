// A server of two realms, in which the same names are different people.
#include <gmock/gmock.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

using testing::ElementsAre;

constexpr int success = Response::success;
constexpr std::string_view shops_origin = "https://shop.example.org";
constexpr RealmId shop{1};
const std::vector<uint8_t> shared_key(32, 7);

class ServerRealms : public testing::Test {
  protected:
    ServerRealms() { serves({}); }

    static TokenKeys token_keys(std::map<std::string, TokenKey> keys) {
        return {"turn.example.org", std::move(keys)};
    }
    void serves(Realm::Limits shops_limits, PeerLists shops_peers = {},
                std::map<std::string, std::string> shops_users = {{"alice", "wonder"},
                                                                  {"carol", "sesame"}}) {
        std::vector<Realm> realms;
        realms.push_back({World::credentials(), {{}, {listener}}, {}});
        realms.push_back(
            {{"shop", shops_users, {"south"}}, {std::move(shops_peers), {listener}}, shops_limits});
        world.server.reload(std::make_shared<Realms>(
            std::move(realms), std::map<std::string, RealmId>{{std::string(shops_origin), shop}}));
    }

    // A client that sends ORIGIN with the first request, and never again.
    class OriginClient : public TestClient {
      public:
        using TestClient::TestClient;
        Response comes_from(std::string_view origin) {
            renews_id();
            auto response = asks_unsigned(Method::allocate, [&](MessageWriter& w) {
                udp(w);
                w.text(AttributeType::origin, origin);
            });
            realm = response.text(AttributeType::realm);
            nonce = response.text(AttributeType::nonce);
            return response;
        }
    };
    OriginClient shopper(std::string_view from = "5.6.7.8:2", std::string user = "alice",
                         std::string password = "wonder") {
        OriginClient client(world, from, std::move(user), std::move(password));
        client.comes_from(shops_origin);
        return client;
    }

    World world;
    TestClient alice{world, "5.6.7.8:1"};
};

TEST_F(ServerRealms, D01_TheChallengeIsForTheRealmOfTheOrigin) {
    OriginClient client(world);
    const auto response = client.comes_from("https://Shop.example.org:443");
    EXPECT_EQ(response.code(), 401);
    EXPECT_EQ(client.realm, "shop");
    EXPECT_EQ(client.allocates().code(), success);
    EXPECT_EQ(OriginClient(world).comes_from("https://example.org").text(AttributeType::realm),
              "ahoy");
    EXPECT_EQ(alice.asks_unsigned(Method::allocate, TestClient::udp).text(AttributeType::realm),
              "ahoy");
}

TEST_F(ServerRealms, D05_D08_ItsRealmIsToldAgainWithoutAnOrigin) {
    OriginClient client = shopper();
    ASSERT_EQ(client.allocates().code(), success);
    world.passes(Nonces::lifetime);
    const auto stale = client.refreshes(600);
    EXPECT_EQ(stale.code(), 438);
    EXPECT_EQ(stale.text(AttributeType::realm), "shop");
    client.nonce = stale.text(AttributeType::nonce);
    EXPECT_EQ(client.allocates().code(), success);
    client.password = "wander";
    client.address.port = 77;
    client.nonce = client.allocates().text(AttributeType::nonce);
    const auto wrong = client.allocates();
    EXPECT_EQ(wrong.code(), 401);
    EXPECT_EQ(wrong.text(AttributeType::realm), "shop");
}

TEST_F(ServerRealms, D09_D10_CredentialsOfOneRealmAreNoneInAnother) {
    TestClient carol(world, "5.6.7.8:3", "carol", "sesame");
    EXPECT_EQ(carol.allocates().code(), 401);
    EXPECT_EQ(shopper("5.6.7.8:4", "carol", "sesame").allocates().code(), success);
    EXPECT_EQ(shopper("5.6.7.8:5", "bob", "builder").allocates().code(), 401);
    for (const auto& [secret, expected] : {std::pair{"north", 401}, {"south", success}}) {
        const auto minted = mint(secret, "dora", 1h, world.now);
        EXPECT_EQ(shopper("5.6.7.8:6", minted.username, minted.password).allocates().code(),
                  expected);
    }
}

TEST_F(ServerRealms, D10_AKeyForOneRealmSignsNothingInAnother) {
    OriginClient client = shopper();
    client.renews_id();
    const Keys key = make_keys("alice", "ahoy", "wonder");
    const auto response =
        client.sends_raw(client.writes({Method::allocate, Class::request}, [&](MessageWriter& w) {
            TestClient::udp(w);
            w.text(AttributeType::username, "alice");
            w.text(AttributeType::realm, "shop");
            w.text(AttributeType::nonce, client.nonce);
            w.integrity(key.md5);
        }));
    EXPECT_EQ(response.code(), 401);
    EXPECT_EQ(world.failures(AuthFailure::wrong_password), 1u);
}

TEST_F(ServerRealms, D11_ARealmThatIsNotHereIsChallengedAsIfItWereNotNamed) {
    alice.fetches_nonce();
    alice.realm = "nowhere";
    const auto response = alice.allocates();
    EXPECT_EQ(response.code(), 401);
    EXPECT_EQ(response.text(AttributeType::realm), "ahoy");
    EXPECT_EQ(world.failures(AuthFailure::wrong_realm), 1u);
}

TEST_F(ServerRealms, D07_D14_ANonceIsOfOneRealm) {
    OriginClient client = shopper();
    client.realm = "ahoy";
    const auto response = client.allocates();
    EXPECT_EQ(response.code(), 438);
    EXPECT_EQ(response.text(AttributeType::realm), "ahoy");
    EXPECT_EQ(world.failures(AuthFailure::forged_nonce), 1u);
    client.nonce = response.text(AttributeType::nonce);
    EXPECT_EQ(client.allocates().code(), success);
}

TEST_F(ServerRealms, AnAllocationIsOfItsUserInItsRealmAlone) {
    OriginClient client = shopper();
    ASSERT_EQ(client.allocates().code(), success);
    TestClient other(world, "5.6.7.8:2");  // the same name, password and five-tuple
    EXPECT_EQ(other.refreshes(600).code(), 441);
    EXPECT_EQ(other.refreshes(0).code(), 441);
    EXPECT_EQ(client.refreshes(600).code(), success);
}

TEST_F(ServerRealms, F18_AReservationIsOfItsUserInItsRealm) {
    const auto reserved = alice.allocates(
        [](MessageWriter& w) { w.attribute(AttributeType::even_port, Payload{0x80}); });
    ASSERT_EQ(reserved.code(), success);
    const auto token = reserved.message().find(AttributeType::reservation_token).value();
    const auto with_token = [&](MessageWriter& w) {
        w.attribute(AttributeType::reservation_token, token);
    };
    EXPECT_EQ(shopper().allocates(with_token).code(), 508);
    TestClient again(world, "5.6.7.8:9");
    EXPECT_EQ(again.allocates(with_token).code(), success);
}

TEST_F(ServerRealms, F24_QuotasAreOfTheRealm) {
    serves({.allocations_per_user = 1, .allocations = 2, .bandwidth = {}});
    EXPECT_EQ(shopper("5.6.7.8:10").allocates().code(), success);
    EXPECT_EQ(shopper("5.6.7.8:11").allocates().code(), 486);  // of the user
    EXPECT_EQ(shopper("5.6.7.8:12", "carol", "sesame").allocates().code(), success);
    const auto dora = mint("south", "dora", 1h, world.now);
    OriginClient third = shopper("5.6.7.8:13", dora.username, dora.password);
    EXPECT_EQ(third.allocates().code(), 486);  // of the realm
    const auto& reached = world.server.stats().limits_reached;
    const auto& refused = reached[static_cast<size_t>(Counted::allocations)];
    EXPECT_EQ(refused[static_cast<size_t>(Limited::user)], 1u);
    EXPECT_EQ(refused[static_cast<size_t>(Limited::realm)], 1u);
    for (uint16_t port = 20; port < 25; ++port) {
        TestClient client(world);
        client.address.port = port;
        EXPECT_EQ(client.allocates().code(), success);
    }
    EXPECT_EQ(shopper("5.6.7.8:12", "carol", "sesame").refreshes(0).code(), success);
    EXPECT_EQ(third.allocates().code(), success);
}

TEST_F(ServerRealms, I01_PeersOfARealmAreOfItsAllocations) {
    const auto inside = at("10.1.2.3:4000");
    serves({}, {.allow = {*Prefix::parse("10.0.0.0/8")}, .deny = {*Prefix::parse("9.9.9.0/24")}});
    OriginClient client = shopper();
    ASSERT_EQ(client.allocates().code(), success);
    ASSERT_EQ(alice.allocates().code(), success);
    EXPECT_EQ(client.permits({inside}).code(), success);
    EXPECT_EQ(client.permits({peer}).code(), 403);
    EXPECT_EQ(alice.permits({inside}).code(), 403);
    EXPECT_EQ(alice.permits({peer}).code(), success);
    EXPECT_EQ(client.sends(inside, "x").size(), 1u);
    serves({});
    EXPECT_TRUE(client.sends(inside, "x").empty());
    EXPECT_EQ(alice.sends(peer, "x").size(), 1u);
}

TEST_F(ServerRealms, D31_WhatIsRevokedInOneRealmGoesOnInAnother) {
    OriginClient client = shopper();
    ASSERT_EQ(client.allocates().code(), success);
    ASSERT_EQ(alice.allocates().code(), success);
    serves({}, {}, {{"carol", "sesame"}});
    EXPECT_EQ(client.refreshes(600).code(), success);
    EXPECT_EQ(world.server.end_revoked(world.now), std::nullopt);
    EXPECT_THAT(world.observer.ended, ElementsAre(EndReason::revoked));
    EXPECT_EQ(client.refreshes(600).code(), 401);
    EXPECT_EQ(alice.refreshes(600).code(), success);
}

TEST_F(ServerRealms, BandwidthIsOfTheRealmsAllocations) {
    FakeFastPath path;
    world.server.relay_by(path);
    serves({.allocations_per_user = {}, .allocations = {}, .bandwidth = 1});
    OriginClient client = shopper();
    ASSERT_EQ(client.allocates().code(), success);
    ASSERT_EQ(alice.allocates().code(), success);
    ASSERT_EQ(client.binds(0x4000, peer).code(), success);
    ASSERT_EQ(alice.binds(0x4000, peer).code(), success);
    EXPECT_EQ(path.only().shortcut.client.client, alice.address);
    const std::string much(60'000, 'x');
    for (TestClient* each : {&alice, static_cast<TestClient*>(&client)}) {
        size_t relayed = 0;
        for (int i = 0; i < 5; ++i) relayed += each->sends_on(0x4000, much).size();
        EXPECT_EQ(relayed, each == &alice ? 5u : 2u);  // what a bucket has at least
    }
    serves({});
    EXPECT_EQ(path.shortcuts.size(), 2u);
    EXPECT_EQ(client.sends_on(0x4000, much).size(), 1u);
}

TEST_F(ServerRealms, D34_ATokensKeyIsOfItsRealm) {
    std::vector<Realm> realms;
    realms.push_back({{"ahoy", {}, {}, {}, token_keys({})}, {{}, {listener}}, {}});
    realms.push_back(
        {{"shop", {}, {}, {}, token_keys({{"north", {shared_key}}})}, {{}, {listener}}, {}});
    world.server.reload(std::make_shared<Realms>(std::move(realms)));
    const Payload mac_key(20, 1);
    const auto block = write_access_token({mac_key, world.now.wall, 1h});
    const auto token = seal_access_token(shared_key, Payload(12, 1), "turn.example.org", block);
    TestClient client(world);
    const auto asks = [&](std::string realm) {
        client.renews_id();
        return client.sends_raw(
            client.writes({Method::allocate, Class::request}, [&](MessageWriter& w) {
                TestClient::udp(w);
                w.attribute(AttributeType::access_token, token);
                w.text(AttributeType::username, "north");
                w.text(AttributeType::realm, realm);
                w.text(AttributeType::nonce, Nonces({7}).issue(world.now, {client.address, realm},
                                                               {.password_algorithms = true}));
                w.integrity(mac_key);
            }));
    };
    EXPECT_EQ(asks("ahoy").code(), 401);
    EXPECT_EQ(asks("shop").code(), success);
    EXPECT_EQ(asks("ahoy").code(), 401);  // not by the allocation's key either
}

}  // namespace
}  // namespace ahoy::turn
