#include "app/webhook_text.h"

#include <gmock/gmock.h>

namespace ahoy::app {
namespace {

TEST(WebhookBody, SaysWhatIsKnown) {
    const WallTime time{std::chrono::seconds(1764288000)};
    EXPECT_EQ(webhook_body("r-1", {.type = "room.opened", .room = "tea"}, time),
              R"({"id":"r-1","type":"room.opened","time":"2025-11-28T00:00:00Z","room":"tea"})");
    EXPECT_EQ(webhook_body("r-2", {"client.left", "tea", 7, "left"}, time),
              R"({"id":"r-2","type":"client.left","time":"2025-11-28T00:00:00Z","room":"tea",)"
              R"("client":7,"reason":"left"})");
    EXPECT_THAT(webhook_body("r-3", {.type = "room.opened", .room = "\xff"}, time),
                testing::HasSubstr(R"("room":"%FF")"));
}

// As node's crypto.createHmac('sha256', secret).update('evt-1.1764288000.…').digest('base64').
TEST(WebhookSignature, IsThatOfStandardWebhooks) {
    EXPECT_EQ(
        webhook_signature("0123456789abcdef0123456789abcdef", "evt-1",
                          WallTime{std::chrono::seconds(1764288000)}, R"({"type":"room.opened"})"),
        "v1,AETiMcucTIcVkZ4lxoxvGuQMS8MGzCbA6WnQ9yunqdE=");
}

TEST(WebhookUrl, IsHttpOrHttpsWithoutAUser) {
    const auto plain = parse_webhook_url("http://shop.example.org:8080/ahoy?x=1");
    ASSERT_TRUE(plain);
    EXPECT_FALSE(plain->tls);
    EXPECT_EQ(plain->host, "shop.example.org");
    EXPECT_EQ(plain->port, "8080");
    EXPECT_EQ(plain->authority, "shop.example.org:8080");
    EXPECT_EQ(plain->target, "/ahoy?x=1");
    const auto bare = parse_webhook_url("https://[2001:db8::1]");
    ASSERT_TRUE(bare);
    EXPECT_TRUE(bare->tls);
    EXPECT_EQ(bare->host, "2001:db8::1");
    EXPECT_EQ(bare->port, "443");
    EXPECT_EQ(bare->authority, "[2001:db8::1]");
    EXPECT_EQ(bare->target, "/");
    for (const char* wrong : {"", "shop.example.org", "ftp://shop.example.org", "http:///ahoy",
                              "https://bob:pw@shop.example.org", "http://a b/", "http:x",
                              "https://shop.example.org/#x"}) {
        EXPECT_FALSE(parse_webhook_url(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace ahoy::app
