// coturn's way to write addresses: "192.0.2.7" or "192.0.2.7-192.0.2.20", both ends included.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/address.h"

namespace ahoy::app {

// The fewest blocks that are the range together.  A block ("192.0.2.0/24") is understood too.
std::optional<std::vector<Prefix>> parse_peer_range(std::string_view);

}  // namespace ahoy::app
