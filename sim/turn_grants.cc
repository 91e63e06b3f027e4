// What the server has granted, as RFC 8656 says that a success changes it.
#include <algorithm>
#include <numeric>

#include "sim/turn_model.h"

namespace ahoy::sim {
namespace {

using wire::number;

constexpr std::array families{AddressFamily::ipv4, AddressFamily::ipv6};

void require(bool holds, std::string_view id, std::string_view sentence, const std::string& seen) {
    if (!holds) throw Violation(id, sentence, seen);
}

}  // namespace

void TurnModel::granted(Request& r, const wire::Stun& answer) {
    const Instant now = r.step.now.steady;
    switch (r.stun.type) {
        case wire::allocate_request:
            if (r.grant == nullptr) return allocated(r, answer);
            trace_.mark(Mark::allocate_retransmitted);
            described(r, *r.grant, answer);  // TI11
            return check_ticket(r, answer, *r.grant, r.grant->mobility.has_value());
        case wire::refresh_request:
            return r.grant == nullptr ? moved(r, answer) : refreshed(r, answer);
        case wire::create_permission_request:
            for (const TransportAddress& peer : r.peers) permit(*r.grant, peer.ip, now);
            return;
        case wire::channel_bind_request:
            r.grant->channels[r.channel] = {r.peers[0], now + rules_.config.channel_lifetime};
            r.grant->lapsed_channels.erase(r.channel);
            permit(*r.grant, r.peers[0].ip, now);
            return;
        case wire::connection_bind_request:
            return joined(r);
        case wire::connect_request:
            require(false, "TI17", "Connect is answered when the peer has answered",
                    r.place.first.to_string());
            return;
        default:
            require(answer.address(wire::xor_mapped_address) == r.step.in.from, "TI16",
                    "a Binding response tells the address it goes to", r.step.in.from.to_string());
            ++counted_[r.step.shard].bindings;
    }
}

void TurnModel::permit(Grant& grant, const IpAddress& peer, Instant now) {
    grant.permissions[peer] = now + rules_.config.permission_lifetime;
    grant.lapsed_permissions.erase(peer);
}

Duration TurnModel::granted_lifetime(const wire::Stun& stun) const {
    const auto asked = stun.find(wire::lifetime);
    const Duration wanted = std::chrono::seconds(asked ? number(*asked) : 0);
    return std::min(std::max(wanted, rules_.config.default_lifetime), rules_.config.max_lifetime);
}

void TurnModel::allocated(Request& r, const wire::Stun& answer) {
    const Instant now = r.step.now.steady;
    Grant grant{.shard = r.step.shard,
                .socket = r.step.in.socket,
                .charged_to = r.place.first.ip,
                .user = r.user,
                .key = *r.password,
                .allocated_by = r.stun.id};
    const Instant expires_at = now + granted_lifetime(r.stun);
    std::vector<turn::RelayPort> unused = r.step.calls.opened;
    const bool even = r.stun.has(wire::even_port);
    if (const auto token = r.stun.token()) {
        const auto reserved = reservations_.find(*token);
        const turn::RelayPort& port = reserved->second.port;
        require(r.step.calls.redeemed == std::vector{port}, "TI5", "a token is its port's",
                port.address.to_string());
        grant.relays[port.address.ip.family()] = {port, expires_at};
        reservations_.erase(reserved);  // a token is used once
        trace_.mark(Mark::used_reservation);
    }
    for (const auto& [type, value] : answer.attributes) {
        if (type != wire::xor_relayed_address || r.stun.has(wire::reservation_token)) continue;
        const auto relayed = wire::unmask(value, answer.id);
        const auto port =
            std::ranges::find_if(unused, [&](const auto& p) { return p.address == relayed; });
        require(port != unused.end(), "TI5", "a relayed address is a port opened for it",
                relayed ? relayed->to_string() : "none");
        require(!even || port->address.port % 2 == 0, "TI5", "EVEN-PORT gets an even port",
                relayed->to_string());
        grant.relays[port->address.ip.family()] = {*port, expires_at};
        unused.erase(port);
    }
    if (const auto token = answer.token()) {
        require(unused.size() == 1, "TI5", "a token stands for one port",
                std::to_string(unused.size()));
        grant.token = token;
        reservations_[*grant.token] = {unused[0], r.user, now + 30s};
        unused.clear();
        trace_.mark(Mark::reserved_port);
    }
    const bool reserves = even && (r.stun.find(wire::even_port)->front() & 0x80) != 0;
    require(reserves == grant.token.has_value(), "TI5",
            "EVEN-PORT with R reserves, without does not", std::to_string(reserves));
    require(unused.empty(), "TI5", "every open port is somebody's",
            unused.empty() ? "" : unused[0].address.to_string());
    const bool two = r.stun.has(wire::additional_address_family);
    grant.address_error = two && grant.relays.size() == 1;
    if (grant.relays.size() == 2) trace_.mark(Mark::allocated_two_families);
    if (grant.address_error) trace_.mark(Mark::allocated_with_address_error);
    if (!two && !r.stun.has(wire::reservation_token)) {
        const auto asked = r.stun.find(wire::requested_address_family);
        const auto family = asked && (*asked)[0] == 2 ? AddressFamily::ipv6 : AddressFamily::ipv4;
        require(grant.relays.size() == 1 && grant.relays.contains(family), "TI12",
                "an allocation has the family asked for", std::to_string(grant.relays.size()));
    }
    require(!grant.relays.empty(), "TI5", "an allocation has a relayed address", "none");
    grant.over_tcp = r.stun.find(wire::requested_transport)->front() == 6;
    if (grant.over_tcp) trace_.mark(Mark::allocated_over_tcp);
    if (r.step.moves.begun) {
        grant.mobility = Mobility{.id = *r.step.moves.begun, .claimed_by = {}, .ports = {}};
        for (const auto& [family, relay] : grant.relays) {
            grant.mobility->ports.insert(relay.port.address);
        }
    }
    require(grant.mobility.has_value() == r.stun.has(wire::mobility_ticket), "TI11",
            "an allocation is mobile if its client wants it so", r.place.first.to_string());
    described(r, grant, answer);
    check_ticket(r, answer, grant, grant.mobility.has_value());
    grants_.insert_or_assign(r.place, std::move(grant));
    ++counted_[r.step.shard].created;
    trace_.mark(Mark::allocated);
}

// The attributes of an Allocate response, the first one and its repetitions.
void TurnModel::described(const Request& r, const Grant& grant, const wire::Stun& answer) const {
    std::vector<std::optional<TransportAddress>> told, expected;
    for (const auto& [type, value] : answer.attributes) {
        if (type == wire::xor_relayed_address) told.push_back(wire::unmask(value, answer.id));
    }
    Instant expires_at{};
    for (const auto family : families) {
        const auto relay = grant.relays.find(family);
        if (relay == grant.relays.end()) continue;
        expected.emplace_back(relay->second.port.address);
        expires_at = std::max(expires_at, relay->second.expires_at);
    }
    require(told == expected, "TI11", "an Allocate response tells the relayed addresses",
            std::to_string(told.size()));
    require(answer.address(wire::xor_mapped_address) == r.place.first, "TI11",
            "an Allocate response tells the client's address", r.place.first.to_string());
    require(answer.token() == grant.token, "TI11", "a repeated Allocate gets the same token",
            r.place.first.to_string());
    require(answer.has(wire::address_error_code) == grant.address_error, "TI11",
            "the family that cannot be had is told", r.place.first.to_string());
    const auto lifetime = answer.find(wire::lifetime);
    const auto left =
        std::chrono::duration_cast<std::chrono::seconds>(expires_at - r.step.now.steady);
    require(lifetime && number(*lifetime) == left.count(), "TI13",
            "LIFETIME is the time that is left", std::to_string(left.count()));
}

void TurnModel::refreshed(Request& r, const wire::Stun& answer) {
    const Instant now = r.step.now.steady;
    const auto asked = r.stun.find(wire::lifetime);
    const bool deletes = asked && number(*asked) == 0;
    const Duration granted = deletes ? Duration{} : granted_lifetime(r.stun);
    check_lifetime(r, answer, granted);
    check_ticket(r, answer, *r.grant, !deletes && r.stun.has(wire::mobility_ticket));
    const auto family = r.stun.find(wire::requested_address_family);
    const auto only =
        family ? std::optional(static_cast<AddressFamily>((*family)[0])) : std::nullopt;
    extend(*r.grant, only, granted, now, r.step.calls);
    trace_.mark(deletes ? Mark::deleted : Mark::refreshed);
    find(r.place, now);  // which forgets what has no relay any more
}

void TurnModel::check_lifetime(const Request& r, const wire::Stun& answer, Duration granted) const {
    const auto told = answer.find(wire::lifetime);
    require(
        told && number(*told) == std::chrono::duration_cast<std::chrono::seconds>(granted).count(),
        "TI13", "a refresh grants what section 7.2 says", r.place.first.to_string());
}

void TurnModel::extend(Grant& grant, std::optional<AddressFamily> only, Duration lifetime,
                       Instant now, const TurnPorts::Calls& calls) {
    for (const auto family : families) {
        if (only && *only != family) continue;
        const auto relay = grant.relays.find(family);
        if (relay == grant.relays.end()) continue;
        if (lifetime > 0s) {
            relay->second.expires_at = now + lifetime;
            continue;
        }
        require(std::ranges::count(calls.closed, relay->second.port) == 1, "TI13",
                "a relay that is given back is closed at once",
                relay->second.port.address.to_string());
        grant.relays.erase(relay);
    }
}

TurnModel::Grant* TurnModel::find(const Place& place, Instant now) {
    const auto found = grants_.find(place);
    if (found == grants_.end()) return nullptr;
    Grant& grant = found->second;
    if (grant.mobility && !is_live(grant, now) && !ended_.contains(grant.mobility->id)) {
        over_.emplace(grant.mobility->id, grant);
    }
    for (const auto family : families) {
        const auto relay = grant.relays.find(family);
        if (relay != grant.relays.end() && now < relay->second.expires_at) continue;
        if (relay != grant.relays.end()) {
            grant.relays.erase(relay);
            trace_.mark(Mark::allocation_expired);
        }
        std::erase_if(grant.permissions, [&](const auto& p) { return p.first.family() == family; });
        std::erase_if(grant.channels,
                      [&](const auto& c) { return c.second.peer.ip.family() == family; });
    }
    std::erase_if(grant.permissions, [&](const auto& p) {
        return now >= p.second && grant.lapsed_permissions.insert(p.first).second;
    });
    std::erase_if(grant.channels, [&](const auto& c) {
        return now >= c.second.expires_at && grant.lapsed_channels.insert(c.first).second;
    });
    if (!grant.relays.empty()) return &grant;
    grants_.erase(found);
    return nullptr;
}

bool TurnModel::is_live(const Grant& grant, Instant now) const {
    return std::ranges::any_of(grant.relays,
                               [&](const auto& relay) { return now < relay.second.expires_at; });
}

// What is on its way is judged where it arrives, as its user is.
void TurnModel::reload(Rules rules) {
    rules_ = std::move(rules);
    ends_revoked_ = false;
    for (auto& [place, grant] : grants_) {
        judge_again(grant);
        disconnect_denied(grant);
    }
}

void TurnModel::judge_again(Grant& grant) const {
    std::erase_if(grant.permissions, [&](const auto& p) { return !rules_.peers.allows(p.first); });
    std::erase_if(grant.channels,
                  [&](const auto& c) { return !rules_.peers.allows(c.second.peer); });
}

void TurnModel::closed_all() {
    grants_.clear();
    reservations_.clear();
    claimants_.clear();
}

bool TurnModel::is_revoked(const Grant& grant) const {
    const auto user = accounts_.users.find(grant.user);
    return user != accounts_.users.end() && grant.key != key_of(grant.user, user->second);
}

void TurnModel::revoked(Instant now) {
    ends_revoked_ = true;
    forget_expired(now);
    const size_t ended =
        std::erase_if(grants_, [&](const auto& entry) { return is_revoked(entry.second); });
    if (ended > 0) trace_.mark(Mark::revoked);
}

void TurnModel::forget_expired(Instant now, std::optional<size_t> shard) {
    for (auto at = grants_.begin(); at != grants_.end();) {
        const auto here = at++;
        const Place place = here->first;
        if (!shard || here->second.shard == *shard) find(place, now);
    }
    std::erase_if(reservations_, [&](const auto& r) { return now >= r.second.expires_at; });
}

// TI5, TI7, TI13, TI20: what is open is what was granted, and the counters say so.
void TurnModel::settled(Instant now, const RelayTable& table, size_t shard,
                        const turn::Stats& stats) {
    forget_expired(now, shard);
    std::set<TransportAddress> granted, granted_here;
    uint64_t live = 0;
    for (const auto& [place, grant] : grants_) {
        if (grant.shard == shard) ++live;
        if (grant.over_tcp) continue;
        for (const auto& [family, relay] : grant.relays) {
            granted.insert(relay.port.address);
            if (grant.shard == shard) granted_here.insert(relay.port.address);
        }
    }
    for (const auto* const elsewhere : {&on_the_way_, &over_}) {
        for (const auto& [id, grant] : *elsewhere) {
            granted.insert(grant.mobility->ports.begin(), grant.mobility->ports.end());
        }
    }
    for (const auto& [token, reservation] : reservations_) {
        granted.insert(reservation.port.address);
    }
    for (const auto& [address, port] : table.open) {
        require(port.shard != shard || granted.contains(address), "TI5",
                "an open port is allocated or reserved", address.to_string());
    }
    for (const TransportAddress& address : granted_here) {
        const auto open = table.open.find(address);
        require(open != table.open.end() && open->second.shard == shard && !open->second.held,
                "TI13", "an allocation lives to its end", address.to_string());
    }
    const size_t ports = granted_here.size() + check_listening(table, shard);
    check_connections(table, shard);
    check_counters(counted_[shard], live, ports, stats);
}

void TurnModel::check_counters(const Counted& counted, uint64_t live, size_t ports,
                               const turn::Stats& stats) const {
    const auto require_equal = [](uint64_t seen, uint64_t expected, std::string_view sentence) {
        require(seen == expected, "TI20", sentence,
                std::to_string(seen) + " instead of " + std::to_string(expected));
    };
    require_equal(stats.allocations_live, live, "allocations_live counts them");
    require_equal(stats.allocations_total, counted.created, "allocations_total counts them");
    require_equal(stats.relayed_ports, ports, "relayed ports are counted");
    require_equal(stats.moves, counted.moves, "moves are counted");
    require_equal(stats.to_peers.packets, counted.to_peers.packets, "relayed packets are counted");
    require_equal(stats.to_peers.bytes, counted.to_peers.bytes, "relayed bytes are counted");
    require_equal(stats.to_clients.packets, counted.to_clients.packets,
                  "relayed packets are counted");
    require_equal(stats.to_clients.bytes, counted.to_clients.bytes, "relayed bytes are counted");
    require_equal(stats.bindings, counted.bindings, "Binding responses are counted");
    const uint64_t denied =
        std::accumulate(stats.denied_peers.begin(), stats.denied_peers.end(), uint64_t{0});
    require_equal(denied, counted.denied, "every denied peer is counted with its reason");
    for (const auto& [code, count] : counted.errors) {
        const auto seen = stats.errors.find(static_cast<stun::ErrorCode>(code));
        require_equal(seen == stats.errors.end() ? 0 : seen->second, count,
                      "errors are counted by their code");
    }
}

}  // namespace ahoy::sim
