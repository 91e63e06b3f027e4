// A TURN client (RFC 8656, sections 7 to 12) without sockets and clocks, for simulations, the load
// generator and the doctor.
//
// It allocates, keeps what it has got alive until it is closed, and retransmits over UDP as RFC
// 8489, section 6.2.1, says.  What happened is asked for with take_events(); relayed data comes
// back from from_server() itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/datagram.h"
#include "base/random.h"
#include "base/time.h"
#include "stun/message.h"
#include "turn/channel_data.h"
#include "turn/credentials.h"

namespace ahoy::turn {

struct ClientConfig {
    SocketId socket{};
    TransportAddress server;
    std::string username;
    std::string password;
    std::optional<AddressFamily> family;  // of the relayed address; absent: not asked for
    Duration lifetime = 10min;
    bool mobile = false;    // asks for a ticket (RFC 8016), and does without if there is none
    bool reliable = false;  // over a stream: nothing is sent twice
};

struct ClientEvent {
    enum class Kind : uint8_t {
        mapped,     // a Binding response: `address` is ours as the server sees it
        allocated,  // `address` is the relayed one
        permitted,  // datagrams from and to the peer at `address` pass
        bound,      // a channel is bound to the peer at `address`
        refused,    // a request about `address` was, with `error`
        timed_out,  // a request about `address` was not answered
        ended,      // there is no allocation any more
    };
    Kind kind{};
    stun::Method method{};
    TransportAddress address;
    stun::ErrorCode error{};

    friend bool operator==(const ClientEvent&, const ClientEvent&) = default;
};

class Client {
  public:
    enum class State : uint8_t { idle, allocating, allocated, closing, closed };

    Client(ClientConfig, Random);

    void request_binding(Now, Outbox&);
    // From idle or closed.
    void allocate(Now, Outbox&);
    void permit(Now, const IpAddress& peer, Outbox&);
    // Also permits the peer's address.
    void bind_channel(Now, const TransportAddress& peer, Outbox&);
    // Over the channel once it is bound, else in a Send indication.  `payload` stays valid until
    // the outbox is flushed.
    void send(const TransportAddress& peer, Bytes payload, Outbox&);
    // From now on it speaks from another address: a mobile one takes its allocation with it.  To be
    // called again if that times out.
    void move(Now, Outbox&);
    // Gives the allocation back.
    void close(Now, Outbox&);

    struct Received {
        TransportAddress peer;
        Bytes payload;  // of the datagram given in
        bool by_channel = false;
    };
    // Whole messages; what a peer sent through the relay, if it was that.
    std::optional<Received> from_server(Now, const Datagram&, Outbox&);
    void expire(Now, Outbox&);
    Instant next_deadline() const;

    State state() const { return state_; }
    const std::optional<TransportAddress>& relayed() const { return relayed_; }
    const std::optional<TransportAddress>& mapped() const { return mapped_; }
    std::optional<ChannelNumber> channel_to(const TransportAddress& peer) const;
    std::vector<ClientEvent> take_events() { return std::exchange(events_, {}); }

  private:
    // What is asked for; the request is written anew when the server wants another nonce.
    struct Wish {
        stun::Method method{};
        TransportAddress peer;  // CreatePermission, ChannelBind; the former without port
        std::optional<ChannelNumber> channel;
        Duration lifetime{};
        bool moves = false;       // Refresh with the ticket
        unsigned challenges = 0;  // how often it was sent back with 401 or 438
    };
    struct Transaction {
        stun::TransactionId id{};
        Wish wish;
        std::vector<uint8_t> request;
        unsigned sent = 0;
        Duration wait{};
        Instant due;
    };
    // A permission (without port and channel) or a channel to be renewed.
    struct Upkeep {
        TransportAddress peer;
        std::optional<ChannelNumber> channel;
        bool confirmed = false;
        Instant renew_at;
    };

    void begin(Now, const Wish&, Outbox&);
    void transmit(Now, Transaction&, Outbox&);
    std::vector<uint8_t> write(const Wish&, const stun::TransactionId&) const;
    std::optional<Received> on_channel_data(Bytes) const;
    std::optional<Received> on_data(const stun::Message&) const;
    void on_response(Now, const stun::Message&, Outbox&);
    void on_success(Now, const Wish&, const stun::Message&);
    void on_error(Now, Wish, const stun::Message&, Outbox&);
    bool accept_challenge(const Wish&, stun::ErrorCode, const stun::Message&);
    void fail(const Wish&, ClientEvent::Kind, stun::ErrorCode);
    void keep(Now, const Wish&);
    void ended();
    void say(ClientEvent::Kind, const Wish&, const TransportAddress&, stun::ErrorCode = {});
    Upkeep* find(const TransportAddress& peer);
    const Upkeep* find(const TransportAddress& peer) const;

    ClientConfig config_;
    Random random_;
    State state_ = State::idle;
    std::string realm_;
    std::string nonce_;
    std::optional<Md5> key_;
    std::optional<TransportAddress> relayed_;
    std::optional<TransportAddress> mapped_;
    Instant refresh_at_ = Instant::max();
    std::vector<uint8_t> ticket_;
    uint16_t next_channel_ = ChannelNumber::first;
    std::vector<Transaction> transactions_;
    std::vector<Upkeep> upkeep_;
    std::vector<ClientEvent> events_;
};

}  // namespace ahoy::turn
