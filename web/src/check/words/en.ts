// All that the check says, in English.  The other languages have this one's shape.

import type { DeviceFinding, Helper, LineFinding, NetworkFinding, Remedy, Verdict } from '../advice.ts';
import type { Omission, Outcome, Step, Trouble } from '../outcome.ts';

type Of<Key extends string, Words = string> = { readonly [key in Key]: Words };

/** What stands in braces is filled in (texts.ts). */
export interface Words {
  readonly title: string;
  readonly ready: Of<'title' | 'lead' | 'note'>;
  readonly running: string;
  readonly verdicts: Of<Verdict>;
  readonly network: Of<NetworkFinding>;
  readonly devicesWell: string;
  readonly line: Of<LineFinding>;
  readonly devices: Of<DeviceFinding>;
  readonly helpers: Of<Helper>;
  readonly remedies: Of<Remedy>;
  readonly groups: Of<'devices' | 'network'>;
  readonly steps: Of<Step, Of<'name' | 'what'>>;
  readonly states: Of<Outcome['state']>;
  readonly troubles: Of<Trouble>;
  readonly omissions: Of<Omission>;
  readonly facts: Of<'address' | 'fast' | 'lost' | 'delay' | 'roundTrip' | 'over' | 'code'>;
  readonly speaker: Of<'play' | 'again' | 'question' | 'yes' | 'no'>;
  readonly buttons: Of<'run' | 'again' | 'copy' | 'copied' | 'notCopied' | 'report' | 'call'>;
  readonly picture: string;
}

