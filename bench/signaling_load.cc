// signaling_load: load on a server that speaks Collider's protocol, and what the server makes of
// it.
//
//   messages   pairs of clients that talk: messages per second, delay, the server's cost
//   connect    connect, upgrade, register, vanish: how many per second
//   idle       registered sockets that do nothing: memory for each
//   (--idle N: N of them beside the talking pairs)
//   join       /join and /leave of AppRTC's room server over keep-alive HTTP: how many per second
//
// One thread plays all clients.  They make up their client ids, as Collider allows and Ahoy does
// with rooms.require_join = false.  Exit status: 0 measured, 1 the server or the machine does not
// let us, 2 wrong arguments.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <exception>
#include <memory>

#include "base/release.h"
#include "bench/histogram.h"
#include "bench/load_error.h"
#include "bench/process_stats.h"
#include "bench/units.h"
#include "bench/web_client.h"
#include "net/clock.h"

namespace ahoy::bench {
namespace {

using Got = WebClient::Got;
using Clients = std::vector<std::unique_ptr<WebClient>>;

constexpr Duration warm_up = 500ms;
constexpr Duration patience = 20s;
constexpr size_t under_way_at_start = 64;  // connections; a listener's queue is not endless

struct Options {
    std::string mode = "messages";
    TransportAddress server;
    std::string path = "/ws";
    size_t pairs = 50;
    size_t clients = 64;
    size_t idle = 0;
    bool tls = false;
    size_t size = 400;
    size_t window = 8;
    double rate = 0;
    double seconds = 5;
    Watched watched;
    bool json = false;
};

Instant now() {
    return net::read_clocks().steady;
}

// Of this run: the rooms of the one before may still wait for its clients.
std::string room_name(size_t number) {
    static const auto run = now().time_since_epoch().count();
    return fmt::format("load{}-{}", run, number);
}

std::string register_frame(size_t room, size_t client) {
    return fmt::format(R"({{"cmd":"register","roomid":"{}","clientid":"client{}"}})",
                       room_name(room), client);
}

void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

// What was measured between two moments.
class Watch {
  public:
    explicit Watch(const Watched& watched)
        : watched_(watched), since_(now()), before_(read_usage(watched)) {}
    Duration time() const { return now() - since_; }
    Usage used() const { return read_usage(watched_) - before_; }

  private:
    const Watched& watched_;
    Instant since_;
    Usage before_;
};

void print(const Options& o, boost::json::object result) {
    result["mode"] = o.mode;
    if (o.json) {
        fmt::print("{}\n", boost::json::serialize(result));
        return;
    }
    for (const auto& [name, value] : result) {
        if (value.is_double()) {
            fmt::print("{:<28} {:>12.2f}\n", std::string_view(name), value.get_double());
        } else {
            fmt::print("{:<28} {:>12}\n", std::string_view(name), boost::json::serialize(value));
        }
    }
}

boost::json::object cost(const Usage& used, double count, double time) {
    return {{"process_us", ratio(microseconds(used.process), count)},
            {"core_us", ratio(microseconds(used.core), count)},
            {"core_busy", seconds(used.core) / time}};
}

using TlsContext = std::unique_ptr<SSL_CTX, Release<SSL_CTX_free>>;

TlsContext tls_context(const Options& o) {
    return TlsContext(o.tls ? SSL_CTX_new(TLS_client_method()) : nullptr);
}

// Opens sockets, some at a time, until all are registered: a pong that comes after a register says
// that it is done.
class Registration {
  public:
    Registration(const Options& o, Poll& poll) : o_(o), poll_(poll) {}

    // `handler` gets all that is not about registering; `first` is the number of the first.
    Clients all(size_t count, WebClient::Handler handler, size_t first = 0) {
        Clients clients;
        size_t ready = 0;
        const Instant until = now() + patience + count * 2ms;
        while (ready < count) {
            while (clients.size() < count && clients.size() < ready + under_way_at_start) {
                clients.push_back(std::make_unique<WebClient>(
                    poll_, o_.server, tls_.get(),
                    [&ready, handler](WebClient& client, Got got, std::string_view text) {
                        if (got == Got::response) {
                            answered(client, text);
                        } else if (got == Got::pong) {
                            ++ready;
                        } else {
                            handler(client, got, text);
                        }
                    }));
                clients.back()->index = first + clients.size() - 1;
                clients.back()->upgrade(o_.path);
            }
            poll_.round(100);
            if (now() > until) {
                throw LoadError(fmt::format("only {} of {} sockets could register", ready, count));
            }
        }
        return clients;
    }

    static void answered(WebClient& client, std::string_view response) {
        if (!response.starts_with("HTTP/1.1 101")) {
            throw LoadError("the server does not upgrade: " +
                            std::string(response.substr(0, response.find('\r'))));
        }
        client.send(register_frame(client.index / 2, client.index));
        client.ping();
    }

  private:
    const Options& o_;
    Poll& poll_;
    const TlsContext tls_ = tls_context(o_);
};

// ---- messages

class Talk {
  public:
    explicit Talk(const Options& o)
        : o_(o),
          padding_(o.size > stamp_size ? o.size - stamp_size : 0, 'x'),
          delay_(std::make_unique<Histogram>()) {}

