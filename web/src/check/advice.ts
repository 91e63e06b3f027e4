// Which sentences fit which outcomes: the verdict, what is at fault, and who can mend it.  Codes alone; the
// words are in texts.ts.

import type { Transport } from '../ice.ts';
import { transports } from '../ice.ts';
import { isOver, type Outcome, type Outcomes, type Trouble } from './outcome.ts';

/** "unknown": nothing was tried that would tell. */
export type Verdict = 'good' | 'limited' | 'bad' | 'unknown';

export type NetworkFinding =
  | 'well'
  | 'server-gone'
  | 'server-silent'
  | 'invitation-needed'
  | 'server-refuses'
  | 'no-webrtc'
  | 'socket-blocked'
  | 'no-relay-offered'
  | 'nothing-offered'
  | 'udp-blocked'
  | 'udp-relay-down'
  | 'no-udp-offered'
  | 'relay-refuses'
  | 'relay-deaf'
  | 'relays-blocked'
  | 'all-blocked';
export type LineFinding = 'slow' | 'lossy' | 'far' | 'broken';
export type DeviceFinding = 'unseen' | 'unheard' | 'neither' | 'black' | 'silent' | 'deaf';

/** Who can do something. */
export type Helper = 'you' | 'network' | 'operator';
export type Remedy =
  | 'go-online'
  | 'report-down'
  | 'open-invitation'
  | 'report-refusal'
  | 'other-browser'
  | 'allow-sockets'
  | 'offer-relay'
  | 'offer-udp'
  | 'allow-udp'
  | 'allow-relay'
  | 'other-network'
  | 'report-relay'
  | 'mend-udp-relay'
  | 'nearer-wifi'
  | 'allow-device'
  | 'free-device'
  | 'plug-device'
  | 'use-https'
  | 'uncover-camera'
  | 'speak-up'
  | 'turn-up';

export interface Advice {
  readonly helper: Helper;
  readonly remedy: Remedy;
}

export interface Findings {
  readonly verdict: Verdict;
  readonly network: NetworkFinding;
  /** The relay that calls will use where only TCP or TLS is left. */
  readonly detour: Transport | null;
  readonly line: LineFinding | null;
  readonly devices: DeviceFinding | null;
  readonly advice: readonly Advice[];
}

const you = (remedy: Remedy): Advice => ({ helper: 'you', remedy });
const network = (remedy: Remedy): Advice => ({ helper: 'network', remedy });
const operator = (remedy: Remedy): Advice => ({ helper: 'operator', remedy });

const isOk = ({ state }: Outcome) => state === 'ok' || state === 'weak';
const failed = ({ state }: Outcome) => state === 'failed';
const offered = (outcome: Outcome) => outcome.state !== 'skipped';
const whyOf = (outcome: Outcome): Trouble | null =>
  outcome.state === 'failed' || outcome.state === 'weak' ? outcome.why : null;

export interface Part {
  readonly finding: NetworkFinding;
  readonly verdict: Verdict;
  readonly advice: readonly Advice[];
}

const part = (finding: NetworkFinding, verdict: Verdict, ...advice: Advice[]): Part => ({ finding, verdict, advice });

/** The way to the relay and past it, where the server itself answers. */
function judgeRelays(outcomes: Outcomes): Part {
  const { stun, udp } = outcomes;
  const relays = transports.map((over) => outcomes[over]).filter(offered);
  const reasons = relays.map(whyOf);
  if (relays.length === 0) {
    return offered(stun) || !isOver(stun)
      ? part('no-relay-offered', 'limited', operator('offer-relay'))
      : part('nothing-offered', 'limited', operator('offer-relay'));
  }
  if (isOk(udp)) return part('well', 'good');
  if (relays.some(isOk)) {
    if (!offered(udp)) return part('no-udp-offered', 'limited', operator('offer-udp'));
    // Where STUN gets through by UDP, it is not the network that stops it.
    return whyOf(udp) === 'no-answer' && !isOk(stun)
      ? part('udp-blocked', 'limited', network('allow-udp'))
      : part('udp-relay-down', 'limited', operator('mend-udp-relay'));
  }
  if (reasons.includes('refused')) return part('relay-refuses', 'bad', operator('report-refusal'));
  if (reasons.includes('not-relayed')) return part('relay-deaf', 'bad', operator('report-relay'));
  const advice = [network('allow-relay'), you('other-network'), operator('report-relay')];
  return isOk(stun) ? part('relays-blocked', 'limited', ...advice) : part('all-blocked', 'bad', ...advice);
}

/** As far as the line alone tells; devices and quality are judged beside it. */
export function judgeNetwork(outcomes: Outcomes): Part {
  const { server, socket } = outcomes;
  switch (whyOf(server)) {
    case 'lost':
      return part('server-gone', 'bad', you('go-online'), operator('report-down'));
    case 'unreachable':
      return part('server-silent', 'bad', you('go-online'), operator('report-down'));
    case 'refused': {
      const code = server.state === 'failed' ? (server.facts?.code ?? '') : '';
      return /token/.test(code)
        ? part('invitation-needed', 'unknown', you('open-invitation'))
        : part('server-refuses', 'bad', operator('report-refusal'));
    }
    case 'unsupported':
      return part('no-webrtc', 'bad', you('other-browser'));
    default:
  }
  if (failed(socket)) return part('socket-blocked', 'bad', network('allow-sockets'), operator('report-down'));
  return judgeRelays(outcomes);
}

const lineTroubles: readonly Trouble[] = ['slow', 'lossy', 'far', 'broken'] satisfies LineFinding[];

function judgeLine({ quality }: Outcomes): LineFinding | null {
  const why = whyOf(quality);
  return why !== null && lineTroubles.includes(why) ? (why as LineFinding) : null;
}

function judgeDevices({ camera, microphone, speaker }: Outcomes): DeviceFinding | null {
  if (failed(camera) && failed(microphone)) return 'neither';
  if (failed(microphone)) return 'unheard';
  if (failed(speaker)) return 'deaf';
  if (failed(camera)) return 'unseen';
  if (whyOf(microphone) === 'silent') return 'silent';
  return whyOf(camera) === 'black' ? 'black' : null;
}

const deviceRemedies: { readonly [why in Trouble]?: Remedy } = {
  blocked: 'allow-device',
  busy: 'free-device',
  none: 'plug-device',
  insecure: 'use-https',
  black: 'uncover-camera',
  silent: 'speak-up',
  unheard: 'turn-up',
};

function mendDevices({ camera, microphone, speaker }: Outcomes): Advice[] {
  const remedies = [camera, microphone, speaker].flatMap((outcome) => deviceRemedies[whyOf(outcome) ?? 'lost'] ?? []);
  return [...new Set(remedies)].map(you);
}

const severity: readonly Verdict[] = ['good', 'limited', 'unknown', 'bad'];
const worst = (verdicts: readonly Verdict[]): Verdict =>
  severity[Math.max(...verdicts.map((verdict) => severity.indexOf(verdict)))] ?? 'unknown';

export function judgeAll(outcomes: Outcomes): Findings {
  const { finding, verdict, advice } = judgeNetwork(outcomes);
  const line = judgeLine(outcomes);
  const devices = judgeDevices(outcomes);
  const lesser: Verdict = line || devices ? 'limited' : 'good';
  return {
    verdict: worst([verdict, lesser]),
    network: finding,
    detour: isOk(outcomes.udp) ? null : (transports.find((over) => isOk(outcomes[over])) ?? null),
    line,
    devices,
    advice: [...advice, ...(line ? [you('nearer-wifi')] : []), ...mendDevices(outcomes)],
  };
}
