// Which languages there are, and the one chosen.  The pages have tables of their own.

export type Language = 'en' | 'de';

/** Each by its own name, for who cannot read the present one. */
export const languages: readonly (readonly [Language, string])[] = [
  ['en', 'English'],
  ['de', 'Deutsch'],
];

export let language: Language = 'en';

export function setLanguage(chosen: Language): void {
  language = chosen;
}

const known = (tag: string): Language | undefined =>
  languages.map(([code]) => code).find((code) => code === tag.toLowerCase().split(/[-_]/)[0]);

/** The first of these tags (BCP 47) that we speak. */
export function choose(wanted: readonly string[]): Language {
  return wanted.map(known).find((code) => code !== undefined) ?? 'en';
}

/** As one writes it in this language: 1.5 or 1,5. */
export function decimal(value: number, digits: number): string {
  return value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function fileSize(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${decimal(bytes / 1_000, 0)} kB` : `${decimal(bytes / 1_000_000, 1)} MB`;
}
