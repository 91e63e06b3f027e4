#include "net/http_text.h"

#include <gtest/gtest.h>

namespace ahoy::net {
namespace {

TEST(HttpText, DateIsTheRfcsExample) {
    EXPECT_EQ(http_date(WallTime(784111777s)), "Sun, 06 Nov 1994 08:49:37 GMT");
}

class Forwarded : public testing::Test {
  protected:
    Forwarded() {
        request.http.scheme = "http";
        request.http.host = "inside:8080";
    }
    void arrives_from(std::string_view remote, std::string_view forwarded_for,
                      std::string_view proto = "", std::string_view host = "") {
        request.remote = *TransportAddress::parse(remote);
        apply_forwarded(request, {*Prefix::parse("10.0.0.0/8")}, forwarded_for, proto, host);
    }
    std::string client() const { return request.remote.ip.to_string(); }

    Request request;
};

TEST_F(Forwarded, AStrangerCannotForward) {
    arrives_from("192.0.2.1:9", "198.51.100.1", "https", "evil.example");
    EXPECT_EQ(client(), "192.0.2.1");
    EXPECT_EQ(request.http.scheme, "http");
    EXPECT_EQ(request.http.host, "inside:8080");
}

TEST_F(Forwarded, ATrustedProxySaysWhoTheClientIs) {
    arrives_from("10.0.0.1:9", "198.51.100.1", "https", "call.example.org");
    EXPECT_EQ(client(), "198.51.100.1");
    EXPECT_EQ(request.http.scheme, "https");
    EXPECT_EQ(request.http.host, "call.example.org");
}

TEST_F(Forwarded, WhatTheClientItselfPutInFrontIsNotBelieved) {
    arrives_from("10.0.0.1:9", "203.0.113.66, 198.51.100.1, 10.0.0.2");
    EXPECT_EQ(client(), "198.51.100.1");
}

TEST_F(Forwarded, PortsAndIpv6AreUnderstoodAndNonsenseIsLeftAlone) {
    arrives_from("10.0.0.1:9", "[2001:db8::1]:4711");
    EXPECT_EQ(client(), "2001:db8::1");
    arrives_from("10.0.0.1:9", "unknown", "gopher");
    EXPECT_EQ(client(), "10.0.0.1");
    EXPECT_EQ(request.http.scheme, "http");
}

}  // namespace
}  // namespace ahoy::net
