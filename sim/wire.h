// STUN read a second time, from RFC 8489's figures alone, so that one reader's mistake shows.
#pragma once

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/crypto.h"

namespace ahoy::sim::wire {

// Method and class as they stand in a message's first two bytes.
enum Type : uint16_t {
    binding_request = 0x0001,
    binding_indication = 0x0011,
    allocate_request = 0x0003,
    refresh_request = 0x0004,
    send_indication = 0x0016,
    data_indication = 0x0017,
    create_permission_request = 0x0008,
    channel_bind_request = 0x0009,
    connect_request = 0x000a,
    connection_bind_request = 0x000b,
    connection_attempt_indication = 0x001c,
};
constexpr uint16_t class_bits = 0x0110, success_class = 0x0100, error_class = 0x0110;

enum Attribute : uint16_t {
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
    message_integrity_sha256 = 0x001c,
    password_algorithm = 0x001d,
    xor_mapped_address = 0x0020,
    reservation_token = 0x0022,
    connection_id = 0x002a,
    additional_address_family = 0x8000,
    address_error_code = 0x8001,
    password_algorithms = 0x8002,
    alternate_server = 0x8023,
    transmit_counter = 0x8025,
    fingerprint = 0x8028,
    mobility_ticket = 0x8030,
};

using TransactionId = std::array<uint8_t, 12>;
using Token = std::array<uint8_t, 8>;

struct Stun {
    uint16_t type = 0;
    TransactionId id{};
    std::vector<std::pair<uint16_t, Bytes>> attributes;  // those that count
    std::optional<size_t> sha1_at, sha256_at;            // of the integrity attributes
    bool fingerprinted = false;
    bool padded_with_zeros = true;

    bool is_request() const { return (type & class_bits) == 0; }
    std::optional<Bytes> find(uint16_t attribute) const;
    bool has(uint16_t attribute) const { return find(attribute).has_value(); }
    std::optional<std::string_view> text(uint16_t attribute) const;
    std::optional<TransportAddress> address(uint16_t attribute) const;
    std::optional<int> error() const;
    std::optional<Token> token() const;          // RESERVATION-TOKEN of the right size
    std::optional<uint32_t> connection() const;  // CONNECTION-ID of the right size
    // Comprehension-required attributes that a server does not know which offers neither
    // DONT-FRAGMENT nor USERHASH (RFC 8489, section 18.3; RFC 8656, section 17).
    std::vector<uint16_t> unknown() const;
};

uint32_t number(Bytes);  // big-endian, of at most four bytes
std::optional<Stun> decode(Bytes);
// What a stream begins with (RFC 8489, section 6.2.2; RFC 8656, section 12.5): nothing while it may
// become a message.
struct Framed {
    Bytes message;    // without its padding; of no bytes when this is no message at all
    size_t size = 0;  // on the stream
};
std::optional<Framed> first_message(Bytes stream);
// The same, taken out.
std::optional<std::vector<uint8_t>> take_message(std::vector<uint8_t>& stream);
bool signed_with(const Stun&, Bytes message, Bytes key);
std::optional<TransportAddress> plain(Bytes value);
std::optional<TransportAddress> unmask(Bytes value, const TransactionId&);

}  // namespace ahoy::sim::wire
