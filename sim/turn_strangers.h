// Enemies: they read along, say everything again, changed or under another's address, and talk to
// relayed addresses without permission.
#pragma once

#include "sim/turn_town.h"

namespace ahoy::sim {

class Stranger : public Actor {
  public:
    Stranger(TransportAddress address, Town& town, bool forges)
        : at_(address),
          town_(town),
          dice_(town.dice.next()),
          forges_(forges),
          act_at_(town.soon()) {}

    bool is_at(const TransportAddress& address) const override { return address.ip == at_.ip; }
    void receive(const Packet&) override {}
    Instant next() const override { return quiet_ ? Instant::max() : act_at_; }
    void act() override;
    void calm() override { quiet_ = true; }

  private:
    void babble();
    void babble_on_a_stream(Bytes);
    void replay();
    void intrude();
    void change(std::vector<uint8_t>&);

    TransportAddress at_;
    Town& town_;
    Dice dice_;
    std::optional<End> stream_;
    uint16_t next_port_ = 30000;
    bool forges_;  // uses what it reads, and others' addresses
    Instant act_at_;
    bool quiet_ = false;
};

}  // namespace ahoy::sim
