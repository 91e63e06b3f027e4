// The addresses at which the program is reached, each open on every shard.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "app/site.h"
#include "app/worker.h"
#include "base/address.h"

namespace ahoy::app {

// A port of 0 in the configuration is here the one that the system gave.
struct Listeners {
    std::vector<TransportAddress> http, tls, collider, api, turn, turn_tls;
    std::vector<TransportAddress> discovery;  // what turn.discovery needs besides the others

    std::vector<TransportAddress> all() const;
    // Where a person opens the call page; empty: nowhere.
    std::string url() const;
};

// Before the workers start.  The references outlive the workers.  Throws net::StartError.
Listeners open_listeners(const Config&, const Workers&, const ServerState&);

// Written "192.0.2.1:80,[2001:db8::1]:80".
std::string join(const std::vector<TransportAddress>&);

}  // namespace ahoy::app