    void run() {
        clients_ =
            Registration(o_, poll_).all(o_.pairs * 2, [this](auto& client, Got got, auto text) {
                got == Got::message ? heard(client, text) : throw LoadError("a socket was closed");
            });
        idle_ = Registration(o_, poll_).all(
            o_.idle, [](auto&, Got, auto) { throw LoadError("an idle socket was closed"); },
            clients_.size());
        const Instant begin = now();
        if (o_.rate == 0) {
            for (size_t i = 0; i < o_.window; ++i) {
                for (auto& client : clients_) say(*client);
            }
            poll_.flush();
        }
        talk_until(begin, begin + warm_up);
        measuring_ = true;
        const Watch watch(o_.watched);
        talk_until(begin, now() + Duration(static_cast<int64_t>(o_.seconds * 1e9)));
        measuring_ = false;
        report(watch.time(), watch.used());
        for (auto* all : {&clients_, &idle_}) {
            for (auto& client : *all) client->abort();
        }
    }

  private:
    static constexpr size_t stamp_size = 20;

    void talk_until(Instant begin, Instant end) {
        for (Instant at = now(); at < end; at = now()) {
            if (o_.rate > 0) {
                const auto due = static_cast<uint64_t>(seconds(at - begin) * o_.rate);
                for (; sent_ < due; ++next_) say(*clients_[next_ % clients_.size()]);
                poll_.flush();
                poll_.round(0);
            } else {
                poll_.round(10);
            }
        }
    }

    void say(WebClient& client) {
        frame_.clear();
        fmt::format_to(std::back_inserter(frame_), R"({{"cmd":"send","msg":"{:020}{}"}})",
                       now().time_since_epoch().count(), padding_);
        client.send(frame_);
        ++sent_;
    }

    // Every message that arrives makes room for another of its sender's.
    void heard(WebClient& client, std::string_view text) {
        constexpr std::string_view before = R"({"msg":")";
        if (!text.starts_with(before) || text.size() < before.size() + stamp_size) {
            throw LoadError("the server said " + std::string(text.substr(0, 100)));
        }
        if (measuring_) {
            const std::string stamp(text.substr(before.size(), stamp_size));
            delay_->add(now() - Instant(Duration(std::stoll(stamp))));
        }
        if (o_.rate == 0) say(*clients_[client.index ^ 1]);
    }

    void report(Duration took, const Usage& used) {
        const auto count = static_cast<double>(delay_->count());
        const double time = seconds(took);
        if (count == 0) throw LoadError("nothing came through");
        print(o_, {{"pairs", o_.pairs},
                   {"rate", o_.rate},
                   {"messages_per_second", count / time},
                   {"delay_us_p50", microseconds(delay_->percentile(0.5))},
                   {"delay_us_p99", microseconds(delay_->percentile(0.99))},
                   {"delay_us_max", microseconds(delay_->max())},
                   {"per_message", cost(used, count, time)}});
    }

    const Options& o_;
    const std::string padding_;
    Poll poll_;
    Clients clients_;
    Clients idle_;
    std::unique_ptr<Histogram> delay_;
    std::string frame_;
    uint64_t sent_ = 0;
    size_t next_ = 0;
    bool measuring_ = false;
};

// ---- connect

void connect(const Options& o) {
    Poll poll;
    const TlsContext tls = tls_context(o);
    uint64_t done = 0;
    size_t number = 0;
    std::vector<WebClient*> finished;
    Clients clients;
    const auto open = [&](size_t index) {
        clients[index] = std::make_unique<WebClient>(
            poll, o.server, tls.get(), [&](WebClient& client, Got got, std::string_view text) {
                if (got == Got::response) {
                    Registration::answered(client, text);
                } else if (got == Got::pong) {
                    finished.push_back(&client);
                } else {
                    throw LoadError("a socket was closed, or heard " + std::string(text));
                }
            });
        clients[index]->index = number++ * o.clients + index;
        clients[index]->upgrade(o.path);
    };
    clients.resize(o.clients);
    for (size_t i = 0; i < o.clients; ++i) open(i);
    const auto run_for = [&](Duration time) {
        const Instant end = now() + time;
        while (now() < end) {
            poll.round(10);
            for (WebClient* client : std::exchange(finished, {})) {
                client->abort();
                ++done;
                open(client->index % o.clients);
            }
        }
    };
    run_for(warm_up);
    const uint64_t before = done;
    const Watch watch(o.watched);
    run_for(Duration(static_cast<int64_t>(o.seconds * 1e9)));
    const auto count = static_cast<double>(done - before);
    const double time = seconds(watch.time());
    print(o, {{"clients", o.clients},
              {"registers_per_second", count / time},
              {"per_register", cost(watch.used(), count, time)}});
    for (auto& client : clients) client->abort();
}

// ---- idle

void idle(const Options& o) {
    if (!o.watched.process) {
        throw LoadError("--mode idle measures the server's memory: name its --server-pid");
    }
    Poll poll;
    const Usage before = read_usage(o.watched);
    const Clients clients = Registration(o, poll).all(
        o.clients, [](auto&, Got, auto) { throw LoadError("an idle socket was closed"); });
    const Usage used = read_usage(o.watched) - before;
    print(o, {{"clients", o.clients},
              {"resident_before_kib", before.resident / 1024},
              {"kib_per_socket", static_cast<double>(static_cast<int64_t>(used.resident)) / 1024 /
                                     static_cast<double>(o.clients)}});
    for (const auto& client : clients) client->abort();
}

// ---- join

// The client id in the answer to /join: in `params`, and nowhere before.
std::string client_id(std::string_view response) {
    constexpr std::string_view before = R"("client_id":")";
    const size_t at = response.find(before);
    if (at == response.npos) {
        throw LoadError("the answer to /join has no client_id: " +
                        std::string(response.substr(0, 200)));
    }
    const std::string_view rest = response.substr(at + before.size());
    return std::string(rest.substr(0, rest.find('"')));
}

