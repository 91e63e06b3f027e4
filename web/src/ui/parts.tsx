// Small pieces that several screens share.

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { App } from '../app.ts';
import { watchLevel } from '../media.ts';
import { busy, type Marks } from '../tasks.ts';
import { t } from '../texts/index.ts';
import { CameraIcon, CheckIcon, LinkIcon, MicIcon, ShareIcon } from './icons.tsx';
import { keysOf } from './keys.ts';

interface ControlProps {
  action: string;
  label: string;
  pressed?: boolean;
  tone?: 'off' | 'danger' | 'on';
  disabled?: boolean;
  /** What becomes of its task. */
  marks?: Marks;
  /** How much is new behind it, and that in words. */
  badge?: number;
  news?: string;
  onClick: () => void;
  children: ComponentChildren;
}

/** A round button, which tells the keys of its action. Toggles keep one name and change aria-pressed, as screen readers expect. */
export function Control(props: ControlProps): JSX.Element {
  const { action, label, pressed, tone, disabled, marks, badge = 0, news = '', onClick, children } = props;
  const keys = keysOf(action);
  return (
    <button
      type="button"
      class={`control${tone ? ` ${tone}` : ''}`}
      data-action={action}
      aria-label={badge > 0 ? `${label}, ${news}` : label}
      aria-keyshortcuts={keys}
      aria-pressed={pressed}
      disabled={disabled}
      {...marks}
      title={keys ? `${label} (${keys.split(' ')[0]})` : label}
      onClick={onClick}
    >
      {children}
      {badge > 0 && <span class="unread">{badge > 9 ? '9+' : badge}</span>}
    </button>
  );
}

interface SignProps {
  kind?: string;
  label: string;
  children: ComponentChildren;
}

/** A small sign beside a name, and what it means. */
export function Sign({ kind, label, children }: SignProps): JSX.Element {
  return (
    <span class={kind} role="img" aria-label={label} title={label}>
      {children}
    </span>
  );
}

export function MediaControls({ app }: { app: App }): JSX.Element {
  const { media } = app;
  const mic = media.micOn && media.audio !== null;
  const camera = media.cameraOn && media.video !== null;
  const dead = media.problem?.code === 'media-unavailable';
  return (
    <>
      <Control
        action="mic"
        label={t.call.mic}
        pressed={mic}
        disabled={dead}
        marks={busy(media.pending.has('audio'))}
        {...(mic ? {} : { tone: 'off' as const })}
        onClick={() => void app.toggleMic()}
      >
        <MicIcon off={!mic} />
      </Control>
      <Control
        action="camera"
        label={t.call.camera}
        pressed={camera}
        disabled={dead}
        marks={busy(media.pending.has('video'))}
        {...(camera ? {} : { tone: 'off' as const })}
        onClick={() => void app.toggleCamera()}
      >
        <CameraIcon off={!camera} />
      </Control>
    </>
  );
}

/** One's own picture; muted, because nobody wants to hear themselves. */
export function LocalVideo({ app }: { app: App }): JSX.Element {
  const ref = useRef<HTMLVideoElement>(null);
  const { stream } = app.media;
  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    video.srcObject = stream;
    if (stream) video.play().catch(() => {}); // it starts with the page's first gesture
  }, [stream]);
  return (
    <video
      ref={ref}
      data-local
      class="mirrored"
      muted
      autoplay
      playsInline
      aria-label={t.stage.ownPicture}
    />
  );
}

export function LevelMeter({ track }: { track: MediaStreamTrack | null }): JSX.Element {
  const ref = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (!track) return;
    const stop = watchLevel(track, (level) => ref.current?.style.setProperty('--level', level.toFixed(3)));
    return () => {
      stop();
      ref.current?.style.setProperty('--level', '0');
    };
  }, [track]);
  return (
    <span ref={ref} class="meter" aria-hidden="true">
      <i />
      <i />
      <i />
      <i />
      <i />
    </span>
  );
}

export function Invitation({ app }: { app: App }): JSX.Element {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const canShare = 'share' in navigator && matchMedia('(pointer: coarse)').matches;
  const [host, room] = app.link.replace(/^https?:\/\//, '').split('/r/');
  return (
    <div class="invitation">
      <p class="link" aria-label={t.waiting.link}>
        {host}/r/<wbr />
        <strong>{room}</strong>
      </p>
      <div class="row">
        <button
          type="button"
          class="button primary"
          data-action="copy"
          {...app.tasks.marks('copy')}
          onClick={() => void app.copyLink('copy').then(setCopied)}
        >
          {copied ? <CheckIcon /> : <LinkIcon />}
          <span>{copied ? t.waiting.copied : t.waiting.copy}</span>
        </button>
        {canShare && (
          <button type="button" class="button" data-action="share" {...app.tasks.marks('share')} onClick={() => void app.shareLink()}>
            <ShareIcon />
            <span>{t.waiting.share}</span>
          </button>
        )}
      </div>
    </div>
  );
}

/** Two slow swells along the lower edge. */
export const Sea = () => (
  <div class="sea" aria-hidden="true">
    <svg viewBox="0 0 2400 120" preserveAspectRatio="none">
      <path d="M0 60q150-44 300 0t300 0 300 0 300 0 300 0 300 0 300 0 300 0v60H0z" />
    </svg>
    <svg viewBox="0 0 2400 120" preserveAspectRatio="none">
      <path d="M0 70q100-36 200 0t200 0 200 0 200 0 200 0 200 0 200 0 200 0 200 0 200 0 200 0 200 0v50H0z" />
    </svg>
  </div>
);
