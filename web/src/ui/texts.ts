// Which of its words the page says: for the state of the call, and for every trouble.

import type { App } from '../app.ts';
import { shortened } from '../names.ts';
import type { Peer } from '../session.ts';
import { t, type Ending, type ErrorCode, type Explanation } from '../texts/index.ts';

const synonyms = { 'bad-room': 'bad-room-name', 'bad-resume': 'session-ended' } as const;

/** Codes come from the network: `toString` is none. */
const has = <T extends object>(table: T, key: PropertyKey): key is keyof T => Object.hasOwn(table, key);

/** The code is one that the page has words for. */
export function explain(code: string): Explanation & { readonly code: ErrorCode } {
  const known = has(synonyms, code) ? synonyms[code] : code;
  const said = has(t.errors, known) ? known : 'server-refused';
  return { ...t.errors[said], code: said };
}

/** Undefined where it was oneself who left. */
export function ending(reason: string): Ending | undefined {
  return has(t.endings, reason) ? t.endings[reason] : undefined;
}

export function refusalText(code: string): string {
  return t.refusals[has(t.refusals, code) ? code : 'other'];
}

/** Whoever closes the browser's question, or whose browser asked none, shares nothing. */
export function screenFailure(error: unknown): string {
  const name = error instanceof Error ? error.name : '';
  return t.screen[has(t.screen, name) ? name : 'other'];
}

export const nameOf = (name: string): string => shortened(name) || t.guest;

export function happening(what: 'joined' | 'left' | 'host', who: string): string {
  if (what === 'host' && who === '') return t.toasts.youHost;
  return t.toasts[what](nameOf(who));
}

/** What stands where somebody's picture is not. */
export function absence({ participant, link }: Peer, playing: boolean): string {
  if (link.state === 'failed') return t.stage.failed;
  // A client of AppRTC opens its socket only after it has entered.
  if (!participant.connected && !participant.legacy && link.state !== 'connected') return t.stage.lost;
  if (link.state === 'interrupted') return t.stage.reconnecting;
  if (link.state !== 'connected') return t.stage.connecting;
  if (!participant.legacy && !participant.camera) return t.stage.cameraOff;
  return playing ? t.stage.noPicture : t.stage.noPictureYet;
}

export function statusText(app: App): string {
  const { session } = app;
  switch (app.phase) {
    case 'joining':
      return session ? t.status.joining : t.status.askingForMedia;
    case 'knocking':
      return session?.offline ? t.status.seeking : t.status.knocking;
    case 'waiting':
      if (session?.offline) return t.status.seeking;
      if (session && session.peers.size > 0) return t.status.connecting;
      if (session && session.leaver !== null) return t.status.left(shortened(session.leaver));
      return t.status.waiting;
    case 'connected':
      return session?.offline ? t.status.connectedAlone : t.status.connected;
    case 'reconnecting':
      if (!navigator.onLine) return t.status.noNetwork;
      return app.networkChanged ? t.status.networkChanged : t.status.reconnecting;
    default:
      return '';
  }
}
