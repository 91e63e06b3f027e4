#include "app/coturn_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "app/config.h"
#include "app/coturn_options.h"
#include "app/peer_ranges.h"
#include "turn/credentials.h"

namespace ahoy::app {
namespace {

struct Line {
    size_t number = 0;
    std::string name;
    std::string value;
};

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    const size_t begin = text.find_first_not_of(blank);
    if (begin == text.npos) return {};
    return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

// As coturn reads a line: a name, then blanks or "=", then the rest, in quotes or not.
std::optional<Line> parse_line(std::string_view text, size_t number) {
    text = trimmed(text);
    while (text.starts_with('-')) text.remove_prefix(1);
    if (text.empty() || text.starts_with('#')) return {};
    constexpr std::string_view separators = " =\t";
    const size_t end = text.find_first_of(separators);
    Line line{number, std::string(text.substr(0, end)), {}};
    const size_t begin = end == text.npos ? text.npos : text.find_first_not_of(separators, end);
    if (begin == text.npos) return line;
    std::string_view value = text.substr(begin);
    if (value.starts_with('"')) value.remove_prefix(1);
    if (value.ends_with('"')) value.remove_suffix(1);
    line.value = value;
    return line;
}

bool is_off(std::string_view value) {
    return value == "off" || value == "OFF" || value == "Off" ||
           (!value.empty() && std::string_view("0nNfF").find(value[0]) != std::string_view::npos);
}

// A number as atoi() reads it.
std::optional<unsigned> parse_number(std::string_view value) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{}) return {};
    return number;
}

std::string toml_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string array_of(const std::vector<std::string>& texts) {
    std::string out;
    for (const auto& text : texts) out += (out.empty() ? "" : ", ") + toml_string(text);
    return '[' + out + ']';
}

std::string at_port(const std::string& ip, unsigned port) {
    const auto host = ip.find(':') == ip.npos ? ip : '[' + ip + ']';
    return fmt::format("{}:{}", host, port);
}

class Import {
  public:
    explicit Import(std::string name) : name_(std::move(name)) {}

    CoturnImport run(std::string_view text) {
        for (size_t number = 1; !text.empty(); ++number) {
            const size_t end = text.find('\n');
            if (const auto line = parse_line(text.substr(0, end), number)) sort(*line);
            text = end == text.npos ? std::string_view{} : text.substr(end + 1);
        }
        threads();
        listeners();
        relays();
        alternates();
        certificate();
        accounts();
        oauth();
        lifetimes();
        quotas();
        switches();
        peers();
        return result();
    }

  private:
    // -- reading
    void sort(const Line& line) {
        const CoturnOption* const option = find_coturn_option(line.name);
        if (option == nullptr) return lost(line, "is no option that is known here");
        const bool idle = option->idle == "off"
                              ? is_off(line.value)
                              : !option->idle.empty() && line.value == option->idle;
        if (idle && option->fate != Fate::carried) return;
        switch (option->fate) {
            case Fate::carried:
                if (option->idle == "off" && is_off(line.value)) return;
                lines_[line.name == "db" ? "userdb" : line.name].push_back(line);
                break;
            case Fate::same:
                same_.push_back(
                    fmt::format("line {}: {}: {}", line.number, line.name, option->why));
                break;
            case Fate::moot:
                remark(line, option->why);
                break;
            case Fate::lost:
                lost(line, option->why);
                break;
        }
    }
    const std::vector<Line>& all(const std::string& option) { return lines_[option]; }
    bool has(const std::string& option) { return !all(option).empty(); }
    // Of an option that counts once, the last.
    const Line* last(const std::string& option) {
        return has(option) ? &all(option).back() : nullptr;
    }

