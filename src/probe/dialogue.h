// The steps that are taken with a TURN server over one transport, without sockets and clocks.
//
// Two clients of one user allocate, permit each other and exchange datagrams through both their
// relayed addresses, as two people do who can only be relayed; then a plain socket sends to the
// first one's relayed address, as a peer on the open internet does, which finds closed relay ports.
// The caller owns the sockets and connections of these three legs; what to send goes into its
// Outbox, by leg.  After a failure goes on what can still tell something.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/datagram.h"
#include "base/random.h"
#include "base/time.h"
#include "probe/finding.h"
#include "turn/client.h"

namespace ahoy::probe {

struct Login {
    std::string username;
    std::string password;
    bool rest = false;  // made from a secret
};

struct DialogueConfig {
    TransportAddress server;
    Transport transport{};
    IpAddress local;  // this host's address on the way to the server
    bool relays = true;
    std::optional<Login> login;
    Duration patience = 5s;  // for each step
    unsigned datagrams = 10;
};

class Dialogue {
  public:
    // The legs: of the two clients, and of the plain socket, which sends to relayed().
    static constexpr SocketId first{0}, second{1}, direct{2};

    Dialogue(DialogueConfig, Random);

    void begin(Now, Outbox&);
    // A whole message from a leg.
    void from_network(Now, const Datagram&, Outbox&);
    // The leg's connection is gone, or never was.
    void lost(Now, SocketId leg, Cause, Outbox&);
    void expire(Now, Outbox&);
    Instant next_deadline() const;
    // Gives back at once what was allocated, and waits for no answer.
    void abandon(Now, Outbox&);

    bool done() const { return done_; }
    std::optional<TransportAddress> relayed() const { return clients_[0].relayed(); }
    std::vector<Finding> take_findings() { return std::exchange(findings_, {}); }

  private:
    struct Burst {
        uint64_t tag = 0;
        std::vector<Instant> sent_at;
        std::vector<bool> seen;
        std::vector<Duration> times;
        Instant next;
    };
    // What answers told besides what the client says.
    struct Heard {
        std::string realm;
        std::string software;
        std::string reason;
        std::string alternate;
        std::optional<std::chrono::seconds> lifetime;
    };

    void enter(Now, Step, Outbox&);
    void act(Now, Outbox&);
    bool uses_second() const;
    Cause why_not_direct() const;
    // Ends the step with what the finding says, and begins the next.
    void finish(Now, Finding, Outbox&);
    void fail(Now, Cause, std::string detail, Outbox&);
    Step after(Step, bool good) const;

    void hear(Now, const stun::Message&, SocketId leg, Outbox&);
    void on_challenge(Now, Outbox&);
    void look_at_events(Now, Outbox&);
    bool concerns_step(const turn::ClientEvent&, size_t client) const;
    void on_event(Now, const turn::ClientEvent&, size_t client, Outbox&);
    void succeed(Now, const turn::ClientEvent&, Outbox&);
    void judge_relayed_address(Now, const TransportAddress&, Outbox&);

    void begin_burst(Now, Outbox&);
    void continue_burst(Now, Outbox&);
    void end_burst(Now, Outbox&);
    void take(Now, const turn::Client::Received&, Outbox&);
    Bytes payload(uint32_t number, Outbox&) const;

    DialogueConfig config_;
    Random random_;
    std::array<turn::Client, 2> clients_;
    Step step_{};
    Instant began_;
    Instant due_;
    size_t awaited_ = 0;  // events of the step
    std::optional<Burst> burst_;
    Heard heard_;
    std::array<std::optional<Cause>, 2> gone_;  // the clients' legs
    bool done_ = false;
    std::vector<Finding> findings_;
};

}  // namespace ahoy::probe
