/* The kernel's part of the fast path: ChannelData of a bound channel becomes a datagram to the peer,
 * a datagram of the peer becomes ChannelData to the client (RFC 8656, sections 12.4 to 12.7), before
 * the packet goes up the stack.
 *
 * Whatever is not exactly that goes up to the server, which knows all the cases: fragments, IP
 * options and extension headers, what is too large for the way out, what the kernel has coalesced,
 * channels that have expired.  Nothing is dropped here but what could not be put together again.
 *
 * The IP header is made as RFC 8656, section 15, prefers: TTL one less, DSCP and ECN as they came;
 * DF is off, as the server's relay sockets have it.
 */
#include "path_maps.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

/* The next program's turn, or the stack's (TCX_NEXT, TC_ACT_UNSPEC). */
#define PASS_UP TC_ACT_UNSPEC

#define FRAGMENT 0x3fff /* more fragments, or an offset */
#define MOST_PADDING 3  /* to four bytes, which streams need and some clients do always */

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1); /* the loader knows better, as below */
    __type(key, struct ahoy_flow);
    __type(value, struct ahoy_path);
} paths SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct ahoy_traffic);
} traffic SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct ahoy_owner);
} owner SEC(".maps");

struct channel_data {
    __be16 number;
    __be16 length;
};

/* What stands behind the Ethernet header, of either family, as it is loaded and stored. */
struct ipv4_headers {
    struct iphdr ip;
    struct udphdr udp;
    struct channel_data channel;
} __attribute__((packed, aligned(4)));

struct ipv6_headers {
    struct ipv6hdr ip;
    struct udphdr udp;
    struct channel_data channel;
} __attribute__((packed, aligned(4)));

/* One way through us: how it came, and how it leaves. */
struct passage {
    struct ahoy_flow flow;
    struct ahoy_path path;
    struct ahoy_path next; /* of the other party, when that is ours too */
    int has_next;
    __u32 payload;     /* bytes */
    __u32 padding;     /* bytes behind that, which do not go on */
    __u64 padding_sum; /* as for checksums */
    __s32 growth;      /* in front of the payload, in bytes */
};

/* ---- sums for checksums (RFC 1071); the order of the bytes does not matter, only the places */

static __always_inline __u64 sum_of(const void *words, int count)
{
    __u64 sum = 0;
#pragma unroll
    for (int i = 0; i < count; ++i) {
        __u32 word;
        __builtin_memcpy(&word, (const char *)words + 4 * i, sizeof word);
        sum += word;
    }
    return sum;
}

