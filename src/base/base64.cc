#include "base/base64.h"

#include <openssl/evp.h>

#include <algorithm>
#include <limits>

#include "base/crypto.h"

namespace ahoy {

std::optional<std::vector<uint8_t>> from_base64(std::string_view text) {
    if (text.size() % 4 != 0 || text.size() > std::numeric_limits<int>::max()) return {};
    const auto padding = static_cast<size_t>(std::count(text.begin(), text.end(), '='));
    if (padding > 2) return {};
    std::vector<uint8_t> bytes(text.size() / 4 * 3);
    const Bytes in = as_bytes(text);
    if (EVP_DecodeBlock(bytes.data(), in.data(), static_cast<int>(in.size())) < 0) return {};
    bytes.resize(bytes.size() - std::min(padding, bytes.size()));
    // OpenSSL overlooks blanks around it and what the last character has too much.
    if (base64(bytes) != text) return {};
    return bytes;
}

}  // namespace ahoy
