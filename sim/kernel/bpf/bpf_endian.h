/* As libbpf's, for relay.bpf.c in user space. */
#pragma once

#define bpf_htons __builtin_bswap16
#define bpf_ntohs __builtin_bswap16
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
