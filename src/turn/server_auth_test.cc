// Framing, Binding and authentication: groups A, B and D.
#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

constexpr int success = Response::success, silence = Response::silence;

class AuthTest : public testing::Test {
  protected:
    World world;
    TestClient client{world};
};

TEST_F(AuthTest, B01_A06_A20_A32_BindingOfTheHeaderOnly) {
    const auto response = client.asks_unsigned(Method::binding);
    EXPECT_EQ(response.code(), success);
    EXPECT_EQ(response.address(AttributeType::xor_mapped_address), client.address);
    EXPECT_EQ(response.bytes.size(), 32u);  // no SOFTWARE, no MAPPED-ADDRESS (B04)
    EXPECT_EQ(world.server.stats().bindings, 1u);
}

TEST_F(AuthTest, B01_BindingBytes) {
    const auto answer =
        client.sends_raw(stun::from_hex("00010000 2112a442 000000000000000000000000"));
    EXPECT_EQ(stun::to_hex(answer.bytes),
              "0101000c2112a442000000000000000000000000"
              "00200008000125c02414a34a");
}

TEST_F(AuthTest, B01_U5_BindingOverIpv6) {
    TestClient other(world, "[2606:4700::9]:9");
    const auto response = other.asks_unsigned(Method::binding);
    EXPECT_EQ(response.address(AttributeType::xor_mapped_address), other.address);
    EXPECT_EQ(response.bytes.size(), 44u);
}

TEST_F(AuthTest, B08_MappedSourceIsIpv4) {
    TestClient other(world, "[::ffff:5.6.7.8]:1234");
    EXPECT_EQ(other.asks_unsigned(Method::binding).bytes.size(), 32u);
}

TEST_F(AuthTest, B02_BindingIndicationIsNotAnswered) {
    EXPECT_EQ(client.sends_raw(client.writes({Method::binding, Class::indication})).code(),
              silence);
}

TEST_F(AuthTest, B03_B07_BindingNeedsNoAuthenticationAndIgnoresIt) {
    const auto response = client.asks_unsigned(Method::binding, [](MessageWriter& w) {
        w.text(AttributeType::username, "evtj:h6vY");
        w.integrity(as_bytes("something"));
    });
    EXPECT_EQ(response.code(), success);
    EXPECT_FALSE(response.is_signed());
}

TEST_F(AuthTest, B06_TransmitCounterComesBack) {
    const auto response = client.asks_unsigned(Method::binding, [](MessageWriter& w) {
        w.number(AttributeType::transaction_transmit_counter, 0x0300);
    });
    EXPECT_EQ(
        stun::to_hex(response.message().find(AttributeType::transaction_transmit_counter).value()),
        "00000301");
}

TEST_F(AuthTest, A12_FingerprintIsAnsweredWithFingerprint) {
    const auto with =
        client.asks_unsigned(Method::binding, [](MessageWriter& w) { w.fingerprint(); });
    EXPECT_TRUE(with.message().has_fingerprint());
    EXPECT_FALSE(client.asks_unsigned(Method::binding).message().has_fingerprint());
}

TEST_F(AuthTest, A01_A02_A04_WhatIsNotStunIsDropped) {
    for (const char* hex : {"", "00", "ffffffff", "8001000021 12a442000000000000000000000000",
                            "000100002112a443000000000000000000000000",
                            "000100042112a442000000000000000000000000", "0001"}) {
        EXPECT_EQ(client.sends_raw(stun::from_hex(hex)).code(), silence) << hex;
    }
    EXPECT_EQ(world.drops(Drop::malformed), 7u);
}

TEST_F(AuthTest, A07_UnknownMethodIsDropped) {
    for (const int method : {0x002, 0x005, 0x00a, 0x00b, 0x7ff}) {
        EXPECT_EQ(client.asks_unsigned(static_cast<Method>(method)).code(), silence);
    }
    EXPECT_EQ(world.drops(Drop::unknown_method), 5u);
}