    // -- saying
    void remark(const Line& line, std::string_view why) {
        remarks_.push_back(fmt::format("{}:{}: {}: {}", name_, line.number, line.name, why));
    }
    void lost(const Line& line, std::string_view why) {
        remark(line, fmt::format("changes: {}", why));
        changes_ = true;
    }
    void lost(std::string_view why) {
        remarks_.push_back(fmt::format("{}: changes: {}", name_, why));
        changes_ = true;
    }
    // Whether a configuration may have that; else why not.
    static std::string refusal(const std::vector<Setting>& settings) {
        try {
            load_config("", settings);
            return {};
        } catch (const ConfigError& error) {
            return error.what();
        }
    }
    void put(const std::string& section, const std::string& key, const std::string& value,
             std::string_view meaning = {}) {
        std::string line = fmt::format("{} = {}", key, value);
        if (!meaning.empty()) line = fmt::format("{:<35} # {}", line, meaning);
        sections_[section].push_back(line);
    }
    // Unless it is not valid, which `line` is blamed for.
    bool put_checked(const Line& line, const std::string& section, const std::string& key,
                     const std::string& value, std::string_view meaning = {}) {
        if (!refusal({{section + '.' + key, value}}).empty()) {
            lost(line, fmt::format("is nothing that {}.{} may be", section, key));
            return false;
        }
        put(section, key, value, meaning);
        return true;
    }
    template <class Valid>
    std::vector<std::string> values(const std::string& option, std::string_view expected,
                                    Valid valid) {
        std::vector<std::string> good;
        for (const Line& line : all(option)) {
            if (valid(line.value)) {
                good.push_back(line.value);
            } else {
                lost(line, fmt::format("is not {}", expected));
            }
        }
        return good;
    }
    static bool is_ip(const std::string& text) { return IpAddress::parse(text).has_value(); }

    // -- translating
    void threads() {
        const Line* const line = last("relay-threads");
        if (line == nullptr) return;
        const auto count = parse_number(line->value);
        if (!count) return lost(*line, "is not a number");
        // 0 meant one thread for everything.
        put_checked(*line, "server", "threads", std::to_string(std::max(*count, 1u)));
    }

    unsigned port(const std::string& option, unsigned otherwise) {
        const Line* const line = last(option);
        if (line == nullptr) return otherwise;
        const auto number = parse_number(line->value);
        if (number && *number > 0 && *number < 65536) return *number;
        lost(*line, "is not a port");
        return otherwise;
    }

    void listeners() {
        put("http", "listen", "[\"127.0.0.1:8080\"]",
            "coturn had no web page: /metrics and ours are for this machine only");
        auto ips = values("listening-ip", "an IP address", is_ip);
        if (ips.empty()) ips = {"0.0.0.0", "::"};
        std::vector<std::string> plain;
        std::vector<std::string> tls;
        const unsigned plain_port = port("listening-port", 3478);
        const unsigned tls_port = port("tls-listening-port", 5349);
        for (const auto& ip : ips) {
            plain.push_back(at_port(ip, plain_port));
            tls.push_back(at_port(ip, tls_port));
        }
        const auto aux = values("aux-server", "an address and a port", [](const std::string& text) {
            return TransportAddress::parse(text).has_value();
        });
        plain.insert(plain.end(), aux.begin(), aux.end());
        put("turn", "listen", array_of(plain));
        discovery(plain_port);
        if (!has_certificate()) return;
        put("turn", "tls_listen", array_of(tls));
    }

    void relays() {
        const auto relays = values("relay-ip", "an IP address", is_ip);
        if (!relays.empty()) put("turn", "relay_addresses", array_of(relays));
        std::vector<std::string> external;
        for (const Line& line : all("external-ip")) {
            if (refusal({{"turn.external_addresses", array_of({line.value})}}).empty()) {
                external.push_back(line.value);
            } else {
                lost(line, "is not \"public\" or \"public/private\", two IP addresses");
            }
        }
        if (!external.empty()) put("turn", "external_addresses", array_of(external));
        const Line* const low = last("min-port");
        const Line* const high = last("max-port");
        if (low == nullptr && high == nullptr) return;
        put_checked(low != nullptr ? *low : *high, "turn", "ports",
                    fmt::format("[{}, {}]", port("min-port", 49152), port("max-port", 65535)));
    }

    // coturn had the second port on every address, and each pair of a family's addresses.
    void discovery(unsigned first_port) {
        const Line* const other = last("alt-listening-port");
        const bool has_other = other != nullptr && other->value != "0";
        const Line* const wish = has_other ? other : last("rfc5780");
        if (wish == nullptr || has("no-rfc5780")) return;
        const unsigned next = first_port + 1;
        const unsigned second_port = has_other ? port("alt-listening-port", next) : next;
        std::vector<std::string> addresses;
        for (const auto family : {AddressFamily::ipv4, AddressFamily::ipv6}) {
            std::vector<std::string> ips;
            for (const Line& line : all("listening-ip")) {
                const auto ip = IpAddress::parse(line.value);
                if (ip && ip->family() == family) ips.push_back(line.value);
            }
            if (ips.size() > 2) lost(*wish, "turn.discovery is for two addresses of a family");
            if (ips.size() < 2) continue;
            addresses.push_back(at_port(ips[0], first_port));
            addresses.push_back(at_port(ips[1], second_port));
        }
        if (addresses.empty()) return lost(*wish, "needs two addresses in listening-ip");
        put_checked(*wish, "turn", "discovery", array_of(addresses));
    }

