// The language of the page.  `t` is the table of the one chosen: who reads it while drawing draws in
// the new language when it has changed.

import { de } from './de.ts';
import { en, type Texts } from './en.ts';

export type { Ending, EndingReason, ErrorCode, Explanation, RefusalCode, Texts } from './en.ts';

export type Language = 'en' | 'de';

const tables: { readonly [language in Language]: Texts } = { en, de };

/** Each by its own name, for who cannot read the present one. */
export const languages: readonly (readonly [Language, string])[] = [
  ['en', 'English'],
  ['de', 'Deutsch'],
];

export let t: Texts = en;
export let language: Language = 'en';

const known = (tag: string): Language | undefined =>
  languages.map(([code]) => code).find((code) => code === tag.toLowerCase().split(/[-_]/)[0]);

/** The first of these tags (BCP 47) that we speak. */
export function choose(wanted: readonly string[]): Language {
  return wanted.map(known).find((code) => code !== undefined) ?? 'en';
}

export function speak(chosen: Language): void {
  language = chosen;
  t = tables[chosen];
}

/** As one writes it in this language: 1.5 or 1,5. */
export function decimal(value: number, digits: number): string {
  return value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
