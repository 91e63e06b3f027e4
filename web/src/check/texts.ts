// What the check says, of its table in the language chosen.

import type { Transport } from '../ice.ts';
import { masked } from '../stats.ts';
import { decimal, language, type Language } from '../texts/language.ts';
import type { Findings, Remedy } from './advice.ts';
import type { Facts, Outcome, Step } from './outcome.ts';
import { de } from './words/de.ts';
import { en, type Words } from './words/en.ts';

const tables: { readonly [language in Language]: Words } = { en, de };

export const words = (): Words => tables[language];

const over: { readonly [transport in Transport]: string } = { udp: 'UDP', tcp: 'TCP', tls: 'TLS' };

function fill(text: string, blanks: { readonly [name: string]: string }): string {
  return text.replace(/\{(\w+)\}/g, (blank, name: string) => blanks[name] ?? blank);
}

/** What remedies name. */
export interface Blanks {
  /** Where the server's relays listen, such as "turn.example.org:3478"; and those for UDP alone. */
  readonly relay: string;
  readonly udp: string;
  /** The page's own host. */
  readonly host: string;
}

/** The sentences of a summary, in the order in which they matter. */
export function summary({ network, detour, line, devices, verdict }: Findings): string[] {
  const texts = words();
  const way = fill(texts.network[network], { detour: over[detour ?? 'tls'] });
  if (verdict === 'good') return [way, texts.devicesWell];
  if (verdict === 'bad') return [way]; // where there is no call, nobody misses a picture
  return [way, ...[line && texts.line[line], devices && texts.devices[devices]].filter((text) => text !== null)];
}

export const remedy = (which: Remedy, blanks: Blanks): string => fill(words().remedies[which], { ...blanks });

const short = (value: number) => decimal(value, value < 10 && !Number.isInteger(value) ? 1 : 0);

function speed({ kbps = 0, capped = false }: Facts): string {
  const value = kbps >= 1000 ? `${short(kbps / 1000)} Mbit/s` : `${short(kbps)} kbit/s`;
  return capped ? fill(words().facts.fast, { speed: value }) : value;
}

function described(step: Step, facts: Facts): string[] {
  const { width, height, address, rttMs, kbps, lossPercent, code } = facts;
  const texts = words().facts;
  return [
    width && height ? `${width} × ${height}` : '',
    address ? fill(texts.address, { address: masked(address) }) : '',
    kbps !== undefined ? speed(facts) : '',
    lossPercent !== undefined ? fill(texts.lost, { percent: short(lossPercent) }) : '',
    rttMs !== undefined ? fill(step === 'quality' ? texts.delay : texts.roundTrip, { ms: decimal(rttMs, 0) }) : '',
    facts.over ? fill(texts.over, { over: over[facts.over] }) : '',
    code ? fill(texts.code, { code }) : '',
  ].filter((text) => text !== '');
}

/** One line about one step. */
export function outcomeText(step: Step, outcome: Outcome): string {
  const { states, omissions, troubles } = words();
  switch (outcome.state) {
    case 'waiting':
    case 'pending':
      return states[outcome.state];
    case 'skipped':
      return omissions[outcome.why];
    default: {
      const why = outcome.state === 'ok' ? [] : [troubles[outcome.why]];
      const rest = [...why, ...described(step, outcome.facts ?? {})].join(', ');
      return rest === '' ? states[outcome.state] : `${states[outcome.state]}: ${rest}`;
    }
  }
}
