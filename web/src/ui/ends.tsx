// After the call, and instead of it.

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { checkPath, readKey } from '../address.ts';
import type { App } from '../app.ts';
import { t } from '../texts/index.ts';
import { Brand, Hoist } from './flags.tsx';
import { Sea } from './parts.tsx';
import { ending, explain } from './texts.ts';

/** The heading takes the focus, so that a screen reader starts there. */
function useFocus() {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => ref.current?.focus(), []);
  return ref;
}

interface ChoicesProps {
  app: App;
  /** Missing where to try again is useless. */
  again: string | undefined;
  onAgain?: () => void;
}

function Choices({ app, again, onAgain = () => app.rejoin() }: ChoicesProps): JSX.Element {
  return (
    <div class="row">
      {again && (
        <button type="button" class="button primary large" data-action="rejoin" onClick={onAgain}>
          {again}
        </button>
      )}
      {!app.embedded && (
        <button
          type="button"
          class={`button large${again ? '' : ' primary'}`}
          data-action="new-room"
          onClick={() => app.newRoom()}
        >
          {t.ends.newRoom}
        </button>
      )}
    </div>
  );
}

export function Left({ app }: { app: App }): JSX.Element {
  const heading = useFocus();
  const end = ending(app.reason);
  return (
    <main class="end" data-reason={app.reason}>
      <Sea />
      <Brand />
      <div class="end-body">
        <Hoist text="UW" />
        <h1 ref={heading} tabIndex={-1}>
          {end?.title ?? t.ends.left}
        </h1>
        {end ? (
          <p class="lead">{end.what}</p>
        ) : (
          <p class="lead">
            {t.ends.flags} <em>{t.ends.wish}</em>
          </p>
        )}
        <Choices app={app} again={end?.again ?? t.ends.rejoin} />
      </div>
    </main>
  );
}

export function Failed({ app }: { app: App }): JSX.Element {
  const heading = useFocus();
  const { code, title, what, tips, again } = explain(app.error ?? '');
  const reload = code === 'unsupported-version' ? { onAgain: () => location.reload() } : {};
  return (
    <main class="end" data-error={code}>
      <Sea />
      <Brand />
      <div class="end-body" role="alert">
        <Hoist text="NC" />
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <p class="lead">{what}</p>
        <ul class="tips">
          {tips.map((tip) => (
            <li key={tip}>{tip}</li>
          ))}
        </ul>
        {code === 'ice-failed' && (
          <p>
            <a href={checkPath(readKey(location))} target="_blank" rel="noopener">
              {t.lobby.checkNetwork}
            </a>
          </p>
        )}
        {code !== 'unsupported' && <Choices app={app} again={again} {...reload} />}
      </div>
    </main>
  );
}
