// What was written in a room, for who comes later: the latest lines, bounded in number and bytes.
#pragma once

#include <deque>
#include <vector>

#include "room/native.h"

namespace ahoy::room {

class ChatHistory {
  public:
    static constexpr size_t most_lines = 100;
    static constexpr size_t most_bytes = 64 << 10;

    // Lines are numbered from 1 for the life of the room.
    const native::ChatLine& add(native::ChatLine line) {
        line.n = ++last_;
        bytes_ += size(line);
        lines_.push_back(std::move(line));
        while (lines_.size() > most_lines || bytes_ > most_bytes) {
            bytes_ -= size(lines_.front());
            lines_.pop_front();
        }
        return lines_.back();
    }
    void forget_all() {
        lines_.clear();
        bytes_ = 0;
    }
    std::vector<const native::ChatLine*> all() const {
        std::vector<const native::ChatLine*> lines;
        for (const native::ChatLine& line : lines_) lines.push_back(&line);
        return lines;
    }
    size_t memory() const { return bytes_; }

  private:
    static size_t size(const native::ChatLine& line) {
        return sizeof line + line.name.size() + line.text.size();
    }

    std::deque<native::ChatLine> lines_;
    size_t bytes_ = 0;
    uint64_t last_ = 0;
};

}  // namespace ahoy::room
