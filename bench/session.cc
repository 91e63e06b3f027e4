#include "bench/session.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "bench/load_error.h"
#include "net/clock.h"
#include "net/socket_address.h"
#include "stun/attributes.h"

namespace ahoy::bench {
namespace {

using turn::ClientEvent;
using Kind = ClientEvent::Kind;

constexpr Duration patience = 5s;  // without any answer at all
constexpr Duration expiry_tick = 20ms;

// Of the clients: below those that servers relay on.
constexpr size_t first_port = 10'000;
constexpr size_t ports = 39'152;

[[noreturn]] void fail(const char* call) {
    throw std::system_error(errno, std::generic_category(), call);
}

void allow_descriptors(size_t wanted) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("getrlimit");
    limit.rlim_cur = std::max<rlim_t>(limit.rlim_cur, wanted);
    limit.rlim_max = std::max(limit.rlim_cur, limit.rlim_max);
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        throw LoadError(
            fmt::format("--clients: {} open files are needed and not allowed; see "
                        "`ulimit -n`",
                        wanted));
    }
}

}  // namespace

turn::ClientConfig Target::login(size_t client) const {
    turn::ClientConfig config{.server = server, .username = user, .password = password};
    if (secret.empty()) return config;
    const auto minted = turn::mint(secret, fmt::format("load{}", client), 24h, net::read_clocks());
    config.username = minted.username;
    config.password = minted.password;
    return config;
}

// ---- one client

Session::Session(const Target& target, size_t number, Random random, Outbox& outbox)
    : socket_(open_udp(target.server.ip.family())),
      outbox_(outbox),
      client_(target.login(number), std::move(random)) {
    // Ports in turn, below those that servers relay on, so that none is used again soon: a server
    // may keep an allocation for a moment after it was given back.  When one is taken, any will do.
    const auto port = static_cast<uint16_t>(first_port + number % ports);
    const bool v4 = target.server.ip.is_v4();
    const net::SocketAddress local({v4 ? IpAddress::v4(INADDR_ANY) : IpAddress{}, port});
    (void)::bind(socket_.get(), local.get(), local.size());
    connect_to(socket_.get(), target.server);
}

void Session::allocate() {
    client_.allocate(net::read_clocks(), outbox_);
    flush();
}

void Session::bind(const TransportAddress& peer) {
    client_.bind_channel(net::read_clocks(), peer, outbox_);
    flush();
}

void Session::close() {
    client_.close(net::read_clocks(), outbox_);
    flush();
}

void Session::receive() {
    std::array<uint8_t, 65536> buffer;
    for (;;) {
        const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (size > 0) {
            take(Bytes(buffer).first(static_cast<size_t>(size)));
        } else if (size < 0 && errno == ECONNREFUSED) {
            throw LoadError(
                "nothing listens at the server's address: is it running, and is this "
                "its UDP port?");
        } else if (size < 0) {
            return;
        }
    }
}

void Session::take(Bytes bytes) {
    client_.from_server(net::read_clocks(), {.bytes = bytes}, outbox_);
    flush();
}

void Session::expire() {
    client_.expire(net::read_clocks(), outbox_);
    flush();
}

void Session::flush() {
    for (const Transmit& transmit : outbox_.pending()) {
        // What is lost is sent again, so an error matters only when it stays, and then wait() says.
        (void)::send(socket_.get(), transmit.bytes.data(), transmit.bytes.size(), MSG_NOSIGNAL);
    }
    outbox_.clear();
}

// ---- many

Sessions::Sessions(const Target& target, size_t count)
    : target_(target), random_(Random::from_number(1)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    Random::Seed seed;
    if (::getentropy(seed.data(), seed.size()) != 0) fail("getentropy");
    random_ = Random(seed);
    opened_ = static_cast<size_t>(random_.below(ports));  // hardly the latest run's
    allow_descriptors(count + 64);
    for (size_t i = 0; i < count; ++i) {
        sessions_.push_back(open());
        watch(i);
    }
}

std::unique_ptr<Session> Sessions::open() {
    return std::make_unique<Session>(target_, opened_++, Random(random_.seed()), outbox_);
}

void Sessions::watch(size_t index) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = index}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, sessions_[index]->fd(), &event) != 0) {
        fail("epoll_ctl");
    }
}

void Sessions::reopen(size_t index) {
    sessions_[index] = open();
    watch(index);
}

// An earlier client's allocation may live on where a new client has the same port; another port
// helps.  Only so often, since a server may have other reasons, too.
bool Sessions::replace(size_t index, const ClientEvent& event) {
    constexpr size_t most = 10'000;
    const bool taken = event.method == stun::Method::allocate &&
                       (event.error == stun::ErrorCode::allocation_mismatch ||
                        event.error == stun::ErrorCode::wrong_credentials);
    if (!taken || ++replaced_ > most) return false;
    opened_ += static_cast<size_t>(random_.below(ports));
    reopen(index);
    return true;
}

