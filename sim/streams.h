// TCP as its ends see it: what one end says the other hears, in order and without a gap, but cut
// anywhere; either may say no more, or close.
#pragma once

#include <map>
#include <vector>

#include "base/crypto.h"
#include "base/time.h"
#include "sim/dice.h"

namespace ahoy::sim {

// One end of a connection.
enum class End : uint32_t {};
constexpr End other(End end) {
    return End{static_cast<uint32_t>(end) ^ 1};
}

class Streams {
  public:
    explicit Streams(Dice dice) : dice_(dice) {}

    // The end of whoever opens it, who may speak at once.  The other end hears of it first, and
    // accepts, closes or stays silent.
    End open(Instant);
    void accept(Instant, End);  // so that the opener hears of it, too
    void say(Instant, End, Bytes);
    // It says no more (FIN).
    void finish(Instant, End);
    // It hears no more either.  Of what it has said some may be lost (RST), unless it had finished.
    void close(Instant, End);
    // What is said to it stays where it is, until it reads.
    void hold(End);
    void read(Instant, End);
    void close_all() { pipes_.clear(); }
    void set_slowest(Duration slowest) { slowest_ = slowest; }

    Instant next() const;
    struct Heard {
        enum class Kind : uint8_t { opened, data, finished, closed };
        End end{};  // who hears it
        Kind kind{};
        std::vector<uint8_t> bytes;
    };
    // What is heard at next().
    Heard take(Instant now);

  private:
    // What is on its way to an end.
    struct Pipe {
        bool opens = false, finishes = false, closes = false;
        bool finished = false;  // and heard
        bool held = false;
        std::vector<uint8_t> bytes;
        Instant at = Instant::max();

        bool has_news() const {
            return opens || !bytes.empty() || closes || (finishes && !finished);
        }
    };
    Pipe* towards(End);
    void wake(Instant, Pipe&);

    Dice dice_;
    Duration slowest_ = 40ms;
    uint32_t next_ = 0;
    std::map<End, Pipe> pipes_;
};

}  // namespace ahoy::sim
