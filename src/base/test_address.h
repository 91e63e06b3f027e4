// Addresses as tests, fuzzers and the simulation write them.  Throws for what is none.
#pragma once

#include <string_view>

#include "base/address.h"

namespace ahoy {

// "192.0.2.1" or "2001:db8::1".
inline IpAddress ip(std::string_view text) {
    return IpAddress::parse(text).value();
}

// "192.0.2.1:3478" or "[2001:db8::1]:3478".
inline TransportAddress at(std::string_view text) {
    return TransportAddress::parse(text).value();
}

}  // namespace ahoy
