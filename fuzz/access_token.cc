// Access tokens (RFC 7635) of strangers, and what an authorization server might seal: nothing opens
// that was not sealed for this server, and what opens is what was said.
#include "turn/access_token.h"

#include "base/aead.h"
#include "fuzz/input.h"

namespace ahoy::fuzz {
namespace {

using turn::AccessToken;
using turn::TokenKeys;

constexpr std::string_view name = "turn.example.org";
const std::vector<uint8_t> key(32, 1);
const WallTime now(1'700'000'000s);

const TokenKeys& keys() {
    static const TokenKeys all(std::string(name), {{"north", {key}}});
    return all;
}

// Whoever does not know the key opens nothing.
void check_stranger(Bytes token) {
    CHECK(!keys().open("north", token, now));
    CHECK(!keys().open(as_text(token), token, now));
}

void check_sealed(Input& input) {
    std::vector<uint8_t> nonce(aes_gcm_nonce_size);
    for (uint8_t& byte : nonce) byte = input.byte();
    const Bytes plaintext = input.rest();
    const auto sealed = turn::seal_access_token(key, nonce, name, plaintext);
    const auto block = turn::parse_access_token(plaintext);
    const auto opened = keys().open("north", sealed, now);
    CHECK(opened.has_value() == (block && block->is_timely(now)));
    if (!opened) return;
    CHECK(*opened == *block);
    CHECK(opened->end() > now);
    CHECK(opened->end() - now <= 2 * (opened->lifetime + turn::token_delta));
    CHECK(turn::parse_access_token(turn::write_access_token(*opened)) == opened.value());
    CHECK(!TokenKeys("turn.example.com", {{"north", {key}}}).open("north", sealed, now));
}

}  // namespace

void run(Input input) {
    if (input.flag()) return check_stranger(input.rest());
    check_sealed(input);
}

}  // namespace ahoy::fuzz