const std::vector<size_t>& Sessions::wait() {
    std::array<epoll_event, 256> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 20);
    const Instant now = net::read_clocks().steady;
    ready_.clear();
    for (int i = 0; i < count; ++i) {
        ready_.push_back(static_cast<size_t>(events[static_cast<size_t>(i)].data.u64));
        sessions_[ready_.back()]->receive();
    }
    if (count > 0) heard_at_ = now;
    if (now - expired_at_ >= expiry_tick) {
        expired_at_ = now;
        for (const auto& session : sessions_) session->expire();
    }
    if (now - heard_at_ > patience) {
        throw LoadError(
            fmt::format("no answer from {} for {} s: is a TURN server listening there "
                        "on UDP, and is the way to it open?",
                        target_.server.to_string(), patience / 1s));
    }
    return ready_;
}

void Sessions::refuse(const ClientEvent& event) const {
    const auto code = static_cast<unsigned>(event.error);
    switch (event.error) {
        case stun::ErrorCode::unauthenticated:
            throw LoadError(fmt::format(
                "the server refuses the name and password ({}): check --user and --password, or "
                "--secret if it uses the REST scheme",
                code));
        case stun::ErrorCode::wrong_credentials:
        case stun::ErrorCode::allocation_mismatch:
            throw LoadError(
                fmt::format("allocations of earlier clients with the same ports live on ({}): "
                            "restart the server, or wait for ten minutes",
                            code));
        case stun::ErrorCode::forbidden:
            throw LoadError(fmt::format(
                "the server denies the peer {0} (403): allow it (ahoy: --set 'turn.peers.allow="
                "[\"{1}\"]', coturn: --allowed-peer-ip={1}), or choose another address of this "
                "machine with --peer-address",
                event.address.to_string(), event.address.ip.to_string()));
        case stun::ErrorCode::allocation_quota_reached:
            throw LoadError(
                "the server gives one user no more allocations (486): raise its quota, or use "
                "--secret, with which every client has a name of its own");
        case stun::ErrorCode::insufficient_capacity:
            throw LoadError(
                "the server has no relayed ports left (508): fewer --clients, or more ports there");
        default:
            throw LoadError(fmt::format("the server refuses a request: {} {}", code,
                                        stun::reason_phrase(event.error)));
    }
}

void Sessions::for_all(const Act& act, Kind until) {
    heard_at_ = net::read_clocks().steady;
    size_t begun = 0, done = 0;
    while (done < sessions_.size()) {
        while (begun < sessions_.size() && begun - done < at_once) act(*sessions_[begun++]);
        // A time-out shows in no socket, so all that were begun are asked.
        wait();
        for (size_t i = 0; i < begun; ++i) {
            for (const ClientEvent& event : sessions_[i]->client().take_events()) {
                if (event.kind == until) ++done;
                if (event.kind != Kind::refused || until == Kind::ended) continue;
                if (!replace(i, event)) refuse(event);
                act(*sessions_[i]);
                break;
            }
        }
    }
}

void Sessions::allocate() {
    for_all([](Session& s) { s.allocate(); }, Kind::allocated);
}
void Sessions::bind(const TransportAddress& peer) {
    for_all([&](Session& s) { s.bind(peer); }, Kind::bound);
}
void Sessions::close() {
    for_all([](Session& s) { s.close(); }, Kind::ended);
}

void Sessions::churn(Instant end, const std::function<void(Instant, Duration)>& allocated) {
    heard_at_ = net::read_clocks().steady;
    std::vector<Instant> began(sessions_.size());
    const auto begin = [&](size_t i) {
        began[i] = net::read_clocks().steady;
        sessions_[i]->allocate();
    };
    for (size_t i = 0; i < sessions_.size(); ++i) begin(i);
    size_t running = sessions_.size();
    // What was begun is given back, too: a later client may get the same port of this machine.
    while (running > 0) {
        for (const size_t i : wait()) {
            for (const ClientEvent& event : sessions_[i]->client().take_events()) {
                const Instant now = net::read_clocks().steady;
                if (event.kind == Kind::refused) {
                    if (!replace(i, event)) refuse(event);
                    begin(i);
                    break;
                }
                if (event.kind == Kind::allocated) {
                    allocated(now, now - began[i]);
                    sessions_[i]->close();
                } else if (event.kind == Kind::ended && now >= end) {
                    --running;
                } else if (event.kind == Kind::ended) {
                    reopen(i);
                    begin(i);
                    break;
                }
            }
        }
    }
}

}  // namespace ahoy::bench
