// The server's side of TLS on a TCP socket, as a stream of Asio's.
//
// The protocol is OpenSSL's, which reads the socket and writes to it by itself.  Asio's own stream
// puts four buffers of a record's size between the two; here an idle connection has none at all
// (SSL_MODE_RELEASE_BUFFERS).  As with any stream of Asio's, one read and one write may be under
// way, and the stream outlives them.
#pragma once

#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/release.h"

namespace ahoy::net {

class TlsStream {
  public:
    using tcp = boost::asio::ip::tcp;
    using error_code = boost::system::error_code;
    using executor_type = tcp::socket::executor_type;

    // `early`: what was read from the socket already.
    TlsStream(tcp::socket, boost::asio::ssl::context&, Bytes early);

    executor_type get_executor() { return socket().get_executor(); }
    tcp::socket& socket() { return core_->socket; }

    // The usual would_block when there is nothing to read.
    size_t read_some(boost::asio::mutable_buffer buffer, error_code& error) {
        const Step step = core_->read(buffer);
        error = step.wants ? boost::asio::error::would_block : step.error;
        return step.size;
    }
    // Tells the other side that this is the end, if that can be done at once.
    void shutdown();

    template <class Token>
    auto async_handshake(Token&& token) {
        return async([core = core_.get()] { return core->handshake(); },
                     std::forward<Token>(token));
    }
    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return async([core = core_.get(), buffer = first<boost::asio::mutable_buffer>(
                                              buffers)] { return core->read(buffer); },
                     std::forward<Token>(token));
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return async([core = core_.get(), buffer = first<boost::asio::const_buffer>(
                                              buffers)] { return core->write(buffer); },
                     std::forward<Token>(token));
    }

  private:
    // What came of an attempt: it waits for the socket, or it is over.
    struct Step {
        std::optional<tcp::socket::wait_type> wants;
        error_code error;
        size_t size = 0;
    };
    // Stays where it is, because OpenSSL knows it.
    struct Core {
        explicit Core(tcp::socket s) : socket(std::move(s)) {}
        Step handshake();
        Step read(boost::asio::mutable_buffer);
        Step write(boost::asio::const_buffer);
        Step step(int result);

        tcp::socket socket;
        std::vector<uint8_t> early;  // not read by OpenSSL yet
        bool ended = false;
        std::unique_ptr<SSL, Release<SSL_free>> ssl;
    };
    static const BIO_METHOD* bio_method();

    template <class Buffer, class Buffers>
    static Buffer first(const Buffers& buffers) {
        const auto end = boost::asio::buffer_sequence_end(buffers);
        for (auto at = boost::asio::buffer_sequence_begin(buffers); at != end; ++at) {
            if (Buffer(*at).size() > 0) return Buffer(*at);
        }
        return {};
    }

    // Attempts until it is over.  What is over at once is told a little later, as Asio has it.
    template <class Attempt, class Token>
    auto async(Attempt attempt, Token&& token) {
        auto run = [core = core_.get(), attempt = std::move(attempt), done = std::optional<Step>(),
                    waited = false](auto& self, error_code error = {}) mutable {
            if (!done && !error) {
                Step step = attempt();
                if (step.wants) {
                    waited = true;
                    core->socket.async_wait(*step.wants, std::move(self));
                    return;
                }
                done = step;
                if (!waited) {
                    boost::asio::post(core->socket.get_executor(), std::move(self));
                    return;
                }
            }
            self.complete(done ? done->error : error, done ? done->size : 0);
        };
        return boost::asio::async_compose<Token, void(error_code, size_t)>(std::move(run), token,
                                                                           core_->socket);
    }

    std::unique_ptr<Core> core_;
};

}  // namespace ahoy::net
