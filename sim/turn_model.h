// What a TURN server may do, from the text of RFC 8656 and RFC 8489: an oracle that sees every
// datagram that goes into a server and all that comes out, and keeps tables of its own.
//
// It decides by reasons, not by order: it collects every error code that a request has earned.  A
// request without any must succeed; one with some must get one of them.  So the oracle knows no
// order of checks, and none is compared.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "sim/peer_rules.h"
#include "sim/turn_ports.h"
#include "sim/wire.h"
#include "turn/credentials.h"
#include "turn/server.h"

namespace ahoy::sim {

// A client at an address, as one of our listeners sees it.
using Place = std::pair<TransportAddress, TransportAddress>;

// What a server asked of the other shards (RFC 8016) since the last call of take_calls().
struct MoveCalls {
    std::optional<turn::MobileId> begun;
    std::optional<turn::ClaimId> claimed;
    std::optional<std::pair<turn::MobileId, Duration>> prolonged;
    std::optional<turn::ClaimId> fetched;
};

// What a server asked of its TCP connections (RFC 6062) since the last call of take_calls().
struct StreamCalls {
    struct Connect {
        SocketId relay{};
        TransportAddress peer;
        turn::ConnectionId id{};
        std::string user;
    };
    std::optional<Connect> connect;
    std::optional<std::pair<SocketId, turn::ConnectionId>> joined;  // by which client's stream
};

// A Transmit with its bytes in one piece.
struct Sent {
    SocketId socket{};
    IpAddress from;
    TransportAddress to;
    std::vector<uint8_t> bytes;
};

struct Accounts {
    std::string realm;
    std::map<std::string, std::string> users;
    std::vector<std::string> secrets;  // of the REST scheme
};

// The nonces that the shards have issued.  The oracle learns them by reading the answers.
class NonceBook {
  public:
    enum class State { fresh, perhaps, stale, of_another, unknown };
    void note(std::string_view nonce, const TransportAddress& client, Instant);
    State look_up(std::string_view nonce, const TransportAddress& client, Instant) const;
    void forget() { issued_.clear(); }

  private:
    struct Issued {
        TransportAddress client;
        Instant at;
    };
    std::map<std::string, Issued, std::less<>> issued_;
};

class TurnModel {
  public:
    struct Rules {
        turn::ServerConfig config;
        PeerRules peers;
        PeerRules tcp_peers;
        bool relays_tcp = false;
        std::vector<AddressFamily> families;
        bool mobility = false;
        std::optional<turn::Redirect> redirects;  // to
        std::vector<TransportAddress> alternates;
    };
    TurnModel(Rules rules, const Accounts& accounts, NonceBook& nonces, Trace& trace)
        : rules_(std::move(rules)), accounts_(accounts), nonces_(nonces), trace_(trace) {}

    // Permissions and channels that are denied now are gone.
    void reload(Rules);
    // Allocations of a user who has another password now are gone.
    void revoked(Instant now);
    void refuse_new(bool refuses) { refuses_new_ = refuses; }

    // What a shard did with one datagram.
    struct Step {
        Now now;
        const Datagram& in;
        std::span<const Sent> out;
        const TurnPorts::Calls& calls;
        const MoveCalls& moves;
        const StreamCalls& streams;
        size_t shard;
        turn::Counts charged_before;  // of all shards
    };
    void from_client(const Step&);
    void from_peer(const Step&);
    // How many of the messages so far are answered, or relayed, later.
    uint64_t kept() const { return kept_; }
    // The stream of a client is closed.
    void client_gone(const Place&, Instant now);
    // After everything that is due in one shard has expired.
    void settled(Instant, const RelayTable&, size_t shard, const turn::Stats&);
    // What all shards have ended, with the program.
    void closed_all();

    // ---- the connections of TCP allocations (turn_connections.cc)
    void peer_answered(Now, turn::ConnectionId, bool connected, std::span<const Sent>);
    void peer_arrived(Now, SocketId relay, const TransportAddress& peer,
                      const std::optional<turn::Server::Attempt>&, std::span<const Sent>,
                      const turn::Counts& charged_before);
    void peer_gone(turn::ConnectionId);
    // What expiring has answered; before settled().
    void expired(Now, size_t shard, const RelayTable&, std::span<const Sent>);

