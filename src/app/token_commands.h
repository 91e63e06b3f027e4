// `ahoy token`: tokens for rooms, signed with a key of the configuration.
//
// The key comes from there alone, never from the command line, which every process can see.
#pragma once

#include <string>

namespace ahoy::app {

struct TokenWishes {
    std::string config;
    std::string kid;  // "" = the only key
    std::string room;
    std::string name;
    std::string subject;
    std::string role;             // "" = none
    std::string lifetime = "1h";  // as in the configuration
};

// Prints it and gives the exit status; throws ConfigError.
int make_token(const TokenWishes&);

}  // namespace ahoy::app
