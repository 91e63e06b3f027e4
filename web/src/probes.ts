// Whether STUN and TURN servers are within reach, tried with the browser's own ICE agent, as calls do.
// Every probe ends within its time, whatever the network does, and leaves nothing behind.

import type { IceServer } from './wire.ts';

/** Shorter than the patience of any browser's ICE agent: silence shows as gathering that does not end. */
const gatherMs = 6_000;
const relayMs = 10_000;
/** The ICE agent itself got no answer; other codes are the server's (RFC 8489, section 14.8). */
const noAnswerCode = 701;

export type Reach =
  | { readonly kind: 'reached'; readonly address: string }
  | { readonly kind: 'silent' }
  /** It answered with an error. */
  | { readonly kind: 'refused'; readonly code: number };

interface Gathered {
  /** The first candidate of the type that was asked for. */
  readonly candidate: RTCIceCandidate | null;
  readonly complete: boolean;
  /** Of the servers. */
  readonly refusal: number | null;
  /** Somebody was asked who could have answered, and did not. */
  readonly unanswered: boolean;
}

class Errors {
  refusal: number | null = null;
  unanswered = false;

  note({ errorCode, errorText }: RTCPeerConnectionIceErrorEvent): void {
    if (errorCode !== noAnswerCode) this.refusal ??= errorCode;
    // An interface without this family of addresses says nothing about the others.
    else if (!/incompatible/i.test(errorText)) this.unanswered = true;
  }
}

function connection(servers: readonly IceServer[], relayOnly: boolean): RTCPeerConnection {
  return new RTCPeerConnection({
    iceServers: servers.map((server) => ({ ...server })),
    iceTransportPolicy: relayOnly ? 'relay' : 'all',
  });
}

/** Until there is such a candidate, or there will be none. */
async function gather(servers: readonly IceServer[], type: RTCIceCandidateType): Promise<Gathered> {
  const pc = connection(servers, type === 'relay');
  const errors = new Errors();
  pc.onicecandidateerror = (event) => errors.note(event);
  try {
    const found = new Promise<{ candidate: RTCIceCandidate | null; complete: boolean }>((resolve) => {
      pc.onicecandidate = ({ candidate }) => {
        if (candidate?.type === type) resolve({ candidate, complete: false });
      };
      pc.onicegatheringstatechange = () => {
        if (pc.iceGatheringState === 'complete') resolve({ candidate: null, complete: true });
      };
      setTimeout(() => resolve({ candidate: null, complete: false }), gatherMs);
    });
    pc.createDataChannel('');
    await pc.setLocalDescription();
    return { ...(await found), refusal: errors.refusal, unanswered: errors.unanswered };
  } finally {
    pc.close();
  }
}

/** Without a NAT in between the server's answer makes no candidate: then there is only the end of gathering. */
export async function reachStun(servers: readonly IceServer[]): Promise<Reach> {
  const { candidate, complete, refusal, unanswered } = await gather(servers, 'srflx');
  if (candidate) return { kind: 'reached', address: candidate.address ?? '' };
  if (refusal !== null) return { kind: 'refused', code: refusal };
  return complete && !unanswered ? { kind: 'reached', address: '' } : { kind: 'silent' };
}

/** An allocation, which ends at once. */
export async function reachRelay(servers: readonly IceServer[]): Promise<Reach> {
  const { candidate, refusal } = await gather(servers, 'relay');
  if (candidate) return { kind: 'reached', address: candidate.address ?? '' };
  return refusal === null ? { kind: 'silent' } : { kind: 'refused', code: refusal };
}

/** Out to the relay, from there to another allocation on it, and back to this very page. */
export interface Loop {
  readonly out: RTCDataChannel;
  readonly back: RTCDataChannel;
  close(): void;
}

export type Relayed =
  | { readonly kind: 'loop'; readonly loop: Loop }
  | Exclude<Reach, { readonly kind: 'reached' }>
  /** There was an allocation, and nothing came through. */
  | { readonly kind: 'deaf' };

/** Each hears the other's candidates as soon as it has a description that they belong to. */
function introduce(from: RTCPeerConnection, to: RTCPeerConnection): () => Promise<void> {
  const early: RTCIceCandidate[] = [];
  let described = false;
  const add = (candidate: RTCIceCandidate) => to.addIceCandidate(candidate).catch(() => {});
  from.addEventListener('icecandidate', ({ candidate }) => {
    if (!candidate?.candidate) return;
    if (described) void add(candidate);
    else early.push(candidate);
  });
  return async () => {
    described = true;
    await Promise.all(early.splice(0).map(add));
  };
}

async function describe(caller: RTCPeerConnection, callee: RTCPeerConnection): Promise<void> {
  const toCallee = introduce(caller, callee);
  const toCaller = introduce(callee, caller);
  await caller.setLocalDescription();
  await callee.setRemoteDescription(caller.localDescription as RTCSessionDescription);
  await toCallee();
  await callee.setLocalDescription();
  await caller.setRemoteDescription(callee.localDescription as RTCSessionDescription);
  await toCaller();
}

/** A channel that repeats nothing and keeps no order, so that what is lost is seen to be lost. */
const lossy: RTCDataChannelInit = { ordered: false, maxRetransmits: 0 };

export async function openLoop(servers: readonly IceServer[]): Promise<Relayed> {
  const [caller, callee] = [connection(servers, true), connection(servers, true)];
  const close = () => {
    caller.close();
    callee.close();
  };
  const errors = new Errors();
  let allocated = false;
  const out = caller.createDataChannel('', lossy);
  const result = await new Promise<Relayed>((resolve) => {
    const fail = () => {
      if (allocated) resolve({ kind: 'deaf' });
      else resolve(errors.refusal === null ? { kind: 'silent' } : { kind: 'refused', code: errors.refusal });
    };
    setTimeout(fail, relayMs);
    caller.onicecandidateerror = (event) => errors.note(event);
    caller.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate?.candidate) allocated = true;
    });
    caller.onicegatheringstatechange = () => {
      if (caller.iceGatheringState === 'complete' && !allocated) fail();
    };
    callee.ondatachannel = ({ channel: back }) => {
      const opened = () => resolve({ kind: 'loop', loop: { out, back, close } });
      if (out.readyState === 'open') opened();
      else out.onopen = opened;
    };
    describe(caller, callee).catch(fail);
  });
  if (result.kind !== 'loop') close();
  return result;
}
