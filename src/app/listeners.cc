#include "app/listeners.h"

#include <fmt/format.h>

#include "app/machine.h"
#include "net/start_error.h"

namespace ahoy::app {
namespace {

// What a TCP listener of one worker may hand its connections to.
struct Servers {
    net::HttpServer* site;
    net::HttpServer* collider;
    net::HttpServer* api;
    net::TurnStreams* turn;
};

class Opening {
  public:
    Opening(const Config& config, const Workers& workers, const ServerState& state)
        : workers_(workers) {
        for (const auto& worker : workers) {
            auto& site = worker->add_server(std::make_unique<Site>(*worker, state),
                                            config.http.trusted_proxies);
            auto& collider = worker->add_server(std::make_unique<ColliderSite>(*worker, state), {});
            auto& api = worker->add_server(std::make_unique<ApiSite>(*worker), {});
            servers_.push_back({&site, &collider, &api, &worker->turn_streams});
        }
    }

    // Those that are open then.
    std::vector<TransportAddress> tcp(std::string_view key,
                                      const std::vector<TransportAddress>& listen,
                                      net::TcpServices (*services)(const Servers&)) {
        return on_all(key, "TCP", listen, [&](size_t i, const TransportAddress& address) {
            return workers_[i]->tcp.listen(address, services(servers_[i]), key);
        });
    }

    std::vector<TransportAddress> udp(std::string_view key,
                                      const std::vector<TransportAddress>& listen) {
        return on_all(key, "UDP", listen, [&](size_t i, const TransportAddress& address) {
            return workers_[i]->turn_sockets.listen(address, key);
        });
    }

  private:
    // A port of 0 becomes the one that the first worker got.
    template <class Open>
    std::vector<TransportAddress> on_all(std::string_view key, std::string_view protocol,
                                         const std::vector<TransportAddress>& listen, Open open) {
        std::vector<TransportAddress> opened;
        for (TransportAddress address : usable(listen)) {
            net::check_unused(key, protocol, address);
            for (size_t i = 0; i < workers_.size(); ++i) address = open(i, address);
            opened.push_back(address);
        }
        return opened;
    }

    const Workers& workers_;
    std::vector<Servers> servers_;  // of each worker
};

template <class Visit>
void for_each_origin(std::vector<turn::Discovery::Square>& squares, Visit visit) {
    for (auto& square : squares) {
        for (auto& ports : square) {
            for (turn::Origin& origin : ports) visit(origin);
        }
    }
}

// turn.listen may have some of the four addresses, or all.
std::vector<TransportAddress> open_discovery(const Config& config, const Workers& workers,
                                             Opening& opening) {
    auto squares = discovery(config);
    std::vector<TransportAddress> missing;
    for_each_origin(squares, [&](const turn::Origin& origin) {
        if (!workers[0]->turn_sockets.listener_at(origin.local)) missing.push_back(origin.local);
    });
    auto opened = opening.udp("turn.discovery", missing);
    opening.tcp("turn.discovery", opened,
                [](const Servers& s) { return net::TcpServices{.turn = s.turn}; });
    for (const auto& worker : workers) {
        for_each_origin(squares, [&](turn::Origin& origin) {
            origin.socket = *worker->turn_sockets.listener_at(origin.local);
        });
        worker->turn.explore_from(turn::Discovery(squares));
    }
    return opened;
}

}  // namespace

Listeners open_listeners(const Config& config, const Workers& workers, const ServerState& state) {
    Opening opening(config, workers, state);
    Listeners all;
    all.http = opening.tcp("http.listen", config.http.listen, [](const Servers& s) {
        return net::TcpServices{.http = s.site, .turn = s.turn};
    });
    all.tls = opening.tcp("tls.listen", config.tls.listen, [](const Servers& s) {
        return net::TcpServices{.http = s.site, .turn = s.turn, .plain = false};
    });
    all.collider = opening.tcp("collider.listen", config.collider.listen, [](const Servers& s) {
        return net::TcpServices{.http = s.collider};
    });
    all.api = opening.tcp("api.listen", config.api.listen,
                          [](const Servers& s) { return net::TcpServices{.http = s.api}; });
    all.turn = opening.udp("turn.listen", config.turn.listen);
    opening.tcp("turn.listen", all.turn,
                [](const Servers& s) { return net::TcpServices{.turn = s.turn}; });
    all.turn_tls = opening.udp("turn.tls_listen", config.turn.tls_listen);
    opening.tcp("turn.tls_listen", all.turn_tls,
                [](const Servers& s) { return net::TcpServices{.turn = s.turn, .plain = false}; });
    all.discovery = open_discovery(config, workers, opening);
    return all;
}

std::vector<TransportAddress> Listeners::all() const {
    std::vector<TransportAddress> everything;
    for (const auto* part : {&http, &tls, &collider, &api, &turn, &turn_tls, &discovery}) {
        everything.insert(everything.end(), part->begin(), part->end());
    }
    return everything;
}

std::string Listeners::url() const {
    const auto& listen = http.empty() ? tls : http;
    if (listen.empty()) return {};
    const TransportAddress& first = listen.front();
    const bool local = first.ip.is_unspecified() || first.ip.is_loopback();
    return fmt::format("{}://{}/", http.empty() ? "https" : "http",
                       local ? fmt::format("localhost:{}", first.port) : first.to_string());
}

std::string join(const std::vector<TransportAddress>& addresses) {
    std::string text;
    for (const auto& address : addresses) {
        if (!text.empty()) text += ',';
        text += address.to_string();
    }
    return text;
}

}  // namespace ahoy::app
