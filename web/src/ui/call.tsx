// The call: one other fills the window, with one's own picture in a corner; more share the space.

import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { App } from '../app.ts';
import { t } from '../texts/index.ts';
import { ChatPanel } from './chat.tsx';
import { Hoist } from './flags.tsx';
import { CallHead } from './head.tsx';
import { ChatIcon, HandIcon, LeaveIcon, ScreenIcon } from './icons.tsx';
import { useIdle } from './idle.ts';
import { MediaNotice, SettingsPanel } from './panels.tsx';
import { Control, Invitation, MediaControls, Sea } from './parts.tsx';
import { Knocker, PeoplePanel } from './people.tsx';
import { Stage } from './stage.tsx';
import { StatsPanel } from './stats.tsx';
import { statusText } from './texts.ts';

/** More would cover the call; the panel shows them all. */
const mostKnockers = 2;

/** Over the call; before it, on top of what one waits for. */
function Notices({ app }: { app: App }): JSX.Element {
  const { session } = app;
  const knocks = session?.isHost ? session.knocks : [];
  return (
    <div class="notices">
      {app.phase === 'reconnecting' && (
        <p class="notice" data-notice="reconnecting">
          <span class="spinner" aria-hidden="true" /> {statusText(app)}
        </p>
      )}
      {app.phase === 'connected' && session?.offline && (
        <p class="notice" data-notice="server-lost">
          {t.call.serverLost}
        </p>
      )}
      {app.media.problem && <MediaNotice app={app} problem={app.media.problem} />}
      {app.screen && (
        <div class="notice sharing" data-notice="sharing">
          <span>{t.call.sharing}</span>
          <button type="button" class="inline" data-action="stop-sharing" onClick={() => void app.toggleScreen()}>
            {t.call.stopSharing}
          </button>
        </div>
      )}
      {app.panel !== 'people' &&
        knocks.slice(0, mostKnockers).map((knock) => (
          <div key={knock.knock} class="notice" role="alert">
            <Knocker app={app} {...knock} />
          </div>
        ))}
    </div>
  );
}

function Waiting({ app }: { app: App }): JSX.Element {
  const text = statusText(app);
  const { session } = app;
  const alone = app.phase === 'waiting' && !session?.offline && session?.peers.size === 0;
  return (
    <div class="waiting">
      <Notices app={app} />
      <Hoist text={app.room} />
      <h1>{text}</h1>
      {app.phase === 'joining' && app.media.busy && (
        <div class="late">
          <p class="lead">{t.waiting.mediaPrompt}</p>
          <button type="button" class="button" data-action="enter-now" onClick={() => app.enterNow()}>
            {t.waiting.enterNow}
          </button>
        </div>
      )}
      {app.phase === 'knocking' && !session?.offline && <p class="lead">{t.waiting.lobby}</p>}
      {alone && (
        <>
          <p class="lead">{t.waiting.invite}</p>
          <Invitation app={app} />
        </>
      )}
      {session?.noRelay && <p class="faint">{t.waiting.noRelay}</p>}
    </div>
  );
}

/** A file that is dropped is sent; beside the call it would otherwise take its place. */
function useDrop(app: App): void {
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      over(event);
      if (event.defaultPrevented && app.session?.me) app.sendFiles(event.dataTransfer?.files ?? []);
    };
    addEventListener('dragover', over);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragover', over);
      removeEventListener('drop', drop);
    };
  }, [app]);
}

export function Call({ app }: { app: App }): JSX.Element {
  const { session } = app;
  useDrop(app);
  const linked = app.phase === 'connected' || app.phase === 'reconnecting';
  const busy = app.unread > 0 || (session?.isHost === true && session.knocks.length > 0);
  const idle = useIdle(app.phase === 'connected' && app.panel === 'none' && !busy);
  const inside = session !== null && session.me !== null;
  const canShareScreen = typeof navigator.mediaDevices?.getDisplayMedia === 'function';
  return (
    <main
      class={`call${linked ? ' linked' : ''}${idle ? ' idle' : ''}`}
      data-open={app.panel === 'none' ? undefined : app.panel}
    >
      {!linked && <Sea />}
      <Stage app={app} />
      {!linked && <Waiting app={app} />}

      {linked && <h1 class="voice">{t.call.heading(app.room)}</h1>}
      <CallHead app={app} linked={linked} />

      {linked && <Notices app={app} />}

      {app.panel === 'chat' && <ChatPanel app={app} />}
      {app.panel === 'people' && <PeoplePanel app={app} />}
      {app.panel === 'stats' && <StatsPanel app={app} />}
      {app.panel === 'settings' && <SettingsPanel app={app} />}

      <nav class="bar" aria-label={t.call.bar}>
        <MediaControls app={app} />
        {canShareScreen && inside && (
          <Control
            action="screen"
            label={t.call.screen}
            pressed={app.screen !== null}
            marks={app.tasks.marks('screen')}
            {...(app.screen ? { tone: 'on' as const } : {})}
            onClick={() => void app.toggleScreen()}
          >
            <ScreenIcon />
          </Control>
        )}
        {inside && (
          <Control
            action="hand"
            label={t.call.hand}
            pressed={app.hand}
            {...(app.hand ? { tone: 'on' as const } : {})}
            onClick={() => app.toggleHand()}
          >
            <HandIcon />
          </Control>
        )}
        {inside && (
          <Control
            action="chat"
            label={t.call.chat}
            pressed={app.panel === 'chat'}
            badge={app.unread}
            news={t.call.unread(app.unread)}
            onClick={() => app.togglePanel('chat')}
          >
            <ChatIcon />
          </Control>
        )}
        <Control action="leave" label={t.call.leave} tone="danger" onClick={() => void app.leave()}>
          <LeaveIcon />
        </Control>
      </nav>
    </main>
  );
}
