// Tokens for rooms, in lines: a header and a payload, which are signed here, since nobody could
// guess a signature.  Behind the line "raw" is a whole token, behind "jwks" a JWK Set.  Only who
// has a key is let in, and only with claims that can be.
#include "room/join_token.h"

#include <algorithm>

#include "fuzz/input.h"
#include "room/http.h"

namespace ahoy::fuzz {
namespace {

using room::Claims;
using room::HmacKey;
using room::JoinTokens;

const WallTime now{1'800'000'000s};
const std::string secret(32, 's');

const JoinTokens& tokens() {
    static const JoinTokens all(
        {{"a", HmacKey{secret}}, {"b", HmacKey{std::string(32, 'b')}}, {"e", Ed25519PublicKey{9}}});
    return all;
}

std::string sign(std::string_view header, std::string_view payload, const std::string& with) {
    const std::string text = base64url(as_bytes(header)) + '.' + base64url(as_bytes(payload));
    return text + '.' + base64url(hmac_sha256(as_bytes(with), {as_bytes(text)}));
}

void check_claims(const Claims& claims) {
    CHECK(room::is_room_pattern(claims.room));
    CHECK(claims.expires_at > now - JoinTokens::leeway);
    CHECK(room::is_utf8(claims.name) && room::is_utf8(claims.subject));
    const std::string beginning = claims.room.substr(0, claims.room.find('*'));
    CHECK(claims.allows(beginning) && claims.allows(beginning + "x") == claims.room.ends_with('*'));

    const auto minted = tokens().mint(claims, "a");
    const auto again = tokens().verify(minted.value(), now);
    if (minted->size() > JoinTokens::max_size) return;  // JSON may escape more than it was
    CHECK(again && again->room == claims.room && again->name == claims.name &&
          again->subject == claims.subject && again->role == claims.role &&
          again->expires_at == claims.expires_at);
}

void check_signed(std::string_view header, std::string_view payload) {
    std::string token = sign(header, payload, secret);
    const auto claims = tokens().verify(token, now);
    CHECK(!tokens().verify(sign(header, payload, std::string(32, 'x')), now));
    if (!claims) return;
    check_claims(*claims);
    // Wherever it is changed, it is another's.
    char& changed = token[payload.size() * 7 % token.size()];
    changed = changed == 'A' ? 'B' : 'A';
    CHECK(!tokens().verify(token, now));
}

void check_jwks(std::string_view text) {
    const auto keys = room::parse_jwks(text);
    if (!keys) return CHECK(!keys.error().empty());
    CHECK(!keys->empty());
    for (const auto& [kid, key] : *keys) {
        const auto* hmac = std::get_if<HmacKey>(&key);
        CHECK(!hmac || hmac->secret.size() >= HmacKey::min_size);
    }
}

}  // namespace

void run(Input input) {
    const std::string_view first = input.line();
    const std::string_view rest = as_text(input.rest());
    if (first == "raw") return CHECK(!tokens().verify(rest, now));
    if (first == "jwks") return check_jwks(rest);
    check_signed(first, rest);
}

}  // namespace ahoy::fuzz
