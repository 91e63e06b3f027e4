#include "sim/turn_world.h"

#include <algorithm>
#include <numeric>

#include "sim/turn_callers.h"
#include "sim/turn_shard.h"
#include "sim/work.h"

namespace ahoy::sim {
namespace {

constexpr Duration enough_to_converge = 3min;
constexpr uint64_t most_work = 10'000;     // in pieces of code, for one message
constexpr uint32_t listening_sockets = 3;  // numbered from 1

uint64_t drops(const turn::Server& server) {
    const auto& drops = server.stats().drops;
    return std::accumulate(drops.begin(), drops.end(), uint64_t{0});
}

std::string shown(const Packet& packet) {
    std::string text = packet.from.to_string();
    text.append(" -> ").append(packet.to.to_string()).append("  ");
    const Bytes bytes = packet.bytes;
    if (const auto stun = wire::decode(bytes)) {
        text.append("STUN type ").append(std::to_string(stun->type));
        if (const auto error = stun->error()) text.append(" ").append(std::to_string(*error));
        for (const auto attribute : {wire::xor_peer_address, wire::xor_relayed_address}) {
            const auto address = stun->address(attribute);
            if (address) text.append(" ").append(address->to_string());
        }
    } else if (!bytes.empty() && bytes[0] >> 6 == 1) {
        text.append("channel data");
    } else {
        text.append("data");
    }
    return text.append(", ").append(std::to_string(bytes.size())).append(" bytes");
}

std::string shown(const Streams::Heard& heard) {
    static constexpr std::string_view kinds[] = {"opens", "hears", "hears the end",
                                                 "hears of the close"};
    std::string text = "stream end ";
    text.append(std::to_string(static_cast<uint32_t>(heard.end))).append(" ");
    text.append(kinds[static_cast<size_t>(heard.kind)]);
    if (heard.bytes.empty()) return text;
    return text.append(", ").append(std::to_string(heard.bytes.size())).append(" bytes");
}

}  // namespace

std::vector<Sent> TurnWorld::sent() {
    if (out_.overflowed() != 0) {
        throw Violation("TI20", "an empty outbox has room for what one input causes", "overflow");
    }
    std::vector<Sent> sent;
    for (const Transmit& t : out_.pending()) {
        std::vector<uint8_t> bytes(t.prefix.begin(), t.prefix.begin() + t.prefix_size);
        bytes.insert(bytes.end(), t.bytes.begin(), t.bytes.end());
        sent.push_back({t.socket, t.from, t.to, std::move(bytes)});
    }
    out_.clear();
    return sent;
}

void TurnWorld::run() {
    run_until(town_.now.steady + *length_);
    calm();
    converge();
    drain();
}

void TurnWorld::run_until(Instant end) {
    while (step(end)) {
    }
    town_.now.wall += std::chrono::duration_cast<std::chrono::seconds>(end - town_.now.steady);
    town_.now.steady = end;
}

// The one thing that happens next, unless it is after `limit`.
bool TurnWorld::step(Instant limit) {
    Instant next = std::min({town_.network.next(), town_.streams.next(), strike_at_});
    Shard* due = nullptr;
    for (const auto& shard : shards_) {
        if (shard->expire_at <= next) next = shard->expire_at, due = shard.get();
    }
    Shard* hears = nullptr;
    for (const auto& shard : shards_) {
        if (shard->next_post() < next) next = shard->next_post(), hears = shard.get();
    }
    Actor* actor = nullptr;
    for (const auto& candidate : actors_) {
        if (candidate->next() < next) next = candidate->next(), actor = candidate.get();
    }
    if (next > limit) return false;
    if (next > town_.now.steady) {
        // Whole seconds of both clocks pass together.
        const auto whole = [](Instant t) {
            return std::chrono::floor<std::chrono::seconds>(t.time_since_epoch());
        };
        town_.now.wall += whole(next) - whole(town_.now.steady);
        town_.now.steady = next;
    }
    ++town_.trace.events;
    town_.trace.add(town_.now.steady);
    if (actor != nullptr) {
        actor->act();
    } else if (hears != nullptr) {
        deliver(*hears);
    } else if (due != nullptr) {
        expire(*due);
    } else if (next == strike_at_) {
        strike();
    } else if (next == town_.streams.next()) {
        hear(town_.streams.take(next));
    } else if (const auto packet = town_.network.take(next)) {
        arrive(*packet);
    }
    return true;
}

// At an end of a stream: by whoever has it, or by whom it is for.
void TurnWorld::hear(const Streams::Heard& heard) {
    town_.trace.add(heard.bytes);
    town_.trace.say(town_.now.steady, [&] { return shown(heard); });
    if (const auto ear = town_.ears.find(heard.end); ear != town_.ears.end()) {
        return ear->second->hear(heard);
    }
    const auto call = town_.calls.find(heard.end);
    if (call != town_.calls.end() && heard.kind == Streams::Heard::Kind::opened) {
        for (const auto& actor : actors_) {
            if (!actor->is_at(call->second.to)) continue;
            const Town::Call taken = call->second;
            town_.calls.erase(call);
            return actor->called(heard.end, taken);
        }
    }
    connections_->hear(heard);
}

TurnWorld::Shard& TurnWorld::shard_of(const TransportAddress& client,
                                      const TransportAddress& listener) {
    return *shards_[AddressHash(1, 2).mix(client, listener.port) % shards_.size()];
}

// The fourth listener is on the first socket.
std::optional<SocketId> TurnWorld::listening_socket(const TransportAddress& address) const {
    const auto listener = std::ranges::find(town_.listeners, address);
    if (listener == town_.listeners.end()) return {};
    const auto index = static_cast<uint32_t>(listener - town_.listeners.begin());
    return SocketId{index % listening_sockets + 1};
}

void TurnWorld::arrive(const Packet& packet) {
    Trace& trace = town_.trace;
    ++trace.packets;
    trace.add(packet.from);
    trace.add(packet.to);
    trace.add(packet.bytes);
    trace.say(town_.now.steady, [&] { return shown(packet); });
    if (const auto socket = listening_socket(packet.to)) {
        if (town_.captured.size() < 64) {
            town_.captured.push_back(packet);
        } else {
            town_.captured[trace.packets % 64] = packet;
        }
        Shard& shard = shard_of(packet.from, packet.to);
        const Datagram in{*socket, packet.from, packet.to, packet.bytes};
        return to_server(shard, in, true, relay_in_kernel(shard, in));
    }
    const auto relay = town_.relays.open.find(packet.to);
    if (relay != town_.relays.open.end()) {
        if (relay->second.held) return;
        if (town_.relays.open.contains(packet.from)) trace.mark(Mark::relayed_to_relayed);
        Shard& shard = *shards_[relay->second.shard];
        const Datagram in{relay->second.port.socket, packet.from, packet.to, packet.bytes};
        return to_server(shard, in, false, relay_in_kernel(shard, in));
    }
    for (const auto& actor : actors_) {
        if (actor->is_at(packet.to)) return actor->receive(packet);
    }
}

// What the kernel has relayed the server does not hear.
void TurnWorld::to_server(Shard& shard, const Datagram& in, bool from_client,
                          std::optional<Sent> relayed) {
    shard.ports.set_now(town_.now.steady);
    const turn::Counts charged = town_.relays.charges;
    const uint64_t dropped = drops(*shard.server);
    const uint64_t kept = model_->kept();
    const uint64_t done = work_done();
    if (relayed) {
        // The kernel has done it.
    } else if (from_client) {
        shard.server->from_client(town_.now, in, out_);
    } else {
        shard.server->from_peer(town_.now, in, out_);
    }
    check_work(work_done() - done);
    std::vector<Sent> out = sent();
    if (relayed) out.push_back(std::move(*relayed));
    const auto calls = shard.ports.take_calls();
    const auto moves = shard.moves->take_calls();
    const auto streams = shard.streams->take_calls();
    const TurnModel::Step step{town_.now, in, out, calls, moves, streams, shard.index, charged};
    if (from_client) {
        model_->from_client(step);
    } else {
        model_->from_peer(step);
    }
    check_drops(shard, in, dropped, out.empty() && model_->kept() == kept);
    forward(shard, out);
    shard.expire_at = std::min(shard.expire_at, shard.server->next_deadline());
}

// TI21
void TurnWorld::check_work(uint64_t work) {
    if (work <= most_work) return;
    throw Violation("TI21", "a message is little work", std::to_string(work) + " pieces of code");
}

// TI20: whatever leads to nothing is counted, once; a keepalive is no drop, nor what waits.
void TurnWorld::check_drops(Shard& shard, const Datagram& in, uint64_t before, bool silent) {
    const uint64_t counted = drops(*shard.server) - before;
    const auto stun = wire::decode(in.bytes);
    const bool keepalive = stun && stun->type == wire::binding_indication;
    if (counted == (silent && !keepalive ? 1u : 0u)) return;
    throw Violation("TI20", "every datagram that leads to nothing is counted once",
                    std::to_string(counted) + " times");
}

void TurnWorld::forward(Shard& shard, const std::vector<Sent>& all) {
    for (const Sent& sent : all) {
        town_.trace.add(sent.bytes);
        if (connections_->has(sent.socket)) {
            connections_->send(sent.socket, sent.bytes);
            continue;
        }
        if (shard.ports.fails()) {
            town_.trace.mark(Mark::send_failed);
            continue;
        }
        const auto number = static_cast<size_t>(sent.socket);
        if (number >= 1 && number <= listening_sockets) {
            town_.send({sent.from, town_.listeners[number - 1].port}, sent.to, sent.bytes);
            continue;
        }
        const auto relay = std::ranges::find_if(town_.relays.open, [&](const auto& entry) {
            return entry.second.port.socket == sent.socket && entry.second.shard == shard.index &&
                   !entry.second.held;
        });
        if (relay == town_.relays.open.end()) {
            throw Violation("TI5", "data leaves through open sockets only", std::to_string(number));
        }
        town_.send(relay->first, sent.to, sent.bytes);
    }
}

void TurnWorld::expire(Shard& shard) {
    shard.ports.set_now(town_.now.steady);
    shard.server->expire(town_.now, out_);
    const auto out = sent();
    model_->expired(town_.now, shard.index, town_.relays, out);
    shard.ports.take_calls();
    count_carried(shard);
    forward(shard, out);
    model_->settled(town_.now.steady, town_.relays, shard.index, shard.server->stats());
    const Instant next = shard.server->next_deadline();
    if (next <= town_.now.steady) {
        throw Violation("TI13", "after expire() nothing is due", std::to_string(shard.index));
    }
    shard.expire_at = next == Instant::max() ? next : next + town_.dice.between(0s, lateness_);
}

void TurnWorld::strike() {
    strike_at_ = town_.now.steady + town_.dice.between(*length_ / 16, *length_ / 4);
    const size_t kind = town_.dice.below(5);
    if (kind == 0 && restarts_) restart();
    if (kind == 1 && reloads_) reload();
    if (kind == 2 && rebinds_ && !nats_.empty()) {
        town_.dice.pick(nats_).rebind();
        town_.trace.mark(Mark::nat_rebound);
        town_.trace.say(town_.now.steady, [] { return std::string("a NAT rebinds"); });
    }
    if (kind == 3 && clock_jumps_) {  // only the wall clock does
        town_.now.wall +=
            town_.dice.any_of<std::chrono::seconds>({-24h * 365, 24h * 365, -60s, 60s});
    }
    if (kind == 4 && drains_) drain_or_not();
}

void TurnWorld::restart() {
    town_.trace.mark(Mark::server_restarted);
    town_.trace.say(town_.now.steady, [] { return std::string("restart"); });
    deliver_all();
    for (const auto& shard : shards_) {
        shard->ports.set_now(town_.now.steady);
        shard->server->close_all(town_.now);
    }
    model_->closed_all();
    connections_->close_all();
    for (const auto& shard : shards_) {
        model_->settled(town_.now.steady, town_.relays, shard->index, shard->server->stats());
        shard->ports.take_calls();
        shard->posts.clear();
        shard->expire_at = Instant::max();
    }
    check_charges();
    // The nonces and tickets of before are worth nothing then (TI14).
    for (uint8_t& byte : secret_) byte = static_cast<uint8_t>(town_.dice.next());
    for (uint8_t& byte : ticket_secret_) byte = static_cast<uint8_t>(town_.dice.next());
    nonces_.forget();
    mobile_ = {};
    start_all();
}

// Other peers are denied, and a password changes or is what it was before.
void TurnWorld::reload() {
    town_.trace.mark(Mark::server_reloaded);
    town_.trace.say(town_.now.steady, [] { return std::string("reload"); });
    deny_ = town_.dice.any_of<std::vector<std::string_view>>(
        {{}, {"10.1.2.0/24"}, {"9.9.9.9/32"}, {"9.9.9.0/24", "2606:4700::/32"}});
    draw_redirection();
    std::string& password = town_.accounts.users.at("bob");
    password = password == "builder" ? "destroyer" : "builder";
    for (const auto& shard : shards_) reload(*shard);
    model_->reload(rules());
    if (!revokes_) return;
    for (const auto& shard : shards_) {
        for (std::optional<size_t> from = 0; from;) {
            from = shard->server->end_revoked(town_.now, *from);
        }
    }
    model_->revoked(town_.now.steady);
    for (const auto& shard : shards_) expire(*shard);  // which looks whether they agree
}

void TurnWorld::reload(Shard& shard) {
    shard.ports.set_now(town_.now.steady);
    shard.server->reload(make_realms());
    shard.server->redirect_to(make_alternates());
}

// TI33: the server refuses new allocations, and only those, until it is told otherwise.
void TurnWorld::drain_or_not() {
    const bool refuses = town_.dice.one_in(2);
    town_.trace.say(town_.now.steady, [&] { return std::string(refuses ? "drains" : "opens"); });
    for (const auto& shard : shards_) shard->server->refuse_new(refuses);
    model_->refuse_new(refuses);
}

void TurnWorld::calm() {
    deliver_all();
    town_.network.set_faults({});
    town_.streams.set_slowest(NetworkFaults{}.slowest);
    strike_at_ = Instant::max();
    lateness_ = 0s;
    post_delay_ = 0s;
    reloads_ = false;
    deny_.clear();
    town_.accounts.users.at("bob") = "builder";
    for (const auto& shard : shards_) {
        shard->ports.stop_failing();
        shard->server->refuse_new(false);
        reload(*shard);
    }
    model_->refuse_new(false);
    model_->reload(rules());
    for (const auto& actor : actors_) actor->calm();
}

// TI30: once faults stop, whoever is honest gets through.
void TurnWorld::converge() {
    const Instant end = town_.now.steady + enough_to_converge;
    const auto all_content = [&] {
        return std::ranges::all_of(actors_, [](const auto& actor) { return actor->content(); });
    };
    while (!all_content() && step(end)) {
    }
    for (const auto& actor : actors_) {
        if (actor->content()) continue;
        throw Violation("TI30", "without faults every client exchanges data within three minutes",
                        actor->describe());
    }
}

// TI5, TI13, TI31: when everybody has gone, nothing remains; and then there is room for others.
void TurnWorld::drain() {
    for (const auto& actor : actors_) actor->retire();
    const Duration longest = config_.max_lifetime + turn::Nonces::lifetime + 1min;
    run_until(town_.now.steady + longest);
    check_nothing_remains();
    town_.streams.close_all();
    town_.ears.clear();
    connections_->close_all();
    actors_.resize(town_.peers.size());
    for (size_t i = 0; i < 2; ++i) {
        actors_.push_back(std::make_unique<Caller>(
            Caller::Config{.inside = IpAddress::v4(0xcb0071f0 + static_cast<uint32_t>(i)),
                           .first_port = 5000,
                           .server = town_.listeners[0],
                           .username = i == 0 ? "alice" : "bob",
                           .password = i == 0 ? "wonder" : "builder"},
            town_));
        actors_.back()->calm();
    }
    converge();
}

// TI7
void TurnWorld::check_charges() {
    const turn::Counts& charged = town_.relays.charges;
    if (!charged.any()) return;
    throw Violation("TI7", "when nothing is left nothing counts against a quota",
                    std::to_string(charged.allocations) + " allocations and what is in them");
}

void TurnWorld::check_nothing_remains() {
    check_charges();
    if (!model_->nobody_waits()) {
        throw Violation("TI13", "when all have gone nobody waits for an allocation", "somebody");
    }
    if (!town_.relays.open.empty()) {
        throw Violation("TI5", "when all have gone every relay port is given back",
                        town_.relays.open.begin()->first.to_string());
    }
    if (!town_.relays.listening.empty() || !town_.relays.links.empty()) {
        throw Violation("TI17", "when all have gone no peer is connected",
                        std::to_string(town_.relays.links.size()));
    }
    for (const auto& shard : shards_) {
        const uint64_t live = shard->server->stats().allocations_live;
        const bool none_in_kernel = !shard->kernel || shard->kernel->is_empty();
        if (live == 0 && none_in_kernel && shard->server->next_deadline() == Instant::max()) {
            continue;
        }
        throw Violation("TI13", "when all have gone nothing remains", std::to_string(live));
    }
}

}  // namespace ahoy::sim
