#include "net/dtls.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/crypto.h"
#include "net/clock.h"

namespace ahoy::net {
namespace {

constexpr size_t largest_record = 16 * 1024;  // of plaintext (RFC 6347, section 4.1)
constexpr size_t plaintext_size = 256 * 1024;
constexpr long handshake_mtu = 1200;  // fits every path
constexpr auto look_interval = 250ms;

using SslPointer = std::unique_ptr<SSL, decltype([](SSL* ssl) { SSL_free(ssl); })>;

}  // namespace

// One association.  Its BIO reads the one record that has come and sends each record it is given.
class Dtls::Session final : public ClientTransport {
  public:
    Session(SSL_CTX* context, const Dtls& dtls)
        : dtls_(dtls), sockets_(dtls.sockets_), ssl_(SSL_new(context)) {
        CHECK(ssl_ != nullptr);
        BIO* const bio = BIO_new(method());
        CHECK(bio != nullptr);
        BIO_set_data(bio, this);
        BIO_set_init(bio, 1);
        SSL_set_bio(ssl_.get(), bio, bio);
        SSL_set_app_data(ssl_.get(), this);
        SSL_set_options(ssl_.get(), SSL_OP_NO_QUERY_MTU | SSL_OP_COOKIE_EXCHANGE);
        SSL_set_mtu(ssl_.get(), handshake_mtu);
    }
    ~Session() {
        if (attached_) sockets_.detach(five_tuple_, read_clocks());
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Answers a ClientHello with a cookie; true when it brought the right one, and the handshake
    // may go on.
    bool listen(const Datagram& hello) {
        path_ = {.socket = hello.socket, .from = hello.from, .local = hello.local, .bytes = {}};
        struct FreeAddress {
            void operator()(BIO_ADDR* address) const { BIO_ADDR_free(address); }
        };
        const std::unique_ptr<BIO_ADDR, FreeAddress> ignored(BIO_ADDR_new());
        incoming_ = hello.bytes;
        const bool proved = DTLSv1_listen(ssl_.get(), ignored.get()) > 0;
        incoming_ = {};
        ERR_clear_error();
        return proved;
    }

    void begin(Now now) {
        five_tuple_ = {
            .socket = sockets_.attach(*this), .client = path_.from, .server = path_.local};
        attached_ = true;
        heard_at_ = now.steady;
        handshake(now);
    }

    // Decrypts what came into `room` and hands it up; false when the session is over.
    template <class Room>
    bool take(Now now, Bytes record, Room&& room) {
        incoming_ = record;
        if (!established() && !handshake(now)) return false;
        while (established()) {
            const std::span<uint8_t> plaintext = room();
            const int size =
                SSL_read(ssl_.get(), plaintext.data(), static_cast<int>(plaintext.size()));
            if (size <= 0) break;
            heard_at_ = now.steady;
            sockets_.from_client(now, {.socket = five_tuple_.socket,
                                       .from = five_tuple_.client,
                                       .local = five_tuple_.server,
                                       .bytes = plaintext.first(static_cast<size_t>(size)),
                                       .transport = Transport::dtls});
            used_ += static_cast<size_t>(size);
        }
        incoming_ = {};
        ERR_clear_error();
        return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) == 0;
    }
    size_t take_used() { return std::exchange(used_, 0); }

    bool established() const { return SSL_is_init_finished(ssl_.get()); }
    void retransmit() { DTLSv1_handle_timeout(ssl_.get()); }
    Instant heard_at() const { return heard_at_; }
    bool has_allocation(Now now) const { return sockets_.has_allocation(five_tuple_, now); }
    bool too_large() { return std::exchange(too_large_, false); }
    const TransportAddress& client() const { return path_.from; }

    // ---- ClientTransport
    void send(const Transmit& transmit) override {
        std::array<uint8_t, largest_record> plaintext;
        if (transmit.size() > plaintext.size()) {
            too_large_ = true;
            return;
        }
        std::memcpy(plaintext.data(), transmit.prefix.data(), transmit.prefix_size);
        std::memcpy(plaintext.data() + transmit.prefix_size, transmit.bytes.data(),
                    transmit.bytes.size());
        SSL_write(ssl_.get(), plaintext.data(), static_cast<int>(transmit.size()));
        ERR_clear_error();
    }
    void flush() override {}

  private:
    bool handshake(Now now) {
        const int result = SSL_accept(ssl_.get());
        const bool alive = result == 1 || SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
        if (result == 1) heard_at_ = now.steady;
        ERR_clear_error();
        return alive;
    }

    // ---- the BIO
    static Session& session_of(BIO* bio) { return *static_cast<Session*>(BIO_get_data(bio)); }

    static int read(BIO* bio, char* out, int size) {
        BIO_clear_retry_flags(bio);
        Session& session = session_of(bio);
        if (session.incoming_.empty()) {
            BIO_set_retry_read(bio);
            return -1;
        }
        const Bytes record = std::exchange(session.incoming_, Bytes{});
        const size_t taken = std::min(record.size(), static_cast<size_t>(size));
        std::memcpy(out, record.data(), taken);
        return static_cast<int>(taken);
    }

    static int write(BIO* bio, const char* data, int size) {
        Session& session = session_of(bio);
        session.sockets_.send_record(session.path_, as_bytes({data, static_cast<size_t>(size)}));
        return size;
    }

