#include "sim/kernel_program.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <cstring>

namespace ahoy::sim::kernel {
#include "fastpath/relay.bpf.c"
}  // namespace ahoy::sim::kernel

namespace ahoy::sim {
namespace {

// What the helpers work on; the program is given no pointer to it.
struct Run {
    ProgramMaps& maps;
    std::vector<uint8_t>& frame;
    uint64_t now;
};
Run* run = nullptr;

size_t network_header_size(const __sk_buff& skb) {
    return skb.protocol == bpf_htons(ETH_P_IP) ? sizeof(iphdr) : sizeof(ipv6hdr);
}

}  // namespace

namespace kernel {

Found bpf_map_lookup_elem(const void* map, const void* key) {
    ProgramMaps& maps = run->maps;
    if (map == &owner) return {&maps.owner};
    if (map == &traffic) {
        __u32 index;
        std::memcpy(&index, key, sizeof index);
        return {index < maps.traffic.size() ? &maps.traffic[index] : nullptr};
    }
    const auto found =
        maps.paths.find(std::string(static_cast<const char*>(key), sizeof(ahoy_flow)));
    return {found == maps.paths.end() ? nullptr : &found->second};
}

__u64 bpf_ktime_get_ns() {
    return run->now;
}

__u32 bpf_get_prandom_u32() {
    return 0x2545f491;
}

long bpf_skb_load_bytes(const __sk_buff*, __u32 offset, void* to, __u32 size) {
    if (offset + size > run->frame.size()) return -1;
    std::memcpy(to, &run->frame[offset], size);
    return 0;
}

long bpf_skb_store_bytes(__sk_buff*, __u32 offset, const void* from, __u32 size, __u64) {
    if (offset + size > run->frame.size()) return -1;
    std::memcpy(&run->frame[offset], from, size);
    return 0;
}

// As BPF_ADJ_ROOM_NET does it: behind the network header without its options.
long bpf_skb_adjust_room(__sk_buff* skb, __s32 growth, __u32 mode, __u64) {
    if (mode != BPF_ADJ_ROOM_NET) return -1;
    const auto at = run->frame.begin() + static_cast<long>(ETH_HLEN + network_header_size(*skb));
    if (growth >= 0) {
        run->frame.insert(at, static_cast<size_t>(growth), 0);
    } else if (run->frame.end() - at >= -growth) {
        run->frame.erase(at, at - growth);
    } else {
        return -1;
    }
    skb->len = static_cast<__u32>(run->frame.size());
    return 0;
}

long bpf_skb_change_tail(__sk_buff* skb, __u32 size, __u64) {
    run->frame.resize(size);
    skb->len = size;
    return 0;
}

long bpf_redirect_neigh(__u32, bpf_redir_neigh*, int, __u64) {
    return TC_ACT_REDIRECT;
}

}  // namespace kernel

bool run_program(ProgramMaps& maps, std::vector<uint8_t>& frame, unsigned came_by, uint64_t now) {
    __sk_buff skb{};
    skb.len = static_cast<__u32>(frame.size());
    skb.pkt_type = PACKET_HOST;
    skb.ifindex = came_by;
    std::memcpy(&skb.protocol, &frame[12], sizeof(__be16));
    Run one{maps, frame, now};
    run = &one;
    const int verdict = kernel::ahoy_relay(&skb);
    run = nullptr;
    return verdict == TC_ACT_REDIRECT;
}

}  // namespace ahoy::sim
