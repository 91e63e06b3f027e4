#include "stun/message.h"

#include <zlib.h>

#include "stun/integrity.h"

namespace ahoy::stun {
namespace {

constexpr size_t attribute_header = 4;
constexpr size_t fingerprint_size = attribute_header + 4;

constexpr size_t padding_of(size_t size) {
    return (4 - size % 4) % 4;
}

}  // namespace

uint32_t fingerprint_of(Bytes bytes) {
    const auto crc = crc32(0, bytes.data(), static_cast<uInt>(bytes.size()));
    return static_cast<uint32_t>(crc) ^ 0x5354554e;
}

std::optional<Message> Message::parse(Bytes bytes) {
    auto message = parse_any(bytes);
    if (!message || message->is_classic()) return {};
    return message;
}

std::optional<Message> Message::parse_classic(Bytes bytes) {
    auto message = parse_any(bytes);
    if (!message || !message->is_classic()) return {};
    if (message->type() != MessageType{Method::binding, Class::request}) return {};
    return message;
}

std::optional<Message> Message::parse_any(Bytes bytes) {
    Reader reader(bytes);
    Message message;
    message.bytes_ = bytes;
    const uint16_t type = reader.u16();
    const size_t length = reader.u16();
    message.cookie_ = reader.u32();
    const Bytes id = reader.take(message.transaction_id_.size());
    if (!reader.ok() || type >> 14 != 0) return {};
    if (length % 4 != 0 || length != reader.remaining()) return {};
    message.type_ = MessageType::from_wire(type);
    std::copy(id.begin(), id.end(), message.transaction_id_.begin());
    if (!message.walk()) return {};
    return message;
}

Message::Attribute Message::next(Reader& reader) {
    const auto type = static_cast<AttributeType>(reader.u16());
    const size_t size = reader.u16();
    const Bytes value = reader.take(size);
    reader.take(padding_of(size));  // any content
    return {type, value};
}

// Notes where the three attributes are that end the visible part.  Behind MESSAGE-INTEGRITY only
// MESSAGE-INTEGRITY-SHA256 and FINGERPRINT count, behind MESSAGE-INTEGRITY-SHA256 only FINGERPRINT
// (RFC 8489, sections 14.5 and 14.6): what is not protected must not be acted on.
bool Message::walk() {
    const Bytes all = bytes_.subspan(header_size);
    Reader reader(all);
    std::optional<size_t> end;
    for (size_t count = 0; !reader.empty(); ++count) {
        if (count == max_attributes || has_fingerprint_) return false;
        const size_t at = all.size() - reader.remaining();
        const Attribute attribute = next(reader);
        if (!reader.ok()) return false;
        if (attribute.type == AttributeType::message_integrity) {
            if (!integrity_at_ && !integrity_sha256_at_) integrity_at_ = header_size + at;
        } else if (attribute.type == AttributeType::message_integrity_sha256) {
            if (!integrity_sha256_at_) integrity_sha256_at_ = header_size + at;
        } else if (attribute.type == AttributeType::fingerprint) {
            if (attribute.value.size() != 4) return false;
            if (Reader(attribute.value).u32() != fingerprint_of(bytes_.first(header_size + at))) {
                return false;
            }
            has_fingerprint_ = true;
        } else {
            continue;
        }
        if (!end) end = at;
    }
    attributes_ = all.first(end.value_or(all.size()));
    return true;
}

std::optional<Bytes> Message::find(AttributeType type) const {
    Reader reader(attributes_);
    while (!reader.empty()) {
        const Attribute attribute = next(reader);
        if (attribute.type == type) return attribute.value;
    }
    return {};
}

std::optional<std::string_view> Message::text(AttributeType type) const {
    const auto value = find(type);
    if (!value) return {};
    return as_text(*value);
}

std::optional<TransportAddress> Message::xor_address(AttributeType type) const {
    const auto value = find(type);
    if (!value) return {};
    return read_xor_address(*value, transaction_id_);
}

MessageWriter::MessageWriter(std::span<uint8_t> buffer, MessageType type, const TransactionId& id,
                             uint32_t cookie)
    : writer_(buffer), transaction_id_(id) {
    writer_.u16(type.to_wire());
    writer_.u16(0);
    writer_.u32(cookie);
    writer_.bytes(id);
}

void MessageWriter::head(AttributeType type, size_t size) {
    writer_.u16(static_cast<uint16_t>(type));
    writer_.u16(static_cast<uint16_t>(size));
}

void MessageWriter::pad() {
    writer_.zeros(padding_of(writer_.size()));
}

void MessageWriter::set_length(size_t more) {
    writer_.u16_at(2, static_cast<uint16_t>(writer_.size() + more - header_size));
}

void MessageWriter::attribute(AttributeType type, Bytes value) {
    head(type, value.size());
    writer_.bytes(value);
    pad();
}

void MessageWriter::text(AttributeType type, std::string_view value) {
    attribute(type, as_bytes(value));
}

void MessageWriter::number(AttributeType type, uint32_t value) {
    head(type, 4);
    writer_.u32(value);
}

void MessageWriter::masked_address(AttributeType type, const TransportAddress& address,
                                   std::span<const uint8_t, 16> mask) {
    const auto ip = address.ip.wire();
    head(type, 4 + ip.size());
    writer_.u8(0);
    writer_.u8(static_cast<uint8_t>(address.ip.family()));
    writer_.u16(address.port ^ static_cast<uint16_t>(mask[0] << 8 | mask[1]));
    for (size_t i = 0; i < ip.size(); ++i) writer_.u8(ip[i] ^ mask[i]);
}

void MessageWriter::address(AttributeType type, const TransportAddress& address) {
    static constexpr std::array<uint8_t, 16> nothing{};
    masked_address(type, address, nothing);
}

void MessageWriter::xor_address(AttributeType type, const TransportAddress& address) {
    std::array<uint8_t, 16> mask{0x21, 0x12, 0xa4, 0x42};
    std::copy(transaction_id_.begin(), transaction_id_.end(), mask.begin() + 4);
    masked_address(type, address, mask);
}

void MessageWriter::error(ErrorCode code, std::string_view reason) {
    const auto number = static_cast<unsigned>(code);
    head(AttributeType::error_code, 4 + reason.size());
    writer_.u16(0);
    writer_.u8(static_cast<uint8_t>(number / 100));
    writer_.u8(static_cast<uint8_t>(number % 100));
    writer_.text(reason);
    pad();
}

void MessageWriter::lifetime(Duration lifetime) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lifetime).count();
    number(AttributeType::lifetime, static_cast<uint32_t>(seconds));
}

