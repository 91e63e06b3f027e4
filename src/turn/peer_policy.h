// Who may be relayed to.  This is the only place that decides it, on canonical addresses, for every
// method and on every way (CreatePermission, ChannelBind, Send, ChannelData, inbound datagrams).
//
// In this order, the first that applies:
//   1. what is never a peer: port 0, 0.0.0.0/8, ::, multicast, broadcast           denied
//   2. an own address with a port that we listen on                               denied
//   3. a live relayed address of this server (two clients of ours in one call)    allowed
//   4. a transition form (6to4, Teredo, NAT64, ...) unless the operator allows both it and every
//      IPv4 address embedded in it                                                denied
//   5. the operator's lists: the longest prefix decides, deny on a tie
//   6. an own address                                                             denied
//   7. special-purpose addresses: private, loopback, link-local, documentation    denied
//   8. everything else                                                            allowed
//
// A permission (RFC 8656, section 9) has no port, so an own address can only be judged datagram by
// datagram: check(IpAddress) says so with `per_datagram`.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "turn/relay_ports.h"

namespace ahoy::turn {

enum class PeerReason : uint8_t {
    ordinary,    // allowed, because nothing speaks against it
    live_relay,  // allowed
    operator_allow,
    never_a_peer,  // denied, from here on
    own_listener,
    operator_deny,
    own_address,
    special_purpose,
    transition_form,
    count,
};
std::string_view label(PeerReason);

// In one of IANA's special-purpose registries (RFC 6890): private, loopback, link-local,
// documentation and so on, without what is globally reachable.
bool is_special_purpose(const IpAddress&);

struct PeerVerdict {
    PeerReason reason{};
    bool per_datagram = false;  // each datagram is to be checked with its port

    bool allowed() const { return reason < PeerReason::never_a_peer; }
};

struct PeerLists {
    std::vector<Prefix> allow;
    std::vector<Prefix> deny;
};

class PeerPolicy {
  public:
    // `listening`: what this program listens on, TURN or not; a wildcard stands for every own
    // address.
    PeerPolicy(PeerLists lists, std::vector<TransportAddress> listening);

    PeerVerdict check(const TransportAddress& peer, const OwnAddresses&) const;
    PeerVerdict check(const IpAddress& peer, const OwnAddresses&) const;

  private:
    bool is_listener(const TransportAddress& peer, bool own) const;
    PeerVerdict without_port(const IpAddress& peer, bool own) const;
    bool explicitly_allowed(const IpAddress&) const;
    bool embedded_allowed(const IpAddress&) const;

    PeerLists lists_;
    std::vector<TransportAddress> listening_;
};

}  // namespace ahoy::turn
