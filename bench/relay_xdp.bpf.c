/* The kernel path at XDP instead of tc, for IPv4, to see what that would cost (docs/benchmarks.md):
 * before the kernel has coalesced anything.  It has the maps of a server that runs, whose program at
 * tc gets what passes here.
 *
 * Each interface has one neighbour, of which it is told: what asks the kernel for neighbours
 * (bpf_fib_lookup) is for GPL programs only.
 */
#include "fastpath/relay.bpf.c"

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8);
    __type(key, __u32); /* the interface */
    __type(value, struct ethhdr);
} neighbours SEC(".maps");

SEC("xdp")
int ahoy_relay_xdp(struct xdp_md *ctx)
{
    struct ethhdr ethernet;
    const struct ethhdr *neighbour;
    struct ipv4_headers h = {};
    struct passage passage = {};
    const __u32 plain = sizeof h.ip + sizeof h.udp;
    if (bpf_xdp_load_bytes(ctx, 0, &ethernet, sizeof ethernet) < 0 ||
        ethernet.h_proto != bpf_htons(ETH_P_IP) ||
        bpf_xdp_load_bytes(ctx, ETH_HLEN, &h, plain) < 0) {
        return XDP_PASS;
    }
    if (h.ip.protocol != IPPROTO_UDP || h.ip.version != 4 || h.ip.ihl != 5 || h.ip.ttl <= 1 ||
        (h.ip.frag_off & bpf_htons(FRAGMENT)) || bpf_ntohs(h.udp.len) < sizeof h.udp ||
        bpf_ntohs(h.ip.tot_len) != sizeof h.ip + bpf_ntohs(h.udp.len)) {
        return XDP_PASS;
    }
    const __u32 size = bpf_ntohs(h.udp.len) - sizeof h.udp;
    if (size >= sizeof h.channel &&
        bpf_xdp_load_bytes(ctx, ETH_HLEN + plain, &h.channel, sizeof h.channel) < 0) {
        return XDP_PASS;
    }
    set_flow_ipv4(&passage.flow, &h);
    if (!find_passage(&passage, &h.channel, size, ctx->ingress_ifindex)) return XDP_PASS;
    const struct ahoy_path *out = way_out(&passage);
    const __u64 addresses = sum_of(&h.ip.saddr, 2);
    if (!is_checksum_finished(&h.udp, addresses) || passage.padding > 0 ||
        plain + size + passage.growth > out->mtu ||
        !(neighbour = bpf_map_lookup_elem(&neighbours, &out->interface)) ||
        bpf_xdp_adjust_head(ctx, -passage.growth) < 0) {
        return XDP_PASS;
    }

    const __u64 before = covered(addresses, &h.udp, passage.path.channel ? NULL : &h.channel);
    rewrite_ipv4(&h.ip, &passage);
    rewrite_udp(&h.udp, &h.channel, &passage);
    h.udp.check = updated(h.udp.check, before,
                          covered(sum_of(&h.ip.saddr, 2), &h.udp, out->channel ? &h.channel : NULL));
    ethernet = *neighbour;
    bpf_xdp_store_bytes(ctx, 0, &ethernet, sizeof ethernet);
    if (out->channel) {
        bpf_xdp_store_bytes(ctx, ETH_HLEN, &h, sizeof h);
    } else {
        bpf_xdp_store_bytes(ctx, ETH_HLEN, &h, plain);
    }
    count(&passage.path, passage.payload);
    if (passage.has_next) count(&passage.next, passage.payload);
    return bpf_redirect(out->interface, 0);
}
