// `ahoy serve`: opens everything, starts the shards, waits for signals, stops.
#pragma once

#include <functional>

#include "app/config.h"

namespace ahoy::app {

// Reads the configuration again, for SIGHUP.  Throws ConfigError.
using Reload = std::function<Config()>;

// Runs until SIGTERM or SIGINT.  The result is the exit status: 0, or 1 after a failure at run
// time.  Throws net::StartError if something cannot be opened.
int serve(const Config&, const Reload&);

}  // namespace ahoy::app
