// The events of one participant of our own protocol, numbered from 1, until it has handled them.
//
// What is kept serves whoever lost its socket and comes back.  It is bounded, because the others
// write it: of somebody who is connected, and so has been sent them, the oldest go; what waits for
// somebody who is away is refused to its sender where there is one, and else all is forgotten, and
// the participant is told how much it missed.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ahoy::room {

class EventLog {
  public:
    struct Limits {
        size_t events = 1024;
        size_t bytes = 1 << 20;
    };

    explicit EventLog(Limits limits) : limits_(limits) {}

    uint64_t last() const { return last_; }
    bool has_room_for(size_t bytes) const {
        return events_.size() < limits_.events && bytes_ + bytes <= limits_.bytes;
    }

    // The next event, as a frame: `body` is the inside of a JSON object.
    std::string number(std::string_view body);
    // Keeps what number() gave, and for that forgets the oldest.
    void keep(const std::string& frame);
    void forget_all();

    // The client has handled all up to `seq`.
    void acknowledge(uint64_t seq);
    // The frames after `seq`; nothing when some of them are gone, or never were.
    std::optional<std::vector<std::string>> after(uint64_t seq) const;

    size_t memory() const { return bytes_ + events_.size() * sizeof(std::string); }

  private:
    void forget_first();

    Limits limits_;
    std::deque<std::string> events_;  // the latest ones, up to last_
    size_t bytes_ = 0;
    uint64_t last_ = 0;
};

}  // namespace ahoy::room
