#include "app/config_values.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>

#include "base/aead.h"
#include "base/base64.h"
#include "stun/message.h"
#include "stun/opaque_string.h"

namespace ahoy::app {

std::string found(const toml::node& node) {
    if (const auto* text = node.as_string()) return fmt::format("\"{}\"", text->get());
    if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
    if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
    if (node.is_array()) return "an array";
    if (node.is_table()) return "a table";
    return "a value of another type";
}

Wrong read(const toml::node& node, bool& out) {
    const auto value = node.value_exact<bool>();
    if (!value) return "expected true or false";
    out = *value;
    return {};
}

Wrong read(const toml::node& node, unsigned& out) {
    constexpr int64_t most = 1'000'000'000;
    const auto value = node.value_exact<int64_t>();
    if (!value || *value < 0 || *value > most) {
        return fmt::format("expected a whole number from 0 to {}", most);
    }
    out = static_cast<unsigned>(*value);
    return {};
}

Wrong read(const toml::node& node, std::string& out) {
    const auto value = node.value_exact<std::string>();
    if (!value) return "expected a string in quotes";
    out = *value;
    return {};
}

// None is shown.
Wrong read(const toml::node& node, Secrets& out) {
    out.all.clear();
    if (const auto* one = node.as_string()) {
        if (!one->get().empty()) out.all.push_back(one->get());
        return {};
    }
    if (const auto* several = node.as_array()) {
        for (const toml::node& element : *several) out.all.push_back(element.value_or(""));
    }
    const bool any_empty = std::ranges::count(out.all, "") != 0;
    if (out.all.empty() || any_empty) return "expected a string in quotes, or an array of them";
    return {};
}

Wrong read(const toml::node& node, Duration& out) {
    static constexpr std::string_view right =
        "expected a duration such as \"10s\", \"5m\" or \"24h\"";
    static const std::map<std::string_view, Duration> units{
        {"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}, {"d", 24h}};
    const auto text = node.value_exact<std::string>();
    if (!text) return std::string(right);
    int64_t number = 0;
    const char* const end = text->data() + text->size();
    const auto [rest, error] = std::from_chars(text->data(), end, number);
    const auto unit = units.find(std::string_view(rest, static_cast<size_t>(end - rest)));
    constexpr Duration most = 10 * 365 * 24h;
    if (error != std::errc{} || unit == units.end() || number < 0 || number > most / unit->second) {
        return std::string(right);
    }
    out = number * unit->second;
    return {};
}

namespace {

template <class Parsable>
Wrong read_parsed(const toml::node& node, Parsable& out, std::string_view right) {
    const auto text = node.value_exact<std::string>();
    const auto value = text ? Parsable::parse(*text) : std::nullopt;
    if (!value) return fmt::format("expected {}", right);
    out = *value;
    return {};
}

}  // namespace

Wrong read(const toml::node& node, TransportAddress& out) {
    return read_parsed(node, out, "an address and port such as \"0.0.0.0:3478\" or \"[::]:3478\"");
}
Wrong read(const toml::node& node, IpAddress& out) {
    return read_parsed(node, out, "an IP address such as \"192.0.2.1\"");
}
Wrong read(const toml::node& node, Prefix& out) {
    return read_parsed(node, out,
                       "an address block such as \"10.0.0.0/8\" (no bits set behind the prefix)");
}

Wrong read(const toml::node& node, ExternalAddress& out) {
    static constexpr std::string_view right =
        "expected \"public\" or \"public/private\", two IP addresses of one family";
    const auto text = node.value_exact<std::string>();
    if (!text) return std::string(right);
    const size_t slash = text->find('/');
    const auto told = IpAddress::parse(std::string_view(*text).substr(0, slash));
    if (!told || told->is_unspecified()) return std::string(right);
    out = {*told, {}};
    if (slash == text->npos) return {};
    const auto bound = IpAddress::parse(std::string_view(*text).substr(slash + 1));
    if (!bound || bound->family() != told->family()) return std::string(right);
    out.bound = *bound;
    return {};
}

Wrong read(const toml::node& node, turn::Alternate& out) {
    static constexpr std::string_view right =
        "expected an address and port, with the name in its certificate if that is another, such "
        "as \"198.51.100.7:5349\" or \"198.51.100.7:5349/turn2.example.org\"";
    constexpr size_t longest = 253;  // bytes of a domain name
    const auto text = node.value_exact<std::string>();
    if (!text) return std::string(right);
    const size_t slash = text->find('/');
    const auto address = TransportAddress::parse(std::string_view(*text).substr(0, slash));
    if (!address) return std::string(right);
    out = {*address, {}};
    if (slash == text->npos) return {};
    out.domain = text->substr(slash + 1);
    const bool is_name = std::ranges::all_of(out.domain, [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.';
    });
    if (out.domain.empty() || out.domain.size() > longest || !is_name) return std::string(right);
    return {};
}

Wrong read(const toml::node& node, PortRange& out) {
    static constexpr std::string_view right =
        "expected two ports from 1024 to 65535, the lower first, such as [49152, 65535]";
    const auto* array = node.as_array();
    if (array == nullptr || array->size() != 2) return std::string(right);
    const int64_t low = (*array)[0].value_or(int64_t{0});
    const int64_t high = (*array)[1].value_or(int64_t{0});
    // Never a well-known port (RFC 8656, section 7.2).
    if (low < 1024 || high > 65535 || low > high) return std::string(right);
    out = {static_cast<uint16_t>(low), static_cast<uint16_t>(high)};
    return {};
}

Wrong read(const toml::node& node, std::map<std::string, std::string>& out) {
    static constexpr std::string_view right = "expected a table such as { alice = \"password\" }";
    const auto* table = node.as_table();
    if (table == nullptr) return std::string(right);
    out.clear();
    for (const auto& [name, value] : *table) {
        const auto text = value.value_exact<std::string>();
        if (!text || text->empty() || name.str().empty()) return std::string(right);
        if (!stun::opaque_string(name.str()) || !stun::opaque_string(*text)) {
            return "expected names and passwords without control characters (RFC 8265)";
        }
        out.emplace(name.str(), *text);
    }
    return {};
}

Wrong read(const toml::node& node, std::map<std::string, Md5>& out) {
    static constexpr std::string_view right =
        "expected a table such as { alice = \"d18bc266a0640931a539367a522a3fbb\" }, "
        "MD5 in 32 hexadecimal digits";
    const auto* table = node.as_table();
    if (table == nullptr) return std::string(right);
    out.clear();
    for (const auto& [name, value] : *table) {
        const auto key = md5_from_hex(value.value_or(std::string_view{}));
        if (!key || !stun::opaque_string(name.str())) return std::string(right);
        out.emplace(name.str(), *key);
    }
    return {};
}

Wrong read(const toml::node& node, IceServer& out) {
    static constexpr std::string_view right =
        "expected a table such as { urls = [\"stun:stun.example.org:3478\"] }, "
        "with username and credential for turn:";
    const auto* table = node.as_table();
    if (table == nullptr) return std::string(right);
    for (const auto& [name, value] : *table) {
        Wrong wrong = name == "urls"         ? read(value, out.urls)
                      : name == "username"   ? read(value, out.username)
                      : name == "credential" ? read(value, out.credential)
                                             : std::string(right);
        if (wrong) return std::string(right);
    }
    const auto is_ice = [](const std::string& url) {
        const std::string_view scheme = std::string_view(url).substr(0, url.find(':'));
        return scheme == "stun" || scheme == "stuns" || scheme == "turn" || scheme == "turns";
    };
    if (out.urls.empty() || !std::all_of(out.urls.begin(), out.urls.end(), is_ice)) {
        return std::string(right);
    }
    return {};
}

namespace {

std::optional<WallTime> time_of(const toml::node& node) {
    const auto* value = node.as_date_time();
    if (value == nullptr || !value->get().offset) return {};
    const auto& [date, time, offset] = value->get();
    const std::chrono::sys_days day = std::chrono::year(date.year) / date.month / date.day;
    return day + std::chrono::hours(time.hour) +
           std::chrono::minutes(time.minute - offset->minutes) + std::chrono::seconds(time.second);
}

// Without the key, which is a secret.
constexpr std::string_view oauth_key_is =
    "expected a table such as { kid = \"north\", key = \"…\" } with base64 of 16 or 32 bytes, and "
    "from and until, if it has any, as 2030-12-31T00:00:00Z";

bool read_member(std::string_view name, const toml::node& value, OauthKey& out) {
    if (name == "kid") return !read(value, out.kid);
    if (name == "key") {
        const auto bytes = from_base64(value.value_or(std::string_view{}));
        if (bytes) out.key = *bytes;
        return bytes && is_aes_gcm_key_size(bytes->size());
    }
    if (name != "from" && name != "until") return false;
    const auto time = time_of(value);
    if (time) (name == "from" ? out.from : out.until) = *time;
    return time.has_value();
}

}  // namespace

Wrong read(const toml::node& node, OauthKey& out) {
    const auto* table = node.as_table();
    if (table == nullptr) return std::string(oauth_key_is);
    for (const auto& [name, value] : *table) {
        if (!read_member(name.str(), value, out)) return std::string(oauth_key_is);
    }
    if (out.kid.empty() || out.kid.size() > stun::max_username || out.key.empty()) {
        return std::string(oauth_key_is);
    }
    return {};
}

namespace {

template <class Enum>
Wrong read_choice(const toml::node& node, Enum& out,
                  std::initializer_list<std::pair<std::string_view, Enum>> choices) {
    std::string names;
    for (const auto& [name, value] : choices) {
        if (node.value_or(std::string_view{}) == name) {
            out = value;
            return {};
        }
        names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", name);
    }
    return fmt::format("expected one of {}", names);
}

}  // namespace

Wrong read(const toml::node& node, turn::Redirect& out) {
    return read_choice(node, out,
                       {{"full", turn::Redirect::full}, {"always", turn::Redirect::always}});
}
Wrong read(const toml::node& node, RoomAccess& out) {
    return read_choice(node, out, {{"open", RoomAccess::open}, {"token", RoomAccess::token}});
}
Wrong read(const toml::node& node, FastPath& out) {
    return read_choice(
        node, out, {{"auto", FastPath::automatic}, {"on", FastPath::on}, {"off", FastPath::off}});
}
Wrong read(const toml::node& node, LogFormat& out) {
    return read_choice(node, out, {{"logfmt", LogFormat::logfmt}, {"json", LogFormat::json}});
}

}  // namespace ahoy::app
