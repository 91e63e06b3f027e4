// The page: which screen is shown, the keys that work everywhere, and the voice for screen readers.

import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useReducer } from 'preact/hooks';
import type { App } from '../app.ts';
import { failureId, type Failure } from '../tasks.ts';
import { t } from '../texts/index.ts';
import { Call } from './call.tsx';
import { Failed, Left } from './ends.tsx';
import { KeysDialog } from './help.tsx';
import { CloseIcon } from './icons.tsx';
import { onKey } from './keys.ts';
import { Lobby } from './lobby.tsx';
import { statusText } from './texts.ts';

function Screen({ app }: { app: App }): JSX.Element {
  switch (app.phase) {
    case 'lobby':
      return <Lobby key={app.room} app={app} />;
    case 'left':
      return <Left app={app} />;
    case 'failed':
      return <Failed app={app} />;
    default:
      return <Call app={app} />;
  }
}

/** Why nothing came of a press, and what to do; what was to be copied can be selected. */
function FailureNotice({ app, task, text, toCopy }: { app: App; task: string } & Failure): JSX.Element {
  return (
    <div class="toast failure" role="alert" data-failure={task}>
      <div>
        <p id={failureId}>{text}</p>
        {toCopy !== undefined && (
          <pre class="to-copy" tabIndex={0}>
            {toCopy}
          </pre>
        )}
      </div>
      <button
        type="button"
        class="remove"
        data-action="dismiss-failure"
        aria-label={t.dismiss}
        onClick={() => app.tasks.dismiss()}
      >
        <CloseIcon />
      </button>
    </div>
  );
}

export function Page({ app }: { app: App }): JSX.Element {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  // Only when its screen is drawn is the page in a state: scripts look for buttons on this word.
  useLayoutEffect(() => {
    document.body.dataset.state = app.phase;
  }, [app.phase]);
  useEffect(() => {
    const unsubscribe = app.subscribe(() => redraw(undefined));
    const pressed = (event: KeyboardEvent) => onKey(app, event);
    addEventListener('keydown', pressed);
    app.start();
    return () => {
      unsubscribe();
      removeEventListener('keydown', pressed);
    };
  }, [app]);
  return (
    <>
      <Screen app={app} />
      {app.keysShown && <KeysDialog app={app} />}
      <p class="voice" role="status" aria-live="polite">
        {statusText(app)}
      </p>
      <div class="toasts">
        {app.tasks.failed && <FailureNotice app={app} {...app.tasks.failed} />}
        {app.toast !== '' && (
          <p class="toast" role="status">
            {app.toast}
          </p>
        )}
      </div>
    </>
  );
}