    static long control(BIO*, int command, long, void*) {
        switch (command) {
            case BIO_CTRL_FLUSH:
                return 1;
            case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
                return 48;  // IPv6 and UDP
            case BIO_CTRL_DGRAM_QUERY_MTU:
            case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
                return handshake_mtu;
            default:
                return 0;
        }
    }

    static const BIO_METHOD* method() {
        static BIO_METHOD* const made = [] {
            BIO_METHOD* const m =
                BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagram");
            CHECK(m != nullptr);
            BIO_meth_set_read(m, read);
            BIO_meth_set_write(m, write);
            BIO_meth_set_ctrl(m, control);
            return m;
        }();
        return made;
    }

    friend class Dtls;
    const Dtls& dtls_;
    TurnSockets& sockets_;
    SslPointer ssl_;
    Datagram path_;  // the listener, the client, and our address; without bytes
    turn::FiveTuple five_tuple_;
    bool attached_ = false;
    Bytes incoming_;
    Instant heard_at_;
    size_t used_ = 0;
    bool too_large_ = false;
};

Dtls::Dtls(boost::asio::any_io_executor executor, TurnSockets& sockets, Random random,
           DtlsLimits limits)
    : sockets_(sockets),
      limits_(limits),
      sessions_(0, HashFiveTuple(random.next(), random.next())),
      timer_(executor),
      plaintext_(std::make_unique_for_overwrite<uint8_t[]>(plaintext_size)) {
    random.fill(cookie_secret_);
}

Dtls::~Dtls() = default;

void Dtls::set_context(std::shared_ptr<boost::asio::ssl::context> context) {
    context_ = std::move(context);
    next_.reset();
}

void Dtls::prepare(boost::asio::ssl::context& context) {
    SSL_CTX_set_cookie_generate_cb(context.native_handle(), make_cookie);
    SSL_CTX_set_cookie_verify_cb(context.native_handle(), check_cookie);
}

void Dtls::stop() {
    timer_.cancel();
    sessions_.clear();
    next_.reset();
    counts_.sessions = 0;
}

int Dtls::make_cookie(SSL* ssl, unsigned char* cookie, unsigned* size) {
    const auto& session = *static_cast<const Session*>(SSL_get_app_data(ssl));
    const std::string client = session.client().to_string();
    const Sha256 mac = hmac_sha256(session.dtls_.cookie_secret_, {as_bytes(client)});
    std::copy(mac.begin(), mac.end(), cookie);
    *size = static_cast<unsigned>(mac.size());
    return 1;
}

int Dtls::check_cookie(SSL* ssl, const unsigned char* cookie, unsigned size) {
    std::array<unsigned char, DTLS1_COOKIE_LENGTH> right;
    unsigned right_size = 0;
    make_cookie(ssl, right.data(), &right_size);
    return equal_in_constant_time({cookie, size}, {right.data(), right_size}) ? 1 : 0;
}

void Dtls::from_network(Now now, const Datagram& in) {
    const auto found = sessions_.find({in.socket, in.from, in.local});
    // In the clear after a handshake: the client has begun anew (RFC 6347, section 4.2.8).
    constexpr size_t record_header = 13;
    const bool in_the_clear =
        in.bytes.size() > record_header && in.bytes[3] == 0 && in.bytes[4] == 0;
    const bool is_hello = in_the_clear && in.bytes[0] == 22 && in.bytes[record_header] == 1;
    if (found == sessions_.end() || (is_hello && found->second->established())) {
        if (is_hello) return meet(now, in);
        ++counts_.strange;
        return;
    }
    Session& session = *found->second;
    const bool alive = session.take(now, in.bytes, [this, &session] {
        plaintext_used_ += session.take_used();
        return plaintext_room();
    });
    plaintext_used_ += session.take_used();
    counts_.too_large += session.too_large() ? 1u : 0u;
    if (alive) return;
    if (!session.established()) ++counts_.failed;
    sockets_.send_now();
    sessions_.erase(found);
    counts_.sessions = sessions_.size();
}

void Dtls::meet(Now now, const Datagram& in) {
    if (!context_) return;
    if (!next_) next_ = std::make_unique<Session>(context_->native_handle(), *this);
    if (!next_->listen(in)) {
        ++counts_.hellos;
        return;
    }
    const turn::FiveTuple key{in.socket, in.from, in.local};
    if (sessions_.size() >= limits_.sessions && !sessions_.contains(key)) {
        ++counts_.refused;
        next_.reset();
        return;
    }
    if (sessions_.empty()) look_after_sessions();
    auto& session = sessions_[key];
    session = std::move(next_);
    session->begin(now);
    counts_.sessions = sessions_.size();
}

std::span<uint8_t> Dtls::plaintext_room() {
    if (plaintext_size - plaintext_used_ < largest_record) sockets_.send_now();
    return {plaintext_.get() + plaintext_used_, largest_record};
}

void Dtls::look_after_sessions() {
    timer_.expires_after(look_interval);
    timer_.async_wait([this](boost::system::error_code error) {
        if (error) return;
        const Now now = read_clocks();
        const size_t late = erase_if(sessions_, [&](const auto& entry) {
            Session& session = *entry.second;
            const Duration quiet = now.steady - session.heard_at();
            if (!session.established()) {
                session.retransmit();
                return quiet > limits_.handshake_time;
            }
            return quiet > limits_.idle_time && !session.has_allocation(now);
        });
        counts_.timed_out += late;
        counts_.sessions = sessions_.size();
        sockets_.flush();
        if (!sessions_.empty()) look_after_sessions();
    });
}

}  // namespace ahoy::net
