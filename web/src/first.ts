// Runs before anything is painted: the front page that stands in the server's answer (prerender.tsx), in the
// language of this browser.  Not where it would look different: in a room, and to who has been here before.

import { recentRooms } from './names.ts';
import { loadLanguage } from './stored.ts';

/** All languages, taken out of the page: who looks through it finds it once. */
function takeTemplates(): Map<string, Node> {
  const all = [...document.querySelectorAll('template')];
  for (const template of all) template.remove();
  return new Map(all.map(({ lang, content }) => [lang, content]));
}

function drawn(): Node | undefined {
  const fronts = takeTemplates();
  if (location.pathname !== '/' || recentRooms().length > 0) return undefined;
  const language = loadLanguage(new URLSearchParams(location.search).get('hl'));
  document.documentElement.lang = language;
  return fronts.get(language);
}

/** Longer nobody waits for a browser that does not tell, or a tab that nobody sees. */
const patienceMs = 250;

/** Only when this is seen is there time for the rest. */
const painted = () =>
  new Promise<void>((resolve) => {
    new PerformanceObserver(() => resolve()).observe({ type: 'paint', buffered: true });
    setTimeout(resolve, document.hidden ? 0 : patienceMs);
  });

export {};
const front = drawn();
if (front) {
  document.getElementById('app')?.append(front);
  await painted();
}
const rest = document.querySelector<HTMLLinkElement>('link[rel="modulepreload"]');
if (rest) await import(rest.href);
