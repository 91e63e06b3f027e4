#include "room/join_token.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "room/http.h"

namespace ahoy::room {
namespace {

namespace json = boost::json;

constexpr size_t max_room = 256;
constexpr size_t max_depth = 8;  // claims of others' may be nested
// No NumericDate lies further from 1970, so that none overflows (the year 9999).
constexpr double max_date = 253'402'300'799;

std::optional<json::object> parse_object(std::string_view text) {
    json::error_code error;
    json::parse_options options;
    options.max_depth = max_depth;
    // Of equal names the last counts, as RFC 7519, section 4 allows.
    json::value value = json::parse({text.data(), text.size()}, error, {}, options);
    if (error || !value.is_object()) return {};
    return std::move(value.get_object());
}

std::optional<json::object> decode_object(std::string_view part) {
    const auto bytes = base64url_decode(part);
    if (!bytes) return {};
    return parse_object(as_text(*bytes));
}

// ---- members of an object that may be absent, but not of another type

using Wrong = bool;

Wrong read(const json::object& object, std::string_view name, std::optional<std::string>& out) {
    const auto* value = object.if_contains({name.data(), name.size()});
    if (value == nullptr) return false;
    if (!value->is_string()) return true;
    out.emplace(value->get_string().data(), value->get_string().size());
    return false;
}

Wrong read(const json::object& object, std::string_view name, std::optional<WallTime>& out) {
    const auto* value = object.if_contains({name.data(), name.size()});
    if (value == nullptr) return false;
    if (!value->is_number()) return true;
    const double seconds = std::floor(value->to_number<double>());
    if (!(std::abs(seconds) <= max_date)) return true;
    out = WallTime(std::chrono::seconds(static_cast<int64_t>(seconds)));
    return false;
}

// ---- the three parts (RFC 7515, section 3.1)

struct Parts {
    std::string_view header, payload, signature;
    std::string_view signed_text;  // the first two with the dot between them
};

std::optional<Parts> split(std::string_view token) {
    const size_t first = token.find('.');
    if (first == token.npos) return {};
    const size_t second = token.find('.', first + 1);
    if (second == token.npos) return {};
    // A dot in the signature is found when it is decoded.
    return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
                 token.substr(second + 1), token.substr(0, second)};
}

struct Header {
    std::string algorithm;
    std::optional<std::string> kid;
};

std::optional<Header> read_header(std::string_view part) {
    const auto object = decode_object(part);
    // There is no extension that we would understand (RFC 7515, section 4.1.11).
    if (!object || object->contains("crit")) return {};
    std::optional<std::string> algorithm, kid;
    if (read(*object, "alg", algorithm) || read(*object, "kid", kid) || !algorithm) return {};
    return Header{*algorithm, kid};
}

// ---- signatures

std::string_view algorithm_of(const TokenKey& key) {
    return std::holds_alternative<HmacKey>(key) ? "HS256" : "EdDSA";
}

Sha256 hs256(const HmacKey& key, std::string_view text) {
    return hmac_sha256(as_bytes(key.secret), {as_bytes(text)});
}

bool verifies(const TokenKey& key, std::string_view text, Bytes signature) {
    if (const auto* hmac = std::get_if<HmacKey>(&key)) {
        return equal_in_constant_time(hs256(*hmac, text), signature);
    }
    return ed25519_verifies(std::get<Ed25519PublicKey>(key), as_bytes(text), signature);
}

// ---- claims (RFC 7519, section 4.1, and ours)

struct Validity {
    std::optional<WallTime> expires, not_before, issued;
};

// Who is named by `aud` has to refuse what does not name it, and nothing names us (section 4.1.3).
std::optional<Validity> read_validity(const json::object& payload) {
    Validity times;
    if (payload.contains("aud") || read(payload, "exp", times.expires) ||
        read(payload, "nbf", times.not_before) || read(payload, "iat", times.issued) ||
        !times.expires) {
        return {};
    }
    return times;
}

std::optional<Claims> read_claims(const json::object& payload) {
    std::optional<std::string> room, name, subject, role;
    if (read(payload, "room", room) || read(payload, "name", name) ||
        read(payload, "sub", subject) || read(payload, "role", role)) {
        return {};
    }
    if (!room || !is_room_pattern(*room)) return {};
    if (name && characters(*name) > max_name) return {};
    if (role && !role_of(*role)) return {};
    return Claims{.room = *room,
                  .name = name.value_or(""),
                  .subject = subject.value_or(""),
                  .role = role ? role_of(*role) : std::nullopt};
}

// ---- keys (RFC 7517, RFC 8037, section 2)

bool is_for_verifying(const json::object& jwk, std::string_view algorithm) {
    const auto says = [&](const char* name, std::string_view wanted) {
        const auto* value = jwk.if_contains(name);
        return value == nullptr || *value == json::string_view(wanted.data(), wanted.size());
    };
    return says("use", "sig") && says("alg", algorithm);
}

unexpected<std::string> wrong(std::string what) {
    return unexpected(std::move(what));
}

using MaybeKey = Result<std::optional<TokenKey>, std::string>;

MaybeKey parse_oct(const json::object& jwk) {
    if (!is_for_verifying(jwk, "HS256")) return std::nullopt;
    std::optional<std::string> text;
    if (read(jwk, "k", text) || !text) return wrong("expected its secret in \"k\"");
    const auto secret = base64url_decode(*text);
    if (!secret) return wrong("\"k\" is not base64url without padding");
    if (secret->size() < HmacKey::min_size) {
        return wrong("its secret has " + std::to_string(secret->size()) +
                     " bytes, expected at least 32");
    }
    return HmacKey{std::string(as_text(*secret))};
}

MaybeKey parse_okp(const json::object& jwk) {
    const auto* curve = jwk.if_contains("crv");
    if (curve == nullptr || *curve != "Ed25519") return std::nullopt;
    // RFC 9864 has a name for this algorithm alone, too.
    if (!is_for_verifying(jwk, "EdDSA") && !is_for_verifying(jwk, "Ed25519")) return std::nullopt;
    std::optional<std::string> text;
    if (read(jwk, "x", text) || !text) return wrong("expected its public key in \"x\"");
    const auto bytes = base64url_decode(*text);
    Ed25519PublicKey key{};
    if (!bytes || bytes->size() != key.size()) {
        return wrong("\"x\" is not the 32 bytes of an Ed25519 key in base64url");
    }
    std::ranges::copy(*bytes, key.begin());
    return key;
}

MaybeKey parse_jwk(const json::object& jwk) {
    const auto* type = jwk.if_contains("kty");
    if (type == nullptr || !type->is_string()) return wrong("expected its type in \"kty\"");
    if (*type == "oct") return parse_oct(jwk);
    if (*type == "OKP") return parse_okp(jwk);
    return std::nullopt;
}

}  // namespace

