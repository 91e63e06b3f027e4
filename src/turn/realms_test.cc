#include "turn/realms.h"

#include <gtest/gtest.h>

#include "turn/test_world.h"

namespace ahoy::turn {
namespace {

TEST(Origin, HasOneFormThatIsCompared) {
    for (const auto* const same : {"https://example.org", "https://example.org:443",
                                   "HTTPS://Example.ORG", "https://example.org:443/call?x#y"}) {
        EXPECT_EQ(canonical_origin(same), "https://example.org") << same;
    }
    EXPECT_EQ(canonical_origin("http://example.org:80"), "http://example.org");
    EXPECT_EQ(canonical_origin("sip://example.org:5060"), "sip://example.org");
    EXPECT_EQ(canonical_origin("sips://example.org:5061"), "sips://example.org");
    EXPECT_EQ(canonical_origin("https://[2001:DB8::1]:443"), "https://[2001:db8::1]");
    for (const auto* const other :
         {"https://example.org:8443", "https://example.org:80", "http://example.org:443",
          "https://example.org:1443", "https://[2001:db8::443]", "other://example.org:443"}) {
        EXPECT_EQ(canonical_origin(other), other);
    }
}

TEST(Origin, WhatIsNoneStaysAsItIs) {
    for (const auto* const text :
         {"", "Example.org", "://X", "https://", "https://:443", "https:X", "https:///X"}) {
        EXPECT_EQ(canonical_origin(text), text);
    }
}

class RealmsTest : public testing::Test {
  protected:
    static Realm named(const char* name) { return {{name, {}, {}}, {{}, {}}, {}}; }
    RealmId of(const AddAttributes& add) const {
        std::array<uint8_t, 1024> buffer;
        MessageWriter writer(buffer, {Method::allocate, Class::request}, {});
        add(writer);
        return realms.of(Message::parse(writer.finish()).value());
    }
    static void names(MessageWriter& w, std::string_view realm) {
        w.text(AttributeType::realm, realm);
    }
    static void comes_from(MessageWriter& w, std::string_view origin) {
        w.text(AttributeType::origin, origin);
    }

    static constexpr RealmId first{0}, shop{1}, club{2};
    const Realms realms{{named("ahoy"), named("shop"), named("club")},
                        {{"https://shop.example.org:443", shop}, {"https://club.example", club}}};
};

TEST_F(RealmsTest, ARequestIsForTheRealmThatItNames) {
    EXPECT_EQ(of([](MessageWriter& w) { names(w, "shop"); }), shop);
    EXPECT_EQ(of([](MessageWriter& w) {
                  comes_from(w, "https://shop.example.org");
                  names(w, "club");
              }),
              club);
}

TEST_F(RealmsTest, OrForThatOfTheFirstOriginThatHasOne) {
    EXPECT_EQ(of([](MessageWriter& w) { comes_from(w, "https://Shop.Example.org"); }), shop);
    EXPECT_EQ(of([](MessageWriter& w) {
                  comes_from(w, "https://else.example.org");
                  comes_from(w, "https://club.example:443");
                  comes_from(w, "https://shop.example.org");
              }),
              club);
    EXPECT_EQ(of([](MessageWriter& w) {
                  names(w, "nowhere");
                  comes_from(w, "https://club.example");
              }),
              club);
}

TEST_F(RealmsTest, OrForTheFirst) {
    EXPECT_EQ(of([](MessageWriter&) {}), first);
    EXPECT_EQ(of([](MessageWriter& w) { names(w, "nowhere"); }), first);
    EXPECT_EQ(of([](MessageWriter& w) { comes_from(w, "https://else.example.org"); }), first);
    EXPECT_EQ(of([](MessageWriter& w) { comes_from(w, "http://shop.example.org"); }), first);
}

TEST_F(RealmsTest, AnIdThatIsNotKnownYetIsTheFirst) {
    EXPECT_EQ(realms[club].name(), "club");
    EXPECT_EQ(realms[RealmId{3}].name(), "ahoy");
}

}  // namespace
}  // namespace ahoy::turn
