#include "app/access.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "app/log.h"
#include "app/secret_file.h"
#include "base/check.h"
#include "net/start_error.h"
#include "stun/opaque_string.h"

namespace ahoy::app {
namespace {

constexpr size_t max_secret = 256;    // characters, as in the database
constexpr Duration patience = 250ms;  // with somebody who writes; nothing else happens meanwhile

std::vector<std::string> secrets_in(const std::string& file) {
    std::ifstream stream(file);
    const auto secrets = read_secrets(stream);
    for (const std::string& secret : secrets) {
        if (secret.size() > max_secret) {
            throw net::StartError(fmt::format(
                "turn.secret_file: {}: has a line of more than {} characters", file, max_secret));
        }
    }
    if (secrets.empty()) {
        throw net::StartError(
            fmt::format("turn.secret_file: {}: cannot be read or is empty; "
                        "`openssl rand -hex 32 > FILE` makes one",
                        file));
    }
    return secrets;
}

std::optional<unsigned> option(const RealmRows& rows, const char* name) {
    const auto found = rows.options.find(name);
    if (found == rows.options.end()) return {};
    return static_cast<unsigned>(
        std::min<uint64_t>(found->second, std::numeric_limits<unsigned>::max()));
}

turn::TokenKeys token_keys_of(const Config& config, const RealmRows& rows) {
    if (config.turn.oauth.server_name.empty()) return {};
    std::map<std::string, turn::TokenKey> keys;
    for (const OauthKey& key : rows.oauth_keys) {
        keys.emplace(key.kid, turn::TokenKey{key.key, key.from, key.until});
    }
    return {config.turn.oauth.server_name, std::move(keys)};
}

turn::Quotas::Limits quotas_of(const Config& config) {
    const auto& turn = config.turn;
    return {.per_user = {.allocations = turn.user_quota,
                         .permissions = turn.user_permissions,
                         .channels = turn.user_channels,
                         .connections = turn.user_peer_connections},
            .per_address = {.allocations = turn.address_quota,
                            .permissions = turn.address_permissions,
                            .channels = turn.address_channels,
                            .connections = turn.address_peer_connections},
            .per_realm = {},
            .total = {.allocations = turn.max_allocations,
                      .permissions = turn.max_permissions,
                      .channels = turn.max_channels,
                      .connections = turn.max_peer_connections}};
}

template <class T>
std::vector<T> both(std::vector<T> first, const std::vector<T>& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

// `users`: whose passwords are known.
turn::Realm make_realm(const Config& config, const std::string& name,
                       const std::map<std::string, std::string>& users, const RealmRows& rows,
                       const std::vector<TransportAddress>& listening) {
    if (rows.secrets.size() > turn::Credentials::max_secrets) {
        // Each costs a stranger's request a few hashes more.
        throw net::StartError(
            fmt::format("realm {}: turn.secret, turn.secret_file and turn.database have {} secrets "
                        "together, more than {}; remove those that are no longer used",
                        name, rows.secrets.size(), turn::Credentials::max_secrets));
    }
    return {.credentials = {name, users, rows.secrets, rows.users, token_keys_of(config, rows)},
            .peers = {{both(config.turn.peers.allow, rows.peers.allow),
                       both(config.turn.peers.deny, rows.peers.deny)},
                      listening},
            .limits = {.allocations_per_user = option(rows, "user-quota"),
                       .allocations = option(rows, "total-quota"),
                       .bandwidth = option(rows, "max-bps")}};
}

}  // namespace

AccessReader::AccessReader(std::string_view realm, std::string made) : made_(std::move(made)) {
    const auto prepared = stun::opaque_string(realm);
    CHECK(prepared);
    realms_.push_back(*prepared);
}

UserRows AccessReader::read_database(const Config& config) {
    const std::string& path = config.turn.database;
    if (path.empty()) {
        database_.reset();
        return {};
    }
    try {
        auto opened =
            database_ && database_->path() == path
                ? std::move(database_)
                : std::make_unique<UserDatabase>(path, UserDatabase::Mode::read, patience);
        // Kept also if it cannot be read now: it may be later.
        database_ = std::move(opened);
        return database_->read(realms_.front(), config.turn.max_users);
    } catch (const DatabaseError& error) {
        throw net::StartError(fmt::format("turn.database: {}", error.what()));
    }
}

// What the configuration has is of the first realm, and wins.
void AccessReader::add_configured(const Config& config, RealmRows& own) const {
    auto keys = config.turn.user_keys;
    keys.insert(own.users.begin(), own.users.end());
    own.users = std::move(keys);
    own.oauth_keys = both(config.turn.oauth.keys, own.oauth_keys);

    std::vector<std::string> secrets = config.turn.secret.all;
    if (!config.turn.secret_file.empty()) secrets = secrets_in(config.turn.secret_file);
    for (const std::string& secret : own.secrets) {
        if (std::ranges::find(secrets, secret) == secrets.end()) secrets.push_back(secret);
    }
    if (secrets.empty()) secrets = {made_};
    own.secrets = std::move(secrets);
}

turn::RealmId AccessReader::id_of(const std::string& realm) {
    const auto found = std::ranges::find(realms_, realm);
    const auto id = turn::RealmId(static_cast<uint16_t>(found - realms_.begin()));
    if (found != realms_.end()) return id;
    if (realms_.size() == turn::Realms::max_realms) {
        throw net::StartError(fmt::format(
            "turn.database: there are more than {} realms, with those that have gone since the "
            "start",
            turn::Realms::max_realms));
    }
    realms_.push_back(realm);
    return id;
}

Access AccessReader::read(const Config& config, const std::vector<TransportAddress>& listening) {
    UserRows rows = read_database(config);
    RealmRows& own = rows.realms[realms_.front()];
    const uint64_t users = rows.count_users(), secrets = own.secrets.size();
    add_configured(config, own);
    std::map<std::string, turn::RealmId> by_origin;
    for (const auto& [name, unused] : rows.realms) id_of(name);
    for (const auto& [origin, name] : rows.origins) by_origin.emplace(origin, id_of(name));
    std::vector<turn::Realm> realms;
    for (const std::string& name : realms_) {
        const bool is_own = realms.empty();
        realms.push_back(make_realm(
            config, name, is_own ? config.turn.users : std::map<std::string, std::string>{},
            rows.realms[name], listening));
    }

    std::erase_if(given_, [](const auto& given) { return given.use_count() == 1; });
    Access access{.realms = std::make_shared<turn::Realms>(std::move(realms), by_origin),
                  .secret = own.secrets.front(),
                  .quotas = quotas_of(config),
                  .bandwidth = {.per_allocation = config.turn.allocation_bandwidth,
                                .per_user = config.turn.user_bandwidth,
                                .per_address = config.turn.address_bandwidth,
                                .total = config.turn.total_bandwidth}};
    given_.push_back(access.realms);
    if (!config.turn.database.empty()) {
        log::info("turn.database", {{"file", config.turn.database},
                                    {"realms", uint64_t{rows.realms.size()}},
                                    {"origins", uint64_t{rows.origins.size()}},
                                    {"users", users},
                                    {"secrets", secrets},
                                    {"unusable_rows", uint64_t{rows.unusable}}});
    }
    return access;
}

bool AccessReader::has_changed() {
    std::erase_if(given_, [](const auto& given) { return given.use_count() == 1; });
    return database_ && database_->has_changed();
}

}  // namespace ahoy::app
