// People who know the protocol to its corners and write their requests by hand: two families, even
// ports, reservations, repeated transactions, conflicting channels, other people's names and
// nonces, what no client would send.
#pragma once

#include "sim/turn_town.h"
#include "stun/message.h"

namespace ahoy::sim {

class Asker : public Actor {
  public:
    Asker(std::vector<TransportAddress> addresses, Town& town);

    bool is_at(const TransportAddress&) const override;
    void receive(const Packet&) override;
    Instant next() const override { return quiet_ ? Instant::max() : act_at_; }
    void act() override;
    void calm() override { quiet_ = true; }

  private:
    // One address from which it asks, with what it has learned there.
    struct Identity {
        TransportAddress at;
        TransportAddress server;
        std::string user, password;
        std::string realm = "?";
        std::string nonce = "?";
        stun::TransactionId last_allocate{};
    };

    Identity identity(const TransportAddress&);
    void ask(Identity&);
    void send_data(Identity&);
    void write_allocate(stun::MessageWriter&);
    void write_peers(stun::MessageWriter&, const stun::TransactionId&);
    void write_channel(stun::MessageWriter&, const stun::TransactionId&);
    void sign(stun::MessageWriter&, const Identity&);
    void add_disguised_peer(stun::MessageWriter&, const stun::TransactionId&, const IpAddress& v4);
    TransportAddress somebody();
    void bring_ticket(stun::MessageWriter&, Identity&);
    uint32_t some_lifetime();

    Town& town_;
    Dice dice_;
    std::vector<Identity> identities_;
    // A mobile allocation's, of whom it is.
    struct Ticket {
        std::vector<uint8_t> bytes;
        std::string user, password;
    };

    std::vector<std::vector<uint8_t>> tokens_;
    std::vector<Ticket> tickets_;
    Instant act_at_;
    bool quiet_ = false;
};

}  // namespace ahoy::sim
