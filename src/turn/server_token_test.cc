// Third-party authorization (RFC 7635), as the server sees it.
#include <gtest/gtest.h>

#include "turn/access_token.h"
#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

constexpr int success = Response::success;
constexpr std::string_view server_name = "turn.example.org";
const std::vector<uint8_t> shared_key(32, 7);

Credentials by_tokens(std::vector<std::string> ids = {"north", "south"}) {
    std::map<std::string, TokenKey> keys;
    for (const auto& id : ids) keys[id] = {shared_key};
    return Credentials("ahoy", std::map<std::string, std::string>{{"alice", "wonder"}},
                       std::vector<std::string>{}, std::map<std::string, Md5>{},
                       TokenKeys(std::string(server_name), std::move(keys)));
}

// A client that has been given a token.
class TokenClient : public TestClient {
  public:
    TokenClient(World& world, std::string_view from, std::string id = "north")
        : TestClient(world, from, std::move(id)), world_(world) {
        is_given(1h);
    }
    void is_given(Duration lifetime) {
        mac_key.assign(20, ++last_);
        const auto block = write_access_token(
            {mac_key, world_.now.wall, std::chrono::duration_cast<std::chrono::seconds>(lifetime)});
        const std::vector<uint8_t> nonce_of_token(12, last_);
        token = seal_access_token(shared_key, nonce_of_token, server_name, block);
    }
    Response asks_with_token(Method method, const AddAttributes& add = {}) {
        return asks_signed(method, [&](MessageWriter& w) {
            if (add) add(w);
            w.attribute(AttributeType::access_token, token);
        });
    }
    Response asks_signed(Method method, const AddAttributes& add = {}) {
        if (nonce.empty()) fetches_nonce();
        renews_id();
        const auto response = sends_raw(writes({method, Class::request}, [&](MessageWriter& w) {
            if (add) add(w);
            w.text(AttributeType::username, username);
            w.text(AttributeType::realm, realm);
            w.text(AttributeType::nonce, nonce);
            signs_with_sha256 ? w.integrity_sha256(mac_key) : w.integrity(mac_key);
        }));
        if (!response.bytes.empty() && response.is_signed()) {
            EXPECT_TRUE(stun::integrity_holds(response.message(), mac_key));
        }
        return response;
    }
    Response allocates_with_token() {
        auto response = asks_with_token(Method::allocate, udp);
        return response;
    }
    static AddAttributes seconds(uint32_t lifetime) {
        return [=](MessageWriter& w) { w.number(AttributeType::lifetime, lifetime); };
    }
    static void permits_peer(MessageWriter& w) {
        w.xor_address(AttributeType::xor_peer_address, peer);
    }

    std::vector<uint8_t> mac_key, token;
    bool signs_with_sha256 = false;

  private:
    static inline uint8_t last_ = 0;
    World& world_;
};

class ServerTokenTest : public testing::Test {
  protected:
    void SetUp() override { world.serves(by_tokens()); }
    World world;
    TokenClient client{world, "5.6.7.8:1234"};
};

TEST_F(ServerTokenTest, D34_A401TellsTheNameThatTokensAreSealedFor) {
    const auto response = client.asks_unsigned(Method::allocate, TestClient::udp);
    EXPECT_EQ(response.code(), 401);
    EXPECT_EQ(response.text(AttributeType::third_party_authorization), server_name);
    world.serves(World::credentials());
    EXPECT_FALSE(client.asks_unsigned(Method::allocate, TestClient::udp)
                     .has(AttributeType::third_party_authorization));
}

TEST_F(ServerTokenTest, D34_WhoShowsATokenAllocatesAndSignsWithTheKeyInIt) {
    EXPECT_EQ(client.allocates_with_token().code(), success);
    EXPECT_EQ(client.asks_signed(Method::create_permission, TokenClient::permits_peer).code(),
              success);
    EXPECT_EQ(client.sends(peer, "hello").size(), 1u);
    EXPECT_EQ(client.asks_signed(Method::refresh, TokenClient::seconds(0)).code(), success);
    EXPECT_EQ(world.observer.ended, std::vector{EndReason::deleted});
}

TEST_F(ServerTokenTest, D34_MessageIntegritySha256IsMadeWithTheSameKey) {
    client.signs_with_sha256 = true;
    EXPECT_EQ(client.allocates_with_token().code(), success);
}

