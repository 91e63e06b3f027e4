// The check as text that one can hand to who runs the server: nothing in it opens a door, and of
// addresses only the half that tells the network.

import { endpointOf, masked, stunServers, transportOf } from '../ice.ts';
import type { IceServer } from '../wire.ts';
import { judgeAll } from './advice.ts';
import { steps, type Facts, type Outcome, type Outcomes } from './outcome.ts';
import { outcomeText, summary, texts } from './texts.ts';

export interface Circumstances {
  readonly when: string;
  /** Of the page, without path, query and fragment. */
  readonly origin: string;
  readonly browser: string;
  readonly servers: readonly IceServer[];
}

const facts = (outcome: Outcome): Facts => ('facts' in outcome ? (outcome.facts ?? {}) : {});

/** Names of servers are public; names of users and their keys stay here. */
function serverLines(servers: readonly IceServer[]): string[] {
  const known = [...new Set(servers.flatMap(({ urls }) => urls))];
  return known.map((url) => {
    const { host, port } = endpointOf(url);
    const kind = transportOf(url) ?? (stunServers([{ urls: [url] }]).length > 0 ? 'stun' : 'unknown');
    return `  ${kind} ${masked(host)}:${port}`;
  });
}

export function report(outcomes: Outcomes, { when, origin, browser, servers }: Circumstances): string {
  const findings = judgeAll(outcomes);
  const lines = steps.map((step) => {
    const outcome = outcomes[step];
    const time = 'ms' in outcome ? ` (${outcome.ms} ms)` : '';
    const { jitterMs } = facts(outcome);
    const jitter = jitterMs === undefined ? '' : `, jitter ${jitterMs} ms`;
    return `${step}: ${outcomeText(step, outcome)}${jitter}${time}`;
  });
  return [
    `Ahoy check, ${when}`,
    `page: ${masked(origin)}`,
    `browser: ${browser}`,
    '',
    `${texts.verdicts[findings.verdict]}. ${summary(findings).join(' ')}`,
    '',
    ...lines,
    '',
    'servers:',
    ...(servers.length > 0 ? serverLines(servers) : ['  none']),
    '',
  ].join('\n');
}
