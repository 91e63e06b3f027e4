// Users, secrets and peer lists in an SQLite file with coturn's tables, so that either program
// works with the file of the other.
//
// Nothing is looked up here while packets are relayed: the file is read whole, and again when it
// has changed.  Every failure is a DatabaseError, which names the file and says what is wrong.
#pragma once

#include <sqlite3.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"
#include "base/crypto.h"
#include "base/release.h"
#include "base/time.h"
#include "turn/peer_policy.h"

namespace ahoy::app {

class DatabaseError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// What the file has of one realm.
struct RealmRows {
    std::map<std::string, Md5> users;  // name and key
    std::vector<std::string> secrets;  // the newest first
    turn::PeerLists peers;             // of this realm and of all
    std::map<std::string, uint64_t> options;
    std::vector<OauthKey> oauth_keys;  // of this realm and of all
};

struct UserRows {
    std::map<std::string, RealmRows> realms;     // by name
    std::map<std::string, std::string> origins;  // and their realms, of those that are here
    size_t unusable = 0;  // rows, or realms, that nobody could use, or that cannot be read

    size_t count_users() const;
};

class UserDatabase {
  public:
    static constexpr size_t max_peer_blocks = 4096;  // of a realm: every request looks through them
    static constexpr size_t max_oauth_keys = 4096;

    enum class Mode {
        read,
        write,
        create,  // and write
    };
    UserDatabase(std::string path, Mode, Duration patience);
    ~UserDatabase();
    UserDatabase(const UserDatabase&) = delete;
    UserDatabase& operator=(const UserDatabase&) = delete;

    const std::string& path() const { return path_; }

    // The realms in which somebody is or could be, and `own` in any case.  More users than that in
    // all, and more realms than a server may have, are refused.
    UserRows read(const std::string& own, size_t max_users);
    // Whether the file has changed, or another taken its name, since read() was called last.
    bool has_changed();

    struct User {
        std::string realm;
        std::string name;
    };
    std::vector<User> users();
    bool has_user(const User&);
    void put_user(const User&, const Md5& key);  // adds or changes
    bool remove_user(const User&);               // whether it was there

    std::vector<std::string> secrets(std::string_view realm);  // the newest first
    void add_secret(std::string_view realm, std::string_view secret);
    bool remove_secret(std::string_view realm, std::string_view secret);

  private:
    class Statement;
    struct FileId {
        dev_t device = 0;
        ino_t inode = 0;
        friend bool operator==(const FileId&, const FileId&) = default;
    };

    void open();
    void execute(const char* sql);
    bool has_table(std::string_view name);
    int64_t data_version();
    std::optional<FileId> file_id() const;
    void read_names(UserRows&);
    void read_origins(UserRows&);
    void read_users(const std::string& realm, size_t max_users, UserRows&);
    void read_secrets(const std::string& realm, UserRows&);
    void read_peers(std::string_view table, std::string_view realm, std::vector<Prefix>&);
    void read_options(const std::string& realm, UserRows&);
    void read_oauth_keys(UserRows&);
    [[noreturn]] void fail(std::string_view why) const;
    [[noreturn]] void fail() const;  // as SQLite says

    std::string path_;
    Mode mode_;
    Duration patience_;
    std::unique_ptr<sqlite3, Release<sqlite3_close_v2>> db_;
    std::optional<FileId> opened_;
    std::optional<int64_t> read_version_;  // nothing: what was read last, if anything, is not valid
};

}  // namespace ahoy::app