    // "IP" or "IP:port".
    std::vector<std::string> servers(const std::string& option, unsigned port) {
        std::vector<std::string> found;
        for (const Line& line : all(option)) {
            const auto ip = IpAddress::parse(line.value);
            const auto address =
                ip ? TransportAddress{*ip, static_cast<uint16_t>(port)}
                   : TransportAddress::parse(line.value).value_or(TransportAddress{});
            if (address.port != 0) {
                found.push_back(address.to_string());
            } else {
                lost(line, "is not an IP address, nor one with a port");
            }
        }
        return found;
    }

    void alternates() {
        const auto plain = servers("alternate-server", 3478);
        const auto tls = servers("tls-alternate-server", 5349);
        if (!plain.empty()) put("turn", "alternates", array_of(plain));
        if (!tls.empty()) put("turn", "tls_alternates", array_of(tls));
        if (!plain.empty() || !tls.empty()) put("turn", "redirect", "\"always\"");
    }

    // Where both TLS and DTLS are switched off, none is needed.
    bool has_certificate() {
        return has("cert") && has("pkey") && !(has("no-tls") && has("no-dtls"));
    }

    void certificate() {
        if (has("no-tls") && has("no-dtls")) return;
        for (const char* one : {"no-tls", "no-dtls"}) {
            if (has(one) && has_certificate()) {
                lost(*last(one), "TLS and DTLS are on together, where there is a certificate");
            }
        }
        if (!has_certificate()) {
            for (const char* one : {"cert", "pkey"}) {
                if (has(one)) lost(*last(one), "a certificate and its key belong together");
            }
            return;
        }
        const Line& chain = *last("cert");
        const Line& key = *last("pkey");
        if (!refusal({{"tls.certificate", toml_string(chain.value)},
                      {"tls.key", toml_string(key.value)}})
                 .empty()) {
            return lost(chain, "is nothing that tls.certificate and tls.key may be");
        }
        put("tls", "certificate", toml_string(chain.value));
        put("tls", "key", toml_string(key.value));
        for (const Line* const line : {&chain, &key}) {
            if (!line->value.starts_with('/')) {
                lost(*line, "is a relative path: coturn looked in several folders");
            }
        }
    }

    // coturn takes users or secrets, never both, and with neither anybody.
    void accounts() {
        const bool by_secret = has("use-auth-secret") || has("static-auth-secret");
        if (const Line* const line = last("realm"))
            put_checked(*line, "turn", "realm", toml_string(line->value));
        if (by_secret) {
            secrets();
            for (const Line& line : all("user")) {
                remark(line, "coturn takes no users beside use-auth-secret, so it is left out");
            }
        } else {
            users();
        }
        if (const Line* const line = last("userdb")) {
            put_checked(*line, "turn", "database", toml_string(line->value));
            lost(*line,
                 fmt::format("users and secrets of the file both count; coturn took only the {}",
                             by_secret ? "secrets" : "users"));
            if (const Line* const secret = last("static-auth-secret")) {
                lost(*secret,
                     "counts in turn.realm alone; coturn took it in every realm of the file");
            }
        }
        if (!has("stun-only")) missing_accounts(by_secret);
        if (!has("realm") && (has("userdb") || !keys_.empty())) {
            lost(
                "there is no realm, for which coturn took the name of the domain: set turn.realm "
                "to that, or no key fits");
        }
    }

    void missing_accounts(bool by_secret) {
        if (has("no-auth")) lost(*last("no-auth"), "nobody relays without a credential");
        if (has("userdb")) return;
        if (!by_secret && !has("user")) {
            lost(has("lt-cred-mech")
                     ? "nobody is named who may relay; if coturn's own database has users, set "
                       "turn.database to it (mostly /var/lib/turn/turndb)"
                     : "nobody is named who may relay: coturn let anybody, and this server nobody");
        } else if (by_secret && !has("static-auth-secret")) {
            lost(
                "the secret is in coturn's own database: set turn.database to it (mostly "
                "/var/lib/turn/turndb)");
        }
    }

