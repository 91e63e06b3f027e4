// Programs of lines for the rooms' targets: fields between tabs, and "$0" to "$9" stand for the
// client ids that have been given out, which nobody could guess.
#pragma once

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

namespace ahoy::fuzz {

// Cuts the first of the words off, and the space behind it.
inline std::string_view next_word(std::string_view& text) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

// Zero for what is no number.
inline unsigned number_of(std::string_view text, unsigned most) {
    unsigned value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return std::min(value, most);
}

class ClientIds {
  public:
    static constexpr size_t most = 10;

    void add(std::string id) {
        ids_.push_back(std::move(id));
        if (ids_.size() > most) ids_.erase(ids_.begin());
    }
    std::string fill_in(std::string_view text) const {
        std::string filled;
        for (size_t i = 0; i < text.size(); ++i) {
            const size_t which =
                i + 1 < text.size() ? static_cast<size_t>(text[i + 1] - '0') : most;
            const bool stands_for_one = text[i] == '$' && which < ids_.size();
            stands_for_one ? filled += ids_[which] : filled += text[i];
            i += stands_for_one;
        }
        return filled;
    }

  private:
    std::vector<std::string> ids_;
};

}  // namespace ahoy::fuzz
