// The command line.  Exit status: 0 clean stop, 1 failure at run time, 2 bad arguments,
// configuration or environment, with one sentence on stderr that says what to do.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "app/config.h"
#include "app/log.h"
#include "app/probe_command.h"
#include "app/serve.h"
#include "net/start_error.h"

namespace ahoy::app {
namespace {

struct Arguments {
    std::string config;
    std::vector<std::string> settings;
    std::string file;
};

Config read(const Arguments& arguments) {
    std::vector<Setting> settings;
    for (const std::string& text : arguments.settings) settings.push_back(Setting::parse(text));
    return load_config(arguments.config, settings);
}

int run_serve(const Arguments& arguments) {
    const Config config = read(arguments);
    log::start(config.log.format == LogFormat::json);
    struct StopLog {
        ~StopLog() { log::stop(); }
    } stop_log;
    for (const std::string& warning : warnings(config)) {
        log::warning("config.warning", {{"text", warning}});
    }
    return serve(config, [arguments] { return read(arguments); });
}

int run_check(const std::string& file) {
    const Config config = load_config(file, {});
    for (const std::string& warning : warnings(config)) fmt::print("warning: {}\n", warning);
    fmt::print("{}: valid\n", file);
    return 0;
}

int run(int argc, char** argv) {
    CLI::App app("Ahoy: rooms, signaling, STUN and TURN for WebRTC calls in one program", "ahoy");
    app.set_version_flag("--version", "ahoy " AHOY_VERSION);
    app.require_subcommand(1);
    Arguments arguments;
    auto* const serve = app.add_subcommand("serve", "Run the server in the foreground");
    serve->add_option("--config", arguments.config, "Configuration file (TOML)");
    serve->add_option("--set", arguments.settings, "section.key=value, on top of the file")
        ->allow_extra_args(false);
    auto* const check =
        app.add_subcommand("check-config", "Say what is wrong with a configuration");
    check->add_option("file", arguments.file, "Configuration file (TOML)")->required();
    auto* const defaults =
        app.add_subcommand("default-config", "Print every key with its default and meaning");
    ProbeArguments probe_arguments;
    auto* const probe = add_probe_command(app, probe_arguments);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (probe->parsed()) return run_probe(probe_arguments);
    if (check->parsed()) return run_check(arguments.file);
    if (defaults->parsed()) {
        fmt::print("{}", default_config());
        return 0;
    }
    return run_serve(arguments);
}

}  // namespace
}  // namespace ahoy::app

int main(int argc, char** argv) {
    try {
        return ahoy::app::run(argc, argv);
    } catch (const ahoy::app::ConfigError& error) {
        fmt::print(stderr, "ahoy: {}\n", error.what());
        return 2;
    } catch (const ahoy::net::StartError& error) {
        fmt::print(stderr, "ahoy: {}\n", error.what());
        return 2;
    } catch (const std::exception& error) {
        fmt::print(stderr, "ahoy: {}\n", error.what());
        return 1;
    }
}
