// What the page is doing, in one object: the views read it and call its verbs.

import { readKey, type Key } from './address.ts';
import { PeerLink, type LocalTracks } from './call.ts';
import { Chat, type Line } from './chat.ts';
import { Files, largestFile, mostAtOnce, safeName, type OfferedFile } from './files.ts';
import { alreadyAllowed, LocalMedia, type DeviceChoice, type Kind } from './media.ts';
import { isRoomName, rememberRoom, suggestRoom } from './names.ts';
import type { Outcome } from './protocol.ts';
import { report } from './report.ts';
import { Session, type SessionOwner, type World } from './session.ts';
import { ActiveSpeaker } from './speaker.ts';
import { remember } from './stats.ts';
import { load, loadDevices, loadLanguage, save, saveDevices, saveLanguage } from './stored.ts';
import { Tasks, type Failure } from './tasks.ts';
import { playTone, trySpeaker } from './tone.ts';
import { webSocketTransport } from './transport.ts';
import { fileSize, speak, t, type Language } from './texts/index.ts';
import { happening, nameOf, refusalText, screenFailure } from './ui/texts.ts';
import { readWishes, wishesIn } from './wishes.ts';
import type { Presence, Request, Switch } from './wire.ts';

export type Phase =
  | 'lobby'
  | 'joining'
  | 'knocking'
  | 'waiting'
  | 'connected'
  | 'reconnecting'
  | 'left'
  | 'failed';
export type Panel = 'none' | 'chat' | 'people' | 'stats' | 'settings';

const callPath = '/r/';
const embedPath = '/embed/';

const nameKey = 'displayName';
/** Per tab, and only from one page to the next: a reload takes the call up again, a copy of the tab
    does not. */
const inCallKey = 'inCall';
const statsMs = 1_000;
const levelsMs = 300;
/** Long enough to read it. */
const toastMs = (text: string) => Math.max(2_500, text.length * 60);
/** A browser may ask where to. */
const savingMs = 60_000;
const longestName = 60;
/** So long a change of networks explains what breaks after it. */
const networkChangeMs = 60_000;

const world: World = {
  transport: webSocketTransport(),
  url: `${location.origin.replace(/^http/, 'ws')}/v1/ws`,
  link: (options, tracks, owner) => new PeerLink(options, tracks, owner),
};

/** Where browsers tell that Wi-Fi gave way to the mobile network. */
function connection(): EventTarget | undefined {
  return (navigator as { readonly connection?: EventTarget }).connection;
}

export class App {
  room = '';
  name = '';
  phase: Phase = 'lobby';
  /** Why it failed: a code of ui/texts.ts. */
  error: string | null = null;
  /** How it ended. */
  reason = 'left';
  panel: Panel = 'none';
  toast = '';
  fullscreen = false;
  /** The overview of the keys is open. */
  keysShown = false;
  miniHidden = false;
  hand = false;
  /** One person large, the others small. */
  spotlight = false;
  /** Who is kept large. */
  pinned: number | null = null;
  /** Who speaks now. */
  speaking: number | null = null;
  /** The preview was asked for, so an empty one means something. */
  asked = false;
  session: Session | null = null;
  screen: MediaStreamTrack | null = null;
  screenAudio: MediaStreamTrack | null = null;
  readonly devices = loadDevices();
  readonly media: LocalMedia;
  readonly tasks = new Tasks(() => this.changed());
  readonly chat = new Chat((arrived) => this.chatChanged(arrived));
  readonly files = new Files({
    changed: () => this.changed(),
    offered: (item) => this.fileOffered(item),
    arrived: (name, file) => this.saveFile(name, file),
    newest: () => this.chat.lines.filter((line) => !line.sending).at(-1)?.at ?? 0,
  });
  readonly fromLink: boolean;
  /** In another site's page: its room is the one it was opened with. */
  readonly embedded = location.pathname.startsWith(embedPath);

