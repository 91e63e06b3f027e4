// Who may be relayed to, decided a second time: on 128-bit numbers, from the order of the rules in
// turn/peer_policy.h and the registries, and without its code.
#pragma once

#include <optional>
#include <vector>

#include "base/address.h"

namespace ahoy::fuzz {

__extension__ using Wide = unsigned __int128;

inline Wide number_of(const IpAddress& ip) {
    Wide value = 0;
    for (const uint8_t byte : ip.bytes()) value = value << 8 | byte;
    return value;
}
inline bool is_v4(Wide ip) {
    return ip >> 32 == 0xffff;
}
constexpr Wide wide(uint64_t high, uint64_t low) {
    return static_cast<Wide>(high) << 64 | low;
}
constexpr Wide four(unsigned a, unsigned b = 0, unsigned c = 0, unsigned d = 0) {
    return static_cast<Wide>(0xffff) << 32 | a << 24 | b << 16 | c << 8 | d;
}
// The first 64 bits of an IPv6 address, in groups of 16.
constexpr Wide six(uint64_t a, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0) {
    return wide(a << 48 | b << 32 | c << 16 | d, 0);
}

struct Block {
    Wide base;
    int bits;  // of all 128
    bool contains(Wide ip) const {
        if (is_v4(ip) != is_v4(base)) return false;
        return bits == 0 || (ip ^ base) >> (128 - bits) == 0;
    }
    int length() const { return is_v4(base) ? bits - 96 : bits; }
};
using Blocks = std::vector<Block>;

inline int longest(const Blocks& blocks, Wide ip) {
    int length = -1;
    for (const Block& block : blocks) {
        if (block.contains(ip)) length = std::max(length, block.length());
    }
    return length;
}

// What nobody is ever relayed to, whatever the operator says.
inline const Blocks never{
    {four(0), 104}, {four(224), 100}, {four(255, 255, 255, 255), 128}, {0, 128}, {six(0xff00), 8}};

inline const Blocks special{
    {four(10), 104},          {four(100, 64), 106},      {four(127), 104},
    {four(169, 254), 112},    {four(172, 16), 108},      {four(192, 0, 0), 120},
    {four(192, 0, 2), 120},   {four(192, 88, 99), 120},  {four(192, 168), 112},
    {four(198, 18), 111},     {four(198, 51, 100), 120}, {four(203, 0, 113), 120},
    {four(240), 100},         {wide(0, 1), 128},         {six(0x64, 0xff9b, 1), 48},
    {six(0x100), 64},         {six(0x100, 0, 0, 1), 64}, {six(0x2001), 23},
    {six(0x2001, 0xdb8), 32}, {six(0x3fff), 20},         {six(0x5f00), 16},
    {six(0xfc00), 7},         {six(0xfe80), 10},         {six(0xfec0), 10}};

inline const Blocks transition{{0, 96},
                               {wide(0, 0xffff0000'00000000), 96},
                               {six(0x64, 0xff9b), 96},
                               {six(0x64, 0xff9b, 1), 96},
                               {six(0x2002), 16},
                               {six(0x2001), 32}};

// The IPv4 addresses inside a transition form; none: it is not one.
inline std::vector<Wide> embedded_in(Wide ip) {
    const auto at = [&](int bit) { return (ip >> (96 - bit) & 0xffffffff) | four(0); };
    if (is_v4(ip) || ip == 1) return {};
    const bool isatap = (ip >> 32 & 0xfdffffff) == 0x00005efe;
    if (longest({transition.begin(), transition.begin() + 4}, ip) >= 0 || isatap) return {at(96)};
    if (transition[4].contains(ip)) return {at(16)};
    if (transition[5].contains(ip)) return {at(32), at(96) ^ 0xffffffff};
    return {};
}

struct PolicyReference {
    Blocks allow, deny;
    std::vector<TransportAddress> listening;

    bool chosen(Wide ip) const { return longest(allow, ip) > longest(deny, ip); }

    bool allows(const TransportAddress& peer, bool own, bool live) const {
        const Wide ip = number_of(peer.ip);
        if (peer.port == 0 || longest(never, ip) >= 0) return false;
        const bool here = own || Block{four(127), 104}.contains(ip) || ip == 1;
        for (const TransportAddress& l : listening) {
            const Wide bound = number_of(l.ip);
            const bool any = bound == 0 || bound == four(0);
            if (l.port == peer.port && (bound == ip || (here && any))) return false;
        }
        if (own && live) return true;
        if (const auto inside = embedded_in(ip); !inside.empty()) {
            for (const Wide v4 : inside) {
                if (longest(never, v4) >= 0 || !chosen(v4)) return false;
            }
            return chosen(ip);
        }
        if (chosen(ip)) return true;
        return longest(deny, ip) < 0 && !own && longest(special, ip) < 0;
    }
};

}  // namespace ahoy::fuzz
