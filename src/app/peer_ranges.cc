#include "app/peer_ranges.h"

#include <fmt/format.h>

#include "base/check.h"

namespace ahoy::app {
namespace {

using Number = unsigned __int128;

Number number_of(const IpAddress& ip) {
    Number number = 0;
    for (const uint8_t byte : ip.bytes()) number = number << 8 | byte;
    return number;
}

IpAddress address_of(Number number) {
    std::array<uint8_t, 16> bytes;
    for (size_t i = bytes.size(); i-- > 0; number >>= 8) bytes[i] = static_cast<uint8_t>(number);
    return IpAddress::v6(bytes);
}

// The last address of the block of that many free bits.
Number last_of(Number first, int bits) {
    return bits == 128 ? ~Number{0} : first | ((Number{1} << bits) - 1);
}

Prefix block(Number first, int bits, bool v4) {
    const auto prefix =
        Prefix::parse(fmt::format("{}/{}", address_of(first).to_string(), (v4 ? 32 : 128) - bits));
    CHECK(prefix.has_value());
    return *prefix;
}

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

bool is_all_of_ipv4(const IpAddress& from, const IpAddress& to) {
    return from == IpAddress::v4(0) && to == IpAddress::v4(0xffffffff);
}

}  // namespace

std::optional<std::vector<Prefix>> parse_peer_range(std::string_view text) {
    text = trimmed(text);
    if (const auto one = Prefix::parse(text)) return std::vector{*one};
    const size_t dash = text.find('-');
    if (dash == text.npos) return {};
    const auto from = IpAddress::parse(trimmed(text.substr(0, dash)));
    const auto to = IpAddress::parse(trimmed(text.substr(dash + 1)));
    if (!from || !to || from->family() != to->family() || *to < *from) return {};
    std::vector<Prefix> blocks;
    const bool is_mapped = text.find(':') != text.npos;
    if (is_mapped && is_all_of_ipv4(*from, *to)) return blocks;
    const Number last = number_of(*to);
    for (Number first = number_of(*from);;) {
        int bits = 0;
        // As large as its beginning is round and the range reaches.
        while (bits < (from->is_v4() ? 32 : 128) && (first >> bits & 1) == 0 &&
               last_of(first, bits + 1) <= last) {
            ++bits;
        }
        blocks.push_back(block(first, bits, from->is_v4()));
        const Number end = last_of(first, bits);
        if (end == last) return blocks;
        first = end + 1;
    }
}

}  // namespace ahoy::app
