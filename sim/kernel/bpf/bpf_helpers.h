/* As libbpf's, for relay.bpf.c in user space: how maps are declared, and what the program asks of
 * the kernel, which here is kernel_program.cc. */
#pragma once

#include <linux/bpf.h>

#define SEC(name)
#define __uint(name, value) int(*name)[value]
#define __type(name, type) __typeof__(type)* name
#undef __always_inline
#define __always_inline inline
#define barrier()

namespace ahoy::sim::kernel {

/* C makes any pointer of a void one. */
struct Found {
    void* at;
    template <class Type>
    operator Type*() const {
        return static_cast<Type*>(at);
    }
};

Found bpf_map_lookup_elem(const void* map, const void* key);
__u64 bpf_ktime_get_ns();
__u32 bpf_get_prandom_u32();
long bpf_skb_load_bytes(const __sk_buff*, __u32 offset, void* to, __u32 size);
long bpf_skb_store_bytes(__sk_buff*, __u32 offset, const void* from, __u32 size, __u64 flags);
long bpf_skb_adjust_room(__sk_buff*, __s32 growth, __u32 mode, __u64 flags);
long bpf_skb_change_tail(__sk_buff*, __u32 size, __u64 flags);
long bpf_redirect_neigh(__u32 interface, bpf_redir_neigh*, int size, __u64 flags);

}  // namespace ahoy::sim::kernel
