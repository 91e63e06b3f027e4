// Datagrams both ways between clients and one peer, as fast as told, and what became of them.
//
// Every payload carries its flow, its number and the time it was sent, so loss, order, repetition
// and delay are known for each one and not estimated.
#pragma once

#include <sys/socket.h>

#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "bench/arrivals.h"
#include "bench/histogram.h"
#include "bench/session.h"
#include "net/socket_address.h"
#include "net/udp_batch.h"

namespace ahoy::bench {

struct Load {
    size_t size = 160;     // bytes of payload
    unsigned burst = 1;    // datagrams in one UDP_SEGMENT send
    double rate = 0;       // datagrams a second, all flows and both ways together; 0: by window
    unsigned window = 80;  // datagrams under way each way, of all flows together
    Duration warm_up = 500ms;
    Duration length = 5s;
};

// Of the time measured, one direction.
struct Count {
    uint64_t sent = 0;
    uint64_t arrived = 0;    // of those sent
    uint64_t delivered = 0;  // arrived in that time, whenever they were sent
    uint64_t late = 0;       // behind one that was sent after it
    uint64_t duplicates = 0;
    uint64_t not_sent = 0;  // our own socket's buffer was full
    Histogram delay;

    void add(const Count&);
};

// The client's end of a flow.
struct End {
    int fd;                       // connected to where its datagrams go
    TransportAddress reached_at;  // by the peer
    // Null when no server is in between.
    Session* session = nullptr;
    std::optional<turn::ChannelNumber> channel{};  // of the session, to the peer
};

// The sessions have a channel bound to the peer.
std::vector<End> relayed_ends(Sessions&, const TransportAddress& peer);

class Traffic {
  public:
    static constexpr size_t least_size = 24;  // bytes of payload, for the stamp
    static constexpr size_t most_size = 1448;
    static constexpr size_t most_burst = 32;

    // Either all ends have sessions or none; they and the peer's socket outlive this.
    Traffic(const std::vector<End>&, Descriptor& peer, const Load&);

    // `measure` is called when the time measured begins and when it ends.
    void run(const std::function<void()>& measure);
    const Count& to_peers() const { return counts_[0]; }
    const Count& to_clients() const { return counts_[1]; }

  private:
    enum Way : uint8_t { to_peer, to_client };
    struct Stamp {
        uint64_t run;
        int64_t sent_at;
        uint32_t flow;
        uint32_t number;
    };
    static_assert(sizeof(Stamp) == least_size);
    struct Direction {
        uint32_t next = 0;
        Arrivals arrivals;
    };
    struct Flow {
        End end;
        net::SocketAddress reached_at;
        std::array<uint8_t, turn::ChannelData::header_size> header{};  // with a session
        std::array<Direction, 2> directions;
    };

    void send_due();
    void send_by_rate();
    void send_by_window(Way);
    bool send(uint32_t flow, Way);
    bool send_from_client(Flow&, uint32_t flow);
    void queue_to_client(Flow&, uint32_t flow);
    void flush_peer();
    void stamp(uint8_t* payload, uint32_t flow, Way);
    void count_sent(Way, bool went);

    void wait(Instant until);
    void receive(size_t index);
    void take(Bytes payload, Way, Instant arrived_at);
    void keep_alive();
    void read_clock();
    // Of the period in which a datagram was sent; what is from before the last one is lost.
    unsigned& under_way(Way, Instant sent_at);
    bool measuring(Instant at) const { return at >= from_ && at < to_; }

    const Load load_;
    const size_t header_size_;  // of what a client sends
    const int peer_;
    Descriptor epoll_;
    uint64_t run_id_ = 0;
    std::vector<Flow> flows_;
    std::array<Count, 2> counts_;

    Instant now_;
    Instant begin_, from_, to_;
    Instant heard_at_;
    Instant upkeep_at_;
    bool sending_ = true;
    uint64_t turns_ = 0;  // bursts that were due so far, by rate
    struct Window {
        uint32_t next_flow = 0;
        std::array<unsigned, 2> under_way{};  // of the current period and the one before, in turn
    };
    std::array<Window, 2> windows_;
    uint64_t period_ = 0;

    std::vector<uint8_t> client_buffer_;
    std::vector<uint8_t> peer_buffer_;
    struct Queued {
        uint32_t flow;
        iovec piece;
        net::ControlBuffer control;
    };
    std::vector<Queued> queued_;
    std::vector<mmsghdr> headers_;
    net::ReceiveBatch receiver_;
    std::vector<net::Received> received_;
};

}  // namespace ahoy::bench
