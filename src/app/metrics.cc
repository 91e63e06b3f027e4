#include "app/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "app/log.h"

namespace ahoy::app {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Builds one family after the other.
class Exposition {
  public:
    void counter(std::string name, std::string help, uint64_t value) {
        begin(std::move(name), std::move(help), MetricType::Counter);
        sample(value);
    }
    void gauge(std::string name, std::string help, uint64_t value) {
        begin(std::move(name), std::move(help), MetricType::Gauge);
        sample(value);
    }
    void begin(std::string name, std::string help, MetricType type) {
        families_.push_back({std::move(name), std::move(help), type, {}});
    }
    // Of the family begun last.
    void sample(uint64_t value, std::vector<ClientMetric::Label> labels = {}) {
        MetricFamily& family = families_.back();
        ClientMetric metric;
        metric.label = std::move(labels);
        metric.counter.value = metric.gauge.value = static_cast<double>(value);
        family.metric.push_back(std::move(metric));
    }
    // A counter by reason: one sample for each value of an enumeration.
    template <class Reason, class Array>
    void by_reason(std::string name, std::string help, const Array& counts) {
        begin(std::move(name), std::move(help), MetricType::Counter);
        for (size_t i = 0; i < counts.size(); ++i) {
            sample(counts[i], {{"reason", std::string(label(static_cast<Reason>(i)))}});
        }
    }
    // How long something took, in all.
    void durations(std::string name, std::string help, uint64_t count, Duration sum) {
        begin(std::move(name), std::move(help), MetricType::Summary);
        ClientMetric metric;
        metric.summary.sample_count = count;
        metric.summary.sample_sum = std::chrono::duration<double>(sum).count();
        families_.back().metric.push_back(std::move(metric));
    }
    void traffic(std::string name, std::string help, uint64_t to_peers, uint64_t to_clients) {
        begin(std::move(name), std::move(help), MetricType::Counter);
        sample(to_peers, {{"direction", "to_peer"}});
        sample(to_clients, {{"direction", "to_client"}});
    }
    void lifetimes(std::string name, std::string help, const turn::Lifetimes& lifetimes) {
        begin(std::move(name), std::move(help), MetricType::Histogram);
        ClientMetric::Histogram histogram;
        for (size_t i = 0; i < lifetimes.counts.size(); ++i) {
            histogram.sample_count += lifetimes.counts[i];
            const bool has_bound = i < turn::Lifetimes::bounds.size();
            const double bound =
                has_bound ? std::chrono::duration<double>(turn::Lifetimes::bounds[i]).count()
                          : std::numeric_limits<double>::infinity();
            histogram.bucket.push_back({histogram.sample_count, bound});
        }
        histogram.sample_sum = static_cast<double>(lifetimes.seconds);
        families_.back().metric.emplace_back().histogram = histogram;
    }
    std::string text() const {
        std::ostringstream out;
        prometheus::TextSerializer().Serialize(out, families_);
        return out.str();
    }

