// What a webhook is still to be told, and when to try: in order within a room, each room for
// itself.
//
// An event that the receiver does not take is tried again after pauses that double, and holds up
// the later ones of its room alone.  While it takes nothing at all it is not asked for every room,
// but by one attempt at a time, after a rest.  Does no I/O and reads no clock; `Webhooks` carries
// the attempts out.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/time.h"

namespace ahoy::app {

class WebhookQueue {
  public:
    struct Limits {
        size_t events = 10'000;
        size_t attempts_at_once = 16;
        Duration first_pause = 1s;
        Duration longest_pause = 5min;
        Duration patience = 1h;  // then an event is given up at its next failure
    };
    struct Event {
        std::string id;
        std::string body;
        Instant since;
    };
    struct Attempt {
        std::string room;
        Event event;
    };

    WebhookQueue(const Limits& limits, Random random)
        : limits_(limits), random_(std::move(random)) {}

    // False when the queue is full: the new one is refused, so that what is told has no gaps behind
    // which nothing can be trusted.
    bool put(std::string_view room, Event);
    // What to try now; done() or failed() follows for its room.
    std::optional<Attempt> take(Instant now);
    void done(Instant now, std::string_view room);
    // How many events were given up.
    size_t failed(Instant now, std::string_view room);

    // When take() has something next, unless attempts are under way; Instant::max() for never.
    Instant next_due() const;
    // The latest attempt did, of whichever room.
    bool fails() const { return fails_; }
    size_t size() const { return size_; }
    size_t attempts() const { return attempts_; }  // under way

  private:
    struct Line {
        std::deque<Event> events;
        unsigned failures = 0;  // one after the other
        bool under_way = false;
    };
    using Lines = std::map<std::string, Line, std::less<>>;

    bool may_try() const { return attempts_ < (fails_ ? 1 : limits_.attempts_at_once); }
    Duration pause(unsigned failures);
    void drop_first(Line&);
    void go_on(Lines::iterator, Instant due);

    const Limits limits_;
    Random random_;
    Lines lines_;                                         // by room
    std::set<std::pair<Instant, std::string_view>> due_;  // those not under way; views of the keys
    size_t size_ = 0;
    size_t attempts_ = 0;
    bool fails_ = false;
    Instant rests_until_;
};

}  // namespace ahoy::app
