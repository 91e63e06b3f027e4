#include "net/turn_streams.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/check.h"
#include "net/clock.h"
#include "net/joined_peer.h"
#include "net/stream.h"
#include "turn/stream_framer.h"

namespace ahoy::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using turn::Direction;

constexpr auto sweep_interval = 5s;

// What TurnStreams sees of a connection.
class Client {
  public:
    virtual void check(Now) = 0;
    virtual void close() = 0;
    virtual void join(JoinedPeer) = 0;

  protected:
    ~Client() = default;
};

}  // namespace

// What the connections of a shard share.
struct TurnStreamTable : std::enable_shared_from_this<TurnStreamTable> {
    TurnStreamTable(asio::io_context& io, TurnSockets& turn_sockets,
                    turn::Bandwidth& turn_bandwidth, TurnStreamLimits stream_limits)
        : sockets(turn_sockets), bandwidth(turn_bandwidth), limits(stream_limits), timer(io) {}

    // One timer for all: who is late is found out a few seconds late.
    void sweep_in_time() {
        timer.expires_after(sweep_interval);
        timer.async_wait([self = shared_from_this()](error_code error) {
            if (error) return;
            for (Client* client : self->clients) client->check(read_clocks());
            self->sweep_in_time();
        });
    }

    TurnSockets& sockets;
    turn::Bandwidth& bandwidth;
    const TurnStreamLimits limits;
    asio::steady_timer timer;
    std::unordered_set<Client*> clients;
    std::unordered_map<SocketId, Client*> attached;  // to `sockets`
    TurnStreamCounts counts;
};

