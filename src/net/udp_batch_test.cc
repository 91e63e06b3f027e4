#include "net/udp_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <unistd.h>

#include <string>

#include "base/check.h"
#include "base/crypto.h"
#include "net/icmp_errors.h"

namespace ahoy::net {
namespace {

using testing::ElementsAre;

constexpr IpAddress loopback = IpAddress::v4(0x7f000001);
const IpAddress loopback6 = *IpAddress::parse("::1");

// A UDP socket, on loopback unless told.
class Socket {
  public:
    explicit Socket(const IpAddress& ip = loopback)
        : fd_(::socket(ip.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                       0)) {
        const SocketAddress any({ip, 0});
        CHECK(::bind(fd_, any.get(), any.size()) == 0);
        constexpr int on = 1;
        if (ip.is_v4()) {
            CHECK(::setsockopt(fd_, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0);
        } else {
            CHECK(::setsockopt(fd_, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) == 0);
        }
        ask_for_traffic_class(fd_, ip.family());
        (void)::setsockopt(fd_, SOL_UDP, UDP_GRO, &on, sizeof on);
    }
    ~Socket() { ::close(fd_); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    int fd() const { return fd_; }
    TransportAddress address() const {
        SocketAddress local;
        CHECK(::getsockname(fd_, local.get(), local.capacity()) == 0);
        return local.address();
    }

    // The next `count` datagrams; loopback delivers them before sendmsg returns.
    std::vector<std::string> receive(size_t count) {
        ReceiveBatch batch;
        std::vector<Received> received;
        while (received.size() < count && readable()) {
            batch.receive(fd_, ReceiveBatch::capacity, received);
        }
        std::vector<std::string> texts;
        classes_.clear();
        for (const Received& datagram : received) {
            texts.emplace_back(as_text(datagram.bytes));
            classes_.push_back(datagram.traffic_class);
            last_ = datagram;
        }
        return texts;
    }
    const std::vector<uint8_t>& traffic_classes() const { return classes_; }
    const Received& last() const { return last_; }

  private:
    bool readable() const {
        pollfd waiting{.fd = fd_, .events = POLLIN};
        return ::poll(&waiting, 1, 5000) == 1;
    }

    int fd_;
    Received last_;
    std::vector<uint8_t> classes_;
};

class Batches : public testing::Test {
  protected:
    void send(const std::vector<Transmit>& transmits) {
        std::vector<const Transmit*> pointers;
        for (const Transmit& transmit : transmits) pointers.push_back(&transmit);
        sender.send(a.fd(), pointers);
    }
    Transmit to_b(std::string_view text) { return {.to = b.address(), .bytes = as_bytes(text)}; }

    Socket a;
    Socket b;
    SendBatch sender;
};

TEST_F(Batches, DatagramsArriveWholeAndInOrderWhateverTheirSizes) {
    send({to_b("one"), to_b("two"), to_b("three"), to_b("3!"), to_b("four")});
    EXPECT_THAT(b.receive(5), ElementsAre("one", "two", "three", "3!", "four"));
    EXPECT_EQ(sender.counts().datagrams, 5u);
}

TEST_F(Batches, TheReceiverLearnsWhoSentAndWhereTo) {
    send({to_b("x")});
    b.receive(1);
    EXPECT_EQ(b.last().from, a.address());
    EXPECT_EQ(b.last().local, b.address().ip);
}

TEST_F(Batches, APrefixGoesInFrontOfEachDatagramOfARun) {
    Transmit first = to_b("abc");
    first.prefix = {'1', '2', '3', '4'};
    first.prefix_size = 4;
    Transmit second = first;
    second.bytes = as_bytes("xyz");
    Transmit shorter = first;
    shorter.bytes = as_bytes("q");
    send({first, second, shorter});
    EXPECT_THAT(b.receive(3), ElementsAre("1234abc", "1234xyz", "1234q"));
}

TEST_F(Batches, ARunIsOneSystemCallAndLongerThanTheKernelCutsAtOnce) {
    const std::vector<Transmit> transmits(Outbox::capacity, to_b(std::string_view("0123456789")));
    send(transmits);
    EXPECT_EQ(b.receive(transmits.size()).size(), transmits.size());
    EXPECT_EQ(sender.counts().calls, 1u);
}

TEST_F(Batches, TheSourceAddressIsTheOneAskedFor) {
    const Socket any(IpAddress::v4(0));
    const IpAddress asked_for = IpAddress::v4(0x7f000002);
    Transmit from_other = to_b("x");
    from_other.from = asked_for;
    const Transmit* const pointer = &from_other;
    sender.send(any.fd(), {&pointer, 1});
    b.receive(1);
    EXPECT_EQ(b.last().from.ip, asked_for);
}

TEST_F(Batches, ADatagramThatCannotBeSentHoldsUpNoOther) {
    const std::string huge(65530, 'x');  // more than a UDP datagram can carry
    Transmit nowhere = to_b("nowhere");
    nowhere.to.port = 0;
    send({to_b("before"), to_b(huge), nowhere, to_b("after")});
    EXPECT_THAT(b.receive(2), ElementsAre("before", "after"));
    EXPECT_EQ(sender.counts().refused, 2u);
}

TEST_F(Batches, I14_WhatBecameOfAnEarlierDatagramHoldsUpNoLaterOne) {
    queue_icmp_errors(a.fd(), AddressFamily::ipv4);
    Transmit gone = to_b("x");
    {
        const Socket closed;
        gone.to = closed.address();
    }
    for (const char* text : {"one", "two"}) {
        send({gone});  // "port unreachable" is back at once, and waits for the next call
        send({to_b(text)});
        EXPECT_THAT(b.receive(1), ElementsAre(text));
    }
    EXPECT_EQ(sender.counts().refused, 0u);
    EXPECT_EQ(read_error(a.fd())->to, gone.to);
    EXPECT_EQ(read_error(a.fd())->code, 3);
    EXPECT_FALSE(read_error(a.fd()));
}

TEST_F(Batches, EmptyDatagramsAreDatagrams) {
    send({to_b(""), to_b("x")});
    EXPECT_THAT(b.receive(2), ElementsAre("", "x"));
}

// The DF bits of UDP datagrams on loopback, as far as they are for `port`; needs CAP_NET_RAW.
class Sniffer {
  public:
    explicit Sniffer(uint16_t port)
        : fd_(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP)),
          port_(port) {}
    ~Sniffer() {
        if (fd_ >= 0) ::close(fd_);
    }
    Sniffer(const Sniffer&) = delete;
    Sniffer& operator=(const Sniffer&) = delete;

    bool works() const { return fd_ >= 0; }
    std::vector<bool> bits() const {
        std::vector<bool> found;
        std::array<uint8_t, 2048> packet;
        while (::recv(fd_, packet.data(), packet.size(), 0) >= 28) {
            const size_t header = (packet[0] & 0x0fu) * 4;
            const unsigned to = packet[header + 2] * 256u + packet[header + 3];
            if (to == port_) found.push_back((packet[6] & 0x40) != 0);
        }
        return found;
    }

  private:
    int fd_;
    uint16_t port_;
};

TEST_F(Batches, I04_K06_OnlyWhatAsksForItIsNotFragmented) {
    const Sniffer sniffer(b.address().port);
    if (!sniffer.works()) GTEST_SKIP() << "needs CAP_NET_RAW";
    constexpr int omit = IP_PMTUDISC_OMIT;
    CHECK(::setsockopt(a.fd(), IPPROTO_IP, IP_MTU_DISCOVER, &omit, sizeof omit) == 0);
    Transmit whole = to_b("whole");
    whole.dont_fragment = true;
    send({to_b("before"), whole, whole, to_b("after")});
    EXPECT_THAT(b.receive(4), ElementsAre("before", "whole", "whole", "after"));
    // The two equal ones are one message to the kernel, and to a raw socket.
    EXPECT_THAT(sniffer.bits(), testing::AnyOf(ElementsAre(false, true, false),
                                               ElementsAre(false, true, true, false)));
    int mode = 0;
    socklen_t size = sizeof mode;
    CHECK(::getsockopt(a.fd(), IPPROTO_IP, IP_MTU_DISCOVER, &mode, &size) == 0);
    EXPECT_EQ(mode, omit);
}

// Also in a run that would else be one message, and with all else that a message can say.
TEST_F(Batches, K02_K03_EveryDatagramHasItsOwnTrafficClass) {
    for (const IpAddress& ip : {loopback, loopback6}) {
        const Socket from(ip);
        Socket to(ip);
        constexpr uint8_t expedited = 46 << 2, congested = 3;
        std::vector<Transmit> transmits;
        for (const uint8_t traffic_class :
             {uint8_t{0}, expedited, expedited, congested, uint8_t{0}}) {
            transmits.push_back({.from = ip,
                                 .to = to.address(),
                                 .traffic_class = traffic_class,
                                 .dont_fragment = true,
                                 .bytes = as_bytes(std::string_view("x"))});
        }
        std::vector<const Transmit*> pointers;
        for (const Transmit& transmit : transmits) pointers.push_back(&transmit);
        sender.send(from.fd(), pointers);
        EXPECT_EQ(to.receive(5).size(), 5u);
        EXPECT_THAT(to.traffic_classes(), ElementsAre(0, expedited, expedited, congested, 0));
    }
}

}  // namespace
}  // namespace ahoy::net
