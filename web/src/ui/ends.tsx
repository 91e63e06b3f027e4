// After the call, and instead of it.

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { App } from '../app.ts';
import { Brand, Hoist } from './flags.tsx';
import { Sea } from './parts.tsx';
import { explanations } from './texts.ts';

/** The heading takes the focus, so that a screen reader starts there. */
function useFocus() {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => ref.current?.focus(), []);
  return ref;
}

function Choices({ app, again, retry }: { app: App; again: string; retry: boolean }): JSX.Element {
  return (
    <div class="row">
      {retry && (
        <button type="button" class="button primary large" data-action="rejoin" onClick={() => app.rejoin()}>
          {again}
        </button>
      )}
      <button
        type="button"
        class={`button large${retry ? '' : ' primary'}`}
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
  return (
    <main class="end">
      <Sea />
      <Brand />
      <div class="end-body">
        <Hoist text="UW" />
        <h1 ref={heading} tabIndex={-1}>
          You have left the call
        </h1>
        <p class="lead">
          The flags say U and W: <em>I wish you a pleasant voyage.</em>
        </p>
        <Choices app={app} again="Rejoin" retry />
      </div>
    </main>
  );
}

export function Failed({ app }: { app: App }): JSX.Element {
  const heading = useFocus();
  const code = app.error ?? 'server-refused';
  const { title, what, tips } = explanations[code];
  const hopeless = code === 'unsupported';
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
        {!hopeless && <Choices app={app} again="Try again" retry={code !== 'bad-room-name'} />}
      </div>
    </main>
  );
}
