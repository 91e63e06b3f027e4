#include "turn/credentials.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "base/check.h"
#include "stun/integrity.h"
#include "stun/opaque_string.h"

namespace ahoy::turn {
namespace {

constexpr std::string_view nonce_cookie = "obMatJos2";
constexpr size_t nonce_head_size = nonce_cookie.size() + 4;
constexpr size_t nonce_mac_size = 10;

// The scheme's own password, which every server knows, and the one that services make who have done
// away with SHA-1.
std::array<std::string, 2> rest_passwords(std::string_view secret, std::string_view username) {
    return {base64(hmac_sha1(as_bytes(secret), {as_bytes(username)})),
            base64(hmac_sha256(as_bytes(secret), {as_bytes(username)}))};
}

// The time in front of a REST name: digits up to the colon, behind which somebody has to be named.
std::optional<WallTime> rest_expiry(std::string_view username) {
    const size_t colon = username.find(':');
    if (colon == username.npos || colon + 1 == username.size()) return {};
    const std::string_view text = username.substr(0, colon);
    int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end != text.data() + text.size() || seconds < 0) return {};
    return WallTime(std::chrono::seconds(seconds));
}

// The six bits of a base64url character.
std::optional<uint32_t> sextet(char c) {
    if (c >= 'A' && c <= 'Z') return static_cast<uint32_t>(c - 'A');
    if (c >= 'a' && c <= 'z') return static_cast<uint32_t>(c - 'a' + 26);
    if (c >= '0' && c <= '9') return static_cast<uint32_t>(c - '0' + 52);
    if (c == '-') return 62;
    if (c == '_') return 63;
    return {};
}

// The 32 bits at the beginning of base64url text.
std::optional<uint32_t> leading_number(std::string_view text) {
    uint64_t bits = 0;
    for (const char c : text.substr(0, 6)) {
        const auto value = sextet(c);
        if (!value) return {};
        bits = bits << 6 | *value;
    }
    return static_cast<uint32_t>(bits >> 4);
}

// 24 bits in base64, of which the first two have a meaning.
std::string to_text(Features features) {
    const unsigned bits =
        (features.password_algorithms ? 0x80u : 0u) | (features.username_anonymity ? 0x40u : 0u);
    const std::array<uint8_t, 3> bytes{static_cast<uint8_t>(bits)};
    return base64(bytes);
}

std::string prepared(std::string_view text) {
    const auto opaque = stun::opaque_string(text);
    CHECK(opaque.has_value());
    return *opaque;
}

uint32_t seconds_of(Now now) {
    const auto since = now.steady.time_since_epoch();
    return static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(since).count());
}

}  // namespace

std::string_view label(AuthFailure failure) {
    switch (failure) {
        case AuthFailure::missing:
            return "missing";
        case AuthFailure::incomplete:
            return "incomplete";
        case AuthFailure::algorithms:
            return "algorithms";
        case AuthFailure::stale_nonce:
            return "stale_nonce";
        case AuthFailure::forged_nonce:
            return "forged_nonce";
        case AuthFailure::wrong_realm:
            return "wrong_realm";
        case AuthFailure::unknown_user:
            return "unknown_user";
        case AuthFailure::expired:
            return "expired";
        case AuthFailure::wrong_token:
            return "wrong_token";
        case AuthFailure::wrong_password:
            return "wrong_password";
        case AuthFailure::count:
            break;
    }
    return {};
}

bool is_signed_with(const stun::Message& message, Bytes key) {
    if (key.empty()) return false;
    return message.integrity_sha256_at() ? stun::integrity_sha256_holds(message, key)
                                         : stun::integrity_holds(message, key);
}

Keys make_keys(std::string_view username, std::string_view realm, std::string_view password) {
    return {stun::long_term_key(username, realm, password),
            stun::long_term_key_sha256(username, realm, password)};
}

Credentials::Credentials(std::string realm, const std::map<std::string, std::string>& users,
                         std::vector<std::string> secrets, const std::map<std::string, Md5>& keys,
                         TokenKeys token_keys)
    : realm_(prepared(realm)), secrets_(std::move(secrets)), token_keys_(std::move(token_keys)) {
    CHECK(secrets_.size() <= max_secrets);
    CHECK(realm_.size() <= max_realm);
    for (const auto& [typed_name, password] : users) {
        const std::string name = prepared(typed_name);
        users_.emplace(name, make_keys(name, realm_, prepared(password)));
        names_.emplace(stun::userhash(name, realm_), name);
    }
    for (const auto& [name, md5] : keys) {
        if (!users_.emplace(name, Keys{.md5 = md5, .sha256 = {}}).second) continue;
        names_.emplace(stun::userhash(name, realm_), name);
        has_all_keys_ = false;
    }
}