bool Claims::allows(std::string_view which) const {
    const std::string_view pattern = room;
    if (!pattern.ends_with('*')) return which == pattern;
    return which.starts_with(pattern.substr(0, pattern.size() - 1));
}

std::optional<Role> role_of(std::string_view text) {
    for (const Role role : {Role::guest, Role::host}) {
        if (text == label(role)) return role;
    }
    return {};
}

bool is_room_pattern(std::string_view text) {
    if (text == "*") return true;
    if (text.ends_with('*')) text.remove_suffix(1);
    return text.size() <= max_room && is_route_id(text);
}

Result<TokenKeys, std::string> parse_jwks(std::string_view text) {
    const auto set = parse_object(text);
    const auto* list = set ? set->if_contains("keys") : nullptr;
    if (list == nullptr || !list->is_array()) {
        return wrong("is no JWK Set, which is a JSON object such as {\"keys\": [...]}");
    }
    TokenKeys keys;
    size_t number = 0;
    for (const json::value& element : list->get_array()) {
        const std::string which = "key " + std::to_string(++number) + ": ";
        if (!element.is_object()) return wrong(which + "expected an object");
        const auto key = parse_jwk(element.get_object());
        if (!key) return wrong(which + key.error());
        std::optional<std::string> kid;
        if (read(element.get_object(), "kid", kid)) return wrong(which + "\"kid\" is no string");
        if (!*key) continue;
        if (!keys.emplace(kid.value_or(""), **key).second) {
            return wrong(which + "its \"kid\" is that of an earlier one");
        }
    }
    if (keys.empty()) return wrong("has no key for HS256 (oct) or EdDSA (OKP, Ed25519)");
    return keys;
}

