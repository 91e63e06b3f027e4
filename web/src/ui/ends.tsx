// After the call, and instead of it.

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { App } from '../app.ts';
import { Brand, Hoist } from './flags.tsx';
import { Sea } from './parts.tsx';
import { endings, explain } from './texts.ts';

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
      <button
        type="button"
        class={`button large${again ? '' : ' primary'}`}
        data-action="new-room"
        onClick={() => app.newRoom()}
      >
        New room
      </button>
    </div>
  );
}

export function Left({ app }: { app: App }): JSX.Element {
  const heading = useFocus();
  const ending = endings[app.reason];
  return (
    <main class="end" data-reason={app.reason}>
      <Sea />
      <Brand />
      <div class="end-body">
        <Hoist text="UW" />
        <h1 ref={heading} tabIndex={-1}>
          {ending?.title ?? 'You have left the call'}
        </h1>
        {ending ? (
          <p class="lead">{ending.what}</p>
        ) : (
          <p class="lead">
            The flags say U and W: <em>I wish you a pleasant voyage.</em>
          </p>
        )}
        <Choices app={app} again={ending?.again ?? 'Rejoin'} />
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
        {code !== 'unsupported' && <Choices app={app} again={again} {...reload} />}
      </div>
    </main>
  );
}