namespace {

// One connection.  Kept alive by its reading coroutine and by the write that is under way.
template <class Stream>
class TurnStream final : public ClientTransport,
                         public Client,
                         public std::enable_shared_from_this<TurnStream<Stream>> {
  public:
    TurnStream(Accepted<Stream> accepted, std::shared_ptr<TurnStreamTable> table)
        : place_(std::move(accepted.place)),
          stream_(std::move(accepted.stream)),
          table_(std::move(table)),
          five_tuple_{.client = accepted.remote, .server = accepted.local},
          pauses_{asio::steady_timer(stream_.get_executor()),
                  asio::steady_timer(stream_.get_executor())} {
        take({static_cast<const uint8_t*>(accepted.first.data().data()), accepted.first.size()});
        table_->clients.insert(this);
        ++open();
    }
    ~TurnStream() {
        table_->clients.erase(this);
        if (peer_) --table_->counts.joined;
        --open();
    }

    asio::awaitable<void> run() {
        five_tuple_.socket = table_->sockets.attach(*this);
        table_->attached[five_tuple_.socket] = this;
        hand_up();
        while (!closed_ && !peer_ && !framer_.broken()) {
            const auto space = framer_.space();
            const auto [error, size] = co_await stream_.async_read_some(
                asio::buffer(space.data(), space.size()), tuple_awaitable);
            if (error) break;
            framer_.received(size);
            hand_up();
        }
        if (framer_.broken()) ++table_->counts.broken;
        table_->attached.erase(five_tuple_.socket);
        table_->sockets.detach(five_tuple_, read_clocks());
        if (peer_ && !closed_) {
            co_await carry_to_peer();
        } else {
            close();
        }
    }

    void join(JoinedPeer peer) override {
        peer_.emplace(std::move(peer));
        ++table_->counts.joined;
    }

    void send(const Transmit& transmit) override {
        const size_t padding = turn::stream_padding(transmit.size());
        if (waiting_.size() + writing_.size() + transmit.size() + padding >
            table_->limits.queued_bytes) {
            ++table_->counts.queue_full;
            return;
        }
        waiting_.insert(waiting_.end(), transmit.prefix.begin(),
                        transmit.prefix.begin() + transmit.prefix_size);
        waiting_.insert(waiting_.end(), transmit.bytes.begin(), transmit.bytes.end());
        waiting_.insert(waiting_.end(), padding, 0);
        waiting_sizes_.push_back(transmit.size() + padding);
    }

    void flush() override {
        if (closed_ || !writing_.empty() || waiting_.empty()) return;
        std::swap(waiting_, writing_);
        std::swap(waiting_sizes_, writing_sizes_);
        written_ = messages_written_ = 0;
        write_next();
    }

    void check(Now now) override {
        if (peer_) return;  // lives as long as its allocation
        const auto& limits = table_->limits;
        const bool late = framer_.partial() && now.steady - began_at_ > limits.message_time;
        const bool idle = now.steady - heard_at_ > limits.idle_time &&
                          !table_->sockets.has_allocation(five_tuple_, now);
        if (!late && !idle) return;
        ++table_->counts.timed_out;
        close();
    }

    void close() override {
        if (closed_) return;
        closed_ = true;
        net::close(stream_);
        if (peer_) peer_->close();
        for (auto& pause : pauses_) pause.cancel();
    }

  private:
    size_t& open() { return is_tls<Stream> ? table_->counts.tls : table_->counts.tcp; }

    void take(Bytes first) {
        while (!first.empty()) {
            const auto space = framer_.space();
            const size_t size = std::min(space.size(), first.size());
            std::copy_n(first.begin(), size, space.begin());
            framer_.received(size);
            first = first.subspan(size);
        }
    }

    void hand_up() {
        const Now now = read_clocks();
        const bool was_partial = std::exchange(partial_, true);
        bool any = false;
        while (!peer_) {
            const auto message = framer_.next();
            if (!message) break;
            table_->sockets.from_client(
                now, {.socket = five_tuple_.socket,
                      .from = five_tuple_.client,
                      .local = five_tuple_.server,
                      .bytes = *message,
                      .transport = is_tls<Stream> ? Transport::tls : Transport::tcp});
            any = true;
        }
        table_->sockets.flush();
        heard_at_ = now.steady;
        partial_ = framer_.partial();
        if (any || !was_partial) began_at_ = now.steady;
    }

    // All at once; over TLS one message a record, because there are clients (coturn's) that take
    // what one read gives them for one message.
    void write_next() {
        const size_t size = is_tls<Stream> ? writing_sizes_[messages_written_++] : writing_.size();
        asio::async_write(stream_, asio::buffer(writing_.data() + written_, size),
                          [self = this->shared_from_this()](error_code error, size_t written) {
                              self->wrote(error, written);
                          });
    }

    void wrote(error_code error, size_t size) {
        written_ += size;
        if (!error && written_ < writing_.size()) return write_next();
        writing_.clear();
        writing_sizes_.clear();
        if (error) return close();
        // A burst's room is not kept for the quiet time after it.
        if (waiting_.empty() && writing_.capacity() > roomy) writing_.shrink_to_fit();
        flush();
        if (peer_ && writing_.empty()) begin_to_carry_to_client();
    }

    // ---- RFC 6062, section 5.5: what one side says goes to the other, with the end of it.

    asio::awaitable<void> carry_to_peer() {
        if (writing_.empty()) begin_to_carry_to_client();
        const Bytes rest = framer_.rest();
        co_await throttle(Direction::to_peer, rest.size());
        auto [error, size] = co_await asio::async_write(
            peer_->socket, asio::buffer(rest.data(), rest.size()), tuple_awaitable);
        table_->counts.bytes_to_peers += size;
        std::vector<uint8_t> buffer(carried_at_once);
        while (!error && !closed_) {
            std::tie(error, size) =
                co_await stream_.async_read_some(asio::buffer(buffer), tuple_awaitable);
            if (error) break;
            co_await throttle(Direction::to_peer, size);
            std::tie(error, size) = co_await asio::async_write(
                peer_->socket, asio::buffer(buffer.data(), size), tuple_awaitable);
            table_->counts.bytes_to_peers += size;
        }
        error_code failed = error == asio::error::eof ? error_code{} : error;
        if (!failed) peer_->socket.shutdown(tcp::socket::shutdown_send, failed);
        if (failed || client_has_heard_all_) close();
        peer_has_heard_all_ = true;
    }

    // Behind the answer to the ConnectionBind request.
    void begin_to_carry_to_client() {
        if (std::exchange(carries_to_client_, true)) return;
        asio::co_spawn(stream_.get_executor(), carry_to_client(this->shared_from_this()), rethrow);
    }

    static asio::awaitable<void> carry_to_client(std::shared_ptr<TurnStream> self) {
        error_code error;
        size_t size = 0;
        std::vector<uint8_t> buffer(carried_at_once);
        while (!error && !self->closed_) {
            std::tie(error, size) =
                co_await self->peer_->socket.async_read_some(asio::buffer(buffer), tuple_awaitable);
            if (error) break;
            co_await self->throttle(Direction::to_client, size);
            std::tie(error, size) = co_await asio::async_write(
                self->stream_, asio::buffer(buffer.data(), size), tuple_awaitable);
            self->table_->counts.bytes_to_clients += size;
        }
        self->client_has_heard_all(error);
    }

    // Until so much may go on.  Meanwhile nothing is read, and TCP holds the sender back.
    asio::awaitable<void> throttle(Direction direction, size_t size) {
        turn::Bandwidth& bandwidth = table_->bandwidth;
        asio::steady_timer& pause = pauses_[static_cast<size_t>(direction)];
        while (bandwidth.is_limited() && !closed_) {
            const Duration wait =
                bandwidth.take(direction, peer_->buckets, size, read_clocks().steady);
            if (wait == Duration{}) break;
            pause.expires_after(wait);
            co_await pause.async_wait(tuple_awaitable);
        }
    }

    // TLS cannot end one direction only while the other is being read.
    void client_has_heard_all(error_code error) {
        error_code failed = error == asio::error::eof ? error_code{} : error;
        if (is_tls<Stream> || peer_->disconnected()) failed = asio::error::eof;
        if (!failed) socket_of(stream_).shutdown(tcp::socket::shutdown_send, failed);
        if (failed || peer_has_heard_all_) close();
        client_has_heard_all_ = true;
    }

    static constexpr size_t carried_at_once = 16 * 1024;
    static constexpr size_t roomy = 16 * 1024;

    const std::unique_ptr<Place> place_;
    Stream stream_;
    const std::shared_ptr<TurnStreamTable> table_;
    turn::FiveTuple five_tuple_;
    turn::StreamFramer framer_;
    std::vector<uint8_t> waiting_;
    std::vector<size_t> waiting_sizes_;  // of its messages
    std::vector<uint8_t> writing_;       // not empty while a write is under way
    std::vector<size_t> writing_sizes_;
    size_t written_ = 0;  // bytes of writing_
    size_t messages_written_ = 0;
    Instant heard_at_;
    Instant began_at_;  // of the message that is not complete
    bool partial_ = false;
    bool closed_ = false;
    std::optional<JoinedPeer> peer_;
    std::array<asio::steady_timer, 2> pauses_;  // by direction
    bool carries_to_client_ = false;
    bool client_has_heard_all_ = false;
    bool peer_has_heard_all_ = false;
};

}  // namespace

TurnStreams::TurnStreams(asio::io_context& io, TurnSockets& sockets, turn::Bandwidth& bandwidth,
                         TurnStreamLimits limits)
    : table_(std::make_shared<TurnStreamTable>(io, sockets, bandwidth, limits)) {}

TurnStreams::~TurnStreams() = default;

void TurnStreams::start() {
    table_->sweep_in_time();
}

void TurnStreams::stop() {
    table_->timer.cancel();
    for (Client* client : table_->clients) client->close();
}

void TurnStreams::join(SocketId client, JoinedPeer peer) {
    const auto found = table_->attached.find(client);
    CHECK(found != table_->attached.end());
    found->second->join(std::move(peer));
}

const TurnStreamCounts& TurnStreams::counts() const {
    return table_->counts;
}

template <class Stream>
asio::awaitable<void> TurnStreams::serve(Accepted<Stream> accepted) {
    const auto stream = std::make_shared<TurnStream<Stream>>(std::move(accepted), table_);
    co_await stream->run();
}

template asio::awaitable<void> TurnStreams::serve(Accepted<PlainStream>);
template asio::awaitable<void> TurnStreams::serve(Accepted<TlsStream>);

}  // namespace ahoy::net