    // ---- what shards do with mobile allocations between datagrams (turn_moving.cc)
    void prolonged(Instant now, turn::MobileId, Duration, const TurnPorts::Calls&);
    void left(Instant now, turn::MobileId, const turn::Claim&);
    void arrived(turn::MobileId, const turn::Claim&, size_t shard, const TurnPorts::Calls&,
                 const turn::Waiting&);
    void voided(const turn::Claim&, const turn::Waiting&);
    void ended(turn::MobileId);
    bool nobody_waits() const { return claimants_.empty() && granted_.empty(); }

  private:
    struct Relay {
        turn::RelayPort port;
        Instant expires_at;
    };
    struct Channel {
        TransportAddress peer;
        Instant expires_at;
    };
    // RFC 8016.  Tickets of an allocation are numbered; one may have been sealed several times.
    struct Mobility {
        turn::MobileId id{};
        uint32_t here = 1;    // the latest ticket that was given where the allocation is
        uint32_t latest = 1;  // or anywhere
        std::optional<Place> claimed_by;
        std::set<TransportAddress> ports;  // that it began with, and perhaps still holds
    };
    // RFC 6062.
    struct Connection {
        enum class State { connecting, unjoined, joined, denied };
        State state{};
        TransportAddress peer;
        Instant until;                 // it is answered, or joined
        std::vector<uint8_t> request;  // Connect
        Md5 key{};
    };
    struct Grant {
        size_t shard = 0;
        SocketId socket{};
        IpAddress charged_to;
        std::string user;
        Md5 key{};
        wire::TransactionId allocated_by{};
        std::map<AddressFamily, Relay> relays;
        std::map<IpAddress, Instant> permissions;  // when they end
        std::map<uint16_t, Channel> channels;
        std::set<IpAddress> lapsed_permissions;  // only for the marks, as the next
        std::set<uint16_t> lapsed_channels;
        std::optional<wire::Token> token;
        bool address_error = false;
        std::optional<Mobility> mobility;
        bool client_left = false;
        bool over_tcp = false;
        std::map<uint32_t, Connection> connections;
    };
    struct Ticket {
        turn::MobileId allocation{};
        uint32_t number = 0;
        std::string user;
        Md5 key{};
    };
    // Who has brought a ticket, while the allocation has not followed.
    struct Claimant {
        turn::MobileId allocation{};
        uint32_t number = 0;  // of the ticket
        turn::ClaimId claim{};
        bool uses_it = false;
        bool has_left = false;
        std::vector<std::vector<uint8_t>> waiting;
    };
    struct Relayed {
        uint64_t packets = 0, bytes = 0;
        void add(size_t size) { ++packets, bytes += size; }
    };
    // What a shard's own counters must show (TI20).
    struct Counted {
        Relayed to_peers, to_clients;
        std::map<int, uint64_t> errors;
        uint64_t created = 0, bindings = 0, moves = 0, denied = 0;
    };
    struct Reservation {
        turn::RelayPort port;
        std::string user;
        Instant expires_at;
    };
    // Error codes that the request has earned, and that the server may give it besides.
    struct Reasons {
        std::set<int> must, may;
    };
    struct Request {
        const Step& step;
        const wire::Stun& stun;
        Place place;
        Grant* grant = nullptr;
        std::string user;
        std::optional<Md5> password;  // the key, once proved
        // What CreatePermission or ChannelBind is about.
        std::vector<TransportAddress> peers;
        uint16_t channel = 0;
    };

    // turn_model.cc: requests
    void on_request(const Step&, const wire::Stun&);
    Reasons authentication(Request&);
    std::optional<Md5> prove(const Request&) const;
    Md5 key_of(const std::string& user, const std::string& password) const;
    Reasons reasons(Request&);
    void allocate_reasons(const Request&, Reasons&) const;
    void capacity_reasons(const Request&, Reasons&) const;
    // TI7: whose limits there would be more than.
    struct Exceeded {
        bool share = false;    // a user's, or a network's
        bool all = false;      // that of all together
        bool perhaps = false;  // what is over and not yet reclaimed may still count
    };
    Exceeded limits_exceeded(const std::string& user, const IpAddress& charged_to,
                             const turn::Counts& more, Instant now,
                             const turn::Counts& charged) const;
    void limit_reasons(const Request&, const turn::Counts& more, Reasons&) const;
    turn::Counts held(const Grant&, Instant now) const;
    void refresh_reasons(const Request&, Reasons&) const;
    void peer_reasons(Request&, Reasons&) const;
    void channel_reasons(Request&, Reasons&) const;
    void redirect_reasons(const Request&, Reasons&) const;
    void expect_silence(const Step&, std::string_view id, std::string_view sentence) const;
    bool may_be_silent(const Request&) const;
    size_t most_for(const Request&) const;
    wire::Stun check_answer(const Request&) const;
    void check_error(const Request&, const wire::Stun& answer, const Reasons&);
    bool is_by_policy(const Request&) const;
    void check_alternates(const Request&, const wire::Stun& answer) const;
    bool authenticates(const wire::Stun&) const;

