#include "net/timeouts.h"

#include "net/clock.h"

namespace ahoy::net {
namespace {

// Some hundred microseconds' worth: nobody else shall wait for more.
constexpr int at_once = 32;

}  // namespace

Timed::~Timed() {
    timeouts_.place(*this, Instant::max());
}

void Timed::expires_at(Instant due) {
    due_ = due;
    if (due < looked_at_) {
        timeouts_.place(*this, due);
        timeouts_.arm();
    }
}

void Timed::expires_after(Duration time) {
    expires_at(read_clocks().steady + time);
}

void Timeouts::place(Timed& timed, Instant at) {
    if (timed.looked_at_ != Instant::max()) order_.erase({timed.looked_at_, &timed});
    timed.looked_at_ = at;
    if (at != Instant::max()) order_.emplace(at, &timed);
    // Nothing shall keep a shard that stops.
    if (order_.empty() && std::exchange(armed_for_, Instant::max()) != Instant::max()) {
        timer_.cancel();
    }
}

void Timeouts::arm() {
    if (order_.empty() || order_.begin()->first >= armed_for_) return;
    armed_for_ = order_.begin()->first;
    timer_.expires_at(to_steady(armed_for_));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) look();
    });
}

void Timeouts::look() {
    armed_for_ = Instant::max();
    const Instant now = read_clocks().steady;
    for (int i = 0; i < at_once && !order_.empty() && order_.begin()->first <= now; ++i) {
        Timed& first = *order_.begin()->second;
        const bool is_due = first.due_ <= now;
        if (is_due) first.due_ = Instant::max();
        place(first, first.due_);
        if (is_due) first.expired();
    }
    arm();
}

}  // namespace ahoy::net
