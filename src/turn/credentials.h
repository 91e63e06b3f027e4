// Who may use TURN: long-term credentials (RFC 8489, section 9.2) with names from the configuration
// or made by the REST scheme (draft-uberti-behave-turn-rest), and the nonces.
//
// Both are immutable and swapped whole on reload.  Nothing here keeps anything about a client: a
// nonce carries its own time and proof, so a stranger costs no memory.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/crypto.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "stun/message.h"

namespace ahoy::turn {

enum class AuthFailure : uint8_t {
    missing,       // no MESSAGE-INTEGRITY: how every client begins
    incomplete,    // MESSAGE-INTEGRITY without USERNAME, REALM or NONCE, or out of their limits
    stale_nonce,   // by the time it carries, which is not proved then
    forged_nonce,  // not issued by us to this address
    wrong_realm,
    unknown_user,
    expired,  // a REST name whose time is over
    wrong_password,
    count,
};
std::string_view label(AuthFailure);

using Key = Md5;

class Credentials {
  public:
    static constexpr size_t max_secrets = 4;
    static constexpr size_t max_realm = 127;  // RFC 8489, section 14.9: fewer than 128 characters

    // `users`: name to password.  `secrets`: of the REST scheme, several while one replaces
    // another; at most max_secrets.  A realm above 16 characters makes the 401 to a
    // browser's first Allocate request more than three times as large as that.
    Credentials(std::string realm, const std::map<std::string, std::string>& users,
                std::vector<std::string> secrets);

    const std::string& realm() const { return realm_; }

    // Some key of `username` makes MESSAGE-INTEGRITY right.  Takes the same time for every name, so
    // that it does not tell which ones exist.
    Result<Key, AuthFailure> authenticate(const stun::Message&, std::string_view username,
                                          Now) const;

  private:
    Result<Key, AuthFailure> authenticate_rest(const stun::Message&, std::string_view username,
                                               Now) const;

    std::string realm_;
    std::map<std::string, Key, std::less<>> users_;
    std::vector<std::string> secrets_;
};

// MESSAGE-INTEGRITY-SHA256 alone counts when it is there, else MESSAGE-INTEGRITY (RFC 8489,
// section 9.2.4).
bool integrity_holds(const stun::Message&, const Key&);

struct RestCredential {
    std::string username;  // "expiry:user"
    std::string password;  // base64(HMAC-SHA1(secret, username))
};
// An empty `user` makes a name that nobody accepts.
RestCredential mint(std::string_view secret, std::string_view user, Duration lifetime, Now);

enum class NonceState : uint8_t { fresh, stale, invalid };

// A nonce: the cookie "obMatJos2", "AAAA" for no security feature (RFC 8489, section 9.2), and 19
// characters of base64url with the time of issue (32 bits, seconds) and an HMAC over it and the
// client's address (80 bits).  32 characters in all keep a 401 below three times the smallest
// Allocate request of a real client.
class Nonces {
  public:
    using Secret = std::array<uint8_t, 32>;
    static constexpr size_t size = 32;
    static constexpr Duration lifetime = 10min;

    explicit Nonces(const Secret& secret) : secret_(secret) {}

    std::string issue(Now, const TransportAddress& client) const;
    NonceState check(Now, const TransportAddress& client, std::string_view nonce) const;

  private:
    std::string at(uint32_t seconds, const TransportAddress& client) const;

    Secret secret_;
};

}  // namespace ahoy::turn
