// What RFC 8489 added to long-term credentials: algorithms, nonce features, USERHASH; group D.
#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

using stun::PasswordAlgorithm;
using T = AttributeType;
constexpr int success = Response::success;

class AlgorithmsTest : public testing::Test {
  protected:
    // An Allocate request, signed, in which `choose` has put what it says about algorithms.
    Response allocates(const AddAttributes& choose, const Bytes sha256_key) {
        client.renews_id();
        return client.asks_unsigned(Method::allocate, [&](MessageWriter& w) {
            TestClient::udp(w);
            w.text(T::username, client.username);
            w.text(T::realm, client.realm);
            w.text(T::nonce, client.nonce);
            choose(w);
            w.integrity_sha256(sha256_key);
        });
    }
    static AddAttributes chooses(std::initializer_list<uint8_t> all,
                                 std::initializer_list<uint8_t> one) {
        return [all = Payload(all), one = Payload(one)](MessageWriter& w) {
            if (!all.empty()) w.attribute(T::password_algorithms, all);
            if (!one.empty()) w.attribute(T::password_algorithm, one);
        };
    }
    void serves(std::string realm, std::vector<std::string> secrets) {
        const std::map<std::string, std::string> users{{"alice", "wonder"}, {"bob", "builder"}};
        world.serves(Credentials(std::move(realm), users, std::move(secrets)));
    }

    World world;
    TestClient client{world};
};

TEST_F(AlgorithmsTest, D01_D03_A34_TheChallengeOffersAlgorithmsAndStaysSmall) {
    const auto response = client.asks_unsigned(Method::allocate, TestClient::udp);
    EXPECT_EQ(stun::to_hex(response.message().find(T::password_algorithms).value()),
              "0002000000010000");
    EXPECT_TRUE(response.text(T::nonce).starts_with("obMatJos2gAAA"));
    EXPECT_EQ(response.bytes.size(), 3 * 28u);
}

TEST_F(AlgorithmsTest, D03_A34_WhereTheyDoNotFitNeitherTheyNorTheirBitAreThere) {
    serves("example.org", {"north"});
    const auto response = client.asks_unsigned(Method::allocate, TestClient::udp);
    EXPECT_EQ(response.code(), 401);
    EXPECT_LE(response.bytes.size(), 3 * 28u);
    EXPECT_FALSE(response.has(T::password_algorithms));
    EXPECT_TRUE(response.text(T::nonce).starts_with("obMatJos2AAAA"));

    const auto roomy = client.asks_unsigned(Method::allocate, [](MessageWriter& w) {
        TestClient::udp(w);
        w.text(T::software, "a client with a name");
    });
    EXPECT_TRUE(roomy.has(T::password_algorithms));
    EXPECT_TRUE(roomy.text(T::nonce).starts_with("obMatJos2gAAA"));
}

TEST_F(AlgorithmsTest, D03_AStreamHasRoomForThemAlways) {
    serves("a.realm.that.is.longer.than.most", {"north"});
    const auto request = client.writes({Method::allocate, Class::request}, TestClient::udp);
    Outbox out;
    world.server.from_client(world.now,
                             {.socket = listener_socket,
                              .from = client.address,
                              .local = listener,
                              .bytes = request,
                              .transport = Transport::tls},
                             out);
    ASSERT_EQ(out.pending().size(), 1u);
    const auto answer = Message::parse(out.pending()[0].bytes).value();
    EXPECT_TRUE(answer.has(T::password_algorithms));
    EXPECT_TRUE(answer.text(T::nonce)->starts_with("obMatJos2gAAA"));
}

TEST_F(AlgorithmsTest, D16_D18_Sha256) {
    client.algorithm = PasswordAlgorithm::sha256;
    EXPECT_EQ(client.allocates().code(), success);
    EXPECT_EQ(client.permits({peer}).code(), success);
    const auto refused = client.permits({at("127.0.0.1:1")});
    EXPECT_EQ(refused.code(), 403);
    EXPECT_TRUE(client.trusts(refused.message()));
    EXPECT_EQ(client.refreshes(0).code(), success);
}