TEST_F(AuthTest, A08_A28_WrongClassIsDropped) {
    const MessageType types[] = {
        {Method::send, Class::request},        {Method::data, Class::request},
        {Method::allocate, Class::indication}, {Method::data, Class::indication},
        {Method::binding, Class::success},     {Method::allocate, Class::error},
        {Method::allocate, Class::success},
    };
    for (const auto type : types) EXPECT_EQ(client.sends_raw(client.writes(type)).code(), silence);
    EXPECT_EQ(world.drops(Drop::unexpected_class), std::size(types));
}

TEST_F(AuthTest, A16_A19_UnknownRequiredAttributesAreListed) {
    const auto response = client.asks_unsigned(Method::binding, [](MessageWriter& w) {
        w.text(static_cast<AttributeType>(0x7ffe), "");
        w.text(static_cast<AttributeType>(0x8ffe), "");  // A18: optional, ignored
        w.text(AttributeType::change_request, "");       // N06
        w.text(static_cast<AttributeType>(0x7ffd), "");
    });
    EXPECT_EQ(response.code(), 420);
    EXPECT_EQ(stun::to_hex(response.message().find(AttributeType::unknown_attributes).value()),
              "7ffe00037ffd");
}

TEST_F(AuthTest, A16_UnknownAttributesComeAfterAuthentication) {
    const auto odd = [](MessageWriter& w) {
        TestClient::udp(w);
        w.text(static_cast<AttributeType>(0x7ffe), "");
    };
    EXPECT_EQ(client.asks_unsigned(Method::allocate, odd).code(), 401);
    const auto response = client.asks(Method::allocate, odd);
    EXPECT_EQ(response.code(), 420);
    EXPECT_TRUE(response.is_signed());
    EXPECT_TRUE(world.ports.live.empty());
}

TEST_F(AuthTest, D01_D02_D26_FirstRequestIsChallenged) {
    const auto response = client.asks_unsigned(Method::allocate, TestClient::udp);
    EXPECT_EQ(response.code(), 401);
    EXPECT_EQ(response.text(AttributeType::realm), "ahoy");
    EXPECT_TRUE(response.text(AttributeType::nonce).starts_with("obMatJos2"));
    EXPECT_FALSE(response.is_signed());
    EXPECT_FALSE(response.has(AttributeType::username));
    EXPECT_EQ(world.failures(AuthFailure::missing), 1u);
}

TEST_F(AuthTest, F01_EveryMethodButBindingIsChallenged) {
    for (const auto method :
         {Method::allocate, Method::refresh, Method::create_permission, Method::channel_bind}) {
        EXPECT_EQ(client.asks_unsigned(method, TestClient::udp).code(), 401);
    }
}

TEST_F(AuthTest, A34_U5_TI9_ChallengeIsAtMostThreeTimesTheRequest) {
    EXPECT_LE(client.asks_unsigned(Method::allocate, TestClient::udp).bytes.size(), 3 * 28u);
    EXPECT_EQ(client.asks_unsigned(Method::allocate).code(), silence);  // the bare header
    EXPECT_EQ(world.drops(Drop::amplification), 1u);
    const auto roomy = [](MessageWriter& w) {
        w.text(AttributeType::software, "0123456789abcdef");
    };
    EXPECT_NE(client.asks_unsigned(Method::allocate, roomy)
                  .message()
                  .find(AttributeType::error_code)
                  ->size(),
              4u);
}

TEST(Auth, A34_ALongRealmIsStillToldToARealClientsRequest) {
    for (const size_t length : {1u, 16u, 17u, 40u, 127u}) {
        World world;
        const std::string realm(length, 'r');
        const auto credentials =
            Credentials(realm, std::map<std::string, std::string>{}, std::vector<std::string>{});
        world.serves(credentials);
        TestClient client(world);
        const auto response = client.asks_unsigned(Method::allocate, TestClient::udp);
        EXPECT_EQ(response.text(AttributeType::realm), realm);
        EXPECT_EQ(client.asks_unsigned(Method::allocate).code(), silence);
    }
}

