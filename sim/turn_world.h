// A TURN server in a bad world: shards, NATs, a lossy network, honest clients and others, all from
// one seed.
//
// Each run draws its own configuration first (which features are on, how short lifetimes are, how
// small the limits), then lets everything happen that may, then stops all faults and looks whether
// the honest get through, and at last whether nothing remains.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "sim/turn_town.h"

namespace ahoy::sim {

class TurnWorld {
  public:
    // With `offload` bound channels are relayed by the kernel path, which changes nothing.
    enum class Offload : bool { no, yes };
    TurnWorld(uint64_t seed, std::optional<Duration> length, Trace& trace,
              Offload offload = Offload::no);
    ~TurnWorld();
    void run();

  private:
    class Moves;
    class PeerStreams;
    class Connections;
    struct Shard;

    // turn_setup.cc
    void draw_configuration();
    void draw_peers();
    void build_shards();
    void build_actors();
    void add_caller(size_t index);
    void draw_quotas();
    void draw_redirection();
    TurnModel::Rules rules() const;
    void start_all();
    void start(Shard&);
    std::shared_ptr<const turn::Realms> make_realms() const;
    turn::Alternates make_alternates() const;

    // turn_world.cc
    void run_until(Instant);
    bool step(Instant limit);
    void arrive(const Packet&);
    void hear(const Streams::Heard&);
    std::vector<Sent> sent();
    void post(size_t shard, std::function<void(Shard&)>);
    void to_server(Shard&, const Datagram&, bool from_client, std::optional<Sent> relayed = {});
    void expire(Shard&);
    void forward(Shard&, const std::vector<Sent>&);
    void check_drops(Shard&, const Datagram&, uint64_t drops_before, bool silent);
    static void check_work(uint64_t);
    void check_charges();
    void check_nothing_remains();
    void strike();  // a fault of the server's surroundings
    void restart();
    void reload();
    void reload(Shard&);
    void drain_or_not();
    void calm();
    void converge();
    void drain();
    Shard& shard_of(const TransportAddress& client, const TransportAddress& listener);
    std::optional<SocketId> listening_socket(const TransportAddress&) const;

    // turn_moves.cc
    void hand_up(Shard&, const turn::Waiting&);
    void deliver(Shard&);
    void deliver_all();

    // turn_offload.cc
    void offload(Shard&);
    std::optional<Sent> relay_in_kernel(Shard&, const Datagram&);
    void count_carried(Shard&);

    Town town_;
    std::optional<Duration> length_;
    Offload offload_;
    unsigned mtu_;
    turn::ServerConfig config_;
    PortPool pool_;
    std::vector<IpAddress> own_;
    std::vector<std::string_view> allow_, deny_;
    std::optional<turn::Redirect> redirects_;
    std::vector<TransportAddress> alternates_;
    bool mobility_ = false;
    bool relays_tcp_ = false;
    turn::Nonces::Secret secret_{};
    turn::Tickets::Secret ticket_secret_{};
    NetworkFaults faults_;
    Duration lateness_{};    // of what expires
    Duration post_delay_{};  // between shards
    bool restarts_ = false, reloads_ = false, rebinds_ = false, clock_jumps_ = false;
    bool revokes_ = false;  // who is no user any more loses what he has
    bool drains_ = false;
    bool forges_ = false;

    NonceBook nonces_;
    std::unique_ptr<TurnModel> model_;
    turn::MobileAllocations mobile_;
    turn::Observer observer_;
    std::deque<Nat> nats_;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::unique_ptr<Connections> connections_;
    std::vector<std::unique_ptr<Actor>> actors_;
    Instant strike_at_ = Instant::max();
    Outbox out_;
};

}  // namespace ahoy::sim
