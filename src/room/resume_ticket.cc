#include "room/resume_ticket.h"

#include <charconv>
#include <vector>

namespace ahoy::room {
namespace {

constexpr std::string_view version = "r1";
constexpr char separator = '.';
constexpr size_t longest = 2048;
constexpr std::string_view hex_digits = "0123456789abcdef";

std::string to_hex(std::string_view text) {
    std::string hex;
    for (const char c : text) {
        const auto byte = static_cast<uint8_t>(c);
        hex += {hex_digits[byte >> 4], hex_digits[byte & 15]};
    }
    return hex;
}

std::optional<std::string> from_hex(std::string_view hex) {
    if (hex.size() % 2 != 0) return {};
    std::string text;
    for (size_t i = 0; i < hex.size(); i += 2) {
        const size_t high = hex_digits.find(hex[i]), low = hex_digits.find(hex[i + 1]);
        if (high == hex_digits.npos || low == hex_digits.npos) return {};
        text += static_cast<char>(high << 4 | low);
    }
    return text;
}

template <class Number>
bool read(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> pieces;
    while (true) {
        const size_t at = text.find(separator);
        pieces.push_back(text.substr(0, at));
        if (at == text.npos) return pieces;
        text.remove_prefix(at + 1);
    }
}

}  // namespace

std::string ResumeTickets::sign(std::string_view text) const {
    return base64url(hmac_sha256(key_, {as_bytes(text)}));
}

std::string ResumeTickets::seal(const ResumeTicket& ticket) const {
    std::string text(version);
    for (const std::string& field :
         {ticket.room, std::to_string(ticket.instance), std::to_string(ticket.epoch),
          std::to_string(ticket.number), std::string(label(ticket.role)),
          std::to_string(ticket.name_given), std::to_string(ticket.role_given),
          std::to_string(ticket.issued_at.time_since_epoch().count()), to_hex(ticket.name)}) {
        text += separator;
        text += field;
    }
    return text + separator + sign(text);
}

std::optional<ResumeTicket> ResumeTickets::open(std::string_view text, WallTime now) const {
    if (text.size() > longest) return {};
    const size_t end = text.rfind(separator);
    if (end == text.npos) return {};
    const std::string right = sign(text.substr(0, end));
    if (!equal_in_constant_time(as_bytes(right), as_bytes(text.substr(end + 1)))) return {};

    const auto pieces = split(text.substr(0, end));
    if (pieces.size() != 10 || pieces[0] != version) return {};
    ResumeTicket ticket{.room = std::string(pieces[1])};
    int64_t issued = 0;
    if (!read(pieces[2], ticket.instance) || !read(pieces[3], ticket.epoch) ||
        !read(pieces[4], ticket.number) || !read(pieces[8], issued)) {
        return {};
    }
    ticket.role = pieces[5] == label(Role::host) ? Role::host : Role::guest;
    ticket.name_given = pieces[6] == "1";
    ticket.role_given = pieces[7] == "1";
    ticket.issued_at = WallTime(std::chrono::seconds(issued));
    auto name = from_hex(pieces[9]);
    if (!name) return {};
    ticket.name = *std::move(name);
    if (now > ticket.issued_at + lifetime) return {};
    return ticket;
}

}  // namespace ahoy::room
