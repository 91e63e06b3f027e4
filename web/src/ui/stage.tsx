// Everybody's picture, and where it is.  Tiles keep their order in the page for as long as they are
// there: moving a video element would stop it.

import type { JSX, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { App } from '../app.ts';
import { grid, spotlight, type Box } from '../layout.ts';
import type { Peer } from '../session.ts';
import { t } from '../texts/index.ts';
import { Hoist, initials } from './flags.tsx';
import { HandIcon, MicIcon, PinIcon, WeakIcon } from './icons.tsx';
import { Control, LocalVideo, Sign } from './parts.tsx';
import { absence, nameOf } from './texts.ts';

/** The space between the head and the bar, as the style sheet leaves it. */
function useArea(ref: RefObject<HTMLElement>): Box {
  const [area, setArea] = useState<Box>({ left: 0, top: 0, width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => {
      const { offsetLeft: left, offsetTop: top, offsetWidth: width, offsetHeight: height } = element;
      setArea((old) =>
        old.left === left && old.top === top && old.width === width && old.height === height
          ? old
          : { left, top, width, height },
      );
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return area;
}

const screenKey = (id: number) => `screen ${id}`;
const selfKey = 'self';

/** Where each is; who is alone with us fills the window and has no place here. */
function arrange(app: App, area: Box): Map<string | number, Box> {
  const peers = app.session?.others ?? [];
  const people: (string | number)[] = peers.map(({ participant }) => participant.id);
  const screens = peers.filter(sharing).map(({ participant }) => screenKey(participant.id));
  if (people.length < 2 && screens.length === 0) return new Map();
  const all = [...screens, ...people, selfKey];
  const large = screens.length > 0 && app.pinned === null ? screens[0] : app.spotlight ? app.inTheLight : null;
  if (large === null || large === undefined) return places(all, grid(area, all.length));
  const others = all.filter((key) => key !== large);
  const { main, strip } = spotlight(area, others.length);
  return places([large, ...others], [main, ...strip]);
}

const places = (keys: readonly (string | number)[], boxes: readonly Box[]) =>
  new Map(keys.flatMap((key, i) => (boxes[i] ? [[key, boxes[i]] as const] : [])));

const sharing = ({ participant, link }: Peer) => participant.screen && link.screen.getVideoTracks().length > 0;

const styled = (box: Box | undefined) =>
  box && {
    left: `${box.left}px`,
    top: `${box.top}px`,
    width: `${box.width}px`,
    height: `${box.height}px`,
  };

/** Browsers play sound only after a gesture; one is enough for everybody. */
function playAll(): void {
  for (const video of document.querySelectorAll<HTMLVideoElement>('.stage video')) video.play().catch(() => {});
}

interface Playing {
  readonly playing: boolean;
  readonly blocked: boolean;
  readonly portrait: boolean;
  readonly handlers: JSX.HTMLAttributes<HTMLVideoElement>;
}

/** Shows a stream whose tracks come and go. */
function usePlaying(ref: RefObject<HTMLVideoElement>, stream: MediaStream, speaker: string): Playing {
  const [playing, setPlaying] = useState(false);
  const [blocked, setBlocked] = useState(false);
  const [portrait, setPortrait] = useState(false);
  const tracks = stream.getTracks().map((track) => track.id).join();
  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    const fresh = video.srcObject !== stream;
    if (fresh) setPlaying(false);
    // Chromium never plays sound that came alone into a stream that was empty when it was taken.
    if (fresh || video.readyState === HTMLMediaElement.HAVE_NOTHING) video.srcObject = stream;
    if (tracks === '') return;
    video.play().then(
      () => setBlocked(false),
      (error: unknown) => setBlocked(error instanceof Error && error.name === 'NotAllowedError'),
    );
  }, [stream, tracks]);
  useEffect(() => {
    const video = ref.current;
    if (speaker !== '' && video && 'setSinkId' in video) video.setSinkId(speaker).catch(() => {});
  }, [speaker]);
  return {
    playing,
    blocked,
    portrait,
    handlers: {
      onPlaying: () => {
        setPlaying(true);
        setBlocked(false);
      },
      onEmptied: () => setPlaying(false),
      onResize: (event: Event) => {
        const { videoWidth, videoHeight } = event.currentTarget as HTMLVideoElement;
        setPortrait(videoHeight > videoWidth);
      },
    },
  };
}

/** What one should know of a person, beside the picture. */
function Label({ name, mic, hand, weak }: { name: string; mic: boolean; hand: boolean; weak: boolean }): JSX.Element {
  return (
    <div class="label">
      {hand && (
        <Sign kind="hand" label={t.signs.handRaised}>
          <HandIcon />
        </Sign>
      )}
      <span class="peer-name">{name}</span>
      {!mic && (
        <Sign kind="muted" label={t.signs.muted}>
          <MicIcon off />
        </Sign>
      )}
      {weak && (
        <Sign kind="weak" label={t.signs.weak}>
          <WeakIcon />
        </Sign>
      )}
    </div>
  );
}

function PeerTile({ app, peer, box, weak }: { app: App; peer: Peer; box: Box | undefined; weak: boolean }): JSX.Element {
  const ref = useRef<HTMLVideoElement>(null);
  const { participant, link } = peer;
  const { id, name } = participant;
  const { playing, blocked, portrait, handlers } = usePlaying(ref, link.camera, app.devices.speaker);
  const picture = link.camera.getVideoTracks().length > 0 && (participant.legacy || participant.camera);
  const seen = playing && picture && (ref.current?.videoWidth ?? 0) > 0;
  const flags = [
    playing && 'active',
    seen && 'seen',
    link.state !== 'connected' && 'dimmed',
    portrait && 'portrait',
  ];
  const pinned = app.pinned === id;
  return (
    <div class={`tile${box ? '' : ' solo'}${app.speaking === id ? ' speaking' : ''}`} style={styled(box)}>
      <video
        ref={ref}
        data-peer={id}
        class={flags.filter(Boolean).join(' ')}
        autoplay
        playsInline
        aria-label={t.stage.picture(name)}
        {...handlers}
      />
      {!seen && (
        <div class="no-picture">
          <Hoist text={initials(name) || 'A'} most={2} />
          <p class="who">{nameOf(name)}</p>
          <p class="faint">{absence(peer, playing)}</p>
        </div>
      )}
      {seen && link.state !== 'connected' && <p class="trouble">{absence(peer, playing)}</p>}
      {box && <Label name={nameOf(name)} mic={participant.mic || participant.legacy} hand={participant.hand} weak={weak} />}
      {box && (
        <Control
          action="pin"
          label={t.stage.pin(nameOf(name))}
          pressed={pinned}
          onClick={() => app.togglePin(id)}
        >
          <PinIcon />
        </Control>
      )}
      {blocked && (
        <button type="button" class="button primary unblock" data-action="play" onClick={playAll}>
          {t.stage.unblock}
        </button>
      )}
    </div>
  );
}

function ScreenTile({ app, peer, box }: { app: App; peer: Peer; box: Box | undefined }): JSX.Element {
  const ref = useRef<HTMLVideoElement>(null);
  const name = nameOf(peer.participant.name);
  const { playing, handlers } = usePlaying(ref, peer.link.screen, app.devices.speaker);
  return (
    <div class="tile screen" style={styled(box)}>
      <video
        ref={ref}
        data-screen={peer.participant.id}
        class={playing ? 'active seen' : ''}
        autoplay
        playsInline
        aria-label={t.stage.screen(name)}
        {...handlers}
      />
      <div class="label">
        <span class="peer-name">{t.stage.screen(name)}</span>
      </div>
    </div>
  );
}

/** In a corner while there are two, one of the tiles when there are more. */
function SelfTile({ app, box, weak }: { app: App; box: Box | undefined; weak: boolean }): JSX.Element {
  const { media } = app;
  const seen = media.video !== null && media.cameraOn;
  const muted = media.audio !== null && !media.micOn;
  const corner = `mini${app.miniHidden ? ' hidden' : ''}`;
  return (
    <div class={box ? 'tile me' : corner} style={styled(box)}>
      <LocalVideo app={app} />
      {!seen && (
        <div class="no-picture">
          <Hoist text={initials(app.name) || 'A'} most={2} />
        </div>
      )}
      {box ? (
        <Label name={t.you} mic={!muted} hand={app.hand} weak={weak} />
      ) : (
        <>
          {muted && (
            <span class="muted">
              <MicIcon off />
            </span>
          )}
          {app.hand && (
            <span class="hand">
              <HandIcon />
            </span>
          )}
          {weak && (
            <Sign kind="weak" label={t.signs.weak}>
              <WeakIcon />
            </Sign>
          )}
        </>
      )}
    </div>
  );
}

export function Stage({ app }: { app: App }): JSX.Element {
  const ref = useRef<HTMLDivElement>(null);
  const area = useArea(ref);
  const boxes = arrange(app, area);
  const peers = app.session?.others ?? [];
  const weak = app.session?.weakSide;
  return (
    <>
      <div ref={ref} class="area" />
      <div class="stage">
        {peers.map((peer) => (
          <PeerTile
            key={peer.participant.id}
            app={app}
            peer={peer}
            box={boxes.get(peer.participant.id)}
            weak={weak?.theirs.has(peer.participant.id) === true}
          />
        ))}
        {peers.filter(sharing).map((peer) => (
          <ScreenTile
            key={screenKey(peer.participant.id)}
            app={app}
            peer={peer}
            box={boxes.get(screenKey(peer.participant.id))}
          />
        ))}
      </div>
      <SelfTile app={app} box={boxes.get(selfKey)} weak={weak?.ours === true} />
    </>
  );
}
