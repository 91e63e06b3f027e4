// What opens beside the call: notices, devices.

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { App } from '../app.ts';
import { browserOf } from '../browser.ts';
import type { DeviceChoice, MediaProblem } from '../media.ts';
import { busy, type Marks } from '../tasks.ts';
import { choose, language, languages, t } from '../texts/index.ts';
import { CloseIcon } from './icons.tsx';

export function MediaNotice({ app, problem }: { app: App; problem: MediaProblem }): JSX.Element {
  const { title, what, tip } = t.media[problem.code];
  return (
    <div class="notice" role="alert" data-error={problem.code}>
      <p>
        <strong>{title(problem.what)}.</strong> {what} {tip(browserOf(navigator.userAgent))}
      </p>
      <div class="row">
        {problem.code !== 'media-unavailable' && (
          <button
            type="button"
            class="inline"
            data-action="retry-media"
            {...busy(app.media.busy)}
            onClick={() => void app.preview()}
          >
            {app.media.busy ? t.trying : t.again}
          </button>
        )}
        {app.phase !== 'lobby' && (
          <button type="button" class="inline" data-action="dismiss" onClick={() => app.media.acknowledge()}>
            {t.dismiss}
          </button>
        )}
      </div>
    </div>
  );
}

interface PanelProps {
  app: App;
  name: string;
  title: string;
  children: ComponentChildren;
}

export function Panel({ app, name, title, children }: PanelProps): JSX.Element {
  const ref = useRef<HTMLElement>(null);
  useEffect(() => {
    const opener = document.activeElement;
    // A finger would only bring up the keyboard and hide what is to be read.
    const field = matchMedia('(pointer: fine)').matches ? ref.current?.querySelector('textarea') : null;
    (field ?? ref.current)?.focus();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  return (
    <aside ref={ref} class="panel" data-panel={name} tabIndex={-1} aria-label={title}>
      <header>
        <h2>{title}</h2>
        <button type="button" class="remove" aria-label={t.close} onClick={() => app.closePanel()}>
          <CloseIcon />
        </button>
      </header>
      {children}
    </aside>
  );
}

interface Kind {
  readonly key: keyof DeviceChoice;
  readonly kind: MediaDeviceKind;
}
const kinds: readonly Kind[] = [
  { key: 'camera', kind: 'videoinput' },
  { key: 'microphone', kind: 'audioinput' },
  { key: 'speaker', kind: 'audiooutput' },
];

/** Of a choice that is being carried out. */
function marksOf({ media, tasks }: App, key: keyof DeviceChoice): Marks {
  if (key === 'speaker') return tasks.marks('speaker');
  return busy(media.pending.has(key === 'camera' ? 'video' : 'audio'));
}

export function SettingsPanel({ app }: { app: App }): JSX.Element {
  const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
  const { stream } = app.media;
  useEffect(() => {
    const { mediaDevices } = navigator;
    if (!mediaDevices) return;
    const list = () => void mediaDevices.enumerateDevices().then(setDevices, () => {});
    list();
    mediaDevices.addEventListener('devicechange', list);
    return () => mediaDevices.removeEventListener('devicechange', list);
  }, [stream]);
  const inUse = (key: keyof DeviceChoice) => {
    const track = key === 'camera' ? app.media.video : key === 'microphone' ? app.media.audio : null;
    return track?.getSettings().deviceId ?? app.devices[key];
  };
  return (
    <Panel app={app} name="settings" title={t.settings.title}>
      {kinds.map(({ key, kind }) => {
        const label = t.settings[key];
        const list = devices.filter((d) => d.kind === kind && d.deviceId !== '');
        if (key === 'speaker' && (list.length === 0 || !('setSinkId' in HTMLMediaElement.prototype))) return null;
        return (
          <div class="field" key={key}>
            <label for={`device-${key}`}>{label}</label>
            <select
              id={`device-${key}`}
              disabled={list.length === 0}
              {...marksOf(app, key)}
              value={list.find((d) => d.deviceId === inUse(key))?.deviceId ?? list[0]?.deviceId ?? ''}
              onChange={(event) => void app.chooseDevice(key, event.currentTarget.value)}
            >
              {list.length === 0 && <option value="">{t.settings.noDevice}</option>}
              {list.map((device, i) => (
                <option key={device.deviceId} value={device.deviceId}>
                  {device.label || `${label} ${i + 1}`}
                </option>
              ))}
            </select>
          </div>
        );
      })}
      <div class="row">
        <button
          type="button"
          class="inline"
          data-action="speaker-test"
          {...app.tasks.marks('speaker-test')}
          onClick={() => void app.testSpeaker()}
        >
          {t.settings.speakerTest}
        </button>
      </div>
      {app.phase !== 'lobby' && (
        <div class="field">
          <label for="call-name">{t.settings.name}</label>
          <input
            id="call-name"
            value={app.name}
            maxLength={60}
            placeholder={t.settings.namePlaceholder}
            onInput={(event) => app.setName(event.currentTarget.value)}
          />
        </div>
      )}
      <div class="field">
        <label for="language">{t.settings.language}</label>
        <select
          id="language"
          value={language}
          onChange={(event) => app.chooseLanguage(choose([event.currentTarget.value]))}
        >
          {languages.map(([code, name]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
      </div>
      {app.phase !== 'lobby' && document.fullscreenEnabled && (
        <button
          type="button"
          class="button"
          data-action="fill-screen"
          aria-pressed={app.fullscreen}
          {...app.tasks.marks('fullscreen')}
          onClick={() => void app.toggleFullscreen()}
        >
          {t.call.fullscreen}
        </button>
      )}
      <button type="button" class="button" data-action="keys" aria-haspopup="dialog" onClick={() => app.toggleKeys()}>
        {t.help.title}
      </button>
    </Panel>
  );
}
