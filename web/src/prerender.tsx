// The front page as it stands in the server's answer, so that it is seen before any script runs: what Page
// draws for somebody of whom nothing is known.  Runs when the page is built (build.mjs).

import { renderToString } from 'preact-render-to-string';
import type { App } from './app.ts';
import { LocalMedia } from './media.ts';
import { Tasks } from './tasks.ts';
import { languages, speak, type Language } from './texts/index.ts';
import { Page } from './ui/page.tsx';

/** As much of an App as the front page looks at. */
const stranger = {
  room: '',
  name: '',
  phase: 'lobby',
  panel: 'none',
  toast: '',
  keysShown: false,
  asked: false,
  embedded: false,
  media: new LocalMedia({ camera: '', microphone: '', speaker: '' }, () => {}),
  tasks: new Tasks(() => {}),
  suggestion: () => '', // each visitor's own
} satisfies Partial<App>;

export interface Landing {
  readonly language: Language;
  readonly html: string;
}

export const landings: readonly Landing[] = languages.map(([language]) => {
  speak(language);
  return { language, html: renderToString(<Page app={stranger as unknown as App} />) };
});
