#include "app/serve.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdlib>
#include <set>

#include "app/access.h"
#include "app/kernel_path.h"
#include "app/listeners.h"
#include "app/log.h"
#include "app/machine.h"
#include "app/metrics.h"
#include "app/room_keys.h"
#include "app/worker.h"
#include "net/start_error.h"

namespace ahoy::app {
namespace {

namespace asio = boost::asio;

constexpr auto stop_patience = 3s;  // then connections that do not close are dropped
constexpr auto stop_interval = 5ms;
constexpr auto drain_interval = 200ms;
constexpr auto watch_interval = 1s;
// How long the kernel relays without hearing from us.
constexpr auto kernel_patience = 5s;
// After a restart people take their seats again, at the latest when their phones are back online.
constexpr auto restore_time = 5min;

unsigned share(unsigned total, size_t shards) {
    return static_cast<unsigned>((total + shards - 1) / shards);
}

std::vector<uint16_t> ports_of(const std::vector<TransportAddress>& addresses) {
    std::set<uint16_t> ports;
    for (const TransportAddress& address : addresses) ports.insert(address.port);
    return {ports.begin(), ports.end()};
}

class Program {
  public:
    Program(const Config& config, const Reload& reload)
        : config_(config),
          reload_(reload),
          random_(system_random()),
          access_reader_(config.turn.realm, random_.token(32)),
          relay_addresses_(relay_addresses(config)),
          webhooks_(Webhooks::make(config, main_, random_)) {
        state_.main = main_.get_executor();
        state_.webhooks = webhooks_.get();
        life_log_.use(webhooks_.get());
        life_log_.use(room::RoomNames(config_.rooms.name_secret));
        state_.origins = config_.http.origins;
        state_.embed_origins = config_.http.embed_origins;
        if (config_.turn.max_allocations > most_allocations_) {
            log::info("turn.allocations_bounded",
                      {{"max_allocations", uint64_t{most_allocations_}},
                       {"hint", "raise the limit of open files (ulimit -n) for more"}});
        }
        make_workers();
        listeners_ = open_listeners(config_, workers_, state_);
        apply(config_);
        open_kernel_path();
    }

    int run() {
        state_.started_at = net::read_clocks().steady;
        start_workers();
        wait_signal();
        state_.ready = true;
        announce();
        watch();
        main_.run();
        for (const auto& worker : workers_) worker->shard.join();
        log::info("server.stopped", {{"status", uint64_t(failed_ ? 1 : 0)}});
        if (failed_) {
            // A bug has ended a shard somewhere in its work; there is nothing to be tidied up.
            log::stop();
            std::_Exit(1);
        }
        // What is left on one shard may belong to another, so it runs while all are there.
        for (bool any = true; any;) {
            any = false;
            for (const auto& worker : workers_) any |= worker->shard.run_what_is_left();
        }
        return 0;
    }

