// What the HTTP and WebSocket connections of one HttpServer share.  For http.cc and websocket.cc.
#pragma once

#include <unordered_set>
#include <vector>

#include "net/http.h"
#include "net/timeouts.h"

namespace ahoy::net {

// Something that HttpServer::stop() can end.
class Closable {
  public:
    virtual void stop() = 0;

  protected:
    ~Closable() = default;
};

struct HttpShared {
    HttpShared(Timeouts& shard_timeouts, HttpService& http_service, HttpLimits http_limits,
               std::vector<Prefix> proxies)
        : timeouts(shard_timeouts),
          service(http_service),
          limits(http_limits),
          trusted_proxies(std::move(proxies)) {}

    Timeouts& timeouts;
    HttpService& service;
    const HttpLimits limits;
    const std::vector<Prefix> trusted_proxies;
    HttpCounts counts;
    std::unordered_set<Closable*> open;
};

}  // namespace ahoy::net
