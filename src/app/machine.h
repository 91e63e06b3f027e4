// What the configuration means on this machine: its addresses, files and limits.
//
// Everything here throws net::StartError, in one sentence that says what to mend.
#pragma once

#include <string>
#include <vector>

#include "app/config.h"
#include "base/random.h"
#include "net/relay_addresses.h"
#include "net/tls.h"
#include "room/resume_ticket.h"
#include "turn/discovery.h"

namespace ahoy::app {

// Seeded by the system.
Random system_random();

// A key that stays the same from one run to the next; where it cannot be kept, another for each.
room::ResumeTickets::Key kept_key(Random&);

// The defaults name both families' wildcards; a machine without IPv6 does without the second.
std::vector<TransportAddress> usable(std::vector<TransportAddress> listen);

net::RelayAddresses relay_addresses(const Config&);

// None of them may be what this server itself listens on: a client sent there would go around in
// circles.
turn::Alternates alternates(const Config&, const std::vector<TransportAddress>& listening,
                            const net::RelayAddresses&);

// The addresses of NAT behaviour discovery, without sockets.
std::vector<turn::Discovery::Square> discovery(const Config&);

// Null when nothing needs them.
net::TlsContexts tls_contexts(const Config&);

// How many there may be with as many descriptors as the system lets us have: each takes one, and
// some must be left for those who want to talk to us.
unsigned allocations_by_descriptors();

}  // namespace ahoy::app
