// What a webhook is told, in which words, and where (docs/api.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace ahoy::app {

struct RoomEvent {
    std::string_view type;
    std::string_view room;
    std::optional<uint32_t> client = {};  // the public number
    std::string_view reason = {};         // of an end
};
std::string webhook_body(std::string_view id, const RoomEvent&, WallTime);

// As Standard Webhooks has it: what the receiver finds in `webhook-signature`.
std::string webhook_signature(std::string_view secret, std::string_view id, WallTime attempted_at,
                              std::string_view body);

struct WebhookTarget {
    bool tls = false;
    std::string host;  // as the resolver wants it
    std::string port;
    std::string authority;  // of the Host header
    std::string target;     // path and query
};
// Of an http or https URL without a user.
std::optional<WebhookTarget> parse_webhook_url(std::string_view url);

}  // namespace ahoy::app
