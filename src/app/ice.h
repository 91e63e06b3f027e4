// The iceServers that clients are given: our own STUN and TURN with time-limited credentials, and
// what the configuration adds.  One per shard; the secret changes on reload.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "room/apprtc.h"

namespace ahoy::app {

// The ports of our listeners, by what is spoken there.
struct TurnPorts {
    std::vector<uint16_t> udp;
    std::vector<uint16_t> tcp;
    std::vector<uint16_t> tls;  // with a certificate that clients accept
    bool stun = true;           // to whoever asks, on those for UDP
    bool turn = true;
};

struct IceSettings {
    std::vector<room::apprtc::IceServer> extra;
    std::string public_host;  // "" = the host that the client asked
    TurnPorts ports;
    Duration lifetime{};
    std::string secret;
};

class IceServers {
  public:
    IceServers(IceSettings settings, Random random)
        : settings_(std::move(settings)), random_(std::move(random)) {}

    // `host`: as the client wrote it; it may be empty or nonsense.
    room::apprtc::IceConfig make(Now, std::string_view host);
    void set_secret(std::string secret) { settings_.secret = std::move(secret); }
    void set_ports(TurnPorts ports) { settings_.ports = std::move(ports); }

  private:
    IceSettings settings_;
    Random random_;
};

}  // namespace ahoy::app