  private readonly listeners = new Set<() => void>();
  private readonly query = new URLSearchParams(location.search);
  private readonly wishes = readWishes(this.query);
  private key: Key = {};
  private networkChangedAt = -Infinity;
  /** Who waits for their devices waits no longer. */
  private goOn: () => void = () => {};
  private statsTimer: ReturnType<typeof setInterval> | undefined;
  private levelsTimer: ReturnType<typeof setInterval> | undefined;
  private speaker = new ActiveSpeaker();
  private toastTimer: ReturnType<typeof setTimeout> | undefined;
  private wakeLock: WakeLockSentinel | null = null;

  constructor() {
    this.media = new LocalMedia(this.devices, () => this.mediaChanged(), { ...this.wishes.capture });
    this.speak(loadLanguage(this.query.get('hl')));
    this.readAddress();
    this.fromLink = this.room !== '';
    this.name = this.query.get('name')?.trim() || load('localStorage', nameKey);
    addEventListener('pagehide', () => this.pageGoes());
    const networkChanged = () => {
      this.networkChangedAt = performance.now();
      this.session?.networkChanged();
    };
    addEventListener('online', networkChanged);
    addEventListener('offline', () => this.changed());
    connection()?.addEventListener('change', networkChanged);
    addEventListener('popstate', () => {
      this.readAddress();
      void this.backToLobby();
    });
    document.addEventListener('fullscreenchange', () => {
      this.fullscreen = document.fullscreenElement !== null;
      this.changed();
    });
    document.addEventListener('visibilitychange', () => {
      this.holdScreen();
      this.chatChanged(null);
    });
  }

  chooseLanguage(chosen: Language): void {
    saveLanguage(chosen);
    this.speak(chosen);
    this.changed();
  }

  /** After the views are there. */
  start(): void {
    if (!('RTCPeerConnection' in globalThis)) {
      this.error = 'unsupported';
      this.show('failed');
      return;
    }
    const reloaded = this.fromLink && load('sessionStorage', inCallKey) === this.room;
    save('sessionStorage', inCallKey, '');
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
    return `${location.origin}${callPath}${this.room}`;
  }

  get presence(): Presence {
    const { media } = this;
    return {
      name: [...this.name.trim()].slice(0, longestName).join(''),
      mic: media.audio !== null && media.micOn,
      camera: media.video !== null && media.cameraOn,
      screen: this.screen !== null,
      hand: this.hand,
    };
  }

  get networkChanged(): boolean {
    return performance.now() - this.networkChangedAt < networkChangeMs;
  }

  /** The only other one's program may know no chat. */
  get chatIsRead(): boolean {
    const others = this.session?.others ?? [];
    return others.length === 0 || others.some(({ participant }) => !participant.legacy);
  }

  /** Who is large where somebody is. */
  get inTheLight(): number | null {
    const here = (id: number | null) => (id !== null && this.session?.peers.has(id) ? id : null);
    return here(this.pinned) ?? here(this.speaker.current) ?? this.session?.others[0]?.participant.id ?? null;
  }

  async preview(): Promise<void> {
    this.asked = true;
    await this.media.acquire();
  }

  setName(name: string): void {
    this.name = name;
    save('localStorage', nameKey, name.trim());
    this.session?.setPresence(this.presence);
    this.changed();
  }

  async join(room: string, patient = false): Promise<void> {
    this.room = room;
    this.error = null;
    this.panel = 'none';
    if (!isRoomName(room)) {
      this.error = 'bad-room-name';
      this.show('failed');
      return;
    }
    const path = `${this.embedded ? embedPath : callPath}${room}`;
    if (location.pathname !== path) {
      this.key = {}; // a key is of one room
      history.pushState(null, '', `${path}${wishesIn(this.query)}`);
    }
    this.show('joining');
    await Promise.race([this.preview(), new Promise<void>((resolve) => (this.goOn = resolve))]);
    if (this.phase !== 'joining' || this.room !== room) return;
    const current = (act: () => void) => this.session === session && act();
    const owner: SessionOwner = {
      changed: () => current(() => this.sessionChanged(session)),
      asked: (what) => current(() => this.obey(what)),
      happened: (what, who) => current(() => this.tell(what, who)),
      channel: (from, channel) => current(() => this.files.arrive(from, channel)),
      parted: (id) => this.files.parted(id),
    };
    const options = { room, wishes: this.wishes, patient, ...this.key };
    const session: Session = new Session(world, options, this.outgoing(), this.presence, this.chat, owner);
    this.session = session;
    if (!this.embedded) rememberRoom(room);
    session.start();
    this.changed();
  }