void join(const Options& o) {
    Poll poll;
    const TlsContext tls = tls_context(o);
    uint64_t done = 0;
    std::vector<std::string> ids(o.clients);  // of those who are in their room
    Clients clients;
    for (size_t i = 0; i < o.clients; ++i) {
        clients.push_back(std::make_unique<WebClient>(
            poll, o.server, tls.get(), [&](WebClient& client, Got got, std::string_view text) {
                if (got != Got::response) throw LoadError("the server closed a connection");
                std::string& id = ids[client.index];
                if (id.empty()) {
                    id = client_id(text);
                    client.request("POST",
                                   fmt::format("/leave/{}/{}", room_name(client.index), id));
                } else {
                    id.clear();
                    ++done;
                    client.request("POST", "/join/" + room_name(client.index));
                }
            }));
        clients[i]->index = i;
        clients[i]->request("POST", "/join/" + room_name(i));
    }
    const auto run_for = [&](Duration time) {
        for (const Instant end = now() + time; now() < end;) poll.round(10);
    };
    run_for(warm_up);
    const uint64_t before = done;
    const Watch watch(o.watched);
    run_for(Duration(static_cast<int64_t>(o.seconds * 1e9)));
    const auto count = static_cast<double>(done - before);
    const double time = seconds(watch.time());
    print(o, {{"clients", o.clients},
              {"joins_and_leaves_per_second", count / time},
              {"per_join_and_leave", cost(watch.used(), count, time)}});
}

// ---- the command

int run(int argc, char** argv) {
    CLI::App app("Load for a server that speaks Collider's protocol, and what it makes of it",
                 "signaling_load");
    Options o;
    std::string server;
    app.add_option("--server", server, "Address and port, e.g. 127.0.0.1:8080")->required();
    app.add_option("--path", o.path, "Of the WebSocket (default /ws)");
    app.add_option("--mode", o.mode, "messages, connect, idle or join (default messages)")
        ->check(CLI::IsMember({"messages", "connect", "idle", "join"}));
    app.add_option("--pairs", o.pairs, "Of clients that talk (default 50)")
        ->check(CLI::Range(1, 30'000));
    app.add_option("--clients", o.clients, "Of the other modes (default 64)")
        ->check(CLI::Range(1, 60'000));
    app.add_option("--idle", o.idle, "Registered sockets beside the pairs (default 0)")
        ->check(CLI::Range(0, 60'000));
    app.add_flag("--tls", o.tls, "Over TLS; any certificate will do");
    app.add_option("--size", o.size, "Bytes of a message (default 400)")
        ->check(CLI::Range(20, 60'000));
    auto* const rate = app.add_option(
        "--rate", o.rate, "Messages a second in all; without it as fast as the window lets");
    app.add_option("--window", o.window, "Messages under way each way of a pair (default 8)")
        ->check(CLI::Range(1, 1000))
        ->excludes(rate);
    app.add_option("--seconds", o.seconds, "How long to measure (default 5)")
        ->check(CLI::Range(0.1, 86400.0));
    app.add_option("--server-pid", o.watched.process, "Process whose CPU time and memory count");
    app.add_option("--server-core", o.watched.core, "Core whose busy time counts");
    app.add_flag("--json", o.json, "One JSON object instead of a table");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    const auto address = TransportAddress::parse(server);
    if (!address) {
        fmt::print(stderr, "signaling_load: --server: an IP address and a port are expected\n");
        return 2;
    }
    o.server = *address;
    raise_file_limit();
    if (o.mode == "connect") {
        connect(o);
    } else if (o.mode == "idle") {
        idle(o);
    } else if (o.mode == "join") {
        join(o);
    } else {
        Talk(o).run();
    }
    return 0;
}

}  // namespace
}  // namespace ahoy::bench

int main(int argc, char** argv) {
    try {
        return ahoy::bench::run(argc, argv);
    } catch (const std::exception& error) {
        fmt::print(stderr, "signaling_load: {}\n", error.what());
        return 1;
    }
}
