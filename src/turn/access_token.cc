#include "turn/access_token.h"

#include <algorithm>

#include "base/aead.h"
#include "base/bytes.h"
#include "base/check.h"

namespace ahoy::turn {
namespace {

constexpr unsigned timestamp_fraction = 16;  // bits, in 64000ths of a second

}  // namespace

bool AccessToken::is_timely(WallTime now) const {
    const auto age = now - timestamp;
    return std::max(age, -age) < lifetime + token_delta;
}

std::optional<AccessToken> parse_access_token(Bytes plaintext) {
    Reader reader(plaintext);
    const Bytes mac_key = reader.take(reader.u16());
    const uint64_t timestamp = reader.u64() >> timestamp_fraction;
    const uint32_t lifetime = reader.u32();
    if (!reader.ok() || reader.remaining() > 0) return {};
    if (mac_key.size() < AccessToken::min_mac_key || mac_key.size() > AccessToken::max_mac_key) {
        return {};
    }
    return AccessToken{.mac_key = {mac_key.begin(), mac_key.end()},
                       .timestamp = WallTime(std::chrono::seconds(timestamp)),
                       .lifetime = std::chrono::seconds(lifetime)};
}

std::vector<uint8_t> write_access_token(const AccessToken& token) {
    std::vector<uint8_t> plaintext(2 + token.mac_key.size() + 8 + 4);
    Writer writer(plaintext);
    writer.u16(static_cast<uint16_t>(token.mac_key.size()));
    writer.bytes(token.mac_key);
    const auto seconds = static_cast<uint64_t>(token.timestamp.time_since_epoch().count());
    writer.u64(seconds << timestamp_fraction);
    writer.u32(static_cast<uint32_t>(token.lifetime.count()));
    CHECK(writer.ok());
    return plaintext;
}

TokenKeys::TokenKeys(std::string server_name, std::map<std::string, TokenKey> by_id)
    : server_name_(std::move(server_name)) {
    CHECK(server_name_.size() <= max_name);
    for (auto& [id, key] : by_id) {
        CHECK(is_aes_gcm_key_size(key.key.size()));
        by_id_.emplace(id, std::move(key));
    }
}

Result<AccessToken, TokenFailure> TokenKeys::open(std::string_view id, Bytes sealed,
                                                  WallTime now) const {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return unexpected(TokenFailure::unknown_key);
    const TokenKey& key = found->second;
    if (now < key.from || now >= key.until) return unexpected(TokenFailure::expired_key);
    Reader reader(sealed);
    const Bytes nonce = reader.take(reader.u16());
    const Bytes block = reader.take(reader.remaining());
    if (nonce.size() != aes_gcm_nonce_size) return unexpected(TokenFailure::sealed_else);
    const auto plaintext = aes_gcm_open(key.key, nonce, as_bytes(server_name_), block);
    if (!plaintext) return unexpected(TokenFailure::sealed_else);
    auto token = parse_access_token(*plaintext);
    if (!token) return unexpected(TokenFailure::sealed_else);
    if (!token->is_timely(now)) return unexpected(TokenFailure::expired_token);
    return *std::move(token);
}

std::vector<uint8_t> seal_access_token(Bytes key, Bytes nonce, std::string_view server_name,
                                       Bytes plaintext) {
    const auto block = aes_gcm_seal(key, nonce, as_bytes(server_name), plaintext);
    std::vector<uint8_t> token(2 + nonce.size() + block.size());
    Writer writer(token);
    writer.u16(static_cast<uint16_t>(nonce.size()));
    writer.bytes(nonce);
    writer.bytes(block);
    return token;
}

std::string token_user(std::string_view id, Bytes sealed) {
    return std::string(id) + '/' + base64url(Bytes(sha256(sealed)).first(12));
}

}  // namespace ahoy::turn
