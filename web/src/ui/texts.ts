// What the page says: the state of the call, and every trouble with what happened and what to try.

import type { App, ErrorCode } from '../app.ts';
import type { MediaProblem, Missing } from '../media.ts';
import { shortened } from '../names.ts';

export interface Explanation {
  readonly title: string;
  readonly what: string;
  readonly tips: readonly string[];
}

export const explanations: { readonly [code in ErrorCode]: Explanation } = {
  'room-full': {
    title: 'This room is full',
    what: 'Two people are already talking here, and there is no third seat.',
    tips: ['Wait until somebody has left, then try again.', 'Or open a new room and send its link around.'],
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
  },
  'server-refused': {
    title: 'The server said no',
    what: 'It answered, but did not let us into this room.',
    tips: ['Try again in a moment.', 'If it keeps happening, tell the person who runs this server.'],
  },
  'ice-failed': {
    title: 'No way through',
    what: 'You were both here, but no path for sound and picture could be found between you.',
    tips: [
      'Try again: networks change.',
      'Try another network, for example a phone’s hotspot.',
      'A firewall may be blocking calls; its administrator can allow this server’s relay.',
    ],
  },
  unsupported: {
    title: 'This browser cannot make calls',
    what: 'It lacks WebRTC, the part that carries sound and picture.',
    tips: ['Open the link in a current Firefox, Chrome, Edge or Safari.'],
  },
};

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
    case 'waiting':
      if (session?.offline) return 'Looking for the server…';
      if (session?.negotiating || (session?.link && session.link.state !== 'new')) return 'Connecting…';
      if (session?.peerLeft) return `${shortened(session.leaver) || 'The other side'} left. Waiting for someone to join.`;
      return 'Waiting for someone to join';
    case 'connected':
      return session?.offline ? 'Connected, but the server is out of reach' : 'Connected';
    case 'reconnecting':
      return 'Connection lost. Reconnecting…';
    default:
      return '';
  }
}
