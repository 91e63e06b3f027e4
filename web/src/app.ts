// What the page is doing, in one object: the views read it and call its verbs.

import type { Presence } from './call.ts';
import { Chat, type Line } from './chat.ts';
import { alreadyAllowed, LocalMedia, type DeviceChoice } from './media.ts';
import { isRoomName, rememberRoom, shortened, suggestRoom } from './names.ts';
import { Session, type SessionError } from './session.ts';
import type { Stats } from './stats.ts';
import { browserTransport } from './transport.ts';

export type Phase =
  | 'lobby'
  | 'joining'
  | 'waiting'
  | 'connected'
  | 'reconnecting'
  | 'left'
  | 'failed';
export type ErrorCode = SessionError | 'unsupported';
export type Panel = 'none' | 'chat' | 'stats' | 'settings';

const nameKey = 'displayName';
const devicesKey = 'devices';
/** Per tab, and only from one page to the next: a reload takes the call up again, a copy of the tab
    does not. */
const inCallKey = 'inCall';
const statsMs = 1_000;
const toastMs = 2_500;

function load(store: Storage, key: string): string {
  try {
    return store.getItem(key) ?? '';
  } catch {
    return '';
  }
}

function save(store: Storage, key: string, value: string): void {
  try {
    if (value === '') store.removeItem(key);
    else store.setItem(key, value);
  } catch {
    // Without storage the page forgets; nothing else.
  }
}

function loadDevices(): DeviceChoice {
  const choice: DeviceChoice = { camera: '', microphone: '', speaker: '' };
  try {
    const stored: unknown = JSON.parse(load(localStorage, devicesKey) || '{}');
    for (const key of ['camera', 'microphone', 'speaker'] as const) {
      const value = (stored as Partial<Record<string, unknown>>)[key];
      if (typeof value === 'string') choice[key] = value;
    }
  } catch {
    // As if nothing had been chosen.
  }
  return choice;
}

export class App {
  room = '';
  name = '';
  phase: Phase = 'lobby';
  error: ErrorCode | null = null;
  panel: Panel = 'none';
  stats: Stats | null = null;
  toast = '';
  miniHidden = false;
  /** The preview was asked for, so an empty one means something. */
  asked = false;
  session: Session | null = null;
  screen: MediaStreamTrack | null = null;
  readonly devices = loadDevices();
  readonly media = new LocalMedia(this.devices, () => this.mediaChanged());
  readonly chat = new Chat(
    () => this.session?.link?.presence?.name ?? '',
    (arrived) => this.chatChanged(arrived),
  );
  readonly fromLink: boolean;

  private readonly listeners = new Set<() => void>();
  private readonly query = new URLSearchParams(location.search);
  private statsTimer: ReturnType<typeof setInterval> | undefined;
  private toastTimer: ReturnType<typeof setTimeout> | undefined;
  private wakeLock: WakeLockSentinel | null = null;

  constructor() {
    this.readAddress();
    this.fromLink = this.room !== '';
    this.name = this.query.get('name')?.trim() || load(localStorage, nameKey);
    addEventListener('pagehide', () => this.pageGoes());
    addEventListener('online', () => this.session?.networkBack());
    addEventListener('popstate', () => {
      this.readAddress();
      void this.backToLobby();
    });
    document.addEventListener('visibilitychange', () => {
      this.holdScreen();
      this.chatChanged(null);
    });
  }

