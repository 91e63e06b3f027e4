// What a seed draws before anything happens.
#include "base/test_address.h"
#include "sim/turn_askers.h"
#include "sim/turn_callers.h"
#include "sim/turn_joiners.h"
#include "sim/turn_shard.h"
#include "sim/turn_strangers.h"

namespace ahoy::sim {
namespace {

IpAddress numbered(uint32_t base, size_t index) {
    return IpAddress::v4(base + static_cast<uint32_t>(index));
}

constexpr std::string_view server_v4 = "192.0.2.15", server_v6 = "2001:db8::15";

}  // namespace

TurnWorld::TurnWorld(uint64_t seed, std::optional<Duration> length, Trace& trace, Offload offload)
    : town_{.dice = Dice(seed * 2 + 1),
            .network = Network(Dice(seed * 2 + 2)),
            .streams = Streams(Dice(~seed)),
            .trace = trace,
            .now = {Instant{} + 1000h, WallTime(1'700'000'000s)}},
      length_(length),
      offload_(offload),
      mtu_(seed % 2 == 0 ? 1500 : 100) {
    draw_configuration();
    draw_peers();
    build_shards();
    build_actors();
}

TurnWorld::~TurnWorld() = default;

void TurnWorld::draw_configuration() {
    Dice& dice = town_.dice;
    if (!length_) length_ = dice.any_of<Duration>({1min, 5min, 15min, 40min});
    town_.pace = *length_ / 120;
    config_.software = dice.one_in(2) ? "ahoy" : "";
    config_.default_lifetime = dice.any_of<Duration>({20s, 1min, 10min, 10min});
    config_.max_lifetime = dice.any_of<Duration>({1min, 1h});
    config_.permission_lifetime = dice.any_of<Duration>({20s, 5min, 5min});
    config_.channel_lifetime = dice.any_of<Duration>({20s, 10min, 10min});
    draw_quotas();
    config_.max_permissions = dice.any_of<unsigned>({1, 3, 128});
    config_.max_channels = dice.any_of<unsigned>({1, 3, 128});
    config_.legacy_channels = dice.one_in(2);
    config_.max_reservations = dice.any_of<unsigned>({1, 256});
    config_.authenticate_binding = dice.one_in(4);
    own_ = {ip(server_v4), ip(server_v6)};
    pool_.addresses = dice.one_in(3) ? std::vector{own_[0]} : own_;
    pool_.high = static_cast<uint16_t>(pool_.low + dice.any_of<uint16_t>({2, 7, 30, 99}));
    pool_.failures = dice.any_of<unsigned>({0, 0, 5, 30});
    faults_.lost = dice.any_of<unsigned>({0, 0, 5, 30});
    faults_.doubled = dice.any_of<unsigned>({0, 5});
    faults_.damaged = dice.any_of<unsigned>({0, 0, 0, 2});
    faults_.cut_short = dice.any_of<unsigned>({0, 0, 0, 2});
    faults_.slowest = dice.any_of<Duration>({6ms, 40ms, 40ms, 400ms, 2s});
    town_.network.set_faults(faults_);
    town_.streams.set_slowest(faults_.slowest);
    lateness_ = dice.any_of<Duration>({0s, 0s, 20ms, 10s});
    restarts_ = dice.one_in(4);
    reloads_ = dice.one_in(3);
    revokes_ = dice.one_in(2);
    drains_ = dice.one_in(4);
    mobility_ = dice.one_in(2);
    relays_tcp_ = dice.one_in(2);
    config_.max_connections = dice.any_of<unsigned>({1, 3, 64});
    post_delay_ = dice.any_of<Duration>({0s, 1ms, 1s, 20s});
    rebinds_ = dice.one_in(2);
    clock_jumps_ = dice.one_in(4);
    forges_ = dice.one_in(2);
    town_.payloads_tell = !forges_ && faults_.damaged == 0;
    if (restarts_ || reloads_ || rebinds_ || clock_jumps_ || drains_) strike_at_ = town_.now.steady;
    draw_redirection();
    for (uint8_t& byte : secret_) byte = static_cast<uint8_t>(dice.next());
    for (uint8_t& byte : ticket_secret_) byte = static_cast<uint8_t>(dice.next());
    town_.accounts = {.realm = dice.one_in(2) ? "ahoy" : "call.example.org",
                      .users = {{"alice", "wonder"}, {"bob", "builder"}, {"mallory", "m"}},
                      .secrets = {}};
    if (dice.one_in(2)) town_.accounts.secrets = {"north"};
}

// Mostly of allocations alone, as they are by default.
void TurnWorld::draw_quotas() {
    Dice& dice = town_.dice;
    auto& [user, address, realm, total] = config_.quotas;  // a realm has none of its own
    total.allocations = dice.any_of<unsigned>({2, 6, 100'000, 100'000});
    user.allocations = dice.any_of<unsigned>({1, 4, 256, 256});
    address.allocations = dice.any_of<unsigned>({1, 3, 0, 4096});
    if (!dice.one_in(4)) return;
    for (turn::Counts* const limits : {&user, &address, &total}) {
        limits->permissions = dice.any_of<unsigned>({1, 3, 0, 0});
        limits->channels = dice.any_of<unsigned>({1, 3, 0, 0});
        limits->connections = dice.any_of<unsigned>({1, 3, 0, 0});
    }
}

// Mostly nobody is sent elsewhere, for then there is little to see here.
void TurnWorld::draw_redirection() {
    Dice& dice = town_.dice;
    redirects_ = {};
    if (dice.one_in(4)) redirects_ = turn::Redirect::full;
    if (dice.one_in(30)) redirects_ = turn::Redirect::always;
    alternates_ = dice.any_of<std::vector<TransportAddress>>(
        {{at("198.51.100.7:3478")},
         {at("[2001:db8:7::7]:3478")},
         {at("198.51.100.7:3478"), at("[2001:db8:7::7]:3478"), at("198.51.100.8:3478")}});
}

void TurnWorld::draw_peers() {
    // The last is another address of the first one's socket, which is bound to all of them.
    town_.listeners = {at("192.0.2.15:3478"), at("192.0.2.15:3479"), at("[2001:db8::15]:3478"),
                       at("192.0.2.16:3478")};
    town_.peers = {at("9.9.9.9:5000"), at("9.9.9.10:5000"), at("[2606:4700::9]:5000")};
    town_.stream_peers = {at("9.9.9.11:5000"), at("9.9.9.12:5000"), at("[2606:4700::b]:5000")};
    for (const auto text : {"127.0.0.1:80",
                            "10.0.0.5:80",
                            "169.254.169.254:80",
                            "192.168.1.1:53",
                            "100.64.0.1:1",
                            "172.16.0.1:22",
                            "0.0.0.0:80",
                            "224.0.0.1:9",
                            "255.255.255.255:9",
                            "240.0.0.1:9",
                            "9.9.9.9:0",
                            "192.0.2.15:3478",
                            "192.0.2.15:3479",
                            "192.0.2.16:3478",
                            "192.0.2.15:22",
                            "[::1]:80",
                            "[fe80::1]:80",
                            "[fc00::1]:80",
                            "[ff02::1]:80",
                            "[2002:7f00:1::1]:80",
                            "[64:ff9b::7f00:1]:80",
                            "[::7f00:1]:80",
                            "[2001:0:7f00:1::1]:80",
                            "[2001:db8::15]:3478",
                            "[2001:db8::15]:22",
                            "10.1.2.3:5000",
                            "10.1.9.9:5000",
                            "9.9.10.1:5000"}) {
        town_.denied.push_back(at(text));
    }
    // The operator's exceptions, which make some of those above ordinary and some others denied.
    if (town_.dice.one_in(2)) allow_ = {"10.1.0.0/16"};
    if (town_.dice.one_in(2)) deny_ = {"10.1.2.0/24", "9.9.10.0/24"};
}

TurnModel::Rules TurnWorld::rules() const {
    const RelayTable& relays = town_.relays;
    TurnModel::Rules rules{.config = config_,
                           .peers = {.allow = allow_,
                                     .deny = deny_,
                                     .own = own_,
                                     .listening = town_.listeners,
                                     .is_live =
                                         [&relays](const TransportAddress& address) {
                                             return relays.open.contains(address);
                                         }},
                           .tcp_peers = {},
                           .relays_tcp = relays_tcp_,
                           .families = {},
                           .mobility = mobility_,
                           .redirects = redirects_,
                           .alternates = alternates_};
    rules.tcp_peers = rules.peers;
    rules.tcp_peers.is_live = [&relays](const TransportAddress& address) {
        return relays.listening.contains(address);
    };
    for (const IpAddress& address : pool_.addresses) rules.families.push_back(address.family());
    return rules;
}

void TurnWorld::build_shards() {
    const size_t count = 1 + town_.dice.below(3);
    for (size_t i = 0; i < count; ++i) {
        PortPool pool = pool_;  // a slice for each
        const auto size = static_cast<uint16_t>(pool_.high - pool_.low + 1);
        pool.low = static_cast<uint16_t>(pool_.low + i * size);
        pool.high = static_cast<uint16_t>(pool.low + size - 1);
        shards_.push_back(std::make_unique<Shard>(
            i, TurnPorts(pool, town_.relays, i, own_, Dice(town_.dice.next()))));
    }
    connections_ = std::make_unique<Connections>(*this);
    start_all();
}

void TurnWorld::start_all() {
    model_ = std::make_unique<TurnModel>(rules(), town_.accounts, nonces_, town_.trace);
    for (const auto& shard : shards_) start(*shard);
}

void TurnWorld::start(Shard& shard) {
    shard.server =
        std::make_unique<turn::Server>(config_, make_realms(), turn::Nonces(secret_), shard.ports,
                                       observer_, Random::from_number(town_.dice.next()));
    shard.moves = std::make_unique<Moves>(*this, static_cast<unsigned>(shard.index));
    if (mobility_) shard.server->offer_mobility(turn::Tickets(ticket_secret_), *shard.moves);
    shard.streams = std::make_unique<PeerStreams>(*this, shard);
    if (relays_tcp_) shard.server->relay_tcp(*shard.streams);
    shard.server->redirect_to(make_alternates());
    offload(shard);
}

turn::Alternates TurnWorld::make_alternates() const {
    if (!redirects_) return {};
    std::vector<turn::Alternate> servers;
    for (const TransportAddress& address : alternates_) servers.push_back({address, ""});
    return {*redirects_, servers, {}};
}

std::shared_ptr<const turn::Realms> TurnWorld::make_realms() const {
    const Accounts& accounts = town_.accounts;
    turn::PeerLists lists;
    for (const auto text : allow_) lists.allow.push_back(Prefix::parse(text).value());
    for (const auto text : deny_) lists.deny.push_back(Prefix::parse(text).value());
    return turn::Realms::only({accounts.realm, accounts.users, accounts.secrets},
                              {std::move(lists), town_.listeners});
}

void TurnWorld::build_actors() {
    Dice& dice = town_.dice;
    for (const TransportAddress& peer : town_.peers) {
        actors_.push_back(std::make_unique<PlainPeer>(peer, town_, dice.one_in(2)));
    }
    const size_t callers = 1 + dice.below(5);
    for (size_t i = 0; i < callers; ++i) add_caller(i);
    const size_t askers = dice.below(3);
    for (size_t i = 0; i < askers; ++i) {
        std::vector<TransportAddress> addresses;
        for (size_t n = 0; n <= dice.below(4); ++n) {
            addresses.push_back({numbered(0xcb007150, i), static_cast<uint16_t>(4000 + n)});
        }
        if (dice.one_in(3)) {  // of one network
            addresses.push_back(at("[2001:db8:a::1]:4000"));
            addresses.push_back(at("[2001:db8:a::2]:4000"));
        }
        if (dice.one_in(3)) addresses.push_back({numbered(0xcb007150, i), 3478});
        actors_.push_back(std::make_unique<Asker>(std::move(addresses), town_));
    }
    const size_t joiners = relays_tcp_ || dice.one_in(4) ? dice.below(3) : 0;
    for (size_t i = 0; i < joiners; ++i) {
        actors_.push_back(std::make_unique<Joiner>(
            Joiner::Config{.ip = numbered(0xcb007190, i),
                           .server = town_.listeners[dice.below(2)],
                           .user = dice.any_of<std::string>({"alice", "bob"})},
            town_));
    }
    for (const TransportAddress& peer : town_.stream_peers) {
        if (joiners > 0) actors_.push_back(std::make_unique<StreamPeer>(peer, town_));
    }
    if (dice.percent(70)) {
        actors_.push_back(std::make_unique<Stranger>(at("198.51.100.66:1024"), town_, forges_));
    }
}

// Half of them behind NATs, which two may share; some with IPv6.
void TurnWorld::add_caller(size_t index) {
    Dice& dice = town_.dice;
    static constexpr NatBehaviour behaviours[] = {NatBehaviour::endpoint_independent,
                                                  NatBehaviour::address_dependent,
                                                  NatBehaviour::address_and_port_dependent};
    Caller::Config config{.inside = numbered(0xcb007120, index),
                          .first_port = static_cast<uint16_t>(5000 + 1000 * index),
                          .server = town_.listeners[dice.below(2)]};
    const size_t where = dice.below(10);
    if (where < 2) {
        config.inside = ip("2001:db8:c::1");
        config.server = town_.listeners[2];
    } else if (where < 8) {
        config.inside = numbered(0x0a0a0001, index);
        if (nats_.empty() || !dice.one_in(3)) {
            const NatConfig nat{.external = numbered(0xcb007101, index),
                                .mapping = dice.pick(behaviours),
                                .filtering = dice.pick(behaviours),
                                .preserves_ports = dice.one_in(2),
                                .timeout = dice.any_of<Duration>({30s, 2min, 10min})};
            nats_.emplace_back(nat, static_cast<uint16_t>(20000 + dice.below(20000)));
        }
        town_.network.put_behind(config.inside, nats_.back());
    }
    const std::string user = dice.one_in(2) ? "alice" : "bob";
    config.username = user;
    config.password = town_.accounts.users.at(user);
    config.password_is_right = !dice.one_in(20);
    if (!config.password_is_right) config.password = "forgotten";
    if (dice.one_in(4)) config.family = AddressFamily::ipv6;
    config.lifetime = dice.any_of<Duration>({1min, 10min, 10min});
    config.mobile = dice.one_in(3);
    config.over_tcp = where >= 8 && dice.one_in(2);
    actors_.push_back(std::make_unique<Caller>(std::move(config), town_));
}

}  // namespace ahoy::sim
