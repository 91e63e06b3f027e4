// coturn's way to write addresses: "192.0.2.7" or "192.0.2.7-192.0.2.20", both ends included.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace ahoy::app {

// The fewest blocks that are the range together.  A block ("192.0.2.0/24") is understood too.  None
// for "::ffff:0.0.0.0-::ffff:255.255.255.255", which guides tell people to deny: it is no IPv4
// address, but a way to write them all, and however a peer is written, it is judged as what it is.
std::optional<std::vector<Prefix>> parse_peer_range(std::string_view);

}  // namespace ahoy::app
