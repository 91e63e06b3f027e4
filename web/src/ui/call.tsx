// The call: the other side fills the window, one's own picture rests in a corner.

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { App } from '../app.ts';
import { Hoist, initials } from './flags.tsx';
import { LeaveIcon, LinkIcon, MicIcon, ScreenIcon, SettingsIcon, StatsIcon } from './icons.tsx';
import { Control, Invitation, LocalVideo, MediaControls, Sea } from './parts.tsx';
import { MediaNotice, SettingsPanel, StatsPanel } from './panels.tsx';

const idleMs = 4_000;

export function statusText(app: App): string {
  const { session } = app;
  switch (app.phase) {
    case 'joining':
      return app.session ? 'Joining…' : 'Waiting for your camera and microphone…';
    case 'waiting':
      if (session?.offline) return 'Looking for the server…';
      if (session?.negotiating || (session?.link && session.link.state !== 'new')) return 'Connecting…';
      return session?.peerLeft ? 'The other side left. Waiting for someone to join.' : 'Waiting for someone to join';
    case 'connected':
      return session?.offline ? 'Connected, but the server is out of reach' : 'Connected';
    case 'reconnecting':
      return 'Connection lost. Reconnecting…';
    default:
      return '';
  }
}

/** Controls rest while nothing moves, so that only the person remains. */
function useIdle(active: boolean): boolean {
  const [idle, setIdle] = useState(false);
  useEffect(() => {
    setIdle(false);
    if (!active) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stir = () => {
      setIdle(false);
      clearTimeout(timer);
      timer = setTimeout(() => setIdle(true), idleMs);
    };
    const events = ['pointermove', 'pointerdown', 'keydown', 'focusin'] as const;
    for (const event of events) addEventListener(event, stir);
    stir();
    return () => {
      clearTimeout(timer);
      for (const event of events) removeEventListener(event, stir);
    };
  }, [active]);
  return idle;
}

function Timer({ since }: { since: number }): JSX.Element {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.floor((now - since) / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const text = `${hours > 0 ? `${hours}:` : ''}${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return <span class="timer">{text}</span>;
}

function RemoteVideo({ app, dimmed }: { app: App; dimmed: boolean }): JSX.Element {
  const ref = useRef<HTMLVideoElement>(null);
  const [blocked, setBlocked] = useState(false);
  const [playing, setPlaying] = useState(false);
  const [portrait, setPortrait] = useState(false);
  const link = app.session?.link ?? null;
  const stream = link && link.remote.getTracks().length > 0 ? link.remote : null;
  const tracks = stream?.getTracks().map((t) => t.id).join() ?? '';
  const { speaker } = app.devices;

  const play = () => {
    ref.current?.play().then(
      () => setBlocked(false),
      (error: unknown) => setBlocked(error instanceof Error && error.name === 'NotAllowedError'),
    );
  };
  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    if (video.srcObject !== stream) {
      setPlaying(false);
      video.srcObject = stream;
    }
    if (stream) play();
  }, [stream, tracks]);
  useEffect(() => {
    const video = ref.current;
    if (speaker !== '' && video && 'setSinkId' in video) video.setSinkId(speaker).catch(() => {});
  }, [speaker]);

  const hasPicture = link?.presence ? link.presence.camera : true;
  const seen = playing && hasPicture && (ref.current?.videoWidth ?? 0) > 0;
  const name = link?.presence?.name ?? '';
  const linked = app.phase === 'connected' || app.phase === 'reconnecting';
  return (
    <>
      <video
        ref={ref}
        data-peer="1"
        class={`${playing ? 'active' : ''}${seen ? ' seen' : ''}${dimmed ? ' dimmed' : ''}${portrait ? ' portrait' : ''}`}
        autoplay
        playsInline
        aria-label={name ? `Picture of ${name}` : 'Picture of the other side'}
        onPlaying={() => setPlaying(true)}
        onEmptied={() => setPlaying(false)}
        onResize={(event: Event) => {
          const { videoWidth, videoHeight } = event.currentTarget as HTMLVideoElement;
          setPortrait(videoHeight > videoWidth);
        }}
      />
      {linked && !seen && (
        <div class="no-picture">
          <Hoist text={initials(name) || 'A'} most={2} />
          <p class="who">{name || 'The other side'}</p>
          <p class="faint">{playing && !hasPicture ? 'Camera is off' : 'No picture yet'}</p>
        </div>
      )}
      {blocked && (
        <button type="button" class="button primary unblock" data-action="play" onClick={play}>
          Tap to see and hear
        </button>
      )}
    </>
  );
}

function Quality({ app }: { app: App }): JSX.Element | null {
  const { stats } = app;
  if (!stats || stats.localType === '') return null;
  const trouble = Math.max((stats.rttMs ?? 0) / 250, (stats.lossPercent ?? 0) / 4);
  const bars = trouble > 2 ? 1 : trouble > 1 ? 2 : 3;
  const label = ['', 'poor', 'fair', 'good'][bars] ?? '';
  return (
    <span class={`quality q${bars}`} role="img" aria-label={`Connection: ${label}`} title={`Connection: ${label}`}>
      <i />
      <i />
      <i />
    </span>
  );
}

function Waiting({ app }: { app: App }): JSX.Element {
  const text = statusText(app);
  const alone = app.phase === 'waiting' && !app.session?.offline && !app.session?.negotiating;
  return (
    <div class="waiting">
      <Hoist text={app.room} />
      <h1>{text}</h1>
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
  const idle = useIdle(app.phase === 'connected' && app.panel === 'none');
  const peer = session?.link?.presence ?? null;
  const canShareScreen = typeof navigator.mediaDevices?.getDisplayMedia === 'function';
  const picture = app.screen !== null || (app.media.video !== null && app.media.cameraOn);
  return (
    <main class={`call${linked ? ' linked' : ''}${idle ? ' idle' : ''}`}>
      {!linked && <Sea />}
      <RemoteVideo app={app} dimmed={app.phase === 'reconnecting'} />
      {!linked && <Waiting app={app} />}

      <header class="call-head">
        <span class="chip">
          <span class="room-name">{app.room}</span>
          {session?.connectedAt && <Timer since={session.connectedAt} />}
          <Quality app={app} />
          {app.stats?.relayed && (
            <span class="badge" title="Sound and picture go through the server's relay">
              relay
            </span>
          )}
        </span>
        {linked && (peer?.name || peer?.mic === false) && (
          <span class="chip">
            {peer.name || 'The other side'}
            {!peer.mic && (
              <span class="muted" role="img" aria-label="is muted" title="Muted">
                <MicIcon off />
              </span>
            )}
          </span>
        )}
      </header>

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
        {app.media.problem && !linked && <MediaNotice app={app} problem={app.media.problem} />}
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
        {linked && (
          <Control action="copy" label="Copy the link to this room" onClick={() => void app.copyLink()}>
            <LinkIcon />
          </Control>
        )}
        <Control
          action="stats"
          label="Connection details"
          keys="i"
          pressed={app.panel === 'stats'}
          onClick={() => app.togglePanel('stats')}
        >
          <StatsIcon />
        </Control>
        <Control
          action="settings"
          label="Settings"
          pressed={app.panel === 'settings'}
          onClick={() => app.togglePanel('settings')}
        >
          <SettingsIcon />
        </Control>
        <Control action="leave" label="Leave the call" keys="q" tone="danger" onClick={() => void app.leave()}>
          <LeaveIcon />
        </Control>
      </nav>
    </main>
  );
}
