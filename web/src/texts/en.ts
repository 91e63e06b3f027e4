// All that the page says, in English.  The other languages have this one's shape: what is missing or
// of another kind does not compile.  A function is where names and numbers go in.

import type { Browser } from '../browser.ts';
import type { TransferState } from '../files.ts';
import type { Missing } from '../media.ts';
import type { Quality } from '../stats.ts';
import type { Switch } from '../wire.ts';

export interface Explanation {
  readonly title: string;
  readonly what: string;
  readonly tips: readonly string[];
  /** What the button that tries again says; nothing where that is useless. */
  readonly again?: string;
}

export interface Ending {
  readonly title: string;
  readonly what: string;
  readonly again: string;
}

export interface MediaTrouble {
  readonly title: (device: Missing) => string;
  readonly what: string;
  readonly tip: (browser: Browser) => string;
}

type Of<Key extends string, Words> = { readonly [key in Key]: Words };

const again = 'Try again';

/** Why there is no call. */
const errors = {
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
  'unknown-room': {
    title: 'There is no such room',
    what: 'Rooms on this server have names that it makes itself, so that nobody can guess them. This is none of them.',
    tips: ['Check the link: part of it may have been lost on the way.', 'Or open a new room and send its link around.'],
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
  'server-refused': {
    title: 'The server said no',
    what: 'It answered, but did not let us into this room.',
    tips: ['Try again in a moment.', 'If it keeps happening, tell the person who runs this server.'],
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

/** What became of the call, where it was not oneself who left. */
const endings = {
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
const refusals = {
  'not-host': 'Only the host can do that, and you are not the host any more.',
  'unknown-participant': 'They are not here any more.',
  'too-large': 'That was too long. Say it in two messages.',
  'too-many-invites': 'There are as many invite links as there may be. One that you made before still works.',
  'queue-full': 'They cannot be reached right now. Try again in a moment.',
  other: 'The server did not do that. Try again in a moment.',
};

const devices: Of<Missing, string> = {
  camera: 'camera',
  microphone: 'microphone',
  both: 'camera and microphone',
};

/** Where one lifts a block; it is a few steps in each browser. */
const allow: Of<Browser, string> = {
  chromium: 'To allow it, click the icon next to the address above, switch it on there, then try again.',
  firefox:
    'To allow it, click the crossed-out camera or microphone next to the address, lift the block, then try again.',
  safari:
    'To allow it, open “Settings for This Website” in the menu Safari (on an iPhone next to the address), then try again.',
  other: 'To allow it, look for this site’s permissions in the settings of your browser, then try again.',
};

/** Why there is no camera or no microphone. */
const media = {
  'media-blocked': {
    title: (what: Missing) => `Your ${devices[what]} ${what === 'both' ? 'are' : 'is'} blocked`,
    what: 'You can still join, to see and hear the other side.',
    tip: (browser: Browser) => allow[browser],
  },
  'media-busy': {
    title: (what: Missing) => `Your ${devices[what]} did not start`,
    what: 'Another program may be using it. You can still join without.',
    tip: () => 'Close the other program, then try again.',
  },
  'media-none': {
    title: (what: Missing) => `No ${devices[what]} found`,
    what: 'You can still join without.',
    tip: () => 'Plug one in, then try again.',
  },
  'media-ended': {
    title: (what: Missing) => `Your ${devices[what]} stopped`,
    what: 'It was unplugged, or your browser took it back.',
    tip: () => 'Plug it in again or allow it, then try again.',
  },
  'media-unavailable': {
    title: () => 'No camera or microphone on this page',
    what: 'Browsers allow them only over HTTPS. You can still join, to see and hear the other side.',
    tip: () => 'Open this page with https:// in front.',
  },
};

export type ErrorCode = keyof typeof errors;
export type EndingReason = keyof typeof endings;
export type RefusalCode = keyof typeof refusals;

export const en = {
  guest: 'Guest',
  you: 'You',
  close: 'Close',
  again,

  errors: errors as Of<ErrorCode, Explanation>,
  endings: endings as Of<EndingReason, Ending>,
  refusals: refusals as Of<RefusalCode, string>,
  media: media as Of<keyof typeof media, MediaTrouble>,
  trying: 'Trying…',
  dismiss: 'Dismiss',

  lobby: {
    heading: 'Talk face to face. Just share a link.',
    lead: 'Calls go straight from browser to browser. No account, nothing to install.',
    ready: 'Ready to join?',
    check: 'Check how you look and sound before you join',
    turnOn: 'Turn on camera and microphone',
    starting: 'Starting your camera…',
    cameraOff: 'Your camera is off',
    noCamera: 'No camera',
    room: 'Room',
    suggest: 'Suggest another name',
    wrongRoom: 'Five or more letters, digits, - or _',
    join: 'Join',
    joinBare: 'Join without camera or microphone',
    another: 'Another room instead',
    outlook: {
      slower: 'Your network blocks UDP: calls will work, a little slower.',
      doubtful: 'Your network may not let calls through.',
    },
    checkNetwork: 'See what can be done',
    recent: 'Recent rooms',
    forget: 'Forget',
    forgetRoom: (room: string) => `Forget ${room}`,
  },

  /** Where the call stands, in a line. */
  status: {
    joining: 'Joining…',
    askingForMedia: 'Waiting for your camera and microphone…',
    knocking: 'Waiting to be let in',
    waiting: 'Waiting for someone to join',
    left: (name: string) => `${name || 'The other side'} left. Waiting for someone to join.`,
    connecting: 'Connecting…',
    connected: 'Connected',
    connectedAlone: 'Connected, but the server is out of reach',
    reconnecting: 'Connection lost. Reconnecting…',
    networkChanged: 'Your network changed. Reconnecting…',
    noNetwork: 'You are offline. The call goes on when your network is back: check Wi-Fi or mobile data.',
    seeking: 'Looking for the server…',
  },

  waiting: {
    enterNow: 'Join without waiting',
    mediaPrompt: 'Your browser asks whether this page may use them. Without, you can still watch and listen.',
    lobby: 'This room has a lobby. Its host has been told that you are here, and under which name. Stay on this page.',
    invite: 'Send this link to those you want to talk to.',
    noRelay: 'This server offers no relay, so calls between strict networks may fail.',
    link: 'Link to this room',
    copy: 'Copy link',
    copied: 'Copied',
    share: 'Share',
  },

  call: {
    heading: (room: string) => `Call in ${room}`,
    bar: 'Call',
    about: 'About this call',
    mic: 'Microphone',
    camera: 'Camera',
    screen: 'Share your screen',
    hand: 'Raise your hand',
    chat: 'Chat',
    unread: (count: number) => `${count} unread`,
    leave: 'Leave the call',
    copyLink: 'Copy the link to this room',
    layout: 'Speaker large',
    people: 'People',
    knocking: (count: number) => `${count} waiting`,
    stats: 'Connection details',
    settings: 'Settings',
    fullscreen: 'Full screen',
    quality: (quality: Quality) => `Connection: ${quality}`,
    locked: 'Locked: only invite links let people in',
    relay: 'relay',
    relayTitle: 'Sound and picture go through the server’s relay',
    serverLost: 'The server is out of reach. Your call goes on; we keep looking for it.',
    sharing: 'You are sharing your screen.',
    stopSharing: 'Stop',
  },

  /** What a small sign beside a name means. */
  signs: {
    handRaised: 'Hand raised',
    muted: 'Muted',
    cameraOff: 'Camera off',
    sharing: 'Shares a screen',
    weak: 'Weak connection',
  },

  stage: {
    ownPicture: 'Your own picture',
    picture: (name: string) => (name ? `Picture of ${name}` : 'Picture of a guest'),
    screen: (name: string) => `${name}’s screen`,
    pin: (name: string) => `Keep ${name} large`,
    unblock: 'Tap to see and hear',
    /** Where the picture is not. */
    failed: 'No connection. Trying again…',
    lost: 'Lost the connection…',
    reconnecting: 'Reconnecting…',
    connecting: 'Connecting…',
    cameraOff: 'Camera is off',
    noPicture: 'No picture',
    noPictureYet: 'No picture yet',
  },

  /** Why no screen is shared, by the names of the browser's errors. */
  screen: {
    NotAllowedError:
      'Nothing is shared. If you were not asked what to share, allow it in the browser for this page, and in the system for the browser.',
    InvalidStateError: 'Nothing is shared. Your browser wants you to press the button here yourself.',
    other: 'Your screen could not be shared. Try a single window instead.',
  },

  people: {
    title: (here: number, capacity: number) => `People (${here}${capacity > 0 ? ` of ${capacity}` : ''})`,
    you: 'you',
    host: 'host',
    lost: 'connection lost',
    manage: (name: string) => `Manage ${name}`,
    switchOff: {
      mic: 'Mute',
      camera: 'Camera off',
      screen: 'Stop sharing',
      hand: 'Lower hand',
    } as Of<Switch, string>,
    makeHost: 'Make host',
    remove: 'Remove',
    reallyRemove: 'Really remove?',
    /** After a name. */
    wouldJoin: 'would like to join',
    admit: 'Let in',
    deny: 'Decline',
    room: 'The room',
    lock: 'Lock',
    lockWhat: 'Only invite links let people in',
    lobby: 'Lobby',
    lobbyWhat: 'Who has no invite link must knock',
    invite: 'Copy an invite link',
    closeRoom: 'End the call for all',
    reallyClose: 'Really end it for everybody?',
  },

  chat: {
    title: 'Chat',
    lines: 'Messages',
    empty: 'Everybody in this room can read this, also who joins later. It is gone when the room is.',
    placeholder: 'Write a message',
    message: 'Message',
    send: 'Send',
    sending: 'sending…',
    notYet: 'You can write once you are in the room.',
    offline: 'The server is out of reach. What you write is sent when it is back.',
    unread: 'The other side’s program has no chat.',
  },

  files: {
    attach: 'Send a file to who is here now',
    offers: (name: string, file: string) => `${name} offers ${file}`,
    onlyHere: 'Only for who is here now. Who joins later does not get it.',
    unable: 'their program takes no files',
    accept: 'Download',
    decline: 'Decline',
    cancel: 'Cancel',
    save: 'Save again',
    progress: (file: string) => `${file}, in percent`,
    /** After the name of who is to get it. */
    sent: {
      connecting: 'is asked…',
      offered: 'has not answered yet',
      moving: 'receives it',
      done: 'has it',
      cancelled: 'not sent any more',
      refused: 'declined',
      lost: 'the connection broke off',
      broken: 'it failed',
    } as Of<TransferState, string>,
    offered: {
      connecting: 'On its way…',
      offered: 'Nothing is loaded unless you want it.',
      moving: 'On its way…',
      done: 'Received',
      cancelled: 'Declined',
      refused: 'Withdrawn',
      lost: 'The connection broke off. Ask for it once more.',
      broken: 'It arrived damaged, and was thrown away.',
    } as Of<TransferState, string>,
    nobody: 'Nobody else is here to receive a file.',
    tooLarge: (file: string, most: string) => `${file} is too large: ${most} at most.`,
    full: (most: number) => `${most} files are on their way. Wait until one has arrived.`,
  },

  stats: {
    title: 'Connection',
    none: 'Numbers appear once you are connected.',
    server: (ms: number) => `Round trip to the server: ${ms} ms`,
    route: 'Route',
    relayed: 'through the relay',
    direct: 'direct',
    yours: 'Yours',
    theirs: 'Theirs',
    routes: {
      host: 'local network',
      srflx: 'through NAT',
      prflx: 'through NAT',
      relay: 'relay',
    } as { readonly [type: string]: string },
    roundTrip: 'Round trip',
    jitter: 'Jitter',
    sending: 'Sending',
    receiving: 'Receiving',
    loss: 'Loss',
    sentLoss: 'Loss at their end',
    fpsIn: 'Frames a second in',
    fpsOut: 'Frames a second out',
    spread: (least: string, most: string) => `In the last minute ${least} to ${most}`,
    pictureIn: 'Picture in',
    pictureOut: 'Picture out',
    screenIn: 'Screen in',
    screenOut: 'Screen out',
    soundIn: 'Sound in',
    soundOut: 'Sound out',
    frames: (count: string, dropped: string) => `${count} frames, ${dropped} dropped`,
    limits: {
      bandwidth: 'held back by the bandwidth',
      cpu: 'held back by the processor',
    } as { readonly [reason: string]: string },
    addresses: 'Show addresses',
    reportCopy: 'Copy report',
    reportCopied: 'Report copied',
    reportRead: 'What is in the report',
    reportAbout: 'For the person who runs this server: numbers, without names, room, chat or keys, and with masked addresses.',
  },

  settings: {
    title: 'Settings',
    camera: 'Camera',
    microphone: 'Microphone',
    speaker: 'Speaker',
    speakerTest: 'Play two notes',
    noSpeaker: 'This speaker cannot be used here. Choose another one.',
    noSound: 'Nothing can be played. Check that a speaker is connected, or choose another one.',
    noDevice: 'None found',
    name: 'Your name',
    namePlaceholder: 'Shown to the others',
    language: 'Language',
  },

  /** What each key does. */
  keys: {
    mic: 'Microphone on or off',
    camera: 'Camera on or off',
    hand: 'Raise or lower your hand',
    chat: 'Chat',
    people: 'People',
    stats: 'Connection details',
    layout: 'Speaker large, or all alike',
    mini: 'Hide or show your own picture',
    fullscreen: 'Full screen',
    leave: 'Leave the call',
    keys: 'This overview',
    close: 'Close what is open',
  },

  help: {
    title: 'Keyboard shortcuts',
    or: 'or',
    space: 'Space',
    escape: 'Esc',
    note: 'While you write, keys are letters: only Esc works then.',
  },

  ends: {
    left: 'You have left the call',
    flags: 'The flags say U and W:',
    wish: 'I wish you a pleasant voyage.',
    rejoin: 'Rejoin',
    newRoom: 'New room',
  },

  /** A word in passing. */
  toasts: {
    joined: (name: string) => `${name} joined`,
    left: (name: string) => `${name} left`,
    host: (name: string) => `${name} is the host now.`,
    youHost: 'You are the host now.',
    asked: {
      mic: 'The host has muted your microphone.',
      camera: 'The host has switched off your camera.',
      screen: 'The host has ended your screen sharing.',
      hand: 'The host has lowered your hand.',
    } as Of<Switch, string>,
    linkCopied: 'Link copied',
    inviteCopied: 'Invite link copied',
    notCopied: 'Your browser did not let us copy. Select this and copy it by hand:',
    invitation: 'Join me for a call',
    notShared: 'Sharing did not work. Copy the link instead:',
    notFullscreen: 'Your browser did not give us the whole screen. Its own menu, or the key F11, may.',
  },
};

export type Texts = typeof en;
