#include "sim/payload.h"

#include "base/bytes.h"

namespace ahoy::sim {
namespace {

constexpr size_t head = 2 * 18 + 4 + 1 + 4;

uint32_t sum_of(Bytes bytes) {
    uint32_t sum = 2166136261;
    for (const uint8_t byte : bytes) sum = (sum ^ byte) * 16777619;
    return sum;
}

}  // namespace

std::vector<uint8_t> Payload::write(size_t filling) const {
    std::vector<uint8_t> bytes(head + filling);
    Writer writer(std::span<uint8_t>(bytes).subspan(4));
    for (const TransportAddress& address : {from, to}) {
        writer.bytes(address.ip.bytes());
        writer.u16(address.port);
    }
    writer.u32(sequence);
    writer.u8(wants_reply);
    for (size_t i = 0; i < filling; ++i) writer.u8(static_cast<uint8_t>(sequence + i));
    Writer(bytes).u32(sum_of(Bytes(bytes).subspan(4)));
    return bytes;
}

std::optional<Payload> Payload::read(Bytes bytes) {
    Reader reader(bytes);
    if (bytes.size() < head || reader.u32() != sum_of(bytes.subspan(4))) return {};
    Payload payload;
    for (TransportAddress* address : {&payload.from, &payload.to}) {
        std::array<uint8_t, 16> ip{};
        const Bytes raw = reader.take(16);
        std::copy(raw.begin(), raw.end(), ip.begin());
        *address = {IpAddress::v6(ip), reader.u16()};
    }
    payload.sequence = reader.u32();
    payload.wants_reply = reader.u8() != 0;
    return payload;
}

}  // namespace ahoy::sim
