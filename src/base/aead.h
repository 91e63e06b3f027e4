// AEAD_AES_128_GCM and AEAD_AES_256_GCM (RFC 5116, sections 5.1 and 5.2), by OpenSSL.
#pragma once

#include <optional>
#include <vector>

#include "base/crypto.h"

namespace ahoy {

constexpr size_t aes_gcm_nonce_size = 12;
constexpr size_t aes_gcm_tag_size = 16;

// A key has 16 or 32 bytes, which chooses the algorithm.
constexpr bool is_aes_gcm_key_size(size_t size) {
    return size == 16 || size == 32;
}

// The ciphertext with its tag.
std::vector<uint8_t> aes_gcm_seal(Bytes key, Bytes nonce, Bytes associated, Bytes plaintext);

// The plaintext; nothing if anything is not as it was sealed.
std::optional<std::vector<uint8_t>> aes_gcm_open(Bytes key, Bytes nonce, Bytes associated,
                                                 Bytes sealed);

}  // namespace ahoy
