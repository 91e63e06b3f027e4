// ALTERNATE-SERVER (RFC 8489, sections 10 and 14.15): group E.
#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

constexpr int success = Response::success, try_alternate = 300;
using T = AttributeType;

const std::vector<Alternate> plain{
    {at("198.51.100.7:3478"), ""}, {at("[2001:db8::7]:3478"), ""}, {at("198.51.100.8:3478"), ""}};
const std::vector<Alternate> secure{{at("198.51.100.7:5349"), "turn7.example.org"},
                                    {at("[2001:db8::7]:5349"), "turn7.example.org"}};

class RedirectTest : public testing::Test {
  protected:
    void redirects(Redirect redirect) { world.server.redirect_to({redirect, plain, secure}); }
    // Where an answer sends the client, family by family.
    static std::vector<std::string> servers(const Response& response) {
        std::vector<std::string> found;
        response.message().each([&](T type, Bytes value) {
            if (type == T::alternate_server)
                found.push_back(stun::read_address(value).value().to_string());
        });
        return found;
    }

    World world;
    TestClient client{world};
};

TEST_F(RedirectTest, E01_ARedirectionComesAfterAuthenticationAndIsSigned) {
    redirects(Redirect::always);
    EXPECT_EQ(client.asks_unsigned(Method::allocate, TestClient::udp).code(), 401);
    const auto response = client.allocates();
    EXPECT_EQ(response.code(), try_alternate);
    EXPECT_TRUE(client.trusts(response.message()));
    EXPECT_TRUE(world.ports.live.empty());
    client.password = "forgotten";
    EXPECT_EQ(client.allocates().code(), 401);
}

TEST_F(RedirectTest, E02_FirstAServerOfTheClientsFamilyThenOneOfTheOther) {
    redirects(Redirect::always);
    EXPECT_EQ(servers(client.allocates()),
              (std::vector<std::string>{"198.51.100.7:3478", "[2001:db8::7]:3478"}));
    TestClient six(world, "[2606:4700::9]:1234");
    EXPECT_EQ(servers(six.allocates())[0], "[2001:db8::7]:3478");
}

TEST_F(RedirectTest, E02_WhoHasNoServerOfItsFamilyIsServedHere) {
    world.server.redirect_to({Redirect::always, {plain[0]}, {}});
    TestClient six(world, "[2606:4700::9]:1234");
    EXPECT_EQ(six.allocates().code(), success);
}

TEST_F(RedirectTest, E02_ServersTakeTurns) {
    redirects(Redirect::always);
    for (const auto* next : {"198.51.100.7:3478", "198.51.100.8:3478", "198.51.100.7:3478"}) {
        EXPECT_EQ(servers(client.allocates())[0], next);
    }
}

TEST_F(RedirectTest, A26_AlternateServerIsNotXored) {
    redirects(Redirect::always);
    EXPECT_EQ(stun::to_hex(client.allocates().message().find(T::alternate_server).value()),
              "00010d96c6336407");
}

TEST_F(RedirectTest, E03_OverTlsTheServersAreOthersAndTheirCertificateIsNamed) {
    redirects(Redirect::always);
    for (const auto transport : {Transport::tls, Transport::dtls}) {
        client.transport = transport;
        const auto response = client.allocates();
        EXPECT_EQ(servers(response)[0], "198.51.100.7:5349");
        EXPECT_EQ(response.text(T::alternate_domain), "turn7.example.org");
    }
    client.transport = Transport::tcp;
    EXPECT_FALSE(client.allocates().has(T::alternate_domain));
}

TEST_F(RedirectTest, E03_OneDomainIsThatOfEveryServerNamed) {
    world.server.redirect_to({Redirect::always, {}, {secure[0], {at("[2001:db8::8]:5349"), ""}}});
    client.transport = Transport::tls;
    EXPECT_EQ(servers(client.allocates()).size(), 1u);
}

TEST_F(RedirectTest, E01_WhatIsWrongIsRefusedHere) {
    redirects(Redirect::always);
    EXPECT_EQ(client.asks(Method::allocate).code(), 400);
}

TEST_F(RedirectTest, E01_AllocationsThatAreThereStay) {
    client.fetches_nonce();
    const auto request = client.writes_signed(Method::allocate, TestClient::udp);
    ASSERT_EQ(client.sends_raw(request).code(), success);
    redirects(Redirect::always);
    EXPECT_EQ(client.sends_raw(request).code(), success);
    EXPECT_EQ(client.refreshes(600).code(), success);
}

TEST_F(RedirectTest, O13_WhileDrainingNewClientsAreSentElsewhere) {
    redirects(Redirect::full);
    ASSERT_EQ(client.allocates().code(), success);
    world.server.refuse_new(true);
    TestClient late(world, "5.6.7.8:4321");
    EXPECT_EQ(late.allocates().code(), try_alternate);
    EXPECT_EQ(client.refreshes(600).code(), success);
}

TEST_F(RedirectTest, F25_WhenPortsAreExhaustedClientsAreSentElsewhere) {
    redirects(Redirect::full);
    world.ports.capacity = 1;
    ASSERT_EQ(client.allocates().code(), success);
    TestClient late(world, "5.6.7.8:4321");
    EXPECT_EQ(late.allocates().code(), try_alternate);
    client.refreshes(0);
    EXPECT_EQ(late.allocates().code(), success);  // nothing was charged for the attempt
}

TEST_F(RedirectTest, F35_WhenThereAreTooManyAllocationsClientsAreSentElsewhere) {
    world.server.set_quotas({.per_user = {.allocations = 1}, .total = {.allocations = 1}});
    redirects(Redirect::full);
    ASSERT_EQ(client.allocates().code(), success);
    TestClient late(world, "5.6.7.8:4321", "bob", "builder");
    EXPECT_EQ(late.allocates().code(), try_alternate);
}

// Who has had their share here shall not have another elsewhere.
TEST_F(RedirectTest, F24_AUsersQuotaSendsNobodyElsewhere) {
    world.server.set_quotas({.per_user = {.allocations = 1}});
    redirects(Redirect::full);
    ASSERT_EQ(client.allocates().code(), success);
    TestClient again(world, "5.6.7.8:4321");
    EXPECT_EQ(again.allocates().code(), 486);
}

TEST_F(RedirectTest, F10_AReservedPortIsHere) {
    redirects(Redirect::always);
    const Payload foreign(8, 7);
    const auto token = [&](MessageWriter& w) { w.attribute(T::reservation_token, foreign); };
    EXPECT_EQ(client.allocates(token).code(), 508);
}

}  // namespace
}  // namespace ahoy::turn