  private:
    std::vector<MetricFamily> families_;
};

void add_turn(Exposition& out, const turn::Stats& stats) {
    out.gauge("ahoy_turn_allocations", "Live allocations.", stats.allocations_live);
    out.begin("ahoy_turn_allocations_total",
              "Allocations made, by the client's transport and the families of relayed addresses.",
              MetricType::Counter);
    for (size_t i = 0; i < stats.allocations_made.size(); ++i) {
        for (size_t j = 0; j < stats.allocations_made[i].size(); ++j) {
            out.sample(stats.allocations_made[i][j],
                       {{"transport", std::string(label(static_cast<Transport>(i)))},
                        {"family", std::string(label(static_cast<turn::Families>(j)))}});
        }
    }
    out.gauge("ahoy_turn_relayed_ports", "Relayed ports in use.", stats.relayed_ports);
    out.lifetimes("ahoy_turn_allocation_seconds", "How long allocations lived.", stats.lifetimes);
    out.counter("ahoy_turn_moves_total", "Allocations whose client came back from elsewhere.",
                stats.moves);
    out.counter("ahoy_stun_bindings_total", "Binding requests answered.", stats.bindings);
    out.traffic("ahoy_turn_relayed_packets_total", "Packets relayed.", stats.to_peers.packets,
                stats.to_clients.packets);
    out.traffic("ahoy_turn_relayed_bytes_total", "Bytes of payload relayed.", stats.to_peers.bytes,
                stats.to_clients.bytes);
    out.gauge("ahoy_turn_fastpath_channels", "Bound channels that the kernel relays.",
              stats.shortcuts);
    out.traffic("ahoy_turn_fastpath_packets_total", "Packets that the kernel has relayed, of all.",
                stats.carried.to_peer.packets, stats.carried.to_client.packets);
    out.by_reason<turn::Drop>("ahoy_turn_dropped_total", "Packets dropped without an answer.",
                              stats.drops);
    out.by_reason<turn::AuthFailure>("ahoy_turn_auth_failures_total",
                                     "Requests that failed to authenticate.", stats.auth_failures);
    out.begin("ahoy_turn_denied_peers_total", "Peers refused in requests, by the policy's reason.",
              MetricType::Counter);
    for (size_t i = size_t(turn::PeerReason::never_a_peer); i < stats.denied_peers.size(); ++i) {
        out.sample(stats.denied_peers[i],
                   {{"reason", std::string(label(static_cast<turn::PeerReason>(i)))}});
    }
    out.begin("ahoy_turn_limits_reached_total",
              "Allocations, permissions, channels and connections refused; by whose limit.",
              MetricType::Counter);
    for (size_t what = 0; what < stats.limits_reached.size(); ++what) {
        for (size_t whose = 0; whose < stats.limits_reached[what].size(); ++whose) {
            out.sample(stats.limits_reached[what][whose],
                       {{"of", std::string(label(static_cast<turn::Counted>(what)))},
                        {"limit", std::string(label(static_cast<turn::Limited>(whose)))}});
        }
    }
    out.begin("ahoy_turn_errors_total", "Error responses sent.", MetricType::Counter);
    for (const auto& [code, count] : stats.errors) {
        out.sample(count, {{"code", std::to_string(static_cast<unsigned>(code))}});
    }
}

void add_rooms(Exposition& out, const room::Stats& stats) {
    out.gauge("ahoy_rooms", "Rooms.", stats.rooms);
    out.gauge("ahoy_room_clients", "Seats taken in rooms.", stats.clients);
    out.gauge("ahoy_room_sockets", "WebSockets registered in rooms.", stats.connections);
    out.counter("ahoy_room_registrations_total", "Registrations.", stats.registrations);
    out.counter("ahoy_room_joins_total", "Joins granted.", stats.joins);
    out.counter("ahoy_room_joins_refused_total", "Joins refused.", stats.joins_refused);
    out.counter("ahoy_room_resumes_total", "Participants who came back to their seats.",
                stats.resumed);
    out.counter("ahoy_room_resumes_incomplete_total",
                "Of these, who had to be told everything anew.", stats.resumed_in_part);
    out.counter("ahoy_room_resumes_refused_total", "Seats that were gone or never given.",
                stats.resumes_refused);
    out.gauge("ahoy_room_queued_bytes", "Memory of messages that wait to be heard.",
              stats.queued_bytes);
    out.counter("ahoy_room_messages_total", "Messages accepted.", stats.messages);
    out.counter("ahoy_room_messages_refused_total", "Messages refused.", stats.messages_refused);
}

void add_tcp(Exposition& out, const net::TcpCounts& tcp) {
    out.gauge("ahoy_tcp_connections", "Open TCP connections.", tcp.connections);
    out.counter("ahoy_tcp_accepted_total", "TCP connections accepted.", tcp.accepted);
    out.begin("ahoy_tcp_closed_total", "TCP connections closed before their protocol was known.",
              MetricType::Counter);
    out.sample(tcp.refused, {{"reason", "too_many"}});
    out.sample(tcp.crowded, {{"reason", "too_many_of_address"}});
    out.sample(tcp.unopened, {{"reason", "silent"}});
    out.sample(tcp.unknown, {{"reason", "unknown_protocol"}});
    out.sample(tcp.bad_proxy, {{"reason", "bad_proxy_header"}});
    out.sample(tcp.bad_tls, {{"reason", "tls_handshake"}});
}

void add_turn_connections(Exposition& out, const net::TurnStreamCounts& turn,
                          const net::DtlsCounts& dtls) {
    out.begin("ahoy_turn_connections", "Open connections of TURN clients.", MetricType::Gauge);
    out.sample(turn.tcp, {{"transport", "tcp"}});
    out.sample(turn.tls, {{"transport", "tls"}});
    out.sample(dtls.sessions, {{"transport", "dtls"}});
    out.gauge("ahoy_turn_peer_connections", "TCP connections between clients and peers.",
              turn.joined);
    out.traffic("ahoy_turn_peer_connection_bytes_total", "Bytes that went through them.",
                turn.bytes_to_peers, turn.bytes_to_clients);
    out.begin("ahoy_turn_connections_closed_total", "TURN connections that we closed.",
              MetricType::Counter);
    out.sample(turn.broken, {{"reason", "broken"}});
    out.sample(turn.timed_out + dtls.timed_out, {{"reason", "timed_out"}});
    out.sample(dtls.failed, {{"reason", "dtls_handshake"}});
    out.sample(dtls.refused, {{"reason", "too_many"}});
    out.counter("ahoy_dtls_hellos_total", "ClientHellos answered with a cookie.", dtls.hellos);
    out.counter("ahoy_dtls_strange_total", "DTLS records that belong to no session.", dtls.strange);
    out.counter("ahoy_dtls_too_large_total", "Messages that do not fit into a DTLS record.",
                dtls.too_large);
    out.counter("ahoy_turn_queue_full_total",
                "Messages dropped on their way to clients that read slowly.", turn.queue_full);
}

void add_network(Exposition& out, const Counts& total) {
    out.gauge("ahoy_http_connections", "Open HTTP connections.", total.http.connections);
    out.gauge("ahoy_websockets", "Open WebSockets.", total.http.websockets);
    out.counter("ahoy_http_bad_requests_total", "Requests that were not HTTP or too large.",
                total.http.bad_requests);
    out.counter("ahoy_websocket_slow_readers_total", "WebSockets closed: their queue was full.",
                total.http.slow_readers);
    out.durations("ahoy_websocket_round_trip_seconds", "From a ping to its pong.", total.http.pongs,
                  total.http.round_trips);
    out.begin("ahoy_too_fast_total",
              "WebSockets closed, and messages refused, for talking too fast; by whose limit.",
              MetricType::Counter);
    out.sample(total.sockets_too_fast, {{"limit", "client"}});
    out.sample(total.rooms.too_fast, {{"limit", "room"}});
    out.sample(total.addresses_too_fast, {{"limit", "address"}});
    out.counter("ahoy_websocket_errors_total", "Error frames sent.", total.socket_errors);
    out.counter("ahoy_udp_sent_total", "Datagrams sent.", total.sent.datagrams);
    out.counter("ahoy_udp_send_calls_total", "System calls that sent them.", total.sent.calls);
    out.begin("ahoy_udp_unsent_total", "Datagrams that the kernel did not take.",
              MetricType::Counter);
    out.sample(total.sent.full, {{"reason", "buffer_full"}});
    out.sample(total.sent.refused, {{"reason", "refused"}});
}

void add_api(Exposition& out, const ApiCounts& api) {
    out.begin("ahoy_api_requests_total", "Requests to the API.", MetricType::Counter);
    out.sample(api.answered, {{"result", "answered"}});
    out.sample(api.refused, {{"result", "refused"}});
    out.sample(api.unauthorized, {{"result", "unauthorized"}});
}

void add_webhooks(Exposition& out, const WebhookCounts& webhooks) {
    out.gauge("ahoy_webhook_events_queued", "Events that are still to be told.", webhooks.queued);
    out.begin("ahoy_webhook_attempts_total", "Attempts to tell an event.", MetricType::Counter);
    for (size_t i = 0; i < webhooks.attempts.size(); ++i) {
        out.sample(webhooks.attempts[i],
                   {{"result", std::string(label(static_cast<WebhookResult>(i)))}});
    }
    out.begin("ahoy_webhook_events_lost_total", "Events that were never told.",
              MetricType::Counter);
    out.sample(webhooks.queue_full, {{"reason", "queue_full"}});
    out.sample(webhooks.given_up, {{"reason", "given_up"}});
}

void add_process(Exposition& out, const Process& process) {
    out.gauge("process_resident_memory_bytes", "Resident memory.", process.resident);
    out.gauge("process_open_fds", "Open file descriptors.", process.descriptors);
    out.counter("ahoy_log_lines_lost_total", "Log lines dropped because nobody took them.",
                process.log_lines_lost);
}

}  // namespace

boost::asio::awaitable<Counts> gather(const Workers& workers) {
    Counts total;
    for (const auto& worker : workers) {
        const Counts one = co_await net::on_shard(worker->shard, [&] { return worker->count(); });
        add(total, one);
    }
    co_return total;
}

Process look_at_process() {
    uint64_t pages = 0;
    uint64_t resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    Process process{.resident = resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)),
                    .log_lines_lost = log::lines_lost()};
    std::error_code error;
    const std::filesystem::directory_iterator open_files("/proc/self/fd", error);
    for ([[maybe_unused]] const auto& file : open_files) ++process.descriptors;
    return process;
}

std::string prometheus_text(const Counts& total, const Process& process,
                            const WebhookCounts& webhooks) {
    Exposition out;
    add_turn(out, total.turn);
    add_rooms(out, total.rooms);
    add_tcp(out, total.tcp);
    add_turn_connections(out, total.turn_streams, total.dtls);
    add_network(out, total);
    add_api(out, total.api);
    add_webhooks(out, webhooks);
    add_process(out, process);
    return out.text();
}

}  // namespace ahoy::app
