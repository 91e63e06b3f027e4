// Addresses as text: what is accepted comes out the same when it is written and read again, and
// IPv4 and CIDR mean what a second, simpler reading says.
#include "fuzz/input.h"
#include "stun/message.h"

namespace ahoy::fuzz {
namespace {

using Bits = std::array<uint8_t, 16>;

std::optional<uint32_t> dotted(std::string_view text) {
    uint64_t value = 0, part = 0;
    size_t digits = 0, parts = 1;
    for (const char c : text) {
        if (c == '.') {
            if (digits == 0 || ++parts > 4) return {};
            value = value << 8 | part;
            part = digits = 0;
        } else if (c >= '0' && c <= '9') {
            if (digits++ > 0 && part == 0) return {};  // 010 is eight to some
            part = part * 10 + static_cast<uint64_t>(c - '0');
            if (part > 255) return {};
        } else {
            return {};
        }
    }
    if (parts != 4 || digits == 0) return {};
    return static_cast<uint32_t>(value << 8 | part);
}

IpAddress flipped(const IpAddress& ip, int bit) {
    Bits bytes = ip.bytes();
    bytes[static_cast<size_t>(bit / 8)] ^= static_cast<uint8_t>(0x80 >> bit % 8);
    return IpAddress::v6(bytes);
}

void check_ip(std::string_view text) {
    const auto ip = IpAddress::parse(text);
    if (ip) {
        CHECK(text.find_first_not_of("0123456789abcdefABCDEF.:") == text.npos);
        CHECK(IpAddress::parse(ip->to_string()) == ip);
        CHECK(ip->wire().size() == (ip->is_v4() ? 4u : 16u));
        if (ip->is_v4()) CHECK(dotted(ip->to_string()));
    }
    if (text.find(':') != text.npos) return;
    const auto v4 = dotted(text);
    CHECK(v4.has_value() == ip.has_value());
    if (v4) CHECK(*ip == IpAddress::v4(*v4));
}

void check_on_the_wire(const TransportAddress& address) {
    std::array<uint8_t, 128> buffer;
    stun::MessageWriter writer(buffer, {stun::Method::binding, stun::Class::success}, {1, 2, 3});
    writer.xor_address(stun::AttributeType::xor_mapped_address, address);
    writer.address(stun::AttributeType::mapped_address, address);
    const auto message = stun::Message::parse(writer.finish());
    CHECK(message && message->xor_address(stun::AttributeType::xor_mapped_address) == address);
    CHECK(stun::read_address(*message->find(stun::AttributeType::mapped_address)) == address);
}

void check_address(std::string_view text) {
    const auto address = TransportAddress::parse(text);
    if (!address) return;
    CHECK(TransportAddress::parse(address->to_string()) == address);
    CHECK(text.find_first_not_of("0123456789abcdefABCDEF.:[]") == text.npos);
    check_on_the_wire(*address);
}

void check_prefix(std::string_view text) {
    const auto prefix = Prefix::parse(text);
    if (!prefix) return;
    CHECK(Prefix::parse(prefix->to_string()) == prefix);
    CHECK(text.find_first_not_of("0123456789abcdefABCDEF.:/") == text.npos);
    const auto base = IpAddress::parse(text.substr(0, text.find('/')));
    CHECK(base && prefix->contains(*base));
    const int front = base->is_v4() ? 96 : 0;
    CHECK(prefix->length() >= 0 && front + prefix->length() <= 128);
    for (int bit = 0; bit < 128; ++bit) {
        const IpAddress other = flipped(*base, bit);
        const bool same_family = other.is_v4() == base->is_v4();
        CHECK(prefix->contains(other) == (same_family && bit >= front + prefix->length()));
    }
}

}  // namespace

void run(Input input) {
    while (!input.empty()) {
        const std::string_view text = input.line();
        check_ip(text);
        check_address(text);
        check_prefix(text);
    }
}

}  // namespace ahoy::fuzz