TEST_F(AuthTest, A34_NoUnverifiedRequestIsAnsweredWithMoreThanThreeTimesItsSize) {
    for (const auto method : {Method::binding, Method::allocate, Method::refresh,
                              Method::create_permission, Method::channel_bind}) {
        for (size_t attributes = 0; attributes < 64; ++attributes) {
            const auto request = client.writes({method, Class::request}, [&](MessageWriter& w) {
                for (size_t i = 0; i < attributes; ++i) {
                    w.text(static_cast<AttributeType>(0x7f00 + i), "");
                }
            });
            EXPECT_LE(client.sends_raw(request).bytes.size(), 3 * request.size());
        }
    }
}

TEST_F(AuthTest, D06_D26_IntegrityWithoutTheRestIs400) {
    client.fetches_nonce();
    using T = AttributeType;
    for (const T missing : {T::username, T::realm, T::nonce}) {
        const auto response = client.asks_unsigned(Method::allocate, [&](MessageWriter& w) {
            if (missing != T::username) w.text(T::username, client.username);
            if (missing != T::realm) w.text(T::realm, client.realm);
            if (missing != T::nonce) w.text(T::nonce, client.nonce);
            w.integrity(client.key());
        });
        EXPECT_EQ(response.code(), 400);
        EXPECT_FALSE(response.is_signed());
        for (const T type : {T::username, T::realm, T::nonce}) EXPECT_FALSE(response.has(type));
    }
    EXPECT_EQ(world.failures(AuthFailure::incomplete), 3u);
}

TEST_F(AuthTest, A24_A25_OverlongTextsAre400) {
    client.username = std::string(stun::max_username + 1, 'u');
    EXPECT_EQ(client.allocates().code(), 400);
    client.username = std::string(stun::max_username, 'u');
    EXPECT_EQ(client.allocates().code(), 401);
    client.realm = std::string(stun::max_text + 1, 'r');
    EXPECT_EQ(client.allocates().code(), 400);
    client.realm = "ahoy";
    client.nonce = std::string(stun::max_text + 1, 'n');
    EXPECT_EQ(client.allocates().code(), 400);
    client.nonce = std::string(stun::max_text, 'n');
    EXPECT_EQ(client.allocates().code(), 438);
}

TEST_F(AuthTest, D08_G08_StaleNonceIsReplaced) {
    ASSERT_EQ(client.allocates().code(), success);
    world.passes(599s);
    EXPECT_EQ(client.refreshes(600).code(), success);
    world.passes(1s);
    const auto response = client.refreshes(600);
    EXPECT_EQ(response.code(), 438);
    EXPECT_EQ(response.text(AttributeType::realm), "ahoy");
    EXPECT_FALSE(response.is_signed());
    const auto fresh = response.text(AttributeType::nonce);
    EXPECT_NE(fresh, client.nonce);
    client.nonce = fresh;
    EXPECT_EQ(client.refreshes(600).code(), success);
    EXPECT_EQ(world.failures(AuthFailure::stale_nonce), 1u);
}

TEST_F(AuthTest, D04_D07_ForeignAndForgedNoncesAre438) {
    client.fetches_nonce();
    TestClient other(world, "5.6.7.8:4321");
    other.nonce = client.nonce;
    EXPECT_EQ(other.allocates().code(), 438);
    other.nonce = "obMatJos2AAAAthis-is-a-forged-no";
    EXPECT_EQ(other.allocates().code(), 438);
    EXPECT_EQ(world.failures(AuthFailure::forged_nonce) + world.failures(AuthFailure::stale_nonce),
              2u);
}

// Our choice, against a flood of forged requests: section 9.2.4 would say 401.
TEST_F(AuthTest, D23b_TheNonceIsLookedAtBeforeTheUserAndThePassword) {
    client.nonce = std::string(32, 'n');
    client.username = "mallory";
    client.password = "wrong";
    EXPECT_EQ(client.allocates().code(), 438);
}

