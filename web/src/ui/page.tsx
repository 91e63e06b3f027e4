// The page: which screen is shown, the keys that work everywhere, and the voice for screen readers.

import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useReducer } from 'preact/hooks';
import type { App } from '../app.ts';
import { Call } from './call.tsx';
import { Failed, Left } from './ends.tsx';
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

/** AppRTC's keys, and T for text, P for people, H for the hand, V for the view. Escape closes a panel from anywhere. */
function hotkey(app: App, event: KeyboardEvent): void {
  if (event.isComposing) return;
  if (event.key === 'Escape') {
    app.closePanel();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest('input, select, textarea')) return;
  if (event.key === ' ' && target?.closest('button, a')) return; // space presses what has the focus
  const calling = !['lobby', 'left', 'failed'].includes(app.phase);
  const inside = app.session !== null && app.session.me !== null;
  switch (event.key.toLowerCase()) {
    case ' ':
    case 'm':
      if (app.media.audio) void app.toggleMic();
      break;
    case 'c':
      if (app.media.video) void app.toggleCamera();
      break;
    case 'f':
      void app.toggleFullscreen();
      break;
    case 't':
      if (inside) app.togglePanel('chat');
      break;
    case 'p':
      if (inside) app.togglePanel('people');
      break;
    case 'h':
      if (inside) app.toggleHand();
      break;
    case 'v':
      if (app.session && app.session.peers.size > 1) app.toggleSpotlight();
      break;
    case 'i':
      if (calling) app.togglePanel('stats');
      break;
    case 'l':
      if (calling) app.toggleMini();
      break;
    case 'q':
      if (calling) void app.leave();
      break;
    default:
      return;
  }
  event.preventDefault();
}

export function Page({ app }: { app: App }): JSX.Element {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  // Only when its screen is drawn is the page in a state: scripts look for buttons on this word.
  useLayoutEffect(() => {
    document.body.dataset.state = app.phase;
  }, [app.phase]);
  useEffect(() => {
    const unsubscribe = app.subscribe(() => redraw(undefined));
    const onKey = (event: KeyboardEvent) => hotkey(app, event);
    addEventListener('keydown', onKey);
    app.start();
    return () => {
      unsubscribe();
      removeEventListener('keydown', onKey);
    };
  }, [app]);
  return (
    <>
      <Screen app={app} />
      <p class="voice" role="status" aria-live="polite">
        {statusText(app)}
      </p>
      {app.toast !== '' && (
        <p class="toast" role="status">
          {app.toast}
        </p>
      )}
    </>
  );
}
