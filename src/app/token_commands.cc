#include "app/token_commands.h"

#include <fmt/format.h>

#include "app/config_values.h"
#include "app/room_keys.h"
#include "net/clock.h"
#include "room/room_names.h"

namespace ahoy::app {
namespace {

Duration read_lifetime(const std::string& text) {
    Duration lifetime{};
    const auto wrong = read(toml::value<std::string>(text), lifetime);
    if (wrong) throw ConfigError(fmt::format("--for: found \"{}\", {}", text, *wrong));
    if (lifetime < 1s) throw ConfigError("--for: expected at least \"1s\"");
    return lifetime;
}

std::optional<room::Role> read_role(const std::string& text) {
    if (text.empty()) return {};
    const auto role = room::role_of(text);
    if (role) return role;
    throw ConfigError(fmt::format("--role: found \"{}\", expected host or guest", text));
}

room::Claims claims_of(const TokenWishes& wishes) {
    if (!room::is_room_pattern(wishes.room)) {
        throw ConfigError(
            fmt::format("--room: found \"{}\", expected the name of a room ([a-zA-Z0-9-_], at most "
                        "256), \"*\", or "
                        "the beginning of names with a star behind it, such as \"team-*\"",
                        wishes.room));
    }
    const auto lifetime =
        std::chrono::duration_cast<std::chrono::seconds>(read_lifetime(wishes.lifetime));
    return {.room = wishes.room,
            .expires_at = net::read_clocks().wall + lifetime,
            .name = wishes.name,
            .subject = wishes.subject,
            .role = read_role(wishes.role)};
}

std::string hs256_kids(const room::TokenKeys& keys) {
    std::string text;
    for (const auto& [kid, key] : keys) {
        if (!std::holds_alternative<room::HmacKey>(key)) continue;
        text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", kid);
    }
    return text.empty() ? "none" : text;
}

}  // namespace

int make_token(const TokenWishes& wishes) {
    const room::Claims claims = claims_of(wishes);
    const Config config = load_config(wishes.config, {});
    const room::RoomNames names(config.rooms.name_secret);
    const bool is_pattern = wishes.room.ends_with('*');
    if (!is_pattern && !names.accepts(wishes.room)) {
        throw ConfigError(
            "--room: expected a name that the server has made, because of rooms.name_secret; its "
            "page shows one, and so does POST /v1/names");
    }
    const room::TokenKeys keys = read_room_keys(config);
    const room::JoinTokens tokens(keys);
    const auto token = tokens.mint(claims, wishes.kid);
    if (!token) {
        throw ConfigError(
            fmt::format("--key: found \"{}\", expected one of the configuration's keys for "
                        "HS256, or nothing if there is one alone: {}",
                        wishes.kid, hs256_kids(keys)));
    }
    if (!tokens.verify(*token, net::read_clocks().wall)) {
        throw ConfigError(
            fmt::format("--name, --sub: expected UTF-8, of a name at most {} characters, "
                        "and a token of at most {} bytes",
                        room::max_name, room::JoinTokens::max_size));
    }
    fmt::print("{}\n", *token);
    return 0;
}

}  // namespace ahoy::app
