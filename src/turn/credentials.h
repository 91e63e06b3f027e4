// Who may use TURN: long-term credentials (RFC 8489, section 9.2) of users known beforehand or made
// by the REST scheme (draft-uberti-behave-turn-rest), and the nonces.  Of a REST name, which is not
// known before it is used, there is no USERHASH.
//
// Both are immutable and swapped whole on reload.  Nothing here keeps anything about a client: a
// nonce carries its own time and proof, so a stranger costs no memory.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/crypto.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "stun/message.h"
#include "turn/access_token.h"

namespace ahoy::turn {

enum class AuthFailure : uint8_t {
    missing,       // no MESSAGE-INTEGRITY: how every client begins
    incomplete,    // MESSAGE-INTEGRITY without USERNAME, REALM or NONCE, or out of their limits
    algorithms,    // PASSWORD-ALGORITHM and -ALGORITHMS are not what we offered
    stale_nonce,   // by the time it carries, which is not proved then
    forged_nonce,  // not issued by us to this address
    wrong_realm,
    unknown_user,
    expired,      // a REST name, a token or a token's key whose time is over
    wrong_token,  // not sealed for this server
    wrong_password,
    count,
};
std::string_view label(AuthFailure);

// What a password is turned into; the client chooses by which algorithm.  A client may begin with
// one and go on with the other, so whoever keeps keys keeps both.  Of a user whose password we were
// never told there is only MD5's.  An access token brings a key of its own, whatever the algorithm.
struct Keys {
    Md5 md5{};
    std::optional<Sha256> sha256;
    std::vector<uint8_t> mac_key{};

    // Empty, with which nothing is signed, if there is none.
    Bytes of(stun::PasswordAlgorithm algorithm) const {
        if (!mac_key.empty()) return mac_key;
        if (algorithm == stun::PasswordAlgorithm::md5) return md5;
        return sha256 ? Bytes(*sha256) : Bytes();
    }
    friend bool operator==(const Keys&, const Keys&) = default;
};
Keys make_keys(std::string_view username, std::string_view realm, std::string_view password);

class Credentials {
  public:
    static constexpr size_t max_secrets = 4;
    static constexpr size_t max_realm = 127;  // RFC 8489, section 14.9: fewer than 128 characters

    // `users`: name to password; realm, names and passwords are what OpaqueString makes of them,
    // and must be something to it.  `secrets`: of the REST scheme, several while one replaces
    // another; at most max_secrets.  A realm above 16 characters makes the 401 to a
    // browser's first Allocate request more than three times as large as that.
    // `keys`: of users by name, whose passwords are not known; `users` go before them.
    Credentials(std::string realm, const std::map<std::string, std::string>& users,
                std::vector<std::string> secrets, const std::map<std::string, Md5>& keys = {},
                TokenKeys token_keys = {});

    const std::string& realm() const { return realm_; }

    // Whether whoever may log in may do so with SHA-256.  Else no algorithms are offered: who may
    // choose chooses that one, and the challenge is made before the server knows for whom.
    bool has_all_keys() const { return has_all_keys_; }

    // Whether every name is known beforehand, so that clients may be asked to hide theirs.
    bool has_userhashes() const { return secrets_.empty() && !token_keys_.in_use(); }
    // The user of the configuration with that USERHASH.
    std::optional<std::string_view> name_of(const Sha256& userhash) const;

    // The keys of `username`, the one of that algorithm being what the message was signed with.
    // Takes the same time for every name, so that it does not tell which ones exist.
    Result<Keys, AuthFailure> authenticate(const stun::Message&, std::string_view username,
                                           stun::PasswordAlgorithm, Now) const;

    const TokenKeys& token_keys() const { return token_keys_; }

    // Whether an allocation with these keys could still be made, but for the time in a REST name:
    // the user is there with that password, or the secret that signed the name is.
    bool stands_by(std::string_view username, const Keys&) const;

  private:
    Result<Keys, AuthFailure> authenticate_rest(const stun::Message&, std::string_view username,
                                                stun::PasswordAlgorithm, Now) const;

    std::string realm_;
    bool has_all_keys_ = true;
    std::map<std::string, Keys, std::less<>> users_;
    std::map<Sha256, std::string> names_;  // by USERHASH
    std::vector<std::string> secrets_;
    TokenKeys token_keys_;
};

// MESSAGE-INTEGRITY-SHA256 alone counts when it is there, else MESSAGE-INTEGRITY (RFC 8489,
// section 9.2.4).  With an empty key nothing is signed.
bool is_signed_with(const stun::Message&, Bytes key);

struct RestCredential {
    std::string username;  // "expiry:user"
    std::string password;  // base64(HMAC-SHA1(secret, username))
};
// An empty `user` makes a name that nobody accepts.
RestCredential mint(std::string_view secret, std::string_view user, Duration lifetime, Now);

enum class NonceState : uint8_t { fresh, stale, invalid };

// The security features that a nonce announces (RFC 8489, section 18.1).
struct Features {
    bool password_algorithms = false;
    bool username_anonymity = false;

    friend bool operator==(Features, Features) = default;
};

// A nonce: the cookie "obMatJos2", four characters of base64 with the security features (RFC 8489,
// section 9.2), and 19 characters of base64url with the time of issue (32 bits, seconds) and an
// HMAC over all this and whom it is for (80 bits), so that nobody in between can talk a client out
// of a feature, not even with the nonce of a realm that lacks it.  32 characters in all keep a 401
// below three times the smallest Allocate request of a real client.
class Nonces {
  public:
    using Secret = std::array<uint8_t, 32>;
    static constexpr size_t size = 32;
    static constexpr Duration lifetime = 10min;

    // Whom one is for.
    struct Holder {
        const TransportAddress& client;
        std::string_view realm;
    };

    explicit Nonces(const Secret& secret) : secret_(secret) {}

    std::string issue(Now, const Holder&, Features = {}) const;
    NonceState check(Now, const Holder&, std::string_view nonce) const;
    // Of a nonce of ours.
    static Features features(std::string_view nonce);

  private:
    std::string at(uint32_t seconds, const Holder&, Features) const;

    Secret secret_;
};

}  // namespace ahoy::turn
