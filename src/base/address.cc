#include "base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

namespace ahoy {
namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text, Number most) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > most) return {};
    return value;
}

// The `length` leading bits of `a` and `b` agree.
bool same_bits(const std::array<uint8_t, 16>& a, const std::array<uint8_t, 16>& b, int length) {
    const auto whole = static_cast<size_t>(length / 8);
    if (!std::equal(a.begin(), a.begin() + static_cast<ptrdiff_t>(whole), b.begin())) return false;
    const int rest = length % 8;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

constexpr int mapped_bits = 96;  // what stands in front of the 32 bits of an IPv4 address

__extension__ using Wide = unsigned __int128;

uint64_t fold(uint64_t a, uint64_t b) {
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    if (text.find('\0') != text.npos) return {};
    const std::string copy(text);  // inet_pton wants a NUL
    std::array<uint8_t, 16> bytes{};
    if (inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return v6(bytes);
    bytes = v4(0).bytes();
    if (inet_pton(AF_INET, copy.c_str(), bytes.data() + 12) == 1) return v6(bytes);
    return {};
}

bool IpAddress::is_unspecified() const {
    return *this == IpAddress{} || *this == v4(0);
}

bool IpAddress::is_loopback() const {
    if (is_v4()) return bytes_[12] == 127;
    std::array<uint8_t, 16> one{};
    one[15] = 1;
    return bytes_ == one;
}

bool IpAddress::is_link_local() const {
    if (is_v4()) return bytes_[12] == 169 && bytes_[13] == 254;
    return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

std::string IpAddress::to_string() const {
    char text[INET6_ADDRSTRLEN];
    inet_ntop(is_v4() ? AF_INET : AF_INET6, wire().data(), text, sizeof text);
    return text;
}

std::optional<TransportAddress> TransportAddress::parse(std::string_view text) {
    const size_t colon = text.rfind(':');
    if (colon == text.npos) return {};
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    const auto ip = IpAddress::parse(host);
    const auto port = parse_number<uint32_t>(text.substr(colon + 1), 65535);
    const bool colons = host.find(':') != host.npos;
    if (!ip || !port || colons != bracketed) return {};
    return TransportAddress{*ip, static_cast<uint16_t>(*port)};
}

std::string TransportAddress::to_string() const {
    const std::string host = ip.is_v4() ? ip.to_string() : '[' + ip.to_string() + ']';
    return host + ':' + std::to_string(port);
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
    const size_t slash = text.find('/');
    const auto base = IpAddress::parse(text.substr(0, slash));
    if (!base) return {};
    const int most = base->is_v4() ? 32 : 128;
    int length = most;
    if (slash != text.npos) {
        const auto number =
            parse_number<unsigned>(text.substr(slash + 1), static_cast<unsigned>(most));
        if (!number) return {};
        length = static_cast<int>(*number);
    }
    const int from = length + (base->is_v4() ? mapped_bits : 0);
    for (int bit = from; bit < 128; ++bit) {
        if (base->bytes()[static_cast<size_t>(bit / 8)] >> (7 - bit % 8) & 1) return {};
    }
    return Prefix(*base, length);
}

bool Prefix::contains(const IpAddress& ip) const {
    if (ip.is_v4() != base_.is_v4()) return false;
    return same_bits(ip.bytes(), base_.bytes(), length_ + (base_.is_v4() ? mapped_bits : 0));
}

std::string Prefix::to_string() const {
    return base_.to_string() + '/' + std::to_string(length_);
}

bool any_contains(std::span<const Prefix> prefixes, const IpAddress& ip) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](const Prefix& prefix) { return prefix.contains(ip); });
}

size_t AddressHash::operator()(const IpAddress& ip) const {
    return mix({ip, 0}, 0);
}
size_t AddressHash::operator()(const TransportAddress& a) const {
    return mix(a, 0);
}

size_t AddressHash::mix(const TransportAddress& address, uint64_t more) const {
    const auto halves = std::bit_cast<std::array<uint64_t, 2>>(address.ip.bytes());
    const uint64_t tail = address.port | more << 16;
    const uint64_t first =
        fold(halves[0] ^ key0_ ^ 0x9e3779b97f4a7c15u, halves[1] ^ key1_ ^ 0xbf58476d1ce4e5b9u);
    return fold(first ^ key1_ ^ 0x94d049bb133111ebu, tail ^ key0_ ^ 0xd6e8feb86659fd93u);
}

}  // namespace ahoy