  /** After the views are there. */
  start(): void {
    if (!('RTCPeerConnection' in globalThis)) {
      this.error = 'unsupported';
      this.show('failed');
      return;
    }
    const reloaded = this.fromLink && load(sessionStorage, inCallKey) === this.room;
    save(sessionStorage, inCallKey, '');
    if (this.fromLink && (reloaded || this.query.get('autojoin') === '1')) {
      void this.join(this.room, reloaded);
    } else if (this.fromLink) {
      void this.preview();
    } else {
      void alreadyAllowed().then((yes) => {
        if (yes && this.phase === 'lobby') void this.preview();
      });
    }
    this.changed();
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get link(): string {
    return `${location.origin}/r/${this.room}`;
  }

  get presence(): Presence {
    const { media } = this;
    return {
      name: this.name,
      mic: media.audio !== null && media.micOn,
      camera: this.screen !== null || (media.video !== null && media.cameraOn),
    };
  }

  /** Somebody's page is there to show what we write; other programs say nothing of themselves. */
  get canWrite(): boolean {
    return this.chat.open && (this.session?.link?.presence ?? null) !== null;
  }

  async preview(): Promise<void> {
    this.asked = true;
    await this.media.acquire();
  }

  setName(name: string): void {
    this.name = name;
    save(localStorage, nameKey, name.trim());
    this.session?.setPresence(this.presence);
    this.changed();
  }

  async join(room: string, patient = false): Promise<void> {
    this.room = room;
    this.error = null;
    this.panel = 'none';
    if (location.pathname !== `/r/${room}`) {
      const relay = this.query.get('it') === 'relay' ? '?it=relay' : '';
      history.pushState(null, '', `/r/${room}${relay}`);
    }
    if (!isRoomName(room)) {
      this.error = 'bad-room-name';
      this.show('failed');
      return;
    }
    this.show('joining');
    await this.preview();
    if (this.phase !== 'joining' || this.room !== room) return;
    const session: Session = new Session(
      browserTransport,
      { room, relayOnly: this.query.get('it') === 'relay', patient },
      this.outgoing(),
      this.presence,
      this.chat,
      () => this.session === session && this.sessionChanged(session),
    );
    this.session = session;
    rememberRoom(room);
    await session.start();
  }

  async leave(): Promise<void> {
    const session = this.session;
    if (!session) {
      this.media.release();
      this.show('left');
      return;
    }
    await session.leave();
  }

  rejoin(): void {
    void this.join(this.room);
  }

  newRoom(): void {
    this.room = '';
    history.pushState(null, '', '/');
    void this.backToLobby();
  }

  /** Without a microphone the button asks for one; so does the camera's. */
  async toggleMic(): Promise<void> {
    if (this.media.audio) this.media.setMic(!this.media.micOn);
    else await this.preview();
  }

  async toggleCamera(): Promise<void> {
    if (this.media.video) this.media.setCamera(!this.media.cameraOn);
    else await this.preview();
  }

  async toggleScreen(): Promise<void> {
    if (this.screen) {
      this.stopScreen();
      return;
    }
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: true });
      this.screen = stream.getVideoTracks()[0] ?? null;
      if (this.screen) this.screen.onended = () => this.stopScreen();
      this.mediaChanged();
    } catch (error) {
      const refused = error instanceof Error && error.name === 'NotAllowedError';
      if (!refused) this.say('Your screen could not be shared. Try a single window instead.');
    }
  }

  togglePanel(panel: Exclude<Panel, 'none'>): void {
    this.panel = this.panel === panel ? 'none' : panel;
    this.chatChanged(null);
  }

  closePanel(): void {
    if (this.panel === 'none') return;
    this.panel = 'none';
    this.changed();
  }

  toggleMini(): void {
    this.miniHidden = !this.miniHidden;
    this.changed();
  }

  async toggleFullscreen(): Promise<void> {
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else await document.documentElement.requestFullscreen();
    } catch {
      // iPhones have no such thing.
    }
  }

  async copyLink(): Promise<boolean> {
    try {
      await navigator.clipboard.writeText(this.link);
      this.say('Link copied');
      return true;
    } catch {
      this.say('Your browser did not let us copy. Select the link and copy it by hand.');
      return false;
    }
  }

  async shareLink(): Promise<void> {
    try {
      await navigator.share({ title: 'Ahoy', text: 'Join me for a call', url: this.link });
    } catch (error) {
      const closed = error instanceof Error && error.name === 'AbortError';
      if (!closed) this.say('Sharing did not work. Copy the link instead.');
    }
  }

  async chooseDevice(kind: keyof DeviceChoice, id: string): Promise<void> {
    if (kind === 'speaker') {
      this.devices.speaker = id;
      this.changed();
    } else {
      await this.media.change(kind === 'camera' ? 'video' : 'audio', id);
    }
    save(localStorage, devicesKey, JSON.stringify(this.devices));
  }

  suggestion(): string {
    return suggestRoom();
  }

  private readAddress(): void {
    const name = /^\/r\/([^/]+)\/?$/.exec(location.pathname)?.[1] ?? '';
    try {
      this.room = decodeURIComponent(name);
    } catch {
      this.room = name;
    }
  }

  private async backToLobby(): Promise<void> {
    const session = this.session;
    this.session = null;
    this.error = null;
    this.chat.forget();
    this.show('lobby');
    await Promise.all([session?.leave(), this.preview()]);
  }

  private pageGoes(): void {
    // A reload after a failure should try again; after leaving it should not.
    if (this.session || this.phase === 'failed') save(sessionStorage, inCallKey, this.room);
    this.session?.abandon();
  }

  private outgoing() {
    return { audio: this.media.audio, video: this.screen ?? this.media.video };
  }

  private stopScreen(): void {
    if (!this.screen) return;
    this.screen.onended = null;
    this.screen.stop();
    this.screen = null;
    this.mediaChanged();
  }

  private mediaChanged(): void {
    this.session?.setTracks(this.outgoing());
    this.session?.setPresence(this.presence);
    this.changed();
  }

  private sessionChanged(session: Session): void {
    // Who joined without a camera knows it; a call is no place to repeat it.
    if (session.phase === 'connected' && this.phase === 'waiting') this.media.acknowledge();
    if (session.phase === 'left' || session.phase === 'failed') {
      this.error = session.error;
      this.session = null;
      this.stats = null;
      this.panel = 'none';
      this.stopScreen();
      this.media.release();
      if (session.phase === 'left') this.chat.forget();
    }
    this.show(session.phase);
  }

  private show(phase: Phase): void {
    this.phase = phase;
    const linked = phase === 'connected' || phase === 'reconnecting';
    if (linked && this.statsTimer === undefined) {
      this.statsTimer = setInterval(() => void this.readStats(), statsMs);
      void this.readStats();
    } else if (!linked) {
      clearInterval(this.statsTimer);
      this.statsTimer = undefined;
      this.stats = null;
    }
    this.holdScreen();
    this.changed();
  }

  private async readStats(): Promise<void> {
    const link = this.session?.link;
    if (!link) return;
    const stats = await link.stats();
    if (this.session?.link !== link) return;
    this.stats = stats;
    this.changed();
  }

  /** A phone must not fall asleep in a call. */
  private holdScreen(): void {
    const wanted = this.phase === 'connected' && document.visibilityState === 'visible';
    if (wanted && !this.wakeLock && 'wakeLock' in navigator) {
      navigator.wakeLock.request('screen').then(
        (lock) => {
          this.wakeLock = lock;
          lock.onrelease = () => (this.wakeLock = null);
          if (this.phase !== 'connected') void lock.release();
        },
        () => {},
      );
    } else if (!wanted) {
      void this.wakeLock?.release();
    }
  }

  private say(text: string): void {
    clearTimeout(this.toastTimer);
    this.toast = text;
    this.toastTimer = setTimeout(() => {
      this.toast = '';
      this.changed();
    }, toastMs);
    this.changed();
  }

  private chatChanged(arrived: Line | null): void {
    const seen = this.panel === 'chat' && document.visibilityState === 'visible';
    if (seen) this.chat.read();
    else if (arrived) this.say(`${shortened(arrived.from) || 'The other side'}: ${arrived.text.slice(0, 120)}`);
    this.changed();
  }

  private changed(): void {
    const { unread } = this.chat;
    const title = this.room && this.phase !== 'lobby' ? `${this.room} · Ahoy` : 'Ahoy';
    document.title = unread > 0 ? `(${unread}) ${title}` : title;
    for (const listener of this.listeners) listener();
  }
}
