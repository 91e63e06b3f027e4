// A look ahead, while somebody is still in front of the door: will the network let a call through?  Of the
// check's steps those that cost nearly nothing, and no more of them than it takes.

import { judgeNetwork, type NetworkFinding } from './check/advice.ts';
import { untouched, type Outcome } from './check/outcome.ts';
import { askForServers, relays, stunServers, type Transport } from './ice.ts';
import { reachRelay, reachStun, type Reach } from './probes.ts';
import type { IceServer } from './wire.ts';

/** "slower": a call will take a detour; "doubtful": perhaps there will be none. */
export type Outlook = 'well' | 'slower' | 'doubtful';

const outlooks: { readonly [finding in NetworkFinding]?: Outlook } = {
  'udp-blocked': 'slower',
  'udp-relay-down': 'slower',
  'relays-blocked': 'doubtful',
  'all-blocked': 'doubtful',
  'relay-refuses': 'doubtful',
};

async function outcome(servers: readonly IceServer[], reach: (servers: readonly IceServer[]) => Promise<Reach>): Promise<Outcome> {
  if (servers.length === 0) return { state: 'skipped', why: 'not-offered' };
  const { kind } = await reach(servers);
  if (kind === 'reached') return { state: 'ok', ms: 0 };
  return { state: 'failed', ms: 0, why: kind === 'silent' ? 'no-answer' : 'refused' };
}

/** What the server does not offer, and who may not enter, is not for the network to mend. */
export async function lookAhead(token: string | undefined): Promise<Outlook> {
  const offer = await askForServers(token);
  if (offer.kind !== 'servers') return 'well';
  const { servers } = offer;
  const relay = (over: Transport) => outcome(relays(servers, over), reachRelay);
  const udp = await relay('udp');
  if (udp.state === 'ok') return 'well';
  const [tcp, tls, stun] = await Promise.all([relay('tcp'), relay('tls'), outcome(stunServers(servers), reachStun)]);
  const ok: Outcome = { state: 'ok', ms: 0 };
  const { finding } = judgeNetwork({ ...untouched, server: ok, socket: ok, stun, udp, tcp, tls });
  return outlooks[finding] ?? 'well';
}
