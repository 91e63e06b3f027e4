// The upper edge of a call: where one is, with whom, how good the line is, and the rarer buttons.

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { App } from '../app.ts';
import { quality } from '../stats.ts';
import { t } from '../texts/index.ts';
import { FullscreenIcon, HandIcon, LayoutIcon, LinkIcon, LockIcon, MicIcon, PeopleIcon, SettingsIcon, StatsIcon, WeakIcon } from './icons.tsx';
import { Control, Sign } from './parts.tsx';
import { nameOf } from './texts.ts';

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

const bars = { poor: 1, fair: 2, good: 3 };

/** Of the one line there is; among more, each tile tells of its own. */
function Line({ app }: { app: App }): JSX.Element | null {
  const peers = app.session?.others ?? [];
  const [peer] = peers;
  if (!peer?.stats || peers.length > 1 || peer.stats.localType === '') return null;
  const found = app.phase === 'reconnecting' ? 'poor' : quality(peer.stats);
  return (
    <Sign kind={`quality q${bars[found]}`} label={t.call.quality(found)}>
      <i />
      <i />
      <i />
    </Sign>
  );
}

function Chips({ app, linked }: { app: App; linked: boolean }): JSX.Element {
  const { session } = app;
  const peers = session?.others ?? [];
  const only = linked && peers.length === 1 ? peers[0]?.participant : undefined;
  const muted = only?.mic === false && !only.legacy;
  const weak = only !== undefined && session?.weakSide.theirs.has(only.id) === true;
  return (
    <div class="chips">
      <span class="chip">
        <span class="room-name">{app.room}</span>
        {session?.connectedAt && <Timer since={session.connectedAt} />}
        <Line app={app} />
        {session?.room?.locked && (
          <Sign kind="locked" label={t.call.locked}>
            <LockIcon />
          </Sign>
        )}
        {peers.some(({ stats }) => stats?.relayed) && (
          <span class="badge" title={t.call.relayTitle}>
            {t.call.relay}
          </span>
        )}
      </span>
      {only && (only.name !== '' || muted || weak || only.hand) && (
        <span class="chip">
          {only.hand && (
            <Sign kind="hand" label={t.signs.handRaised}>
              <HandIcon />
            </Sign>
          )}
          <span class="peer-name">{nameOf(only.name)}</span>
          {muted && (
            <Sign kind="muted" label={t.signs.muted}>
              <MicIcon off />
            </Sign>
          )}
          {weak && (
            <Sign kind="weak" label={t.signs.weak}>
              <WeakIcon />
            </Sign>
          )}
        </span>
      )}
    </div>
  );
}

export function CallHead({ app, linked }: { app: App; linked: boolean }): JSX.Element {
  const knocks = app.session?.isHost ? app.session.knocks.length : 0;
  return (
    <header class="call-head">
      <Chips app={app} linked={linked} />
      <div class="tools" role="group" aria-label={t.call.about}>
        {linked && (
          <Control action="copy" label={t.call.copyLink} marks={app.tasks.marks('copy')} onClick={() => void app.copyLink('copy')}>
            <LinkIcon />
          </Control>
        )}
        {linked && (app.session?.peers.size ?? 0) > 1 && (
          <Control
            action="layout"
            label={t.call.layout}
            pressed={app.spotlight}
            onClick={() => app.toggleSpotlight()}
          >
            <LayoutIcon />
          </Control>
        )}
        {app.session?.me && (
          <Control
            action="people"
            label={t.call.people}
            pressed={app.panel === 'people'}
            badge={knocks}
            news={t.call.knocking(knocks)}
            onClick={() => app.togglePanel('people')}
          >
            <PeopleIcon />
          </Control>
        )}
        {document.fullscreenEnabled && (
          <Control
            action="fullscreen"
            label={t.call.fullscreen}
            pressed={app.fullscreen}
            marks={app.tasks.marks('fullscreen')}
            onClick={() => void app.toggleFullscreen()}
          >
            <FullscreenIcon on={app.fullscreen} />
          </Control>
        )}
        <Control
          action="stats"
          label={t.call.stats}
          pressed={app.panel === 'stats'}
          onClick={() => app.togglePanel('stats')}
        >
          <StatsIcon />
        </Control>
        <Control
          action="settings"
          label={t.call.settings}
          pressed={app.panel === 'settings'}
          onClick={() => app.togglePanel('settings')}
        >
          <SettingsIcon />
        </Control>
      </div>
    </header>
  );
}
