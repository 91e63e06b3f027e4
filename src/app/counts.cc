#include "app/counts.h"

namespace ahoy::app {
namespace {

// add_each(total, more, &T::a, &T::b): the named numbers.
template <class T, class... Members>
void add_each(T& total, const T& more, Members... members) {
    ((total.*members += more.*members), ...);
}

template <class Array>
void add_elements(Array& total, const Array& more) {
    for (size_t i = 0; i < total.size(); ++i) total[i] += more[i];
}

void add(turn::Traffic& total, const turn::Traffic& more) {
    using T = turn::Traffic;
    add_each(total, more, &T::packets, &T::bytes);
}

void add(turn::Stats& total, const turn::Stats& more) {
    using T = turn::Stats;
    add(total.to_peers, more.to_peers);
    add(total.to_clients, more.to_clients);
    add(total.carried.to_peer, more.carried.to_peer);
    add(total.carried.to_client, more.carried.to_client);
    add_elements(total.drops, more.drops);
    add_elements(total.auth_failures, more.auth_failures);
    add_elements(total.denied_peers, more.denied_peers);
    for (size_t i = 0; i < total.limits_reached.size(); ++i) {
        add_elements(total.limits_reached[i], more.limits_reached[i]);
    }
    for (const auto& [code, count] : more.errors) total.errors[code] += count;
    for (size_t i = 0; i < total.allocations_made.size(); ++i) {
        add_elements(total.allocations_made[i], more.allocations_made[i]);
    }
    add_elements(total.lifetimes.counts, more.lifetimes.counts);
    total.lifetimes.seconds += more.lifetimes.seconds;
    add_each(total, more, &T::bindings, &T::allocations_live, &T::allocations_total,
             &T::relayed_ports, &T::moves, &T::shortcuts);
}

void add(room::Stats& total, const room::Stats& more) {
    using T = room::Stats;
    add_each(total, more, &T::rooms, &T::clients, &T::connected, &T::connections, &T::registrations,
             &T::joins, &T::joins_refused, &T::queued_bytes, &T::messages, &T::messages_refused,
             &T::resumed, &T::resumed_in_part, &T::resumes_refused, &T::too_fast);
}

void add(net::SendCounts& total, const net::SendCounts& more) {
    using T = net::SendCounts;
    add_each(total, more, &T::datagrams, &T::calls, &T::full, &T::refused);
}

void add(net::TcpCounts& total, const net::TcpCounts& more) {
    using T = net::TcpCounts;
    add_each(total, more, &T::connections, &T::accepted, &T::refused, &T::crowded, &T::unopened,
             &T::unknown, &T::bad_proxy, &T::bad_tls);
}

void add(net::TurnStreamCounts& total, const net::TurnStreamCounts& more) {
    using T = net::TurnStreamCounts;
    add_each(total, more, &T::tcp, &T::tls, &T::joined, &T::bytes_to_peers, &T::bytes_to_clients,
             &T::broken, &T::timed_out, &T::queue_full);
}

void add(net::DtlsCounts& total, const net::DtlsCounts& more) {
    using T = net::DtlsCounts;
    add_each(total, more, &T::sessions, &T::hellos, &T::strange, &T::refused, &T::failed,
             &T::timed_out, &T::too_large);
}

void add(ApiCounts& total, const ApiCounts& more) {
    using T = ApiCounts;
    add_each(total, more, &T::answered, &T::refused, &T::unauthorized);
}

}  // namespace

void add(net::HttpCounts& total, const net::HttpCounts& more) {
    using T = net::HttpCounts;
    add_each(total, more, &T::connections, &T::websockets, &T::bad_requests, &T::slow_readers,
             &T::pongs, &T::round_trips);
}

void add(Counts& total, const Counts& more) {
    add(total.turn, more.turn);
    add(total.rooms, more.rooms);
    add(total.http, more.http);
    add(total.tcp, more.tcp);
    add(total.turn_streams, more.turn_streams);
    add(total.dtls, more.dtls);
    add(total.sent, more.sent);
    add(total.api, more.api);
    add_each(total, more, &Counts::sockets_too_fast, &Counts::addresses_too_fast,
             &Counts::socket_errors, &Counts::http_errors);
}

}  // namespace ahoy::app
