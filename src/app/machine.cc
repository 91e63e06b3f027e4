#include "app/machine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "app/log.h"
#include "base/check.h"
#include "net/interfaces.h"
#include "net/start_error.h"

namespace ahoy::app {
namespace {

bool has_ipv6() {
    const int fd = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    const bool usable = ::bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof any) == 0;
    ::close(fd);
    return usable;
}

std::filesystem::path state_directory() {
    for (const auto& [variable, below] : {std::pair{"STATE_DIRECTORY", ""},
                                          {"XDG_STATE_HOME", "ahoy"},
                                          {"HOME", ".local/state/ahoy"}}) {
        if (const char* base = std::getenv(variable); base != nullptr && *base != '\0') {
            return std::filesystem::path(base) / below;
        }
    }
    return "/var/lib/ahoy";
}

using Key = room::ResumeTickets::Key;

std::optional<Key> read_key(const std::filesystem::path& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {};
    Key key;
    const bool whole = ::read(fd, key.data(), key.size()) == std::ssize(key);
    ::close(fd);
    return whole ? std::optional(key) : std::nullopt;
}

// Of several servers that start at once one writes it, whole, and all read it.
void write_key(const std::filesystem::path& file, const Key& key) {
    const std::string part = file.string() + '.' + std::to_string(::getpid());
    const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return;
    const bool whole = ::write(fd, key.data(), key.size()) == std::ssize(key);
    ::close(fd);
    std::error_code ignored;  // what is there afterwards is read again
    if (whole) std::filesystem::create_hard_link(part, file, ignored);
    std::filesystem::remove(part, ignored);
}

// Whether what is sent to `address` comes in on `listener`, by a 1:1 NAT too.
bool reaches(const TransportAddress& listener, const TransportAddress& address,
             const net::RelayAddresses& ours) {
    if (listener.port != address.port) return false;
    if (listener.ip == address.ip) return true;
    if (listener.ip.is_unspecified()) {
        return listener.ip.family() == address.ip.family() &&
               (ours.is_own(address.ip) || address.ip.is_loopback());
    }
    return std::ranges::any_of(ours.all(), [&](const net::RelayAddress& a) {
        return a.told == address.ip && a.bound == listener.ip;
    });
}

}  // namespace

Random system_random() {
    Random::Seed seed;
    CHECK(RAND_bytes(seed.data(), static_cast<int>(seed.size())) == 1);
    return Random(seed);
}

Key kept_key(Random& random) {
    const std::filesystem::path file = state_directory() / "resume.key";
    if (const auto key = read_key(file)) return *key;
    Key key;
    random.fill(key);
    std::error_code ignored;
    std::filesystem::create_directories(file.parent_path(), ignored);
    write_key(file, key);
    if (const auto kept = read_key(file)) return *kept;
    log::warning("rooms.key_not_kept",
                 {{"file", file.string()},
                  {"hint", "nobody can resume a call after a restart; make its folder writable"}});
    return key;
}

std::vector<TransportAddress> usable(std::vector<TransportAddress> listen) {
    static const bool ipv6 = has_ipv6();
    if (!ipv6) {
        std::erase_if(listen, [](const TransportAddress& a) {
            return !a.ip.is_v4() && a.ip.is_unspecified();
        });
    }
    return listen;
}

net::RelayAddresses relay_addresses(const Config& config) {
    const auto interfaces = net::list_interfaces();
    std::vector<IpAddress> own;
    for (const net::Interface& interface : interfaces) {
        if (!interface.ip.is_loopback()) own.push_back(interface.ip);
    }
    auto bound = config.turn.relay_addresses;
    if (bound.empty()) bound = net::default_relay_addresses(interfaces);
    std::vector<net::RelayAddress> addresses;
    for (const IpAddress& ip : bound) {
        net::RelayAddress address{ip, ip};
        for (const ExternalAddress& external : config.turn.external_addresses) {
            const bool any = external.bound.is_unspecified();
            if (any ? external.told.family() == ip.family() : external.bound == ip) {
                address.told = external.told;
            }
        }
        // Of several that clients are told as one, only one can be: the first.
        const bool known = std::any_of(addresses.begin(), addresses.end(),
                                       [&](const auto& a) { return a.told == address.told; });
        if (!known) addresses.push_back(address);
    }
    return {std::move(addresses), std::move(own)};
}

turn::Alternates alternates(const Config& config, const std::vector<TransportAddress>& listening,
                            const net::RelayAddresses& ours) {
    const auto check = [&](std::string_view key, const TransportAddress& address) {
        if (std::ranges::none_of(listening,
                                 [&](const auto& l) { return reaches(l, address, ours); })) {
            return;
        }
        throw net::StartError(
            fmt::format("{}: {} is this server itself; name other ones", key, address.to_string()));
    };
    std::vector<turn::Alternate> plain;
    for (const TransportAddress& address : config.turn.alternates) {
        check("turn.alternates", address);
        plain.push_back({address, {}});
    }
    for (const turn::Alternate& server : config.turn.tls_alternates) {
        check("turn.tls_alternates", server.address);
    }
    return {config.turn.redirect, plain, config.turn.tls_alternates};
}

std::vector<turn::Discovery::Square> discovery(const Config& config) {
    // "Public" alone cannot stand for two addresses.
    const auto told = [&](const IpAddress& ip) {
        const auto found =
            std::ranges::find(config.turn.external_addresses, ip, &ExternalAddress::bound);
        return found == config.turn.external_addresses.end() ? ip : found->told;
    };
    std::vector<turn::Discovery::Square> squares;
    for (const auto family : {AddressFamily::ipv4, AddressFamily::ipv6}) {
        std::vector<TransportAddress> both;
        std::ranges::copy_if(config.turn.discovery, std::back_inserter(both),
                             [&](const auto& a) { return a.ip.family() == family; });
        if (both.empty()) continue;
        auto& square = squares.emplace_back();
        for (size_t ip = 0; ip < 2; ++ip) {
            for (size_t port = 0; port < 2; ++port) {
                square[ip][port] = {.local = {both[ip].ip, both[port].port},
                                    .told = {told(both[ip].ip), both[port].port}};
            }
        }
    }
    return squares;
}

net::TlsContexts tls_contexts(const Config& config) {
    const bool needed = !config.tls.listen.empty() || !config.turn.tls_listen.empty();
    if (!needed && config.tls.certificate.empty()) return {};
    if (!config.tls.certificate.empty()) {
        return net::load_tls(config.tls.certificate, config.tls.key);
    }
    std::array<char, 256> name{};
    (void)::gethostname(name.data(), name.size() - 1);
    const auto files = net::keep_self_signed(state_directory() / "tls", name.data());
    log::warning("tls.self_signed",
                 {{"certificate", files.certificate.string()},
                  {"hint", "browsers warn; set tls.certificate and tls.key to a real one"}});
    return net::load_tls(files.certificate.string(), files.key.string());
}

unsigned allocations_by_descriptors() {
    constexpr unsigned any = std::numeric_limits<unsigned>::max();
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return any;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<unsigned>(std::min<rlim_t>(limit.rlim_cur / 4 * 3, any));
}

}  // namespace ahoy::app
