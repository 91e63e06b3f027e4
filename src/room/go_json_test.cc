#include "room/go_json.h"

#include <gtest/gtest.h>

namespace ahoy::room {
namespace {

TEST(GoSyntaxError, IsWhatEncodingJsonSays) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"x", "'x' looking for beginning of value"},
        {" ]", "']' looking for beginning of value"},
        {R"({"a":,})", "',' looking for beginning of value"},
        {"[1,]", "']' looking for beginning of value"},
        {"{a:1}", "'a' looking for beginning of object key string"},
        {R"({"a":1,})", "'}' looking for beginning of object key string"},
        {R"({"a" 1})", "'1' after object key"},
        {R"({"a":1 "b":2})", "'\"' after object key:value pair"},
        {"[1 2]", "'2' after array element"},
        {R"({"cmd":"x"} y)", "'y' after top-level value"},
        {"01", "'1' after top-level value"},
        {"tru e", "' ' in literal true (expecting 'e')"},
        {"fa1se", "'1' in literal false (expecting 'l')"},
        {"nul}", "'}' in literal null (expecting 'l')"},
        {"-x", "'x' in numeric literal"},
        {"1.x", "'x' after decimal point in numeric literal"},
        {"1e+x", "'x' in exponent of numeric literal"},
        {"\"a\nb\"", "'\\n' in string literal"},
        {"\"\x01\"", "'\\x01' in string literal"},
        {R"("\q")", "'q' in string escape code"},
        {R"("\u12g4")", "'g' in \\u hexadecimal character escape"},
        {"'", "'\\'' looking for beginning of value"},
        {"\\", "'\\\\' looking for beginning of value"},
        {"\x7f", "'\\x7f' looking for beginning of value"},
        {"é", "'Ã' looking for beginning of value"},
        {"\x80", "'\\u0080' looking for beginning of value"},
    };
    for (const auto& [text, complaint] : cases) {
        EXPECT_EQ(go_syntax_error(text), "invalid character " + std::string(complaint)) << text;
    }
}

TEST(GoSyntaxError, WhatIsCutOffEndsTooSoon) {
    constexpr std::string_view whole = R"( {"a" : [true,-1.5e+3,"\u00e9\n"] , "b":{} } )";
    EXPECT_EQ(go_syntax_error(whole), "");
    for (size_t length = 0; length <= whole.rfind('}'); ++length) {
        EXPECT_EQ(go_syntax_error(whole.substr(0, length)), "unexpected end of JSON input")
            << length;
    }
}

TEST(GoSyntaxError, DepthCostsNoStack) {
    EXPECT_EQ(go_syntax_error(std::string(100'000, '[')), "unexpected end of JSON input");
    EXPECT_EQ(go_syntax_error(std::string(100, '[') + std::string(100, ']')), "");
}

}  // namespace
}  // namespace ahoy::room