TEST_F(AuthTest, D09_D10_TI15_UnknownUserAndWrongPasswordLookTheSame) {
    TestClient unknown(world, "5.6.7.8:1", "mallory", "wonder");
    TestClient wrong(world, "5.6.7.8:1", "alice", "wander");
    const auto a = unknown.allocates(), b = wrong.allocates();
    EXPECT_EQ(a.code(), 401);
    EXPECT_EQ(b.code(), 401);
    EXPECT_EQ(a.bytes, b.bytes);
    EXPECT_FALSE(a.is_signed());
    EXPECT_TRUE(a.has(AttributeType::realm) && a.has(AttributeType::nonce));
    EXPECT_FALSE(a.has(AttributeType::username));
    EXPECT_EQ(
        world.failures(AuthFailure::unknown_user) + world.failures(AuthFailure::wrong_password),
        2u);
}

TEST_F(AuthTest, D11_WrongRealmIs401) {
    client.realm = "elsewhere";
    EXPECT_EQ(client.allocates().code(), 401);
    EXPECT_EQ(world.failures(AuthFailure::wrong_realm), 1u);
}

TEST_F(AuthTest, D20_Sha256AloneCountsWhenBothAreThere) {
    client.fetches_nonce();
    const auto with = [&](Md5 sha1, Md5 sha256) {
        client.renews_id();
        return client.asks_unsigned(Method::allocate, [&](MessageWriter& w) {
            TestClient::udp(w);
            w.text(AttributeType::username, client.username);
            w.text(AttributeType::realm, client.realm);
            w.text(AttributeType::nonce, client.nonce);
            w.integrity(sha1);
            w.integrity_sha256(sha256);
        });
    };
    EXPECT_EQ(with(client.key(), Md5{}).code(), 401);
    const auto response = with(Md5{}, client.key());
    EXPECT_EQ(response.code(), success);
    EXPECT_TRUE(client.trusts(response.message()));  // D18: without PASSWORD-ALGORITHM, SHA-1
}

TEST_F(AuthTest, D25_AnswersAfterAuthenticationAreSigned) {
    EXPECT_TRUE(client.refreshes(0).is_signed());  // 437
    ASSERT_TRUE(client.allocates().is_signed());
    EXPECT_TRUE(client.allocates().is_signed());                   // 437
    EXPECT_TRUE(client.permits({at("127.0.0.1:1")}).is_signed());  // 403
    EXPECT_TRUE(client.permits({}).is_signed());                   // 400
    EXPECT_TRUE(client.binds(0x4000, ipv6_peer).is_signed());      // 443
}

TEST_F(AuthTest, D28_SendNeedsNoIntegrity) {
    ASSERT_EQ(client.allocates().code(), success);
    ASSERT_EQ(client.permits({peer}).code(), success);
    EXPECT_EQ(client.sends(peer, "hello").size(), 1u);
}

TEST_F(AuthTest, D30_F36_AnotherUserOnAnAllocationIs441) {
    ASSERT_EQ(client.allocates().code(), success);
    client.username = "bob";
    client.password = "builder";
    EXPECT_EQ(client.allocates().code(), 441);
    EXPECT_EQ(client.refreshes(0).code(), 441);
    EXPECT_EQ(client.permits({peer}).code(), 441);
    const auto response = client.binds(0x4000, peer);
    EXPECT_EQ(response.code(), 441);
    EXPECT_TRUE(response.is_signed());
    EXPECT_EQ(world.ports.live.size(), 1u);
}

TEST_F(AuthTest, D32_RestCredentialAllocates) {
    const auto minted = mint("north", "carol", 1h, world.now);
    TestClient carol(world, "5.6.7.8:2", minted.username, minted.password);
    EXPECT_EQ(carol.allocates().code(), success);
    world.passes(1h);
    TestClient late(world, "5.6.7.8:3", minted.username, minted.password);
    EXPECT_EQ(late.allocates().code(), 401);
    EXPECT_EQ(world.failures(AuthFailure::expired), 1u);
}