  /** As the page around us wishes; nothing of it is kept. */
  async joinAs({ name, token }: { readonly name?: string; readonly token?: string }): Promise<void> {
    if (name !== undefined) this.name = name;
    if (token !== undefined) this.key = { ...this.key, token };
    await this.join(this.room);
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

  /** What is still being asked for is taken along when it comes. */
  enterNow(): void {
    this.goOn();
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
    else await this.want('audio');
  }

  async toggleCamera(): Promise<void> {
    if (this.media.video) this.media.setCamera(!this.media.cameraOn);
    else await this.want('video');
  }

  async toggleScreen(): Promise<void> {
    if (this.screen) this.stopScreen();
    else await this.tasks.run('screen', () => this.shareScreen());
  }

  toggleHand(): void {
    this.hand = !this.hand;
    this.mediaChanged();
  }

  toggleSpotlight(): void {
    this.spotlight = !this.spotlight;
    this.pinned = null;
    this.changed();
  }

  togglePin(id: number): void {
    this.pinned = this.pinned === id ? null : id;
    this.spotlight = this.pinned !== null;
    this.changed();
  }

  async write(text: string): Promise<void> {
    const failure = this.failureOf(await this.session?.say(text));
    if (failure) this.tasks.fail('send', failure);
  }

  /** Whether there is anybody to send a file to; who asks is told. */
  mayAttach(): boolean {
    const someone = (this.session?.others.length ?? 0) > 0;
    if (!someone) this.tasks.fail('attach', { text: t.files.nobody });
    return someone;
  }

  /** To everybody who is here now. */
  sendFiles(files: Iterable<File>): void {
    if (!this.mayAttach()) return;
    const others = this.session?.others ?? [];
    for (const file of files) {
      const text = this.whyNot(file);
      if (text !== null) {
        this.tasks.fail('attach', { text });
        continue;
      }
      const receivers = others.map(({ participant: { id, name }, link }) => ({ id, name, channel: link.channel() }));
      this.files.send(file, receivers);
    }
  }

  /** By a link of its own: the browser asks or saves, and shows nothing. */
  saveFile(name: string, file: Blob): void {
    const url = URL.createObjectURL(file);
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), savingMs);
  }

  /** What only the host may; by the time it arrives somebody else may be. */
  async manage(task: string, request: Request): Promise<void> {
    await this.tasks.run(task, async () => this.failureOf(await this.session?.request(request)));
  }

  /** A link that passes lock and lobby. */
  async copyInvite(): Promise<void> {
    await this.tasks.run('invite', async () => {
      const outcome = await this.session?.request({ type: 'invite' });
      if (!outcome?.ok || !outcome.key) return this.failureOf(outcome);
      return this.copy(`${this.link}#invite=${encodeURIComponent(outcome.key)}`, t.toasts.inviteCopied);
    });
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

  /** For who runs the server. */
  reportText(): string {
    const { session, media, presence, error } = this;
    const since = session?.connectedAt;
    return report({
      time: new Date(),
      browser: navigator.userAgent,
      state: this.phase,
      seconds: since ? Math.round((Date.now() - since) / 1000) : null,
      server: session && !session.offline && session.roundTrip !== null ? Math.round(session.roundTrip) : null,
      relayOffered: session?.noRelay === false,
      relayOnly: this.wishes.relayOnly,
      mic: presence.mic,
      camera: presence.camera,
      screen: presence.screen,
      troubles: [error, media.problem?.code].filter((code) => typeof code === 'string'),
      id: session?.me?.id ?? null,
      peers: (session?.others ?? []).map(({ participant: { id, connected, legacy }, link, history }) => ({
        id,
        connected,
        legacy,
        link: link.state,
        history,
      })),
    });
  }

  copyReport(): Promise<boolean> {
    return this.tasks.run('copy-report', () => this.copy(this.reportText(), t.stats.reportCopied));
  }

  toggleKeys(): void {
    this.keysShown = !this.keysShown;
    this.changed();
  }

  closeKeys(): void {
    if (this.keysShown) this.toggleKeys();
  }

  toggleMini(): void {
    this.miniHidden = !this.miniHidden;
    this.changed();
  }

  async toggleFullscreen(): Promise<void> {
    await this.tasks.run('fullscreen', async () => {
      try {
        if (this.fullscreen) await document.exitFullscreen();
        else await document.documentElement.requestFullscreen();
        return null;
      } catch {
        return { text: t.toasts.notFullscreen };
      }
    });
  }

  copyLink(task: string): Promise<boolean> {
    return this.tasks.run(task, () => this.copy(this.link, t.toasts.linkCopied));
  }

  async shareLink(): Promise<void> {
    await this.tasks.run('share', async () => {
      try {
        await navigator.share({ title: 'Ahoy', text: t.toasts.invitation, url: this.link });
        return null;
      } catch (error) {
        const closed = error instanceof Error && error.name === 'AbortError';
        return closed ? null : { text: t.toasts.notShared, toCopy: this.link };
      }
    });
  }

  async chooseDevice(kind: keyof DeviceChoice, id: string): Promise<void> {
    if (kind === 'speaker') await this.tasks.run('speaker', () => this.chooseSpeaker(id));
    else await this.media.change(kind === 'camera' ? 'video' : 'audio', id);
    saveDevices(this.devices);
  }

  async testSpeaker(): Promise<void> {
    await this.tasks.run('speaker-test', async () =>
      playTone(this.devices.speaker).then(
        () => null,
        () => ({ text: t.settings.noSound }),
      ),
    );
  }

  suggestion(): string {
    return suggestRoom();
  }

  private async want(kind: Kind): Promise<void> {
    this.asked = true;
    await this.media.want(kind);
  }

  private async shareScreen(): Promise<Failure | null> {
    const { session } = this;
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: true });
      // While somebody chose, the call may have ended.
      if (this.session === session) this.keepScreen(stream);
      else for (const track of stream.getTracks()) track.stop();
      return null;
    } catch (error) {
      return { text: screenFailure(error) };
    }
  }

  private keepScreen(stream: MediaStream): void {
    this.screen = stream.getVideoTracks()[0] ?? null;
    this.screenAudio = stream.getAudioTracks()[0] ?? null;
    if (this.screen) {
      this.screen.contentHint = 'detail';
      this.screen.onended = () => this.stopScreen();
    }
    this.mediaChanged();
  }

  private async chooseSpeaker(id: string): Promise<Failure | null> {
    const before = this.devices.speaker;
    this.devices.speaker = id;
    try {
      await trySpeaker(id);
      return null;
    } catch {
      this.devices.speaker = before;
      return { text: t.settings.noSpeaker };
    }
  }

  private whyNot({ name, size }: File): string | null {
    if (size > largestFile) return t.files.tooLarge(safeName(name), fileSize(largestFile));
    return this.files.full ? t.files.full(mostAtOnce) : null;
  }

  private speak(chosen: Language): void {
    speak(chosen);
    document.documentElement.lang = chosen;
  }

  /** Where the call itself is over, that has been said. */
  private failureOf(outcome: Outcome | undefined): Failure | null {
    return this.session && outcome?.ok === false ? { text: refusalText(outcome.refusal.code) } : null;
  }

  private async copy(text: string, done: string): Promise<Failure | null> {
    try {
      await navigator.clipboard.writeText(text);
      this.say(done);
      return null;
    } catch {
      return { text: t.toasts.notCopied, toCopy: text };
    }
  }

  private readAddress(): void {
    const name = /^\/(?:r|embed)\/([^/]+)\/?$/.exec(location.pathname)?.[1] ?? '';
    try {
      this.room = decodeURIComponent(name);
    } catch {
      this.room = name;
    }
    this.key = readKey(location);
  }

  private async backToLobby(): Promise<void> {
    const session = this.session;
    this.session = null;
    this.error = null;
    this.chat.forget();
    this.files.forget();
    this.tasks.dismiss();
    this.show('lobby');
    await Promise.all([session?.leave(), this.preview()]);
  }

  private pageGoes(): void {
    // A reload after a failure should try again; after leaving it should not.
    if (this.session || this.phase === 'failed') save('sessionStorage', inCallKey, this.room);
    this.session?.abandon();
  }

  private outgoing(): LocalTracks {
    const { media, screen, screenAudio } = this;
    return { audio: media.audio, video: media.video, screen, screenAudio };
  }

  private stopScreen(): void {
    if (!this.screen) return;
    this.screen.onended = null;
    this.screen.stop();
    this.screenAudio?.stop();
    this.screen = null;
    this.screenAudio = null;
    this.mediaChanged();
  }

  /** The host asked; it is ours to do. */
  private obey(what: Switch): void {
    const { mic, camera, screen, hand } = this.presence;
    if (!{ mic, camera, screen, hand }[what]) return;
    this.say(t.toasts.asked[what]);
    if (what === 'mic') this.media.setMic(false);
    else if (what === 'camera') this.media.setCamera(false);
    else if (what === 'screen') this.stopScreen();
    else this.toggleHand();
  }

  private tell(what: 'joined' | 'left' | 'host', who: string): void {
    if (this.phase === 'connected' || what === 'host') this.say(happening(what, who));
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
      this.reason = session.reason;
      this.session = null;
      this.toast = ''; // who came or went is no news any more
      this.tasks.dismiss();
      this.panel = 'none';
      this.hand = false;
      this.pinned = null;
      this.stopScreen();
      this.media.release();
      if (session.phase === 'left') {
        this.chat.forget();
        this.files.forget();
      }
    }
    this.show(session.phase);
  }

  private show(phase: Phase): void {
    this.phase = phase;
    const linked = phase === 'connected' || phase === 'reconnecting';
    if (linked && this.statsTimer === undefined) {
      this.statsTimer = setInterval(() => void this.readStats(), statsMs);
      this.levelsTimer = setInterval(() => this.readLevels(), levelsMs);
      this.speaker = new ActiveSpeaker();
      void this.readStats();
    } else if (!linked) {
      clearInterval(this.statsTimer);
      clearInterval(this.levelsTimer);
      this.statsTimer = undefined;
      this.speaking = null;
    }
    this.holdScreen();
    this.changed();
  }

  private async readStats(): Promise<void> {
    const { session } = this;
    if (!session) return;
    await Promise.all(
      session.others.map(async (peer) => {
        const { link } = peer;
        const stats = await link.stats();
        if (peer.link !== link) return;
        peer.stats = stats;
        peer.history = remember(peer.history, stats);
      }),
    );
    if (this.session === session) this.changed();
  }

  private readLevels(): void {
    const others = this.session?.others ?? [];
    const levels = new Map(others.map(({ participant, link }) => [participant.id, link.level()]));
    const before = [this.speaking, this.speaker.current];
    this.speaking = this.speaker.update(levels, performance.now());
    if (before[0] !== this.speaking || before[1] !== this.speaker.current) this.changed();
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
    }, toastMs(text));
    this.changed();
  }

  /** Of lines and files. */
  get unread(): number {
    return this.chat.unread + this.files.unread;
  }

  private readIfSeen(): boolean {
    const seen = this.panel === 'chat' && document.visibilityState === 'visible';
    if (seen) {
      this.chat.read();
      this.files.read();
    }
    return seen;
  }

  private fileOffered({ from, name }: OfferedFile): void {
    if (!this.readIfSeen()) this.say(t.files.offers(nameOf(from.name), name.slice(0, 60)));
    this.changed();
  }

  private chatChanged(arrived: Line | null): void {
    const seen = this.readIfSeen();
    if (!seen && arrived) this.say(`${nameOf(arrived.from)}: ${arrived.text.slice(0, 120)}`);
    this.changed();
  }

  private changed(): void {
    const { unread } = this;
    const title = this.room && this.phase !== 'lobby' ? `${this.room} · Ahoy` : 'Ahoy';
    document.title = unread > 0 ? `(${unread}) ${title}` : title;
    for (const listener of this.listeners) listener();
  }
}
