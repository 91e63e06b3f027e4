// The program in the kernel, given packets one by one (BPF_PROG_TEST_RUN).  Skipped without the
// rights, or where it could not be built.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/pkt_cls.h>
#include <sched.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <thread>

#include "base/test_address.h"
#include "fastpath/kernel_relay.h"
#include "fastpath/test_frames.h"
#include "net/clock.h"
#include "net/start_error.h"

namespace ahoy::fastpath {
namespace {

// What holds for whatever leaves: its lengths and checksums are right.
void expect_well_formed(const Packet& packet, const Datagram& as) {
    const size_t udp_at = sizeof(ethhdr) + as.ip_size();
    ASSERT_GE(packet.size(), udp_at + sizeof(udphdr));
    const auto ip = std::span(packet).subspan(sizeof(ethhdr), as.ip_size());
    const auto udp = std::span(packet).subspan(udp_at);
    const auto word = [](std::span<const uint8_t> bytes, size_t i) {
        return size_t{bytes[i]} << 8 | bytes[i + 1];
    };
    EXPECT_EQ(word(udp, 4), udp.size());
    if (as.is_v4()) {
        EXPECT_EQ(word(ip, 2), packet.size() - sizeof(ethhdr));
        EXPECT_EQ(folded(add_words(ip, 0)), 0xffff);
        EXPECT_EQ(ip[1], 0xb8) << "DSCP and ECN";
        EXPECT_EQ(word(ip, 6), 0u) << "DF";
        EXPECT_EQ(ip[8], as.ttl - 1);
    } else {
        EXPECT_EQ(word(ip, 4), udp.size());
        EXPECT_EQ(word(ip, 0), 0x6b80u) << "traffic class";
        EXPECT_EQ(word(ip, 2), 0u) << "flow label";
        EXPECT_EQ(ip[7], as.ttl - 1);
    }
    EXPECT_EQ(folded(add_words(udp, pseudo_header(as))), 0xffff);
    EXPECT_NE(word(udp, 6), 0u);
}

Packet with_header(const Packet& payload, uint16_t channel = 0x4001) {
    Packet message(4 + payload.size());
    message[0] = static_cast<uint8_t>(channel >> 8);
    message[1] = static_cast<uint8_t>(channel);
    message[2] = static_cast<uint8_t>(payload.size() >> 8);
    message[3] = static_cast<uint8_t>(payload.size());
    std::ranges::copy(payload, message.begin() + 4);
    return message;
}

Packet payload_of(size_t size) {
    Packet payload(size);
    for (size_t i = 0; i < size; ++i) payload[i] = static_cast<uint8_t>(i * 37 + size);
    return payload;
}

struct Ends {
    TransportAddress client, server, relay, peer;
};
const Ends four{at("192.0.2.2:1234"), at("192.0.2.1:3478"), at("198.51.100.1:50000"),
                at("198.51.100.2:5000")};
const Ends six{at("[2001:db8:1::2]:1234"), at("[2001:db8:1::1]:3478"), at("[2001:db8:2::1]:50000"),
               at("[2001:db8:2::2]:5000")};

// Another client of ours, whose peer is the first one's relayed address.
Ends second_party(const Ends& first) {
    return {.client = {first.client.ip, 7777},
            .server = first.server,
            .relay = {first.relay.ip, 50002},
            .peer = first.relay};
}

struct RelayProgram : testing::Test {
    void SetUp() override {
        try {
            relay = KernelRelay::attach({}, 64);
        } catch (const net::StartError& error) {
            GTEST_SKIP() << error.what();
        }
        relay->keep_alive(net::read_clocks().steady + 1h);
        for (const Ends& ends : {four, six}) put(ends, 0x4001, {});
    }

    void put(const Ends& ends, uint16_t channel, const std::function<void(PathPair&)>& bends) {
        const turn::Shortcut shortcut{.client = {SocketId{1}, ends.client, ends.server},
                                      .channel = *turn::ChannelNumber::from_wire(channel),
                                      .relay = {SocketId{2}, ends.relay},
                                      .peer = ends.peer};
        Surroundings around{.relay = ends.relay,
                            .peer = ends.peer,
                            .to_peer = {1, ends.peer.ip, 1500},
                            .to_client = {1, ends.client.ip, 1500}};
        PathPair pair = make_paths(shortcut, around, net::read_clocks().steady + 1h, 0);
        if (bends) bends(pair);
        ASSERT_TRUE(relay->put(pair.to_peer.flow, pair.to_peer.path));
        ASSERT_TRUE(relay->put(pair.to_client.flow, pair.to_client.path));
    }

