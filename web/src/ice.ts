// STUN and TURN servers by what is spoken with them (RFC 7064, RFC 7065).

import { masked } from './stats.ts';
import { parseIceServers, type IceServer } from './wire.ts';

/** What carries packets to a relay. */
export type Transport = 'udp' | 'tcp' | 'tls';
export const transports: readonly Transport[] = ['udp', 'tcp', 'tls'];

/** Null for what is not a relay, or not one that browsers can use. */
export function transportOf(url: string): Transport | null {
  const [, scheme, carrier = ''] = /^(turns?):[^?]+(?:\?transport=(\w+))?$/i.exec(url.trim()) ?? [];
  const secure = scheme?.toLowerCase() === 'turns';
  switch (carrier.toLowerCase()) {
    case 'tcp':
      return secure ? 'tls' : 'tcp';
    case 'udp':
      return secure || !scheme ? null : 'udp';
    default:
      return !scheme ? null : secure ? 'tls' : 'udp'; // the defaults of RFC 7065, section 3.2
  }
}

const isStun = (url: string) => /^stuns?:/i.test(url.trim());

function those(servers: readonly IceServer[], wanted: (url: string) => boolean): IceServer[] {
  return servers
    .map((server) => ({ ...server, urls: server.urls.filter(wanted) }))
    .filter(({ urls }) => urls.length > 0);
}

export const relays = (servers: readonly IceServer[], over: Transport): IceServer[] =>
  those(servers, (url) => transportOf(url) === over);

export const stunServers = (servers: readonly IceServer[]): IceServer[] => those(servers, isStun);

/** Relays over one transport alone, as AppRTC's `tt`; what is no relay stays. */
export const onlyOver = (servers: readonly IceServer[], over: Transport): IceServer[] =>
  those(servers, (url) => isStun(url) || transportOf(url) === over);

/** Host and port of a URL, as one tells them to who runs a firewall; the host as the URL has it. */
export function endpointOf(url: string): { readonly host: string; readonly port: number } {
  const [, scheme = '', host = '', port] = /^(\w+):(\[[^\]]*\]|[^:?]+)(?::(\d+))?/.exec(url.trim()) ?? [];
  return { host, port: Number(port ?? (scheme.toLowerCase().endsWith('s') ? 5349 : 3478)) };
}

const addresses = /\b[0-9a-f]{1,4}:[0-9a-f]{0,4}:[0-9a-f:.]*|\b\d{1,3}(?:\.\d{1,3}){3}\b/gi;

/** A text in which no address is whole; names of hosts stay. */
export const withoutAddresses = (text: string): string => text.replace(addresses, masked);

const answerMs = 8_000;

export type Offer =
  | { readonly kind: 'servers'; readonly servers: readonly IceServer[] }
  /** Calls of this server are for who was invited: a code of the protocol. */
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unreachable' };

/** What a call would get, without a room. */
export async function askForServers(token: string | undefined): Promise<Offer> {
  const query = token ? `?token=${encodeURIComponent(token)}` : '';
  try {
    const response = await fetch(`/v1alpha/iceconfig${query}`, {
      method: 'POST',
      signal: AbortSignal.timeout(answerMs),
    });
    const body = (await response.json()) as { readonly iceServers?: unknown; readonly error?: unknown };
    if (response.ok) return { kind: 'servers', servers: parseIceServers(body.iceServers) };
    return { kind: 'refused', code: typeof body.error === 'string' ? body.error : String(response.status) };
  } catch {
    return { kind: 'unreachable' };
  }
}
