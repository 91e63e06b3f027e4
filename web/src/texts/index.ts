// What the call page says.  `t` is the table of the language chosen: who reads it while drawing draws in
// the new language when it has changed.

import { de } from './de.ts';
import { en, type Texts } from './en.ts';
import { setLanguage, type Language } from './language.ts';

export type { Ending, EndingReason, ErrorCode, Explanation, RefusalCode, Texts } from './en.ts';
export { choose, decimal, fileSize, language, languages, type Language } from './language.ts';

const tables: { readonly [language in Language]: Texts } = { en, de };

export let t: Texts = en;

export function speak(chosen: Language): void {
  setLanguage(chosen);
  t = tables[chosen];
}
