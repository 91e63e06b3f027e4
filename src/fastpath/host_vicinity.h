// Where shortcuts lead on this machine: by its routes, and by what it is told of NATs around it.
#pragma once

#include "fastpath/kernel_paths.h"
#include "fastpath/kernel_relay.h"
#include "net/relay_addresses.h"
#include "net/turn_sockets.h"

namespace ahoy::fastpath {

// Client and peer have to be reached through interfaces that the kernel's program is attached to,
// where it will see what comes back.  Their sockets do without UDP_GRO meanwhile: what the kernel
// has coalesced it cannot relay.
class HostVicinity final : public Vicinity {
  public:
    // The references outlive this.
    HostVicinity(const KernelRelay&, net::TurnSockets&, const net::RelayAddresses&);
    std::optional<Surroundings> of(const turn::Shortcut&) const override;
    void begin(const turn::Shortcut&) override;
    void end(const turn::Shortcut&) override;

  private:
    std::optional<Route> route(const IpAddress& from, const IpAddress& to) const;

    const KernelRelay& relay_;
    net::TurnSockets& sockets_;
    const net::RelayAddresses& addresses_;
    const Routes routes_;
};

}  // namespace ahoy::fastpath
