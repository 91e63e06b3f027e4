// The configuration: every key of `ahoy serve`, its type, default, meaning and limits.
//
// There is one list of keys, in config.cc; reading a file, `--set`, `default-config`, what SIGHUP
// may change and the error messages all follow from it.  A Config that was read is valid: nothing
// downstream checks again.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/crypto.h"
#include "base/time.h"
#include "turn/alternates.h"

namespace ahoy::app {

// What the operator has to mend, in one sentence.
class ConfigError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// "public", or "public/private" for a 1:1 NAT: clients are told `told` for what is bound on
// `bound`.
struct ExternalAddress {
    IpAddress told;
    IpAddress bound;  // unspecified: whatever relay address has the same family

    friend bool operator==(const ExternalAddress&, const ExternalAddress&) = default;
};

// One entry of iceServers that is handed on as it is.
struct IceServer {
    std::vector<std::string> urls;
    std::string username;
    std::string credential;

    friend bool operator==(const IceServer&, const IceServer&) = default;
};

// All are accepted, the first is for new credentials.
struct Secrets {
    std::vector<std::string> all;

    friend bool operator==(const Secrets&, const Secrets&) = default;
};

// Shared with an authorization server (RFC 7635).
struct OauthKey {
    std::string kid;
    std::vector<uint8_t> key;  // 16 or 32 bytes
    WallTime from = WallTime::min();
    WallTime until = WallTime::max();

    friend bool operator==(const OauthKey&, const OauthKey&) = default;
};

enum class RoomAccess { open, token };
enum class FastPath { automatic, on, off };
enum class LogFormat { logfmt, json };

// Characters of a key that somebody else presents or signs with.
inline constexpr size_t min_secret = 32;

struct Config {
    struct {
        unsigned threads = 0;
        Duration drain_timeout{};
        std::string moved_to;
        unsigned max_connections = 10'000;
        unsigned address_connections = 4096;
        std::vector<Prefix> balancers;
    } server;
    struct {
        LogFormat format = LogFormat::logfmt;
    } log;
    struct {
        std::vector<TransportAddress> listen;
        std::string public_url;
        std::vector<Prefix> trusted_proxies;
        std::vector<std::string> origins;
        std::vector<std::string> embed_origins;
    } http;
    struct {
        std::vector<TransportAddress> listen;
        std::string certificate;
        std::string key;
    } tls;
    struct {
        unsigned capacity = 8;
        unsigned max_rooms = 100'000;
        unsigned max_queued_bytes = 256 << 20;
        unsigned joins_per_minute = 600;
        unsigned messages_per_second = 200;
        unsigned bytes_per_second = 1 << 20;
        unsigned room_messages_per_second = 2000;
        unsigned address_messages_per_second = 10'000;
        bool require_join = true;
        bool lobby = false;
        Duration register_timeout = 10s;
        Duration resume_timeout = 30s;
        Duration lifetime = 24h;
        std::string name_secret;
        RoomAccess access = RoomAccess::open;
        struct {
            std::map<std::string, std::string> keys;
            std::string jwks;
        } tokens;
    } rooms;
    struct {
        std::vector<TransportAddress> listen;
    } collider;
    struct {
        std::vector<TransportAddress> listen;
        std::map<std::string, std::string> keys;
    } api;
    struct {
        std::string url;
        std::string secret;
        std::string secret_file;
    } webhooks;
    struct {
        std::vector<IceServer> servers;
        Duration credential_lifetime = 24h;
    } ice;
    struct {
        std::vector<TransportAddress> listen;
        std::vector<TransportAddress> tls_listen;
        std::string public_host;
        std::vector<IpAddress> relay_addresses;
        std::vector<ExternalAddress> external_addresses;
        PortRange ports;
        std::string realm = "ahoy";
        Secrets secret;
        std::string secret_file;
        std::map<std::string, std::string> users;
        std::map<std::string, Md5> user_keys;
        std::string database;
        unsigned max_users = 1'000'000;
        bool end_revoked = false;
        unsigned max_allocations = 100'000;
        Duration max_lifetime = 1h;
        Duration permission_lifetime = 5min;
        Duration channel_lifetime = 10min;
        unsigned user_quota = 256;
        unsigned address_quota = 4096;
        unsigned max_permissions = 0;
        unsigned user_permissions = 0;
        unsigned address_permissions = 0;
        unsigned max_channels = 0;
        unsigned user_channels = 0;
        unsigned address_channels = 0;
        unsigned max_peer_connections = 0;
        unsigned user_peer_connections = 0;
        unsigned address_peer_connections = 0;
        unsigned allocation_bandwidth = 0;
        unsigned user_bandwidth = 0;
        unsigned address_bandwidth = 0;
        unsigned total_bandwidth = 0;
        unsigned stun_rate = 10'000;
        std::vector<TransportAddress> alternates;
        std::vector<turn::Alternate> tls_alternates;
        turn::Redirect redirect = turn::Redirect::full;
        bool authenticate_binding = false;
        bool stun_only = false;
        std::vector<TransportAddress> discovery;
        bool classic_stun = false;
        bool legacy_channels = true;
        bool tcp_relay = false;
        bool mobility = false;
        FastPath fastpath = FastPath::automatic;
        struct {
            std::vector<Prefix> allow;
            std::vector<Prefix> deny;
        } peers;
        struct {
            std::string server_name;
            std::vector<OauthKey> keys;
        } oauth;
    } turn;

    Config();
};

// One `--set section.key=value`.  The value is TOML; a bare word is taken as a string.
struct Setting {
    std::string key;
    std::string value;
    static Setting parse(std::string_view text);  // throws ConfigError
};

// Reads `file` ("" = none) and then the settings on top.  Throws ConfigError, which names the file,
// the line, the key, what was found and what would be right.
Config load_config(const std::string& file, const std::vector<Setting>& settings);

// What becomes of a running server that reads its configuration again.
struct Reloaded {
    Config config;                     // the running one, with what may change meanwhile
    std::vector<std::string> applied;  // the keys that have
    std::vector<std::string> waiting;  // those that are new, too, and take a restart
};

// Throws ConfigError when that would be no valid configuration, although both are.
Reloaded reload_config(const Config& running, const Config& wanted);

// Every key with its default and one line of meaning, as a TOML file.
std::string default_config();

// What is valid but probably not meant; one sentence each, for the log and `check-config`.
std::vector<std::string> warnings(const Config&);

}  // namespace ahoy::app
