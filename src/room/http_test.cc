#include "room/http.h"

#include <gmock/gmock.h>

namespace ahoy::room {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(Target, PathsAreDecodedAndSplit) {
    EXPECT_EQ(path_of("/join/a%2Db?x=/y"), "/join/a-b");
    EXPECT_EQ(path_of("/a+b"), "/a+b");
    EXPECT_EQ(path_of("/bad%zz"), "/bad%zz");
    EXPECT_THAT(split_path("/a/b"), ElementsAre("", "a", "b"));
    EXPECT_THAT(split_path("//"), ElementsAre("", "", ""));
    EXPECT_THAT(split_path(""), ElementsAre(""));
}

TEST(Host, IsWhatABrowserSendsWithoutItsPort) {
    EXPECT_EQ(host_of("example.org"), "example.org");
    EXPECT_EQ(host_of("Call-1.example.org:8443"), "Call-1.example.org");
    EXPECT_EQ(host_of("call_server:8080"), "call_server");
    EXPECT_EQ(host_of("localhost:8080"), "localhost");
    EXPECT_EQ(host_of("192.0.2.1:8080"), "192.0.2.1");
    EXPECT_EQ(host_of("[2001:db8::1]:8080"), "2001:db8::1");
    EXPECT_EQ(host_of("[2001:db8::1]"), "2001:db8::1");
    EXPECT_EQ(host_of("example.org:"), "example.org");
    EXPECT_EQ(host_of("2001:db8::1"), "2001:db8::1");
}

TEST(Host, IsNothingThatCouldHurt) {
    for (const auto* text :
         {"", ":80", "[", "[]", "[::1", "[::1]x", "[192.0.2.1]", "[a]:1", "a b", "a\"b", "a:b",
          "a:80;x", "a:80:90", "user@example.org", "example.org/x", "a\r\nb", "caf\xc3\xa9"}) {
        EXPECT_EQ(host_of(text), "") << text;
    }
}

TEST(Parameters, AreReadFromTheQueryAndFromForms) {
    const auto all = Parameters::of({.target = "/join/r?a=1&b=x+y%26;c&=d&a=2",
                                     .content_type = "Application/X-WWW-form-urlencoded; q",
                                     .body = "debug=loopback"});
    EXPECT_THAT(all.all(), ElementsAre(Pair("a", "1"), Pair("b", "x y&"), Pair("c", ""),
                                       Pair("", "d"), Pair("a", "2"), Pair("debug", "loopback")));
    EXPECT_EQ(all.get("a"), "1");
    EXPECT_EQ(all.find("nope"), std::nullopt);
    EXPECT_EQ(all.find("c"), "");
    EXPECT_TRUE(
        Parameters::of({.target = "/", .content_type = "text/plain", .body = "a=1"}).all().empty());
}

TEST(Parameters, AreFewAndValid) {
    Parameters parameters;
    parameters.parse("a=%ff&b=1");
    EXPECT_THAT(parameters.all(), ElementsAre(Pair("b", "1")));
    std::string many;
    for (int i = 0; i < 1000; ++i) many += "k&";
    parameters.parse(many);
    EXPECT_EQ(parameters.all().size(), Parameters::most);
}

TEST(Utf8, IsWhatRfc3629SaysItIs) {
    for (const auto* good : {"", "ahoy", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                             "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
        EXPECT_TRUE(is_utf8(good)) << good;
    }
    EXPECT_TRUE(is_utf8(std::string_view("\0", 1)));
    for (const auto* bad :
         {"\x80", "\xc1\xbf", "\xc2", "\xc2x", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xe2\x82", "\xe2\x82z"}) {
        EXPECT_FALSE(is_utf8(bad)) << bad;
    }
}

TEST(Escape, LeavesNothingThatMeansSomethingElsewhere) {
    EXPECT_EQ(escape_url("a'\"<>&\\ \n/é", "/"), "a%27%22%3C%3E%26%5C%20%0A/%C3%A9");
}

TEST(RouteId, HasTheAlphabetOfTheOriginal) {
    EXPECT_TRUE(is_route_id("aZ09-_"));
    for (const auto* bad : {"", "a b", "a/b", "a.b", "é"}) EXPECT_FALSE(is_route_id(bad));
}

TEST(GenericAnswers, AreTheOriginals) {
    EXPECT_EQ(not_found().body, "404 Not Found\n\nThe resource could not be found.\n\n   ");
    const auto wrong = method_not_allowed("GET", "POST");
    EXPECT_EQ(wrong.body,
              "405 Method Not Allowed\n\nThe method GET is not allowed for this resource. \n\n ");
    EXPECT_THAT(wrong.headers, ElementsAre(Pair("Allow", "POST")));
}

}  // namespace
}  // namespace ahoy::room