TEST_F(AlgorithmsTest, D17_D18_Md5ThatWasChosen) {
    client.algorithm = PasswordAlgorithm::md5;
    EXPECT_EQ(client.allocates().code(), success);
    EXPECT_EQ(client.refreshes(0).code(), success);
}

TEST_F(AlgorithmsTest, D12_NoChoiceIsMd5AlthoughTheBitIsSet) {
    client.fetches_nonce();
    ASSERT_TRUE(client.nonce.starts_with("obMatJos2gAAA"));
    EXPECT_EQ(client.allocates().code(), success);  // and its answer has MESSAGE-INTEGRITY
}

TEST_F(AlgorithmsTest, D16_NothingIsOfferedThatOneUserCouldNotUse) {
    world.serves(Credentials(
        "ahoy", std::map<std::string, std::string>{{"bob", "builder"}}, std::vector<std::string>{},
        std::map<std::string, Md5>{{"alice", make_keys("alice", "ahoy", "wonder").md5}}));
    const auto response = client.asks_unsigned(Method::allocate, TestClient::udp);
    EXPECT_FALSE(response.has(T::password_algorithms));
    EXPECT_FALSE(Nonces::features(response.text(T::nonce)).password_algorithms);
    EXPECT_EQ(client.allocates().code(), success);
}

// With a nonce from before the reload; no key must not be a key of zeros.
TEST_F(AlgorithmsTest, D16_WhoHasNoSha256KeyCannotBeImpersonatedWithOne) {
    client.fetches_nonce();
    ASSERT_EQ(client.allocates().code(), success);
    const auto offered = client.nonce;
    world.serves(
        Credentials("ahoy", std::map<std::string, std::string>{}, std::vector<std::string>{},
                    std::map<std::string, Md5>{{"bob", make_keys("bob", "ahoy", "builder").md5}}));
    client.username = "bob";
    client.nonce = offered;
    for (const Payload& key : {Payload{}, Payload(16, 0), Payload(32, 0)}) {
        EXPECT_EQ(allocates(chooses({0, 2, 0, 0, 0, 1, 0, 0}, {0, 2, 0, 0}), key).code(), 401);
    }
    client.address = at("5.6.7.8:9");
    client.nonce.clear();
    client.password = "builder";
    ASSERT_EQ(client.allocates().code(), success);  // its own allocation's key has none either
    client.nonce =
        Nonces({7}).issue(world.now, {client.address, "ahoy"}, {.password_algorithms = true});
    for (const Payload& key : {Payload{}, Payload(16, 0), Payload(32, 0)}) {
        EXPECT_EQ(allocates(chooses({0, 2, 0, 0, 0, 1, 0, 0}, {0, 2, 0, 0}), key).code(), 401);
    }
}

TEST_F(AlgorithmsTest, D16_RestNamesToo) {
    const auto minted = mint("north", "carol", 1min, world.now);
    TestClient carol(world, "5.6.7.8:2", minted.username, minted.password);
    carol.algorithm = PasswordAlgorithm::sha256;
    ASSERT_EQ(carol.allocates().code(), success);
    world.passes(5min);
    EXPECT_EQ(carol.refreshes(600).code(), success);  // D31: its key is the allocation's
    carol.password = "wrong";
    EXPECT_EQ(carol.refreshes(600).code(), 401);
}

TEST_F(AlgorithmsTest, D31_WhoBeganWithMd5MayGoOnWithSha256) {
    const auto minted = mint("north", "carol", 1min, world.now);
    TestClient carol(world, "5.6.7.8:2", minted.username, minted.password);
    ASSERT_EQ(carol.allocates().code(), success);
    world.passes(5min);
    carol.algorithm = PasswordAlgorithm::sha256;
    EXPECT_EQ(carol.refreshes(600).code(), success);
}

