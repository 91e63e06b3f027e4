// A network address translator in the words of RFC 4787: which external port an inside socket gets,
// who may answer, and for how long.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/time.h"

namespace ahoy::sim {

// RFC 4787, sections 4.1 (mapping) and 5 (filtering).
enum class NatBehaviour : uint8_t {
    endpoint_independent,
    address_dependent,
    address_and_port_dependent,
};

struct NatConfig {
    IpAddress external;
    NatBehaviour mapping{};
    NatBehaviour filtering{};
    bool preserves_ports = false;  // where the port is free
    Duration timeout = 2min;       // of a mapping that nothing leaves through
};

class Nat {
  public:
    // `next_port`: with which external ports to begin.
    explicit Nat(const NatConfig& config, uint16_t next_port = 20000)
        : config_(config), next_port_(next_port) {}

    // The address that `to` sees.
    TransportAddress outbound(Instant, const TransportAddress& inside, const TransportAddress& to);
    // Whom a datagram to an external port reaches, if anybody.
    std::optional<TransportAddress> inbound(Instant, const TransportAddress& from,
                                            uint16_t port) const;
    // Forgets every mapping, as after a restart.
    void rebind() { mappings_.clear(); }

    const NatConfig& config() const { return config_; }

  private:
    struct Mapping {
        TransportAddress inside;
        TransportAddress towards;  // as far as the mapping depends on it
        Instant used_at;
        std::vector<TransportAddress> sent_to;
    };

    bool lives(const Mapping& mapping, Instant now) const {
        return now < mapping.used_at + config_.timeout;
    }
    uint16_t free_port(uint16_t wanted);

    NatConfig config_;
    uint16_t next_port_;
    std::map<uint16_t, Mapping> mappings_;  // by external port
};

}  // namespace ahoy::sim
