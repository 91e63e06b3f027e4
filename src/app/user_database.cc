#include "app/user_database.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "app/peer_ranges.h"
#include "base/base64.h"
#include "base/check.h"
#include "stun/message.h"
#include "stun/opaque_string.h"
#include "turn/realms.h"

namespace ahoy::app {
namespace {

// As coturn makes them.
constexpr const char* tables = R"(
CREATE TABLE IF NOT EXISTS turnusers_lt (
    realm varchar(127) default '', name varchar(512), hmackey char(128),
    PRIMARY KEY (realm, name));
CREATE TABLE IF NOT EXISTS turn_secret (
    realm varchar(127) default '', value varchar(256), PRIMARY KEY (realm, value));
CREATE TABLE IF NOT EXISTS allowed_peer_ip (
    realm varchar(127) default '', ip_range varchar(256), PRIMARY KEY (realm, ip_range));
CREATE TABLE IF NOT EXISTS denied_peer_ip (
    realm varchar(127) default '', ip_range varchar(256), PRIMARY KEY (realm, ip_range));
CREATE TABLE IF NOT EXISTS turn_origin_to_realm (
    origin varchar(127), realm varchar(127), PRIMARY KEY (origin));
CREATE TABLE IF NOT EXISTS turn_realm_option (
    realm varchar(127) default '', opt varchar(32), value varchar(128),
    PRIMARY KEY (realm, opt));
CREATE TABLE IF NOT EXISTS oauth_key (
    kid varchar(128), ikm_key varchar(256), timestamp bigint default 0,
    lifetime integer default 0, as_rs_alg varchar(64) default '', realm varchar(127) default '',
    PRIMARY KEY (kid));
CREATE TABLE IF NOT EXISTS admin_user (
    name varchar(32), realm varchar(127), password varchar(127), PRIMARY KEY (name));
)";

constexpr size_t max_secret = 256;
constexpr int64_t latest = int64_t{1} << 40;  // seconds

std::string to_hex(Bytes bytes) {
    std::string text;
    for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
    return text;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return number;
}

// A client's key is made of it as it stands there.
bool is_name_of_realm(const std::string& name) {
    return name.size() <= turn::Credentials::max_realm && stun::opaque_string(name) == name;
}

// Of coturn's columns; its keys may be longer than the algorithm wants.
std::optional<OauthKey> oauth_key(std::string kid, std::string_view ikm_key,
                                  const std::string& algorithm) {
    const auto is = [&](const char* name) { return strcasecmp(algorithm.c_str(), name) == 0; };
    const size_t size = is("A256GCM") ? 32 : is("A128GCM") ? 16 : 0;
    auto key = from_base64(ikm_key);
    if (size == 0 || !key || key->size() < size || kid.empty() || kid.size() > stun::max_username) {
        return {};
    }
    key->resize(size);
    return OauthKey{.kid = std::move(kid), .key = *std::move(key)};
}

}  // namespace

