// The addresses of NAT behaviour discovery (RFC 5780, section 6): two IPs with the same two ports.
//
// A client learns from which of them an answer still reaches it.  Every shard listens on all four,
// so that it can answer from each by itself.
#pragma once

#include <array>
#include <vector>

#include "base/address.h"
#include "base/datagram.h"
#include "stun/attributes.h"

namespace ahoy::turn {

// From where an answer can leave.
struct Origin {
    SocketId socket{};
    TransportAddress local;
    TransportAddress told;  // as clients know it, which is another one behind a 1:1 NAT
};

class Discovery {
  public:
    using Square = std::array<std::array<Origin, 2>, 2>;  // by IP, then by port

    Discovery() = default;
    // One for each family that has it.
    explicit Discovery(std::vector<Square> squares) : squares_(std::move(squares)) {}

    // For what was sent to `local`, with the other IP or port if that is asked for.  Nothing when
    // that is none of these addresses.
    const Origin* origin(const TransportAddress& local, stun::ChangeRequest change) const {
        for (const Square& square : squares_) {
            for (size_t ip = 0; ip < 2; ++ip) {
                for (size_t port = 0; port < 2; ++port) {
                    if (square[ip][port].local != local) continue;
                    return &square[change.ip ? 1 - ip : ip][change.port ? 1 - port : port];
                }
            }
        }
        return nullptr;
    }

  private:
    std::vector<Square> squares_;
};

}  // namespace ahoy::turn