    // Tokens are sealed for the name of the server, or else the realm; the keys are in the
    // database.
    void oauth() {
        if (const Line* const line = last("oauth")) {
            const Line* const name = last("server-name");
            const Line* const named = name != nullptr ? name : last("realm");
            if (named == nullptr) {
                return lost(*line, "there is no server-name, for which coturn took the realm");
            }
            put_checked(*named, "turn.oauth", "server_name", toml_string(named->value));
            if (has("userdb")) return;
            lost(*line,
                 "the keys are in coturn's own database: set turn.database to it (mostly "
                 "/var/lib/turn/turndb), or put them into turn.oauth.keys");
        } else if (const Line* const name = last("server-name")) {
            remark(*name, "only oauth uses it");
        }
    }

    void secrets() {
        std::vector<std::string> secrets;
        for (const Line& line : all("static-auth-secret")) {
            if (std::ranges::find(secrets, line.value) != secrets.end()) continue;
            if (line.value.empty()) {
                lost(line, "is empty");
            } else if (secrets.size() == turn::Credentials::max_secrets) {
                lost(line, fmt::format("a server has {} secrets at most", secrets.size()));
            } else {
                secrets.push_back(line.value);
            }
        }
        if (secrets.empty()) return;
        put("turn", "secret", secrets.size() == 1 ? toml_string(secrets[0]) : array_of(secrets));
    }

    void users() {
        for (const Line& line : all("user")) {
            const size_t colon = line.value.find(':');
            if (colon == 0 || colon == line.value.npos) {
                lost(line, "is not \"name:password\"");
                continue;
            }
            const std::string name = line.value.substr(0, colon);
            const std::string rest = line.value.substr(colon + 1);
            const bool is_key = rest.starts_with("0x");
            const std::string value = toml_string(is_key ? rest.substr(2) : rest);
            const std::string key = is_key ? "user_keys" : "users";
            if (!refusal({{"turn." + key, fmt::format("{{ {} = {} }}", toml_string(name), value)}})
                     .empty()) {
                lost(line, fmt::format("is nothing that turn.{} may have", key));
                continue;
            }
            (is_key ? keys_ : users_)[toml_string(name)] = value;
            (is_key ? users_ : keys_).erase(toml_string(name));
        }
        for (const auto& [name, password] : users_) put("turn.users", name, password);
        for (const auto& [name, key] : keys_) put("turn.user_keys", name, key);
    }

    // Of an option that is a number, where 0 is the same as nothing.
    bool bound(const std::string& option, const std::string& key) {
        const Line* const line = last(option);
        if (line == nullptr) return false;
        const auto count = parse_number(line->value);
        if (!count) lost(*line, "is not a number");
        if (count.value_or(0) == 0) return false;
        return put_checked(*line, "turn", key, std::to_string(*count));
    }

    void lifetime(const std::string& option, const std::string& key) {
        const Line* const line = last(option);
        if (line == nullptr) return;
        const auto seconds = parse_number(line->value);
        if (!seconds) return lost(*line, "is not a number");
        put_checked(*line, "turn", key, fmt::format("\"{}s\"", *seconds));
    }

    void lifetimes() {
        lifetime("max-allocate-lifetime", "max_lifetime");
        lifetime("permission-lifetime", "permission_lifetime");
        lifetime("channel-lifetime", "channel_lifetime");
    }

    void quotas() {
        bound("total-quota", "max_allocations");
        bound("max-bps", "allocation_bandwidth");
        if (bound("bps-capacity", "total_bandwidth")) {
            lost(
                *last("bps-capacity"),
                "it bounds what is relayed; coturn refused sessions that might exceed it together");
        }
        const Line* const line = last("user-quota");
        const auto count = line == nullptr ? 0u : parse_number(line->value);
        if (!count) return lost(*line, "is not a number");
        if (line != nullptr) {
            put_checked(*line, "turn", "user_quota", std::to_string(*count));
        } else {
            put("turn", "user_quota", "0", "as coturn; one user may be everybody");
        }
    }

    void switches() {
        put("turn", "tcp_relay", has("no-tcp-relay") ? "false" : "true");
        if (has("rfc5766-channel-numbers")) put("turn", "legacy_channels", "true");
        if (has("secure-stun")) put("turn", "authenticate_binding", "true");
        if (has("stun-only")) put("turn", "stun_only", "true");
        if (has("mobility")) put("turn", "mobility", "true");
        classic_stun();
    }

