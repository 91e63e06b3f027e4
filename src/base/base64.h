// Base64 read back (RFC 4648, section 4); base/crypto.h writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace ahoy {

// Nothing unless it is exactly what base64() makes of something.
std::optional<std::vector<uint8_t>> from_base64(std::string_view);

}  // namespace ahoy
