// What somebody in trouble sends to who runs the server: numbers, and nothing that opens a door or tells
// who it is.  No names, no room, no chat, no tokens and credentials; addresses are masked.  In English,
// because it is for the operator.

import { masked, quality, range, type Picture, type Stats } from './stats.ts';

export interface Facts {
  readonly time: Date;
  readonly browser: string;
  readonly state: string;
  readonly seconds: number | null;
  /** Of the server, in milliseconds; null when it is out of reach. */
  readonly server: number | null;
  readonly relayOffered: boolean;
  readonly relayOnly: boolean;
  readonly mic: boolean;
  readonly camera: boolean;
  readonly screen: boolean;
  readonly troubles: readonly string[];
  readonly id: number | null;
  readonly peers: readonly PeerFacts[];
}

export interface PeerFacts {
  readonly id: number;
  readonly link: string;
  readonly connected: boolean;
  readonly legacy: boolean;
  readonly history: readonly Stats[];
}

const unknown = '?';

function spread(history: readonly Stats[], pick: (stats: Stats) => number | null, unit: string): string {
  const found = range(history.map(pick));
  return found ? `${found.now ?? unknown} ${unit} (${found.least} to ${found.most})` : unknown;
}

function picture(p: Picture | null): string {
  if (!p) return 'none';
  const { width, height, fps, codec, frames, dropped, limit } = p;
  const held = limit === '' ? '' : `, limited by ${limit}`;
  return `${width} x ${height}, ${fps} fps, ${codec || unknown}, ${frames} frames, ${dropped} dropped${held}`;
}

function end(type: string, address: string): string {
  return [type || unknown, masked(address)].filter((part) => part !== '').join(' ');
}

function lines({ id, link, connected, legacy, history }: PeerFacts): string[] {
  const stats = history.at(-1);
  const head = `With ${id}: ${link}${connected ? '' : ', without a socket'}${legacy ? ', AppRTC' : ''}`;
  if (!stats) return [head, '  no numbers yet'];
  return [
    head,
    `  path: ${end(stats.localType, stats.localAddress)} -> ${end(stats.remoteType, stats.remoteAddress)}, ` +
      `${stats.protocol || unknown}, ${stats.relayed ? 'relayed' : 'direct'}`,
    `  quality: ${quality(stats)}; the following: now (least to most of the last ${history.length} s)`,
    `  round trip: ${spread(history, (s) => s.rttMs, 'ms')}`,
    `  jitter: ${spread(history, (s) => s.jitterMs, 'ms')}`,
    `  loss in: ${spread(history, (s) => s.lossPercent, '%')}, out: ${spread(history, (s) => s.sentLossPercent, '%')}`,
    `  receiving: ${spread(history, (s) => s.receiveKbps, 'kbit/s')}`,
    `  sending: ${spread(history, (s) => s.sendKbps, 'kbit/s')}`,
    `  picture in: ${picture(stats.received)}`,
    `  picture out: ${picture(stats.sent)}`,
    `  screen in: ${picture(stats.screenReceived)}`,
    `  screen out: ${picture(stats.screenSent)}`,
    `  sound in: ${stats.audioCodec || 'none'}, out: ${stats.sentAudioCodec || 'none'}`,
  ];
}

export function report(facts: Facts): string {
  const { mic, camera, screen } = facts;
  const on = Object.entries({ microphone: mic, camera, screen }).filter(([, is]) => is).map(([name]) => name);
  return [
    `Ahoy, a call at ${facts.time.toISOString()}`,
    `browser: ${facts.browser}`,
    `state: ${facts.state}${facts.seconds === null ? '' : `, for ${facts.seconds} s`}`,
    `server: ${facts.server === null ? 'out of reach' : `${facts.server} ms away`}`,
    `relay: ${facts.relayOffered ? 'offered' : 'none offered'}${facts.relayOnly ? ', and nothing else allowed' : ''}`,
    `participant: ${facts.id ?? unknown}`,
    `switched on: ${on.join(', ') || 'nothing'}`,
    ...(facts.troubles.length > 0 ? [`troubles: ${facts.troubles.join(', ')}`] : []),
    ...facts.peers.flatMap((peer) => ['', ...lines(peer)]),
    '',
  ].join('\n');
}
