// relay_load: load on a TURN server, and what the server makes of it.
//
//   relay      ChannelData both ways: packets per second, loss, delay, the server's cost
//   direct     the same without a server, to see what the way costs by itself
//   junk       datagrams that mean nothing: what it costs the server to see that
//   allocate   allocations with full authentication, given back at once: how many per second
//   idle       allocations that do nothing: memory for each
//
// One thread plays the clients and their peer.  Exit status: 0 measured, 1 the server or the
// machine does not let us, 2 wrong arguments.
#include <fmt/format.h>
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <exception>

#include "bench/junk.h"
#include "bench/load_error.h"
#include "bench/process_stats.h"
#include "bench/session.h"
#include "bench/traffic.h"
#include "bench/traffic_report.h"
#include "bench/units.h"
#include "net/clock.h"

namespace ahoy::bench {
namespace {

struct Options {
    std::string mode = "relay";
    std::string server;
    std::string user, password, secret;
    size_t clients = 10;
    Load load;
    double seconds = 5;
    std::string peer_address;
    std::string peer_namespace;
    Watched watched;
    bool json = false;
};

void add_options(CLI::App& app, Options& o) {
    app.add_option("--server", o.server, "The TURN server, host:port, over UDP")->required();
    auto* const user = app.add_option("--user", o.user, "User of the long-term credential");
    auto* const password = app.add_option("--password", o.password, "Its password");
    user->needs(password);
    app.add_option("--secret", o.secret, "REST secret instead: every client gets its own name")
        ->excludes(user);
    app.add_option("--mode", o.mode, "relay, direct, junk, allocate or idle (default relay)")
        ->check(CLI::IsMember({"relay", "direct", "junk", "allocate", "idle"}));
    app.add_option("--clients", o.clients, "Clients, each with one allocation (default 10)")
        ->check(CLI::Range(1, 60'000));
    app.add_option("--size", o.load.size, "Bytes of payload in a datagram (default 160)")
        ->check(CLI::Range(Traffic::least_size, Traffic::most_size));
    app.add_option("--burst", o.load.burst, "Datagrams sent at once to one place (default 1)")
        ->check(CLI::Range(size_t{1}, Traffic::most_burst));
    auto* const rate = app.add_option(
        "--rate", o.load.rate, "Datagrams a second in all; without it as fast as the window lets");
    app.add_option("--window", o.load.window,
                   "Datagrams under way each way, of all clients together (default 80)")
        ->check(CLI::Range(1, 65536))
        ->excludes(rate);
    app.add_option("--seconds", o.seconds, "How long to measure (default 5)")
        ->check(CLI::Range(0.1, 86400.0));
    app.add_option("--peer-address", o.peer_address,
                   "Local address of the peer (default: the one towards the server)");
    app.add_option("--peer-netns", o.peer_namespace,
                   "Network namespace of the peer, e.g. /run/netns/peer");
    app.add_option("--server-pid", o.watched.process, "Process whose CPU time and memory count");
    app.add_option("--kernel-threads", o.watched.kernel_threads,
                   "Kernel threads whose CPU time counts besides, e.g. of threaded NAPI");
    app.add_option("--server-core", o.watched.core, "Core whose busy time counts");
    app.add_flag("--json", o.json, "One JSON object instead of a table");
}

// ---- datagrams

Descriptor open_peer_of(const Options& o, const Target& target) {
    return open_peer(target.server,
                     o.peer_address.empty() ? std::nullopt : IpAddress::parse(o.peer_address),
                     o.peer_namespace);
}

void say_what_is_odd(const Load& load, const Count& all, double time) {
    const double asked = load.rate * time;
    if (load.rate != 0 && static_cast<double>(all.sent) < 0.99 * asked) {
        fmt::print(stderr,
                   "relay_load: sent {:.0f} packets/s instead of {:.0f}: this machine is "
                   "too slow for that rate\n",
                   static_cast<double>(all.sent) / time, load.rate);
    }
    if (all.not_sent > 0) {
        fmt::print(stderr, "relay_load: {} packets did not fit into our own sockets\n",
                   all.not_sent);
    }
    if (all.arrived == 0) {
        throw LoadError(
            "nothing came through: can the server reach the peer (--peer-address), and "
            "does a firewall between them let UDP pass?");
    }
}

void exchange(const Options& o, const std::vector<End>& ends, Descriptor& peer) {
    Traffic traffic(ends, peer, o.load);
    std::vector<std::pair<Instant, Usage>> samples;
    traffic.run([&] { samples.emplace_back(net::read_clocks().steady, read_usage(o.watched)); });
    const TrafficReport report{.mode = o.mode,
                               .clients = ends.size(),
                               .load = o.load,
                               .watched = o.watched,
                               .used = samples[1].second - samples[0].second,
                               .seconds = seconds(samples[1].first - samples[0].first),
                               .to_peers = traffic.to_peers(),
                               .to_clients = traffic.to_clients()};
    say_what_is_odd(o.load, report.both(), report.seconds);
    o.json ? report.print_json() : report.print();
}

void relay(const Options& o, const Target& target) {
    Descriptor peer = open_peer_of(o, target);
    const TransportAddress peer_address = local_address(peer.get());
    Sessions sessions(target, o.clients);
    sessions.allocate();
    sessions.bind(peer_address);
    exchange(o, relayed_ends(sessions, peer_address), peer);
    sessions.close();
}

void direct(const Options& o, const Target& target) {
    Descriptor peer = open_peer_of(o, target);
    std::vector<Descriptor> sockets;
    std::vector<End> ends;
    for (size_t i = 0; i < o.clients; ++i) {
        const Descriptor& socket = sockets.emplace_back(open_udp(target.server.ip.family()));
        connect_to(socket.get(), local_address(peer.get()));
        ends.push_back({.fd = socket.get(), .reached_at = local_address(socket.get())});
    }
    exchange(o, ends, peer);
}

void junk(const Options& o, const Target& target) {
    std::vector<std::pair<Instant, Usage>> samples;
    const uint64_t sent = send_junk(target.server, o.clients, o.load, [&] {
        samples.emplace_back(net::read_clocks().steady, read_usage(o.watched));
    });
    const double time = seconds(samples[1].first - samples[0].first);
    const Usage used = samples[1].second - samples[0].second;
    const auto datagrams = static_cast<double>(sent);
    if (o.json) {
        const boost::json::object result{
            {"mode", "junk"},
            {"seconds", time},
            {"datagrams_per_second", datagrams / time},
            {"process_us_per_datagram", ratio(microseconds(used.process), datagrams)},
            {"core_us_per_datagram", ratio(microseconds(used.core), datagrams)}};
        fmt::print("{}\n", boost::json::serialize(result));
        return;
    }
    fmt::print("{:.0f} datagrams/s that mean nothing, {:.1f} s\n", datagrams / time, time);
    fmt::print("server {:>9.3f} us/datagram\n", ratio(microseconds(used.process), datagrams));
}

// ---- allocate and idle

void allocate(const Options& o, const Target& target) {
    Sessions sessions(target, o.clients);
    const Instant from = net::read_clocks().steady + o.load.warm_up;
    const Instant to = from + o.load.length;
    auto delay = std::make_unique<Histogram>();
    std::optional<Usage> before, after;
    sessions.churn(to, [&](Instant at, Duration took) {
        if (at >= from && !before) before = read_usage(o.watched);
        if (at >= to && !after) after = read_usage(o.watched);
        if (at >= from && at < to) delay->add(took);
    });
    if (!before || !after) throw LoadError("too few allocations for a measurement");
    const Usage used = *after - *before;
    const auto count = static_cast<double>(delay->count());
    const double time = seconds(o.load.length);
    if (o.json) {
        boost::json::object result{
            {"mode", "allocate"},
            {"clients", o.clients},
            {"seconds", time},
            {"allocations_per_second", count / time},
            {"took_us",
             {{"p50", microseconds(delay->percentile(0.5))},
              {"p99", microseconds(delay->percentile(0.99))}}},
            {"ports_taken", sessions.replaced()},
            {"process_us_per_allocation", ratio(microseconds(used.process), count)},
            {"core_us_per_allocation", ratio(microseconds(used.core), count)}};
        fmt::print("{}\n", boost::json::serialize(result));
        return;
    }
    fmt::print("{} clients at once, {:.1f} s\n", o.clients, time);
    fmt::print("allocations/s {:>9.0f}\ntook p50      {:>9.0f} us\ntook p99      {:>9.0f} us\n",
               count / time, microseconds(delay->percentile(0.5)),
               microseconds(delay->percentile(0.99)));
    if (o.watched.process) {
        fmt::print("server        {:>9.1f} us/allocation\n",
                   ratio(microseconds(used.process), count));
    }
}

void idle(const Options& o, const Target& target) {
    if (!o.watched.process) {
        throw LoadError("--mode idle measures the server's memory: name its --server-pid");
    }
    Sessions sessions(target, o.clients);
    const Usage before = read_usage(o.watched);
    sessions.allocate();
    const Usage used = read_usage(o.watched) - before;
    const auto count = static_cast<double>(o.clients);
    const double kib = static_cast<double>(static_cast<int64_t>(used.resident)) / 1024 / count;
    sessions.close();
    if (o.json) {
        boost::json::object result{{"mode", "idle"},
                                   {"clients", o.clients},
                                   {"kib_per_allocation", kib},
                                   {"resident_before_kib", before.resident / 1024}};
        fmt::print("{}\n", boost::json::serialize(result));
        return;
    }
    fmt::print("{} allocations\nresident before    {:>9.0f} KiB\nfor an allocation  {:>9.2f} KiB\n",
               o.clients, static_cast<double>(before.resident) / 1024, kib);
}

int run(int argc, char** argv) {
    CLI::App app("Load for a TURN server over UDP, and what the server makes of it", "relay_load");
    Options o;
    add_options(app, o);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    const bool logs_in = o.mode != "direct" && o.mode != "junk";
    if (logs_in && o.user.empty() && o.secret.empty()) {
        fmt::print(stderr, "relay_load: name --user and --password, or --secret\n");
        return 2;
    }
    if (!o.peer_address.empty() && !IpAddress::parse(o.peer_address)) {
        fmt::print(stderr, "relay_load: --peer-address: an IP address is expected\n");
        return 2;
    }
    ::prctl(PR_SET_TIMERSLACK, 1UL);  // sleeps end when they should
    o.load.length = Duration(static_cast<int64_t>(o.seconds * 1e9));
    const Target target{resolve(o.server), o.user, o.password, o.secret};
    if (o.mode == "direct") {
        direct(o, target);
    } else if (o.mode == "junk") {
        junk(o, target);
    } else if (o.mode == "allocate") {
        allocate(o, target);
    } else if (o.mode == "idle") {
        idle(o, target);
    } else {
        relay(o, target);
    }
    return 0;
}

}  // namespace
}  // namespace ahoy::bench

int main(int argc, char** argv) {
    try {
        return ahoy::bench::run(argc, argv);
    } catch (const std::exception& error) {
        fmt::print(stderr, "relay_load: {}\n", error.what());
        return 1;
    }
}
