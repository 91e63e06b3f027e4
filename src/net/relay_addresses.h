// The addresses on which this server relays, and which of their ports are live.
//
// One object for the whole program.  What clients are told ("203.0.113.5") and what the sockets are
// bound to ("192.0.2.1") may differ behind a 1:1 NAT (`turn.external_addresses`); the two are
// mapped onto each other at the sockets, and everything above knows only what clients are told.
//
// The ports are the only state that shards share and write: one bit for a live one and one for one
// that rests, set and cleared by the shard that owns the socket, read when a port is looked for or
// a client names one of our own addresses as its peer.  TCP's ports are counted for themselves.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/address.h"

namespace ahoy::net {

struct RelayAddress {
    IpAddress told;
    IpAddress bound;
};

class RelayAddresses {
  public:
    // `own`: the addresses of this machine's interfaces, but for loopback ones.
    RelayAddresses(std::vector<RelayAddress> addresses, std::vector<IpAddress> own);

    std::span<const RelayAddress> all() const { return addresses_; }
    bool supports(AddressFamily) const;
    // The index of the address to relay on for a client that reached us on `near`: that very
    // address when it is one of ours, so that a client relays where its packets go anyway.
    std::optional<size_t> choose(AddressFamily, const IpAddress& near) const;

    bool is_own(const IpAddress&) const;
    bool is_live(const TransportAddress& told) const;
    void set_live(size_t index, uint16_t port, bool live);
    bool is_used(size_t index, uint32_t port) const { return test(live_, index, port); }
    // Closed a moment ago (RFC 8656, section 7.2).
    void set_resting(size_t index, uint16_t port, bool resting);
    bool is_resting(size_t index, uint32_t port) const { return test(resting_, index, port); }

    // Both leave alone what is not a live relayed address of ours.
    TransportAddress to_bound(const TransportAddress& told) const;
    TransportAddress to_told(const TransportAddress& bound) const;

    // The same for TCP (RFC 6062), where several sockets may have one port, so that bind(2) does
    // not tell whether it is free: claim_tcp() does.
    bool claim_tcp(size_t index, uint16_t port);
    void release_tcp(size_t index, uint16_t port);
    bool is_live_tcp(const TransportAddress& told) const;
    TransportAddress to_bound_tcp(const TransportAddress& told) const;
    TransportAddress to_told_tcp(const TransportAddress& bound) const;

  private:
    using Ports = std::array<std::atomic<uint64_t>, 65536 / 64>;
    using PortSets = std::vector<std::unique_ptr<Ports>>;  // by address
    static bool test(const PortSets&, size_t index, uint32_t port);
    // The result is what it was before.
    static bool set(PortSets&, size_t index, uint32_t port, bool value);
    TransportAddress map(const PortSets&, const TransportAddress&, IpAddress RelayAddress::*from,
                         IpAddress RelayAddress::*to) const;
    bool is_live(const PortSets&, const TransportAddress& told) const;

    std::vector<RelayAddress> addresses_;
    std::vector<IpAddress> own_;  // sorted
    PortSets live_;
    PortSets resting_;
    PortSets tcp_;
    bool mapped_ = false;  // any told address differs from its bound one
};

}  // namespace ahoy::net
