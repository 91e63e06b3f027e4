// TURN clients with sockets of their own, and what it takes to bring many of them up.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/datagram.h"
#include "base/random.h"
#include "bench/sockets.h"
#include "turn/client.h"

namespace ahoy::bench {

// Which server, and who we are there.
struct Target {
    TransportAddress server;
    std::string user;
    std::string password;
    std::string secret;  // if set, every client gets a REST credential of its own

    turn::ClientConfig login(size_t client) const;
};

class Session {
  public:
    // `outbox` is empty between calls and outlives this.
    Session(const Target&, size_t number, Random, Outbox& outbox);

    void allocate();
    void bind(const TransportAddress& peer);
    void close();
    // Reads all there is.
    void receive();
    // Takes one message that somebody else read from the socket.
    void take(Bytes);
    void expire();

    int fd() const { return socket_.get(); }
    turn::Client& client() { return client_; }
    const turn::Client& client() const { return client_; }

  private:
    void flush();

    Descriptor socket_;
    Outbox& outbox_;
    turn::Client client_;
};

class Sessions {
  public:
    Sessions(const Target&, size_t count);

    // Each to its end for all clients, at most this many at once; throws LoadError.
    static constexpr size_t at_once = 64;
    void allocate();
    void bind(const TransportAddress& peer);
    void close();
    // Allocates and gives back with new clients, all at once and over and over, and tells of each
    // allocation how long it took.
    void churn(Instant end, const std::function<void(Instant, Duration)>& allocated);

    size_t size() const { return sessions_.size(); }
    // How many clients found their port taken by an earlier one's allocation.
    size_t replaced() const { return replaced_; }
    Session& operator[](size_t i) { return *sessions_[i]; }

  private:
    using Act = std::function<void(Session&)>;
    void for_all(const Act&, turn::ClientEvent::Kind until);
    std::unique_ptr<Session> open();
    void watch(size_t index);
    void reopen(size_t index);
    bool replace(size_t index, const turn::ClientEvent& refusal);
    // The sessions that have something to say; throws when nobody was answered for long.
    const std::vector<size_t>& wait();
    [[noreturn]] void refuse(const turn::ClientEvent&) const;

    Target target_;
    Random random_;
    Outbox outbox_;
    Descriptor epoll_;
    std::vector<std::unique_ptr<Session>> sessions_;
    std::vector<size_t> ready_;
    size_t opened_ = 0;
    size_t replaced_ = 0;
    Instant heard_at_;
    Instant expired_at_;
};

}  // namespace ahoy::bench
