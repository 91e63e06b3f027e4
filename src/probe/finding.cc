#include "probe/finding.h"

#include <array>
#include <utility>

namespace ahoy::probe {
namespace {

template <class Enum, size_t size>
std::string_view name(const std::array<std::string_view, size>& names, Enum value) {
    static_assert(size == static_cast<size_t>(Enum::count));
    return names[static_cast<size_t>(value)];
}

}  // namespace

std::string_view label(Step step) {
    static constexpr std::array<std::string_view, 14> names{
        "resolve",   "connect",      "handshake", "certificate", "binding",
        "challenge", "allocate",     "second",    "permission",  "indications",
        "channel",   "channel-data", "direct",    "refresh"};
    return name(names, step);
}

std::string_view label(Verdict verdict) {
    switch (verdict) {
        case Verdict::ok:
            return "ok";
        case Verdict::warning:
            return "warning";
        case Verdict::failed:
            return "FAILED";
        case Verdict::skipped:
            return "skipped";
    }
    return "";
}

std::string_view label(Cause cause) {
    static constexpr std::array<std::string_view, 45> names{
        "none",
        "name_unknown",
        "name_server_silent",
        "no_such_family",
        "unreachable",
        "refused",
        "no_answer",
        "closed",
        "out_of_time",
        "not_tls",
        "tls_version",
        "tls_failed",
        "expired",
        "expires_soon",
        "not_yet_valid",
        "wrong_name",
        "self_signed",
        "unknown_issuer",
        "bad_certificate",
        "not_stun",
        "open_relay",
        "no_realm",
        "no_credentials",
        "wrong_password",
        "wrong_rest_password",
        "redirected",
        "bad_request",
        "forbidden",
        "unknown_attribute",
        "allocation_mismatch",
        "stale_nonce",
        "family_not_supported",
        "wrong_credentials",
        "unsupported_transport",
        "peer_family_mismatch",
        "quota_reached",
        "server_error",
        "no_capacity",
        "allocation_ended",
        "other_error",
        "relayed_address_private",
        "same_machine",
        "relayed_family_differs",
        "lost_some",
        "lost_all",
    };
    return name(names, cause);
}

Cause cause_of(stun::ErrorCode code) {
    using stun::ErrorCode;
    static constexpr std::pair<ErrorCode, Cause> known[] = {
        {ErrorCode::try_alternate, Cause::redirected},
        {ErrorCode::bad_request, Cause::bad_request},
        {ErrorCode::unauthenticated, Cause::wrong_password},
        {ErrorCode::forbidden, Cause::forbidden},
        {ErrorCode::unknown_attribute, Cause::unknown_attribute},
        {ErrorCode::allocation_mismatch, Cause::allocation_mismatch},
        {ErrorCode::stale_nonce, Cause::stale_nonce},
        {ErrorCode::address_family_not_supported, Cause::family_not_supported},
        {ErrorCode::wrong_credentials, Cause::wrong_credentials},
        {ErrorCode::unsupported_transport_protocol, Cause::unsupported_transport},
        {ErrorCode::peer_address_family_mismatch, Cause::peer_family_mismatch},
        {ErrorCode::allocation_quota_reached, Cause::quota_reached},
        {ErrorCode::server_error, Cause::server_error},
        {ErrorCode::insufficient_capacity, Cause::no_capacity},
    };
    for (const auto& [number, cause] : known) {
        if (number == code) return cause;
    }
    return Cause::other_error;
}

std::string printable(std::string_view text) {
    constexpr size_t most = 120;
    std::string out(text.substr(0, most));
    for (char& c : out) {
        if (c < 0x20 || c > 0x7e) c = '?';
    }
    return out;
}

}  // namespace ahoy::probe