TEST_F(AuthTest, D31_D35_A10_AnAllocationLivesOnWithTheCredentialItBeganWith) {
    const auto minted = mint("north", "carol", 1min, world.now);
    TestClient carol(world, "5.6.7.8:2", minted.username, minted.password);
    ASSERT_EQ(carol.allocates().code(), success);
    world.passes(5min);                           // the name has expired,
    world.serves(World::credentials({"south"}));  // the secret gone
    EXPECT_EQ(carol.refreshes(600).code(), success);
    EXPECT_EQ(carol.refreshes(0).code(), success);
    EXPECT_EQ(carol.allocates().code(), 401);
}

TEST_F(AuthTest, D31_WhatIsRevokedEndsOnlyIfThatIsWanted) {
    const auto minted = mint("north", "carol", 1h, world.now);
    TestClient carol(world, "5.6.7.8:2", minted.username, minted.password);
    ASSERT_EQ(carol.allocates().code(), success);
    ASSERT_EQ(client.allocates().code(), success);
    world.serves(World::credentials({"south"}));
    EXPECT_TRUE(world.observer.ended.empty());
    EXPECT_EQ(world.server.end_revoked(world.now), std::nullopt);
    EXPECT_EQ(world.observer.ended, std::vector{EndReason::revoked});
    EXPECT_EQ(carol.refreshes(600).code(), 401);
    EXPECT_EQ(client.refreshes(600).code(), success);
}

TEST_F(AuthTest, D31_RevokingGoesThroughALargeTableInParts) {
    World large({.quotas = {}});
    for (uint16_t port = 1; port <= 1000; ++port) {
        TestClient one(large);
        one.address.port = port;
        ASSERT_EQ(one.allocates().code(), success);
    }
    large.serves(
        Credentials("ahoy", std::map<std::string, std::string>{}, std::vector<std::string>{}));
    auto next = large.server.end_revoked(large.now);
    ASSERT_TRUE(next);
    EXPECT_GT(large.server.stats().allocations_live, 0u);
    while (next) next = large.server.end_revoked(large.now, *next);
    EXPECT_EQ(large.server.stats().allocations_live, 0u);
}

TEST_F(AuthTest, A13_S7_TI10_WhatFollowsIntegrityChangesNothing) {
    ASSERT_EQ(client.allocates().code(), success);
    client.renews_id();
    const auto response = client.asks_unsigned(Method::create_permission, [&](MessageWriter& w) {
        client.signs(w);
        w.xor_address(AttributeType::xor_peer_address, peer);
    });
    EXPECT_EQ(response.code(), 400);  // as without XOR-PEER-ADDRESS
    EXPECT_TRUE(client.sends(peer, "x").empty());
}

TEST_F(AuthTest, F31_SoftwareIsOnlyInAuthenticatedAnswers) {
    World named({.software = "ahoy"});
    TestClient other(named);
    EXPECT_FALSE(other.asks_unsigned(Method::binding).has(AttributeType::software));
    EXPECT_FALSE(
        other.asks_unsigned(Method::allocate, TestClient::udp).has(AttributeType::software));
    EXPECT_EQ(other.allocates().text(AttributeType::software), "ahoy");
    EXPECT_FALSE(client.allocates().has(AttributeType::software));
}

TEST_F(AuthTest, TI8_O04_StrangersLeaveNothing) {
    for (uint16_t port = 1; port < 2000; ++port) {
        TestClient stranger(world, "5.6.7.8:1", "mallory");
        stranger.address.port = port;
        stranger.nonce = std::string(32, 'n');
        stranger.allocates();
        stranger.sends(peer, "x");
        stranger.sends_on(0x4000, "x");
        stranger.asks_unsigned(Method::allocate, TestClient::udp);
    }
    EXPECT_EQ(world.server.stats().allocations_total, 0u);
    EXPECT_EQ(world.server.next_deadline(), Instant::max());
}

}  // namespace
}  // namespace ahoy::turn
