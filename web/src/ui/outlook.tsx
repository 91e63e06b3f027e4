// In front of the door: a quiet line, and only where the network will be in the way.

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { checkPath, readKey } from '../address.ts';
import { lookAhead, type Outlook } from '../ahead.ts';
import { t } from '../texts/index.ts';

/** The page and its preview go first. */
const pauseMs = 1_000;
let looked: Promise<Outlook> | null = null; // once a page

export function NetworkOutlook(): JSX.Element | null {
  const [outlook, setOutlook] = useState<Outlook>('well');
  useEffect(() => {
    let here = true;
    const timer = setTimeout(() => {
      looked ??= lookAhead(readKey(location).token);
      void looked.then((found) => here && setOutlook(found));
    }, pauseMs);
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, []);
  if (outlook === 'well') return null;
  return (
    <p class="faint" role="status" data-outlook={outlook}>
      {t.lobby.outlook[outlook]}{' '}
      <a href={checkPath(readKey(location))} target="_blank" rel="noopener">
        {t.lobby.checkNetwork}
      </a>
    </p>
  );
}
