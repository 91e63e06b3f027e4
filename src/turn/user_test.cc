#include "turn/user.h"

#include <gtest/gtest.h>

namespace ahoy::turn {
namespace {

TEST(User, IsANameInARealm) {
    const User alice("alice", RealmId{513});
    EXPECT_EQ(alice.name(), "alice");
    EXPECT_EQ(alice.realm(), RealmId{513});
    EXPECT_TRUE(alice.is("alice", RealmId{513}));
    EXPECT_FALSE(alice.is("alice", RealmId{}));
    EXPECT_FALSE(alice.is("bob", RealmId{513}));
    EXPECT_NE(alice, User("alice"));
}

TEST(User, NoNamePassesForAnotherRealm) {
    using namespace std::string_view_literals;
    const User shops("alice", RealmId{1});
    for (const auto name : {"\0\1alice"sv, "alice\0\1"sv, "\1alice"sv, "1alice"sv}) {
        EXPECT_NE(User(name).key(), shops.key());
        EXPECT_EQ(User(name).name(), name);
    }
}

}  // namespace
}  // namespace ahoy::turn
