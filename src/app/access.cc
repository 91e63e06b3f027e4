#include "app/access.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "app/log.h"
#include "app/secret_file.h"
#include "net/start_error.h"

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

// The first is for new credentials, all are accepted.
std::vector<std::string> secrets_of(const Config& config, const Realm& realm,
                                    const std::string& made) {
    std::vector<std::string> secrets = config.turn.secret.all;
    if (!config.turn.secret_file.empty()) secrets = secrets_in(config.turn.secret_file);
    for (const std::string& secret : realm.secrets) {
        if (std::find(secrets.begin(), secrets.end(), secret) == secrets.end()) {
            secrets.push_back(secret);
        }
    }
    if (secrets.empty()) secrets = {made};
    if (secrets.size() > turn::Credentials::max_secrets) {
        // Each costs a stranger's request a few hashes more.
        throw net::StartError(
            fmt::format("turn.secret, turn.secret_file and turn.database have {} secrets together, "
                        "more than {}; remove those that are no longer used",
                        secrets.size(), turn::Credentials::max_secrets));
    }
    return secrets;
}

unsigned option(const Realm& realm, const char* name, unsigned otherwise) {
    const auto found = realm.options.find(name);
    if (found == realm.options.end()) return otherwise;
    return static_cast<unsigned>(
        std::min<uint64_t>(found->second, std::numeric_limits<unsigned>::max()));
}

// The configuration's win.
turn::TokenKeys token_keys_of(const Config& config, const Realm& realm) {
    if (config.turn.oauth.server_name.empty()) return {};
    std::map<std::string, turn::TokenKey> keys;
    for (const auto* some : {&config.turn.oauth.keys, &realm.oauth_keys}) {
        for (const OauthKey& key : *some) {
            keys.emplace(key.kid, turn::TokenKey{key.key, key.from, key.until});
        }
    }
    return {config.turn.oauth.server_name, std::move(keys)};
}

turn::Quotas::Limits quotas_of(const Config& config, const Realm& realm) {
    const auto& turn = config.turn;
    return {.per_user = {.allocations = option(realm, "user-quota", turn.user_quota),
                         .permissions = turn.user_permissions,
                         .channels = turn.user_channels,
                         .connections = turn.user_peer_connections},
            .per_address = {.allocations = turn.address_quota,
                            .permissions = turn.address_permissions,
                            .channels = turn.address_channels,
                            .connections = turn.address_peer_connections},
            .total = {.allocations =
                          turn::stricter(turn.max_allocations, option(realm, "total-quota", 0)),
                      .permissions = turn.max_permissions,
                      .channels = turn.max_channels,
                      .connections = turn.max_peer_connections}};
}

template <class T>
std::vector<T> both(std::vector<T> first, const std::vector<T>& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

}  // namespace

Realm AccessReader::read_database(const Config& config) {
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
        return database_->read(realm_, config.turn.max_users);
    } catch (const DatabaseError& error) {
        throw net::StartError(fmt::format("turn.database: {}", error.what()));
    }
}

Access AccessReader::read(const Config& config) {
    const Realm realm = read_database(config);
    const auto secrets = secrets_of(config, realm, made_);
    std::erase_if(given_, [](const auto& credentials) { return credentials.use_count() == 1; });
    auto keys = config.turn.user_keys;
    keys.insert(realm.users.begin(), realm.users.end());
    Access access{
        .credentials = std::make_shared<turn::Credentials>(realm_, config.turn.users, secrets, keys,
                                                           token_keys_of(config, realm)),
        .secret = secrets.front(),
        .peers = {both(config.turn.peers.allow, realm.peers.allow),
                  both(config.turn.peers.deny, realm.peers.deny)},
        .quotas = quotas_of(config, realm),
        .bandwidth = {.per_allocation = option(realm, "max-bps", config.turn.allocation_bandwidth),
                      .per_user = config.turn.user_bandwidth,
                      .per_address = config.turn.address_bandwidth,
                      .total = config.turn.total_bandwidth}};
    given_.push_back(access.credentials);
    if (!config.turn.database.empty()) {
        log::info("turn.database", {{"file", config.turn.database},
                                    {"realm", realm_},
                                    {"users", uint64_t{realm.users.size()}},
                                    {"secrets", uint64_t{realm.secrets.size()}},
                                    {"oauth_keys", uint64_t{realm.oauth_keys.size()}},
                                    {"users_of_other_realms", uint64_t{realm.users_elsewhere}},
                                    {"unusable_rows", uint64_t{realm.unusable}}});
    }
    return access;
}

bool AccessReader::has_changed() {
    std::erase_if(given_, [](const auto& credentials) { return credentials.use_count() == 1; });
    return database_ && database_->has_changed();
}

}  // namespace ahoy::app
