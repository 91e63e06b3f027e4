// Everything between one shard's turn::Server and the network: its UDP listeners and relay sockets,
// and the connections of clients who come by TCP, TLS or DTLS.
//
// The UDP sockets sit in one epoll set of their own, and Asio watches that set: thousands of relay
// sockets cost the reactor one descriptor.  A round reads what is ready, up to a batch, hands every
// datagram to the core and sends the answers; then everything else on this shard gets its turn.
// No lock, no allocation and no virtual call on this path.
//
// Connections read for themselves; they are known here by the SocketId under which they attached.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "base/datagram.h"
#include "base/random.h"
#include "base/result.h"
#include "net/client_transport.h"
#include "net/relay_addresses.h"
#include "net/turn_shared.h"
#include "net/udp_batch.h"
#include "turn/relay_ports.h"
#include "turn/server.h"

namespace ahoy::net {

class Dtls;

class TurnSockets final : public turn::RelayPorts {
  public:
    // `addresses` and `shared` are all shards' and outlive this.
    TurnSockets(boost::asio::any_io_executor, RelayAddresses& addresses, TurnShared& shared,
                PortRange, Random);
    ~TurnSockets() override;
    TurnSockets(const TurnSockets&) = delete;
    TurnSockets& operator=(const TurnSockets&) = delete;

    // Opens a listener that shares its port with the other shards' (SO_REUSEPORT).  The result is
    // the address with the port the kernel chose, if it was 0.  Throws StartError, naming `key`.
    TransportAddress listen(const TransportAddress&, std::string_view key);

    // The listener that receives what is sent to that address, and can answer from there.
    std::optional<SocketId> listener_at(const TransportAddress&) const;
    bool is_listener(SocketId) const;

    // Datagrams arrive there one by one (no UDP_GRO) while it is forbidden more often than allowed.
    void forbid_coalescing(SocketId);
    void allow_coalescing(SocketId);

    // From now on datagrams go to `server`, which outlives this or stop().
    void start(turn::Server& server);
    void stop();

    // DTLS records that arrive on listeners go there, until stop().
    void use(Dtls& dtls) { dtls_ = &dtls; }

    // ---- connections, each between attach() and detach()
    SocketId attach(ClientTransport&);
    // A whole message of one.  Its bytes stay valid until flush(), which sends what was answered.
    void from_client(Now, const Datagram&);
    void flush();
    // Anything else that the core is to be told: event(turn::Server&, Outbox&).
    template <class Event>
    void tell(Event&& event) {
        if (server_ == nullptr) return;
        if (!outbox_.has_room()) send_now();
        event(*server_, outbox_);
        flush();
    }
    void send_now();  // what was answered so far, in the middle of a batch
    bool has_allocation(const turn::FiveTuple&, Now);
    void detach(const turn::FiveTuple&, Now);
    // A DTLS record to whom `path` came from; its bytes are copied.
    void send_record(const Datagram& path, Bytes record);

    // ---- turn::RelayPorts
    bool supports(AddressFamily) const override;
    std::optional<turn::OpenedPorts> open(AddressFamily, turn::Parity, const IpAddress&) override;
    void close(const turn::RelayPort&) override;
    void reserve(const turn::RelayPort&, turn::Reservation) override;
    std::optional<turn::RelayPort> redeem(const stun::ReservationToken&, const turn::User& user,
                                          Instant) override;
    size_t reserved() const override { return shared_.reserved(); }
    Instant withdraw_expired(Instant now) override;
    std::optional<turn::Quotas::Refused> charge(const turn::User& user, const IpAddress& client,
                                                const turn::Counts& more,
                                                const turn::Quotas::Limits&) override;
    void discharge(const turn::User& user, const IpAddress& client,
                   const turn::Counts& fewer) override;
    turn::Buckets buckets_of(const turn::User& user, const IpAddress& client, Instant) override;
    bool is_own(const IpAddress&) const override;
    bool is_live(const TransportAddress&) const override;

    const SendCounts& sent() const { return sender_.counts(); }

  private:
    enum class Kind : uint8_t { free, closing, listener, relay, connection };
    struct Socket {
        int fd = -1;
        Kind kind = Kind::free;
        bool any_local = false;    // bound to no address: each datagram says its own
        TransportAddress local;    // as clients know it
        size_t relay_address = 0;  // index into addresses_, of a relay socket
        uint32_t forbids_coalescing = 0;
        ClientTransport* connection = nullptr;
    };

    SocketId add(const Socket&);
    SocketId add(const TurnShared::HeldPort&);
    void forget(SocketId);
    bool watch(SocketId, int fd);
    enum class Denied : uint8_t { taken, exhausted };
    Result<turn::RelayPort, Denied> open_port(size_t relay_address, uint16_t port);
    std::optional<turn::OpenedPorts> search(size_t relay_address, turn::Parity, bool resting_too);
    void wake_rested(Instant);
    void close_socket(SocketId);
    void reclaim_closed();

    void wait_readable();
    void read_round();
    void read_errors(size_t index, Now);
    void read_socket(size_t index, Now);
    void send_records();
    void send_all(const Socket&, std::span<const Transmit* const>);
    void wait_deadline();
    void on_deadline();

    RelayAddresses& addresses_;
    TurnShared& shared_;
    const PortRange ports_;
    Random random_;
    boost::asio::posix::stream_descriptor epoll_;
    boost::asio::steady_timer timer_;
    Instant timer_at_ = Instant::max();
    turn::Server* server_ = nullptr;

    std::vector<Socket> sockets_;  // by SocketId
    std::vector<uint32_t> free_;
    std::vector<uint32_t> closing_;
    struct Resting {
        size_t relay_address;
        uint16_t port;
        Instant until;
    };
    std::deque<Resting> resting_;

    ReceiveBatch receiver_;
    std::vector<Received> received_;
    Outbox outbox_;
    std::vector<const Transmit*> order_;
    Dtls* dtls_ = nullptr;
    Outbox records_;
    std::vector<const Transmit*> record_order_;
    SendBatch sender_;
};

}  // namespace ahoy::net
