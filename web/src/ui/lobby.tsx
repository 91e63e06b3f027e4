// Before the call: who you are, how you look and sound, and which room.

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { App } from '../app.ts';
import { forgetRoom, isRoomName, madeRoom, recentRooms, roomFromLink, tidyRoom } from '../names.ts';
import { t } from '../texts/index.ts';
import { Brand, Hoist, initials } from './flags.tsx';
import { CloseIcon, DiceIcon, SettingsIcon } from './icons.tsx';
import { Control, LevelMeter, LocalVideo, MediaControls, Sea } from './parts.tsx';
import { NetworkOutlook } from './outlook.tsx';
import { MediaNotice, SettingsPanel } from './panels.tsx';

function Preview({ app }: { app: App }): JSX.Element {
  const { media } = app;
  const seen = media.video !== null && media.cameraOn;
  return (
    <div class="preview">
      <LocalVideo app={app} />
      {!seen && (
        <div class="veil">
          {app.asked ? (
            <>
              <Hoist text={initials(app.name) || 'A'} most={2} />
              <p>{media.video ? t.lobby.cameraOff : media.busy ? t.lobby.starting : t.lobby.noCamera}</p>
            </>
          ) : (
            <>
              <p>{t.lobby.check}</p>
              <button type="button" class="button" data-action="preview" onClick={() => void app.preview()}>
                {t.lobby.turnOn}
              </button>
            </>
          )}
        </div>
      )}
      <div class="preview-bar">
        <LevelMeter track={media.micOn ? media.audio : null} />
        <div class="row">
          <MediaControls app={app} />
        </div>
        <Control
          action="settings"
          label={t.call.settings}
          pressed={app.panel === 'settings'}
          onClick={() => app.togglePanel('settings')}
        >
          <SettingsIcon />
        </Control>
      </div>
    </div>
  );
}

function RecentRooms({ app }: { app: App }): JSX.Element | null {
  const [rooms, setRooms] = useState(recentRooms);
  if (rooms.length === 0) return null;
  return (
    <section class="recent" aria-labelledby="recent-title">
      <h2 id="recent-title">{t.lobby.recent}</h2>
      <ul>
        {rooms.slice(0, 3).map((room) => (
          <li key={room}>
            <button type="button" class="recent-room" onClick={() => void app.join(room)}>
              {room}
            </button>
            <button
              type="button"
              class="remove"
              aria-label={t.lobby.forgetRoom(room)}
              title={t.lobby.forget}
              onClick={() => {
                forgetRoom(room);
                setRooms(recentRooms());
              }}
            >
              <CloseIcon />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Lobby({ app }: { app: App }): JSX.Element {
  const invited = app.room !== '';
  const [typed, setTyped] = useState(() => app.room || app.suggestion());
  const [wrong, setWrong] = useState(false);
  const made = useRef(Promise.resolve<string | null>(null)); // the server's proposal instead of ours

  const askServer = () => {
    const asked = madeRoom();
    made.current = asked;
    void asked.then((room) => room !== null && made.current === asked && setTyped(room));
  };
  const type = (text: string) => {
    made.current = Promise.resolve(null);
    setTyped(text);
    setWrong(false);
  };
  useEffect(() => {
    if (!invited) askServer();
  }, [invited]);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (invited) return void app.join(app.room); // good or not: it is not ours to change
    await app.tasks.run('join', async () => {
      const room = (await made.current) ?? tidyRoom(roomFromLink(typed));
      setTyped(room);
      if (isRoomName(room)) void app.join(room);
      else setWrong(true);
      return null;
    });
  };

  return (
    <main class="lobby">
      <Sea />
      <div class="lobby-grid">
        <header class="lobby-head">
          <Brand />
          {invited ? (
            <h1>
              {t.lobby.ready} <span class="room-name">{app.room}</span>
            </h1>
          ) : (
            <h1>{t.lobby.heading}</h1>
          )}
          {!invited && <p class="lead">{t.lobby.lead}</p>}
        </header>
        <div class="lobby-preview">
          <Preview app={app} />
          {app.panel === 'settings' && <SettingsPanel app={app} />}
        </div>
        <form class="lobby-form" onSubmit={(event) => void submit(event)} noValidate>
          {app.media.problem && <MediaNotice app={app} problem={app.media.problem} />}
          {!invited && (
            <div class="field">
              <label for="room">{t.lobby.room}</label>
              <div class="input-with-button">
                <input
                  id="room"
                  name="room"
                  value={typed}
                  autocomplete="off"
                  autocapitalize="none"
                  spellcheck={false}
                  maxLength={200}
                  aria-invalid={wrong}
                  aria-describedby={wrong ? 'room-wrong' : undefined}
                  onFocus={(event) => event.currentTarget.select()}
                  onInput={(event) => type(event.currentTarget.value)}
                />
                <button
                  type="button"
                  class="inside"
                  aria-label={t.lobby.suggest}
                  title={t.lobby.suggest}
                  onClick={() => {
                    type(app.suggestion());
                    askServer();
                  }}
                >
                  <DiceIcon />
                </button>
              </div>
              {wrong ? (
                <p id="room-wrong" class="wrong" role="alert" data-error="bad-room-name">
                  {t.lobby.wrongRoom}
                </p>
              ) : (
                <p class="wrong">{'\u00a0'}</p> // its place: nothing below moves from under the pointer
              )}
            </div>
          )}
          <div class="field">
            <label for="name">{t.settings.name}</label>
            <input
              id="name"
              name="name"
              value={app.name}
              autocomplete="name"
              maxLength={60}
              placeholder={t.settings.namePlaceholder}
              onInput={(event) => app.setName(event.currentTarget.value)}
            />
          </div>
          <button type="submit" class="button primary large" data-action="join" {...app.tasks.marks('join')}>
            {app.media.problem?.what === 'both' ? t.lobby.joinBare : t.lobby.join}
          </button>
          <NetworkOutlook />
          {!invited && <RecentRooms app={app} />}
          {invited && !app.embedded && (
            <button type="button" class="button quiet" data-action="new-room" onClick={() => app.newRoom()}>
              {t.lobby.another}
            </button>
          )}
        </form>
      </div>
    </main>
  );
}
