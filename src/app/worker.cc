#include "app/worker.h"

#include <functional>
#include <map>

namespace ahoy::app {

Worker& owner_of(const Workers& workers, std::string_view room) {
    return *workers[std::hash<std::string_view>{}(room) % workers.size()];
}

Worker& counter_of(const Workers& workers, const IpAddress& client) {
    return *workers[AddressHash{}(room::network_of(client)) % workers.size()];
}

Worker::Worker(unsigned index, const Parts& parts, const Workers& all,
               net::RelayAddresses& relay_addresses, net::TurnShared& turn_shared, LifeLog& log,
               Random random)
    : shard(index),
      turn_sockets(shard.io().get_executor(), relay_addresses, turn_shared, parts.ports,
                   Random(random.seed())),
      turn(parts.turn, parts.realms, parts.nonces, turn_sockets, log, Random(random.seed())),
      turn_moves(
          index, shard.io(), [&all](unsigned i) -> net::TurnMoves& { return all[i]->turn_moves; },
          turn_shared.mobile, turn_sockets, turn),
      dtls(shard.io().get_executor(), turn_sockets, Random(random.seed())),
      turn_streams(shard.io(), turn_sockets, turn.bandwidth()),
      tcp_relays(shard.io(), relay_addresses, turn_shared.peer_sockets, turn_sockets, turn_streams,
                 parts.ports, Random(random.seed())),
      tcp(shard, parts.tcp),
      ice(parts.ice, Random(random.seed())),
      apprtc(parts.apprtc, [this](Now now, std::string_view host) { return ice.make(now, host); }),
      join_limit({parts.joins_per_minute, 1min}, Random(random.seed())),
      message_limit(room::Allowance::per_second(parts.address_messages_per_second),
                    Random(random.seed())),
      session_limits(parts.sessions),
      resume_tickets(parts.resume_key, parts.instance),
      room_names(parts.room_names),
      all_(all),
      relay_addresses_(relay_addresses),
      rooms_(parts.rooms, Random(random.seed()), log, resume_tickets, room_names),
      names_random_(random.seed()),
      timer_(shard.io()) {
    if (parts.tcp_relay) turn.relay_tcp(tcp_relays);
    if (parts.tickets) turn.offer_mobility(*parts.tickets, turn_moves);
}

net::HttpServer& Worker::add_server(std::unique_ptr<net::HttpService> service,
                                    const std::vector<Prefix>& trusted_proxies) {
    auto server = std::make_unique<net::HttpServer>(shard.timeouts(), *service, net::HttpLimits{},
                                                    trusted_proxies);
    return *endpoints_.emplace_back(Endpoint{std::move(service), std::move(server)}).server;
}

void Worker::relay_by(fastpath::KernelRelay& relay) {
    const auto share = static_cast<uint32_t>(relay.capacity() / all_.size());
    vicinity = std::make_unique<fastpath::HostVicinity>(relay, turn_sockets, relay_addresses_);
    kernel_paths =
        std::make_unique<fastpath::KernelPaths>(relay, *vicinity, shard.index() * share, share);
    turn.relay_by(*kernel_paths);
}

void Worker::start() {
    turn_sockets.start(turn);
    turn_sockets.use(dtls);
    turn_streams.start();
    tcp.start();
}

void Worker::stop() {
    stopped_ = true;
    tcp.stop();
    turn_streams.stop();
    dtls.stop();
    for (const Endpoint& endpoint : endpoints_) endpoint.server->stop();
    timer_.cancel();
    turn_moves.stop();
    turn.close_all(net::read_clocks());
    tcp_relays.stop();
    turn_sockets.stop();
}

void Worker::use(const Access& access, bool ends_revoked) {
    turn.reload(access.realms);
    turn.set_quotas(access.quotas);
    turn.limit_bandwidth(access.bandwidth);
    ice.set_secret(access.secret);
    if (ends_revoked) end_revoked(0);
    turn_sockets.flush();  // which looks what is due
}

void Worker::use(std::shared_ptr<const room::JoinTokens> tokens) {
    apprtc.use_tokens(tokens);
    join_tokens = std::move(tokens);
}

void Worker::end_revoked(size_t from) {
    if (stopped_) return;
    if (const auto next = turn.end_revoked(net::read_clocks(), from)) {
        boost::asio::post(shard.io(), [this, next] { end_revoked(*next); });
    }
}

void Worker::reroute(size_t from) {
    if (stopped_) return;
    if (const auto next = kernel_paths->reroute(from)) {
        boost::asio::post(shard.io(), [this, next] { reroute(*next); });
    }
}

void Worker::count_carried(size_t from) {
    if (stopped_) return;
    if (const auto next = turn.count_carried(from)) {
        boost::asio::post(shard.io(), [this, next] { count_carried(*next); });
    }
}

Counts Worker::count() const {
    Counts counts{.turn = turn.stats(),
                  .rooms = rooms_.stats(),
                  .http = {},
                  .tcp = tcp.counts(),
                  .turn_streams = turn_streams.counts(),
                  .dtls = dtls.counts(),
                  .sent = turn_sockets.sent(),
                  .api = api,
                  .sockets_too_fast = sockets_too_fast,
                  .addresses_too_fast = message_limit.refused(),
                  .socket_errors = socket_errors,
                  .http_errors = http_errors};
    counts.rooms.joins_refused += join_limit.refused();
    for (const Endpoint& endpoint : endpoints_) add(counts.http, endpoint.server->counts());
    return counts;
}

// ---- rooms

void Worker::deliver(room::Deliveries deliveries) {
    std::map<uint32_t, room::Deliveries> elsewhere;
    for (room::Delivery& delivery : deliveries) {
        if (delivery.to.shard == shard.index()) {
            deliver_here(delivery);
        } else {
            elsewhere[delivery.to.shard].push_back(std::move(delivery));
        }
    }
    for (auto& [index, theirs] : elsewhere) {
        Worker& there = *all_[index];
        boost::asio::post(there.shard.io(), [&there, theirs = std::move(theirs)] {
            for (const room::Delivery& delivery : theirs) there.deliver_here(delivery);
        });
    }
}

void Worker::deliver_here(const room::Delivery& delivery) {
    const auto socket = sockets_.find(delivery.to.number);
    if (socket == sockets_.end()) return;  // it has gone meanwhile
    if (delivery.close) {
        socket->second->close(1000);
    } else if (delivery.framed) {
        socket->second->send(delivery.message);
    } else {
        socket->second->send(room::collider::message_frame(delivery.message));
    }
}

void Worker::expire_in_time() {
    const Instant next = rooms_.next_deadline();
    if (next >= timer_at_ || stopped_) return;  // looks again when the earlier one comes
    timer_at_ = next;
    timer_.expires_at(net::to_steady(next));
    timer_.async_wait([this](boost::system::error_code error) {
        if (error || stopped_) return;
        timer_at_ = Instant::max();
        room::Deliveries deliveries;
        rooms_.expire(net::read_clocks(), deliveries);
        deliver(std::move(deliveries));
        expire_in_time();
    });
}

// ---- sockets

room::ConnectionId Worker::add_socket(net::WebSocket& socket) {
    sockets_[++last_socket_] = &socket;
    return {shard.index(), last_socket_};
}

void Worker::remove_socket(room::ConnectionId id) {
    sockets_.erase(id.number);
}

}  // namespace ahoy::app
