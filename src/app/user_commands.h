// `ahoy user` and `ahoy secret`: who is in the file of users.
//
// Passwords and secrets are read from the terminal, without echo, or from standard input, and never
// from the command line, which every process can see.  The functions give the exit status, and
// throw ConfigError when what they were told is not enough.
#pragma once

#include <string>

namespace ahoy::app {

struct UserFile {
    std::string database;  // the file, or
    std::string config;    // the configuration that names it
    std::string realm;     // "" = the configuration's
};

int add_user(const UserFile&, const std::string& name);
int remove_user(const UserFile&, const std::string& name);
int list_users(const UserFile&);

// Without its value a secret is known by the beginning of its SHA-256.
int add_secret(const UserFile&);
int make_secret(const UserFile&);
int remove_secret(const UserFile&, const std::string& id);
int list_secrets(const UserFile&, bool show);

}  // namespace ahoy::app
