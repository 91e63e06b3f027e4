#include "probe/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ahoy::probe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> uris(std::string_view text, bool all = false) {
    std::vector<std::string> out;
    for (const Way& way : ways(Target::parse(text).value(), all)) out.push_back(to_uri(way));
    return out;
}

std::string refusal(std::string_view text) {
    const auto target = Target::parse(text);
    return target ? "taken" : target.error();
}

TEST(Target, HasTheDefaultsOfTheRfcs) {
    EXPECT_THAT(uris("turn:example.org"), ElementsAre("turn:example.org:3478?transport=udp"));
    EXPECT_THAT(uris("turns:example.org"), ElementsAre("turns:example.org:5349?transport=tcp"));
    EXPECT_THAT(uris("stun:example.org"), ElementsAre("stun:example.org:3478"));
    EXPECT_THAT(uris("stuns:example.org"), ElementsAre("stuns:example.org:5349"));
}

TEST(Target, NamesPortAndTransport) {
    for (const auto* const uri :
         {"turn:example.org:443?transport=tcp", "turns:example.org:443?transport=udp",
          "turn:192.0.2.1:1?transport=udp", "turn:[2001:db8::1]:65535?transport=tcp"}) {
        EXPECT_THAT(uris(uri), ElementsAre(uri));
    }
    EXPECT_EQ(Target::parse("turns:a?transport=udp")->transport, Transport::dtls);
    EXPECT_EQ(Target::parse("turn:[2001:db8::1]")->host, "2001:db8::1");
}

TEST(Target, OfAHostAloneIsEveryTransport) {
    EXPECT_THAT(uris("example.org"), ElementsAre("turn:example.org:3478?transport=udp",
                                                 "turn:example.org:3478?transport=tcp",
                                                 "turns:example.org:5349?transport=tcp",
                                                 "turns:example.org:5349?transport=udp"));
    EXPECT_THAT(uris("example.org:443"), ElementsAre(HasSubstr(":443?"), HasSubstr(":443?"),
                                                     HasSubstr(":443?"), HasSubstr(":443?")));
    EXPECT_EQ(uris("2001:db8::1").front(), "turn:[2001:db8::1]:3478?transport=udp");
    EXPECT_EQ(uris("[2001:db8::1]:9").front(), "turn:[2001:db8::1]:9?transport=udp");
}

TEST(Target, AppliesItsPortToItsOwnKindOfTransport) {
    EXPECT_THAT(uris("turn:a:99", true),
                ElementsAre("turn:a:99?transport=udp", "turn:a:99?transport=tcp",
                            "turns:a:5349?transport=tcp", "turns:a:5349?transport=udp"));
    EXPECT_THAT(uris("turns:a:99", true),
                ElementsAre("turn:a:3478?transport=udp", "turn:a:3478?transport=tcp",
                            "turns:a:99?transport=tcp", "turns:a:99?transport=udp"));
    EXPECT_THAT(uris("stun:a:99", true),
                ElementsAre("stun:a:99", "stun:a:99", "stuns:a:5349", "stuns:a:5349"));
}

TEST(Target, ThatIsWrongIsToldWhatIsRight) {
    EXPECT_THAT(refusal("turn://example.org"), HasSubstr("no slashes"));
    EXPECT_THAT(refusal("turn:alice@example.org"), HasSubstr("--user"));
    EXPECT_THAT(refusal("turn:example.org:0"), HasSubstr("1 to 65535"));
    EXPECT_THAT(refusal("turn:example.org:65536"), HasSubstr("1 to 65535"));
    EXPECT_THAT(refusal("turn:example.org:"), HasSubstr("1 to 65535"));
    EXPECT_THAT(refusal("turn:example.org?transport=tls"), HasSubstr("turns:"));
    EXPECT_THAT(refusal("turn:example.org?transport="), HasSubstr("udp or tcp"));
    EXPECT_THAT(refusal("stun:example.org?transport=tcp"), HasSubstr("--all"));
    for (const auto* const text :
         {"", "turn:", "turn:?transport=udp", "http://example.org", "turn:[2001:db8::1",
          "turn:[example.org]", "turn:[::1]x", "turn:a b", "a?transport=udp"}) {
        EXPECT_THAT(refusal(text), HasSubstr("turn")) << text;
        EXPECT_NE(refusal(text), "taken") << text;
    }
}

}  // namespace
}  // namespace ahoy::probe
