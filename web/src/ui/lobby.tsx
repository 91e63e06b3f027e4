// Before the call: who you are, how you look and sound, and which room.

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { App } from '../app.ts';
import { forgetRoom, isRoomName, recentRooms, roomFromLink, tidyRoom } from '../names.ts';
import { Brand, Hoist, initials } from './flags.tsx';
import { CloseIcon, DiceIcon, SettingsIcon } from './icons.tsx';
import { Control, LevelMeter, LocalVideo, MediaControls, Sea } from './parts.tsx';
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
              <p>{media.video ? 'Your camera is off' : media.problem ? 'No camera' : 'Starting your camera…'}</p>
            </>
          ) : (
            <>
              <p>Check how you look and sound before you join</p>
              <button type="button" class="button" data-action="preview" onClick={() => void app.preview()}>
                Turn on camera and microphone
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
          label="Camera and microphone settings"
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
      <h2 id="recent-title">Recent rooms</h2>
      <ul>
        {rooms.slice(0, 3).map((room) => (
          <li key={room}>
            <button type="button" class="recent-room" onClick={() => void app.join(room)}>
              {room}
            </button>
            <button
              type="button"
              class="remove"
              aria-label={`Forget ${room}`}
              title="Forget"
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

  const submit = (event: Event) => {
    event.preventDefault();
    const room = tidyRoom(roomFromLink(typed));
    setTyped(room);
    if (isRoomName(room)) void app.join(room);
    else setWrong(true);
  };

  return (
    <main class="lobby">
      <Sea />
      <div class="lobby-grid">
        <header class="lobby-head">
          <Brand />
          {invited ? (
            <h1>
              Ready to join? <span class="room-name">{app.room}</span>
            </h1>
          ) : (
            <h1>Talk face to face. Just share a link.</h1>
          )}
          {!invited && <p class="lead">Calls go straight from browser to browser. No account, nothing to install.</p>}
        </header>
        <div class="lobby-preview">
          <Preview app={app} />
          {app.panel === 'settings' && <SettingsPanel app={app} />}
        </div>
        <form class="lobby-form" onSubmit={submit} noValidate>
          {app.media.problem && <MediaNotice app={app} problem={app.media.problem} />}
          {!invited && (
            <div class="field">
              <label for="room">Room</label>
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
                  onInput={(event) => {
                    setTyped(event.currentTarget.value);
                    setWrong(false);
                  }}
                />
                <button
                  type="button"
                  class="inside"
                  aria-label="Suggest another name"
                  title="Suggest another name"
                  onClick={() => {
                    setTyped(app.suggestion());
                    setWrong(false);
                  }}
                >
                  <DiceIcon />
                </button>
              </div>
              {wrong && (
                <p id="room-wrong" class="wrong" role="alert" data-error="bad-room-name">
                  Five or more letters, digits, hyphens or underscores, please.
                </p>
              )}
            </div>
          )}
          <div class="field">
            <label for="name">Your name</label>
            <input
              id="name"
              name="name"
              value={app.name}
              autocomplete="name"
              maxLength={60}
              placeholder="Shown to the others"
              onInput={(event) => app.setName(event.currentTarget.value)}
            />
          </div>
          <button type="submit" class="button primary large" data-action="join">
            {app.media.problem?.what === 'both' ? 'Join without camera or microphone' : 'Join'}
          </button>
          {!invited && <RecentRooms app={app} />}
          {invited && (
            <button type="button" class="button quiet" data-action="new-room" onClick={() => app.newRoom()}>
              Another room instead
            </button>
          )}
        </form>
      </div>
    </main>
  );
}
