// What the page says: the state of the call, and every trouble with what happened and what to try.

import type { App } from '../app.ts';
import type { MediaProblem, Missing } from '../media.ts';
import { shortened } from '../names.ts';
import type { Peer } from '../session.ts';
import type { Switch } from '../wire.ts';

export interface Explanation {
  readonly title: string;
  readonly what: string;
  readonly tips: readonly string[];
  /** What the button that tries again says; nothing where that is useless. */
  readonly again?: string;
}

const again = 'Try again';

const explanations: { readonly [code: string]: Explanation } = {
  'room-full': {
    title: 'This room is full',
    what: 'Every seat is taken. With somebody on an AppRTC program, a room holds only two.',
    tips: ['Wait until somebody has left, then try again.', 'Or open a new room and send its link around.'],
    again,
  },
  'room-locked': {
    title: 'This room is locked',
    what: 'Its host has closed the door behind those who are in.',
    tips: ['Ask somebody inside to unlock it, then try again.', 'Or ask the host for an invite link: it opens the door.'],
    again,
  },
  denied: {
    title: 'You were not let in',
    what: 'The host of this room has declined.',
    tips: ['Ask the host in another way, perhaps for an invite link.', 'Or knock once more.'],
    again: 'Knock again',
  },
  'lobby-closed': {
    title: 'Nobody can let you in',
    what: 'This room has a lobby, but its host is gone or too many are waiting already.',
    tips: ['Wait until the host is there, then knock again.', 'Or ask the host for an invite link.'],
    again: 'Knock again',
  },
  'token-required': {
    title: 'This room needs an invitation',
    what: 'The server lets in only who brings a personal link.',
    tips: ['Open the link from the page, the e-mail or the calendar that led you here.'],
  },
  'bad-token': {
    title: 'This invitation is not valid',
    what: 'The server does not accept the key in your link.',
    tips: ['Part of the link may have been lost on the way: copy all of it.', 'Or ask for a new one.'],
  },
  'token-expired': {
    title: 'This invitation has expired',
    what: 'The key in your link was good for a time that is over.',
    tips: ['Ask for a new link where you got this one.'],
  },
  'too-many-rooms': {
    title: 'The server has no room left',
    what: 'As many calls as it may hold are going on.',
    tips: ['Try again in a few minutes.', 'Calls that have begun can still be joined.'],
    again,
  },
  'too-many-joins': {
    title: 'Too many attempts',
    what: 'From your network, rooms were entered too often in a short time.',
    tips: ['Wait a minute, then try again.'],
    again,
  },
  draining: {
    title: 'The server is about to restart',
    what: 'It takes no new calls for the moment.',
    tips: ['Try again in a minute.'],
    again,
  },
  'unsupported-version': {
    title: 'This page is out of date',
    what: 'The server has moved on since it was loaded.',
    tips: ['Reload the page.'],
    again: 'Reload',
  },
  'session-ended': {
    title: 'Your seat is gone',
    what: 'You were away for too long.',
    tips: ['Join again: the others may still be there.'],
    again: 'Join again',
  },
  'bad-room-name': {
    title: 'That is not a room name',
    what: 'A room name has five or more letters, digits, hyphens or underscores, and nothing else.',
    tips: ['Check the link: part of it may have been lost on the way.', 'Or open a new room.'],
  },
  'server-unreachable': {
    title: 'The server does not answer',
    what: 'We asked and heard nothing back.',
    tips: [
      'Check that you are connected to the internet.',
      'A company network or VPN may be in the way: try without it.',
      'Otherwise the server may be restarting. Try again in a minute.',
    ],
    again,
  },
  'ice-failed': {
    title: 'No way through',
    what: 'You were both here, but no path for sound and picture could be found between you.',
    tips: [
      'Try again: networks change.',
      'Try another network, for example a phone’s hotspot.',
      'A firewall may be blocking calls; its administrator can allow this server’s relay.',
    ],
    again,
  },
  unsupported: {
    title: 'This browser cannot make calls',
    what: 'It lacks WebRTC, the part that carries sound and picture.',
    tips: ['Open the link in a current Firefox, Chrome, Edge or Safari.'],
  },
};

const refusedByServer: Explanation = {
  title: 'The server said no',
  what: 'It answered, but did not let us into this room.',
  tips: ['Try again in a moment.', 'If it keeps happening, tell the person who runs this server.'],
  again,
};

const synonyms: { readonly [code: string]: string } = {
  'bad-room': 'bad-room-name',
  'bad-resume': 'session-ended',
};

/** The code is one that the page has words for. */
export function explain(code: string): Explanation & { readonly code: string } {
  const known = synonyms[code] ?? code;
  const found = explanations[known];
  return found ? { ...found, code: known } : { ...refusedByServer, code: 'server-refused' };
}

