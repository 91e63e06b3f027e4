// The configuration file, with `--set` in lines that begin with "--set ": it is read or refused
// with a sentence, and what is read keeps its promises.
#include "app/config.h"

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/input.h"

namespace ahoy::fuzz {
namespace {

// A file in memory, since configurations are read from files.
class File {
  public:
    File() : descriptor_(memfd_create("config", 0)) { CHECK(descriptor_ >= 0); }
    ~File() { close(descriptor_); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }
    void write(const std::string& text) {
        CHECK(pwrite(descriptor_, text.data(), text.size(), 0) ==
              static_cast<ssize_t>(text.size()));
    }

  private:
    int descriptor_;
};

void check(const app::Config& config) {
    CHECK(config.rooms.capacity >= 2 && config.rooms.capacity <= 64);
    CHECK(config.server.threads <= 1024);
    CHECK(config.server.drain_timeout >= 0s && config.rooms.lifetime >= 1min);
    CHECK(config.turn.ports.low >= 1024 && config.turn.ports.low <= config.turn.ports.high);
    CHECK(!config.turn.realm.empty() && config.turn.realm.size() < 128);
    CHECK(config.turn.secret.all.empty() || config.turn.secret_file.empty());
    for (const auto& external : config.turn.external_addresses) {
        CHECK(!external.told.is_unspecified());
        CHECK(external.bound == IpAddress{} || external.bound.family() == external.told.family());
    }
    for (const auto& server : config.ice.servers) CHECK(!server.urls.empty());
    for (const auto& [name, password] : config.turn.users)
        CHECK(!name.empty() && !password.empty());
    for (const std::string& warning : app::warnings(config)) CHECK(!warning.empty());
}

}  // namespace

void run(Input input) {
    constexpr std::string_view set = "--set ";
    std::string text;
    std::vector<std::string_view> wanted;
    while (!input.empty()) {
        const std::string_view line = input.line();
        if (line.starts_with(set)) {
            if (line.find('\0') != line.npos) continue;  // no argument has one
            wanted.push_back(line.substr(set.size()));
        } else {
            text.append(line).append("\n");
        }
    }
    File file;
    file.write(text);
    try {
        std::vector<app::Setting> settings;
        for (const auto& setting : wanted) settings.push_back(app::Setting::parse(setting));
        check(app::load_config(file.path(), settings));
    } catch (const app::ConfigError& error) {
        CHECK(std::string_view(error.what()).size() > 10);
    }
}

}  // namespace ahoy::fuzz