  private:
    // -- opening
    void make_workers() {
        const auto cpus = net::usable_cpus();
        const size_t count =
            config_.server.threads != 0 ? config_.server.threads : std::max<size_t>(cpus.size(), 1);
        turn::Nonces::Secret nonce_secret;
        random_.fill(nonce_secret);
        turn::Tickets::Secret ticket_secret;
        random_.fill(ticket_secret);
        std::vector<room::apprtc::IceServer> extra;
        for (const IceServer& server : config_.ice.servers) {
            extra.push_back({server.urls, server.username, server.credential});
        }
        // Who may use TURN is said by apply(), before anything is answered.
        const Parts parts{
            .rooms = {.conference_capacity = config_.rooms.capacity,
                      .max_rooms = share(config_.rooms.max_rooms, count),
                      .max_total_bytes = share(config_.rooms.max_queued_bytes, count),
                      .room_messages_per_second = config_.rooms.room_messages_per_second,
                      .register_timeout = config_.rooms.register_timeout,
                      .resume_timeout = config_.rooms.resume_timeout,
                      .lifetime = config_.rooms.lifetime,
                      .require_join = config_.rooms.require_join,
                      .lobby = config_.rooms.lobby,
                      .restore_until = net::read_clocks().steady + restore_time},
            .turn = {.max_lifetime = config_.turn.max_lifetime,
                     .permission_lifetime = config_.turn.permission_lifetime,
                     .channel_lifetime = config_.turn.channel_lifetime,
                     .replies_per_second = share(config_.turn.stun_rate, count),
                     .authenticate_binding = config_.turn.authenticate_binding,
                     .classic_stun = config_.turn.classic_stun,
                     .legacy_channels = config_.turn.legacy_channels},
            .nonces = turn::Nonces(nonce_secret),
            .tickets =
                config_.turn.mobility ? std::optional(turn::Tickets(ticket_secret)) : std::nullopt,
            .realms = turn::Realms::only({config_.turn.realm, {}, {}}, {{}, {}}),
            .ports = config_.turn.ports,
            .tcp_relay = config_.turn.tcp_relay,
            .tcp = {.connections = config_.server.max_connections,
                    .of_one_address = config_.server.address_connections,
                    .of_many = config_.http.trusted_proxies,
                    .balancers = config_.server.balancers},
            .joins_per_minute = config_.rooms.joins_per_minute,
            .address_messages_per_second = config_.rooms.address_messages_per_second,
            .sessions = {.messages_per_second = config_.rooms.messages_per_second,
                         .bytes_per_second = config_.rooms.bytes_per_second,
                         .register_timeout = config_.rooms.register_timeout},
            .resume_key = kept_key(random_),
            .instance = random_.next(),
            .room_names = room::RoomNames(config_.rooms.name_secret),
            .apprtc = {.public_url = config_.http.public_url},
            .ice = {.extra = extra,
                    .public_host = config_.turn.public_host,
                    .lifetime = config_.ice.credential_lifetime,
                    .secret = {}},
        };
        for (unsigned i = 0; i < count; ++i) {
            workers_.push_back(std::make_unique<Worker>(i, parts, workers_, relay_addresses_,
                                                        turn_shared_, life_log_,
                                                        Random(random_.seed())));
            workers_.back()->turn.refuse_new(config_.turn.stun_only);
        }
    }

    void open_kernel_path() {
        std::vector<IpAddress> ours;
        for (const auto* part : {&listeners_.turn, &listeners_.turn_tls, &listeners_.discovery}) {
            for (const TransportAddress& address : *part) ours.push_back(address.ip);
        }
        for (const net::RelayAddress& address : relay_addresses_.all()) {
            ours.push_back(address.bound);
        }
        kernel_relay_ = kernel_path(config_.turn.fastpath, ours);
        if (!kernel_relay_) return;
        route_changes_.emplace();
        for (const auto& worker : workers_) worker->relay_by(*kernel_relay_);
    }

    // -- running
    void start_workers() {
        const auto cpus = net::usable_cpus();
        for (size_t i = 0; i < workers_.size(); ++i) {
            workers_[i]->start();
            // Pinned when there is a core for each; else the scheduler knows better.
            const bool pin = config_.server.threads == 0 && cpus.size() > 1;
            workers_[i]->shard.start(pin ? std::optional(cpus[i]) : std::nullopt,
                                     [this](std::exception_ptr error) { fail(error); });
        }
    }

    void announce() const {
        std::string relay_text;
        for (const net::RelayAddress& address : relay_addresses_.all()) {
            if (!relay_text.empty()) relay_text += ',';
            relay_text += address.told.to_string();
        }
        log::info("server.ready", {{"version", AHOY_VERSION},
                                   {"shards", uint64_t{workers_.size()}},
                                   {"http", join(listeners_.http)},
                                   {"https", join(listeners_.tls)},
                                   {"collider", join(listeners_.collider)},
                                   {"api", join(listeners_.api)},
                                   {"turn", join(listeners_.turn)},
                                   {"turns", join(listeners_.turn_tls)},
                                   {"discovery", join(config_.turn.discovery)},
                                   {"relay", relay_text},
                                   {"url", url()}});
        if (relay_addresses_.all().empty()) {
            log::warning("turn.no_relay_address",
                         {{"hint", "no address to relay on was found; set turn.relay_addresses"}});
        }
        // For the person at the terminal.
        fmt::print("Ahoy is ready. Open {} in two browser windows.\n", url());
        std::fflush(stdout);
    }

    std::string url() const {
        if (!config_.http.public_url.empty()) return config_.http.public_url;
        const std::string here = listeners_.url();
        return here.empty() ? "(nothing: http.listen and tls.listen are empty)" : here;
    }

