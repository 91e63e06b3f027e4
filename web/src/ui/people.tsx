// Who is here, who would like to be, and what the host can do about it.

import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { App } from '../app.ts';
import type { Knock, Peer } from '../session.ts';
import type { Request, Switch } from '../wire.ts';
import { Hoist, initials } from './flags.tsx';
import { CameraIcon, DoorIcon, HandIcon, LinkIcon, LockIcon, MicIcon, MoreIcon, ScreenIcon } from './icons.tsx';
import { Panel } from './panels.tsx';
import { nameOf } from './texts.ts';

interface DoProps {
  app: App;
  action: string;
  request: Request;
  children: ComponentChildren;
}

function Do({ app, action, request, children }: DoProps): JSX.Element {
  return (
    <button type="button" class="button small" data-action={action} onClick={() => void app.manage(request)}>
      {children}
    </button>
  );
}

/** What cannot be taken back takes two presses. */
function DoTwice({ app, action, request, children, sure }: DoProps & { sure: string }): JSX.Element {
  const [asked, setAsked] = useState(false);
  return (
    <button
      type="button"
      class={`button small${asked ? ' danger' : ''}`}
      data-action={action}
      onBlur={() => setAsked(false)}
      onClick={() => {
        if (asked) void app.manage(request);
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
        <strong>{nameOf(name)}</strong> would like to join
      </p>
      <div class="row">
        <Do app={app} action="admit" request={{ type: 'admit', knock }}>
          Let in
        </Do>
        <Do app={app} action="deny" request={{ type: 'deny', knock }}>
          Decline
        </Do>
      </div>
    </div>
  );
}

function States({ mic, camera, screen, hand }: { [what in Switch]: boolean }): JSX.Element {
  return (
    <span class="states">
      {hand && (
        <span class="hand" role="img" aria-label="hand raised" title="Hand raised">
          <HandIcon />
        </span>
      )}
      {screen && (
        <span role="img" aria-label="shares a screen" title="Shares a screen">
          <ScreenIcon />
        </span>
      )}
      {!camera && (
        <span role="img" aria-label="camera off" title="Camera off">
          <CameraIcon off />
        </span>
      )}
      {!mic && (
        <span role="img" aria-label="muted" title="Muted">
          <MicIcon off />
        </span>
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

const switchOff: { readonly [what in Switch]: string } = {
  mic: 'Mute',
  camera: 'Camera off',
  screen: 'Stop sharing',
  hand: 'Lower hand',
};

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
          notes={[participant.role === 'host' && 'host', !participant.connected && 'connection lost']}
        />
        <States {...known} />
        {manageable && (
          <button
            type="button"
            class="remove"
            data-action="manage"
            aria-label={`Manage ${nameOf(participant.name)}`}
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
              {switchOff[what]}
            </Do>
          ))}
          {!legacy && (
            <Do app={app} action="make-host" request={{ type: 'host', to: id }}>
              Make host
            </Do>
          )}
          <DoTwice app={app} action="remove" request={{ type: 'remove', to: id }} sure="Really remove?">
            Remove
          </DoTwice>
        </div>
      )}
    </li>
  );
}

interface SettingProps {
  action: string;
  on: boolean;
  title: string;
  what: string;
  icon: ComponentChildren;
  onClick: () => void;
}

function Setting({ action, on, title, what, icon, onClick }: SettingProps): JSX.Element {
  return (
    <button type="button" class="setting" data-action={action} aria-pressed={on} onClick={onClick}>
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
    <section class="door" aria-label="The room">
      <Setting
        action="lock"
        on={locked}
        title="Lock"
        what="Only invite links let people in"
        icon={<LockIcon />}
        onClick={() => void app.manage({ type: 'room', locked: !locked })}
      />
      <Setting
        action="lobby"
        on={lobby}
        title="Lobby"
        what="Who has no invite link must knock"
        icon={<DoorIcon />}
        onClick={() => void app.manage({ type: 'room', lobby: !lobby })}
      />
      <button type="button" class="button" data-action="invite" onClick={() => void app.copyInvite()}>
        <LinkIcon />
        <span>Copy an invite link</span>
      </button>
      <DoTwice app={app} action="close" request={{ type: 'close' }} sure="Really end it for everybody?">
        End the call for all
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
    <Panel app={app} name="people" title={`People (${peers.length + 1}${capacity > 0 ? ` of ${capacity}` : ''})`}>
      {isHost && session.knocks.map((knock) => <Knocker key={knock.knock} app={app} {...knock} />)}
      <ul class="people">
        <li class="person">
          <div class="person-row">
            <Name name={presence.name} notes={['you', isHost && 'host']} />
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
        <button type="button" class="button" data-action="copy-link" onClick={() => void app.copyLink()}>
          <LinkIcon />
          <span>Copy link</span>
        </button>
      )}
    </Panel>
  );
}
