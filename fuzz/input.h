// What every fuzz target shares: a cursor that turns fuzz bytes into choices.
//
// A target defines run(); it checks its properties with CHECK.  Past the end the cursor yields
// zeros, so every input is a whole program and a shorter one is a prefix of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/crypto.h"

namespace ahoy::fuzz {

class Input {
  public:
    explicit Input(Bytes bytes) : rest_(bytes) {}

    bool empty() const { return rest_.empty(); }
    uint8_t byte() {
        if (rest_.empty()) return 0;
        const uint8_t first = rest_[0];
        rest_ = rest_.subspan(1);
        return first;
    }
    uint64_t number(size_t bytes) {
        uint64_t value = 0;
        for (size_t i = 0; i < bytes; ++i) value = value << 8 | byte();
        return value;
    }
    // One of 0 to `count` - 1, at most 65536 of them.
    size_t choose(size_t count) { return number(count <= 256 ? 1 : 2) % count; }
    bool flag() { return choose(2) == 1; }
    template <class List>
    const auto& one_of(const List& list) {
        return list[choose(std::size(list))];
    }
    // Its length stands in front.
    Bytes bytes(size_t most) { return take(choose(most + 1)); }
    Bytes rest() { return take(rest_.size()); }

    // For targets whose input is text: up to the next `end`, which is left out.
    std::string_view until(char end) {
        const auto stop = std::find(rest_.begin(), rest_.end(), static_cast<uint8_t>(end));
        const Bytes piece = take(static_cast<size_t>(stop - rest_.begin()));
        byte();
        return as_text(piece);
    }
    std::string_view line() { return until('\n'); }

  private:
    Bytes take(size_t size) {
        const Bytes taken = rest_.first(std::min(size, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }

    Bytes rest_;
};

void run(Input);

}  // namespace ahoy::fuzz
