// Other servers to which clients are sent (RFC 8489, section 10): 300 with ALTERNATE-SERVER.
//
// A client keeps its transport, so those for UDP and TCP are apart from those for TLS and DTLS, and
// needs an address of its own family.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/datagram.h"

namespace ahoy::turn {

struct Alternate {
    TransportAddress address;
    std::string domain;  // of its certificate, where that is another than ours

    friend bool operator==(const Alternate&, const Alternate&) = default;
};

// Who is sent there.
enum class Redirect : uint8_t {
    full,    // whoever finds no room here
    always,  // everybody
};

class Alternates {
  public:
    Alternates() = default;
    Alternates(Redirect, const std::vector<Alternate>& plain, const std::vector<Alternate>& secure);

    Redirect redirect() const { return redirect_; }

    // For one client, each good until the next change of these.
    struct Choice {
        const Alternate* same_family = nullptr;  // nothing: it cannot be sent anywhere
        const Alternate* other_family = nullptr;
    };
    Choice next(Transport, AddressFamily);

  private:
    // One after the other, around.
    struct Ring {
        std::vector<Alternate> servers;
        size_t turn = 0;
        const Alternate* next();
    };
    static Ring& of(std::array<Ring, 2>&, AddressFamily);

    Redirect redirect_ = Redirect::full;
    std::array<Ring, 2> plain_;  // IPv4's and IPv6's
    std::array<Ring, 2> secure_;
};

}  // namespace ahoy::turn
