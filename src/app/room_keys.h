// The keys of rooms' tokens: the configuration and the JWK Set that it names, together.
#pragma once

#include <memory>

#include "app/config.h"
#include "room/join_token.h"

namespace ahoy::app {

// Throws ConfigError.
room::TokenKeys read_room_keys(const Config&);

// What shards ask tokens of; null where rooms are open.  Throws ConfigError.
std::shared_ptr<const room::JoinTokens> read_join_tokens(const Config&);

}  // namespace ahoy::app