// A prepared statement, with its values; the database outlives it.
class UserDatabase::Statement {
  public:
    Statement(UserDatabase& database, std::string_view sql,
              std::initializer_list<std::string_view> values = {})
        : database_(database) {
        if (sqlite3_prepare_v2(database.db_.get(), sql.data(), static_cast<int>(sql.size()),
                               &statement_, nullptr) != SQLITE_OK) {
            database_.fail();
        }
        int index = 0;
        for (const std::string_view value : values) {
            const int bound = sqlite3_bind_text(statement_, ++index, value.data(),
                                                static_cast<int>(value.size()), SQLITE_TRANSIENT);
            CHECK(bound == SQLITE_OK);
        }
    }
    ~Statement() { sqlite3_finalize(statement_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    // Whether there is another row.
    bool step() {
        const int result = sqlite3_step(statement_);
        if (result == SQLITE_ROW) return true;
        if (result != SQLITE_DONE) database_.fail();
        return false;
    }
    std::string text(int column) {
        const auto* const bytes = sqlite3_column_text(statement_, column);
        if (bytes == nullptr) return {};
        const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
        return {reinterpret_cast<const char*>(bytes), size};
    }
    int64_t number(int column) { return sqlite3_column_int64(statement_, column); }

  private:
    UserDatabase& database_;
    sqlite3_stmt* statement_ = nullptr;
};

size_t UserRows::count_users() const {
    size_t count = 0;
    for (const auto& [name, realm] : realms) count += realm.users.size();
    return count;
}

UserDatabase::UserDatabase(std::string path, Mode mode, Duration patience)
    : path_(std::move(path)), mode_(mode), patience_(patience) {
    open();
}

UserDatabase::~UserDatabase() = default;

void UserDatabase::open() {
    read_version_.reset();
    opened_.reset();
    const auto id = file_id();  // before, so that a change meanwhile is not missed
    const int flags = mode_ == Mode::read    ? SQLITE_OPEN_READONLY
                      : mode_ == Mode::write ? SQLITE_OPEN_READWRITE
                                             : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    sqlite3* db = nullptr;
    const int opened = sqlite3_open_v2(path_.c_str(), &db, flags, nullptr);
    db_.reset(db);
    if (opened != SQLITE_OK) {
        const int error = db == nullptr ? 0 : sqlite3_system_errno(db);
        fail(error != 0 ? std::strerror(error) : sqlite3_errstr(opened));
    }
    const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(patience_);
    sqlite3_busy_timeout(db, static_cast<int>(patience.count()));
    if (mode_ == Mode::create) execute(tables);
    opened_ = id;
}

void UserDatabase::execute(const char* sql) {
    if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail();
}

void UserDatabase::fail(std::string_view why) const {
    throw DatabaseError(fmt::format("{}: {}", path_, why));
}

void UserDatabase::fail() const {
    fail(db_ ? sqlite3_errmsg(db_.get()) : "out of memory");
}

bool UserDatabase::has_table(std::string_view name) {
    return Statement(*this, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", {name})
        .step();
}

int64_t UserDatabase::data_version() {
    Statement statement(*this, "PRAGMA data_version");
    if (!statement.step()) fail("has no data_version");
    return statement.number(0);
}

std::optional<UserDatabase::FileId> UserDatabase::file_id() const {
    struct stat status {};
    if (::stat(path_.c_str(), &status) != 0) return {};
    return FileId{status.st_dev, status.st_ino};
}

UserRows UserDatabase::read(const std::string& own, size_t max_users) {
    if (!opened_ || file_id() != opened_) open();
    read_version_.reset();
    const int64_t version = data_version();
    // One transaction, so that what is read belongs together.
    execute("BEGIN");
    struct Rollback {
        sqlite3* db;
        ~Rollback() { sqlite3_exec(db, "ROLLBACK", nullptr, nullptr, nullptr); }
    } rollback{db_.get()};
    if (!has_table("turnusers_lt") && !has_table("turn_secret")) {
        fail("has none of the tables of users; `ahoy user add` makes them");
    }
    UserRows found;
    found.realms[own];
    read_names(found);
    for (auto& [name, realm] : found.realms) {
        read_users(name, max_users, found);
        read_secrets(name, found);
        read_peers("allowed_peer_ip", name, realm.peers.allow);
        read_peers("denied_peer_ip", name, realm.peers.deny);
        read_options(name, found);
    }
    read_oauth_keys(found);
    read_origins(found);
    read_version_ = version;
    return found;
}

// Whoever is challenged for a realm needs credentials of it: one that has only options or peers is
// nobody's.
void UserDatabase::read_names(UserRows& found) {
    for (const std::string_view table :
         {"turnusers_lt", "turn_secret", "oauth_key", "turn_origin_to_realm"}) {
        if (!has_table(table)) continue;
        Statement rows(*this, fmt::format("SELECT DISTINCT realm FROM {}", table));
        while (rows.step()) {
            const std::string name = rows.text(0);
            if (name.empty() && table == "oauth_key") continue;  // of all realms
            if (!is_name_of_realm(name)) {
                ++found.unusable;
                continue;
            }
            found.realms[name];
            if (found.realms.size() > turn::Realms::max_realms) {
                fail(fmt::format("has more than {} realms", turn::Realms::max_realms));
            }
        }
    }
}

void UserDatabase::read_origins(UserRows& found) {
    if (!has_table("turn_origin_to_realm")) return;
    Statement rows(*this, "SELECT origin, realm FROM turn_origin_to_realm");
    while (rows.step()) {
        if (!found.realms.contains(rows.text(1))) continue;  // counted with the names
        if (found.origins.size() == turn::Realms::max_origins) {
            fail(fmt::format("turn_origin_to_realm: has more than {} origins",
                             turn::Realms::max_origins));
        }
        found.origins.emplace(rows.text(0), rows.text(1));
    }
}

void UserDatabase::read_users(const std::string& realm, size_t max_users, UserRows& found) {
    if (!has_table("turnusers_lt")) return;
    auto& names = found.realms.at(realm).users;
    const size_t elsewhere = found.count_users();
    Statement users(*this, "SELECT name, hmackey FROM turnusers_lt WHERE realm = ?", {realm});
    while (users.step()) {
        std::string name = users.text(0);
        const auto key = md5_from_hex(users.text(1));
        if (!key || name.empty() || name.size() > stun::max_username) {
            ++found.unusable;
            continue;
        }
        if (elsewhere + names.size() == max_users) {
            fail(fmt::format("has more than {} users; raise turn.max_users", max_users));
        }
        names.emplace(std::move(name), *key);
    }
}

void UserDatabase::read_secrets(const std::string& realm, UserRows& found) {
    for (std::string& secret : secrets(realm)) {
        if (secret.empty() || secret.size() > max_secret) {
            ++found.unusable;
        } else {
            found.realms.at(realm).secrets.push_back(std::move(secret));
        }
    }
}

void UserDatabase::read_peers(std::string_view table, std::string_view realm,
                              std::vector<Prefix>& list) {
    if (!has_table(table)) return;
    Statement rows(
        *this, fmt::format("SELECT ip_range FROM {} WHERE realm IN ('', ?) ORDER BY rowid", table),
        {realm});
    while (rows.step()) {
        const auto blocks = parse_peer_range(rows.text(0));
        // Without a denied one somebody would be relayed to who must not be.
        if (!blocks) fail(fmt::format("{}: \"{}\" is not an address range", table, rows.text(0)));
        list.insert(list.end(), blocks->begin(), blocks->end());
        if (list.size() > max_peer_blocks) {
            fail(fmt::format("{}: has more than {} blocks", table, max_peer_blocks));
        }
    }
}

void UserDatabase::read_options(const std::string& realm, UserRows& found) {
    if (!has_table("turn_realm_option")) return;
    Statement rows(*this, "SELECT opt, value FROM turn_realm_option WHERE realm = ?", {realm});
    while (rows.step()) {
        const auto value = parse_number<uint64_t>(rows.text(1));
        if (!value) {
            ++found.unusable;
        } else if (*value != 0) {  // which stands for "no limit of its own"
            found.realms.at(realm).options[rows.text(0)] = *value;
        }
    }
}

void UserDatabase::read_oauth_keys(UserRows& found) {
    if (!has_table("oauth_key")) return;
    Statement rows(*this,
                   "SELECT kid, ikm_key, as_rs_alg, timestamp, lifetime, realm FROM oauth_key");
    while (rows.step()) {
        auto key = oauth_key(rows.text(0), rows.text(1), rows.text(2));
        if (!key) {
            ++found.unusable;
            continue;
        }
        const int64_t timestamp = std::clamp<int64_t>(rows.number(3), 0, latest);
        const int64_t lifetime = std::clamp<int64_t>(rows.number(4), 0, latest);
        key->from = WallTime(std::chrono::seconds(timestamp));
        if (lifetime != 0) key->until = key->from + std::chrono::seconds(lifetime);
        const std::string of = rows.text(5);
        for (auto& [name, realm] : found.realms) {
            if (!of.empty() && of != name) continue;
            if (realm.oauth_keys.size() == max_oauth_keys) {
                fail(fmt::format("oauth_key: has more than {} keys", max_oauth_keys));
            }
            realm.oauth_keys.push_back(*key);
        }
    }
}

bool UserDatabase::has_changed() {
    if (!read_version_) return true;
    const auto now = file_id();
    if (!now) return false;  // it is being replaced; or gone, and what it held stays
    if (now != opened_) return true;
    try {
        return data_version() != *read_version_;
    } catch (const DatabaseError&) {
        return false;  // somebody writes
    }
}

std::vector<UserDatabase::User> UserDatabase::users() {
    std::vector<User> all;
    if (!has_table("turnusers_lt")) return all;
    Statement rows(*this, "SELECT realm, name FROM turnusers_lt ORDER BY realm, name");
    while (rows.step()) all.push_back({rows.text(0), rows.text(1)});
    return all;
}

bool UserDatabase::has_user(const User& user) {
    return Statement(*this, "SELECT 1 FROM turnusers_lt WHERE realm = ? AND name = ?",
                     {user.realm, user.name})
        .step();
}

void UserDatabase::put_user(const User& user, const Md5& key) {
    Statement(*this, "INSERT OR REPLACE INTO turnusers_lt (realm, name, hmackey) VALUES (?, ?, ?)",
              {user.realm, user.name, to_hex(key)})
        .step();
}

bool UserDatabase::remove_user(const User& user) {
    if (!has_table("turnusers_lt")) return false;
    Statement(*this, "DELETE FROM turnusers_lt WHERE realm = ? AND name = ?",
              {user.realm, user.name})
        .step();
    return sqlite3_changes(db_.get()) > 0;
}

std::vector<std::string> UserDatabase::secrets(std::string_view realm) {
    std::vector<std::string> all;
    if (!has_table("turn_secret")) return all;
    Statement rows(*this, "SELECT value FROM turn_secret WHERE realm = ? ORDER BY rowid DESC",
                   {realm});
    while (rows.step()) all.push_back(rows.text(0));
    return all;
}

void UserDatabase::add_secret(std::string_view realm, std::string_view secret) {
    Statement(*this, "INSERT OR REPLACE INTO turn_secret (realm, value) VALUES (?, ?)",
              {realm, secret})
        .step();
}

bool UserDatabase::remove_secret(std::string_view realm, std::string_view secret) {
    if (!has_table("turn_secret")) return false;
    Statement(*this, "DELETE FROM turn_secret WHERE realm = ? AND value = ?", {realm, secret})
        .step();
    return sqlite3_changes(db_.get()) > 0;
}

}  // namespace ahoy::app
