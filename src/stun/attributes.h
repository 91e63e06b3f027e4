// STUN's and TURN's code points (IANA "STUN Parameters"; RFC 8489, section 14; RFC 8656, sections
// 17 to 19) and the readers of attribute values.
//
// A reader gets the value alone and answers nothing when it is malformed: of the wrong length, or
// with a content that the RFC does not define.  Whether that is a 400 or a silent drop is not known
// here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/address.h"
#include "base/crypto.h"
#include "base/time.h"

namespace ahoy::stun {

enum class Method : uint16_t {
    binding = 0x001,
    allocate = 0x003,
    refresh = 0x004,
    send = 0x006,
    data = 0x007,
    create_permission = 0x008,
    channel_bind = 0x009,
    connect = 0x00a,             // RFC 6062
    connection_bind = 0x00b,     // RFC 6062
    connection_attempt = 0x00c,  // RFC 6062
};

enum class AttributeType : uint16_t {
    mapped_address = 0x0001,
    change_request = 0x0003,   // RFC 5780
    source_address = 0x0004,   // RFC 3489
    changed_address = 0x0005,  // RFC 3489
    username = 0x0006,
    message_integrity = 0x0008,
    error_code = 0x0009,
    unknown_attributes = 0x000a,
    channel_number = 0x000c,
    lifetime = 0x000d,
    xor_peer_address = 0x0012,
    data = 0x0013,
    realm = 0x0014,
    nonce = 0x0015,
    xor_relayed_address = 0x0016,
    requested_address_family = 0x0017,
    even_port = 0x0018,
    requested_transport = 0x0019,
    dont_fragment = 0x001a,
    access_token = 0x001b,  // RFC 7635
    message_integrity_sha256 = 0x001c,
    password_algorithm = 0x001d,
    userhash = 0x001e,
    xor_mapped_address = 0x0020,
    reservation_token = 0x0022,
    priority = 0x0024,       // RFC 8445
    use_candidate = 0x0025,  // RFC 8445
    padding = 0x0026,        // RFC 5780
    response_port = 0x0027,  // RFC 5780
    connection_id = 0x002a,  // RFC 6062
    additional_address_family = 0x8000,
    address_error_code = 0x8001,
    password_algorithms = 0x8002,
    alternate_domain = 0x8003,
    icmp = 0x8004,
    software = 0x8022,
    alternate_server = 0x8023,
    transaction_transmit_counter = 0x8025,  // RFC 7982
    fingerprint = 0x8028,
    ice_controlled = 0x8029,             // RFC 8445
    ice_controlling = 0x802a,            // RFC 8445
    response_origin = 0x802b,            // RFC 5780
    other_address = 0x802c,              // RFC 5780
    third_party_authorization = 0x802e,  // RFC 7635
    origin = 0x802f,                     // draft-ietf-tram-stun-origin-06
    mobility_ticket = 0x8030,            // RFC 8016
};

// A receiver that does not know a type below 0x8000 must not act on the message (RFC 8489, 14).
constexpr bool comprehension_required(AttributeType type) {
    return static_cast<uint16_t>(type) < 0x8000;
}

enum class ErrorCode : uint16_t {
    try_alternate = 300,
    bad_request = 400,
    unauthenticated = 401,
    forbidden = 403,
    mobility_forbidden = 405,  // RFC 8016
    unknown_attribute = 420,
    stale_credentials = 430,  // RFC 3489
    allocation_mismatch = 437,
    stale_nonce = 438,
    address_family_not_supported = 440,
    wrong_credentials = 441,
    unsupported_transport_protocol = 442,
    peer_address_family_mismatch = 443,
    connection_already_exists = 446,      // RFC 6062
    connection_timeout_or_failure = 447,  // RFC 6062
    allocation_quota_reached = 486,
    role_conflict = 487,  // RFC 8445
    server_error = 500,
    insufficient_capacity = 508,
};

// The reason phrase the RFCs recommend; empty for a number without a name.
std::string_view reason_phrase(ErrorCode);

// What turns a password into a key (RFC 8489, section 18.5).
enum class PasswordAlgorithm : uint16_t { md5 = 0x0001, sha256 = 0x0002 };

// The value of PASSWORD-ALGORITHMS as we offer it: SHA-256 rather than MD5, both without
// parameters.
constexpr std::array<uint8_t, 8> offered_algorithms{0, 2, 0, 0, 0, 1, 0, 0};

using TransactionId = std::array<uint8_t, 12>;

constexpr uint32_t magic_cookie = 0x2112a442;
constexpr size_t header_size = 20;

// The longest values that are accepted, in bytes.
constexpr size_t max_username = 513;  // RFC 5389; RFC 8489 says "less than 509"
constexpr size_t max_text = 763;      // REALM, NONCE, SOFTWARE: fewer than 128 characters

// MAPPED-ADDRESS, ALTERNATE-SERVER (RFC 8489, section 14.1).
std::optional<TransportAddress> read_address(Bytes);
// XOR-MAPPED-, XOR-PEER-, XOR-RELAYED-ADDRESS (RFC 8489, section 14.2).
std::optional<TransportAddress> read_xor_address(Bytes, const TransactionId&);

struct Error {
    ErrorCode code{};
    std::string_view reason;
};
std::optional<Error> read_error(Bytes);

std::optional<std::chrono::seconds> read_lifetime(Bytes);
// Any number: which ones name channels is TURN's matter.
std::optional<uint16_t> read_channel_number(Bytes);
// The protocol's number, 17 for UDP.
std::optional<uint8_t> read_requested_transport(Bytes);
// EVEN-PORT's R bit: also reserve the port above.
std::optional<bool> read_even_port(Bytes);

// REQUESTED-ADDRESS-FAMILY and ADDITIONAL-ADDRESS-FAMILY: the raw number, because one that is not
// known gets another answer (440) than a value of the wrong size (400).
std::optional<uint8_t> read_address_family(Bytes);

// One that we offer.
std::optional<PasswordAlgorithm> read_password_algorithm(Bytes);

using ReservationToken = std::array<uint8_t, 8>;
std::optional<ReservationToken> read_reservation_token(Bytes);

// CHANGE-REQUEST's flags (RFC 5780, section 7.2).
struct ChangeRequest {
    bool ip = false;
    bool port = false;
};
std::optional<ChangeRequest> read_change_request(Bytes);

// One that can be sent to.
std::optional<uint16_t> read_response_port(Bytes);

// CONNECTION-ID (RFC 6062, section 6.2.1).
std::optional<uint32_t> read_connection_id(Bytes);

}  // namespace ahoy::stun
