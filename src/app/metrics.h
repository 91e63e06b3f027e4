// What all shards counted, and its Prometheus text.
//
// Every shard counts in plain numbers of its own; whoever asks for the sums gets a copy from each
// shard in turn, so counting costs nothing.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "app/worker.h"

namespace ahoy::app {

boost::asio::awaitable<Counts> gather(const Workers&);

std::string prometheus_text(const Counts&);

}  // namespace ahoy::app
