// Who takes too long: one timer for all connections of a shard.
//
// Almost every deadline moves away before it comes: with the next request, with every message.  So
// a deadline that moves away costs a store; its place in the order stays, and is looked at again
// when it comes up.  Of many that are due at once some are dealt with, and then others have their
// turn.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <set>
#include <utility>

#include "base/time.h"

namespace ahoy::net {

class Timeouts;

// Something with a deadline, which stays where it is.
class Timed {
  public:
    explicit Timed(Timeouts& timeouts) : timeouts_(timeouts) {}
    virtual ~Timed();
    Timed(const Timed&) = delete;
    Timed& operator=(const Timed&) = delete;

    // Instead of the deadline before; Instant::max(): never.
    void expires_at(Instant);
    void expires_after(Duration);

  protected:
    // Once for each deadline that passes.  May destroy this.
    virtual void expired() = 0;

  private:
    friend class Timeouts;
    Timeouts& timeouts_;
    Instant due_ = Instant::max();
    Instant looked_at_ = Instant::max();  // its place in the order, not later than due_
};

class Timeouts {
  public:
    explicit Timeouts(boost::asio::io_context& io) : timer_(io) {}

  private:
    friend class Timed;
    void place(Timed&, Instant);
    void arm();
    void look();

    std::set<std::pair<Instant, Timed*>> order_;
    boost::asio::steady_timer timer_;
    Instant armed_for_ = Instant::max();
};

}  // namespace ahoy::net
