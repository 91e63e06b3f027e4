#include "app/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <numeric>

#include "app/config_values.h"
#include "stun/opaque_string.h"
#include "turn/credentials.h"

namespace ahoy::app {
namespace {

// ---- the one list of keys

// How a changed value comes into use: by SIGHUP, or by a restart alone.
enum class Change { reload, restart };

struct Key {
    std::string_view section;
    std::string_view name;
    Change change;
    std::string_view initial;  // as TOML; what Config() holds too
    std::string_view meaning;
    std::function<Wrong(const toml::node&, Config&)> read;
    std::function<bool(const Config&, const Config&)> same;
    std::function<void(const Config& from, Config& to)> copy;
    bool textual;  // a bare word given to --set is meant as a string

    std::string path() const { return fmt::format("{}.{}", section, name); }
};

template <class Member>
Key key(std::string_view section, std::string_view name, Change change, std::string_view initial,
        std::string_view meaning, Member member) {
    using Value = std::remove_reference_t<decltype(member(std::declval<Config&>()))>;
    return {section,
            name,
            change,
            initial,
            meaning,
            [member](const toml::node& node, Config& config) { return read(node, member(config)); },
            [member](const Config& a, const Config& b) { return member(a) == member(b); },
            [member](const Config& from, Config& to) { member(to) = member(from); },
            std::is_same_v<Value, std::string> || std::is_same_v<Value, Duration> ||
                std::is_same_v<Value, Secrets> || std::is_enum_v<Value>};
}

#define AHOY_KEY(section, name, change, initial, meaning)  \
    key(                                                   \
        #section, #name, Change::change, initial, meaning, \
        [](auto& config) -> auto& { return config.section.name; })

const std::vector<Key>& keys() {
    static const std::vector<Key> all{
        AHOY_KEY(server, threads, restart, "0", "shards; 0 = one per core this process may use"),
        AHOY_KEY(server, drain_timeout, reload, "\"0s\"",
                 "SIGTERM waits this long for calls to end"),
        AHOY_KEY(
            server, moved_to, reload, "\"\"",
            "e.g. \"wss://other.example.org/v1/ws\": where participants are sent when it stops"),
        AHOY_KEY(server, max_connections, reload, "10000",
                 "TCP connections open at once on each shard; more are closed at once"),
        AHOY_KEY(server, address_connections, reload, "4096",
                 "the same of one client address (of an IPv6 one, its /64); 0 = any number"),
        AHOY_KEY(server, balancers, restart, "[]",
                 "CIDRs of load balancers that begin each TCP connection with a PROXY header"),
        AHOY_KEY(log, format, restart, "\"logfmt\"", "\"logfmt\" or \"json\", on stderr"),
        AHOY_KEY(http, listen, restart, R"(["0.0.0.0:8080", "[::]:8080"])",
                 "call page, rooms, signaling"),
        AHOY_KEY(http, public_url, restart, "\"\"",
                 "\"\" = derived from Host (and X-Forwarded-* from trusted_proxies)"),
        AHOY_KEY(http, trusted_proxies, restart, "[]",
                 "CIDRs, e.g. [\"127.0.0.1/32\"]: only these may set X-Forwarded-*"),
        AHOY_KEY(http, origins, restart, "[]",
                 "of web pages that may use the rooms too, e.g. [\"https://call.example.org\"]; "
                 "[] = any"),
        AHOY_KEY(http, embed_origins, restart, "[]",
                 "of web pages that may show calls in a frame (/embed/), e.g. "
                 "[\"https://shop.example.org\"]; [] = none"),
        AHOY_KEY(tls, listen, restart, "[]",
                 "e.g. [\"0.0.0.0:8443\"]: HTTPS, WSS and TURN over TLS share it"),
        AHOY_KEY(tls, certificate, reload, "\"\"",
                 "PEM chain; if a port needs one and there is none, a self-signed one is made and "
                 "kept"),
        AHOY_KEY(tls, key, reload, "\"\"", "PEM private key of the certificate"),
        AHOY_KEY(rooms, capacity, restart, "8",
                 "people in one room of our own protocol; AppRTC's rooms hold 2"),
        AHOY_KEY(rooms, max_rooms, restart, "100000",
                 "rooms at once; then one in which nobody has a WebSocket gives way"),
        AHOY_KEY(rooms, max_queued_bytes, restart, "268435456",
                 "memory for messages that wait for somebody to hear them; more are refused"),
        AHOY_KEY(
            rooms, joins_per_minute, restart, "600",
            "of one client address (of IPv6, its /56); more are refused (429); 0 = any number"),
        AHOY_KEY(rooms, messages_per_second, restart, "200",
                 "over one WebSocket, ten seconds' worth at once; more closes it; 0 = any number"),
        AHOY_KEY(rooms, bytes_per_second, restart, "1048576", "the same of their bytes"),
        AHOY_KEY(
            rooms, room_messages_per_second, restart, "2000",
            "of all in one room, ten seconds' worth at once; more are refused; 0 = any number"),
        AHOY_KEY(rooms, address_messages_per_second, restart, "10000",
                 "of one client address (of IPv6, its /56) on each shard; more are refused"),
        AHOY_KEY(rooms, require_join, restart, "true",
                 "WebSocket register/POST/DELETE only with a client id issued by /join"),
        AHOY_KEY(rooms, register_timeout, restart, "\"10s\"",
                 "grace for a WebSocket that is lost or has not registered yet"),
        AHOY_KEY(rooms, resume_timeout, restart, "\"30s\"",
                 "the same in our own protocol: how long a participant may be without a socket"),
        AHOY_KEY(rooms, lobby, restart, "false",
                 "whoever enters a room must be let in by its host; hosts can change it"),
        AHOY_KEY(rooms, lifetime, restart, "\"24h\"", "an idle room is forgotten after this"),
        AHOY_KEY(rooms, name_secret, restart, "\"\"",
                 "32 characters or more: rooms have names that this server makes, and that nobody "
                 "can guess; \"\" = any name"),
        AHOY_KEY(rooms, access, reload, "\"open\"",
                 "\"open\" to anybody, or to who has a \"token\" that is signed with a key below"),
        AHOY_KEY(rooms.tokens, keys, reload, "{}",
                 "{ main = \"secret\" }: HS256 secrets of 32 bytes or more, by their kid"),
        AHOY_KEY(rooms.tokens, jwks, reload, "\"\"",
                 "file with a JWK Set: more keys, for EdDSA (Ed25519) or HS256"),
        AHOY_KEY(collider, listen, restart, "[]",
                 "e.g. [\"0.0.0.0:8089\"]: Collider's own paths at the root of its own port"),
        AHOY_KEY(api, listen, restart, "[]",
                 "e.g. [\"127.0.0.1:8090\"]: the HTTP API, on a port of its own"),
        AHOY_KEY(api, keys, reload, "{}",
                 "{ shop = \"32 characters or more\" }: who may use it; the names are for the log"),
        AHOY_KEY(webhooks, url, restart, "\"\"",
                 "e.g. \"https://shop.example.org/ahoy\": is told of rooms and clients"),
        AHOY_KEY(webhooks, secret, restart, "\"\"", "signs what it is told (or secret_file)"),
        AHOY_KEY(webhooks, secret_file, restart, "\"\"", "its first line is the secret"),
        AHOY_KEY(
            ice, servers, restart, "[]",
            "extra iceServers for clients, e.g. [{ urls = [\"stun:stun.example.org:3478\"] }]"),
        AHOY_KEY(ice, credential_lifetime, restart, "\"24h\"",
                 "of the TURN credentials handed to clients"),
        AHOY_KEY(turn, listen, restart, R"(["0.0.0.0:3478", "[::]:3478"])",
                 "STUN and TURN over UDP and TCP"),
        AHOY_KEY(turn, tls_listen, restart, "[]",
                 "e.g. [\"0.0.0.0:5349\"]: TURN over TLS and DTLS"),
        AHOY_KEY(turn, public_host, restart, "\"\"",
                 "what clients are told to connect to; \"\" = the host they reached the page on"),
        AHOY_KEY(turn, relay_addresses, restart, "[]", "[] = the addresses of the interfaces"),
        AHOY_KEY(turn, external_addresses, restart, "[]",
                 "\"public\" or \"public/private\": what clients are told behind a 1:1 NAT"),
        AHOY_KEY(turn, ports, restart, "[49152, 65535]", "relayed ports, both ends included"),
        AHOY_KEY(turn, realm, restart, "\"ahoy\"", "of the long-term credentials"),
        AHOY_KEY(turn, secret, reload, "\"\"",
                 "TURN REST secret, or [\"new\", \"old\"]; \"\" = made at start (or secret_file)"),
        AHOY_KEY(turn, secret_file, reload, "\"\"",
                 "a secret a line: all are accepted, the first is for new credentials"),
        AHOY_KEY(turn, users, reload, "{}", "{ alice = \"password\" }: long-term credentials"),
        AHOY_KEY(turn, user_keys, reload, "{}",
                 "{ bob = \"32 hex digits\" }: MD5 of name:realm:password; no SHA-256 with these"),
        AHOY_KEY(
            turn, database, reload, "\"\"",
            "SQLite file of users, secrets and peers, as coturn's turndb; read again on change"),
        AHOY_KEY(turn, max_users, reload, "1000000",
                 "of the database; a file with more is refused"),
        AHOY_KEY(turn, end_revoked, reload, "false",
                 "end the allocations of users and secrets that are gone, on reload"),
        AHOY_KEY(turn, max_allocations, reload, "100000",
                 "allocations at once; more are refused (508); 0 = as many as the machine bears"),
        AHOY_KEY(turn, max_lifetime, restart, "\"1h\"",
                 "that an allocation is granted at once; who asks for less gets ten minutes"),
        AHOY_KEY(turn, permission_lifetime, restart, "\"5m\"",
                 "of a permission, unless it is refreshed"),
        AHOY_KEY(turn, channel_lifetime, restart, "\"10m\"",
                 "of a bound channel, unless it is refreshed"),
        AHOY_KEY(turn, user_quota, reload, "256",
                 "allocations at once of one user; more are refused (486); 0 = any number"),
        AHOY_KEY(turn, address_quota, reload, "4096",
                 "the same of one client address (of an IPv6 one, its /64)"),
        AHOY_KEY(turn, max_permissions, reload, "0",
                 "permissions at once, of all allocations; more are refused (508); 0 = any number"),
        AHOY_KEY(turn, user_permissions, reload, "0", "those of one user"),
        AHOY_KEY(turn, address_permissions, reload, "0", "those of one client address"),
        AHOY_KEY(turn, max_channels, reload, "0", "the same of bound channels"),
        AHOY_KEY(turn, user_channels, reload, "0", "those of one user"),
        AHOY_KEY(turn, address_channels, reload, "0", "those of one client address"),
        AHOY_KEY(turn, max_peer_connections, reload, "0",
                 "the same of TCP connections between allocations and peers"),
        AHOY_KEY(turn, user_peer_connections, reload, "0", "those of one user"),
        AHOY_KEY(turn, address_peer_connections, reload, "0", "those of one client address"),
        AHOY_KEY(turn, allocation_bandwidth, reload, "0",
                 "bytes a second of one allocation, each way; more are dropped; 0 = any number"),
        AHOY_KEY(turn, user_bandwidth, reload, "0",
                 "the same of all allocations of one user together"),
        AHOY_KEY(turn, address_bandwidth, reload, "0", "the same of all of one client address"),
        AHOY_KEY(turn, total_bandwidth, reload, "0",
                 "the same of all together; each shard has an equal share of it"),
        AHOY_KEY(turn, stun_rate, reload, "10000",
                 "answers a second over UDP to strangers in one /24 (IPv6: /48); 0 = any number"),
        AHOY_KEY(turn, discovery, restart, "[]",
                 "NAT behaviour discovery (RFC 5780): two IPs and two ports, e.g. "
                 "[\"192.0.2.1:3478\", \"192.0.2.2:3479\"]; all four combinations are listened on"),
        AHOY_KEY(turn, classic_stun, restart, "false",
                 "also Binding requests of RFC 3489, over UDP and IPv4"),
        AHOY_KEY(turn, alternates, reload, "[]",
                 "e.g. [\"198.51.100.7:3478\"]: other servers, to which clients are sent (300)"),
        AHOY_KEY(turn, tls_alternates, reload, "[]",
                 "the same for TLS and DTLS; \"198.51.100.7:5349/turn2.example.org\" if its "
                 "certificate has another name"),
        AHOY_KEY(turn, redirect, reload, "\"full\"",
                 "who is sent there: whoever finds this one \"full\" or draining, or \"always\""),
        AHOY_KEY(turn, stun_only, restart, "false", "whoever asks to relay is refused (508)"),
        AHOY_KEY(
            turn, authenticate_binding, restart, "false",
            "Binding requests need a credential too, which browsers do not have for stun: URLs"),
        AHOY_KEY(turn, legacy_channels, restart, "true",
                 "also channel numbers 0x5000 to 0x7FFE, which RFC 5766 had and RFC 8656 reserves"),
        AHOY_KEY(turn, tcp_relay, restart, "false", "TCP allocations (RFC 6062)"),
        AHOY_KEY(turn, mobility, restart, "false",
                 "allocations outlive a change of the client's address (RFC 8016)"),
        AHOY_KEY(turn, fastpath, restart, "\"auto\"",
                 "relay bound channels in the kernel: \"auto\" if it can be, \"on\" or do not "
                 "start, \"off\""),
        AHOY_KEY(turn.peers, allow, reload, "[]",
                 "CIDRs that may be relayed to although they are special or private"),
        AHOY_KEY(turn.peers, deny, reload, "[]",
                 "CIDRs that may not; of both lists the longest match decides"),
        AHOY_KEY(turn.oauth, server_name, reload, "\"\"",
                 "what access tokens are sealed for (RFC 7635); \"\" = none are taken"),
        AHOY_KEY(
            turn.oauth, keys, reload, "[]",
            "of authorization servers: [{ kid = \"north\", key = \"base64 of 16 or 32 bytes\" }], "
            "with from and until if they end"),
    };
    return all;
}

#undef AHOY_KEY

// ---- messages

size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 0; i < a.size(); ++i) {
        size_t diagonal = std::exchange(row[0], i + 1);
        for (size_t j = 0; j < b.size(); ++j) {
            const size_t replaced = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

std::string nearest_key(const std::string& path) {
    // Far more than any key has; the rest of a longer one would only cost time.
    const std::string_view begin = std::string_view(path).substr(0, 64);
    const auto distance = [&](const Key& k) { return edit_distance(begin, k.path()); };
    const auto& all = keys();
    const auto best = std::min_element(all.begin(), all.end(), [&](const Key& a, const Key& b) {
        return distance(a) < distance(b);
    });
    // Somebody who wrote the right name under the wrong section wants to know the section.
    const std::string_view last = std::string_view(path).substr(path.rfind('.') + 1);
    const auto same_name =
        std::find_if(all.begin(), all.end(), [&](const Key& k) { return k.name == last; });
    if (same_name != all.end() && distance(*best) > 2) return same_name->path();
    return best->path();
}

[[noreturn]] void refuse(const std::string& where, const std::string& path,
                         const std::string& problem) {
    throw ConfigError(fmt::format("{}: {}: {}", where, path, problem));
}

void apply(const Key& key, const toml::node& node, const std::string& where, Config& config) {
    if (const auto wrong = key.read(node, config)) {
        const bool detailed = wrong->starts_with("element");
        refuse(where, key.path(),
               detailed ? *wrong : fmt::format("found {}, {}", found(node), *wrong));
    }
}

void apply_table(const toml::table& table, const std::string& section, const std::string& file,
                 Config& config) {
    for (const auto& [name, node] : table) {
        const std::string path =
            section.empty() ? std::string(name.str()) : fmt::format("{}.{}", section, name.str());
        const std::string where = fmt::format("{}:{}", file, name.source().begin.line);
        const auto& all = keys();
        const auto match =
            std::find_if(all.begin(), all.end(), [&](const Key& k) { return k.path() == path; });
        if (match != all.end()) {
            apply(*match, node, where, config);
            continue;
        }
        const bool is_section = std::any_of(all.begin(), all.end(), [&](const Key& k) {
            return k.section == path || k.section.starts_with(path + '.');
        });
        if (is_section && node.is_table()) {
            apply_table(*node.as_table(), path, file, config);
        } else if (is_section) {
            refuse(where, path,
                   fmt::format("found {}, expected the section [{}]", found(node), path));
        } else {
            // A mistyped section is best explained by its first key.
            const auto* inner = node.as_table();
            const std::string full = inner != nullptr && !inner->empty()
                                         ? fmt::format("{}.{}", path, inner->begin()->first.str())
                                         : path;
            refuse(where, path,
                   fmt::format("unknown key; the nearest known one is {}", nearest_key(full)));
        }
    }
}

// Up to its end, or not at all: half of a configuration, or what a folder yields, is none.
std::string read_file(const std::string& file) {
    std::ifstream stream(file);
    std::string text;
    std::array<char, 4096> part;
    while (stream.read(part.data(), part.size()) || stream.gcount() > 0) {
        text.append(part.data(), static_cast<size_t>(stream.gcount()));
    }
    if (stream.eof()) return text;
    throw ConfigError(fmt::format("{}: cannot be read: {}", file, std::strerror(errno)));
}

void apply_file(const std::string& file, Config& config) {
    const std::string text = read_file(file);
    try {
        apply_table(toml::parse(text, file), "", file, config);
    } catch (const toml::parse_error& error) {
        throw ConfigError(
            fmt::format("{}:{}: {}", file, error.source().begin.line, error.description()));
    }
}

void apply_setting(const Setting& setting, Config& config) {
    const auto& all = keys();
    const auto match =
        std::find_if(all.begin(), all.end(), [&](const Key& k) { return k.path() == setting.key; });
    if (match == all.end()) {
        refuse("--set", setting.key,
               fmt::format("unknown key; the nearest known one is {}", nearest_key(setting.key)));
    }
    const auto value = [&]() -> toml::table {
        try {
            toml::table parsed = toml::parse("value = " + setting.value);
            const auto parsed_value = parsed["value"];
            if (!match->textual || parsed_value.is_string() || parsed_value.is_array()) {
                return parsed;
            }
        } catch (const toml::parse_error&) {
            if (!match->textual) {
                const toml::value<std::string> as_text(setting.value);
                apply(*match, as_text, "--set", config);  // says what would be right
            }
        }
        return toml::table{{"value", setting.value}};
    }();
    apply(*match, *value.get("value"), "--set", config);
}

// Of each family none or two, with two IPs and two ports.
bool is_discovery(const std::vector<TransportAddress>& addresses) {
    for (const auto family : {AddressFamily::ipv4, AddressFamily::ipv6}) {
        std::vector<TransportAddress> both;
        std::ranges::copy_if(addresses, std::back_inserter(both),
                             [&](const auto& a) { return a.ip.family() == family; });
        if (both.empty()) continue;
        if (both.size() != 2 || both[0].ip == both[1].ip || both[0].port == both[1].port) {
            return false;
        }
        for (const TransportAddress& address : both) {
            if (address.port == 0 || address.ip.is_unspecified()) return false;
        }
    }
    return true;
}

// As browsers write one (RFC 6454, section 6.2), or it would never match.  It goes into a header
// field, so nothing else may be in it.
bool is_origin(std::string_view origin) {
    const bool secure = origin.starts_with("https://");
    if (!secure && !origin.starts_with("http://")) return false;
    const std::string_view host = origin.substr(secure ? 8 : 7);
    return !host.empty() && !host.ends_with(secure ? ":443" : ":80") &&
           host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._:[]") == host.npos;
}

constexpr size_t min_token_secret = 32;  // HS256's (RFC 7518, section 3.2)

bool has_token_keys(const Config& config) {
    return !config.rooms.tokens.keys.empty() || !config.rooms.tokens.jwks.empty();
}

constexpr std::string_view bearer_characters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=";

// What only several keys together can get wrong, or a value that its type allows.
void check_together(const Config& config) {
    const auto need = [](bool right, std::string_view key, std::string_view problem) {
        if (!right) throw ConfigError(fmt::format("{}: {}", key, problem));
    };
    need(config.server.threads <= 1024, "server.threads", "more than 1024 makes no sense");
    need(config.rooms.capacity >= 2 && config.rooms.capacity <= 64, "rooms.capacity",
         fmt::format("found {}, expected 2 to 64", config.rooms.capacity));
    need(config.server.moved_to.empty() || config.server.moved_to.starts_with("wss://") ||
             config.server.moved_to.starts_with("ws://"),
         "server.moved_to", "expected the URL of a WebSocket, e.g. \"wss://example.org/v1/ws\"");
    need(config.rooms.register_timeout >= 1s, "rooms.register_timeout", "expected at least \"1s\"");
    need(config.rooms.lifetime >= 1min, "rooms.lifetime", "expected at least \"1m\"");
    const size_t name_secret = config.rooms.name_secret.size();
    need(name_secret == 0 || name_secret >= min_secret, "rooms.name_secret",
         fmt::format("found {} characters, expected at least {}; `openssl rand -hex 32` makes a "
                     "good one",
                     name_secret, min_secret));
    for (const auto& [kid, secret] : config.rooms.tokens.keys) {
        need(
            secret.size() >= min_token_secret, "rooms.tokens.keys",
            fmt::format("the secret of \"{}\" has {} bytes, expected at least {}: whoever sees one "
                        "token could guess it; `openssl rand -hex 32` makes a good one",
                        kid, secret.size(), min_token_secret));
    }
    if (config.rooms.access == RoomAccess::token) {
        need(has_token_keys(config), "rooms.access",
             "\"token\" needs keys in rooms.tokens.keys or rooms.tokens.jwks");
        need(config.rooms.require_join, "rooms.access",
             "\"token\" needs rooms.require_join = true: tokens are asked for by /join");
    }
    need(config.ice.credential_lifetime >= 1min, "ice.credential_lifetime",
         "expected at least \"1m\"");
    const auto need_second = [&](Duration lifetime, std::string_view key) {
        need(lifetime >= 1s, key, "expected at least \"1s\"");
    };
    need_second(config.turn.max_lifetime, "turn.max_lifetime");
    need_second(config.turn.permission_lifetime, "turn.permission_lifetime");
    need_second(config.turn.channel_lifetime, "turn.channel_lifetime");
    const auto realm = stun::opaque_string(config.turn.realm);
    need(realm && realm->size() < 128, "turn.realm",
         "expected 1 to 127 characters (RFC 8489, section 14.9), none of them a control character");
    need(config.turn.oauth.server_name.size() <= 255, "turn.oauth.server_name",
         "expected at most 255 characters");
    need(!config.turn.oauth.server_name.empty() || config.turn.oauth.keys.empty(),
         "turn.oauth.keys", "set turn.oauth.server_name too: without, no tokens are taken");
    need(config.tls.certificate.empty() == config.tls.key.empty(), "tls.certificate, tls.key",
         "set both or neither");
    need(config.turn.secret.all.empty() || config.turn.secret_file.empty(),
         "turn.secret, turn.secret_file", "set one of them");
    need(config.turn.secret.all.size() <= turn::Credentials::max_secrets, "turn.secret",
         fmt::format("has {} secrets, expected at most {}", config.turn.secret.all.size(),
                     turn::Credentials::max_secrets));
    const auto is_web = [](const std::string& url) {
        return url.empty() || url.starts_with("http://") || url.starts_with("https://");
    };
    const auto& url = config.http.public_url;
    need(is_web(url), "http.public_url",
         fmt::format("found \"{}\", expected a URL such as \"https://call.example.org\"", url));
    const auto need_origins = [&](const std::vector<std::string>& origins, std::string_view key) {
        for (const std::string& origin : origins) {
            need(is_origin(origin), key,
                 fmt::format("found \"{}\", expected an origin as browsers write it, such as "
                             "\"https://call.example.org\"",
                             origin));
        }
    };
    need_origins(config.http.origins, "http.origins");
    need_origins(config.http.embed_origins, "http.embed_origins");
    need(is_discovery(config.turn.discovery), "turn.discovery",
         "expected two IP addresses with two ports, such as [\"192.0.2.1:3478\", "
         "\"192.0.2.2:3479\"], of IPv4, of IPv6 or of both");
    need(!config.turn.classic_stun || !config.turn.authenticate_binding,
         "turn.classic_stun, turn.authenticate_binding",
         "set one of them: RFC 3489 knows no credentials like ours");
    need(config.api.listen.empty() || !config.api.keys.empty(), "api.keys",
         "there are none for api.listen; `openssl rand -hex 32` makes a good one");
    for (const auto& [name, key] : config.api.keys) {
        need(key.size() >= min_secret, "api.keys",
             fmt::format("that of \"{}\" has {} characters, expected at least {}; "
                         "`openssl rand -hex 32` makes a good one",
                         name, key.size(), min_secret));
        need(key.find_first_not_of(bearer_characters) == key.npos, "api.keys",
             fmt::format("that of \"{}\" has other characters than letters, digits and -._~+/= "
                         "(RFC 6750, section 2.1)",
                         name));
    }
    need(is_web(config.webhooks.url), "webhooks.url",
         fmt::format("found \"{}\", expected a URL such as \"https://shop.example.org/ahoy\"",
                     config.webhooks.url));
    need(config.webhooks.secret.empty() || config.webhooks.secret_file.empty(),
         "webhooks.secret, webhooks.secret_file", "set one of them");
    need(config.webhooks.url.empty() || !config.webhooks.secret_file.empty() ||
             config.webhooks.secret.size() >= min_secret,
         "webhooks.secret",
         fmt::format("found {} characters, expected at least {}; `openssl rand -hex 32` makes a "
                     "good one",
                     config.webhooks.secret.size(), min_secret));
}

}  // namespace

Config::Config() {
    for (const Key& key : keys()) {
        const toml::table parsed = toml::parse(fmt::format("value = {}", key.initial));
        apply(key, *parsed.get("value"), "default", *this);
    }
}

Setting Setting::parse(std::string_view text) {
    const size_t equals = text.find('=');
    if (equals == text.npos || equals == 0) {
        throw ConfigError(
            fmt::format("--set {}: expected section.key=value, e.g. turn.realm=example.org", text));
    }
    return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

Config load_config(const std::string& file, const std::vector<Setting>& settings) {
    Config config;
    if (!file.empty()) apply_file(file, config);
    for (const Setting& setting : settings) apply_setting(setting, config);
    try {
        check_together(config);
    } catch (const ConfigError& error) {
        throw ConfigError(
            fmt::format("{}: {}", file.empty() ? "configuration" : file, error.what()));
    }
    return config;
}

Reloaded reload_config(const Config& running, const Config& wanted) {
    Reloaded result{.config = running};
    for (const Key& key : keys()) {
        if (key.same(running, wanted)) continue;
        if (key.change == Change::restart) {
            result.waiting.push_back(key.path());
        } else {
            key.copy(wanted, result.config);
            result.applied.push_back(key.path());
        }
    }
    try {
        check_together(result.config);
    } catch (const ConfigError& error) {
        // Both are valid, so it is what waits that does not go with what does not.
        throw ConfigError(fmt::format("{}; it takes a restart, as do the changes of {}",
                                      error.what(), fmt::join(result.waiting, ", ")));
    }
    return result;
}

std::string default_config() {
    std::string text =
        "# \"(SIGHUP)\": the key may change while the server runs; another takes a restart.\n";
    std::string_view section;
    for (const Key& key : keys()) {
        if (key.section != section) {
            text += fmt::format("\n[{}]\n", key.section);
            section = key.section;
        }
        const std::string assignment = fmt::format("{} = {}", key.name, key.initial);
        text += fmt::format("{:<35} # {}{}\n", assignment, key.meaning,
                            key.change == Change::reload ? " (SIGHUP)" : "");
    }
    return text;
}

std::vector<std::string> warnings(const Config& config) {
    std::vector<std::string> found;
    const auto is_short = [](const std::string& secret) { return secret.size() < min_secret; };
    if (std::ranges::any_of(config.turn.secret.all, is_short)) {
        found.emplace_back(
            "turn.secret is shorter than 32 characters: whoever sees one credential can guess it "
            "offline; `openssl rand -hex 32` makes a good one");
    }
    if (config.turn.permission_lifetime < 5min || config.turn.channel_lifetime < 10min) {
        found.emplace_back(
            "turn.permission_lifetime or turn.channel_lifetime is shorter than in RFC 8656, on "
            "which "
            "clients count: what they do not refresh in time is not relayed");
    }
    if (has_token_keys(config) && config.rooms.access == RoomAccess::open) {
        found.emplace_back(
            "rooms.tokens has keys, but rooms.access is \"open\": nobody needs a token");
    }
    for (const Prefix& block : config.turn.peers.allow) {
        if (block.length() < 8) {
            found.push_back(fmt::format(
                "turn.peers.allow has {}, which opens private networks and this machine itself to "
                "everybody with a credential; name the blocks you mean",
                block.to_string()));
        }
    }
    return found;
}

}  // namespace ahoy::app