    // turn_grants.cc: what a success changes
    void granted(Request&, const wire::Stun& answer);
    void allocated(Request&, const wire::Stun& answer);
    void described(const Request&, const Grant&, const wire::Stun& answer) const;
    void refreshed(Request&, const wire::Stun& answer);
    void permit(Grant&, const IpAddress&, Instant now);
    void judge_again(Grant&) const;
    bool is_revoked(const Grant&) const;
    void extend(Grant&, std::optional<AddressFamily> only, Duration, Instant now,
                const TurnPorts::Calls&);
    void check_lifetime(const Request&, const wire::Stun& answer, Duration granted) const;
    Duration granted_lifetime(const wire::Stun&) const;
    Grant* find(const Place&, Instant now);
    bool is_live(const Grant&, Instant now) const;
    void forget_expired(Instant now, std::optional<size_t> shard = {});
    void forget_if_expired(const Ticket*, Instant now);
    void check_counters(const Counted&, uint64_t live, size_t ports, const turn::Stats&) const;

    // turn_connections.cc: TCP allocations
    void tcp_allocate_reasons(const Request&, Reasons&) const;
    void connect_reasons(Request&, Reasons&) const;
    void connection_bind_reasons(const Request&, Reasons&) const;
    void connecting(const Request&, const Reasons&);
    void joined(const Request&);
    bool is_to_itself(const Request&) const;
    void late_answer(Now, const Place&, Grant&, const Connection&, const Sent&, uint32_t id,
                     int code);
    void disconnect_denied(Grant&);
    size_t check_listening(const RelayTable&, size_t shard) const;
    void check_connections(const RelayTable&, size_t shard) const;
    struct Found {
        const Place* place = nullptr;
        Grant* grant = nullptr;
        Connection* connection = nullptr;
    };
    Found with_connection(uint32_t id);

    // turn_moving.cc: mobility
    bool waits(const Step&);
    void move_reasons(const Request&, const Ticket*, Reasons&) const;
    void moved(Request&, const wire::Stun& answer);
    const Ticket* ticket_in(const wire::Stun&) const;
    void note_ticket(const Request&, const wire::Stun& answer, Ticket expected);
    void check_ticket(const Request&, const wire::Stun& answer, const Grant&, bool expected);
    bool is_usable(const Ticket&) const;
    Grant* with_ticket(turn::MobileId);

    // turn_relaying.cc: data
    void on_channel_data(const Step&);
    void on_send(const Step&, const wire::Stun&);
    std::optional<SocketId> relay_at(const TransportAddress&, size_t shard) const;
    void expect_to_peer(const Step&, Grant*, const TransportAddress& peer, Bytes payload);
    std::optional<std::pair<std::string_view, std::string_view>> forbidden(const Grant&,
                                                                           const TransportAddress&,
                                                                           Instant);

    Rules rules_;
    const Accounts& accounts_;
    bool refuses_new_ = false;
    bool ends_revoked_ = false;  // also what arrives
    NonceBook& nonces_;
    Trace& trace_;
    std::map<Place, Grant> grants_;
    std::map<wire::Token, Reservation> reservations_;                  // by token
    mutable std::map<std::pair<std::string, std::string>, Md5> keys_;  // by name and password
    std::map<size_t, Counted> counted_;                                // by shard
    uint64_t kept_ = 0;

    std::map<std::string, Ticket, std::less<>> tickets_;  // by their bytes
    std::map<Place, Claimant> claimants_;
    std::map<turn::MobileId, Grant> on_the_way_;       // between two shards
    std::map<turn::MobileId, Grant> over_;             // and not yet reclaimed
    std::set<turn::MobileId> ended_;                   // by the server
    std::multimap<turn::MobileId, Duration> granted_;  // to claimants, and not yet done
};

}  // namespace ahoy::sim
