// What clients and peers say to each other: each payload tells who says it to whom, so that its
// arrival anywhere else shows.
#pragma once

#include <optional>
#include <vector>

#include "base/address.h"
#include "base/crypto.h"

namespace ahoy::sim {

struct Payload {
    TransportAddress from, to;  // as the two ends know them: relayed addresses, not the client's
    uint32_t sequence = 0;
    bool wants_reply = false;

    std::vector<uint8_t> write(size_t filling) const;
    // Nothing when it is not one, or was damaged.
    static std::optional<Payload> read(Bytes);
};

}  // namespace ahoy::sim
