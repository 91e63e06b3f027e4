#include "room/http.h"

#include <algorithm>
#include <boost/url/pct_string_view.hpp>

#include "base/address.h"

namespace ahoy::room {
namespace {

constexpr std::string_view form_type = "application/x-www-form-urlencoded";

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// What is not validly encoded stays as it is, as in Python.
std::string decode(std::string_view text, bool space_as_plus) {
    const auto encoded = boost::urls::make_pct_string_view({text.data(), text.size()});
    if (encoded.has_error()) return std::string(text);
    boost::urls::encoding_opts options;
    options.space_as_plus = space_as_plus;
    return encoded->decode(options);
}

std::string_view query_of(std::string_view target) {
    const size_t mark = target.find('?');
    if (mark == std::string_view::npos) return {};
    const std::string_view query = target.substr(mark + 1);
    return query.substr(0, query.find('#'));
}

// ":8080", ":" or nothing (RFC 3986, section 3.2.3).
bool is_port(std::string_view text) {
    if (text.empty()) return true;
    return text[0] == ':' && text.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

bool is_form(std::string_view content_type) {
    if (content_type.size() < form_type.size()) return false;
    return std::equal(form_type.begin(), form_type.end(), content_type.begin(),
                      [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
}

// The length of the UTF-8 sequence at the start of `text`; 0 when it is not one (RFC 3629).
size_t sequence_length(std::string_view text) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    const uint8_t lead = byte(0);
    const size_t length = lead < 0x80                    ? 1
                          : lead >= 0xc2 && lead <= 0xdf ? 2
                          : lead >= 0xe0 && lead <= 0xef ? 3
                          : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                         : 0;
    if (length == 0 || length > text.size()) return 0;
    for (size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    if (lead == 0xe0 && byte(1) < 0xa0) return 0;  // overlong
    if (lead == 0xed && byte(1) > 0x9f) return 0;  // surrogates
    if (lead == 0xf0 && byte(1) < 0x90) return 0;  // overlong
    if (lead == 0xf4 && byte(1) > 0x8f) return 0;  // above U+10FFFF
    return length;
}

}  // namespace

HttpResponse not_found() {
    return {.status = 404,
            .content_type = "text/plain; charset=UTF-8",
            .body = "404 Not Found\n\nThe resource could not be found.\n\n   "};
}

HttpResponse method_not_allowed(std::string_view method, std::string_view allow) {
    return {.status = 405,
            .content_type = "text/plain; charset=UTF-8",
            .body = "405 Method Not Allowed\n\nThe method " + std::string(method) +
                    " is not allowed for this resource. \n\n ",
            .headers = {{"Allow", std::string(allow)}}};
}

HttpResponse bad_handshake() {
    return {.status = 400,
            .content_type = "text/plain; charset=utf-8",
            .body =
                "WebSockets of version 13 (RFC 6455) only. If this is one, a proxy on the way "
                "does not pass on Upgrade and Connection.\n",
            .headers = {{"Sec-WebSocket-Version", "13"}}};
}

std::string path_of(std::string_view target) {
    return decode(target.substr(0, target.find_first_of("?#")), false);
}

std::vector<std::string_view> split_path(std::string_view path) {
    std::vector<std::string_view> pieces;
    for (;;) {
        const size_t slash = path.find('/');
        pieces.push_back(path.substr(0, slash));
        if (slash == std::string_view::npos) return pieces;
        path.remove_prefix(slash + 1);
    }
}

Parameters Parameters::of(const HttpRequest& request) {
    Parameters parameters = of_query(request.target);
    if (is_form(request.content_type)) parameters.parse(request.body);
    return parameters;
}

Parameters Parameters::of_query(std::string_view target) {
    Parameters parameters;
    parameters.parse(query_of(target));
    return parameters;
}

void Parameters::parse(std::string_view form) {
    while (!form.empty() && all_.size() < most) {
        const size_t end = form.find_first_of("&;");
        const std::string_view pair = form.substr(0, end);
        form.remove_prefix(end == std::string_view::npos ? form.size() : end + 1);
        if (pair.empty()) continue;
        const size_t equals = pair.find('=');
        const bool has_value = equals != std::string_view::npos;
        std::string name = decode(pair.substr(0, equals), true);
        std::string value = has_value ? decode(pair.substr(equals + 1), true) : std::string();
        // JSON, in which these are echoed, cannot carry anything else.
        if (is_utf8(name) && is_utf8(value)) all_.emplace_back(std::move(name), std::move(value));
    }
}

std::optional<std::string> Parameters::find(std::string_view name) const {
    for (const auto& [key, value] : all_) {
        if (key == name) return value;
    }
    return {};
}

std::string Parameters::get(std::string_view name) const {
    return find(name).value_or("");
}

std::string_view host_of(std::string_view authority) {
    // Without brackets it is not a Host header's, but a configuration's.
    if (IpAddress::parse(authority)) return authority;
    if (authority.starts_with('[')) {
        const size_t end = authority.find(']');
        if (end == std::string_view::npos || !is_port(authority.substr(end + 1))) return {};
        const std::string_view host = authority.substr(1, end - 1);
        const auto ip = IpAddress::parse(host);
        return ip && host.find(':') != std::string_view::npos ? host : std::string_view();
    }
    const std::string_view host = authority.substr(0, authority.find(':'));
    const bool is_name = std::ranges::all_of(host, [](char c) {
        return is_alphanumeric(c) || c == '.' || c == '-' ||
               c == '_';  // "_" in names of containers
    });
    return is_name && is_port(authority.substr(host.size())) ? host : std::string_view();
}

std::string escape_url(std::string_view text, std::string_view keep) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string escaped;
    for (const char c : text) {
        if (is_alphanumeric(c) || keep.find(c) != std::string_view::npos) {
            escaped += c;
            continue;
        }
        const auto byte = static_cast<uint8_t>(c);
        escaped += {'%', digits[byte >> 4], digits[byte & 0x0f]};
    }
    return escaped;
}

bool is_route_id(std::string_view id) {
    return !id.empty() && std::ranges::all_of(id, [](char c) {
        return is_alphanumeric(c) || c == '-' || c == '_';
    });
}

size_t characters(std::string_view utf8) {
    return static_cast<size_t>(std::ranges::count_if(
        utf8, [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const size_t length = sequence_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace ahoy::room
