// The call: the other side fills the window, one's own picture rests in a corner.

import type { JSX } from 'preact';
import type { App } from '../app.ts';
import { ChatPanel } from './chat.tsx';
import { Hoist, initials } from './flags.tsx';
import { CallHead } from './head.tsx';
import { ChatIcon, LeaveIcon, MicIcon, ScreenIcon } from './icons.tsx';
import { useIdle } from './idle.ts';
import { MediaNotice, SettingsPanel, StatsPanel } from './panels.tsx';
import { Control, Invitation, LocalVideo, MediaControls, Sea } from './parts.tsx';
import { RemoteVideo } from './remote.tsx';
import { statusText } from './texts.ts';

function Waiting({ app }: { app: App }): JSX.Element {
  const text = statusText(app);
  const alone = app.phase === 'waiting' && !app.session?.offline && !app.session?.negotiating;
  return (
    <div class="waiting">
      <Hoist text={app.room} />
      <h1>{text}</h1>
      {app.phase === 'joining' && app.media.busy && (
        <p class="lead late">Your browser asks whether this page may use them. Without, you can still watch and listen.</p>
      )}
      {alone && (
        <>
          <p class="lead">Send this link to the person you want to talk to.</p>
          <Invitation app={app} />
        </>
      )}
      {app.session?.noRelay && (
        <p class="faint">This server offers no relay, so calls between strict networks may fail.</p>
      )}
    </div>
  );
}

export function Call({ app }: { app: App }): JSX.Element {
  const { session } = app;
  const linked = app.phase === 'connected' || app.phase === 'reconnecting';
  const idle = useIdle(app.phase === 'connected' && app.panel === 'none' && app.chat.unread === 0);
  const canShareScreen = typeof navigator.mediaDevices?.getDisplayMedia === 'function';
  const picture = app.screen !== null || (app.media.video !== null && app.media.cameraOn);
  return (
    <main
      class={`call${linked ? ' linked' : ''}${idle ? ' idle' : ''}`}
      data-open={app.panel === 'none' ? undefined : app.panel}
    >
      {!linked && <Sea />}
      <RemoteVideo app={app} dimmed={app.phase === 'reconnecting'} />
      {!linked && <Waiting app={app} />}

      {linked && <h1 class="voice">Call in {app.room}</h1>}
      <CallHead app={app} linked={linked} />

      <div class="notices">
        {app.phase === 'reconnecting' && (
          <p class="notice" data-notice="reconnecting">
            <span class="spinner" aria-hidden="true" /> Connection lost. Reconnecting…
          </p>
        )}
        {app.phase === 'connected' && session?.offline && (
          <p class="notice" data-notice="server-lost">
            The server is out of reach. Your call goes on; we keep looking for it.
          </p>
        )}
        {app.media.problem && <MediaNotice app={app} problem={app.media.problem} />}
      </div>

      <div class={`mini${app.miniHidden ? ' hidden' : ''}`}>
        <LocalVideo app={app} />
        {!picture && (
          <div class="veil">
            <Hoist text={initials(app.name) || 'A'} most={2} />
          </div>
        )}
        {app.media.audio && !app.media.micOn && (
          <span class="muted">
            <MicIcon off />
          </span>
        )}
      </div>

      {app.panel === 'chat' && <ChatPanel app={app} />}
      {app.panel === 'stats' && <StatsPanel app={app} />}
      {app.panel === 'settings' && <SettingsPanel app={app} />}

      <nav class="bar" aria-label="Call">
        <MediaControls app={app} />
        {canShareScreen && (
          <Control
            action="screen"
            label="Share your screen"
            pressed={app.screen !== null}
            {...(app.screen ? { tone: 'on' as const } : {})}
            onClick={() => void app.toggleScreen()}
          >
            <ScreenIcon />
          </Control>
        )}
        <Control
          action="chat"
          label="Chat"
          keys="t"
          pressed={app.panel === 'chat'}
          badge={app.chat.unread}
          onClick={() => app.togglePanel('chat')}
        >
          <ChatIcon />
        </Control>
        <Control action="leave" label="Leave the call" keys="q" tone="danger" onClick={() => void app.leave()}>
          <LeaveIcon />
        </Control>
      </nav>
    </main>
  );
}
