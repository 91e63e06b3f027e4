// Third-party authorization (RFC 7635): a client shows an access token that an authorization server
// has sealed for this server, and signs with the key that is in it.
//
// The keys under which tokens are sealed are known beforehand, by their ids (kid).  Immutable, and
// swapped whole on reload.  Nothing is kept of a token before its request is authenticated.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/result.h"
#include "base/time.h"

namespace ahoy::turn {

// What two parties' clocks may differ by (RFC 7635, section 7).
constexpr std::chrono::seconds token_delta = 5s;

// What an authorization server says with a token (RFC 7635, section 6.2).
struct AccessToken {
    static constexpr size_t min_mac_key = 16;  // all that coturn uses; the RFC has 20
    static constexpr size_t max_mac_key = 64;  // HMAC would hash a longer one

    std::vector<uint8_t> mac_key;
    WallTime timestamp;  // its fractions of a second say nothing here
    std::chrono::seconds lifetime{};

    // Section 7: lifetime + Delta > abs(now - timestamp).
    bool is_timely(WallTime now) const;
    // When it is that no longer.
    WallTime end() const { return timestamp + lifetime + token_delta; }

    friend bool operator==(const AccessToken&, const AccessToken&) = default;
};

// The encrypted block, decrypted; nothing if it is malformed.
std::optional<AccessToken> parse_access_token(Bytes plaintext);
std::vector<uint8_t> write_access_token(const AccessToken&);

// Shared with an authorization server.
struct TokenKey {
    std::vector<uint8_t> key;  // 16 bytes: AEAD_AES_128_GCM; 32: AEAD_AES_256_GCM
    WallTime from = WallTime::min();
    WallTime until = WallTime::max();
};

enum class TokenFailure : uint8_t {
    unknown_key,
    expired_key,    // or one of the future
    sealed_else,    // under another key, for another server, or not at all
    expired_token,  // or one of the future
};

class TokenKeys {
  public:
    static constexpr size_t max_name = 255;

    // Without a name of this server there is no third-party authorization.  Tokens are sealed for
    // that name, of at most max_name bytes.
    TokenKeys() = default;
    TokenKeys(std::string server_name, std::map<std::string, TokenKey> by_id);

    bool in_use() const { return !server_name_.empty(); }
    const std::string& server_name() const { return server_name_; }
    bool has(std::string_view id) const { return by_id_.contains(id); }

    // The value of ACCESS-TOKEN; `id` is the USERNAME beside it.
    Result<AccessToken, TokenFailure> open(std::string_view id, Bytes sealed, WallTime now) const;

  private:
    std::string server_name_;
    std::map<std::string, TokenKey, std::less<>> by_id_;
};

// What an authorization server does; `nonce` is used once with that key.
std::vector<uint8_t> seal_access_token(Bytes key, Bytes nonce, std::string_view server_name,
                                       Bytes plaintext);

// Whose allocations are counted together: what one token has made.  The key's id alone would be
// everybody; of the person behind it the server is told nothing.
std::string token_user(std::string_view id, Bytes sealed);

}  // namespace ahoy::turn