void MessageWriter::channel_number(uint16_t channel) {
    number(AttributeType::channel_number, static_cast<uint32_t>(channel) << 16);
}

void MessageWriter::unknown_attributes(std::span<const uint16_t> types) {
    head(AttributeType::unknown_attributes, 2 * types.size());
    for (const uint16_t type : types) writer_.u16(type);
    pad();
}

// The header's length counts the integrity attribute already while the HMAC is computed, and
// nothing behind it (RFC 8489, section 14.5).
void MessageWriter::integrity(Bytes key) {
    set_length(attribute_header + Sha1{}.size());
    const Sha1 mac = hmac_sha1(key, {writer_.written()});
    attribute(AttributeType::message_integrity, mac);
}

void MessageWriter::integrity_sha256(Bytes key) {
    set_length(attribute_header + Sha256{}.size());
    const Sha256 mac = hmac_sha256(key, {writer_.written()});
    attribute(AttributeType::message_integrity_sha256, mac);
}

void MessageWriter::fingerprint() {
    set_length(fingerprint_size);
    number(AttributeType::fingerprint, fingerprint_of(writer_.written()));
}

std::span<uint8_t> MessageWriter::finish() const {
    Writer writer = writer_;
    if (!writer.ok() || writer.size() - header_size > 0xffff) return {};
    writer.u16_at(2, static_cast<uint16_t>(writer.size() - header_size));
    return writer.written();
}

}  // namespace ahoy::stun
