// What is checked, and what can come of each.  Pure values: probes make them, advice.ts and the page read
// them.

import type { Transport } from '../ice.ts';

export const deviceSteps = ['camera', 'microphone', 'speaker'] as const;
export const networkSteps = ['server', 'socket', 'stun', 'udp', 'tcp', 'tls', 'quality'] as const;
export type DeviceStep = (typeof deviceSteps)[number];
export type NetworkStep = (typeof networkSteps)[number];
export type Step = DeviceStep | NetworkStep;
export const steps: readonly Step[] = [...deviceSteps, ...networkSteps];

/** Why a step failed, or is no more than half well. */
export type Trouble =
  // camera, microphone, speaker
  | 'blocked'
  | 'busy'
  | 'none'
  | 'insecure'
  | 'black'
  | 'silent'
  | 'unheard'
  // everything else
  | 'unsupported'
  | 'unreachable'
  | 'refused'
  | 'lost'
  | 'mute'
  | 'no-answer'
  | 'not-relayed'
  // quality
  | 'slow'
  | 'lossy'
  | 'far'
  | 'broken';

/** Why a step was left out; never a failure. */
export type Omission = 'not-offered' | 'on-click' | 'needs-relay' | 'needs-server';

/** What a step has found beside its success. */
export interface Facts {
  readonly width?: number;
  readonly height?: number;
  /** As the STUN server sees us. */
  readonly address?: string;
  readonly rttMs?: number;
  readonly kbps?: number;
  /** The line may be faster: what we send is bounded. */
  readonly capped?: boolean;
  readonly lossPercent?: number;
  readonly jitterMs?: number;
  readonly over?: Transport;
  /** Of a refusal: the code of HTTP, TURN or the protocol. */
  readonly code?: string;
}

export type Outcome =
  | { readonly state: 'waiting' | 'pending' }
  | { readonly state: 'skipped'; readonly why: Omission }
  | { readonly state: 'ok'; readonly ms: number; readonly facts?: Facts }
  | { readonly state: 'weak' | 'failed'; readonly ms: number; readonly why: Trouble; readonly facts?: Facts };

export type Outcomes = { readonly [step in Step]: Outcome };

export const untouched: Outcomes = Object.fromEntries(
  steps.map((step) => [step, { state: 'waiting' }]),
) as Outcomes;

export const isOver = ({ state }: Outcome): boolean => state !== 'waiting' && state !== 'pending';

/** What a call of two needs: sound and a small picture, without anybody noticing the distance. */
const enoughKbps = 600;
const mostLossPercent = 3;
const mostRttMs = 400;

export function judge({ kbps = 0, lossPercent = 0, rttMs = 0 }: Facts): Trouble | null {
  if (lossPercent > mostLossPercent) return 'lossy';
  if (kbps < enoughKbps) return 'slow';
  return rttMs > mostRttMs ? 'far' : null;
}
