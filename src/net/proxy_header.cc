#include "net/proxy_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/bytes.h"

namespace ahoy::net {
namespace {

using Parsed = Result<ProxyHeader, ProxyError>;

constexpr std::string_view signature_1 = "PROXY ";
constexpr std::array<uint8_t, 12> signature_2{'\r', '\n', '\r', '\n', 0,   '\r',
                                              '\n', 'Q',  'U',  'I',  'T', '\n'};
constexpr size_t max_line = 107;  // version 1, with its CRLF

Parsed malformed() {
    return unexpected(ProxyError::malformed);
}
Parsed incomplete() {
    return unexpected(ProxyError::incomplete);
}

std::vector<std::string_view> words(std::string_view line) {
    std::vector<std::string_view> out;
    while (true) {
        const size_t space = line.find(' ');
        out.push_back(line.substr(0, space));
        if (space == line.npos) return out;
        line.remove_prefix(space + 1);
    }
}

std::optional<uint16_t> port_of(std::string_view text) {
    uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return port;
}

// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"
Parsed parse_line(std::string_view text) {
    const size_t end = text.substr(0, max_line).find("\r\n");
    if (end == text.npos) return text.size() < max_line ? incomplete() : malformed();
    const auto word = words(text.substr(0, end));
    const size_t size = end + 2;
    if (word.size() >= 2 && word[1] == "UNKNOWN") return ProxyHeader{size, {}};
    if (word.size() != 6 || (word[1] != "TCP4" && word[1] != "TCP6")) return malformed();
    const auto ip = IpAddress::parse(word[2]);
    const auto port = port_of(word[4]);
    if (!ip || !port || !IpAddress::parse(word[3]) || !port_of(word[5])) return malformed();
    return ProxyHeader{size, TransportAddress{*ip, *port}};
}

IpAddress read_ip(Reader& reader, bool is_v4) {
    if (is_v4) return IpAddress::v4(reader.u32());
    std::array<uint8_t, 16> bytes{};
    std::ranges::copy(reader.take(bytes.size()), bytes.begin());
    return IpAddress::v6(bytes);
}

Parsed parse_binary(Bytes bytes) {
    constexpr uint8_t version = 2, local = 0, proxy = 1, tcp4 = 0x11, tcp6 = 0x21;
    Reader reader(bytes);
    reader.take(signature_2.size());
    const uint8_t version_command = reader.u8();
    const uint8_t family = reader.u8();
    const uint16_t length = reader.u16();
    if (!reader.ok()) return incomplete();
    const auto command = static_cast<uint8_t>(version_command & 0x0f);
    if (version_command >> 4 != version || command > proxy) return malformed();
    const size_t size = signature_2.size() + 4 + length;
    if (size > max_proxy_header) return malformed();
    Reader addresses(reader.take(length));
    if (!reader.ok()) return incomplete();
    if (command == local || (family != tcp4 && family != tcp6)) return ProxyHeader{size, {}};
    const IpAddress source = read_ip(addresses, family == tcp4);
    read_ip(addresses, family == tcp4);  // the destination, as the balancer has it
    const uint16_t port = addresses.u16();
    addresses.u16();
    if (!addresses.ok()) return malformed();
    return ProxyHeader{size, TransportAddress{source, port}};
}

}  // namespace

Parsed parse_proxy_header(Bytes bytes) {
    const auto begins_with = [&](Bytes signature) {
        const size_t size = std::min(bytes.size(), signature.size());
        return std::equal(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size),
                          signature.begin());
    };
    if (begins_with(as_bytes(signature_1))) {
        return bytes.size() < signature_1.size() ? incomplete() : parse_line(as_text(bytes));
    }
    if (!begins_with(signature_2)) return malformed();
    return bytes.size() < signature_2.size() ? incomplete() : parse_binary(bytes);
}

}  // namespace ahoy::net
