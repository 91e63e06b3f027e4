// What the browser remembers for the page; without storage the page forgets, and nothing else.

import type { DeviceChoice } from './media.ts';
import { choose, type Language } from './texts/language.ts';

/** By name: where storage is blocked, as in frames it may be, already to look at it throws. */
type Store = 'localStorage' | 'sessionStorage';

export function load(store: Store, key: string): string {
  try {
    return globalThis[store].getItem(key) ?? '';
  } catch {
    return '';
  }
}

export function save(store: Store, key: string, value: string): void {
  try {
    if (value === '') globalThis[store].removeItem(key);
    else globalThis[store].setItem(key, value);
  } catch {
    // As above.
  }
}

const devicesKey = 'devices';

export function loadDevices(): DeviceChoice {
  const choice: DeviceChoice = { camera: '', microphone: '', speaker: '' };
  try {
    const stored: unknown = JSON.parse(load('localStorage', devicesKey) || '{}');
    for (const key of ['camera', 'microphone', 'speaker'] as const) {
      const value = (stored as Partial<Record<string, unknown>>)[key];
      if (typeof value === 'string') choice[key] = value;
    }
  } catch {
    // As if nothing had been chosen.
  }
  return choice;
}

export function saveDevices(choice: DeviceChoice): void {
  save('localStorage', devicesKey, JSON.stringify(choice));
}

const languageKey = 'language';

/** The one that was chosen, then the one that the address asks for, then the browser's. */
export function loadLanguage(asked: string | null): Language {
  return choose([load('localStorage', languageKey), asked ?? '', ...navigator.languages]);
}

export function saveLanguage(chosen: Language): void {
  save('localStorage', languageKey, chosen);
}
