// Who asks: the server's side of long-term credentials (RFC 8489, section 9.2.4).
#include <algorithm>

#include "stun/integrity.h"
#include "turn/server.h"

namespace ahoy::turn {

using stun::AttributeType;
using stun::ErrorCode;
using stun::Message;
using stun::PasswordAlgorithm;

namespace {

// RFC 8489, sections 9.2.4 and 9.2.5.
ErrorCode code_of(AuthFailure failure) {
    switch (failure) {
        case AuthFailure::incomplete:
        case AuthFailure::algorithms:
            return ErrorCode::bad_request;
        case AuthFailure::stale_nonce:
        case AuthFailure::forged_nonce:
            return ErrorCode::stale_nonce;
        default:
            return ErrorCode::unauthenticated;
    }
}

AuthFailure failure_of(TokenFailure failure) {
    switch (failure) {
        case TokenFailure::unknown_key:
            return AuthFailure::unknown_user;
        case TokenFailure::expired_key:
        case TokenFailure::expired_token:
            return AuthFailure::expired;
        case TokenFailure::sealed_else:
            break;
    }
    return AuthFailure::wrong_token;
}

}  // namespace

Result<void, Server::Refusal> Server::authenticate(Exchange& x) {
    const auto proof = prove(x);
    if (!proof) {
        ++stats_.auth_failures[static_cast<size_t>(proof.error())];
        return unexpected(Refusal(code_of(proof.error())));
    }
    x.proof = *proof;
    return {};
}

// RFC 8489, section 9.2.4, with one step moved: the nonce is looked at before the user is looked up
// and anything is hashed with a user's key, so that a stranger cannot make us do either.
Result<Server::Proof, AuthFailure> Server::prove(Exchange& x) const {
    const Message& request = x.request;
    if (!request.integrity_at() && !request.integrity_sha256_at()) {
        return unexpected(AuthFailure::missing);
    }
    const auto username = request.text(AttributeType::username);
    const auto userhash = request.find(AttributeType::userhash);
    const auto realm = request.text(AttributeType::realm);
    const auto nonce = request.text(AttributeType::nonce);
    if ((!username && !userhash) || !realm || !nonce || realm->size() > stun::max_text ||
        nonce->size() > stun::max_text || (username && username->size() > stun::max_username) ||
        (userhash && userhash->size() != Sha256{}.size())) {
        return unexpected(AuthFailure::incomplete);
    }
    const Credentials& credentials = realm_of(x).credentials;
    switch (nonces_.check(x.now, {x.in.from, credentials.realm()}, *nonce)) {
        case NonceState::fresh:
            break;
        case NonceState::stale:
            return unexpected(AuthFailure::stale_nonce);
        case NonceState::invalid:
            return unexpected(AuthFailure::forged_nonce);
    }
    const auto algorithm = algorithm_in(request, *nonce);
    if (!algorithm) return unexpected(algorithm.error());
    const auto name = name_in(x);
    if (!name) return unexpected(name.error());
    x.username = *name;
    if (*realm != credentials.realm()) return unexpected(AuthFailure::wrong_realm);
    const auto used = algorithm->value_or(PasswordAlgorithm::md5);
    x.ticket = ticket_in(request);
    // What an allocation was made with serves it to its end: a call neither ends because its REST
    // credential has, nor because the secret was replaced.
    if (x.allocation != nullptr && x.allocation->user().realm() == x.realm &&
        x.allocation->login() == x.username &&
        is_signed_with(request, x.allocation->keys().of(used))) {
        x.username = x.allocation->user().name();
        return Proof{x.allocation->keys(), *algorithm, x.allocation->token_end()};
    }
    if (x.ticket && x.ticket->has_keys && x.ticket->is_of(x.user()) &&
        is_signed_with(request, x.ticket->keys.of(used))) {
        return Proof{.keys = x.ticket->keys, .algorithm = *algorithm};
    }
    const auto token = request.find(AttributeType::access_token);
    if (token && credentials.token_keys().in_use()) return prove_by_token(x, *token, *algorithm);
    const auto keys = credentials.authenticate(request, x.username, used, x.now);
    if (!keys) return unexpected(keys.error());
    return Proof{*keys, *algorithm};
}

// RFC 7635, section 7.  USERNAME is the id of the key under which the token is sealed.
Result<Server::Proof, AuthFailure> Server::prove_by_token(
    Exchange& x, Bytes sealed, std::optional<PasswordAlgorithm> algorithm) const {
    const auto token = realm_of(x).credentials.token_keys().open(x.username, sealed, x.now.wall);
    if (!token) return unexpected(failure_of(token.error()));
    if (!is_signed_with(x.request, token->mac_key)) return unexpected(AuthFailure::wrong_password);
    // Another token of the same key takes over what was made with one before.
    const bool is_next = x.allocation != nullptr && x.allocation->user().realm() == x.realm &&
                         x.allocation->token_key() == x.username;
    x.token_key = x.username;
    x.token_user =
        is_next ? std::string(x.allocation->user().name()) : token_user(x.username, sealed);
    x.username = x.token_user;
    return Proof{.keys = {.md5 = {}, .sha256 = {}, .mac_key = token->mac_key},
                 .algorithm = algorithm,
                 // At most 2^33 seconds from now, as long as which the clock runs too.
                 .token_end = x.now.steady + (token->end() - x.now.wall)};
}

// Both attributes or none, and then as they were in the answer that brought the nonce, which says
// whether they were: else somebody in between wants the weaker algorithm.
Result<std::optional<PasswordAlgorithm>, AuthFailure> Server::algorithm_in(const Message& request,
                                                                           std::string_view nonce) {
    const auto all = request.find(AttributeType::password_algorithms);
    const auto one = request.find(AttributeType::password_algorithm);
    if (!all && !one) return std::optional<PasswordAlgorithm>{};
    const auto algorithm = stun::read_password_algorithm(one.value_or(Bytes{}));
    const bool as_offered = all && std::ranges::equal(*all, stun::offered_algorithms);
    if (!Nonces::features(nonce).password_algorithms || !as_offered || !algorithm) {
        return unexpected(AuthFailure::algorithms);
    }
    return algorithm;
}

// Of both USERNAME and USERHASH the RFC says nothing: they must be of one user then.  An empty name
// is nobody's.
Result<std::string_view, AuthFailure> Server::name_in(const Exchange& x) const {
    const auto username = x.request.text(AttributeType::username);
    const auto bytes = x.request.find(AttributeType::userhash);
    if (!bytes) return username.value_or("");
    const Credentials& credentials = realm_of(x).credentials;
    const auto is = [&](std::string_view name) {
        return std::ranges::equal(stun::userhash(name, credentials.realm()), *bytes);
    };
    if (username) {
        if (!is(*username)) return unexpected(AuthFailure::incomplete);
        return *username;
    }
    if (x.allocation != nullptr && is(x.allocation->user().name())) {
        return x.allocation->user().name();
    }
    Sha256 userhash;
    std::ranges::copy(*bytes, userhash.begin());
    return credentials.name_of(userhash).value_or("");
}

}  // namespace ahoy::turn
