#include "net/proxy_header.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ahoy::net {
namespace {

using namespace std::literals;

const std::string v2_head = "\r\n\r\n\0\r\nQUIT\n"s;

Result<ProxyHeader, ProxyError> parse(std::string_view text) {
    return parse_proxy_header(as_bytes(text));
}

void expect_source(const std::string& header, std::string_view source) {
    for (size_t size = 0; size < header.size(); ++size) {
        const auto part = parse(std::string_view(header).substr(0, size));
        ASSERT_FALSE(part) << size;
        EXPECT_EQ(part.error(), ProxyError::incomplete) << size;
    }
    const auto whole = parse(header + "more");
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->size, header.size());
    EXPECT_EQ(whole->source ? whole->source->to_string() : "", source);
}

void expect_malformed(const std::string& header) {
    const auto parsed = parse(header);
    ASSERT_FALSE(parsed) << header;
    EXPECT_EQ(parsed.error(), ProxyError::malformed) << header;
}

TEST(ProxyHeader, C14_ReadsVersion1CutAnywhere) {
    expect_source("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", "192.0.2.1:56324");
    expect_source("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", "[2001:db8::1]:1");
    expect_source("PROXY UNKNOWN\r\n", "");
    expect_source("PROXY UNKNOWN ffff:f:f ffff:f:f 1 2\r\n", "");
}

TEST(ProxyHeader, C14_ReadsVersion2CutAnywhereAndSkipsItsExtensions) {
    const std::string v4 = "\xc0\x00\x02\x01\xc6\x33\x64\x01\x12\x34\x01\xbb"s;
    expect_source(v2_head + "\x21\x11\x00\x0c"s + v4, "192.0.2.1:4660");
    expect_source(v2_head + "\x21\x11\x00\x0f"s + v4 + "\x04\x00\x00"s, "192.0.2.1:4660");
    const std::string v6 = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x07";
    expect_source(v2_head + "\x21\x21\x00\x24"s + v6 + v6 + "\x00\x50\x00\x51"s,
                  "[2001:db8::7]:80");
}

TEST(ProxyHeader, C14_LocalAndUnknownFamiliesSayNothing) {
    expect_source(v2_head + "\x20\x00\x00\x00"s, "");
    expect_source(v2_head + "\x21\x31\x00\x02zz"s, "");
}

TEST(ProxyHeader, C14_RefusesEverythingElse) {
    expect_malformed("GET / HTTP/1.1\r\n");
    expect_malformed("PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n");
    expect_malformed("PROXY TCP4 192.0.2.1 198.51.100.1 56324 66000\r\n");
    expect_malformed("PROXY TCP4 192.0.2.256 198.51.100.1 56324 443\r\n");
    expect_malformed("PROXY TCP9 192.0.2.1 198.51.100.1 56324 443\r\n");
    expect_malformed("PROXY TCP4 " + std::string(107, '1'));
    expect_malformed(v2_head + "\x11\x11\x00\x00"s);  // version 1 in version 2's clothes
    expect_malformed(v2_head + "\x22\x11\x00\x00"s);  // no such command
    expect_malformed(v2_head + "\x21\x11\xff\xff"s);  // longer than anybody needs
    expect_malformed(v2_head + "\x21\x11\x00\x04\x01\x02\x03\x04"s);  // shorter than its addresses
}

}  // namespace
}  // namespace ahoy::net
