#include "net/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <cerrno>
#include <climits>
#include <string_view>

#include "base/check.h"

namespace ahoy::net {
namespace {

namespace asio = boost::asio;

int clamp_size(size_t size) {
    return static_cast<int>(std::min<size_t>(size, INT_MAX));
}

bool would_block(ssize_t result) {
    return result < 0 && (errno == EAGAIN || errno == EINTR);
}

}  // namespace

// OpenSSL's way to the socket, behind what has been read of it before.
const BIO_METHOD* TlsStream::bio_method() {
    static const auto read = [](BIO* bio, char* out, int size) {
        Core& core = *static_cast<Core*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        if (!core.early.empty()) {
            const auto taken =
                static_cast<ptrdiff_t>(std::min(core.early.size(), static_cast<size_t>(size)));
            std::copy_n(core.early.begin(), taken, out);
            core.early.erase(core.early.begin(), core.early.begin() + taken);
            if (core.early.empty()) core.early.shrink_to_fit();
            return static_cast<int>(taken);
        }
        const ssize_t result =
            ::recv(core.socket.native_handle(), out, static_cast<size_t>(size), 0);
        if (would_block(result)) BIO_set_retry_read(bio);
        core.ended = result == 0;
        return static_cast<int>(result);
    };
    static const auto write = [](BIO* bio, const char* data, int size) {
        Core& core = *static_cast<Core*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        const ssize_t result =
            ::send(core.socket.native_handle(), data, static_cast<size_t>(size), MSG_NOSIGNAL);
        if (would_block(result)) BIO_set_retry_write(bio);
        return static_cast<int>(result);
    };
    static const auto control = [](BIO* bio, int what, long, void*) -> long {
        if (what == BIO_CTRL_EOF) return static_cast<Core*>(BIO_get_data(bio))->ended;
        return what == BIO_CTRL_FLUSH ? 1 : 0;
    };
    static const auto method = [] {
        std::unique_ptr<BIO_METHOD, Release<BIO_meth_free>> made(
            BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection"));
        BIO_meth_set_read(made.get(), read);
        BIO_meth_set_write(made.get(), write);
        BIO_meth_set_ctrl(made.get(), control);
        return made;
    }();
    return method.get();
}

TlsStream::TlsStream(tcp::socket socket, asio::ssl::context& context, Bytes early)
    : core_(std::make_unique<Core>(std::move(socket))) {
    error_code ignored;  // what is wrong with the socket shows when it is read
    core_->socket.native_non_blocking(true, ignored);
    core_->early.assign(early.begin(), early.end());
    core_->ssl.reset(SSL_new(context.native_handle()));
    BIO* const bio = BIO_new(bio_method());
    CHECK(core_->ssl && bio);
    BIO_set_data(bio, core_.get());
    BIO_set_init(bio, 1);
    SSL_set_bio(core_->ssl.get(), bio, bio);
    SSL_set_accept_state(core_->ssl.get());
    SSL_set_mode(core_->ssl.get(),
                 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_read_ahead(core_->ssl.get(), 1);
}

void TlsStream::shutdown() {
    ERR_clear_error();
    (void)SSL_shutdown(core_->ssl.get());
    ERR_clear_error();
}

TlsStream::Step TlsStream::Core::handshake() {
    ERR_clear_error();
    return step(SSL_do_handshake(ssl.get()));
}

TlsStream::Step TlsStream::Core::read(asio::mutable_buffer buffer) {
    if (buffer.size() == 0) return {};
    ERR_clear_error();
    return step(SSL_read(ssl.get(), buffer.data(), clamp_size(buffer.size())));
}

TlsStream::Step TlsStream::Core::write(asio::const_buffer buffer) {
    if (buffer.size() == 0) return {};
    ERR_clear_error();
    return step(SSL_write(ssl.get(), buffer.data(), clamp_size(buffer.size())));
}

// What has failed always has an error, also where neither OpenSSL nor the system names one: a write
// of nothing without an error would be taken for the end of what was to be written.
TlsStream::Step TlsStream::Core::step(int result) {
    if (result > 0) return {.size = static_cast<size_t>(result)};
    const int system_error = errno;
    const auto failed = [](error_code error) -> Step {
        return {.error = error ? error : asio::error::connection_reset};
    };
    switch (SSL_get_error(ssl.get(), result)) {
        case SSL_ERROR_WANT_READ:
            return {.wants = tcp::socket::wait_read};
        case SSL_ERROR_WANT_WRITE:
            return {.wants = tcp::socket::wait_write};
        case SSL_ERROR_ZERO_RETURN:
            return {.error = asio::error::eof};
        case SSL_ERROR_SYSCALL:
            return failed(error_code(system_error, boost::system::system_category()));
        default:
            if (ended) return {.error = asio::ssl::error::stream_truncated};
            return failed(
                error_code(static_cast<int>(ERR_get_error()), asio::error::get_ssl_category()));
    }
}

}  // namespace ahoy::net
