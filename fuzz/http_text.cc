// The small texts around HTTP: targets, forms, hosts and the headers of proxies, three lines and
// the rest.
#include "net/http_text.h"

#include <boost/json.hpp>

#include "fuzz/input.h"
#include "room/collider.h"

namespace ahoy::fuzz {
namespace {

// A second reading of RFC 3629: decode, and see whether encoding gives the same bytes.
bool is_utf8(std::string_view text) {
    for (size_t i = 0; i < text.size();) {
        const auto lead = static_cast<uint8_t>(text[i]);
        const size_t more = lead < 0x80   ? 0
                            : lead < 0xc0 ? 9
                            : lead < 0xe0 ? 1
                            : lead < 0xf0 ? 2
                                          : 3;
        if (more == 9 || lead > 0xf7 || i + more >= text.size()) return false;
        uint32_t point = lead & (more == 0 ? 0x7fu : 0x3fu >> more);
        for (size_t k = 1; k <= more; ++k) {
            const auto byte = static_cast<uint8_t>(text[i + k]);
            if (byte >> 6 != 2) return false;
            point = point << 6 | (byte & 0x3f);
        }
        static constexpr uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (point < least[more] || point > 0x10ffff || point >> 11 == 0xd800 >> 11) return false;
        i += more + 1;
    }
    return true;
}

void check_text(std::string_view text) {
    CHECK(room::is_utf8(text) == is_utf8(text));
    const std::string path = room::path_of(text);
    CHECK(path.size() <= text.size());
    std::string joined;
    for (const auto piece : room::split_path(path)) {
        CHECK(piece.find('/') == piece.npos);
        joined.append("/").append(piece);
    }
    CHECK(joined == "/" + path);

    const std::string escaped = room::escape_url(text, "-._");
    CHECK(escaped.find_first_not_of("%-._0123456789abcdefghijklmnopqrstuvwxyz"
                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == escaped.npos);
    CHECK(room::path_of(escaped) == text);

    const std::string_view host = room::host_of(text);
    CHECK(text.find(host) != text.npos && room::host_of(host) == host);
    CHECK(host.find_first_of(" \t\r\n;,/@\"'[]") == host.npos);
}

void check_frame(std::string_view text) {
    if (!room::collider::deliverable(text)) return;
    boost::json::error_code error;
    const auto frame = boost::json::parse(room::collider::message_frame(text), error);
    CHECK(!error);
    const auto& said = frame.at("msg").as_string();
    CHECK(std::string_view(said.data(), said.size()) == text);
}

void check_forwarded(const TransportAddress& from, std::string_view addresses,
                     std::string_view proto, std::string_view host) {
    static const std::vector<Prefix> trusted{*Prefix::parse("10.0.0.0/8"), *Prefix::parse("::1")};
    const auto trusts = [](const TransportAddress& a) {
        return trusted[0].contains(a.ip) || trusted[1].contains(a.ip);
    };
    net::Request request;
    request.http.scheme = "http";
    request.http.host = "example.org";
    request.remote = from;
    net::apply_forwarded(request, trusted, addresses, proto, host);
    const std::string& seen = request.http.host;
    CHECK(request.http.scheme == "http" || request.http.scheme == "https");
    CHECK(!seen.empty() && seen.find_first_of(" \t") != 0 && seen.find(',') == seen.npos);
    if (!trusts(from)) {
        CHECK(request.remote == from && seen == "example.org" && request.http.scheme == "http");
    } else if (!trusts(request.remote)) {
        CHECK(!addresses.empty());  // its last word is the client
    }
}

}  // namespace

void run(Input input) {
    const std::string_view proto = input.line(), host = input.line(), addresses = input.line();
    const std::string_view text = as_text(input.rest());
    for (const auto from : {IpAddress::v4(0x0a000001), IpAddress::v4(0x09090909)}) {
        check_forwarded({from, 4711}, addresses, proto, host);
    }
    check_text(host);
    check_text(text);
    check_frame(text);
    room::Parameters parameters;
    parameters.parse(text);
    CHECK(parameters.all().size() <= room::Parameters::most);
    CHECK(net::http_date(WallTime(std::chrono::seconds(text.size() * 10'000))).size() == 29);
}

}  // namespace ahoy::fuzz
