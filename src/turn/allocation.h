// One TURN allocation (RFC 8656, section 2.2): relayed addresses, permissions and channels of one
// client's five-tuple.
//
// A plain table of what the server has granted; who may be granted what is decided elsewhere.
// Every entry carries its expiry and is looked at only while that lies ahead, so nothing depends on
// when the expired ones are reclaimed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/datagram.h"
#include "base/time.h"
#include "stun/message.h"
#include "turn/bandwidth.h"
#include "turn/channel_data.h"
#include "turn/credentials.h"
#include "turn/five_tuple.h"
#include "turn/peer_streams.h"
#include "turn/quotas.h"
#include "turn/relay_ports.h"
#include "turn/traffic.h"
#include "turn/user.h"

namespace ahoy::turn {

// Of two families that were asked for, the one that could not be had (ADDRESS-ERROR-CODE).
struct AddressError {
    AddressFamily family{};
    stun::ErrorCode code{};
};

struct Relay {
    RelayPort port;
    Instant expires_at;
};

struct Permission {
    IpAddress peer;
    bool per_datagram = false;  // the policy is asked again for each, with the port
    Instant expires_at;
};

struct Channel {
    ChannelNumber number;
    TransportAddress peer;
    Instant expires_at;
};

// Names a mobile allocation (RFC 8016) of any shard, and never another one.
enum class MobileId : uint64_t {};

// What a ticket must say to be of use.
struct Mobile {
    MobileId id{};
    uint32_t epoch = 0;  // of the latest ticket that its client here was given
};

// Of a TCP allocation (RFC 6062).
struct PeerConnection {
    enum class State : uint8_t {
        connecting,  // the client's Connect request waits for its answer
        waiting,     // for the client's ConnectionBind request
        joined,
        denied,  // by a new policy, while it was connecting: its answer is due
    };
    ConnectionId id{};
    TransportAddress peer;
    State state = State::connecting;
    Instant expires_at;  // unless it is joined
};

class Allocation {
  public:
    struct Origin {
        FiveTuple five_tuple;
        User user;
        std::string token_key;  // the id of it, and its clients' USERNAME, if a token was shown
        Keys keys{};
        Instant token_end = Instant::max();
        stun::TransactionId transaction_id{};  // of the Allocate request, which may come again
        bool over_tcp = false;                 // to peers (RFC 6062)
        Instant created_at;
    };
    explicit Allocation(Origin origin)
        : origin_(std::move(origin)), charged_address_(origin_.five_tuple.client.ip) {}

    // The latest, even when the client has left.
    const FiveTuple& five_tuple() const { return origin_.five_tuple; }
    // Whose quota it counts against, wherever its client is now.
    const IpAddress& charged_address() const { return charged_address_; }
    // A mobile one lives on when its client's stream is closed.  Nothing may be sent to the
    // five-tuple then: its socket may soon be somebody else's.
    bool client_has_left() const { return client_has_left_; }
    void client_leaves() { client_has_left_ = true; }
    void client_comes_to(const FiveTuple& five_tuple) {
        origin_.five_tuple = five_tuple;
        client_has_left_ = false;
    }
    const User& user() const { return origin_.user; }
    // What USERNAME has to be in its requests.
    std::string_view login() const { return is_by_token() ? token_key() : user().name(); }
    const Keys& keys() const { return origin_.keys; }
    // By third-party authorization (RFC 7635): no longer than its token, but tokens follow on one
    // another.
    bool is_by_token() const { return !origin_.token_key.empty(); }
    const std::string& token_key() const { return origin_.token_key; }
    Instant token_end() const { return origin_.token_end; }
    void use_token(const Keys& keys, Instant end) {
        origin_.keys = keys;
        origin_.token_end = end;
    }
    const stun::TransactionId& transaction_id() const { return origin_.transaction_id; }
    Instant created_at() const { return origin_.created_at; }
    bool over_tcp() const { return origin_.over_tcp; }

    // One relayed address per family at most.
    const Relay* relay(AddressFamily, Instant now) const;
    const std::optional<Relay>& stored_relay(AddressFamily family) const {
        return relays_[index(family)];
    }
    void set_relay(const Relay& relay) { relays_[index(relay.port.address.ip.family())] = relay; }
    void extend_relay(AddressFamily, Instant expires_at);
    // With its permissions and channels.
    void remove_relay(AddressFamily);
    bool has_relays() const { return relays_[0] || relays_[1]; }
    Instant first_expiry() const;  // of anything it has
    Instant last_expiry() const;

    // Live ones only.  They stay where they are until the next call that changes the allocation.
    const Permission* permission(const IpAddress& peer, Instant now);
    const Channel* channel(ChannelNumber, Instant now);
    const Channel* channel(const TransportAddress& peer, Instant now);

    // What there is of it, expired or not.
    Counts held() const;

    // Makes or refreshes one.
    void permit(const Permission&);
    // The number is unused or this peer's, and the other way round.
    void bind(const Channel&);

    // Judges every peer again and removes whom the policy denies now.  Permissions are asked about
    // as addresses, channels as addresses with a port.
    template <class Judge>
    void judge_again(Judge&& judge) {
        for (Permission& p : permissions_) p.per_datagram = judge(p.peer).per_datagram;
        std::erase_if(permissions_, [&](const Permission& p) { return !judge(p.peer).allowed(); });
        std::erase_if(channels_, [&](const Channel& c) { return !judge(c.peer).allowed(); });
    }
    // Permissions and channels that have expired.
    void reclaim(Instant now);

    const std::vector<Permission>& permissions() const { return permissions_; }
    const std::vector<Channel>& channels() const { return channels_; }

    // What else the Allocate response carries, should the request come again.
    std::optional<stun::ReservationToken> reservation;
    std::optional<AddressError> address_error;

    std::optional<Mobile> mobile;  // if it has a ticket

    std::vector<PeerConnection> connections;

    Counts charged;  // to its user and its client's network (Quotas)

    Instant next_icmp;  // the client hears of no ICMP message before then

    Traffic to_peers;
    Traffic to_client;
    Buckets buckets;  // of bandwidth

  private:
    static constexpr size_t index(AddressFamily family) {
        return family == AddressFamily::ipv4 ? 0 : 1;
    }

    Origin origin_;
    IpAddress charged_address_;
    bool client_has_left_ = false;
    std::array<std::optional<Relay>, 2> relays_;
    // Few, and mostly one is in use at a time: it is kept in front, so that a search ends at once.
    std::vector<Permission> permissions_;
    std::vector<Channel> channels_;
};

}  // namespace ahoy::turn
