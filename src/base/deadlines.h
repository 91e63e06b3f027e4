// When to look at whom next.
//
// One entry per id, and it may be early: when it comes due, its owner looks at what really expires
// and either reclaims it or puts it back.  So refreshing something costs nothing here, and nothing
// depends on a timer being exact: table entries carry their own expiry and are checked on use.
#pragma once

#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "base/time.h"

namespace ahoy {

template <class Id>
class Deadlines {
  public:
    void put(Instant at, Id id) { heap_.push({at, order_++, std::move(id)}); }

    // Something that is due at `now`, taken out; nothing when none is.
    std::optional<Id> take_due(Instant now) {
        if (heap_.empty() || heap_.top().at > now) return {};
        Id id = heap_.top().id;
        heap_.pop();
        return id;
    }
    // The earliest deadline; Instant::max() when there is none.
    Instant next() const { return heap_.empty() ? Instant::max() : heap_.top().at; }
    size_t size() const { return heap_.size(); }

  private:
    struct Entry {
        Instant at;
        uint64_t order;  // equal deadlines come due in the order they were put
        Id id;
        bool operator>(const Entry& other) const {
            return std::pair(at, order) > std::pair(other.at, other.order);
        }
    };
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> heap_;
    uint64_t order_ = 0;
};

}  // namespace ahoy
