// What is said over a connection that a server has joined (RFC 6062): each byte tells who says it
// and where it stands, so that any that is lost, doubled, changed or another's shows.
#pragma once

#include "sim/turn_town.h"

namespace ahoy::sim {

class Talk {
  public:
    explicit Talk(End end) : end_(end) {}

    void say(Town&, size_t size);
    void finish(Town&);
    // TI17: what comes is the beginning of what the other end has said, and all of it at the end.
    void hear(Town&, const Streams::Heard&);

    End end() const { return end_; }
    bool has_heard_all() const { return has_heard_all_; }
    bool is_over() const { return is_over_; }

  private:
    End end_;
    uint64_t heard_ = 0;
    bool has_heard_all_ = false;
    bool is_over_ = false;
};

}  // namespace ahoy::sim
