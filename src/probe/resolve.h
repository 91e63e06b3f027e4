// The addresses of a name, asked of the system with a time limit, which it has none of.
#pragma once

#include <string>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "base/time.h"
#include "probe/finding.h"

namespace ahoy::probe {

// All of them, each once, in the system's order of preference.
Result<std::vector<IpAddress>, Cause> resolve(const std::string& host, Duration patience);

}  // namespace ahoy::probe
