// Why the server cannot start, in one sentence that says what to do about it.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "base/address.h"

namespace ahoy::net {

class StartError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// What a failed bind or listen means: the configuration's `key`, "UDP" or "TCP", errno.
std::string explain_listen_error(std::string_view key, std::string_view protocol,
                                 const TransportAddress&, int error);

// Throws StartError if another program already listens there.  Asked before the listeners open,
// because SO_REUSEPORT, which lets the shards share a port, also lets a second server of the same
// user take half of the clients away unnoticed.
void check_unused(std::string_view key, std::string_view protocol, const TransportAddress&);

}  // namespace ahoy::net