const TokenKey* JoinTokens::find(std::optional<std::string_view> kid) const {
    if (!kid) return keys_.size() == 1 ? &keys_.begin()->second : nullptr;
    const auto found = keys_.find(*kid);
    return found == keys_.end() ? nullptr : &found->second;
}

// The order is RFC 7519's, section 7.2: nothing in the payload is looked at before its signature.
Result<Claims, TokenRefusal> JoinTokens::verify(std::string_view token, WallTime now) const {
    const auto parts = token.size() <= max_size ? split(token) : std::nullopt;
    const auto header = parts ? read_header(parts->header) : std::nullopt;
    const auto signature = header ? base64url_decode(parts->signature) : std::nullopt;
    if (!signature) return unexpected(TokenRefusal::malformed);

    const TokenKey* key = find(header->kid);
    if (key == nullptr) return unexpected(TokenRefusal::unknown_key);
    // Never the algorithm that the token would like (RFC 8725, section 3.1).
    if (header->algorithm != algorithm_of(*key) ||
        !verifies(*key, parts->signed_text, *signature)) {
        return unexpected(TokenRefusal::bad_signature);
    }

    const auto payload = decode_object(parts->payload);
    const auto times = payload ? read_validity(*payload) : std::nullopt;
    auto claims = times ? read_claims(*payload) : std::nullopt;
    if (!claims) return unexpected(TokenRefusal::malformed);
    const WallTime begins = std::max(times->not_before.value_or(now), times->issued.value_or(now));
    if (begins > now + leeway) return unexpected(TokenRefusal::not_yet_valid);
    if (*times->expires <= now - leeway) return unexpected(TokenRefusal::expired);
    claims->expires_at = *times->expires;
    return *claims;
}

Result<Claims, EntryRefusal> JoinTokens::admit(std::string_view token,
                                               std::optional<std::string_view> room,
                                               WallTime now) const {
    if (token.empty()) return unexpected(EntryRefusal::token_required);
    auto claims = verify(token, now);
    if (!claims) {
        return unexpected(claims.error() == TokenRefusal::expired ? EntryRefusal::token_expired
                                                                  : EntryRefusal::bad_token);
    }
    if (room && !claims->allows(*room)) return unexpected(EntryRefusal::bad_token);
    return std::move(*claims);
}

std::optional<std::string> JoinTokens::mint(const Claims& claims, std::string_view kid) const {
    const auto is_it = [&](const auto& entry) {
        return std::holds_alternative<HmacKey>(entry.second) && (kid.empty() || entry.first == kid);
    };
    const auto key = std::ranges::find_if(keys_, is_it);
    if (key == keys_.end() || std::any_of(std::next(key), keys_.end(), is_it)) return {};

    json::object header{{"alg", "HS256"}, {"typ", "JWT"}};
    if (!key->first.empty()) header["kid"] = key->first;
    json::object payload{{"room", claims.room},
                         {"exp", claims.expires_at.time_since_epoch().count()}};
    if (!claims.name.empty()) payload["name"] = claims.name;
    if (!claims.subject.empty()) payload["sub"] = claims.subject;
    if (claims.role) payload["role"] = label(*claims.role);
    std::string token = base64url(as_bytes(json::serialize(header))) + '.' +
                        base64url(as_bytes(json::serialize(payload)));
    token += '.' + base64url(hs256(std::get<HmacKey>(key->second), token));
    return token;
}

}  // namespace ahoy::room
