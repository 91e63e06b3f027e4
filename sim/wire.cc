#include "sim/wire.h"

#include <algorithm>

namespace ahoy::sim::wire {
namespace {

constexpr size_t header = 20;
constexpr size_t most_attributes = 64;

// CRC-32 of ITU V.42, bit by bit from its polynomial, a byte at a time.
uint32_t crc32(Bytes bytes) {
    static const auto table = [] {
        std::array<uint32_t, 256> made{};
        for (uint32_t i = 0; i < 256; ++i) {
            uint32_t value = i;
            for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xedb88320 : 0);
            made[i] = value;
        }
        return made;
    }();
    uint32_t crc = 0xffffffff;
    for (const uint8_t byte : bytes) crc = crc >> 8 ^ table[(crc ^ byte) & 0xff];
    return ~crc;
}

bool fingerprint_right(Bytes message, size_t at) {
    return number(message.subspan(at + 4, 4)) == (crc32(message.first(at)) ^ 0x5354554e);
}

}  // namespace

uint32_t number(Bytes bytes) {
    uint32_t value = 0;
    for (const uint8_t byte : bytes) value = value << 8 | byte;
    return value;
}

std::optional<Stun> decode(Bytes message) {
    if (message.size() < header || (message[0] & 0xc0) != 0) return {};
    if (number(message.subspan(4, 4)) != 0x2112a442) return {};
    if (number(message.subspan(2, 2)) != message.size() - header || message.size() % 4 != 0) {
        return {};
    }
    Stun stun;
    stun.type = static_cast<uint16_t>(number(message.first(2)));
    std::copy_n(message.begin() + 8, 12, stun.id.begin());
    size_t count = 0;
    for (size_t at = header; at < message.size();) {
        if (stun.fingerprinted || ++count > most_attributes) return {};
        if (message.size() - at < 4) return {};
        const auto type = static_cast<uint16_t>(number(message.subspan(at, 2)));
        const size_t size = number(message.subspan(at + 2, 2));
        const size_t padded = (size + 3) & ~size_t{3};
        if (padded > message.size() - at - 4) return {};
        const Bytes value = message.subspan(at + 4, size);
        for (size_t i = size; i < padded; ++i) {
            stun.padded_with_zeros = stun.padded_with_zeros && message[at + 4 + i] == 0;
        }
        if (type == fingerprint) {
            if (size != 4 || !fingerprint_right(message, at)) return {};
            stun.fingerprinted = true;
        } else if (type == message_integrity_sha256) {
            if (!stun.sha256_at) stun.sha256_at = at;
        } else if (type == message_integrity) {
            if (!stun.sha1_at && !stun.sha256_at) stun.sha1_at = at;
        } else if (!stun.sha1_at && !stun.sha256_at) {
            stun.attributes.emplace_back(type, value);
        }
        at += 4 + padded;
    }
    return stun;
}

std::optional<Framed> first_message(Bytes stream) {
    if (stream.empty()) return {};
    const bool is_stun = stream[0] < 0x40;
    if (stream[0] >= 0x80) return Framed{};
    const size_t head = is_stun ? header : 4;
    if (stream.size() < head) return {};
    const size_t length = number(stream.subspan(2, 2));
    if (is_stun && (number(stream.subspan(4, 4)) != 0x2112a442 || length % 4 != 0)) {
        return Framed{};
    }
    const size_t on_stream = (head + length + 3) & ~size_t{3};
    if (stream.size() < on_stream) return {};
    return Framed{stream.first(head + length), on_stream};
}

std::optional<std::vector<uint8_t>> take_message(std::vector<uint8_t>& stream) {
    const auto first = first_message(stream);
    if (!first) return {};
    std::vector<uint8_t> message(first->message.begin(), first->message.end());
    stream.erase(stream.begin(), stream.begin() + static_cast<ptrdiff_t>(first->size));
    return message;
}

bool signed_with(const Stun& stun, Bytes message, Bytes key) {
    if (!stun.sha1_at && !stun.sha256_at) return false;
    const size_t at = stun.sha256_at.value_or(stun.sha1_at.value_or(0));
    const size_t size = number(message.subspan(at + 2, 2));
    if (size != (stun.sha256_at ? 32u : 20u)) return false;
    std::vector<uint8_t> hashed(message.begin(), message.begin() + static_cast<ptrdiff_t>(at));
    const size_t length = at + 4 + size - header;
    hashed[2] = static_cast<uint8_t>(length >> 8);
    hashed[3] = static_cast<uint8_t>(length);
    const Bytes claimed = message.subspan(at + 4, size);
    if (stun.sha256_at) return std::ranges::equal(hmac_sha256(key, {hashed}), claimed);
    return std::ranges::equal(hmac_sha1(key, {hashed}), claimed);
}

std::optional<TransportAddress> plain(Bytes value) {
    if (value.size() < 4) return {};
    const bool v4 = value[1] == 1, v6 = value[1] == 2;
    if (!(v4 && value.size() == 8) && !(v6 && value.size() == 20)) return {};
    const auto port = static_cast<uint16_t>(number(value.subspan(2, 2)));
    if (v4) return TransportAddress{IpAddress::v4(number(value.subspan(4))), port};
    std::array<uint8_t, 16> ip{};
    std::copy_n(value.begin() + 4, 16, ip.begin());
    return TransportAddress{IpAddress::v6(ip), port};
}

std::optional<TransportAddress> unmask(Bytes value, const TransactionId& id) {
    std::array<uint8_t, 18> mask{0x21, 0x12, 0x21, 0x12, 0xa4, 0x42};
    std::copy(id.begin(), id.end(), mask.begin() + 6);
    std::vector<uint8_t> bytes(value.begin(), value.end());
    for (size_t i = 2; i < std::min(bytes.size(), 2 + mask.size()); ++i) bytes[i] ^= mask[i - 2];
    return plain(bytes);
}

std::optional<Bytes> Stun::find(uint16_t attribute) const {
    for (const auto& [known, value] : attributes) {
        if (known == attribute) return value;
    }
    return {};
}

std::optional<std::string_view> Stun::text(uint16_t attribute) const {
    const auto value = find(attribute);
    if (!value) return {};
    return as_text(*value);
}

std::optional<TransportAddress> Stun::address(uint16_t attribute) const {
    const auto value = find(attribute);
    if (!value) return {};
    return unmask(*value, id);
}

std::optional<int> Stun::error() const {
    const auto value = find(error_code);
    if (!value || value->size() < 4) return {};
    return (*value)[2] * 100 + (*value)[3];
}

std::optional<Token> Stun::token() const {
    const auto value = find(reservation_token);
    Token token{};
    if (!value || value->size() != token.size()) return {};
    std::copy_n(value->begin(), token.size(), token.begin());
    return token;
}

std::optional<uint32_t> Stun::connection() const {
    const auto value = find(connection_id);
    if (!value || value->size() != 4) return {};
    return number(*value);
}

std::vector<uint16_t> Stun::unknown() const {
    static constexpr uint16_t known[] = {
        0x0001, 0x0006, 0x0008, 0x0009, 0x000a, 0x000c, 0x000d, 0x0012, 0x0013, 0x0014, 0x0015,
        0x0016, 0x0017, 0x0018, 0x0019, 0x001a, 0x001c, 0x001d, 0x001e, 0x0020, 0x0022, 0x002a};
    std::vector<uint16_t> unknown;
    for (const auto& [attribute, value] : attributes) {
        if (attribute >= 0x8000 || std::ranges::count(known, attribute) > 0) continue;
        unknown.push_back(attribute);
    }
    return unknown;
}

}  // namespace ahoy::sim::wire
