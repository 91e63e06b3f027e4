#include "bench/junk.h"

#include <sys/socket.h>

#include <thread>
#include <vector>

#include "bench/sockets.h"
#include "net/clock.h"

namespace ahoy::bench {
namespace {

constexpr double default_rate = 50'000;  // datagrams a second
constexpr Duration tick = 1ms;

}  // namespace

uint64_t send_junk(const TransportAddress& server, size_t count, const Load& load,
                   const std::function<void()>& measure) {
    std::vector<Descriptor> sockets;
    for (size_t i = 0; i < count; ++i) {
        connect_to(sockets.emplace_back(open_udp(server.ip.family())).get(), server);
    }
    // As what RTP begins with, which somebody may send to a server by mistake.
    const std::vector<uint8_t> payload(load.size, 0x80);
    const double rate = load.rate == 0 ? default_rate : load.rate;
    const Instant begin = net::read_clocks().steady;
    uint64_t sent = 0;
    const auto send_until = [&](Instant end) {
        const uint64_t before = sent;
        for (Instant now = begin; now < end; now = net::read_clocks().steady) {
            const double elapsed = std::chrono::duration<double>(now - begin).count();
            for (const auto due = static_cast<uint64_t>(elapsed * rate); sent < due; ++sent) {
                (void)::send(sockets[sent % count].get(), payload.data(), payload.size(), 0);
            }
            std::this_thread::sleep_for(tick);
        }
        return sent - before;
    };
    send_until(begin + load.warm_up);
    measure();
    const uint64_t measured = send_until(begin + load.warm_up + load.length);
    measure();
    return measured;
}

}  // namespace ahoy::bench
