// Who is here, who would like to be, and what the host can do about it.

import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { App } from '../app.ts';
import type { Knock, Peer } from '../session.ts';
import { t } from '../texts/index.ts';
import type { Request, Switch } from '../wire.ts';
import { Hoist, initials } from './flags.tsx';
import { CameraIcon, DoorIcon, HandIcon, LinkIcon, LockIcon, MicIcon, MoreIcon, ScreenIcon } from './icons.tsx';
import { Panel } from './panels.tsx';
import { Sign } from './parts.tsx';
import { nameOf } from './texts.ts';

interface DoProps {
  app: App;
  action: string;
  request: Request;
  children: ComponentChildren;
}

/** One action, towards one person or knock. */
function taskOf(action: string, request: Request): string {
  const whom = 'to' in request ? request.to : 'knock' in request ? request.knock : '';
  return `${action} ${whom}`.trim();
}

function Do({ app, action, request, children }: DoProps): JSX.Element {
  const task = taskOf(action, request);
  return (
    <button
      type="button"
      class="button small"
      data-action={action}
      {...app.tasks.marks(task)}
      onClick={() => void app.manage(task, request)}
    >
      {children}
    </button>
  );
}

/** What cannot be taken back takes two presses. */
function DoTwice({ app, action, request, children, sure }: DoProps & { sure: string }): JSX.Element {
  const [asked, setAsked] = useState(false);
  const task = taskOf(action, request);
  return (
    <button
      type="button"
      class={`button small${asked ? ' danger' : ''}`}
      data-action={action}
      {...app.tasks.marks(task)}
      onBlur={() => setAsked(false)}
      onClick={() => {
        if (asked) void app.manage(task, request);
        setAsked(!asked);
      }}
    >
      {asked ? sure : children}
    </button>
  );
}

export function Knocker({ app, knock, name }: { app: App } & Knock): JSX.Element {
  return (
    <div class="knocker" data-knock={knock}>
      <p>
        <strong>{nameOf(name)}</strong> {t.people.wouldJoin}
      </p>
      <div class="row">
        <Do app={app} action="admit" request={{ type: 'admit', knock }}>
          {t.people.admit}
        </Do>
        <Do app={app} action="deny" request={{ type: 'deny', knock }}>
          {t.people.deny}
        </Do>
      </div>
    </div>
  );
}

function States({ mic, camera, screen, hand }: { [what in Switch]: boolean }): JSX.Element {
  return (
    <span class="states">
      {hand && (
        <Sign kind="hand" label={t.signs.handRaised}>
          <HandIcon />
        </Sign>
      )}
      {screen && (
        <Sign label={t.signs.sharing}>
          <ScreenIcon />
        </Sign>
      )}
      {!camera && (
        <Sign label={t.signs.cameraOff}>
          <CameraIcon off />
        </Sign>
      )}
      {!mic && (
        <Sign label={t.signs.muted}>
          <MicIcon off />
        </Sign>
      )}
    </span>
  );
}

function Name({ name, notes }: { name: string; notes: readonly (string | false)[] }): JSX.Element {
  const said = notes.filter((note) => note !== false);
  return (
    <span class="person-name">
      <Hoist text={initials(name) || 'A'} most={1} />
      <span class="peer-name">{nameOf(name)}</span>
      {said.length > 0 && <span class="faint">{said.join(', ')}</span>}
    </span>
  );
}

