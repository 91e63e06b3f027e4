// The TURN server (RFC 8656) without sockets and clocks; one per shard.
//
// Everything a client does arrives in from_client(), everything its peers send in from_peer(); what
// is to be sent goes into the caller's Outbox during the call.  A stranger leaves no state: that
// begins with an Allocate request that has proved its credentials with a fresh nonce.
//
// Who asks: authentication.cc; requests: requests.cc, Binding: binding.cc; answers, errors among
// them: answers.cc; the table of allocations: server.cc; relayed data: relay.cc, and what the shell
// relays of it without asking: shortcuts.cc; TCP allocations (RFC 6062): tcp_relay.cc; mobility
// (RFC 8016): moves.cc.  Over streams the shell frames messages, pads ChannelData and says
// client_gone().
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/datagram.h"
#include "base/deadlines.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "stun/message.h"
#include "turn/allocation.h"
#include "turn/alternates.h"
#include "turn/bandwidth.h"
#include "turn/channel_data.h"
#include "turn/discovery.h"
#include "turn/fast_path.h"
#include "turn/mobility.h"
#include "turn/peer_streams.h"
#include "turn/realms.h"
#include "turn/relay_ports.h"
#include "turn/reply_budget.h"
#include "turn/stats.h"

namespace ahoy::turn {

struct ServerConfig {
    std::string software;  // SOFTWARE in authenticated answers; empty: none
    Duration default_lifetime = 10min;
    Duration max_lifetime = 1h;
    Duration permission_lifetime = 5min;  // RFC 8656, section 9
    Duration channel_lifetime = 10min;    // RFC 8656, section 12
    Quotas::Limits quotas{
        // A browser in a room of eight makes up to 7 peer connections × 3 URLs × 2 interfaces = 42
        // allocations, and after a page reload the old ones live on for ten minutes.
        .per_user = {.allocations = 256},
        // A hundred such people behind one address, and a quarter of the default range of ports.
        .per_address = {.allocations = 4096},
        .total = {.allocations = 100'000}};
    unsigned max_permissions = 128;   // per allocation
    unsigned max_channels = 128;      // per allocation
    unsigned max_connections = 64;    // per allocation, to peers over TCP
    unsigned max_reservations = 256;  // of all shards
    // Over UDP to strangers in one network (ReplyBudget); 0: any number.
    unsigned replies_per_second = 10'000;
    // Binding requests need a credential as well.
    bool authenticate_binding = false;
    // Also Binding requests of RFC 3489, which have no magic cookie and cannot be authenticated.
    bool classic_stun = false;
    Bandwidth::Limits bandwidth;
    // Also the channel numbers that RFC 5766 had and RFC 8656 reserves.
    bool legacy_channels = true;
};

enum class EndReason : uint8_t { deleted, expired, client_gone, revoked, lost, stopped };
std::string_view label(EndReason);

struct AllocationEvent {
    const Allocation& allocation;  // only during the call
    std::string_view realm;
    Now now;
};

struct Observer {
    virtual ~Observer() = default;
    virtual void allocation_created(const AllocationEvent&) {}
    virtual void allocation_moved(const AllocationEvent&) {}
    virtual void allocation_ended(const AllocationEvent&, EndReason) {}
};

class Server {
  public:
    // `relay_ports` and `observer` outlive the server.  `random` seeds the tables' hashes and makes
    // reservation tokens.
    Server(ServerConfig, std::shared_ptr<const Realms>, Nonces, RelayPorts& relay_ports,
           Observer& observer, Random random);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Arrived on a listener or on a client's stream, as one whole message.
    void from_client(Now, const Datagram&, Outbox&);
    // Arrived on a relay socket.
    void from_peer(Now, const Datagram&, Outbox&);
    // About a datagram that left through a relay socket.
    void from_icmp(Now, const IcmpError&, Outbox&);

    // ---- TCP allocations (RFC 6062), refused without this; `streams` outlives the server
    void relay_tcp(PeerStreams& streams) { streams_ = &streams; }
    // The connection that connect() began is there, or has failed.
    void peer_answered(Now, SocketId relay, ConnectionId, bool connected, Outbox&);
    // Somebody has connected to a relayed address.  Nothing: it is to be closed.
    struct Attempt {
        ConnectionId id{};
        Holder holder;
    };
    std::optional<Attempt> peer_arrived(Now, SocketId relay, const TransportAddress& peer, Outbox&);
    // A connection is closed that somebody has joined.
    void peer_gone(SocketId relay, ConnectionId);

    // ---- mobile allocations (RFC 8016), refused without this; `moves` outlives the server
    void offer_mobility(const Tickets& tickets, Moves& moves) {
        tickets_ = tickets;
        moves_ = &moves;
    }
    bool owns(MobileId id) const { return by_mobile_.contains(id); }
    // A Refresh request that came to another shard is granted.  Both are for who owns it.
    void prolong(Now, MobileId, Duration lifetime);
    Moving give_up(MobileId);
    // The claim that was made here is served, or void.
    Waiting take_over(Now, Moving, const Claim&);
    Waiting claim_voided(const Claim&);

    // ---- what the shell relays by itself, nothing without this; `fast_path` outlives the server
    void relay_by(FastPath& fast_path) { fast_path_ = &fast_path; }
    // Counts what the shell has relayed meanwhile.  Looks at a part of the table, as end_revoked()
    // does.
    std::optional<size_t> count_carried(size_t from = 0);

    // The stream on which the client reached us is closed: its allocation ends, unless it is
    // mobile.
    void client_gone(Now, const FiveTuple&);
    // Or soon will have.
    bool has_allocation(const FiveTuple& five_tuple, Now now) {
        return find(five_tuple, now) != nullptr || claimants_.contains(five_tuple);
    }
    // Stops when the outbox is full; next_deadline() is then not after now.
    void expire(Now, Outbox&);
    Instant next_deadline() const;

    // From now on.  Allocations live on with the key they were made with; permissions and channels
    // that the new policy denies are gone.  What the next expire() has to answer may be due.
    void reload(std::shared_ptr<const Realms>);
    // Ends those whose credentials are gone, if that is wanted.  Looks at a part of the table,
    // beginning with the place `from`, so that packets need not wait for the whole; says where to
    // go on, or nothing at the end.  Also those that arrive from other shards, until the next
    // reload().
    std::optional<size_t> end_revoked(Now, size_t from = 0);
    // Of what is new; what is there stays.
    void set_quotas(const Quotas::Limits& quotas) { config_.quotas = quotas; }
    // Over UDP to strangers in one network; 0: any number.
    void limit_replies(unsigned per_second) { budget_.limit(per_second); }
    // On which addresses clients may explore their NATs (RFC 5780); at start.
    void explore_from(Discovery discovery) { discovery_ = std::move(discovery); }
    // From now on: where those who are not served here are sent.
    void redirect_to(Alternates alternates) { alternates_ = std::move(alternates); }
    // Also of those that are there.
    void limit_bandwidth(const Bandwidth::Limits&);
    // For what takes another way than from_client() and from_peer(): the bytes of TCP allocations.
    Bandwidth& bandwidth() { return bandwidth_; }
    // While draining, new allocations are refused and those that are there live on.
    void refuse_new(bool refuses) { refuses_new_ = refuses; }
    // Ends every allocation and reservation; at stop.
    void close_all(Now);

    const Stats& stats() const { return stats_; }

  private:
    // What an authenticated request has proved, and how its answer is signed.
    struct Proof {
        Keys keys;
        // That the client named; without, it is MD5, and the answer has MESSAGE-INTEGRITY.
        std::optional<stun::PasswordAlgorithm> algorithm;
        Instant token_end = Instant::max();  // of the token it was, or the allocation's
    };
    // A request that is being answered.
    struct Exchange {
        Now now;
        const Datagram& in;
        const stun::Message& request;
        FiveTuple five_tuple;
        Allocation* allocation = nullptr;  // of this five-tuple
        RealmId realm{};                   // in which it is answered
        std::string_view username;         // whose allocations these are
        std::string_view token_key;        // the id of it, if a token was shown,
        std::string token_user;            // and whom that stands for
        std::optional<Ticket> ticket;      // if it is one of ours
        std::optional<Proof> proof;        // once it is authenticated

        User user() const { return User(username, realm); }
    };
    // Attributes by type number; as many as a message can have.
    struct UnknownAttributes {
        std::array<uint16_t, stun::Message::max_attributes> types{};
        size_t count = 0;
    };
    // Why a request is not granted; respond() makes the STUN error response of it.
    struct Refusal {
        stun::ErrorCode code{};
        UnknownAttributes unknown{};
        Alternates::Choice alternates{};  // of try_alternate

        Refusal(stun::ErrorCode error) : code(error) {}
    };
    // The attributes of a success response.
    struct Answer {
        std::optional<TransportAddress> mapped;
        std::array<std::optional<TransportAddress>, 2> relayed;
        std::optional<Duration> lifetime;
        std::optional<stun::ReservationToken> reservation;
        std::optional<AddressError> address_error;
        std::optional<ConnectionId> connection;
        // Of a Binding request to an address of discovery_: from where the answer leaves, and the
        // address that is other than the one that was asked in both IP and port.
        const Origin* origin = nullptr;
        const Origin* other = nullptr;
        std::optional<uint16_t> response_port;
        bool is_padded = false;
        std::vector<uint8_t> ticket;  // empty: none
    };
    using Reply = Result<Answer, Refusal>;
    // How much an answer says: less to a stranger for whom more would be too long.
    enum class Detail : uint8_t {
        all,
        no_text,  // nothing that only people read, or that is said twice
        least,  // nor PASSWORD-ALGORITHMS, without which a client takes MD5, nor addresses of ours
    };

    // A channel that the shell relays.
    struct OpenShortcut {
        Shortcut shortcut;
        Instant until;
        ShortcutId id{};
    };
    struct Slot {
        std::optional<Allocation> allocation;
        std::vector<OpenShortcut> shortcuts;
        Instant looked_at = Instant::max();  // when deadlines_ brings this slot up; max: not at all
    };
    using SlotIndex = uint32_t;
    struct Due {
        SlotIndex slot;
        Instant at;
    };
    struct HashFiveTuple : AddressHash {
        using AddressHash::AddressHash;
        size_t operator()(const FiveTuple&) const;
    };
    struct HashSocket : AddressHash {
        using AddressHash::AddressHash;
        size_t operator()(SocketId) const;
    };
    struct HashConnection {
        size_t operator()(ConnectionId id) const { return static_cast<size_t>(id); }
    };
    // What a well-formed Allocate request asks for.
    struct AllocateOptions {
        AddressFamily family = AddressFamily::ipv4;
        bool also_ipv6 = false;
        Parity parity = Parity::any;
        std::optional<stun::ReservationToken> token;
        Duration lifetime{};
        bool over_tcp = false;
        bool mobile = false;
    };
    // A five-tuple that has claimed a mobile allocation, which comes once it is used.
    struct Claimant {
        MobileId allocation{};
        uint32_t epoch = 0;  // of the ticket it was given
        ClaimId claim{};
        Transport transport = Transport::udp;
        bool uses_it = false;
        std::vector<std::vector<uint8_t>> waiting;  // messages
    };
    // A Connect request that waits for the peer.
    struct PendingConnect {
        std::vector<uint8_t> request;
        Proof proof;
    };
    // What it gets.
    struct Opened {
        std::array<std::optional<RelayPort>, 2> ports;
        std::optional<stun::ReservationToken> reservation;
        std::optional<AddressError> address_error;
    };

    // binding.cc
    static constexpr size_t max_padded = 1600;  // bytes, two fragments on an Ethernet
    bool explores(const Exchange&, stun::AttributeType) const;
    Reply bind(const Exchange&) const;
    static Transmit way_back(const Exchange&, const Reply&);
    static void write_binding(stun::MessageWriter&, const Exchange&, const Answer&, Detail);
    static void write_padding(stun::MessageWriter&, size_t whole, size_t behind);

    // server.cc
    const Realm& realm_of(const Exchange& x) const { return (*realms_)[x.realm]; }
    const Realm& realm_of(const Allocation& a) const { return (*realms_)[a.user().realm()]; }
    static bool understands(stun::AttributeType);
    bool understands_in_request(const Exchange&, stun::AttributeType) const;
    void on_message(Now, const Datagram&, Outbox&);
    void on_request(Now, const Datagram&, const stun::Message&, Outbox&);
    std::optional<Reply> reply_to(Exchange&);  // nothing: it comes later
    void drop(Drop why) { ++stats_.drops[static_cast<size_t>(why)]; }

    // answers.cc
    void respond(const Exchange&, const Reply&, Outbox&);
    size_t weight(const Exchange&) const;
    size_t write(std::span<uint8_t>, const Exchange&, const Reply&, Detail) const;
    void write_success(stun::MessageWriter&, const Exchange&, const Answer&, Detail) const;
    void write_error(stun::MessageWriter&, const Exchange&, const Refusal&, Detail) const;

    // authentication.cc
    Result<void, Refusal> authenticate(Exchange&);
    Result<Proof, AuthFailure> prove(Exchange&) const;
    Result<Proof, AuthFailure> prove_by_token(Exchange&, Bytes token,
                                              std::optional<stun::PasswordAlgorithm>) const;
    Result<std::string_view, AuthFailure> name_in(const Exchange&) const;
    static Result<std::optional<stun::PasswordAlgorithm>, AuthFailure> algorithm_in(
        const stun::Message&, std::string_view nonce);

    // requests.cc
    Reply allocate(const Exchange&);
    Reply refresh(const Exchange&);
    Reply create_permission(const Exchange&);
    Reply channel_bind(const Exchange&);
    Result<AllocateOptions, Refusal> allocate_options(const Exchange&) const;
    Result<Opened, Refusal> open_relays(const Exchange&, const AllocateOptions&);
    Result<OpenedPorts, stun::ErrorCode> open_port(AddressFamily, Parity, const IpAddress& near);
    std::optional<Refusal> try_alternate(const Exchange&, const AllocateOptions&);
    Refusal no_room(const Exchange&, const AllocateOptions&);
    Answer describe(const Allocation&, Instant);
    void refresh_relays(Allocation&, Now, std::optional<AddressFamily> only, Duration lifetime);
    Duration granted_lifetime(const Exchange&, std::optional<std::chrono::seconds> asked) const;
    stun::ReservationToken reserve(const RelayPort&, User, Instant);
    Result<RelayPort, Refusal> redeem(const stun::ReservationToken&, const User&, Instant);
    Result<PeerVerdict, Refusal> admit(const Exchange&, const TransportAddress& peer,
                                       const OwnAddresses&);

    // moves.cc
    std::optional<Ticket> ticket_in(const stun::Message&) const;
    std::vector<uint8_t> ticket_for(const Allocation&);
    Reply move(const Exchange&, Duration lifetime);
    static bool came_with(const Allocation&, const std::optional<Ticket>&);
    bool waits(const Datagram&);
    Waiting take_waiting(const Claim&);

    // tcp_relay.cc
    static constexpr size_t longest_connect = 2048;  // bytes
    std::optional<Reply> connect(const Exchange&);
    Reply connection_bind(const Exchange&);
    PeerConnection& add_connection(Allocation&, const TransportAddress& peer, PeerConnection::State,
                                   Instant now);
    Allocation* of_relay(SocketId);
    void answer_connect(Now, Allocation&, ConnectionId, const Reply&, Outbox&);
    void expire_connections(Allocation&, Now, Outbox&);
    void disconnect_denied(Allocation&);
    void end_connections(Allocation&);

    // relay.cc
    static constexpr size_t max_udp_payload = 65507;
    void on_channel_data(Now, const Datagram&, Outbox&);
    void on_send(Now, const Datagram&, const stun::Message&, Outbox&);
    // What is relayed, and how IP carries it.
    struct Payload {
        Bytes bytes;
        uint8_t traffic_class = 0;
        bool dont_fragment = false;
    };
    void to_peer(Now, Allocation&, const TransportAddress& peer, const Payload&, Outbox&);
    void to_client(Now, Allocation&, const TransportAddress& peer, const Payload&, Outbox&);
    Bytes data_indication(const TransportAddress& peer, stun::AttributeType, Bytes value, Outbox&);
    // What must hold for every datagram between a client and a peer, either way.
    std::optional<Drop> forbids(const Allocation&, const Permission*,
                                const TransportAddress& peer) const;
    bool fits(Now, Direction, Allocation&, Bytes payload);

    // shortcuts.cc
    std::vector<OpenShortcut> possible_shortcuts(const Allocation&) const;
    void update_shortcuts(Allocation&);
    void open_shortcut(std::vector<OpenShortcut>&, OpenShortcut wanted);
    void close_shortcut(Allocation&, const OpenShortcut&);
    void close_shortcuts(Allocation&);
    void count(Allocation&, const FastPath::Carried&);

    // server.cc: the tables
    Allocation* find(const FiveTuple&, Now);  // a live one; ends it if its time is over
    Allocation& start(Allocation::Origin, Transport, const Opened&, Instant expires_at,
                      bool mobile);
    Allocation& settle(Allocation);
    void vacate(SlotIndex);
    SlotIndex slot_of(const Allocation&) const;
    void remember(const Relay&, const Allocation&, SlotIndex);
    void forget(const Relay&, const Allocation&);
    void drop_relay(Allocation&, AddressFamily);
    void end(Allocation&, Now, EndReason);
    std::optional<Limited> charge(const User& user, const IpAddress& client, const Counts&);
    bool charge(Allocation&, const Counts& more, Instant now);
    void give_back(Allocation&);
    void has_changed(Allocation&);
    AllocationEvent event(const Allocation& a, Now now) const {
        return {a, realm_of(a).name(), now};
    }
    void judge_peers_again(Allocation&);
    bool is_revoked(const Allocation&) const;
    void look_again(SlotIndex);

    ServerConfig config_;
    std::shared_ptr<const Realms> realms_;
    Nonces nonces_;
    RelayPorts& relay_ports_;
    PeerStreams* streams_ = nullptr;
    FastPath* fast_path_ = nullptr;
    std::optional<Tickets> tickets_;
    Moves* moves_ = nullptr;
    Observer& observer_;
    Random random_;
    bool refuses_new_ = false;
    bool ends_revoked_ = false;
    Alternates alternates_;
    Discovery discovery_;

    // A deque, so that an allocation stays where it is while others come and go.
    std::deque<Slot> slots_;
    std::vector<SlotIndex> free_slots_;
    boost::unordered_flat_map<FiveTuple, SlotIndex, HashFiveTuple> by_five_tuple_;
    boost::unordered_flat_map<SocketId, SlotIndex, HashSocket> by_relay_;
    boost::unordered_flat_map<TransportAddress, SlotIndex, AddressHash> by_relayed_address_;  // UDP
    boost::unordered_flat_map<ConnectionId, PendingConnect, HashConnection> connects_;
    std::map<MobileId, SlotIndex> by_mobile_;
    boost::unordered_flat_map<FiveTuple, Claimant, HashFiveTuple> claimants_;
    Instant withdraw_at_ = Instant::max();  // not after the first reservation made here is over
    Deadlines<Due> deadlines_;
    ReplyBudget budget_;
    Bandwidth bandwidth_;
    Stats stats_;
};

}  // namespace ahoy::turn
