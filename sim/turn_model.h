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
        std::vector<AddressFamily> families;
    };
    TurnModel(Rules rules, NonceBook& nonces, Trace& trace)
        : rules_(std::move(rules)), nonces_(nonces), trace_(trace) {}

    void set_accounts(const Accounts* accounts) { accounts_ = accounts; }
    // Permissions and channels that are denied now are gone.
    void reload(PeerRules);
    // Allocations of a user who has another password now are gone.
    void revoked(Instant now);
    void refuse_new(bool refuses) { refuses_new_ = refuses; }
    void closed_all() { grants_.clear(), reservations_.clear(); }

    // What the server did with one datagram.
    struct Step {
        Now now;
        const Datagram& in;
        std::span<const Sent> out;
        const TurnPorts::Calls& calls;
        uint64_t live_before;  // allocations, as the server counted before
    };
    void from_client(const Step&);
    void from_peer(const Step&);
    // After everything that is due has expired.
    void settled(Instant, const RelayTable&, size_t shard, const turn::Stats&);

  private:
    // A client at an address, as one of our listeners sees it.
    using Place = std::pair<TransportAddress, TransportAddress>;
    struct Relay {
        turn::RelayPort port;
        Instant expires_at;
    };
    struct Channel {
        TransportAddress peer;
        Instant expires_at;
    };
    struct Grant {
        SocketId socket{};
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
    };
    struct Relayed {
        uint64_t packets = 0, bytes = 0;
        void add(size_t size) { ++packets, bytes += size; }
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
    void refresh_reasons(const Request&, Reasons&) const;
    void peer_reasons(Request&, Reasons&) const;
    void channel_reasons(Request&, Reasons&) const;
    void expect_silence(const Step&, std::string_view id, std::string_view sentence) const;
    bool may_be_silent(const Request&) const;
    wire::Stun check_answer(const Request&) const;
    void check_error(const Request&, const wire::Stun& answer, const Reasons&);

    // turn_grants.cc: what a success changes
    void granted(Request&, const wire::Stun& answer);
    void allocated(Request&, const wire::Stun& answer);
    void described(const Request&, const Grant&, const wire::Stun& answer) const;
    void refreshed(Request&, const wire::Stun& answer);
    void permit(Grant&, const IpAddress&, Instant now);
    Duration granted_lifetime(const wire::Stun&) const;
    Grant* find(const Place&, Instant now);
    bool is_live(const Grant&, Instant now) const;
    void forget_expired(Instant now);

    // turn_relaying.cc: data
    void on_channel_data(const Step&);
    void on_send(const Step&, const wire::Stun&);
    std::optional<SocketId> relay_at(const TransportAddress&) const;
    void expect_to_peer(const Step&, Grant*, const TransportAddress& peer, Bytes payload);
    std::optional<std::pair<std::string_view, std::string_view>> forbidden(const Grant&,
                                                                           const TransportAddress&,
                                                                           Instant);

    Rules rules_;
    const Accounts* accounts_ = nullptr;
    bool refuses_new_ = false;
    NonceBook& nonces_;
    Trace& trace_;
    std::map<Place, Grant> grants_;
    std::map<wire::Token, Reservation> reservations_;                  // by token
    mutable std::map<std::pair<std::string, std::string>, Md5> keys_;  // by name and password
    // What the server's own counters must show (TI20).
    Relayed to_peers_, to_clients_;
    std::map<int, uint64_t> errors_;
    uint64_t created_ = 0, bindings_ = 0;
};

}  // namespace ahoy::sim
