#include "app/probe_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "app/access.h"
#include "app/config.h"
#include "app/machine.h"
#include "app/secret_file.h"
#include "app/terminal.h"
#include "net/clock.h"
#include "probe/probe.h"
#include "turn/credentials.h"

namespace ahoy::app {
namespace {

constexpr const char* password_variable = "AHOY_PROBE_PASSWORD";

// ---- credentials

std::string read_password(const std::string& user) {
    if (const char* value = std::getenv(password_variable)) return value;
    std::string password = read_hidden(fmt::format("Password of {}", user));
    if (password.empty()) {
        throw ConfigError(
            fmt::format("--user {}: no password was given: type it, pipe it in, or set {}", user,
                        password_variable));
    }
    return password;
}

std::string read_secret(const std::string& file) {
    std::ifstream stream(file);
    if (!stream) {
        throw ConfigError(fmt::format("--secret-file {}: {}", file, std::strerror(errno)));
    }
    const auto secrets = read_secrets(stream);
    if (!secrets.empty()) return secrets.front();
    throw ConfigError(fmt::format(
        "--secret-file {}: is empty; it holds the server's secret in its first line", file));
}

using LoginSource = std::function<std::optional<probe::Login>()>;

LoginSource with_password(const std::string& user, const std::string& password) {
    if (user.size() > stun::max_username) {
        throw ConfigError(fmt::format("--user: a name has at most {} bytes", stun::max_username));
    }
    return [=] { return probe::Login{user, password, false}; };
}

LoginSource with_secret(const std::string& secret) {
    return [=] {
        const auto minted = turn::mint(secret, "probe", 1min, net::read_clocks());
        return probe::Login{minted.username, minted.password, true};
    };
}

LoginSource login_of(const ProbeArguments& arguments, const Config& config) {
    if (!arguments.user.empty()) {
        return with_password(arguments.user, read_password(arguments.user));
    }
    if (!arguments.secret_file.empty()) return with_secret(read_secret(arguments.secret_file));
    if (!arguments.config.empty()) {
        const std::string secret = AccessReader(config.turn.realm, "").read(config, {}).secret;
        if (!secret.empty()) return with_secret(secret);
        if (!config.turn.users.empty()) {
            const auto& [user, password] = *config.turn.users.begin();
            return with_password(user, password);
        }
        fmt::print(stderr,
                   "ahoy: {} has neither turn.users nor a secret in turn.secret, turn.secret_file "
                   "or turn.database, and the secret that a server makes at start is known to "
                   "nobody else: relaying is not "
                   "tried\n",
                   arguments.config);
    }
    return [] { return std::nullopt; };
}

// ---- where to

// What the configuration listens on; at its public name if there is one, else on this machine.
std::vector<probe::Way> ways_of(const Config& config) {
    std::vector<probe::Way> ways;
    const auto add = [&](const TransportAddress& listen, Transport transport) {
        probe::Way way{.host = config.turn.public_host,
                       .port = listen.port,
                       .transport = transport,
                       .named = true};
        if (way.host.empty()) {
            const std::string loopback = listen.ip.is_v4() ? "127.0.0.1" : "::1";
            way.host = listen.ip.is_unspecified() ? loopback : listen.ip.to_string();
            way.named = false;
        }
        if (std::find(ways.begin(), ways.end(), way) == ways.end()) ways.push_back(way);
    };
    for (const auto& listen : usable(config.turn.listen)) {
        add(listen, Transport::udp);
        add(listen, Transport::tcp);
    }
    for (const auto& listen : usable(config.turn.tls_listen)) {
        add(listen, Transport::tls);
        add(listen, Transport::dtls);
    }
    for (const auto& listen : usable(config.tls.listen)) add(listen, Transport::tls);
    if (ways.empty()) throw ConfigError("turn.listen is empty: there is nothing to probe");
    return ways;
}

std::vector<probe::Way> ways_of(const ProbeArguments& arguments, const Config& config) {
    if (arguments.target.empty()) {
        if (!arguments.config.empty()) return ways_of(config);
        throw ConfigError(
            "probe: which server? Give turn:HOST:PORT?transport=udp, turns:HOST:PORT, "
            "stun:HOST:PORT, a HOST alone for every transport, or --config FILE");
    }
    const auto target = probe::Target::parse(arguments.target);
    if (!target) throw ConfigError(target.error());
    return probe::ways(*target, arguments.all);
}

std::string_view last_words(probe::Verdict verdict) {
    switch (verdict) {
        case probe::Verdict::failed:
            return "Something failed: what it means and what to do stands above.";
        case probe::Verdict::warning:
            return "It works, but not as it should: see the warnings above.";
        case probe::Verdict::skipped:
            return "Nothing failed, but not everything was tried: see above.";
        case probe::Verdict::ok:
            return "All is well.";
    }
    return "";
}

}  // namespace

CLI::App* add_probe_command(CLI::App& app, ProbeArguments& arguments) {
    auto* const probe = app.add_subcommand(
        "probe", "Say whether a STUN or TURN server, any one, is reachable, and why not");
    probe->add_option("target", arguments.target,
                      "turn:HOST:PORT?transport=udp|tcp, turns:HOST:PORT, stun:HOST:PORT, or a "
                      "HOST alone for UDP, TCP, TLS and DTLS");
    auto* const user = probe->add_option(
        "--user", arguments.user,
        fmt::format("Name; the password comes from {}, stdin or a prompt", password_variable));
    probe
        ->add_option("--secret-file", arguments.secret_file,
                     "The server's REST secret (its first line), to make a credential of")
        ->excludes(user);
    probe->add_option("--config", arguments.config,
                      "Configuration of an Ahoy server: its addresses and credentials");
    probe->add_flag("--all", arguments.all, "Try every transport, whatever the URI names");
    probe->add_flag("--insecure", arguments.insecure, "Take any certificate");
    auto* const ipv4 = probe->add_flag("--ipv4", arguments.ipv4, "Only the server's IPv4 address");
    probe->add_flag("--ipv6", arguments.ipv6, "Only the server's IPv6 address")->excludes(ipv4);
    probe->add_option("--count", arguments.count, "Datagrams in each burst (10)")
        ->check(CLI::Range(1, 1000));
    probe->add_option("--timeout", arguments.timeout, "Seconds for each step (5)")
        ->check(CLI::Range(1, 60));
    probe->add_option("--time-limit", arguments.time_limit, "Seconds for all (120)")
        ->check(CLI::Range(1, 3600));
    probe->add_flag("--json", arguments.json, "One JSON object instead of text");
    probe->footer("Exit status: 0 all is well, 1 something failed, 2 bad arguments.");
    return probe;
}

int run_probe(const ProbeArguments& arguments) {
    const Config config = arguments.config.empty() ? Config() : load_config(arguments.config, {});
    probe::Options options{.ways = ways_of(arguments, config),
                           .login = login_of(arguments, config),
                           .checked = !arguments.insecure,
                           .patience = std::chrono::seconds(arguments.timeout),
                           .limit = std::chrono::seconds(arguments.time_limit),
                           .datagrams = arguments.count};
    if (arguments.ipv4) options.family = AddressFamily::ipv4;
    if (arguments.ipv6) options.family = AddressFamily::ipv6;

    probe::Report report(arguments.json ? nullptr : stdout);
    probe::probe(options, system_random(), report);
    const probe::Verdict verdict = report.verdict();
    if (arguments.json) {
        fmt::print("{}", probe::to_json(report.rows()));
    } else {
        fmt::print("\n{}\n{}\n", probe::table(report.rows()), last_words(verdict));
    }
    return verdict == probe::Verdict::failed ? 1 : 0;
}

}  // namespace ahoy::app