static __always_inline __u16 fold(__u64 sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* A local sender leaves the checksum to the hardware; until then its field holds the sum of the
 * pseudo-header, and where the kernel remembers that it is to be made would not move with the
 * header.  A finished checksum looks like that once in 65536 packets, which does no harm.  Zero is
 * none at all. */
static __always_inline int is_checksum_finished(const struct udphdr *udp, __u64 addresses)
{
    return udp->check != 0 &&
           udp->check != fold(addresses + bpf_htons(IPPROTO_UDP) + udp->len);
}

/* RFC 1624: of what the checksum covers, `before` became `after`. */
static __always_inline __u16 updated(__u16 check, __u64 before, __u64 after)
{
    const __u16 sum = ~fold((__u16)~check + (__u64)(__u16)~fold(before) + after);
    return sum == 0 ? 0xffff : sum;
}

/* The length is in the pseudo-header and in the header. */
static __always_inline __u64 covered(__u64 addresses, const struct udphdr *udp,
                                     const struct channel_data *channel)
{
    __u64 sum = addresses + udp->source + udp->dest + 2 * (__u64)udp->len;
    if (channel) sum += (__u64)channel->number + channel->length;
    return sum;
}

/* ---- finding the way */

/* A copy: where it stands another path may be written as soon as this one is removed, before we have
 * read all of it.  That it is still there afterwards, with the same id, says that we have read one. */
static __always_inline int find(const struct ahoy_flow *flow, __u64 now, struct ahoy_path *copy)
{
    const struct ahoy_path *path = bpf_map_lookup_elem(&paths, flow);
    if (!path) return 0;
    __builtin_memcpy(copy, path, sizeof *copy);
    barrier();
    path = bpf_map_lookup_elem(&paths, flow);
    return path && path->id == copy->id && now < copy->expires_at;
}

static __always_inline int is_owner_alive(__u64 now)
{
    const __u32 first = 0;
    const struct ahoy_owner *state = bpf_map_lookup_elem(&owner, &first);
    return state && now < state->alive_until;
}

/* `flow` has addresses and ports.  `size`: of what the UDP header carries. */
static __always_inline int find_passage(struct passage *passage, const struct channel_data *channel,
                                        __u32 size, __u32 interface)
{
    const __u64 now = bpf_ktime_get_ns();
    struct ahoy_flow *flow = &passage->flow;
    int is_channel_data = 0;
    if (!is_owner_alive(now)) return 0;
    if (size >= sizeof *channel && (channel->number & bpf_htons(0xc000)) == bpf_htons(0x4000)) {
        flow->channel = channel->number;
        is_channel_data = find(flow, now, &passage->path);
    }
    if (is_channel_data) {
        passage->payload = bpf_ntohs(channel->length);
        passage->padding = size - sizeof *channel - passage->payload;
        if (passage->padding > MOST_PADDING) return 0; /* or there is less than it says */
        passage->growth = -(__s32)sizeof *channel;
    } else {
        flow->channel = 0;
        if (!find(flow, now, &passage->path)) return 0;
        passage->payload = size;
        passage->growth = sizeof *channel;
    }
    if (passage->path.came_by != interface) return 0;
    if (passage->path.to_ourselves) {
        flow->from_port = passage->path.from_port;
        flow->to_port = passage->path.to_port;
        flow->channel = 0;
        __builtin_memcpy(flow->from, passage->path.from, sizeof flow->from);
        __builtin_memcpy(flow->to, passage->path.to, sizeof flow->to);
        if (!find(flow, now, &passage->next)) return 0;
        passage->has_next = 1;
        passage->growth = 0;
    }
    return 1;
}

/* `at`: where the payload is. */
static __always_inline int read_padding(struct __sk_buff *skb, struct passage *passage, __u32 at)
{
    for (__u32 i = 0; i < MOST_PADDING; ++i) {
        __u8 byte;
        const __u32 place = passage->payload + i;
        if (i >= passage->padding) break;
        if (bpf_skb_load_bytes(skb, at + place, &byte, sizeof byte) < 0) return 0;
        passage->padding_sum += place % 2 == 0 ? bpf_htons(byte << 8) : bpf_htons(byte);
    }
    return 1;
}

/* How much longer the packet will be. */
static __always_inline __s32 total_growth(const struct passage *passage)
{
    return passage->growth - (__s32)passage->padding;
}

static __always_inline const struct ahoy_path *way_out(const struct passage *passage)
{
    return passage->has_next ? &passage->next : &passage->path;
}

static __always_inline void count(const struct ahoy_path *path, __u32 payload)
{
    const __u32 index = path->traffic;
    struct ahoy_traffic *counters = bpf_map_lookup_elem(&traffic, &index);
    if (!counters) return;
    __sync_fetch_and_add(&counters->packets, 1);
    __sync_fetch_and_add(&counters->bytes, payload);
}

static __always_inline void rewrite_udp(struct udphdr *udp, struct channel_data *channel,
                                        const struct passage *passage)
{
    const struct ahoy_path *out = way_out(passage);
    udp->source = out->from_port;
    udp->dest = out->to_port;
    udp->len = bpf_htons(bpf_ntohs(udp->len) + total_growth(passage));
    channel->number = out->channel;
    channel->length = bpf_htons(passage->payload);
}

/* From here on the packet is ours: what goes wrong loses it, as any router may. */
static __always_inline int leave(struct __sk_buff *skb, const struct passage *passage,
                                 const void *headers, __u32 size)
{
    const struct ahoy_path *out = way_out(passage);
    struct bpf_redir_neigh next_hop = out->next_hop;
    if (passage->padding > 0 &&
        bpf_skb_change_tail(skb, ETH_HLEN + size + passage->payload, 0) < 0) {
        return TC_ACT_SHOT;
    }
    if (bpf_skb_store_bytes(skb, ETH_HLEN, headers, size,
                            BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH) < 0) {
        return TC_ACT_SHOT;
    }
    count(&passage->path, passage->payload);
    if (passage->has_next) count(&passage->next, passage->payload);
    return bpf_redirect_neigh(out->interface, &next_hop, sizeof next_hop, 0);
}

/* Makes room or takes it away behind the IP header.  Done before anything is written, because it may
 * refuse.  `size`: of the IP packet that came. */
static __always_inline int make_room(struct __sk_buff *skb, const struct passage *passage,
                                     __u32 size)
{
    if (size + total_growth(passage) > way_out(passage)->mtu) return 0;
    if (passage->growth == 0) return 1;
    return bpf_skb_adjust_room(skb, passage->growth, BPF_ADJ_ROOM_NET,
                               BPF_F_ADJ_ROOM_NO_CSUM_RESET) == 0;
}

/* But for its channel. */
static __always_inline void set_flow_ipv4(struct ahoy_flow *flow, const struct ipv4_headers *h)
{
    flow->from[10] = flow->from[11] = 0xff;
    flow->to[10] = flow->to[11] = 0xff;
    __builtin_memcpy(flow->from + 12, &h->ip.saddr, sizeof h->ip.saddr);
    __builtin_memcpy(flow->to + 12, &h->ip.daddr, sizeof h->ip.daddr);
    flow->from_port = h->udp.source;
    flow->to_port = h->udp.dest;
}

static __always_inline void rewrite_ipv4(struct iphdr *ip, const struct passage *passage)
{
    const struct ahoy_path *out = way_out(passage);
    __builtin_memcpy(&ip->saddr, out->from + 12, sizeof ip->saddr);
    __builtin_memcpy(&ip->daddr, out->to + 12, sizeof ip->daddr);
    ip->tot_len = bpf_htons(bpf_ntohs(ip->tot_len) + total_growth(passage));
    ip->id = bpf_get_prandom_u32();
    ip->frag_off = 0;
    --ip->ttl;
    ip->check = 0;
    ip->check = ~fold(sum_of(ip, sizeof *ip / 4));
}

static __always_inline int relay_ipv4(struct __sk_buff *skb)
{
    struct ipv4_headers h = {};
    struct passage passage = {};
    const __u32 plain = sizeof h.ip + sizeof h.udp;
    if (bpf_skb_load_bytes(skb, ETH_HLEN, &h, plain) < 0) return PASS_UP;
    if (h.ip.protocol != IPPROTO_UDP || h.ip.version != 4 || h.ip.ihl != 5 || h.ip.ttl <= 1 ||
        (h.ip.frag_off & bpf_htons(FRAGMENT)) ||
        bpf_ntohs(h.ip.tot_len) != sizeof h.ip + bpf_ntohs(h.udp.len) ||
        skb->len < ETH_HLEN + bpf_ntohs(h.ip.tot_len)) {
        return PASS_UP;
    }
    const __u32 size = bpf_ntohs(h.udp.len) - sizeof h.udp;
    if (bpf_ntohs(h.udp.len) < sizeof h.udp) return PASS_UP;
    if (size >= sizeof h.channel &&
        bpf_skb_load_bytes(skb, ETH_HLEN + plain, &h.channel, sizeof h.channel) < 0) {
        return PASS_UP;
    }
    set_flow_ipv4(&passage.flow, &h);
    if (!find_passage(&passage, &h.channel, size, skb->ifindex)) return PASS_UP;
    const __u64 addresses = sum_of(&h.ip.saddr, 2);
    if (!is_checksum_finished(&h.udp, addresses) ||
        !read_padding(skb, &passage, ETH_HLEN + sizeof h) ||
        !make_room(skb, &passage, plain + size)) {
        return PASS_UP;
    }

    const struct ahoy_path *out = way_out(&passage);
    const __u64 before = passage.padding_sum +
                         covered(addresses, &h.udp, passage.path.channel ? NULL : &h.channel);
    rewrite_ipv4(&h.ip, &passage);
    rewrite_udp(&h.udp, &h.channel, &passage);
    h.udp.check = updated(h.udp.check, before,
                          covered(sum_of(&h.ip.saddr, 2), &h.udp, out->channel ? &h.channel : NULL));
    return out->channel ? leave(skb, &passage, &h, sizeof h) : leave(skb, &passage, &h, plain);
}

static __always_inline int relay_ipv6(struct __sk_buff *skb)
{
    struct ipv6_headers h = {};
    struct passage passage = {};
    const __u32 plain = sizeof h.ip + sizeof h.udp;
    if (bpf_skb_load_bytes(skb, ETH_HLEN, &h, plain) < 0) return PASS_UP;
    if (h.ip.nexthdr != IPPROTO_UDP || h.ip.version != 6 || h.ip.hop_limit <= 1 ||
        h.ip.payload_len != h.udp.len ||
        skb->len < ETH_HLEN + sizeof h.ip + bpf_ntohs(h.udp.len)) {
        return PASS_UP;
    }
    const __u32 size = bpf_ntohs(h.udp.len) - sizeof h.udp;
    if (bpf_ntohs(h.udp.len) < sizeof h.udp) return PASS_UP;
    if (size >= sizeof h.channel &&
        bpf_skb_load_bytes(skb, ETH_HLEN + plain, &h.channel, sizeof h.channel) < 0) {
        return PASS_UP;
    }
    __builtin_memcpy(passage.flow.from, &h.ip.saddr, sizeof h.ip.saddr);
    __builtin_memcpy(passage.flow.to, &h.ip.daddr, sizeof h.ip.daddr);
    passage.flow.from_port = h.udp.source;
    passage.flow.to_port = h.udp.dest;
    if (!find_passage(&passage, &h.channel, size, skb->ifindex)) return PASS_UP;
    const __u64 addresses = sum_of(&h.ip.saddr, 8);
    if (!is_checksum_finished(&h.udp, addresses) ||
        !read_padding(skb, &passage, ETH_HLEN + sizeof h) ||
        !make_room(skb, &passage, plain + size)) {
        return PASS_UP;
    }

    const struct ahoy_path *out = way_out(&passage);
    const __u64 before = passage.padding_sum +
                         covered(addresses, &h.udp, passage.path.channel ? NULL : &h.channel);
    __builtin_memcpy(&h.ip.saddr, out->from, sizeof h.ip.saddr);
    __builtin_memcpy(&h.ip.daddr, out->to, sizeof h.ip.daddr);
    h.ip.flow_lbl[0] &= 0xf0; /* half of the traffic class */
    h.ip.flow_lbl[1] = h.ip.flow_lbl[2] = 0;
    --h.ip.hop_limit;
    rewrite_udp(&h.udp, &h.channel, &passage);
    h.ip.payload_len = h.udp.len;
    h.udp.check = updated(h.udp.check, before,
                          covered(sum_of(&h.ip.saddr, 8), &h.udp, out->channel ? &h.channel : NULL));
    return out->channel ? leave(skb, &passage, &h, sizeof h) : leave(skb, &passage, &h, plain);
}

SEC("tc")
int ahoy_relay(struct __sk_buff *skb)
{
    if (skb->gso_size != 0 || skb->vlan_present || skb->pkt_type != PACKET_HOST) return PASS_UP;
    if (skb->protocol == bpf_htons(ETH_P_IP)) return relay_ipv4(skb);
    if (skb->protocol == bpf_htons(ETH_P_IPV6)) return relay_ipv6(skb);
    return PASS_UP;
}

/* The kernel wants one to be named; nothing here needs any particular one. */
char _license[] SEC("license") = "none";
