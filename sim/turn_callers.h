// Well-behaved people: clients that keep to the RFC, behind NATs, and peers with public addresses.
#pragma once

#include <set>

#include "sim/turn_town.h"
#include "turn/client.h"

namespace ahoy::sim {

class Caller : public Actor {
  public:
    struct Config {
        IpAddress inside;
        uint16_t first_port = 0;  // it takes a new one for each allocation
        TransportAddress server;
        std::string username, password;
        bool password_is_right = true;
        std::optional<AddressFamily> family;
        Duration lifetime = 10min;
        bool mobile = false;
        bool over_tcp = false;
    };
    Caller(Config config, Town& town);

    bool is_at(const TransportAddress& address) const override { return address == at_; }
    void receive(const Packet&) override;
    void hear(const Streams::Heard&) override;
    Instant next() const override;
    void act() override;
    void calm() override;
    bool content() const override { return content_ || gone_ || !config_.password_is_right; }
    void retire() override;
    std::string describe() const override;

  private:
    void do_something();
    void seek();  // gets through, once there are no faults
    void say(const TransportAddress& peer, bool wants_reply);
    void move();
    turn::Client make_client();
    void move_with_allocation();
    void lose_stream();
    void flush();
    void heard(const TransportAddress& peer, Bytes);
    void after(const turn::ClientEvent&);
    TransportAddress somebody();

    Config config_;
    Town& town_;
    Dice dice_;
    TransportAddress at_;
    turn::Client client_;
    Outbox out_;
    std::optional<End> stream_;
    std::vector<uint8_t> unread_;  // of it
    Instant act_at_;
    uint32_t sequence_ = 0;
    std::set<TransportAddress> addresses_;  // relayed ones it was ever given
    std::vector<TransportAddress> friends_;
    bool gone_ = false;
    bool calm_ = false;
    bool content_ = false;
    bool asked_ = false;
};

// Answers what wants an answer, and sometimes speaks unasked, from two ports.
class PlainPeer : public Actor {
  public:
    PlainPeer(TransportAddress address, Town& town, bool talks)
        : at_(address), town_(town), dice_(town.dice.next()), talks_(talks), act_at_(town.soon()) {}

    bool is_at(const TransportAddress& address) const override { return address.ip == at_.ip; }
    void receive(const Packet&) override;
    Instant next() const override { return talks_ ? act_at_ : Instant::max(); }
    void act() override;
    void calm() override { talks_ = false; }

  private:
    TransportAddress at_;
    Town& town_;
    Dice dice_;
    bool talks_;
    Instant act_at_;
    uint32_t sequence_ = 0;
};

}  // namespace ahoy::sim
