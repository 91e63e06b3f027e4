#include "room/go_json.h"

#include <cstdint>

namespace ahoy::room {
namespace {

constexpr std::string_view end_of_input = "unexpected end of JSON input";

// A byte is shown as the character of that number, which Go takes it for.
std::string quoted(char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    constexpr std::string_view named = "\a\b\f\n\r\t\v\\'", names = "abfnrtv\\'";
    const auto byte = static_cast<uint8_t>(c);
    if (const size_t at = named.find(c); at != named.npos) return {'\'', '\\', names[at], '\''};
    std::string text = "'";
    if (byte < 0x20 || byte == 0x7f) {
        text += {'\\', 'x', digits[byte >> 4], digits[byte & 0x0f]};
    } else if (byte < 0x7f) {
        text += c;
    } else if (byte <= 0xa0 || byte == 0xad) {  // not printable
        text += {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 0x0f]};
    } else {
        text += {static_cast<char>(0xc0 | byte >> 6), static_cast<char>(0x80 | (byte & 0x3f))};
    }
    return text + '\'';
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_hex_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Each step returns what is wrong, or "" and stands behind what it has read.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    std::string scan() {
        for (;;) {
            const size_t begin = rest_.find_first_not_of(" \t\r\n");
            rest_.remove_prefix(begin == rest_.npos ? rest_.size() : begin);
            const bool is_whole = next_ == Next::end_of_value && open_.empty();
            if (rest_.empty()) return is_whole ? "" : std::string(end_of_input);
            if (std::string wrong = step(); !wrong.empty()) return wrong;
        }
    }

  private:
    enum class Next { value, value_or_end, key, key_or_end, colon, end_of_value };

    bool in_object() const { return !open_.empty() && open_.back() == '{'; }

    std::string step() {
        switch (next_) {
            case Next::key_or_end:
                if (rest_[0] == '}') return close();
                [[fallthrough]];
            case Next::key:
                if (rest_[0] != '"') return invalid("looking for beginning of object key string");
                next_ = Next::colon;
                return string();
            case Next::colon:
                next_ = Next::value;
                return take(":", "after object key");
            case Next::value_or_end:
                if (rest_[0] == ']') return close();
                [[fallthrough]];
            case Next::value:
                return value();
            case Next::end_of_value:
                break;
        }
        if (open_.empty()) return invalid("after top-level value");
        if (rest_[0] == (in_object() ? '}' : ']')) return close();
        next_ = in_object() ? Next::key : Next::value;
        return take(",", in_object() ? "after object key:value pair" : "after array element");
    }

    std::string value() {
        const char first = rest_[0];
        if (first == '{' || first == '[') {
            open_ += first;
            rest_.remove_prefix(1);
            next_ = first == '{' ? Next::key_or_end : Next::value_or_end;
            return "";
        }
        next_ = Next::end_of_value;
        if (first == '"') return string();
        if (first == '-' || is_digit(first)) return number();
        for (const std::string_view word : {"true", "false", "null"}) {
            if (first == word[0]) return literal(word);
        }
        return invalid("looking for beginning of value");
    }

    std::string close() {
        open_.pop_back();
        rest_.remove_prefix(1);
        next_ = Next::end_of_value;
        return "";
    }

    std::string literal(std::string_view word) {
        for (const char c : word) {
            const std::string where =
                "in literal " + std::string(word) + " (expecting '" + c + "')";
            if (std::string wrong = take({&c, 1}, where); !wrong.empty()) return wrong;
        }
        return "";
    }

    std::string number() {
        skip("-");
        if (!skip("0")) {
            if (std::string wrong = digits("in numeric literal"); !wrong.empty()) return wrong;
        }
        if (skip(".")) {
            std::string wrong = digits("after decimal point in numeric literal");
            if (!wrong.empty()) return wrong;
        }
        if (!skip("eE")) return "";
        skip("+-");
        return digits("in exponent of numeric literal");
    }

    std::string digits(std::string_view where) {
        if (std::string wrong = take("0123456789", where); !wrong.empty()) return wrong;
        while (skip("0123456789")) {
        }
        return "";
    }

    std::string string() {
        rest_.remove_prefix(1);
        while (!skip("\"")) {
            std::string wrong;
            if (skip("\\")) {
                wrong = escape();
            } else if (!rest_.empty() && static_cast<uint8_t>(rest_[0]) < 0x20) {
                wrong = invalid("in string literal");
            } else if (rest_.empty()) {
                wrong = end_of_input;
            } else {
                rest_.remove_prefix(1);
            }
            if (!wrong.empty()) return wrong;
        }
        return "";
    }

    std::string escape() {
        if (!skip("u")) return take("bfnrt\\/\"", "in string escape code");
        for (int i = 0; i < 4; ++i) {
            if (rest_.empty()) return std::string(end_of_input);
            if (!is_hex_digit(rest_[0])) return invalid("in \\u hexadecimal character escape");
            rest_.remove_prefix(1);
        }
        return "";
    }

    bool skip(std::string_view any_of) {
        const bool there = !rest_.empty() && any_of.find(rest_[0]) != any_of.npos;
        if (there) rest_.remove_prefix(1);
        return there;
    }
    std::string take(std::string_view any_of, std::string_view where) {
        if (skip(any_of)) return "";
        return rest_.empty() ? std::string(end_of_input) : invalid(where);
    }
    std::string invalid(std::string_view where) const {
        return "invalid character " + quoted(rest_[0]) + ' ' + std::string(where);
    }

    std::string_view rest_;
    std::string open_;  // the brackets around
    Next next_ = Next::value;
};

}  // namespace

std::string go_syntax_error(std::string_view text) {
    return Scanner(text).scan();
}

}  // namespace ahoy::room
