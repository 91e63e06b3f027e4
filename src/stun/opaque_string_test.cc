#include "stun/opaque_string.h"

#include <gtest/gtest.h>

namespace ahoy::stun {
namespace {

TEST(OpaqueString, D24_AsciiStaysAsItIs) {
    EXPECT_EQ(opaque_string("correct horse"), "correct horse");
    EXPECT_EQ(opaque_string("Alice:<%s>"), "Alice:<%s>");
}

TEST(OpaqueString, D24_ComposedAndDecomposedAreEqual) {
    EXPECT_EQ(opaque_string("ren\xc3\xa9"), "ren\xc3\xa9");
    EXPECT_EQ(opaque_string("rene\xcc\x81"), "ren\xc3\xa9");
    EXPECT_EQ(opaque_string("\xe2\x84\xab"), "\xc3\x85");  // the angstrom sign
}

TEST(OpaqueString, D24_CompatibilityFormsAndCaseStay) {
    EXPECT_EQ(opaque_string("\xef\xac\x81"), "\xef\xac\x81");  // the ligature fi
    EXPECT_EQ(opaque_string("\xc3\x89"), "\xc3\x89");
}

TEST(OpaqueString, D24_EverySpaceIsAPlainOne) {
    EXPECT_EQ(opaque_string("a\xc2\xa0"
                            "b\xe3\x80\x80"
                            "c"),
              "a b c");
}

// RFC 8489, section 14.4: the example of RFC 5769, section 2.4, is a name that changes nothing.
TEST(OpaqueString, D24_TheNameOfRfc5769) {
    const std::string_view matrix =
        "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9";
    EXPECT_EQ(opaque_string(matrix), matrix);
}

TEST(OpaqueString, D24_WhatTheProfileRefuses) {
    using namespace std::string_view_literals;
    for (const auto text : {""sv, "\0"sv, "a\nb"sv, "\x7f"sv, "\xc2\x85"sv, "\xff"sv, "\xc3"sv,
                            "\xed\xa0\x80"sv, "\xee\x80\x80"sv, "\xef\xbf\xbf"sv}) {
        EXPECT_FALSE(opaque_string(text)) << text;
    }
}

}  // namespace
}  // namespace ahoy::stun
