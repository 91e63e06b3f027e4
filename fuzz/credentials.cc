// User names, realms and nonces as a stranger writes them: who gets in is exactly who should.
#include "turn/credentials.h"

#include "fuzz/input.h"
#include "stun/integrity.h"

namespace ahoy::fuzz {
namespace {

using stun::AttributeType;
using turn::AuthFailure;
using turn::Credentials;
using turn::Nonces;
using turn::NonceState;

const Now now{Instant{} + 1000h, WallTime(1'700'000'000s)};
const std::map<std::string, std::string> users{{"alice", "wonder"}, {"1800000000:bob", "builder"}};

// A signed request of `username`.
std::vector<uint8_t> request(std::string_view username, const Md5& key, bool sha256) {
    std::vector<uint8_t> buffer(username.size() + 128);
    stun::MessageWriter writer(buffer, {stun::Method::allocate, stun::Class::request}, {});
    writer.text(AttributeType::username, username);
    sha256 ? writer.integrity_sha256(key) : writer.integrity(key);
    const auto bytes = writer.finish();
    return {bytes.begin(), bytes.end()};
}

// The seconds in front of the colon, when there are digits and nothing else, and a user behind.
std::optional<uint64_t> expiry_of(std::string_view name) {
    const size_t colon = name.find(':');
    if (colon == name.npos || colon + 1 == name.size()) return {};
    const std::string_view digits = name.substr(0, colon);
    uint64_t value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return {};
        const auto digit = static_cast<uint64_t>(c - '0');
        if (value > (uint64_t{INT64_MAX} - digit) / 10) return {};
        value = value * 10 + digit;
    }
    if (digits.empty()) return {};
    return value;
}

void check_name(std::string_view name, bool sha256, size_t secret) {
    static const std::vector<std::string> secrets{"north", "south"};
    static const Credentials credentials("ahoy", users, secrets);
    const auto right = base64(hmac_sha1(as_bytes(secrets[secret]), {as_bytes(name)}));
    const auto user = users.find(std::string(name));
    const auto& password = user == users.end() ? right : user->second;
    const auto enter = [&](std::string_view with) {
        const auto key = stun::long_term_key(name, "ahoy", with);
        const auto bytes = request(name, key, sha256);
        const auto got = credentials.authenticate(*stun::Message::parse(bytes), name,
                                                  stun::PasswordAlgorithm::md5, now);
        if (got) CHECK(got->md5 == key);
        return got;
    };
    const auto expiry = expiry_of(name);
    const bool alive = expiry && *expiry > 1'700'000'000;
    const auto in = enter(password);
    CHECK(in.has_value() == (user != users.end() || alive));
    if (!in)
        CHECK(in.error() == (expiry ? AuthFailure::expired : AuthFailure::unknown_user) ||
              name.starts_with('-'));
    CHECK(!enter("east"));
    if (user != users.end()) CHECK(!enter(right));
}

void check_minted(std::string_view user, uint32_t seconds) {
    static const Credentials credentials("ahoy", {}, {"north"});
    const auto made = turn::mint("north", user, std::chrono::seconds(seconds), now);
    const auto key = stun::long_term_key(made.username, "ahoy", made.password);
    const auto bytes = request(made.username, key, false);
    const auto message = *stun::Message::parse(bytes);
    const auto at = [&](std::chrono::seconds later) {
        return credentials.authenticate(message, made.username, stun::PasswordAlgorithm::md5,
                                        {now.steady + later, now.wall + later});
    };
    CHECK(at(0s).has_value() == (seconds > 0 && !user.empty()));
    CHECK(!at(std::chrono::seconds(seconds)));
}

void check_nonce(Input& input) {
    static const Nonces nonces({7});
    const TransportAddress client{IpAddress::v4(static_cast<uint32_t>(input.number(4))),
                                  static_cast<uint16_t>(input.number(2))};
    const std::string issued = nonces.issue(now, {client, "ahoy"});
    CHECK(issued.size() == Nonces::size);
    const std::chrono::seconds age(input.number(2));
    const Now later{now.steady + age, now.wall + age};
    const auto state = age < Nonces::lifetime ? NonceState::fresh : NonceState::stale;
    CHECK(nonces.check(later, {client, "ahoy"}, issued) == state);

    std::string changed = issued;
    for (size_t i = input.choose(4); i > 0; --i) {
        changed[input.choose(changed.size())] ^= static_cast<char>(input.byte());
    }
    if (changed != issued)
        CHECK(nonces.check(later, {client, "ahoy"}, changed) != NonceState::fresh);
    TransportAddress other = client;
    ++other.port;
    CHECK(nonces.check(now, {other, "ahoy"}, issued) == NonceState::invalid);
    CHECK(nonces.check(now, {client, "ahoy"}, as_text(input.bytes(64))) != NonceState::fresh);
}

}  // namespace

void run(Input input) {
    const size_t what = input.choose(6);
    if (what == 0) return check_nonce(input);
    if (what == 1)
        return check_minted(as_text(input.bytes(40)), static_cast<uint32_t>(input.number(4)));
    check_name(as_text(input.rest()), what % 2 == 0, what / 2 - 1);
}

}  // namespace ahoy::fuzz
