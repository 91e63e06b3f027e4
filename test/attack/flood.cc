// Datagrams from very many sources: attack_flood ADDRESS PORT [OPTION VALUE]... <DATAGRAMS
//
// The sources are 127.16.0.0 and up, which are all this machine's own, so that nothing is forged
// and every answer comes back here.  DATAGRAMS is what each source sends, one after the other, each
// behind its length in two bytes.  What was sent and what came back is told in one line of JSON.
//
//   sources N  how many sources (1)         repeat N  how often each one sends all (1)
//   rate N     datagrams per second at most (50000; 0: as fast as it goes)
//   random N   instead of DATAGRAMS: N bytes of noise, in datagrams of 1 to 1500 bytes
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Datagram = std::vector<uint8_t>;

constexpr uint32_t first_source = 127u << 24 | 16u << 16;
constexpr size_t batch = 64;
constexpr auto silence = 300ms;  // after which no answer is expected any more

struct Options {
    uint64_t sources = 1, repeat = 1, rate = 50'000, random = 0;
};

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

class Flood {
  public:
    Flood(const char* address, const char* port) {
        to_.sin_family = AF_INET;
        to_.sin_port = htons(static_cast<uint16_t>(std::atoi(port)));
        if (::inet_pton(AF_INET, address, &to_.sin_addr) != 1) fail(address);
        fd_ = ::socket(AF_INET, SOCK_DGRAM, 0);
        const int big = 16 << 20;
        (void)::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
        sockaddr_in any{};
        any.sin_family = AF_INET;
        if (::bind(fd_, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0) fail("bind");
    }
    ~Flood() { ::close(fd_); }

    void put(uint32_t source, const Datagram& datagram) {
        if (used_ == batch) send();
        Slot& slot = slots_[used_++];
        slot.bytes = datagram;
        slot.source = source;
    }
    void finish() {
        send();
        pollfd readable{fd_, POLLIN, 0};
        while (::poll(&readable, 1, static_cast<int>(silence.count())) > 0) receive();
    }
    void pace(uint64_t rate) { rate_ = rate; }
    void report() const {
        std::printf("{\"sent\":%llu,\"sent_bytes\":%llu,\"replies\":%llu,\"reply_bytes\":%llu,",
                    sent_, sent_bytes_, replies_, reply_bytes_);
        std::printf("\"seconds\":%.3f,\"codes\":{",
                    std::chrono::duration<double>(last_ - began_).count());
        const char* between = "";
        for (const auto& [code, count] : codes_) {
            std::printf("%s\"%d\":%llu", between, code, count);
            between = ",";
        }
        std::printf("}}\n");
    }

  private:
    struct Slot {
        Datagram bytes;
        uint32_t source = 0;
    };
    union Control {
        cmsghdr header;
        std::array<uint8_t, CMSG_SPACE(sizeof(in_pktinfo))> bytes;
    };

    void send() {
        std::array<mmsghdr, batch> messages{};
        std::array<iovec, batch> parts{};
        std::array<Control, batch> controls{};
        for (size_t i = 0; i < used_; ++i) {
            parts[i] = {slots_[i].bytes.data(), slots_[i].bytes.size()};
            msghdr& message = messages[i].msg_hdr;
            message.msg_name = &to_;
            message.msg_namelen = sizeof to_;
            message.msg_iov = &parts[i];
            message.msg_iovlen = 1;
            message.msg_control = &controls[i];
            message.msg_controllen = sizeof controls[i];
            cmsghdr* const header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = IPPROTO_IP;
            header->cmsg_type = IP_PKTINFO;
            header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
            in_pktinfo from{};
            from.ipi_spec_dst.s_addr = htonl(slots_[i].source);
            std::memcpy(CMSG_DATA(header), &from, sizeof from);
            sent_bytes_ += slots_[i].bytes.size();
        }
        for (size_t done = 0; done < used_;) {
            const int count =
                ::sendmmsg(fd_, &messages[done], static_cast<unsigned>(used_ - done), 0);
            if (count < 0) fail("sendmmsg");
            done += static_cast<size_t>(count);
        }
        sent_ += used_;
        used_ = 0;
        receive();
        last_ = Clock::now();
        if (rate_ > 0) std::this_thread::sleep_until(began_ + sent_ * 1'000'000'000ns / rate_);
    }

    void receive() {
        std::array<uint8_t, 2048> answer;
        for (;;) {
            const ssize_t size = ::recv(fd_, answer.data(), answer.size(), MSG_DONTWAIT);
            if (size < 0) return;
            ++replies_;
            reply_bytes_ += static_cast<uint64_t>(size);
            ++codes_[code_of(answer.data(), static_cast<size_t>(size))];
        }
    }

    // Of a STUN error response; 200 of a success, 0 of anything else.
    static int code_of(const uint8_t* bytes, size_t size) {
        if (size < 20 || bytes[0] > 1) return 0;
        const int type = bytes[0] << 8 | bytes[1];
        if ((type & 0x110) == 0x100) return 200;
        for (size_t at = 20; at + 8 <= size;) {
            const size_t length = static_cast<size_t>(bytes[at + 2] << 8 | bytes[at + 3]);
            if (bytes[at] == 0 && bytes[at + 1] == 9)
                return (bytes[at + 6] & 7) * 100 + bytes[at + 7];
            at += 4 + (length + 3) / 4 * 4;
        }
        return 0;
    }

    int fd_ = -1;
    sockaddr_in to_{};
    std::array<Slot, batch> slots_;
    size_t used_ = 0;
    uint64_t rate_ = 0;
    const Clock::time_point began_ = Clock::now();
    Clock::time_point last_ = began_;
    unsigned long long sent_ = 0, sent_bytes_ = 0, replies_ = 0, reply_bytes_ = 0;
    std::map<int, unsigned long long> codes_;
};

Options options(int argc, char** argv) {
    Options found;
    const std::map<std::string_view, uint64_t*> known{{"sources", &found.sources},
                                                      {"repeat", &found.repeat},
                                                      {"rate", &found.rate},
                                                      {"random", &found.random}};
    for (int i = 3; i + 1 < argc; i += 2)
        *known.at(argv[i]) = std::strtoull(argv[i + 1], nullptr, 10);
    return found;
}

std::vector<Datagram> datagrams() {
    std::vector<Datagram> all;
    for (int high; (high = std::getchar()) != EOF;) {
        Datagram next(static_cast<size_t>(high << 8 | std::getchar()));
        if (std::fread(next.data(), 1, next.size(), stdin) != next.size()) fail("stdin");
        all.push_back(std::move(next));
    }
    return all;
}

void make_noise(Flood& flood, const Options& options) {
    std::mt19937_64 random(1);
    for (uint64_t left = options.random; left > 0;) {
        Datagram noise(std::min<uint64_t>(left, 1 + random() % 1500));
        for (uint8_t& byte : noise) byte = static_cast<uint8_t>(random());
        left -= noise.size();
        flood.put(first_source + static_cast<uint32_t>(random() % options.sources), noise);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return std::fputs("attack_flood ADDRESS PORT [OPTION VALUE]...\n", stderr), 2;
    const Options wanted = options(argc, argv);
    Flood flood(argv[1], argv[2]);
    flood.pace(wanted.rate);
    if (wanted.random > 0) {
        make_noise(flood, wanted);
    } else {
        const auto all = datagrams();
        for (uint64_t round = 0; round < wanted.repeat; ++round) {
            for (uint32_t i = 0; i < wanted.sources; ++i) {
                for (const Datagram& each : all) flood.put(first_source + i, each);
            }
        }
    }
    flood.finish();
    flood.report();
}
