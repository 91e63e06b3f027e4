/* What the program in the kernel and the one outside have in common: the layout of their maps.
 * Plain C, for both.  Addresses are as in base/address.h, sixteen bytes, IPv4 as ::ffff:a.b.c.d;
 * ports, channel numbers and next hops are in the order of the wire. */
#ifndef AHOY_FASTPATH_PATH_MAPS_H
#define AHOY_FASTPATH_PATH_MAPS_H

#include <linux/bpf.h>
#include <linux/types.h>

/* A datagram as it arrives.  Zero is no channel number: then it is not ChannelData. */
struct ahoy_flow {
    __u8 from[16];
    __u8 to[16];
    __be16 from_port;
    __be16 to_port;
    __be16 channel;
    __u16 unused;
};

/* What becomes of it. */
struct ahoy_path {
    __u64 id;         /* another one whenever it is written */
    __u64 expires_at; /* nanoseconds of CLOCK_MONOTONIC */
    __u8 from[16];
    __u8 to[16];
    __be16 from_port;
    __be16 to_port;
    __be16 channel;     /* of the header in front; zero: none */
    __u16 to_ourselves; /* `to` is a relayed address of ours, where another path begins */
    __u32 traffic;      /* index of the counters */
    __u32
        came_by; /* the interface where it has to arrive: who forges its source comes by another */
    __u32 unused;
    __u32 interface; /* by which it leaves */
    struct bpf_redir_neigh next_hop;
    __u32 mtu; /* an IP packet that is longer is left to the server */
};

/* Written by the kernel, read by the program outside. */
struct ahoy_traffic {
    __u64 packets;
    __u64 bytes; /* of payload */
};

/* Of the program outside: nothing is relayed unless it lives. */
struct ahoy_owner {
    __u64 alive_until; /* nanoseconds of CLOCK_MONOTONIC */
};

#endif
