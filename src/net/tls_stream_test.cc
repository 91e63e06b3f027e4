// A server's TLS stream and a client's, both on one io_context and loopback.
#include "net/tls_stream.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "net/tls.h"

namespace ahoy::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

class TlsStreamTest : public testing::Test {
  protected:
    TlsStreamTest() {
        std::filesystem::remove_all(folder);  // it is loaded
        tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
        client.lowest_layer().connect(acceptor.local_endpoint());
        server.emplace(acceptor.accept(), *contexts.tls, Bytes());
        std::optional<error_code> ours, theirs;
        server->async_handshake([&](error_code error, size_t) { ours = error; });
        client.async_handshake(asio::ssl::stream_base::client,
                               [&](error_code error) { theirs = error; });
        io.run();
        io.restart();
        EXPECT_EQ(ours, error_code());
        EXPECT_EQ(theirs, error_code());
    }

    struct Result {
        error_code error;
        size_t size = 0;
    };
    Result reads() {
        Result result;
        std::array<uint8_t, 100> room;
        server->async_read_some(asio::buffer(room), [&](error_code error, size_t size) {
            result = {error, size};
        });
        io.run();
        io.restart();
        return result;
    }
    Result writes(const std::string& text) {
        Result result;
        asio::async_write(*server, asio::buffer(text), [&](error_code error, size_t size) {
            result = {error, size};
        });
        io.run();
        io.restart();
        return result;
    }

    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("ahoy-tls-stream-" + std::to_string(::getpid()));
    TlsContexts contexts = [this] {
        const CertificateFiles files = keep_self_signed(folder, "call.example.org");
        return load_tls(files.certificate, files.key);
    }();
    asio::io_context io;
    asio::ssl::context anybody{asio::ssl::context::tls_client};
    asio::ssl::stream<tcp::socket> client{io, anybody};
    std::optional<TlsStream> server;
};

TEST_F(TlsStreamTest, CarriesBothWays) {
    asio::write(client, asio::buffer(std::string("ahoy")));
    EXPECT_EQ(reads().size, 4u);
    EXPECT_EQ(writes("hello").size, 5u);
    std::array<char, 5> heard;
    asio::read(client, asio::buffer(heard));
    EXPECT_EQ(std::string(heard.data(), heard.size()), "hello");
}

TEST_F(TlsStreamTest, AClientThatVanishesIsAnErrorOfTheWriteBehindItToo) {
    client.lowest_layer().shutdown(tcp::socket::shutdown_send);  // without a close_notify
    EXPECT_EQ(reads().error, asio::ssl::error::stream_truncated);
    const Result written = writes("hello");
    EXPECT_TRUE(written.error);
    EXPECT_EQ(written.size, 0u);
}

TEST_F(TlsStreamTest, AClientThatResetsIsAnErrorOfReadAndWrite) {
    client.lowest_layer().set_option(asio::socket_base::linger(true, 0));
    client.lowest_layer().close();
    EXPECT_TRUE(reads().error);
    EXPECT_TRUE(writes("hello").error);
}

TEST_F(TlsStreamTest, NothingIsWrittenAfterTheGoodbye) {
    server->shutdown();
    EXPECT_TRUE(writes("hello").error);
}

}  // namespace
}  // namespace ahoy::net
