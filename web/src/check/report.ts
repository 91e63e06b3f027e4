// The check as text that one can hand to who runs the server: nothing in it opens a door, and of
// addresses only the half that tells the network.

import { endpointOf, stunServers, transportOf, withoutAddresses } from '../ice.ts';
import type { IceServer } from '../wire.ts';
import { judgeAll } from './advice.ts';
import { steps, type Outcome, type Outcomes, type Step } from './outcome.ts';
import { summary, words } from './texts.ts';

export interface Circumstances {
  readonly when: string;
  /** Of the page, without path, query and fragment. */
  readonly origin: string;
  readonly browser: string;
  readonly servers: readonly IceServer[];
}

/** In the same words whatever the language, for who reads many of them. */
function line(step: Step, outcome: Outcome): string {
  const why = 'why' in outcome ? [outcome.why] : [];
  const took = 'ms' in outcome ? [`${outcome.ms} ms`] : [];
  const facts = Object.entries('facts' in outcome ? (outcome.facts ?? {}) : {}).map(
    ([name, value]) => `${name}=${typeof value === 'number' ? Math.round(value * 10) / 10 : withoutAddresses(String(value))}`,
  );
  return `${step}: ${[outcome.state, ...why, ...took, ...facts].join(' ')}`;
}

/** Names of servers are public; names of users and their keys stay here. */
function serverLines(servers: readonly IceServer[]): string[] {
  const known = [...new Set(servers.flatMap(({ urls }) => urls))];
  return known.map((url) => {
    const { host, port } = endpointOf(url);
    const kind = transportOf(url) ?? (stunServers([{ urls: [url] }]).length > 0 ? 'stun' : 'unknown');
    return `  ${kind} ${withoutAddresses(host)}:${port}`;
  });
}

export function report(outcomes: Outcomes, { when, origin, browser, servers }: Circumstances): string {
  const findings = judgeAll(outcomes);
  return [
    `Ahoy check, ${when}`,
    `page: ${withoutAddresses(origin)}`,
    `browser: ${browser}`,
    '',
    `${words().verdicts[findings.verdict]}. ${summary(findings).join(' ')}`,
    '',
    ...steps.map((step) => line(step, outcomes[step])),
    '',
    'servers:',
    ...(servers.length > 0 ? serverLines(servers) : ['  none']),
    '',
  ].join('\n');
}