TEST_F(AlgorithmsTest, D13_D14_D15_WhatWasNotOfferedSoIs400) {
    client.fetches_nonce();
    const Keys keys = client.keys();
    EXPECT_EQ(allocates(chooses({}, {0, 2, 0, 0}), *keys.sha256).code(), 400);
    EXPECT_EQ(allocates(chooses({0, 2, 0, 0, 0, 1, 0, 0}, {}), keys.md5).code(), 400);
    EXPECT_EQ(allocates(chooses({0, 1, 0, 0}, {0, 1, 0, 0}), keys.md5).code(), 400);
    EXPECT_EQ(allocates(chooses({0, 1, 0, 0, 0, 2, 0, 0}, {0, 2, 0, 0}), *keys.sha256).code(), 400);
    EXPECT_EQ(allocates(chooses({0, 2, 0, 0, 0, 1, 0, 0}, {0, 3, 0, 0}), *keys.sha256).code(), 400);
    EXPECT_EQ(allocates(chooses({0, 2, 0, 0, 0, 1, 0, 0}, {0, 2, 0, 1}), *keys.sha256).code(), 400);
    EXPECT_EQ(allocates(chooses({0, 2, 0, 0, 0, 1, 0, 0}, {0, 2}), *keys.sha256).code(), 400);
    EXPECT_EQ(world.failures(AuthFailure::algorithms), 7u);
    const auto right = allocates(chooses({0, 2, 0, 0, 0, 1, 0, 0}, {0, 2, 0, 0}), *keys.sha256);
    EXPECT_EQ(right.code(), success);
}

TEST_F(AlgorithmsTest, D14_NorAfterAnAnswerThatOfferedNone) {
    serves("example.org", {"north"});
    client.realm = "example.org";
    client.algorithm = PasswordAlgorithm::sha256;
    EXPECT_EQ(client.allocates().code(), 400);
    client.algorithm.reset();
    EXPECT_EQ(client.allocates().code(), success);
}

TEST_F(AlgorithmsTest, D16_TheKeyIsThatOfTheAlgorithm) {
    client.fetches_nonce();
    const Keys keys = client.keys();
    EXPECT_EQ(allocates(chooses({0, 2, 0, 0, 0, 1, 0, 0}, {0, 2, 0, 0}), keys.md5).code(), 401);
    EXPECT_EQ(allocates(chooses({0, 2, 0, 0, 0, 1, 0, 0}, {0, 1, 0, 0}), *keys.sha256).code(), 401);
}

TEST_F(AlgorithmsTest, D08_TheStaleNoncesAnswerOffersThemToo) {
    client.algorithm = PasswordAlgorithm::sha256;
    ASSERT_EQ(client.allocates().code(), success);
    world.passes(10min - 1s);
    ASSERT_EQ(client.refreshes(600).code(), success);
    world.passes(1s);
    const auto response = client.refreshes(600);
    EXPECT_EQ(response.code(), 438);
    EXPECT_TRUE(response.has(T::password_algorithms));
    client.nonce = response.text(T::nonce);
    EXPECT_EQ(client.refreshes(600).code(), success);
}

TEST_F(AlgorithmsTest, D19_OnlyTheWholeSha256Counts) {
    client.fetches_nonce();
    auto bytes = client.writes({Method::allocate, Class::request}, [&](MessageWriter& w) {
        TestClient::udp(w);
        w.text(T::username, client.username);
        w.text(T::realm, client.realm);
        w.text(T::nonce, client.nonce);
    });
    const auto with_mac_of = [&](size_t size) {
        Payload message = bytes;
        message.resize(bytes.size() + 4 + (size + 3) / 4 * 4);
        const size_t length = message.size() - stun::header_size;
        message[2] = static_cast<uint8_t>(length >> 8);
        message[3] = static_cast<uint8_t>(length);
        const auto mac = hmac_sha256(client.key(), {Bytes(message).first(bytes.size())});
        message[bytes.size() + 1] = 0x1c;
        message[bytes.size() + 3] = static_cast<uint8_t>(size);
        std::copy_n(mac.begin(), std::min(size, mac.size()),
                    message.begin() + static_cast<ptrdiff_t>(bytes.size()) + 4);
        return client.sends_raw(message).code();
    };
    for (const size_t size : {0u, 12u, 16u, 18u, 28u, 36u}) EXPECT_EQ(with_mac_of(size), 401);
    EXPECT_EQ(with_mac_of(32), success);
}

