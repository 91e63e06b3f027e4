// Who talks over TCP allocations (RFC 6062): clients, who write their requests by hand, and peers,
// who accept, refuse, stay silent and come by themselves.
#pragma once

#include <map>

#include "sim/talk.h"
#include "stun/message.h"

namespace ahoy::sim {

class Joiner : public Actor {
  public:
    struct Config {
        IpAddress ip;
        TransportAddress server;
        std::string user;
    };
    Joiner(Config config, Town& town);

    bool is_at(const TransportAddress& address) const override { return address.ip == config_.ip; }
    void receive(const Packet&) override {}
    void hear(const Streams::Heard&) override;
    Instant next() const override { return act_at_; }
    void act() override;
    void calm() override;
    bool content() const override { return content_; }
    void retire() override;
    std::string describe() const override;

  private:
    struct Wish {
        stun::Method method{};
        std::optional<TransportAddress> peer;
        std::optional<uint32_t> id;
        uint32_t lifetime = 600;
        unsigned tries = 0;
    };
    // A stream to the server.
    struct Line {
        TransportAddress at;
        std::string user;
        std::string realm, nonce;
        std::vector<uint8_t> unread;
        std::map<stun::TransactionId, Wish> wishes;
        std::optional<Talk> talk;  // once it has joined a peer
        bool spoke_early = false;  // before it knew
    };
    using Lines = std::map<End, Line>;

    void do_something();
    void seek();
    End dial(const std::string& user);
    void hang_up(End);
    void ask(End, Line&, Wish);
    void join(uint32_t id);
    void understand(End, Line&, Bytes message);
    void succeeded(End, Line&, const Wish&, const wire::Stun&);
    void refused(End, Line&, Wish, const wire::Stun&);
    void chat(End, Line&);
    TransportAddress somebody();
    bool is_control(End end) const { return control_ == end; }

    Config config_;
    Town& town_;
    Dice dice_;
    uint16_t next_port_ = 20000;
    Lines lines_;
    std::optional<End> control_;
    bool allocated_ = false;
    std::vector<uint32_t> ids_;  // of connections that wait to be joined, or did
    Instant act_at_;
    bool calm_ = false;
    bool content_ = false;
    int refused_ = 0;  // with what, the last time
};

class StreamPeer : public Actor {
  public:
    StreamPeer(TransportAddress address, Town& town)
        : at_(address), town_(town), dice_(town.dice.next()), act_at_(town.soon()) {}

    bool is_at(const TransportAddress& address) const override { return address.ip == at_.ip; }
    void receive(const Packet&) override {}
    void called(End, const Town::Call&) override;
    void hear(const Streams::Heard&) override;
    Instant next() const override { return calm_ ? Instant::max() : act_at_; }
    void act() override;
    void calm() override { calm_ = true; }

  private:
    TransportAddress at_;
    Town& town_;
    Dice dice_;
    std::map<End, Talk> talks_;
    Instant act_at_;
    bool calm_ = false;
};

}  // namespace ahoy::sim
