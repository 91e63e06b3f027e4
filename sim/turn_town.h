// What everybody in the TURN world shares, and what an actor is.
#pragma once

#include <string>
#include <vector>

#include "sim/network.h"
#include "sim/payload.h"
#include "sim/turn_model.h"

namespace ahoy::sim {

class Actor;

struct Town {
    Dice dice;
    Network network;
    Streams streams;
    Trace& trace;
    Now now;
    Duration pace;  // about how much time passes between two deeds of one actor

    std::vector<TransportAddress> listeners;  // of the server
    std::vector<TransportAddress> peers;      // who answer
    std::vector<TransportAddress> denied;     // who must never hear a word
    std::vector<TransportAddress> relayed;    // that were given out, live or not
    std::vector<Packet> captured;             // on the way to the server, by who reads along

    // Of TCP allocations (RFC 6062).
    std::vector<TransportAddress> stream_peers;  // who accept connections
    std::vector<TransportAddress> relayed_tcp;   // as above
    std::vector<uint32_t> connection_ids;        // that were given out, to whomever

    // Connections.
    struct Call {
        TransportAddress from, to;
    };
    struct Said {
        uint64_t bytes = 0;
        bool all = false;
    };
    std::map<End, Call> calls;   // that nobody has taken yet, by the end that is called
    std::map<End, Actor*> ears;  // whose end this is, if not the server's
    std::map<End, End> joined;   // two ends of which the server has made one connection
    std::map<End, Said> said;    // over it, by each end

    Accounts accounts;
    RelayTable relays;
    // Nobody's payload is damaged or replayed under another name, so where it arrives tells.
    bool payloads_tell = true;

    void send(const TransportAddress& from, const TransportAddress& to, Bytes bytes) {
        network.send(now.steady, from, to, bytes);
    }
    End dial(Actor& caller, const TransportAddress& from, const TransportAddress& to) {
        const End end = streams.open(now.steady);
        calls[other(end)] = {from, to};
        ears[end] = &caller;
        return end;
    }
    void hang_up(End end) {
        streams.close(now.steady, end);
        ears.erase(end);
    }
    // Whom one hears: who is connected with a relayed address hears who has joined the other side.
    std::optional<End> partner(End end) const {
        auto found = joined.find(end);
        if (found == joined.end()) return {};
        const auto beyond = joined.find(other(found->second));
        return beyond == joined.end() ? found->second : beyond->second;
    }
    Instant soon() { return now.steady + dice.between(pace / 8, pace * 2); }
};

class Actor {
  public:
    virtual ~Actor() = default;
    virtual bool is_at(const TransportAddress&) const = 0;
    virtual void receive(const Packet&) = 0;
    // Somebody connects to it, who hears no answer if it does nothing.
    virtual void called(End, const Town::Call&) {}
    virtual void hear(const Streams::Heard&) {}
    virtual Instant next() const = 0;
    virtual void act() = 0;
    // Faults have stopped: from now on whoever is honest wants to get through, others are quiet.
    virtual void calm() = 0;
    virtual bool content() const { return true; }
    // Where it lost its way, for a violation's text.
    virtual std::string describe() const { return {}; }
    // Gives back what it has and is quiet.
    virtual void retire() {}
};

}  // namespace ahoy::sim
