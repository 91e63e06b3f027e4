#include "app/origin.h"

#include <gtest/gtest.h>

namespace ahoy::app {
namespace {

bool may(std::string origin, const std::vector<std::string>& allowed) {
    net::Request request;
    request.http.scheme = "https";
    request.http.host = "ahoy.example.org:8443";
    request.origin = std::move(origin);
    return may_use_rooms(request, allowed);
}

TEST(Origin, AnyMayWithoutAList) {
    for (const auto* origin : {"", "null", "https://appr.tc", "https://www.google.com"}) {
        EXPECT_TRUE(may(origin, {})) << origin;
    }
}

TEST(Origin, OfAListOurOwnThoseNamedAndNone) {
    const std::vector<std::string> allowed{"https://call.example.org", "https://192.0.2.1:8443"};
    for (const auto* origin : {"", "https://call.example.org", "https://192.0.2.1:8443",
                               "https://ahoy.example.org:8443"}) {
        EXPECT_TRUE(may(origin, allowed)) << origin;
    }
    for (const auto* origin :
         {"null", "http://call.example.org", "https://call.example.org:444", "https://example.org",
          "https://ahoy.example.org", "http://ahoy.example.org:8443", "call.example.org"}) {
        EXPECT_FALSE(may(origin, allowed)) << origin;
    }
}

TEST(Origin, APageIsFramedByThoseNamedAndOtherwiseByNobody) {
    EXPECT_EQ(frame_ancestors({}), "frame-ancestors 'none'");
    EXPECT_EQ(frame_ancestors({"https://shop.example.org", "http://localhost:3000"}),
              "frame-ancestors https://shop.example.org http://localhost:3000");
}

}  // namespace
}  // namespace ahoy::app
