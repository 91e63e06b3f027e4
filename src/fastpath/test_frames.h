// UDP datagrams in Ethernet frames.  For tests and the simulation.
#pragma once

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "base/address.h"

namespace ahoy::fastpath {

using Packet = std::vector<uint8_t>;

// And how tests bend it.
struct Datagram {
    TransportAddress from, to;
    Packet payload;
    uint8_t ttl = 64;
    bool is_finished = true;  // the checksum

    bool is_v4() const { return from.ip.is_v4(); }
    size_t ip_size() const { return is_v4() ? sizeof(iphdr) : sizeof(ip6_hdr); }
};

inline uint32_t add_words(std::span<const uint8_t> bytes, uint32_t sum) {
    for (size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] * 256u : bytes[i];
    return sum;
}

inline uint16_t folded(uint32_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>(sum);
}

inline uint32_t pseudo_header(const Datagram& datagram) {
    const auto size = static_cast<uint32_t>(sizeof(udphdr) + datagram.payload.size());
    return add_words(datagram.to.ip.wire(), add_words(datagram.from.ip.wire(), IPPROTO_UDP + size));
}

template <class Header>
void append(Packet& packet, const Header& header) {
    const size_t at = packet.size();
    packet.resize(at + sizeof header);
    std::memcpy(&packet[at], &header, sizeof header);
}

inline Packet write(const Datagram& datagram) {
    const auto udp_size = static_cast<uint16_t>(sizeof(udphdr) + datagram.payload.size());
    Packet packet;
    ethhdr ethernet{};
    ethernet.h_proto = htons(datagram.is_v4() ? ETH_P_IP : ETH_P_IPV6);
    append(packet, ethernet);
    if (datagram.is_v4()) {
        iphdr ip{};
        ip.version = 4;
        ip.ihl = 5;
        ip.tos = 0xb8;
        ip.tot_len = htons(static_cast<uint16_t>(sizeof ip + udp_size));
        ip.frag_off = htons(IP_DF);
        ip.ttl = datagram.ttl;
        ip.protocol = IPPROTO_UDP;
        std::memcpy(&ip.saddr, datagram.from.ip.wire().data(), sizeof ip.saddr);
        std::memcpy(&ip.daddr, datagram.to.ip.wire().data(), sizeof ip.daddr);
        Packet bytes;
        append(bytes, ip);
        ip.check = htons(static_cast<uint16_t>(~folded(add_words(bytes, 0))));
        append(packet, ip);
    } else {
        ip6_hdr ip{};
        ip.ip6_flow = htonl(6u << 28 | 0xb8u << 20 | 0x12345);
        ip.ip6_plen = htons(udp_size);
        ip.ip6_nxt = IPPROTO_UDP;
        ip.ip6_hlim = datagram.ttl;
        std::memcpy(&ip.ip6_src, datagram.from.ip.wire().data(), sizeof ip.ip6_src);
        std::memcpy(&ip.ip6_dst, datagram.to.ip.wire().data(), sizeof ip.ip6_dst);
        append(packet, ip);
    }
    udphdr udp{};
    udp.source = htons(datagram.from.port);
    udp.dest = htons(datagram.to.port);
    udp.len = htons(udp_size);
    Packet covered;
    append(covered, udp);
    covered.insert(covered.end(), datagram.payload.begin(), datagram.payload.end());
    const uint32_t pseudo = pseudo_header(datagram);
    udp.check = htons(folded(pseudo));
    if (datagram.is_finished) {
        const auto check = static_cast<uint16_t>(~folded(add_words(covered, pseudo)));
        udp.check = htons(check == 0 ? 0xffff : check);
    }
    append(packet, udp);
    packet.insert(packet.end(), datagram.payload.begin(), datagram.payload.end());
    return packet;
}

inline IpAddress address_of(std::span<const uint8_t> wire) {
    auto bytes = IpAddress::v4(0).bytes();
    std::ranges::copy(wire, bytes.end() - static_cast<ptrdiff_t>(wire.size()));
    return IpAddress::v6(bytes);
}

// Nothing unless all its lengths and checksums are right.
inline std::optional<Datagram> read(std::span<const uint8_t> frame) {
    const auto word = [](std::span<const uint8_t> bytes, size_t i) {
        return static_cast<uint16_t>(bytes[i] << 8 | bytes[i + 1]);
    };
    Datagram found;
    const bool is_v4 = frame.size() > sizeof(ethhdr) && word(frame, 12) == ETH_P_IP;
    const size_t ip_size = is_v4 ? sizeof(iphdr) : sizeof(ip6_hdr);
    if (frame.size() < sizeof(ethhdr) + ip_size + sizeof(udphdr)) return {};
    const auto ip = frame.subspan(sizeof(ethhdr));
    const auto udp = ip.subspan(ip_size);
    const auto addresses = is_v4 ? ip.subspan(12, 8) : ip.subspan(8, 32);
    const size_t half = addresses.size() / 2;
    found.from = {address_of(addresses.first(half)), word(udp, 0)};
    found.to = {address_of(addresses.last(half)), word(udp, 2)};
    found.payload = {udp.begin() + sizeof(udphdr), udp.end()};
    found.ttl = ip[is_v4 ? 8 : 7];
    const bool is_ip =
        is_v4 ? word(ip, 2) == ip.size() && folded(add_words(ip.first(ip_size), 0)) == 0xffff
              : word(ip, 4) == udp.size();
    if (!is_ip || word(udp, 4) != udp.size()) return {};
    if (folded(add_words(udp, pseudo_header(found))) != 0xffff) return {};
    return found;
}

}  // namespace ahoy::fastpath
