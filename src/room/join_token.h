// Access to rooms by JSON Web Tokens (RFC 7519): whoever has a key says who may enter which room.
//
// A token is a JWS in compact serialization (RFC 7515), signed with HS256 or with EdDSA by Ed25519
// (RFC 8037).  Its header's `kid` names the key, and the key alone says the algorithm.  The claims
// are `exp` and `room`, and if one likes `nbf`, `iat`, `sub`, `name` and `role`.  Whether the room
// is the right one is asked of the claims; who needs a token at all is not decided here.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/crypto.h"
#include "base/result.h"
#include "base/time.h"
#include "room/participant.h"

namespace ahoy::room {

// What a token says.
struct Claims {
    std::string room;  // its name, "*" for any, or "team-*" for all that begin so
    WallTime expires_at{};
    std::string name;     // what others are shown; empty: the client says it
    std::string subject;  // whom the issuer means; empty if it does not say
    std::optional<Role> role;

    bool allows(std::string_view room) const;
};

// Whether Claims::room can be that.
bool is_room_pattern(std::string_view);
// As label() names it.
std::optional<Role> role_of(std::string_view);

enum class TokenRefusal { malformed, unknown_key, bad_signature, not_yet_valid, expired };

// Why a token does not let its bearer in, as clients are told: not which of its parts is wrong, but
// whether another one would help.
enum class EntryRefusal { token_required, bad_token, token_expired };

struct HmacKey {
    // As long as what it makes (RFC 7518, section 3.2).
    static constexpr size_t min_size = 32;
    std::string secret;
};
using TokenKey = std::variant<HmacKey, Ed25519PublicKey>;
using TokenKeys = std::map<std::string, TokenKey, std::less<>>;  // by their `kid`

// A JWK Set (RFC 7517), or what is wrong with it.  Keys for something else than the two algorithms
// are ignored (section 5), those for them that cannot be right are an error.  A key without `kid`
// has an empty one.
Result<TokenKeys, std::string> parse_jwks(std::string_view json);

// Immutable, so that shards can share it.
class JoinTokens {
  public:
    static constexpr size_t max_size = 4096;
    static constexpr auto leeway = 30s;  // how far the clock of who issues tokens may be from ours

    explicit JoinTokens(TokenKeys keys) : keys_(std::move(keys)) {}

    Result<Claims, TokenRefusal> verify(std::string_view token, WallTime) const;

    // verify() and the room together; any room will do if none is named.
    Result<Claims, EntryRefusal> admit(std::string_view token, std::optional<std::string_view> room,
                                       WallTime) const;

    // Signed with the HS256 key `kid`, or with the only one if that is empty; nothing if there is
    // no such key.
    std::optional<std::string> mint(const Claims&, std::string_view kid = {}) const;

  private:
    const TokenKey* find(std::optional<std::string_view> kid) const;

    TokenKeys keys_;
};

}  // namespace ahoy::room
