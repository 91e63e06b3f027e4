// The other side's picture and sound, and what stands in for the picture.

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { App } from '../app.ts';
import { Hoist, initials } from './flags.tsx';

export function RemoteVideo({ app, dimmed }: { app: App; dimmed: boolean }): JSX.Element {
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