TEST_F(AlgorithmsTest, D22_D23_UserhashStandsForTheName) {
    client.userhash = stun::userhash("alice", "ahoy");
    ASSERT_EQ(client.allocates().code(), success);
    EXPECT_EQ(world.observer.created, std::vector<std::string>{"alice"});
    client.userhash.reset();  // either may be used for one allocation
    EXPECT_EQ(client.refreshes(600).code(), success);
    client.userhash = stun::userhash("bob", "ahoy");
    client.password = "builder";
    client.username = "bob";
    EXPECT_EQ(client.refreshes(0).code(), 441);
}

TEST_F(AlgorithmsTest, D22_D09_AnUnknownUserhashLooksLikeAnUnknownName) {
    const auto by_name = TestClient(world, "5.6.7.8:1", "mallory", "wonder").allocates();
    TestClient stranger(world, "5.6.7.8:1", "mallory", "wonder");
    stranger.userhash = stun::userhash("mallory", "ahoy");
    EXPECT_EQ(stranger.allocates().bytes, by_name.bytes);
    EXPECT_EQ(world.failures(AuthFailure::unknown_user), 2u);
}

TEST_F(AlgorithmsTest, D23_UsernameAndUserhashMustBeOfOneUser) {
    const auto with = [&](std::string_view hashed) {
        return client.asks(Method::allocate, [&](MessageWriter& w) {
            TestClient::udp(w);
            w.attribute(T::userhash, stun::userhash(hashed, "ahoy"));
        });
    };
    EXPECT_EQ(with("bob").code(), 400);
    EXPECT_EQ(with("alice").code(), success);
}

TEST_F(AlgorithmsTest, D22_AUserhashOfAnotherSizeIs400) {
    client.fetches_nonce();
    const auto response = client.asks(Method::allocate, [&](MessageWriter& w) {
        TestClient::udp(w);
        w.text(T::userhash, "alice");
    });
    EXPECT_EQ(response.code(), 400);
}

TEST_F(AlgorithmsTest, D22_TheUserhashOfARestNameServesItsAllocation) {
    const auto minted = mint("north", "carol", 1h, world.now);
    TestClient carol(world, "5.6.7.8:2", minted.username, minted.password);
    const auto hash = stun::userhash(minted.username, "ahoy");
    carol.userhash = hash;
    EXPECT_EQ(carol.allocates().code(), 401);  // nobody can know it before
    carol.userhash.reset();
    ASSERT_EQ(carol.allocates().code(), success);
    carol.userhash = hash;
    EXPECT_EQ(carol.refreshes(0).code(), success);
}

TEST_F(AlgorithmsTest, D03_AnonymityIsOfferedWhereThereAreNoRestNames) {
    serves("ahoy", {});
    const auto response = client.asks_unsigned(Method::allocate, TestClient::udp);
    EXPECT_TRUE(response.text(T::nonce).starts_with("obMatJos2wAAA"));
    client.nonce = response.text(T::nonce);
    client.userhash = stun::userhash("alice", "ahoy");
    client.algorithm = PasswordAlgorithm::sha256;
    EXPECT_EQ(client.allocates().code(), success);
}

TEST_F(AlgorithmsTest, D23_WhereItIsOfferedANameIsTakenAllTheSame) {
    serves("ahoy", {});
    EXPECT_EQ(client.allocates().code(), success);
}

}  // namespace
}  // namespace ahoy::turn
