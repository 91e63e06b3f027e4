// The upper edge of a call: where one is, with whom, how good the line is, and the rarer buttons.

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { App } from '../app.ts';
import { LinkIcon, MicIcon, SettingsIcon, StatsIcon } from './icons.tsx';
import { Control } from './parts.tsx';

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

function Quality({ app }: { app: App }): JSX.Element | null {
  const { stats } = app;
  if (!stats || stats.localType === '') return null;
  const trouble = Math.max((stats.rttMs ?? 0) / 250, (stats.lossPercent ?? 0) / 4);
  const bars = app.phase === 'reconnecting' || trouble > 2 ? 1 : trouble > 1 ? 2 : 3;
  const label = ['', 'poor', 'fair', 'good'][bars] ?? '';
  return (
    <span class={`quality q${bars}`} role="img" aria-label={`Connection: ${label}`} title={`Connection: ${label}`}>
      <i />
      <i />
      <i />
    </span>
  );
}

function Chips({ app, linked }: { app: App; linked: boolean }): JSX.Element {
  const { session } = app;
  const peer = linked ? (session?.link?.presence ?? null) : null;
  return (
    <div class="chips">
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
      {peer && (peer.name !== '' || !peer.mic) && (
        <span class="chip">
          <span class="peer-name">{peer.name || 'The other side'}</span>
          {!peer.mic && (
            <span class="muted" role="img" aria-label="is muted" title="Muted">
              <MicIcon off />
            </span>
          )}
        </span>
      )}
    </div>
  );
}

export function CallHead({ app, linked }: { app: App; linked: boolean }): JSX.Element {
  return (
    <header class="call-head">
      <Chips app={app} linked={linked} />
      <div class="tools" role="group" aria-label="About this call">
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
      </div>
    </header>
  );
}