    // What may change while running; throws before anything has.
    void apply(const Config& config) {
        const net::TlsContexts tls = tls_contexts(config);
        if (tls.dtls) net::Dtls::prepare(*tls.dtls);
        const auto elsewhere = alternates(config, listeners_.all(), relay_addresses_);
        const auto join_tokens = read_join_tokens(config);
        const auto api_keys = std::make_shared<const room::api::Keys>(config.api.keys);
        use(access_reader_.read(config, listeners_.all()), config.turn.end_revoked);
        TurnPorts ports{.udp = ports_of(listeners_.turn),
                        .tcp = ports_of(listeners_.turn),
                        .stun = !config.turn.authenticate_binding,
                        .turn = !config.turn.stun_only};
        // Nobody checks a self-signed certificate with us: clients would only waste time on it.
        if (!config.tls.certificate.empty()) {
            ports.tls =
                ports_of(!listeners_.turn_tls.empty() ? listeners_.turn_tls : listeners_.tls);
        }
        const unsigned stun_rate = share(config.turn.stun_rate, workers_.size());
        for (const auto& worker : workers_) {
            asio::post(worker->shard.io(), [&worker = *worker, ports, tls, elsewhere, join_tokens,
                                            api_keys, stun_rate, server = config.server] {
                worker.moved_to = server.moved_to;
                worker.tcp.set_limits(server.max_connections, server.address_connections);
                worker.turn.limit_replies(stun_rate);
                worker.api_keys = api_keys;
                worker.ice.set_ports(ports);
                worker.turn.redirect_to(elsewhere);
                worker.use(join_tokens);
                worker.tcp.set_tls(tls.tls);
                worker.dtls.set_context(tls.dtls);
            });
        }
    }

    void use(Access access, bool end_revoked) {
        unsigned& allocations = access.quotas.total.allocations;
        if (allocations == 0) allocations = most_allocations_;
        allocations = std::min(allocations, most_allocations_);
        access.bandwidth.total = share(access.bandwidth.total, workers_.size());
        for (const auto& worker : workers_) {
            asio::post(worker->shard.io(), [&worker = *worker, access, end_revoked] {
                worker.use(access, end_revoked);
            });
        }
    }

    // Users come and go without anybody telling us, and the kernel counts in silence.
    void watch() {
        if (kernel_relay_) kernel_relay_->keep_alive(net::read_clocks().steady + kernel_patience);
        watch_.expires_after(watch_interval);
        watch_.async_wait([this](boost::system::error_code error) {
            if (error || stopping_) return;
            if (access_reader_.has_changed()) reread_users();
            if (kernel_relay_) look_after_kernel();
            watch();
        });
    }

    void look_after_kernel() {
        const bool rerouted = route_changes_->any_since_asked();
        for (const auto& worker : workers_) {
            asio::post(worker->shard.io(), [&worker = *worker, rerouted] {
                worker.count_carried();
                if (rerouted) worker.reroute();
            });
        }
    }

    void reread_users() {
        try {
            use(access_reader_.read(config_, listeners_.all()), config_.turn.end_revoked);
            log::info("server.reloaded", {{"applied", "turn users, secrets and peer lists"}});
            refused_users_.clear();
        } catch (const std::exception& error) {
            // Once, although it is tried every second.
            if (refused_users_ == error.what()) return;
            refused_users_ = error.what();
            log::error("server.reload_failed",
                       {{"reason", refused_users_}, {"hint", "the old users stay"}});
        }
    }

    void reload() {
        try {
            Reloaded reloaded = reload_config(config_, reload_());
            apply(reloaded.config);
            config_ = std::move(reloaded.config);
            log::info("server.reloaded",
                      {{"applied", fmt::format("{}", fmt::join(reloaded.applied, ", "))},
                       {"hint", "certificates, users, secrets and keys in files were read again"}});
            if (reloaded.waiting.empty()) return;
            log::warning(
                "server.restart_needed",
                {{"hint", fmt::format("restart to use: {}", fmt::join(reloaded.waiting, ", "))}});
        } catch (const std::exception& error) {
            log::error("server.reload_failed",
                       {{"reason", error.what()}, {"hint", "the old configuration stays"}});
        }
    }

    // -- stopping
    void wait_signal() {
        signals_.async_wait([this](boost::system::error_code error, int signal) {
            if (error) return;
            if (signal == SIGHUP) {
                reload();
            } else if (draining_ || config_.server.drain_timeout == 0s) {
                stop(signal == SIGINT ? "SIGINT" : "SIGTERM");
            } else {
                drain();
            }
            if (!stopping_) wait_signal();
        });
    }

