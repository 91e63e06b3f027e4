// STUN messages (RFC 8489, sections 5 and 14): a view of a received one, a writer of a new one.
//
// Message::parse() decides what is a STUN message at all.  Attributes stay where they are in the
// packet; only what RFC 8489, sections 14.5 to 14.7, lets a receiver see is visible.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/crypto.h"
#include "stun/attributes.h"

namespace ahoy::stun {

enum class Class : uint8_t { request = 0, indication = 1, success = 2, error = 3 };

// Fourteen bits in which the method's are spread around the class's two (RFC 8489, figure 3).
struct MessageType {
    Method method{};
    Class message_class{};

    static constexpr MessageType from_wire(uint16_t v) {
        const int method = (v & 0x000f) | (v & 0x00e0) >> 1 | (v & 0x3e00) >> 2;
        const int message_class = (v & 0x0010) >> 4 | (v & 0x0100) >> 7;
        return {static_cast<Method>(method), static_cast<Class>(message_class)};
    }
    constexpr uint16_t to_wire() const {
        const auto m = static_cast<unsigned>(method);
        const auto c = static_cast<unsigned>(message_class);
        return static_cast<uint16_t>((m & 0x00f) | (m & 0x070) << 1 | (m & 0xf80) << 2 |
                                     (c & 1) << 4 | (c & 2) << 7);
    }
    friend constexpr bool operator==(MessageType, MessageType) = default;
};

class Message {
  public:
    // Bounded, because the sender is a stranger and each costs a step of every look-up.
    static constexpr size_t max_attributes = 64;

    // Nothing unless the bytes are exactly one well-formed message, with a right FINGERPRINT if
    // any.  The view is as good as the bytes are.
    static std::optional<Message> parse(Bytes);
    // The same for a Binding request of classic STUN (RFC 3489), which has a longer transaction id
    // and no magic cookie.
    static std::optional<Message> parse_classic(Bytes);

    MessageType type() const { return type_; }
    Method method() const { return type_.method; }
    Class message_class() const { return type_.message_class; }
    const TransactionId& transaction_id() const { return transaction_id_; }
    // The magic cookie, or the first four bytes of a classic transaction id.
    uint32_t cookie() const { return cookie_; }
    bool is_classic() const { return cookie_ != magic_cookie; }
    Bytes bytes() const { return bytes_; }

    // The value of the first attribute of a type; the others of that type do not count.
    std::optional<Bytes> find(AttributeType) const;
    bool has(AttributeType type) const { return find(type).has_value(); }
    std::optional<std::string_view> text(AttributeType) const;
    std::optional<TransportAddress> xor_address(AttributeType) const;

    // Every visible attribute in order: visit(AttributeType, Bytes).
    template <class Visit>
    void each(Visit&& visit) const {
        Reader reader(attributes_);
        while (!reader.empty()) {
            const auto attribute = next(reader);
            visit(attribute.type, attribute.value);
        }
    }

    // Where MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 begin, counted from the header.
    std::optional<size_t> integrity_at() const { return integrity_at_; }
    std::optional<size_t> integrity_sha256_at() const { return integrity_sha256_at_; }
    bool has_fingerprint() const { return has_fingerprint_; }

  private:
    struct Attribute {
        AttributeType type;
        Bytes value;
    };
    static Attribute next(Reader&);
    static std::optional<Message> parse_any(Bytes);
    bool walk();

    Bytes bytes_;
    Bytes attributes_;  // those before the first MESSAGE-INTEGRITY, -SHA256 or FINGERPRINT
    MessageType type_;
    uint32_t cookie_ = magic_cookie;
    TransactionId transaction_id_{};
    std::optional<size_t> integrity_at_;
    std::optional<size_t> integrity_sha256_at_;
    bool has_fingerprint_ = false;
};

// Writes a message into a buffer.  What does not fit makes the message "spent": finish() then
// returns nothing.  Attributes are padded with zeros (RFC 8489, section 14).
class MessageWriter {
  public:
    MessageWriter(std::span<uint8_t> buffer, MessageType, const TransactionId&,
                  uint32_t cookie = magic_cookie);

    void attribute(AttributeType, Bytes value);
    void text(AttributeType, std::string_view);
    void number(AttributeType, uint32_t);
    void address(AttributeType, const TransportAddress&);      // MAPPED-ADDRESS's format
    void xor_address(AttributeType, const TransportAddress&);  // XOR-MAPPED-ADDRESS's
    void error(ErrorCode, std::string_view reason);
    void lifetime(Duration);
    void channel_number(uint16_t);
    void unknown_attributes(std::span<const uint16_t>);

    // In this order, and last.
    void integrity(Bytes key);
    void integrity_sha256(Bytes key);
    void fingerprint();

    size_t size() const { return writer_.size(); }
    // The whole message; empty when it did not fit.
    std::span<uint8_t> finish() const;

  private:
    void head(AttributeType, size_t size);
    void pad();
    void set_length(size_t more);
    void masked_address(AttributeType, const TransportAddress&, std::span<const uint8_t, 16> mask);

    Writer writer_;
    TransactionId transaction_id_;
};

// RFC 8489, section 14.7: of the bytes in front of the FINGERPRINT attribute.
uint32_t fingerprint_of(Bytes);

}  // namespace ahoy::stun