export const en: Words = {
  title: 'Check · Ahoy',
  ready: {
    title: 'Will a call work here?',
    lead: 'This tries your camera, your microphone and every way to the server, and tells what it finds in plain words.',
    note: 'It takes about 15 seconds and up to 12 MB. Your browser will ask for camera and microphone; nobody sees or hears you.',
  },
  running: 'Checking…',
  verdicts: {
    good: 'Ready for calls',
    limited: 'Calls will work, with limits',
    bad: 'Calls will not work here yet',
    unknown: 'We cannot tell',
  },
  network: {
    well: 'Your network lets calls through.',
    'server-gone': 'The server stopped answering during the check.',
    'server-silent': 'The server does not answer.',
    'invitation-needed': 'This server makes calls only for those who were invited, so the network could not be tried.',
    'server-refuses': 'The server answers, but does not tell how calls reach it.',
    'no-webrtc': 'This browser cannot make calls: it lacks WebRTC, the part that carries sound and picture.',
    'socket-blocked': 'Your network lets web pages through, but not the connection (WebSocket) by which calls begin.',
    'no-relay-offered': 'This server has no relay: calls work only where both networks let them through directly.',
    'nothing-offered': 'This server has neither STUN nor a relay: calls work only within one network.',
    'udp-blocked': 'Your network blocks UDP; calls will work over {detour}, a little slower.',
    'udp-relay-down': 'The server’s relay does not work over UDP; calls will work over {detour}, a little slower.',
    'no-udp-offered': 'The server offers no relay over UDP; calls will work over {detour}, a little slower.',
    'relay-refuses': 'The server’s relay refused to help.',
    'relay-deaf': 'The server’s relay answers, but nothing gets through it.',
    'relays-blocked': 'The server’s relay is out of reach: calls work only where both networks let them through directly.',
    'all-blocked': 'Web pages work, but your network lets no call through: neither UDP nor any way to the server’s relay.',
  },
  devicesWell: 'Camera and microphone work.',
  line: {
    slow: 'The line is slow: expect small pictures, or sound alone.',
    lossy: 'The line loses much of what is sent: expect gaps in sound and picture.',
    far: 'The line takes its time: expect pauses between talking and hearing.',
    broken: 'The line broke while it was measured: expect interruptions.',
  },
  devices: {
    unseen: 'Nobody will see you.',
    unheard: 'Nobody will hear you.',
    neither: 'Nobody will see or hear you, but you will see and hear the others.',
    black: 'Your picture is black.',
    silent: 'Your microphone is on, but we hear nothing.',
    deaf: 'You may not hear the others.',
  },
  helpers: { you: 'You', network: 'Whoever runs your network', operator: 'Whoever runs this server' },
  remedies: {
    'go-online': 'Check that you are connected to the internet, and try without a VPN.',
    'report-down': 'If other pages work, say that this one does not answer.',
    'open-invitation': 'Open your invitation link, and follow “Check” from there.',
    'report-refusal': 'Send the report below: the server turned your browser away.',
    'other-browser': 'Open this page in a current Firefox, Chrome, Edge or Safari.',
    'allow-sockets': 'Ask for WebSockets to {host} to be let through the proxy or firewall.',
    'offer-relay': 'Send the report below: without a relay (turn.listen) some networks never find each other.',
    'offer-udp': 'Send the report below: a relay over UDP would make calls faster.',
    'allow-udp': 'Ask for UDP to {udp} to be let through; calls get faster by it.',
    'allow-relay': 'Ask for UDP and TCP to {relay} to be let through.',
    'other-network': 'Until then, try another network, for example a phone’s hotspot.',
    'report-relay': 'If it is the same from other networks, send the report below: the relay may be down.',
    'mend-udp-relay': 'Send the report below: the relay should work over UDP, too.',
    'nearer-wifi': 'Move closer to the Wi-Fi or use a cable, and end downloads.',
    'allow-device': 'Allow camera and microphone by the icon next to the address above, then check again.',
    'free-device': 'Close the program that uses the camera or microphone, then check again.',
    'plug-device': 'Plug in a camera or a microphone, or choose another device, then check again.',
    'use-https': 'Open this page with https:// in front: elsewhere browsers give no camera.',
    'uncover-camera': 'Open the camera’s cover, or turn on a light.',
    'speak-up': 'Say something while the check runs, and see whether the microphone has a switch of its own.',
    'turn-up': 'Turn up the sound, or choose another speaker in your system’s settings.',
  },
  groups: { devices: 'This device', network: 'The way to the server' },
  steps: {
    camera: { name: 'Camera', what: 'so that others see you' },
    microphone: { name: 'Microphone', what: 'so that others hear you' },
    speaker: { name: 'Speaker', what: 'so that you hear others' },
    server: { name: 'Server', what: 'tells how calls reach it' },
    socket: { name: 'Signaling', what: 'by WebSocket: who is in the room' },
    stun: { name: 'Direct calls', what: 'by STUN: how others find you' },
    udp: { name: 'Relay over UDP', what: 'where no direct way is open' },
    tcp: { name: 'Relay over TCP', what: 'where UDP is blocked' },
    tls: { name: 'Relay over TLS', what: 'where only secure web pages get through' },
    quality: { name: 'Quality', what: 'speed, loss and delay through the relay' },
  },
  states: {
    waiting: 'Not yet checked',
    pending: 'Checking…',
    ok: 'Works',
    weak: 'Works, but not well',
    failed: 'Does not work',
    skipped: 'Left out',
  },
  troubles: {
    blocked: 'your browser does not allow it',
    busy: 'it did not start; another program may be using it',
    none: 'none was found',
    insecure: 'browsers give it only to pages over HTTPS',
    black: 'the picture is black',
    silent: 'nothing is heard',
    unheard: 'you did not hear it',
    unsupported: 'this browser lacks WebRTC',
    unreachable: 'no answer',
    refused: 'refused',
    lost: 'it stopped answering',
    mute: 'it opens, but nothing comes back',
    'no-answer': 'no answer',
    'not-relayed': 'it answers, but nothing gets through',
    slow: 'slow',
    lossy: 'much is lost',
    far: 'slow to answer',
    broken: 'it broke while it was measured',
  },
  omissions: {
    'not-offered': 'Not offered by this server',
    'on-click': 'Press to hear a tone',
    'needs-relay': 'Needs a relay',
    'needs-server': 'Needs the server',
  },
  facts: {
    address: 'you are {address} to the internet',
    fast: 'more than {speed}',
    lost: '{percent} % lost',
    delay: '{ms} ms delay',
    roundTrip: '{ms} ms round trip',
    over: 'over {over}',
    code: 'code {code}',
  },
  speaker: { play: 'Play a tone', again: 'Play it again', question: 'Did you hear it?', yes: 'Yes', no: 'No' },
  buttons: {
    run: 'Start the check',
    again: 'Check again',
    copy: 'Copy report',
    copied: 'Copied',
    notCopied: 'Your browser did not let us copy. Select the text below and copy it by hand.',
    report: 'What the report says',
    call: 'Make a call',
  },
  picture: 'Your own picture',
};
