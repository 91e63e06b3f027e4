// Which numbers of one sequence have come: tells late ones and repeated ones apart.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>

namespace ahoy::bench {

enum class Arrival : uint8_t { in_order, late, duplicate };

class Arrivals {
  public:
    // How far behind the highest number it is remembered what has come.
    static constexpr uint32_t memory = 1024;

    // A number from longer ago than `memory` counts as late, though it may be a duplicate.
    Arrival add(uint32_t number) {
        if (number >= next_) {
            if (number - next_ >= memory) {
                come_.reset();
            } else {
                for (uint32_t n = next_; n < number; ++n) come_.reset(n % memory);
            }
            next_ = number + 1;
            come_.set(number % memory);
            return Arrival::in_order;
        }
        if (next_ - number > memory) return Arrival::late;
        if (come_.test(number % memory)) return Arrival::duplicate;
        come_.set(number % memory);
        return Arrival::late;
    }

  private:
    uint32_t next_ = 0;
    std::bitset<memory> come_;
};

}  // namespace ahoy::bench
