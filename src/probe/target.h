// What is to be probed: a STUN or TURN URI (RFC 7064, RFC 7065), or a host alone, and the ways of
// reaching a server that follow from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/datagram.h"
#include "base/result.h"

namespace ahoy::probe {

struct Target {
    std::string host;  // a name, or an address without brackets
    std::optional<uint16_t> port;
    std::optional<Transport> transport;  // absent: every one
    bool relays = true;                  // TURN, not STUN alone

    // "turn:host:port?transport=tcp" and so on; a host, with or without port, means every
    // transport.  A refusal is a sentence that says what would be right.
    static Result<Target, std::string> parse(std::string_view text);
};

// One transport to one port.
struct Way {
    std::string host;
    uint16_t port = 0;
    Transport transport{};
    bool relays = true;
    bool named = true;  // the certificate has to be the host's

    friend bool operator==(const Way&, const Way&) = default;
};

// "turn:example.org:3478?transport=udp"; DTLS is written as browsers do, turns: with udp.
std::string to_uri(const Way&);

// `all`: whatever transport the target names.  A port that it names is that of its own kind, so
// of a turn: URI the secure transports have theirs by default.
std::vector<Way> ways(const Target&, bool all);

}  // namespace ahoy::probe
