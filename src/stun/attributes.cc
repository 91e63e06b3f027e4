#include "stun/attributes.h"

#include "base/bytes.h"

namespace ahoy::stun {
namespace {

// Family, port and address; `mask` is what XOR- attributes are combined with.
std::optional<TransportAddress> read_masked(Bytes value, std::span<const uint8_t, 16> mask) {
    Reader reader(value);
    reader.u8();
    const uint8_t family = reader.u8();
    const uint16_t port = reader.u16() ^ static_cast<uint16_t>(mask[0] << 8 | mask[1]);
    const bool v4 = family == static_cast<uint8_t>(AddressFamily::ipv4);
    if (!v4 && family != static_cast<uint8_t>(AddressFamily::ipv6)) return {};
    const Bytes ip = reader.take(v4 ? 4 : 16);
    if (!reader.ok() || reader.remaining() != 0) return {};

    std::array<uint8_t, 16> bytes = IpAddress::v4(0).bytes();
    uint8_t* const to = v4 ? bytes.data() + 12 : bytes.data();
    for (size_t i = 0; i < ip.size(); ++i) to[i] = ip[i] ^ mask[i];
    return TransportAddress{IpAddress::v6(bytes), port};
}

}  // namespace

std::string_view reason_phrase(ErrorCode code) {
    switch (code) {
        case ErrorCode::try_alternate:
            return "Try Alternate";
        case ErrorCode::bad_request:
            return "Bad Request";
        case ErrorCode::unauthenticated:
            return "Unauthenticated";
        case ErrorCode::forbidden:
            return "Forbidden";
        case ErrorCode::mobility_forbidden:
            return "Mobility Forbidden";
        case ErrorCode::unknown_attribute:
            return "Unknown Attribute";
        case ErrorCode::stale_credentials:
            return "Stale Credentials";
        case ErrorCode::allocation_mismatch:
            return "Allocation Mismatch";
        case ErrorCode::stale_nonce:
            return "Stale Nonce";
        case ErrorCode::address_family_not_supported:
            return "Address Family not Supported";
        case ErrorCode::wrong_credentials:
            return "Wrong Credentials";
        case ErrorCode::unsupported_transport_protocol:
            return "Unsupported Transport Protocol";
        case ErrorCode::peer_address_family_mismatch:
            return "Peer Address Family Mismatch";
        case ErrorCode::connection_already_exists:
            return "Connection Already Exists";
        case ErrorCode::connection_timeout_or_failure:
            return "Connection Timeout or Failure";
        case ErrorCode::allocation_quota_reached:
            return "Allocation Quota Reached";
        case ErrorCode::role_conflict:
            return "Role Conflict";
        case ErrorCode::server_error:
            return "Server Error";
        case ErrorCode::insufficient_capacity:
            return "Insufficient Capacity";
    }
    return {};
}

std::optional<TransportAddress> read_address(Bytes value) {
    static constexpr std::array<uint8_t, 16> nothing{};
    return read_masked(value, nothing);
}

std::optional<TransportAddress> read_xor_address(Bytes value, const TransactionId& id) {
    std::array<uint8_t, 16> mask{0x21, 0x12, 0xa4, 0x42};
    std::copy(id.begin(), id.end(), mask.begin() + 4);
    return read_masked(value, mask);
}

std::optional<Error> read_error(Bytes value) {
    Reader reader(value);
    reader.u16();
    const unsigned hundreds = reader.u8() & 0x07;
    const unsigned number = reader.u8();
    if (!reader.ok() || hundreds < 3 || hundreds > 6 || number > 99) return {};
    return Error{static_cast<ErrorCode>(hundreds * 100 + number),
                 as_text(reader.take(reader.remaining()))};
}

std::optional<std::chrono::seconds> read_lifetime(Bytes value) {
    if (value.size() != 4) return {};
    return std::chrono::seconds(Reader(value).u32());
}

std::optional<uint16_t> read_channel_number(Bytes value) {
    if (value.size() != 4) return {};
    return Reader(value).u16();  // RFFU, the other half, is ignored
}

std::optional<uint8_t> read_requested_transport(Bytes value) {
    if (value.size() != 4) return {};
    return value[0];
}

std::optional<bool> read_even_port(Bytes value) {
    if (value.size() != 1) return {};
    return (value[0] & 0x80) != 0;
}

std::optional<uint8_t> read_address_family(Bytes value) {
    if (value.size() != 4) return {};
    return value[0];
}

std::optional<PasswordAlgorithm> read_password_algorithm(Bytes value) {
    if (value.size() != 4) return {};
    const uint32_t number = Reader(value).u32();
    for (const auto algorithm : {PasswordAlgorithm::md5, PasswordAlgorithm::sha256}) {
        if (number == static_cast<uint32_t>(algorithm) << 16) return algorithm;  // no parameters
    }
    return {};
}

std::optional<ReservationToken> read_reservation_token(Bytes value) {
    ReservationToken token{};
    if (value.size() != token.size()) return {};
    std::copy(value.begin(), value.end(), token.begin());
    return token;
}

std::optional<ChangeRequest> read_change_request(Bytes value) {
    if (value.size() != 4) return {};
    return ChangeRequest{.ip = (value[3] & 0x04) != 0, .port = (value[3] & 0x02) != 0};
}

// RFC 5780, section 7.5: the port and two bytes of padding, which may be inside the value or
// behind.
std::optional<uint16_t> read_response_port(Bytes value) {
    if (value.size() != 2 && value.size() != 4) return {};
    const uint16_t port = Reader(value).u16();
    if (port == 0) return {};
    return port;
}

std::optional<uint32_t> read_connection_id(Bytes value) {
    if (value.size() != 4) return {};
    return Reader(value).u32();
}

}  // namespace ahoy::stun
