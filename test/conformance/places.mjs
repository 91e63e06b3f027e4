// Where the server is, and where clients and peers are: all on loopback, or apart, in two network
// namespaces (test/conformance/apart), between which the kernel path relays.

/** The server's namespace. */
export const apart = process.env.CONFORMANCE_APART;

/** The server's addresses, for clients and for relaying. */
export const theServers = apart ? { v4: '198.51.100.1', v6: '2001:db8:2::1' } : { v4: '127.0.0.1', v6: '::1' };

/** All of IPv4 that the server's machine has. */
export const allOfTheServers = [theServers.v4, ...(apart ? ['198.51.100.6', '198.51.100.7'] : ['127.0.0.2', '127.1.2.3'])];

/** To listen on all addresses, and where such a listener is reached. */
export const anywhere = { v4: '0.0.0.0', v6: '::' };
export const reached = (address) =>
  ({ [anywhere.v4]: theServers.v4, [anywhere.v6]: theServers.v6 })[address] ?? address;

/** Addresses of this side, of clients and of peers. */
export const here = apart
  ? { v4: [2, 3, 4, 5].map((n) => `198.51.100.${n}`), v6: '2001:db8:2::2' }
  : { v4: [1, 2, 3, 4].map((n) => `127.0.0.${n}`), v6: '::1' };

const within = (network, i) => `${network}.${i >> 8}.${i & 255}`;

/** Thousands of this side, for strangers. */
export const crowd = (i) => within(apart ? '198.19' : '127.9', i);

/** Thousands where nobody is. */
export const nowhere = (i) => within(apart ? '198.18' : '127.1', i);

/** All of these. */
export const networks = apart ? ['198.51.100.0/24', '198.18.0.0/15', '2001:db8:2::/64'] : ['127.0.0.0/8', '::1/128'];
