// What addresses this machine has, and on which of them to relay.
#pragma once

#include <string>
#include <vector>

#include "net/relay_addresses.h"

namespace ahoy::net {

struct Interface {
    std::string name;
    IpAddress ip;
    bool is_default = false;  // the kernel would send from it to a far address
};

// Every address of every interface that is up.  Throws std::system_error.
std::vector<Interface> list_interfaces();

// Where to relay when the configuration names nothing: for each family the address of the default
// route; without one, the first that is neither loopback, link-local nor a container bridge's;
// without that, loopback, so that a call on a machine without a network works.
std::vector<IpAddress> default_relay_addresses(const std::vector<Interface>&);

}  // namespace ahoy::net
