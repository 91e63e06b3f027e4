// MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 of a received message, and the keys and USERHASH
// of long-term credentials (RFC 8489, sections 9.2.2 and 14.4 to 14.6).  Writing them is
// MessageWriter's.
#pragma once

#include <string_view>

#include "base/crypto.h"
#include "stun/message.h"

namespace ahoy::stun {

// The attribute is there, has the right length and the right value.  The comparison takes the same
// time wherever the first wrong byte is.
bool integrity_holds(const Message&, Bytes key);
bool integrity_sha256_holds(const Message&, Bytes key);

// Of username ":" realm ":" password.
Md5 long_term_key(std::string_view username, std::string_view realm, std::string_view password);
Sha256 long_term_key_sha256(std::string_view username, std::string_view realm,
                            std::string_view password);

// SHA-256(username ":" realm).
Sha256 userhash(std::string_view username, std::string_view realm);

}  // namespace ahoy::stun