function Person({ app, peer }: { app: App; peer: Peer }): JSX.Element {
  const [open, setOpen] = useState(false);
  const { participant } = peer;
  const { id, legacy } = participant;
  const manageable = app.session?.isHost === true;
  const on = (['mic', 'camera', 'screen', 'hand'] as const).filter((what) => participant[what] && !legacy);
  const known = legacy ? { mic: true, camera: true, screen: false, hand: false } : participant;
  return (
    <li class="person" data-participant={id}>
      <div class="person-row">
        <Name
          name={participant.name}
          notes={[participant.role === 'host' && t.people.host, !participant.connected && !legacy && t.people.lost]}
        />
        <States {...known} />
        {manageable && (
          <button
            type="button"
            class="remove"
            data-action="manage"
            aria-label={t.people.manage(nameOf(participant.name))}
            aria-expanded={open}
            onClick={() => setOpen(!open)}
          >
            <MoreIcon />
          </button>
        )}
      </div>
      {manageable && open && (
        <div class="row">
          {on.map((what) => (
            <Do key={what} app={app} action={`ask-${what}`} request={{ type: 'mute', to: id, what }}>
              {t.people.switchOff[what]}
            </Do>
          ))}
          {!legacy && (
            <Do app={app} action="make-host" request={{ type: 'host', to: id }}>
              {t.people.makeHost}
            </Do>
          )}
          <DoTwice app={app} action="remove" request={{ type: 'remove', to: id }} sure={t.people.reallyRemove}>
            {t.people.remove}
          </DoTwice>
        </div>
      )}
    </li>
  );
}

interface SettingProps {
  app: App;
  action: 'lock' | 'lobby';
  on: boolean;
  request: Request;
  title: string;
  what: string;
  icon: ComponentChildren;
}

function Setting({ app, action, on, request, title, what, icon }: SettingProps): JSX.Element {
  return (
    <button
      type="button"
      class="setting"
      data-action={action}
      aria-pressed={on}
      {...app.tasks.marks(action)}
      onClick={() => void app.manage(action, request)}
    >
      {icon}
      <span>
        <strong>{title}</strong>
        <span class="faint">{what}</span>
      </span>
      <i class="toggle" aria-hidden="true" />
    </button>
  );
}

function Door({ app }: { app: App }): JSX.Element | null {
  const room = app.session?.room;
  if (!room) return null;
  const { locked, lobby } = room;
  return (
    <section class="door" aria-label={t.people.room}>
      <Setting
        app={app}
        action="lock"
        on={locked}
        request={{ type: 'room', locked: !locked }}
        title={t.people.lock}
        what={t.people.lockWhat}
        icon={<LockIcon />}
      />
      <Setting
        app={app}
        action="lobby"
        on={lobby}
        request={{ type: 'room', lobby: !lobby }}
        title={t.people.lobby}
        what={t.people.lobbyWhat}
        icon={<DoorIcon />}
      />
      <button
        type="button"
        class="button"
        data-action="invite"
        {...app.tasks.marks('invite')}
        onClick={() => void app.copyInvite()}
      >
        <LinkIcon />
        <span>{t.people.invite}</span>
      </button>
      <DoTwice app={app} action="close" request={{ type: 'close' }} sure={t.people.reallyClose}>
        {t.people.closeRoom}
      </DoTwice>
    </section>
  );
}

export function PeoplePanel({ app }: { app: App }): JSX.Element {
  const { session, presence } = app;
  const peers = session?.others ?? [];
  const isHost = session?.isHost === true;
  const capacity = session?.room?.capacity ?? 0;
  return (
    <Panel app={app} name="people" title={t.people.title(peers.length + 1, capacity)}>
      {isHost && session.knocks.map((knock) => <Knocker key={knock.knock} app={app} {...knock} />)}
      <ul class="people">
        <li class="person">
          <div class="person-row">
            <Name name={presence.name} notes={[t.people.you, isHost && t.people.host]} />
            <States {...presence} />
          </div>
        </li>
        {peers.map((peer) => (
          <Person key={peer.participant.id} app={app} peer={peer} />
        ))}
      </ul>
      {isHost ? (
        <Door app={app} />
      ) : (
        <button
          type="button"
          class="button"
          data-action="copy-link"
          {...app.tasks.marks('copy-link')}
          onClick={() => void app.copyLink('copy-link')}
        >
          <LinkIcon />
          <span>{t.waiting.copy}</span>
        </button>
      )}
    </Panel>
  );
}
