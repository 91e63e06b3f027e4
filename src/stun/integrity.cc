#include "stun/integrity.h"

#include <string>

namespace ahoy::stun {
namespace {

// The message up to the attribute at `at`, with the header's length as if it ended behind that
// attribute: in four parts, so that the received bytes need not be changed.
template <class Mac>
bool mac_holds(const Message& message, size_t at, Bytes key,
               Mac (*hmac)(Bytes, std::initializer_list<Bytes>)) {
    const Bytes bytes = message.bytes();
    const size_t size = static_cast<size_t>(bytes[at + 2]) << 8 | bytes[at + 3];
    if (size != Mac{}.size()) return false;
    const size_t length = at + 4 + size - header_size;
    const std::array<uint8_t, 2> length_field{static_cast<uint8_t>(length >> 8),
                                              static_cast<uint8_t>(length)};
    const Mac expected = hmac(key, {bytes.first(2), length_field, bytes.subspan(4, at - 4)});
    return equal_in_constant_time(expected, bytes.subspan(at + 4, size));
}

std::string joined(std::string_view username, std::string_view realm, std::string_view password) {
    std::string text;
    text.reserve(username.size() + realm.size() + password.size() + 2);
    return text.append(username).append(":").append(realm).append(":").append(password);
}

}  // namespace

bool integrity_holds(const Message& message, Bytes key) {
    const auto at = message.integrity_at();
    return at && mac_holds<Sha1>(message, *at, key, hmac_sha1);
}

bool integrity_sha256_holds(const Message& message, Bytes key) {
    const auto at = message.integrity_sha256_at();
    return at && mac_holds<Sha256>(message, *at, key, hmac_sha256);
}

Md5 long_term_key(std::string_view username, std::string_view realm, std::string_view password) {
    return md5(as_bytes(joined(username, realm, password)));
}

Sha256 long_term_key_sha256(std::string_view username, std::string_view realm,
                            std::string_view password) {
    return sha256(as_bytes(joined(username, realm, password)));
}

Sha256 userhash(std::string_view username, std::string_view realm) {
    return sha256(as_bytes(std::string(username).append(":").append(realm)));
}

}  // namespace ahoy::stun