    // What leaves, or nothing when it passes up.
    std::optional<Packet> relays(const Packet& packet) {
        Packet out(packet.size() + 64);
        LIBBPF_OPTS(bpf_test_run_opts, options);
        options.data_in = packet.data();
        options.data_size_in = static_cast<uint32_t>(packet.size());
        options.data_out = out.data();
        options.data_size_out = static_cast<uint32_t>(out.size());
        EXPECT_EQ(bpf_prog_test_run_opts(relay->program(), &options), 0);
        out.resize(options.data_size_out);
        if (options.retval == TC_ACT_REDIRECT) return out;
        EXPECT_EQ(static_cast<int>(options.retval), TC_ACT_UNSPEC);
        EXPECT_EQ(out, packet) << "what passes up is as it came";
        return {};
    }
    bool passes_up(const Packet& packet) { return !relays(packet); }

    void expect_relayed(const Datagram& in, const Datagram& out) {
        const auto packet = relays(write(in));
        ASSERT_TRUE(packet) << in.payload.size() << " bytes";
        expect_well_formed(*packet, out);
        const size_t ports = sizeof(ethhdr) + out.ip_size();
        const Packet expected = write(out);
        EXPECT_THAT(std::span(*packet).subspan(ports, 4),
                    testing::ElementsAreArray(std::span(expected).subspan(ports, 4)));
        EXPECT_THAT(std::span(*packet).subspan(ports + sizeof(udphdr)),
                    testing::ElementsAreArray(out.payload));
    }

