// User names, realms and passwords as they are before they are hashed: PRECIS's OpaqueString
// profile (RFC 8265, section 4.2), which RFC 8489 asks for wherever people may have typed them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ahoy::stun {

// Every space a plain one, then in normalization form C.  Nothing for what the profile refuses:
// the empty string, control characters, unassigned and private code points, broken UTF-8.
std::optional<std::string> opaque_string(std::string_view);

}  // namespace ahoy::stun
