// The page that stands in for any other while the server does not answer (public/offline.html).

import './style/base.css';
import './style/lobby.css';

const againMs = 3_000;

/** The address is still the one that was asked for, with all that stands behind its #. */
const reload = () => location.reload();

async function look(): Promise<void> {
  try {
    const response = await fetch('/livez', { cache: 'no-store' });
    if (response.ok) return reload();
  } catch {
    // Still nothing.
  }
  setTimeout(() => void look(), againMs);
}

document.querySelector('[data-action="again"]')?.addEventListener('click', reload);
addEventListener('online', reload);
setTimeout(() => void look(), againMs);
