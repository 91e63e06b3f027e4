// Whether bound channels are relayed in the kernel (turn.fastpath), and one line of the log that
// says so, or why not.
#pragma once

#include <memory>
#include <vector>

#include "app/config.h"
#include "fastpath/kernel_relay.h"

namespace ahoy::app {

// `ours`: the addresses that clients and peers send to.  Null when it is not to be or cannot be;
// throws net::StartError when it cannot but has to be.
std::unique_ptr<fastpath::KernelRelay> kernel_path(FastPath, const std::vector<IpAddress>& ours);

}  // namespace ahoy::app
