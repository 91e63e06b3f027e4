// The page that stands in for any other while the server does not answer (public/offline.html).

import './style/base.css';
import './style/lobby.css';
import { loadLanguage } from './stored.ts';

const againMs = 3_000;

/** The address is still the one that was asked for, with all that stands behind its #. */
function reload(): void {
  if (location.pathname === '/offline') location.replace('/'); // somebody asked for this very page
  else location.reload();
}

async function look(): Promise<void> {
  try {
    const response = await fetch('/livez', { cache: 'no-store' });
    if (response.ok) return reload();
  } catch {
    // Still nothing.
  }
  setTimeout(() => void look(), againMs);
}

/** The page itself is in English; these are its texts in order. */
const german = [
  'Der Server ist nicht zu erreichen',
  'Dein Browser hat nach dieser Seite gefragt und keine Antwort bekommen.',
  'Sieh nach, ob du mit dem Internet verbunden bist.',
  'Ein Firmennetz oder VPN kann im Weg sein: Versuche es ohne.',
  'Sonst startet der Server vielleicht gerade neu. Diese Seite geht von selbst weiter, wenn er antwortet.',
  'Noch einmal versuchen',
];

if (loadLanguage(new URLSearchParams(location.search).get('hl')) === 'de') {
  document.documentElement.lang = 'de';
  document.querySelectorAll('.end-body :is(h1, p, li, button)').forEach((element, i) => {
    element.textContent = german[i] ?? '';
  });
}

document.querySelector('[data-action="again"]')?.addEventListener('click', reload);
addEventListener('online', reload);
setTimeout(() => void look(), againMs);