    // Readiness goes first, so that a load balancer sends nobody new.  Who is in a call may have
    // one allocation or none, and has a WebSocket.
    void drain() {
        draining_ = true;
        state_.ready = false;
        drain_until_ = net::read_clocks().steady + config_.server.drain_timeout;
        for (const auto& worker : workers_) {
            asio::post(worker->shard.io(), [&worker = *worker] { worker.turn.refuse_new(true); });
            worker->post_to_rooms(
                [](Now, room::Rooms& rooms, room::Deliveries&) { rooms.drain(); });
        }
        log::info("server.draining", {{"hint", "a second signal stops at once"}});
        drain_further();
    }

    void drain_further() {
        asio::co_spawn(main_, gather(workers_), [this](std::exception_ptr, const Counts& counts) {
            if (stopping_) return;
            if (counts.turn.allocations_live == 0 && counts.rooms.connected == 0) {
                stop("drained");
            } else if (net::read_clocks().steady >= drain_until_) {
                stop("drain_timeout");
            } else {
                timer_.expires_after(drain_interval);
                timer_.async_wait([this](boost::system::error_code error) {
                    if (!error) drain_further();
                });
            }
        });
    }

    void stop(std::string_view reason) {
        if (stopping_) return;
        stopping_ = true;
        state_.ready = false;
        log::info("server.stopping", {{"reason", reason}});
        signals_.cancel();
        timer_.cancel();
        watch_.cancel();
        for (const auto& worker : workers_) {
            asio::post(worker->shard.io(), [&worker = *worker] { worker.stop(); });
        }
        watch_stop(net::read_clocks().steady + stop_patience);
    }

    // Connections end by themselves, and may need other shards for that, so that a shard ends when
    // none has any left.  Those that do not end in time are told to let go.
    void watch_stop(Instant until) {
        asio::co_spawn(
            main_, gather(workers_), [this, until](std::exception_ptr, const Counts& counts) {
                const bool late = net::read_clocks().steady >= until;
                const bool connected = counts.tcp.connections > 0;
                const bool telling = webhooks_ && webhooks_->busy();
                if (late || (!connected && !telling)) return let_go(connected);
                timer_.expires_after(stop_interval);
                timer_.async_wait([this, until](boost::system::error_code) { watch_stop(until); });
            });
    }

    void let_go(bool abandon) {
        if (webhooks_ && webhooks_->undelivered() > 0) {
            log::warning("webhooks.undelivered", {{"events", uint64_t{webhooks_->undelivered()}}});
        }
        for (const auto& worker : workers_) {
            worker->shard.release();
            if (abandon) worker->shard.abandon();
        }
        main_.stop();
    }

    // From any shard.
    void fail(std::exception_ptr error) {
        std::string reason = "unknown";
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& known) {
            reason = known.what();
        } catch (...) {
        }
        asio::post(main_, [this, reason] {
            log::error("server.failed", {{"reason", reason}});
            failed_ = true;
            let_go(true);
        });
    }

    const unsigned most_allocations_ = allocations_by_descriptors();
    Config config_;  // that is in use: what takes a restart is as it was at start
    const Reload reload_;
    Random random_;
    AccessReader access_reader_;
    net::RelayAddresses relay_addresses_;
    net::TurnShared turn_shared_;
    LifeLog life_log_;
    ServerState state_;
    std::unique_ptr<fastpath::KernelRelay> kernel_relay_;  // null: all is relayed in user space
    std::optional<fastpath::RouteChanges> route_changes_;  // while there is one
    Workers workers_;
    Listeners listeners_;

    asio::io_context main_{1};
    const std::unique_ptr<Webhooks> webhooks_;
    asio::signal_set signals_{main_, SIGINT, SIGTERM, SIGHUP};
    asio::steady_timer timer_{main_};
    asio::steady_timer watch_{main_};
    std::string refused_users_;  // why, if the file was refused last time
    bool draining_ = false;
    bool stopping_ = false;
    bool failed_ = false;
    Instant drain_until_;
};

}  // namespace

int serve(const Config& config, const Reload& reload) {
    std::signal(SIGPIPE, SIG_IGN);
    return Program(config, reload).run();
}

}  // namespace ahoy::app
