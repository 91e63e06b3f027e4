// The PROXY protocol's header, versions 1 and 2 (HAProxy, "The PROXY protocol"): by it a load
// balancer says in front of a connection whose it is.  Only what TCP needs.
#pragma once

#include <cstddef>
#include <optional>

#include "base/address.h"
#include "base/crypto.h"
#include "base/result.h"

namespace ahoy::net {

struct ProxyHeader {
    size_t size = 0;  // bytes, what follows is the client's
    // Nothing when the balancer speaks for itself (LOCAL) or does not know (UNKNOWN).
    std::optional<TransportAddress> source;
};

enum class ProxyError { incomplete, malformed };

// More is never asked for than this.
constexpr size_t max_proxy_header = 16 + 2048;

Result<ProxyHeader, ProxyError> parse_proxy_header(Bytes);

}  // namespace ahoy::net
