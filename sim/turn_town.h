// What everybody in the TURN world shares, and what an actor is.
#pragma once

#include <string>
#include <vector>

#include "sim/network.h"
#include "sim/payload.h"
#include "sim/turn_model.h"

namespace ahoy::sim {

struct Town {
    Dice dice;
    Network network;
    Trace& trace;
    Now now;
    Duration pace;  // about how much time passes between two deeds of one actor

    std::vector<TransportAddress> listeners;  // of the server
    std::vector<TransportAddress> peers;      // who answer
    std::vector<TransportAddress> denied;     // who must never hear a word
    std::vector<TransportAddress> relayed;    // that were given out, live or not
    std::vector<Packet> captured;             // on the way to the server, by who reads along
    Accounts accounts;
    RelayTable relays;
    // Nobody's payload is damaged or replayed under another name, so where it arrives tells.
    bool payloads_tell = true;

    void send(const TransportAddress& from, const TransportAddress& to, Bytes bytes) {
        network.send(now.steady, from, to, bytes);
    }
    Instant soon() { return now.steady + dice.between(pace / 8, pace * 2); }
};

class Actor {
  public:
    virtual ~Actor() = default;
    virtual bool is_at(const TransportAddress&) const = 0;
    virtual void receive(const Packet&) = 0;
    virtual Instant next() const = 0;
    virtual void act() = 0;
    // Faults have stopped: from now on whoever is honest wants to get through, others are quiet.
    virtual void calm() = 0;
    virtual bool content() const { return true; }
    // Gives back what it has and is quiet.
    virtual void retire() {}
};

}  // namespace ahoy::sim