    void classic_stun() {
        for (const char* option : {"rfc3489-compatibility", "stun-backward-compatibility"}) {
            if (!has(option)) continue;
            if (has("secure-stun")) {
                lost(*last(option), "requests of RFC 3489 cannot be authenticated");
            } else {
                put("turn", "classic_stun", "true");
            }
            return;
        }
    }

    std::vector<Prefix> blocks_of(const std::string& option) {
        std::vector<Prefix> blocks;
        for (const Line& line : all(option)) {
            const auto range = parse_peer_range(line.value);
            if (!range) {
                lost(line, "is not an IP address, nor a range of them");
                continue;
            }
            if (range->empty()) {
                remark(line, "an IPv4 address in IPv6's form is judged as the IPv4 address it is");
            }
            blocks.insert(blocks.end(), range->begin(), range->end());
        }
        return blocks;
    }

    static std::string list_of(const std::vector<Prefix>& blocks) {
        std::vector<std::string> texts;
        for (const Prefix& block : blocks) texts.push_back(block.to_string());
        return array_of(texts);
    }

    void peers() {
        auto allow = blocks_of("allowed-peer-ip");
        const auto deny = blocks_of("denied-peer-ip");
        // What is allowed wins with coturn; here the longer block does, or else deny.
        for (const Prefix& denied : deny) {
            const auto base = denied.to_string();
            const auto ip = IpAddress::parse(base.substr(0, base.find('/')));
            const bool wins = std::any_of(allow.begin(), allow.end(), [&](const Prefix& allowed) {
                return allowed.contains(*ip) && allowed.length() <= denied.length();
            });
            if (wins) {
                lost(
                    fmt::format("{} is denied although allowed-peer-ip has it too, which won with "
                                "coturn; delete it from turn.peers.deny if it should be allowed",
                                base));
            }
        }
        if (has("allow-loopback-peers")) {
            for (const char* loopback : {"127.0.0.0/8", "::1"}) {
                const auto block = *Prefix::parse(loopback);
                if (std::ranges::find(allow, block) == allow.end()) allow.push_back(block);
            }
        }
        if (!allow.empty()) put("turn.peers", "allow", list_of(allow));
        if (!deny.empty()) put("turn.peers", "deny", list_of(deny));
    }

    // -- writing
    CoturnImport result() const {
        CoturnImport out{{}, remarks_, changes_};
        out.toml = fmt::format(
            "# Made of {} by `ahoy import`.  `ahoy default-config` has every key and its meaning.\n"
            "#\n"
            "# Private and other special addresses are not relayed to unless turn.peers.allow has\n"
            "# them; coturn relayed to all but those that it was told not to.\n",
            printable(name_));
        comment(out.toml, "Not carried over:", remarks_);
        comment(out.toml, "So without a key:", same_);
        for (const char* section : {"server", "http", "tls", "turn", "turn.users", "turn.user_keys",
                                    "turn.peers", "turn.oauth"}) {
            const auto found = sections_.find(section);
            if (found == sections_.end()) continue;
            out.toml += fmt::format("\n[{}]\n", section);
            for (const std::string& line : found->second) out.toml += line + '\n';
        }
        return out;
    }
    static void comment(std::string& text, std::string_view title,
                        const std::vector<std::string>& lines) {
        if (lines.empty()) return;
        text += fmt::format("#\n# {}\n", title);
        for (const std::string& line : lines) text += fmt::format("#   {}\n", printable(line));
    }
    // What may stand in a comment, whatever the name of the file or of an option is.
    static std::string printable(std::string text) {
        std::ranges::replace_if(
            text, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
        return text;
    }

    std::string name_;
    std::map<std::string, std::vector<Line>> lines_;  // of options that are carried, by name
    std::map<std::string, std::string> users_;        // as TOML
    std::map<std::string, std::string> keys_;
    std::map<std::string, std::vector<std::string>> sections_;
    std::vector<std::string> remarks_;
    std::vector<std::string> same_;
    bool changes_ = false;
};

}  // namespace

CoturnImport import_coturn_text(std::string_view text, const std::string& name) {
    return Import(name).run(text);
}

CoturnImport import_coturn(const std::string& file) {
    std::ifstream stream(file);
    if (!stream || (stream.peek(), stream.bad())) {
        throw ConfigError(fmt::format("{}: cannot be read: {}", file, std::strerror(errno)));
    }
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    return import_coturn_text(text, std::filesystem::path(file).filename().string());
}

}  // namespace ahoy::app
