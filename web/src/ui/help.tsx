// The overview of the keys.

import { Fragment, type JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { App } from '../app.ts';
import { t } from '../texts/index.ts';
import { CloseIcon } from './icons.tsx';
import { shortcuts, type Act } from './keys.ts';

function keyName(key: string): string {
  if (key === ' ') return t.help.space;
  if (key === 'escape') return t.help.escape;
  return key.toUpperCase();
}

/** As a modal dialog of the browser: it keeps the focus, closes by Escape, and gives the focus back. */
export function KeysDialog({ app }: { app: App }): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      class="keys"
      aria-labelledby="keys-title"
      onClose={() => app.closeKeys()}
      onClick={(event) => {
        if (event.target === ref.current) app.closeKeys(); // beside it
      }}
    >
      <div>
        <header>
          <h2 id="keys-title">{t.help.title}</h2>
          <button type="button" class="remove" data-action="close-keys" aria-label={t.close} onClick={() => app.closeKeys()}>
            <CloseIcon />
          </button>
        </header>
        <dl>
          {(Object.keys(shortcuts) as Act[]).map((act) => (
            <div key={act} data-act={act}>
              <dt>{t.keys[act]}</dt>
              <dd>
                {shortcuts[act].keys.map((key, i) => (
                  <Fragment key={key}>
                    {i > 0 && ` ${t.help.or} `}
                    <kbd>{keyName(key)}</kbd>
                  </Fragment>
                ))}
              </dd>
            </div>
          ))}
        </dl>
        <p class="faint">{t.help.note}</p>
      </div>
    </dialog>
  );
}
