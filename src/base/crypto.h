// The few cryptographic functions the cores need, all OpenSSL's: no key material stays behind, and
// secrets are compared in constant time only.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ahoy {

using Bytes = std::span<const uint8_t>;

inline Bytes as_bytes(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

using Md5 = std::array<uint8_t, 16>;
using Sha1 = std::array<uint8_t, 20>;
using Sha256 = std::array<uint8_t, 32>;

Md5 md5(Bytes);
std::optional<Md5> md5_from_hex(std::string_view);  // 32 digits
Sha1 sha1(Bytes);
Sha256 sha256(Bytes);

// HMAC (RFC 2104) over the concatenation of the parts.
Sha1 hmac_sha1(Bytes key, std::initializer_list<Bytes> parts);
Sha256 hmac_sha256(Bytes key, std::initializer_list<Bytes> parts);

// Ed25519 (RFC 8032, pure).  A key that is no point of the curve verifies nothing.
using Ed25519PublicKey = std::array<uint8_t, 32>;
bool ed25519_verifies(const Ed25519PublicKey&, Bytes message, Bytes signature);

// How many digests and HMACs this thread has computed: what tests of equal work count instead of
// time.
uint64_t digests_made();

// Takes the same time wherever the first difference is.  Different lengths are unequal.
bool equal_in_constant_time(Bytes, Bytes);

std::string base64(Bytes);     // RFC 4648, section 4, padded
std::string base64url(Bytes);  // RFC 4648, section 5, not padded
// The one text that base64url() makes of some bytes, and no other: neither padding nor line breaks,
// nor a last character with bits that stand for nothing.
std::optional<std::vector<uint8_t>> base64url_decode(std::string_view);

}  // namespace ahoy