TEST_F(ServerTokenTest, D34_AChangedTokenOrAnotherKeyGets401) {
    client.token.back() ^= 1;
    EXPECT_EQ(client.allocates_with_token().code(), 401);
    EXPECT_EQ(world.failures(AuthFailure::wrong_token), 1u);
    client.token.back() ^= 1;
    client.mac_key.back() ^= 1;
    EXPECT_EQ(client.allocates_with_token().code(), 401);
    EXPECT_EQ(world.failures(AuthFailure::wrong_password), 1u);
    client.mac_key.back() ^= 1;
    client.username = "west";
    EXPECT_EQ(client.allocates_with_token().code(), 401);
    EXPECT_EQ(world.failures(AuthFailure::unknown_user), 1u);
    client.username = "north";
    EXPECT_EQ(client.allocates_with_token().code(), success);
}

TEST_F(ServerTokenTest, D34_AnExpiredTokenGets401) {
    world.passes(3605s);
    client.fetches_nonce();
    EXPECT_EQ(client.allocates_with_token().code(), 401);
    EXPECT_EQ(world.failures(AuthFailure::expired), 1u);
}

TEST_F(ServerTokenTest, D34_AnAllocationLivesNoLongerThanItsToken) {
    client.is_given(100s);
    EXPECT_EQ(client.allocates_with_token().lifetime(), 105);
    world.passes(60s);
    EXPECT_EQ(client.asks_signed(Method::refresh, TokenClient::seconds(600)).lifetime(), 45);
    EXPECT_EQ(client.asks_with_token(Method::refresh, TokenClient::seconds(600)).lifetime(), 45);
    world.passes(45s);
    EXPECT_EQ(world.observer.ended, std::vector{EndReason::expired});
}

TEST_F(ServerTokenTest, D34_ANewTokenTakesOver) {
    client.is_given(100s);
    client.allocates_with_token();
    world.passes(90s);
    const auto old_key = client.mac_key;
    client.is_given(1h);
    EXPECT_EQ(client.asks_with_token(Method::refresh, TokenClient::seconds(600)).lifetime(), 600);
    world.passes(60s);
    EXPECT_EQ(client.asks_signed(Method::create_permission, TokenClient::permits_peer).code(),
              success);
    client.mac_key = old_key;
    EXPECT_EQ(client.asks_signed(Method::create_permission, TokenClient::permits_peer).code(), 401);
}

TEST_F(ServerTokenTest, D34_ATokenOfAnotherKeyOrAPasswordTakesNothingOver) {
    client.allocates_with_token();
    client.username = "south";
    EXPECT_EQ(client.asks_with_token(Method::refresh, TokenClient::seconds(600)).code(), 441);
    TestClient alice(world, "5.6.7.8:1234");
    EXPECT_EQ(alice.refreshes(600).code(), 441);
    EXPECT_EQ(world.server.stats().allocations_live, 1u);
}

TEST_F(ServerTokenTest, D34_WithoutATokenTheKeysIdIsNobody) {
    EXPECT_EQ(client.asks_signed(Method::allocate, TestClient::udp).code(), 401);
    TestClient alice(world, "5.6.7.9:1234");
    EXPECT_EQ(alice.allocates().code(), success);  // who has a password needs none
}

TEST_F(ServerTokenTest, D34_TheQuotaOfAUserIsThatOfAToken) {
    world.server.set_quotas({.per_user = {.allocations = 1}});
    EXPECT_EQ(client.allocates_with_token().code(), success);
    TokenClient other(world, "5.6.7.9:1234");
    EXPECT_EQ(other.allocates_with_token().code(), success);
    TokenClient again(world, "5.6.7.10:1234");
    again.mac_key = client.mac_key;
    again.token = client.token;
    EXPECT_EQ(again.allocates_with_token().code(), 486);
    EXPECT_NE(world.observer.created[0], world.observer.created[1]);
}

TEST_F(ServerTokenTest, D34_WhereThereIsNoThirdPartyATokenIsAnUnknownAttribute) {
    world.serves(World::credentials());
    TestClient alice(world, "5.6.7.9:1234");
    const auto response = alice.asks(Method::allocate, [&](MessageWriter& w) {
        TestClient::udp(w);
        w.attribute(AttributeType::access_token, client.token);
    });
    EXPECT_EQ(response.code(), 420);
}

TEST_F(ServerTokenTest, D34_AKeyThatIsWithdrawnEndsNothingUnlessThatIsWanted) {
    client.allocates_with_token();
    world.serves(by_tokens({"south"}));
    EXPECT_EQ(client.asks_signed(Method::refresh, TokenClient::seconds(600)).code(), success);
    EXPECT_EQ(world.server.end_revoked(world.now), std::nullopt);
    EXPECT_EQ(world.observer.ended, std::vector{EndReason::revoked});
}

TEST_F(ServerTokenTest, D34_NamesAreNotHiddenWhereTheyAreKeyIds) {
    client.fetches_nonce();
    EXPECT_FALSE(Nonces::features(client.nonce).username_anonymity);
}

}  // namespace
}  // namespace ahoy::turn
