// The command line.  Exit status: 0 clean stop, 1 failure at run time, 2 bad arguments,
// configuration or environment, with one sentence on stderr that says what to do.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <functional>

#include "app/config.h"
#include "app/coturn_import.h"
#include "app/log.h"
#include "app/probe_command.h"
#include "app/serve.h"
#include "app/token_commands.h"
#include "app/user_commands.h"
#include "net/start_error.h"

namespace ahoy::app {
namespace {

struct Arguments {
    std::string config;
    std::vector<std::string> settings;
    std::string file;
    UserFile users;
    TokenWishes token;
    std::string name;
    bool show = false;
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

int run_import(const std::string& file) {
    const CoturnImport imported = import_coturn(file);
    fmt::print("{}", imported.toml);
    for (const std::string& remark : imported.remarks) fmt::print(stderr, "{}\n", remark);
    return imported.changes_behaviour ? 1 : 0;
}

using Action = std::function<int()>;

CLI::App* add_action(CLI::App& app, const std::string& name, const std::string& meaning,
                     Action& chosen, Action action) {
    auto* const command = app.add_subcommand(name, meaning);
    command->final_callback([&chosen, action] { chosen = action; });
    return command;
}

CLI::App& add_group(CLI::App& app, const std::string& name, const std::string& meaning,
                    UserFile& file) {
    auto* const group = app.add_subcommand(name, meaning);
    group->require_subcommand(1);
    group->fallthrough();
    group->add_option("--database", file.database, "The file of users (turn.database)");
    group->add_option("--config", file.config, "A configuration that names it");
    group->add_option("--realm", file.realm, "Instead of the configuration's");
    return *group;
}

void add_user_commands(CLI::App& app, Arguments& a, Action& chosen) {
    auto& user = add_group(app, "user", "Users in a database that coturn understands", a.users);
    const auto with_name = [&](CLI::App* command) {
        command->fallthrough();
        command->add_option("name", a.name)->required();
    };
    with_name(add_action(user, "add", "Add one, or change the password; it is read from stdin",
                         chosen, [&] { return add_user(a.users, a.name); }));
    with_name(add_action(user, "remove", "Remove one", chosen,
                         [&] { return remove_user(a.users, a.name); }));
    add_action(user, "list", "Say who there is", chosen, [&] {
        return list_users(a.users);
    })->fallthrough();

    auto& secret = add_group(app, "secret", "Secrets of TURN REST credentials", a.users);
    add_action(secret, "add", "Add one; it is read from stdin", chosen, [&] {
        return add_secret(a.users);
    })->fallthrough();
    add_action(secret, "make", "Make one, add and print it", chosen, [&] {
        return make_secret(a.users);
    })->fallthrough();
    auto* const remove = add_action(secret, "remove", "Remove one, by its id in the list", chosen,
                                    [&] { return remove_secret(a.users, a.name); });
    remove->fallthrough();
    remove->add_option("id", a.name)->required();
    auto* const list = add_action(secret, "list", "Their ids, the newest first", chosen,
                                  [&] { return list_secrets(a.users, a.show); });
    list->fallthrough();
    list->add_flag("--show", a.show, "And the secrets themselves");
}

void add_token_commands(CLI::App& app, Arguments& a, Action& chosen) {
    auto* const group = app.add_subcommand("token", "Tokens for rooms (rooms.access = \"token\")");
    group->require_subcommand(1);
    auto* const make = add_action(*group, "make", "Make one and print it", chosen,
                                  [&] { return make_token(a.token); });
    make->add_option("--config", a.token.config, "The configuration that has the key")->required();
    make->add_option("--room", a.token.room, "Its name, \"team-*\" or \"*\"")->required();
    make->add_option("--name", a.token.name, "What others are shown");
    make->add_option("--role", a.token.role, "host or guest");
    make->add_option("--sub", a.token.subject, "Whom you mean; nobody in the room is told");
    make->add_option("--for", a.token.lifetime, "How long it may be used to enter (1h)");
    make->add_option("--key", a.token.kid, "Which one, where there are several");
}

int run(int argc, char** argv) {
    CLI::App app("Ahoy: rooms, signaling, STUN and TURN for WebRTC calls in one program", "ahoy");
    app.set_version_flag("--version", "ahoy " AHOY_VERSION);
    app.require_subcommand(1);
    Arguments arguments;
    Action action;
    auto* const serve = add_action(app, "serve", "Run the server in the foreground", action,
                                   [&] { return run_serve(arguments); });
    serve->add_option("--config", arguments.config, "Configuration file (TOML)");
    serve->add_option("--set", arguments.settings, "section.key=value, on top of the file")
        ->allow_extra_args(false);
    auto* const check = add_action(app, "check-config", "Say what is wrong with a configuration",
                                   action, [&] { return run_check(arguments.file); });
    check->add_option("file", arguments.file, "Configuration file (TOML)")->required();
    add_action(app, "default-config", "Print every key with its default and meaning", action, [] {
        fmt::print("{}", default_config());
        return 0;
    });
    add_user_commands(app, arguments, action);
    add_token_commands(app, arguments, action);
    add_action(app, "import", "Make a configuration of coturn's turnserver.conf", action,
               [&] { return run_import(arguments.file); })
        ->add_option("file", arguments.file, "turnserver.conf")
        ->required();
    ProbeArguments probe_arguments;
    add_probe_command(app, probe_arguments)->final_callback([&] {
        action = [&] { return run_probe(probe_arguments); };
    });
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return action();
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
