#include "app/user_commands.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "app/config.h"
#include "app/machine.h"
#include "app/terminal.h"
#include "app/user_database.h"
#include "base/crypto.h"
#include "stun/integrity.h"
#include "stun/message.h"
#include "stun/opaque_string.h"
#include "turn/credentials.h"

namespace ahoy::app {
namespace {

using Mode = UserDatabase::Mode;

constexpr size_t max_secret = 256;  // coturn's column

struct Place {
    std::string path;
    std::string realm;
};

Place find(const UserFile& file) {
    const Config config = load_config(file.config, {});
    const std::string path = file.database.empty() ? config.turn.database : file.database;
    if (path.empty()) {
        throw ConfigError(
            "which file of users? Name it with --database FILE, or with --config FILE a "
            "configuration that has turn.database");
    }
    const auto realm = stun::opaque_string(file.realm.empty() ? config.turn.realm : file.realm);
    if (!realm || realm->size() > turn::Credentials::max_realm) {
        throw ConfigError("--realm: expected 1 to 127 characters, none of them a control one");
    }
    return {path, *realm};
}

UserDatabase open(const Place& place, Mode mode) {
    ::umask(S_IWGRP | S_IRWXO);  // a new file is its owner's and group's
    return {place.path, mode, 5s};
}

// A slip of the finger would not be seen, so it is typed twice.
std::string read_new(std::string_view what) {
    std::string once = read_hidden(what);
    if (is_terminal() && read_hidden("Once more") != once) {
        throw ConfigError("the two are not the same");
    }
    return once;
}

std::string prepared(std::string_view text, std::string_view what) {
    const auto opaque = stun::opaque_string(text);
    if (!opaque) {
        throw ConfigError(fmt::format("{}: is empty, or has control characters (RFC 8265)", what));
    }
    return *opaque;
}

std::string id_of(const std::string& secret) {
    const Sha256 hash = sha256(as_bytes(secret));
    return fmt::format("{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]);
}

void store_secret(const Place& place, const std::string& secret) {
    UserDatabase database = open(place, Mode::create);
    database.add_secret(place.realm, secret);
    const size_t count = database.secrets(place.realm).size();
    if (count > turn::Credentials::max_secrets) {
        fmt::print(stderr,
                   "{} secrets are more than the {} that the server takes: remove an old one\n",
                   count, turn::Credentials::max_secrets);
    }
}

}  // namespace

int add_user(const UserFile& file, const std::string& typed) {
    const Place place = find(file);
    const UserDatabase::User user{place.realm, prepared(typed, "name")};
    if (user.name.size() > stun::max_username) throw ConfigError("name: is too long");
    const auto password = prepared(read_new(fmt::format("Password of {}", user.name)), "password");
    UserDatabase database = open(place, Mode::create);
    const bool known = database.has_user(user);
    database.put_user(user, stun::long_term_key(user.name, user.realm, password));
    fmt::print("{} {}[{}]\n", known ? "changed" : "added", user.name, user.realm);
    return 0;
}

int remove_user(const UserFile& file, const std::string& typed) {
    const auto [path, realm] = find(file);
    const std::string name = prepared(typed, "name");
    if (!open({path, realm}, Mode::write).remove_user({realm, name})) {
        fmt::print(stderr, "ahoy: there is no {}[{}]\n", name, realm);
        return 1;
    }
    fmt::print("removed {}[{}]\n", name, realm);
    return 0;
}

int list_users(const UserFile& file) {
    const Place place = find(file);
    const bool all = file.realm.empty();
    for (const auto& user : open(place, Mode::read).users()) {
        if (all || user.realm == place.realm) fmt::print("{}[{}]\n", user.name, user.realm);
    }
    return 0;
}

int add_secret(const UserFile& file) {
    const Place place = find(file);
    const std::string secret = read_new("Secret");
    if (secret.empty() || secret.size() > max_secret) {
        throw ConfigError(fmt::format("a secret has 1 to {} characters", max_secret));
    }
    store_secret(place, secret);
    fmt::print("added {}\n", id_of(secret));
    return 0;
}

int make_secret(const UserFile& file) {
    const std::string secret = system_random().token(32);
    store_secret(find(file), secret);
    fmt::print("{}\n", secret);
    return 0;
}

int remove_secret(const UserFile& file, const std::string& id) {
    const Place place = find(file);
    UserDatabase database = open(place, Mode::write);
    for (const std::string& secret : database.secrets(place.realm)) {
        if (id_of(secret) != id) continue;
        database.remove_secret(place.realm, secret);
        fmt::print("removed {}\n", id);
        return 0;
    }
    fmt::print(stderr, "ahoy: there is no secret {} of {}; `ahoy secret list` says which are\n", id,
               place.realm);
    return 1;
}

int list_secrets(const UserFile& file, bool show) {
    const Place place = find(file);
    for (const std::string& secret : open(place, Mode::read).secrets(place.realm)) {
        fmt::print("{}{}{}\n", id_of(secret), show ? " " : "", show ? secret : "");
    }
    return 0;
}

}  // namespace ahoy::app