    std::unique_ptr<KernelRelay> relay;
};

TEST_F(RelayProgram, ChannelDataLosesItsHeaderAndGoesToThePeer) {
    for (const Ends& ends : {four, six}) {
        for (size_t size = 0; size <= (ends.client.ip.is_v4() ? 1400u : 1200u); ++size) {
            const Packet payload = payload_of(size);
            expect_relayed({ends.client, ends.server, with_header(payload)},
                           {ends.relay, ends.peer, payload});
            if (HasFailure()) return;
        }
    }
}

TEST_F(RelayProgram, WhatThePeerSendsGetsAHeaderAndGoesToTheClient) {
    for (const Ends& ends : {four, six}) {
        for (size_t size = 0; size <= (ends.client.ip.is_v4() ? 1400u : 1200u); ++size) {
            const Packet payload = payload_of(size);
            expect_relayed({ends.peer, ends.relay, payload},
                           {ends.server, ends.client, with_header(payload)});
            if (HasFailure()) return;
        }
    }
}

TEST_F(RelayProgram, WhatLooksLikeChannelDataComesFromPeersToo) {
    const Packet payload = with_header(payload_of(20));
    expect_relayed({four.peer, four.relay, payload},
                   {four.server, four.client, with_header(payload)});
}

TEST_F(RelayProgram, BetweenTwoClientsOfOursTheHeaderIsReplaced) {
    for (const Ends& ends : {four, six}) {
        const Ends other = second_party(ends);
        put({ends.client, ends.server, ends.relay, other.relay}, 0x4002,
            [](PathPair& pair) { pair.to_peer.path.to_ourselves = 1; });
        const Packet payload = payload_of(99);
        const Packet from_one = write({ends.client, ends.server, with_header(payload, 0x4002)});
        EXPECT_TRUE(passes_up(from_one)) << "the other has bound no channel";
        put(other, 0x4003, [](PathPair& pair) { pair.to_peer.path.to_ourselves = 1; });
        expect_relayed({ends.client, ends.server, with_header(payload, 0x4002)},
                       {ends.server, other.client, with_header(payload, 0x4003)});
    }
}

TEST_F(RelayProgram, CountsPacketsAndBytesOfPayload) {
    expect_relayed({four.client, four.server, with_header(payload_of(10))},
                   {four.relay, four.peer, payload_of(10)});
    expect_relayed({four.client, four.server, with_header(payload_of(20))},
                   {four.relay, four.peer, payload_of(20)});
    expect_relayed({four.peer, four.relay, payload_of(5)},
                   {four.server, four.client, with_header(payload_of(5))});
    EXPECT_EQ(relay->traffic(0).packets, 2u);
    EXPECT_EQ(relay->traffic(0).bytes, 30u);
    EXPECT_EQ(relay->traffic(1).packets, 1u);
    EXPECT_EQ(relay->traffic(1).bytes, 5u);
}

TEST_F(RelayProgram, FromAnybodyElseToAnywhereElseOnAnyOtherChannelItPassesUp) {
    const Packet message = with_header(payload_of(10));
    for (const TransportAddress& stranger : {at("192.0.2.3:1234"), at("192.0.2.2:1235")}) {
        EXPECT_TRUE(passes_up(write({stranger, four.server, message})));
    }
    for (const TransportAddress& stranger : {at("198.51.100.3:5000"), at("198.51.100.2:5001")}) {
        EXPECT_TRUE(passes_up(write({stranger, four.relay, payload_of(10)})));
    }
    EXPECT_TRUE(passes_up(write({four.client, at("192.0.2.1:3479"), message})));
    EXPECT_TRUE(passes_up(write({four.client, four.relay, message})));
    EXPECT_TRUE(passes_up(write({four.client, four.server, with_header(payload_of(9), 0x4009)})));
}

TEST_F(RelayProgram, FromAnotherInterfaceItPassesUp) {
    put(four, 0x4001, [](PathPair& pair) { pair.to_peer.path.came_by = 2; });
    EXPECT_TRUE(passes_up(write({four.client, four.server, with_header(payload_of(10))})));
    EXPECT_FALSE(passes_up(write({four.peer, four.relay, payload_of(10)})));
}

TEST_F(RelayProgram, AfterItsTimeItPassesUp) {
    const auto message = write({four.client, four.server, with_header(payload_of(10))});
    const auto datagram = write({four.peer, four.relay, payload_of(10)});
    EXPECT_FALSE(passes_up(message));
    put(four, 0x4001, [](PathPair& pair) {
        pair.to_peer.path.expires_at = pair.to_client.path.expires_at =
            static_cast<uint64_t>(net::read_clocks().steady.time_since_epoch().count());
    });
    EXPECT_TRUE(passes_up(message));
    EXPECT_TRUE(passes_up(datagram));
}

TEST_F(RelayProgram, WithoutItsOwnerItDoesNothing) {
    const auto message = write({four.client, four.server, with_header(payload_of(10))});
    EXPECT_FALSE(passes_up(message));
    relay->keep_alive(net::read_clocks().steady);
    EXPECT_TRUE(passes_up(message));
}

TEST_F(RelayProgram, PaddingBehindChannelDataDoesNotGoOn) {
    for (const Ends& ends : {four, six}) {
        const Ends other = second_party(ends);
        put({ends.client, ends.server, ends.relay, other.relay}, 0x4002,
            [](PathPair& pair) { pair.to_peer.path.to_ourselves = 1; });
        put(other, 0x4003, [](PathPair& pair) { pair.to_peer.path.to_ourselves = 1; });
        for (const size_t size : {0u, 1u, 2u, 3u, 160u, 161u, 1201u}) {
            for (size_t padding = 1; padding <= 3; ++padding) {
                const Packet payload = payload_of(size);
                const auto padded = [&](uint16_t channel) {
                    Packet message = with_header(payload, channel);
                    for (size_t i = 0; i < padding; ++i)
                        message.push_back(static_cast<uint8_t>(0x9d + i));
                    return message;
                };
                expect_relayed({ends.client, ends.server, padded(0x4001)},
                               {ends.relay, ends.peer, payload});
                expect_relayed({ends.client, ends.server, padded(0x4002)},
                               {ends.server, other.client, with_header(payload, 0x4003)});
            }
        }
    }
}

TEST_F(RelayProgram, LengthsThatAreNotTheDatagramsPassUp) {
    Packet too_short = with_header(payload_of(5));
    too_short.resize(too_short.size() + 4);
    EXPECT_TRUE(passes_up(write({four.client, four.server, too_short})));
    Packet too_long = with_header(payload_of(5));
    too_long.pop_back();
    EXPECT_TRUE(passes_up(write({four.client, four.server, too_long})));
    EXPECT_TRUE(passes_up(write({four.client, four.server, {0x40, 0x01, 0x00}})));
}

TEST_F(RelayProgram, TheEthernetFramesPaddingIsNoPartOfTheDatagram) {
    Packet frame = write({four.client, four.server, with_header(payload_of(2))});
    frame.resize(60);
    const auto out = relays(frame);
    ASSERT_TRUE(out);
    expect_well_formed(Packet(out->begin(), out->begin() + 14 + 28 + 2),
                       {four.relay, four.peer, payload_of(2)});
}

TEST_F(RelayProgram, FragmentsOptionsAndExtensionHeadersPassUp) {
    const auto good = write({four.client, four.server, with_header(payload_of(40))});
    for (const uint16_t fragment : {uint16_t{IP_MF}, uint16_t{1}}) {
        Packet bent = good;
        bent[20] = static_cast<uint8_t>(fragment >> 8);
        bent[21] = static_cast<uint8_t>(fragment);
        EXPECT_TRUE(passes_up(bent));
    }
    Packet options = good;
    options[14] = 0x46;
    options.insert(options.begin() + 34, 4, 1);
    EXPECT_TRUE(passes_up(options));
    Packet extended = write({six.client, six.server, with_header(payload_of(40))});
    extended[20] = IPPROTO_FRAGMENT;
    EXPECT_TRUE(passes_up(extended));
}

TEST_F(RelayProgram, WhatHasNoHopLeftPassesUp) {
    for (const Ends& ends : {four, six}) {
        const Packet message = with_header(payload_of(5));
        EXPECT_TRUE(passes_up(write({ends.client, ends.server, message, 1})));
        EXPECT_FALSE(passes_up(write({ends.client, ends.server, message, 2})));
    }
}

TEST_F(RelayProgram, WhatWouldNotFitIntoTheWayOutPassesUp) {
    // 28 bytes of headers, 4 of ChannelData.
    EXPECT_FALSE(passes_up(write({four.peer, four.relay, payload_of(1468)})));
    EXPECT_TRUE(passes_up(write({four.peer, four.relay, payload_of(1469)})));
    EXPECT_FALSE(passes_up(write({six.peer, six.relay, payload_of(1228)})));
    EXPECT_TRUE(passes_up(write({six.peer, six.relay, payload_of(1229)})));
    EXPECT_FALSE(passes_up(write({six.client, six.server, with_header(payload_of(1232))})));
    EXPECT_TRUE(passes_up(write({six.client, six.server, with_header(payload_of(1233))})));
}

TEST_F(RelayProgram, AChecksumThatIsYetToBeMadeAndNonePassUp) {
    for (const Ends& ends : {four, six}) {
        Datagram message{ends.client, ends.server, with_header(payload_of(33))};
        message.is_finished = false;
        EXPECT_TRUE(passes_up(write(message)));
        Packet none = write(message);
        none[sizeof(ethhdr) + message.ip_size() + 6] = 0;
        none[sizeof(ethhdr) + message.ip_size() + 7] = 0;
        EXPECT_TRUE(passes_up(none));
    }
}

TEST_F(RelayProgram, AWrongChecksumStaysWrong) {
    Packet broken = write({four.client, four.server, with_header(payload_of(33))});
    broken.back() ^= 1;
    const auto out = relays(broken);
    ASSERT_TRUE(out);
    const Datagram as{four.relay, four.peer, payload_of(33)};
    EXPECT_NE(folded(add_words(std::span(*out).subspan(34), pseudo_header(as))), 0xffff);
}

TEST_F(RelayProgram, WhatIsForAnotherHostOrNoUdpPassesUp) {
    Packet elsewhere = write({four.client, four.server, with_header(payload_of(5))});
    elsewhere[0] = 2;
    EXPECT_TRUE(passes_up(elsewhere));
    Packet tcp = write({four.client, four.server, with_header(payload_of(5))});
    tcp[23] = IPPROTO_TCP;
    EXPECT_TRUE(passes_up(tcp));
    EXPECT_TRUE(passes_up(Packet(64, 0)));
    Packet arp(64, 0);
    arp[12] = 0x08;
    arp[13] = 0x06;
    EXPECT_TRUE(passes_up(arp));
}

// The older way of attaching, in a network namespace of its own, to its loopback.
struct Clsact : testing::Test {
    // False without the rights.
    template <class Test>
    static bool in_own_namespace(Test test) {
        bool possible = false;
        std::thread([&] {
            possible = ::unshare(CLONE_NEWNET) == 0;
            try {
                if (possible) test();
            } catch (const net::StartError&) {
                possible = false;
            }
        }).join();
        return possible;
    }
    static std::unique_ptr<KernelRelay> attach() {
        return KernelRelay::attach({{"lo", 1}}, 64, KernelRelay::Hook::clsact);
    }
    static uint32_t id(const KernelRelay& relay) {
        bpf_prog_info info{};
        uint32_t size = sizeof info;
        EXPECT_EQ(bpf_obj_get_info_by_fd(relay.program(), &info, &size), 0);
        return info.id;
    }
    // Of the program that is attached; 0: none.
    static uint32_t attached() {
        LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = 1, .attach_point = BPF_TC_INGRESS);
        LIBBPF_OPTS(bpf_tc_opts, options, .handle = 1, .priority = 0xa407);
        return bpf_tc_query(&hook, &options) == 0 ? options.prog_id : 0;
    }
};

TEST_F(Clsact, ItIsDetachedAtTheEnd) {
    const bool possible = in_own_namespace([] {
        const auto relay = attach();
        EXPECT_EQ(relay->hook(), KernelRelay::Hook::clsact);
        EXPECT_EQ(attached(), id(*relay));
    });
    if (!possible) GTEST_SKIP() << "it takes root";
    in_own_namespace([] {
        attach();
        EXPECT_EQ(attached(), 0u);
    });
}

TEST_F(Clsact, WhatACrashHasLeftBehindIsReplaced) {
    const bool possible = in_own_namespace([] {
        const auto crashed = attach();
        {
            const auto next = attach();
            EXPECT_EQ(attached(), id(*next));
            EXPECT_NE(attached(), id(*crashed));
        }
        EXPECT_EQ(attached(), 0u);
    });
    if (!possible) GTEST_SKIP() << "it takes root";
}

}  // namespace
}  // namespace ahoy::fastpath
