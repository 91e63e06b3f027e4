// What a probe finds out, step by step, and what to say about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/time.h"
#include "stun/attributes.h"

namespace ahoy::probe {

// In the order in which they are taken.
enum class Step : uint8_t {
    resolve,
    connect,
    handshake,
    certificate,
    binding,
    challenge,     // Allocate without credentials
    allocate,      // and with them
    second,        // another allocation, for the datagrams to come back by
    permission,    // of each for the other
    indications,   // datagrams from one to the other in Send and Data indications
    channel,       // ChannelBind
    channel_data,  // datagrams as ChannelData
    direct,        // datagrams from a socket of our own straight to the relayed address
    refresh,       // the allocations are given back
    count,
};
std::string_view label(Step);

// From good to bad.
enum class Verdict : uint8_t { ok, skipped, warning, failed };
std::string_view label(Verdict);

// Why a step did not go well.
enum class Cause : uint8_t {
    none,
    // resolve
    name_unknown,
    name_server_silent,
    no_such_family,
    // connect, and any later step
    unreachable,
    refused,
    no_answer,
    closed,
    out_of_time,
    // handshake and certificate
    not_tls,
    tls_version,
    tls_failed,
    expired,
    expires_soon,
    not_yet_valid,
    wrong_name,
    self_signed,
    unknown_issuer,
    bad_certificate,
    // STUN and TURN
    not_stun,
    open_relay,
    no_realm,
    no_credentials,
    wrong_password,
    wrong_rest_password,
    redirected,             // 300
    bad_request,            // 400
    forbidden,              // 403
    unknown_attribute,      // 420
    allocation_mismatch,    // 437
    stale_nonce,            // 438
    family_not_supported,   // 440
    wrong_credentials,      // 441
    unsupported_transport,  // 442
    peer_family_mismatch,   // 443
    quota_reached,          // 486
    server_error,           // 500
    no_capacity,            // 508
    allocation_ended,
    other_error,
    relayed_address_private,
    same_machine,
    relayed_family_differs,
    lost_some,
    lost_all,
    count,
};
std::string_view label(Cause);
Cause cause_of(stun::ErrorCode);

// Of a burst of datagrams.
struct Traffic {
    unsigned sent = 0;
    unsigned received = 0;
    Duration median{};  // round-trip times
    Duration longest{};
};

struct Finding {
    Step step{};
    Verdict verdict{};
    Cause cause = Cause::none;
    Duration took{};
    std::string detail;  // what was seen
    std::optional<TransportAddress> address;
    std::optional<Traffic> traffic;
};

// Texts of strangers go to terminals and into JSON: only ASCII without control characters passes,
// and no more of it than a line holds.
std::string printable(std::string_view);

// What most likely is the matter, and how to mend it.
struct Advice {
    std::string_view meaning;
    std::string_view remedy;
};
// Empty for Cause::none only.
Advice advice(Step, Cause);

}  // namespace ahoy::probe
