// A STUN message, as it came and with a right header put in front: what Message::parse() sees is
// what a second, simpler decoder sees, and what MessageWriter writes is what was meant.
#include "fuzz/input.h"
#include "stun/integrity.h"
#include "stun/message.h"

namespace ahoy::fuzz {
namespace {

using stun::AttributeType;
using stun::Message;
using stun::MessageWriter;

struct Attribute {
    AttributeType type;
    size_t at;  // of the value
    size_t size;
};

// The second decoder: straight from RFC 8489, sections 5 and 14, on indices.
struct Reference {
    std::vector<Attribute> visible;
    size_t integrity = 0, integrity_sha256 = 0;  // where they begin; 0: not there
    bool fingerprint = false;
};

uint32_t crc(Bytes bytes) {
    uint32_t value = 0xffffffff;
    for (const uint8_t byte : bytes) {
        value ^= byte;
        for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xedb88320 : 0);
    }
    return ~value;
}

std::optional<Reference> decode(Bytes b) {
    const auto u16 = [&](size_t at) { return static_cast<size_t>(b[at] << 8 | b[at + 1]); };
    if (b.size() < 20 || b[0] > 0x3f || u16(2) + 20 != b.size() || b.size() % 4 != 0) return {};
    if (b[4] != 0x21 || b[5] != 0x12 || b[6] != 0xa4 || b[7] != 0x42) return {};
    Reference seen;
    size_t count = 0;
    for (size_t at = 20; at < b.size();) {
        const Attribute a{static_cast<AttributeType>(u16(at)), at + 4, u16(at + 2)};
        const size_t end = a.at + (a.size + 3) / 4 * 4;
        if (end > b.size() || seen.fingerprint || ++count > Message::max_attributes) return {};
        const bool ended = seen.integrity != 0 || seen.integrity_sha256 != 0;
        if (a.type == AttributeType::fingerprint) {
            const uint32_t value = crc(b.first(at)) ^ 0x5354554e;
            if (a.size != 4 || u16(a.at) << 16 != (value & 0xffff0000) ||
                u16(a.at + 2) != (value & 0xffff)) {
                return {};
            }
            seen.fingerprint = true;
        } else if (a.type == AttributeType::message_integrity) {
            if (!ended) seen.integrity = at;
        } else if (a.type == AttributeType::message_integrity_sha256) {
            if (seen.integrity_sha256 == 0) seen.integrity_sha256 = at;
        } else if (!ended) {
            seen.visible.push_back(a);
        }
        at = end;
    }
    return seen;
}

void read_everything(AttributeType type, Bytes value, const Message& message) {
    // Every reader on every value: a sanitizer tells if one leaves it.
    static_cast<void>(stun::read_address(value));
    const auto address = stun::read_xor_address(value, message.transaction_id());
    if (const auto error = stun::read_error(value)) {
        const auto code = static_cast<unsigned>(error->code);
        CHECK(code >= 300 && code <= 699);
        CHECK(error->reason.size() == value.size() - 4);
    }
    static_cast<void>(stun::read_lifetime(value));
    static_cast<void>(stun::read_channel_number(value));
    static_cast<void>(stun::read_requested_transport(value));
    static_cast<void>(stun::read_even_port(value));
    static_cast<void>(stun::read_change_request(value));
    static_cast<void>(stun::read_response_port(value));
    static_cast<void>(stun::read_address_family(value));
    static_cast<void>(stun::read_reservation_token(value));
    CHECK(address.has_value() ==
          ((value.size() == 8 && value[1] == 1) || (value.size() == 20 && value[1] == 2)));
    CHECK(message.has(type));
}

// The same attributes written anew, signed, and read again; one flipped bit breaks the proofs.
void rewrite(const Message& message, const std::vector<Attribute>& visible) {
    static const Md5 key = stun::long_term_key("alice", "ahoy", "wonder");
    const Bytes bytes = message.bytes();
    std::vector<uint8_t> buffer(bytes.size() + 24 + 36 + 8);
    MessageWriter writer(buffer, message.type(), message.transaction_id());
    for (const auto& a : visible) writer.attribute(a.type, bytes.subspan(a.at, a.size));
    writer.integrity(key);
    writer.integrity_sha256(key);
    writer.fingerprint();
    const auto written = writer.finish();
    const auto again = Message::parse(written);
    if (written.size() - stun::header_size > 0xffff || visible.size() + 3 > Message::max_attributes)
        return CHECK(!again);
    CHECK(again && again->type() == message.type() && again->has_fingerprint());
    CHECK(stun::integrity_holds(*again, key) && stun::integrity_sha256_holds(*again, key));
    size_t next = 0;
    again->each([&](AttributeType type, Bytes value) {
        const Attribute& a = visible.at(next++);
        CHECK(a.type == type && std::ranges::equal(value, bytes.subspan(a.at, a.size)));
    });
    CHECK(next == visible.size());

    size_t at = crc(bytes) % *again->integrity_at();
    if (at == 2 || at == 3) at = 0;  // the length, which no proof takes from the header
    written[at] ^= static_cast<uint8_t>(1 << crc(bytes) / written.size() % 8);
    // A broken length may hide the FINGERPRINT, but none is taken for right.
    if (const auto broken = Message::parse(written)) CHECK(!broken->has_fingerprint());
    const auto unsealed = written.first(written.size() - 8);
    const size_t length = unsealed.size() - stun::header_size;
    unsealed[2] = static_cast<uint8_t>(length >> 8);
    unsealed[3] = static_cast<uint8_t>(length);
    if (const auto broken = Message::parse(unsealed)) {
        CHECK(!stun::integrity_holds(*broken, key));
        CHECK(!stun::integrity_sha256_holds(*broken, key));
    }
}

void check(Bytes bytes) {
    const auto message = Message::parse(bytes);
    const auto reference = decode(bytes);
    CHECK(message.has_value() == reference.has_value());
    if (!message) return;
    CHECK(message->type().to_wire() == (bytes[0] << 8 | bytes[1]));
    CHECK(message->integrity_at().value_or(0) == reference->integrity);
    CHECK(message->integrity_sha256_at().value_or(0) == reference->integrity_sha256);
    CHECK(message->has_fingerprint() == reference->fingerprint);
    size_t next = 0;
    message->each([&](AttributeType type, Bytes value) {
        CHECK(next < reference->visible.size());
        const Attribute& a = reference->visible[next++];
        CHECK(a.type == type && value.size() == a.size && value.data() == bytes.data() + a.at);
        read_everything(type, value, *message);
    });
    CHECK(next == reference->visible.size());
    static_cast<void>(stun::integrity_holds(*message, Md5{}));
    static_cast<void>(stun::integrity_sha256_holds(*message, Md5{}));
    rewrite(*message, reference->visible);
}

}  // namespace

void run(Input input) {
    const Bytes bytes = input.rest();
    check(bytes);
    if (bytes.size() < 2) return;
    // The same bytes as type and attributes.
    const Bytes attributes = bytes.subspan(2, std::min<size_t>((bytes.size() - 2) / 4 * 4, 0xfffc));
    std::vector<uint8_t> message(stun::header_size + attributes.size());
    Writer writer(message);
    writer.u8(bytes[0] & 0x3f);
    writer.u8(bytes[1]);
    writer.u16(static_cast<uint16_t>(attributes.size()));
    writer.u32(stun::magic_cookie);
    writer.zeros(12);
    writer.bytes(attributes);
    check(message);
}

}  // namespace ahoy::fuzz
