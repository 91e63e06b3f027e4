// `ahoy probe`: its arguments, and the credentials and addresses that they lead to.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace ahoy::app {

struct ProbeArguments {
    std::string target;
    std::string user;
    std::string secret_file;
    std::string config;
    bool all = false;
    bool insecure = false;
    bool json = false;
    bool ipv4 = false;
    bool ipv6 = false;
    unsigned timeout = 5;  // seconds
    unsigned time_limit = 120;
    unsigned count = 10;
};

CLI::App* add_probe_command(CLI::App&, ProbeArguments&);

// The exit status.  Throws ConfigError for arguments that lead nowhere.
int run_probe(const ProbeArguments&);

}  // namespace ahoy::app