std::optional<std::string_view> Credentials::name_of(const Sha256& userhash) const {
    const auto found = names_.find(userhash);
    if (found == names_.end()) return {};
    return found->second;
}

// The work is the same for a user of the configuration, a REST name and nobody, whatever is wrong
// and whichever secret a name was made with: all keys that could be meant are computed and tried,
// and only then one result is chosen.
Result<Keys, AuthFailure> Credentials::authenticate(const stun::Message& message,
                                                    std::string_view username,
                                                    stun::PasswordAlgorithm algorithm,
                                                    Now now) const {
    static const Keys nobodys{.md5 = {}, .sha256 = Sha256{}};
    const auto found = users_.find(username);
    const bool known = found != users_.end();
    const bool usable = known && !found->second.of(algorithm).empty();
    const Keys& users_keys = usable ? found->second : nobodys;
    const bool is_user = is_signed_with(message, users_keys.of(algorithm)) && usable;
    const auto by_rest = authenticate_rest(message, username, algorithm, now);
    if (!known) return by_rest;
    if (!is_user) return unexpected(AuthFailure::wrong_password);
    return users_keys;
}

Result<Keys, AuthFailure> Credentials::authenticate_rest(const stun::Message& message,
                                                         std::string_view username,
                                                         stun::PasswordAlgorithm algorithm,
                                                         Now now) const {
    const auto expiry = rest_expiry(username);
    std::optional<Keys> right;
    for (const std::string& secret : secrets_) {
        for (const std::string& password : rest_passwords(secret, username)) {
            const Keys keys = make_keys(username, realm_, password);
            if (is_signed_with(message, keys.of(algorithm))) right = keys;
        }
    }
    if (!expiry || secrets_.empty()) return unexpected(AuthFailure::unknown_user);
    if (!right) return unexpected(AuthFailure::wrong_password);
    if (*expiry <= now.wall) return unexpected(AuthFailure::expired);
    return *right;
}

bool Credentials::stands_by(std::string_view username, const Keys& keys) const {
    const auto found = users_.find(username);
    if (found != users_.end()) return found->second.md5 == keys.md5;
    return std::ranges::any_of(secrets_, [&](const std::string& secret) {
        return std::ranges::any_of(rest_passwords(secret, username), [&](const auto& password) {
            return stun::long_term_key(username, realm_, password) == keys.md5;
        });
    });
}

RestCredential mint(std::string_view secret, std::string_view user, Duration lifetime, Now now) {
    const auto expiry = now.wall + std::chrono::duration_cast<std::chrono::seconds>(lifetime);
    std::string username = std::to_string(expiry.time_since_epoch().count());
    username.append(":").append(user);
    std::string password = rest_passwords(secret, username).front();
    return {std::move(username), std::move(password)};
}

std::string Nonces::at(uint32_t seconds, const Holder& holder, Features features) const {
    const auto& [client, realm] = holder;
    const std::string head = std::string(nonce_cookie) + to_text(features);
    std::array<uint8_t, 4 + nonce_mac_size> raw;
    Writer writer(raw);
    writer.u32(seconds);
    const std::array<uint8_t, 2> port{static_cast<uint8_t>(client.port >> 8),
                                      static_cast<uint8_t>(client.port)};
    const Sha256 mac = hmac_sha256(
        secret_, {as_bytes(head), writer.written(), client.ip.bytes(), port, as_bytes(realm)});
    writer.bytes(Bytes(mac).first(nonce_mac_size));
    return head + base64url(raw);
}

std::string Nonces::issue(Now now, const Holder& holder, Features features) const {
    return at(seconds_of(now), holder, features);
}

Features Nonces::features(std::string_view nonce) {
    CHECK(nonce.size() == size);
    const uint32_t bits = sextet(nonce[nonce_cookie.size()]).value_or(0);
    return {(bits & 0x20) != 0, (bits & 0x10) != 0};
}

// Issued anew for the time and the features it claims, it must come out the same.  Seconds are
// modulo 2^32, so a time in the future is one very long ago.
NonceState Nonces::check(Now now, const Holder& holder, std::string_view nonce) const {
    if (nonce.size() != size || !nonce.starts_with(nonce_cookie)) return NonceState::invalid;
    const auto issued = leading_number(nonce.substr(nonce_head_size));
    if (!issued) return NonceState::invalid;
    const std::chrono::seconds age(static_cast<uint32_t>(seconds_of(now) - *issued));
    if (age >= lifetime) return NonceState::stale;
    const std::string ours = at(*issued, holder, features(nonce));
    return equal_in_constant_time(as_bytes(ours), as_bytes(nonce)) ? NonceState::fresh
                                                                   : NonceState::invalid;
}

}  // namespace ahoy::turn
