#include "app/machine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/test_address.h"
#include "net/start_error.h"

namespace ahoy::app {
namespace {

Config with(std::initializer_list<std::string_view> settings) {
    std::vector<Setting> all;
    for (const auto text : settings) all.push_back(Setting::parse(text));
    return load_config("", all);
}

// A machine behind a 1:1 NAT.
class AlternatesTest : public testing::Test {
  protected:
    bool refuses(std::string_view listener, std::string_view alternate) const {
        const auto text = fmt::format("[\"{}\"]", alternate);
        for (const char* key : {"turn.alternates", "turn.tls_alternates"}) {
            Config config = load_config("", {{key, text}});
            try {
                alternates(config, {at(listener)}, ours_);
                return false;
            } catch (const net::StartError& error) {
                EXPECT_TRUE(std::string_view(error.what()).starts_with(key));
            }
        }
        return true;
    }
    net::RelayAddresses ours_{{{ip("203.0.113.15"), ip("192.0.2.15")}}, {ip("192.0.2.16")}};
};

TEST_F(AlternatesTest, E04_NobodyIsSentBackToThisServer) {
    EXPECT_TRUE(refuses("192.0.2.15:3478", "192.0.2.15:3478"));
    EXPECT_TRUE(refuses("192.0.2.15:3478", "203.0.113.15:3478"));  // by the NAT
    for (const auto* own : {"192.0.2.15", "192.0.2.16", "203.0.113.15", "127.0.0.1"}) {
        EXPECT_TRUE(refuses("0.0.0.0:3478", fmt::format("{}:3478", own))) << own;
    }
    EXPECT_TRUE(refuses("[::]:3478", "[::1]:3478"));
}

TEST_F(AlternatesTest, E04_AnotherServerMayBeOnThisMachine) {
    EXPECT_FALSE(refuses("0.0.0.0:3478", "192.0.2.15:3479"));
    EXPECT_FALSE(refuses("192.0.2.15:3478", "192.0.2.16:3478"));
    EXPECT_FALSE(refuses("[::]:3478", "192.0.2.15:3478"));
    EXPECT_FALSE(refuses("0.0.0.0:3478", "198.51.100.7:3478"));
}

TEST(Discovery, N02_N03_EachAddressIsToldAsClientsKnowIt) {
    const auto squares =
        discovery(with({R"(turn.discovery=["192.0.2.15:3478", "192.0.2.16:3479"])",
                        R"(turn.external_addresses=["203.0.113.15/192.0.2.15"])"}));
    ASSERT_EQ(squares.size(), 1u);
    EXPECT_EQ(squares[0][0][1].local, at("192.0.2.15:3479"));
    EXPECT_EQ(squares[0][0][1].told, at("203.0.113.15:3479"));
    EXPECT_EQ(squares[0][1][0].local, at("192.0.2.16:3478"));
    EXPECT_EQ(squares[0][1][0].told, at("192.0.2.16:3478"));
    EXPECT_TRUE(discovery(Config()).empty());
}

}  // namespace
}  // namespace ahoy::app
