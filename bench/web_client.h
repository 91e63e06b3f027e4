// HTTP/1.1 and WebSocket (RFC 6455) as a load generator needs them, plain or over TLS: many
// non-blocking connections, watched by one epoll set, with as little work for each message as
// possible.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/release.h"

namespace ahoy::bench {

class Poll;

// One connection.  What arrives is handed on as it is cut by the protocol: one HTTP response, or
// one WebSocket message.
class WebClient {
  public:
    enum class Got { response, message, pong, closed };
    // `text` is only there during the call.
    using Handler = std::function<void(WebClient&, Got, std::string_view text)>;

    // Begins to connect; `poll` outlives this.  `tls`: null for a plain connection.
    WebClient(Poll& poll, const TransportAddress& server, SSL_CTX* tls, Handler);
    ~WebClient();
    WebClient(const WebClient&) = delete;
    WebClient& operator=(const WebClient&) = delete;

    void request(std::string_view method, std::string_view target);
    // The answer comes as a response; from then on there are messages.
    void upgrade(std::string_view target);
    void send(std::string_view text);
    void ping();
    // As a server sees a client vanish; leaves no port behind in TIME_WAIT.
    void abort();
    bool is_open() const { return fd_ >= 0; }

    size_t index = 0;  // for the owner

  private:
    friend class Poll;
    void on_events(uint32_t events);
    void read();
    void take_messages();
    bool take_response();
    bool take_frame();
    void frame(uint8_t opcode, std::string_view text);
    void flush();
    // Bytes; 0: it has to wait; less: the connection is over.
    ssize_t send_some();
    ssize_t receive_some(char* to, size_t size);
    void close();

    Poll& poll_;
    Handler handler_;
    int fd_ = -1;
    std::unique_ptr<SSL, Release<SSL_free>> tls_;
    bool connected_ = false;
    bool watches_writing_ = true;
    bool upgraded_ = false;
    bool queued_ = false;  // to be flushed
    std::string in_;
    size_t in_used_ = 0;
    std::string out_;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

// The epoll set.  What the handlers of one round write leaves at its end, so that several messages
// to one socket are one system call.
class Poll {
  public:
    Poll();
    ~Poll();
    Poll(const Poll&) = delete;
    Poll& operator=(const Poll&) = delete;

    void round(int wait_ms);
    void flush();  // what was written outside of a round

  private:
    friend class WebClient;
    int fd_;
    std::vector<WebClient*> unsent_;
};

}  // namespace ahoy::bench
