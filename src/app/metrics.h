// What all shards counted, and its Prometheus text.
//
// Every shard counts in plain numbers of its own; whoever asks for the sums gets a copy from each
// shard in turn, so counting costs nothing.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "app/webhooks.h"
#include "app/worker.h"

namespace ahoy::app {

boost::asio::awaitable<Counts> gather(const Workers&);

// What the system says of this process; reading it takes as long as there are descriptors.
struct Process {
    uint64_t resident = 0;  // bytes
    uint64_t descriptors = 0;
    uint64_t log_lines_lost = 0;
};
Process look_at_process();

std::string prometheus_text(const Counts&, const Process&, const WebhookCounts&);

}  // namespace ahoy::app
