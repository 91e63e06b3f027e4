#include "app/room_keys.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace ahoy::app {
namespace {

[[noreturn]] void refuse(const std::string& file, std::string_view problem) {
    throw ConfigError(fmt::format("rooms.tokens.jwks: {}: {}", file, problem));
}

room::TokenKeys read_jwks(const std::string& file) {
    std::ifstream stream(file);
    std::ostringstream text;
    if (!stream || (text << stream.rdbuf()).bad()) {
        refuse(file, fmt::format("cannot be read: {}", std::strerror(errno)));
    }
    auto keys = room::parse_jwks(text.str());
    if (!keys) refuse(file, keys.error());
    return std::move(*keys);
}

}  // namespace

room::TokenKeys read_room_keys(const Config& config) {
    const std::string& file = config.rooms.tokens.jwks;
    room::TokenKeys keys;
    if (!file.empty()) keys = read_jwks(file);
    for (const auto& [kid, secret] : config.rooms.tokens.keys) {
        if (!keys.emplace(kid, room::HmacKey{secret}).second) {
            refuse(file,
                   fmt::format("has a key \"{}\", as rooms.tokens.keys does; one of them needs "
                               "another kid",
                               kid));
        }
    }
    return keys;
}

std::shared_ptr<const room::JoinTokens> read_join_tokens(const Config& config) {
    if (config.rooms.access == RoomAccess::open) return nullptr;
    return std::make_shared<const room::JoinTokens>(read_room_keys(config));
}

}  // namespace ahoy::app
