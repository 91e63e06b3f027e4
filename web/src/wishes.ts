// What AppRTC's URL parameters ask of a call, as far as browsers still have the means (docs/page.md).

import type { Transport } from './ice.ts';

export type MediaKind = 'audio' | 'video';
type Each<T> = { readonly [kind in MediaKind]: T };

export interface Wishes {
  readonly relayOnly: boolean;
  /** How relays are to be reached; null: anyhow. */
  readonly transport: Transport | null;
  /** What a device is asked for; null: it is not asked for by itself. */
  readonly capture: Each<MediaTrackConstraints | null>;
  /** Names of codecs, such as "vp9". */
  readonly sendCodec: Each<string | null>;
  readonly receiveCodec: Each<string | null>;
  readonly sendKbps: Each<number | null>;
  readonly receiveKbps: Each<number | null>;
}

const names = ['it', 'tt', 'audio', 'video', 'hd', 'asc', 'arc', 'vsc', 'vrc', 'asbr', 'arbr', 'vsbr', 'vrbr'];

/** Those that go along from room to room, as a query. */
export function wishesIn(query: URLSearchParams): string {
  const kept = [...query].filter(([name]) => names.includes(name));
  return kept.length === 0 ? '' : `?${new URLSearchParams(kept)}`;
}

/** Constraints as AppRTC wrote them, and as browsers have them now. */
const constraints: { readonly [old: string]: readonly [name: keyof MediaTrackConstraints, bound: 'min' | 'max'] } = {
  minWidth: ['width', 'min'],
  maxWidth: ['width', 'max'],
  minHeight: ['height', 'min'],
  maxHeight: ['height', 'max'],
  minFrameRate: ['frameRate', 'min'],
  maxFrameRate: ['frameRate', 'max'],
  minAspectRatio: ['aspectRatio', 'min'],
  maxAspectRatio: ['aspectRatio', 'max'],
};
const switches: { readonly [old: string]: keyof MediaTrackConstraints } = {
  echoCancellation: 'echoCancellation',
  googEchoCancellation: 'echoCancellation',
  googNoiseSuppression: 'noiseSuppression',
  googAutoGainControl: 'autoGainControl',
};

/** `[(mandatory|optional):]key=value`; null for what cannot be, or not any more. */
function parseConstraint(item: string): MediaTrackConstraints | null {
  const [, strength, key = '', value = ''] = /^(?:(mandatory|optional):)?([A-Za-z]+)=([\w.]+)$/.exec(item.trim()) ?? [];
  const on = switches[key];
  if (on) return { [on]: value.toLowerCase() === 'true' };
  const [name, bound] = constraints[key] ?? [];
  const number = Number(value);
  if (!name || !bound || !(number > 0)) return null;
  return { [name]: strength === 'optional' ? { ideal: number } : { [bound]: number } };
}

function merge(all: readonly MediaTrackConstraints[]): MediaTrackConstraints {
  const merged: { [name: string]: unknown } = {};
  for (const [name, value] of all.flatMap((one) => Object.entries(one))) {
    const known = merged[name];
    merged[name] = typeof known === 'object' && typeof value === 'object' ? { ...known, ...value } : value;
  }
  return merged;
}

function capture(text: string | null): MediaTrackConstraints | null {
  switch (text?.toLowerCase()) {
    case 'false':
      return null;
    case undefined:
    case '':
    case 'true':
      return {};
    default:
      return merge((text ?? '').split(',').flatMap((item) => parseConstraint(item) ?? []));
  }
}

const hd = 'minWidth=1280,minHeight=720';

/** "opus/48000" is opus: the rate is no choice any more. */
const codec = (text: string | null): string | null => text?.toLowerCase().split('/')[0] || null;

function kbps(text: string | null): number | null {
  const number = Math.round(Number(text ?? ''));
  return Number.isFinite(number) && number > 0 ? number : null;
}

const transports: { readonly [name: string]: Transport } = { udp: 'udp', tcp: 'tcp', tls: 'tls' };

export function readWishes(query: URLSearchParams): Wishes {
  const each = <T>(read: (text: string | null) => T, audio: string, video: string): Each<T> => ({
    audio: read(query.get(audio)),
    video: read(query.get(video)),
  });
  const wantsHd = query.get('hd')?.toLowerCase() === 'true';
  return {
    relayOnly: query.get('it') === 'relay',
    transport: transports[query.get('tt')?.toLowerCase() ?? ''] ?? null,
    capture: { ...each(capture, 'audio', 'video'), ...(wantsHd ? { video: capture(hd) } : {}) },
    sendCodec: each(codec, 'asc', 'vsc'),
    receiveCodec: each(codec, 'arc', 'vrc'),
    sendKbps: each(kbps, 'asbr', 'vsbr'),
    receiveKbps: each(kbps, 'arbr', 'vrbr'),
  };
}

export const noWishes: Wishes = readWishes(new URLSearchParams());

/** The wished one first, and the others behind it: that somebody has only those is no reason not to talk. */
export function preferred<Codec extends { readonly mimeType: string }>(codecs: readonly Codec[], name: string): Codec[] {
  const wished = (codec: Codec) => codec.mimeType.toLowerCase().split('/')[1] === name;
  return [...codecs.filter(wished), ...codecs.filter((codec) => !wished(codec))];
}

/**
 * A description that asks the other side to send no more than this (RFC 8866, section 5.8): for what one
 * receives browsers have no other means.
 */
export function limitReceived(sdp: string, limits: Wishes['receiveKbps']): string {
  return sdp
    .split(/^(?=m=)/m)
    .map((section) => {
      const limit = limits[/^m=(audio|video) /.exec(section)?.[1] as MediaKind];
      return limit ? section.replace(/^(c=.*(\r?\n))/m, `$1b=AS:${limit}$2`) : section;
    })
    .join('');
}