/** What became of the call, where it was not oneself who left. */
export const endings: { readonly [reason: string]: { readonly title: string; readonly what: string; readonly again: string } } = {
  removed: {
    title: 'You were removed from the call',
    what: 'The host has taken you out. If that was a mistake, you may join again.',
    again: 'Join again',
  },
  closed: {
    title: 'The call has ended',
    what: 'The host has ended it for everybody.',
    again: 'Start again',
  },
  expired: {
    title: 'The call has ended',
    what: 'Nothing happened in this room for a long time.',
    again: 'Start again',
  },
  replaced: {
    title: 'You are in this call elsewhere',
    what: 'Another window has taken your seat.',
    again: 'Take it back',
  },
};

/** Why something that one asked for in the call did not happen. */
export function refusalText(code: string): string {
  switch (code) {
    case 'not-host':
      return 'Only the host can do that, and you are not the host any more.';
    case 'unknown-participant':
      return 'They are not here any more.';
    case 'too-large':
      return 'That was too long. Say it in two messages.';
    case 'too-many-invites':
      return 'There are as many invite links as there may be. One that you made before still works.';
    case 'queue-full':
      return 'They cannot be reached right now. Try again in a moment.';
    default:
      return 'The server did not do that. Try again in a moment.';
  }
}

export const hostAsked: { readonly [what in Switch]: string } = {
  mic: 'The host has muted your microphone.',
  camera: 'The host has switched off your camera.',
  screen: 'The host has ended your screen sharing.',
  hand: 'The host has lowered your hand.',
};

export const nameOf = (name: string): string => shortened(name) || 'Guest';

export function happening(what: 'joined' | 'left' | 'host', who: string): string {
  switch (what) {
    case 'joined':
      return `${nameOf(who)} joined`;
    case 'left':
      return `${nameOf(who)} left`;
    case 'host':
      return who === '' ? 'You are the host now.' : `${nameOf(who)} is the host now.`;
  }
}

/** What stands where somebody's picture is not. */
export function absence({ participant, link }: Peer, playing: boolean): string {
  if (link.state === 'failed') return 'No connection. Trying again…';
  if (!participant.connected && link.state !== 'connected') return 'Lost the connection…';
  if (link.state === 'interrupted') return 'Reconnecting…';
  if (link.state !== 'connected') return 'Connecting…';
  if (!participant.legacy && !participant.camera) return 'Camera is off';
  return playing ? 'No picture' : 'No picture yet';
}

const devices: { readonly [what in Missing]: string } = {
  camera: 'camera',
  microphone: 'microphone',
  both: 'camera and microphone',
};

export function explainMedia({ code, what }: MediaProblem): Explanation {
  const device = devices[what];
  switch (code) {
    case 'media-blocked':
      return {
        title: `Your ${device} ${what === 'both' ? 'are' : 'is'} blocked`,
        what: 'You can still join, to see and hear the other side.',
        tips: ['To allow it, use the icon next to the address above, then try again.'],
      };
    case 'media-busy':
      return {
        title: `Your ${device} did not start`,
        what: 'Another program may be using it. You can still join without.',
        tips: ['Close the other program, then try again.'],
      };
    case 'media-none':
      return {
        title: `No ${device} found`,
        what: 'You can still join without.',
        tips: ['Plug one in, then try again.'],
      };
    case 'media-ended':
      return {
        title: `Your ${device} stopped`,
        what: 'It was unplugged, or your browser took it back.',
        tips: ['Plug it in again or allow it, then try again.'],
      };
    case 'media-unavailable':
      return {
        title: 'No camera or microphone on this page',
        what: 'Browsers allow them only over HTTPS. You can still join, to see and hear the other side.',
        tips: ['Open this page with https:// in front.'],
      };
  }
}

export function statusText(app: App): string {
  const { session } = app;
  switch (app.phase) {
    case 'joining':
      return app.session ? 'Joining…' : 'Waiting for your camera and microphone…';
    case 'knocking':
      return session?.offline ? 'Looking for the server…' : 'Waiting to be let in';
    case 'waiting':
      if (session?.offline) return 'Looking for the server…';
      if (session && session.peers.size > 0) return 'Connecting…';
      if (session && session.leaver !== null)
        return `${shortened(session.leaver) || 'The other side'} left. Waiting for someone to join.`;
      return 'Waiting for someone to join';
    case 'connected':
      return session?.offline ? 'Connected, but the server is out of reach' : 'Connected';
    case 'reconnecting':
      return 'Connection lost. Reconnecting…';
    default:
      return '';
  }
}
