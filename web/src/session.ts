// One stay in a room: a seat at the server, a link to everybody else, and both brought back when they
// break.  Links outlive the server: while it is away the call goes on, and a seat that is ours again
// finds its links where they were.

import type { LinkOptions, LinkOwner, LinkState, LocalTracks } from './call.ts';
import type { Chat } from './chat.ts';
import { onlyOver } from './ice.ts';
import { Client, type End, type Entry, type Outcome, type Transport } from './protocol.ts';
import { quality, weakSide, type Stats, type WeakSide } from './stats.ts';
import {
  formatSignal,
  parseSignal,
  type IceServer,
  type Me,
  type Participant,
  type Presence,
  type Request,
  type RoomEvent,
  type RoomState,
  type Signal,
  type Snapshot,
  type Switch,
  type Welcome,
} from './wire.ts';
import type { Wishes } from './wishes.ts';

export type SessionPhase =
  | 'joining'
  | 'knocking'
  | 'waiting'
  | 'connected'
  | 'reconnecting'
  | 'left'
  | 'failed';

/** What call.ts offers, and tests fake. */
export interface Link {
  readonly state: LinkState;
  readonly camera: MediaStream;
  readonly screen: MediaStream;
  start(): void;
  belongs(signal: Signal): boolean;
  receive(signal: Signal): void;
  setTracks(tracks: LocalTracks): void;
  setOthers(others: number): void;
  setIceServers(servers: readonly IceServer[]): void;
  repeat(): void;
  reconnect(): void;
  stats(): Promise<Stats>;
  level(): number;
  channel(): RTCDataChannel | null;
  close(): void;
}

export interface World {
  readonly transport: Transport;
  readonly url: string;
  link(options: LinkOptions, tracks: LocalTracks, owner: LinkOwner): Link;
}

export interface SessionOptions extends Entry {
  readonly wishes: Wishes;
  /** A reloaded page may find its own old seat still taken. */
  readonly patient: boolean;
}

export interface Peer {
  participant: Participant;
  link: Link;
  stats: Stats | null;
  /** Of the last minute. */
  history: readonly Stats[];
  /** A signal found no room in the queue of who had lost the socket. */
  unheard: boolean;
}

export interface Knock {
  readonly knock: number;
  readonly name: string;
}

export interface SessionOwner {
  changed(): void;
  /** Somebody else changed something about us: the host's wish, or a new role. */
  asked(what: Switch): void;
  /** Worth a word, no more. */
  happened(what: 'joined' | 'left' | 'host', who: string): void;
  /** Somebody opened a channel for a file. */
  channel(from: Participant, channel: RTCDataChannel): void;
  /** All channels to and from this participant are closed. */
  parted(id: number): void;
}

const patienceMs = 12_000;
const rejoinMs = 30_000;
const retryMs = 1_000;
/** Without a server and without media. */
const lonelyMs = 60_000;
/** TURN credentials live for a day; ask again long before. */
const iceServersAgeMs = 3_600_000;
const worthRetrying: readonly string[] = ['room-full', 'too-many-joins', 'draining'];

const isWeak = ({ participant, link, stats }: Peer) =>
  !participant.connected ||
  link.state === 'interrupted' ||
  link.state === 'failed' ||
  (stats !== null && quality(stats) === 'poor');

export class Session {
  phase: SessionPhase = 'joining';
  /** Why it failed: a code of the protocol, server-unreachable or ice-failed. */
  error: string | null = null;
  /** How it ended: the reason of the server's bye. */
  reason = 'left';
  me: Me | null = null;
  room: RoomState | null = null;
  readonly peers = new Map<number, Peer>();
  /** Who waits in the lobby, for the host. */
  knocks: readonly Knock[] = [];
  /** The last of the others to leave; null before anybody did. */
  leaver: string | null = null;
  /** The server is out of reach; media may still flow. */
  offline = false;
  /** The server had no TURN server for us. */
  noRelay = false;
  connectedAt: number | null = null;

  private client: Client;
  private over = false;
  private entered = false;
  private iceServers: readonly IceServer[] = [];
  private iceServersAt = 0;
  private patientUntil: number;
  private cancelLonely: () => void = () => {};
  private readonly cancelFarewell = new Map<number, () => void>();

  constructor(
    private readonly world: World,
    private readonly options: SessionOptions,
    private tracks: LocalTracks,
    private presence: Presence,
    private readonly chat: Chat,
    private readonly owner: SessionOwner,
  ) {
    this.patientUntil = world.transport.now() + (options.patient ? patienceMs : 0);
    this.client = this.newClient();
  }

  start(): void {
    this.client.start();
  }

  get others(): readonly Peer[] {
    return [...this.peers.values()];
  }

  get isHost(): boolean {
    return this.me?.role === 'host';
  }

  get weakSide(): WeakSide {
    return weakSide(new Map(this.others.map((peer) => [peer.participant.id, isWeak(peer)])), this.offline);
  }

  /** The server's distance, in milliseconds. */
  get roundTrip(): number | null {
    return this.client.roundTrip;
  }

  setTracks(tracks: LocalTracks): void {
    this.tracks = tracks;
    for (const { link } of this.others) link.setTracks(tracks);
  }

  setPresence(presence: Presence): void {
    this.presence = presence;
    if (this.me) this.me = { ...this.me, ...presence };
    this.client.present(presence);
  }

  networkChanged(): void {
    this.client.networkChanged();
    for (const { link } of this.others) link.reconnect();
  }

  request(request: Request): Promise<Outcome> {
    return this.client.request(request);
  }

  async say(text: string): Promise<Outcome> {
    this.chat.sending(text);
    const outcome = await this.request({ type: 'chat', text });
    if (!outcome.ok && !this.over) this.chat.refused(text);
    return outcome;
  }

  async leave(): Promise<void> {
    if (this.over) return;
    const { client } = this;
    this.end('left');
    await client.leave();
  }

  /** The page goes away. */
  abandon(): void {
    if (this.over) return;
    this.client.abandon();
    this.end('left');
  }

  private newClient(): Client {
    const { room, token, invite } = this.options;
    const entry = { room, ...(token ? { token } : {}), ...(invite ? { invite } : {}) };
    const { transport, url } = this.world;
    return new Client(transport, url, entry, this.presence, {
      waiting: () => this.show('knocking'),
      welcome: (welcome) => this.welcome(welcome),
      event: (event) => this.event(event),
      lost: () => this.lost(),
      ended: (end) => this.ended(end),
    });
  }

  private welcome(welcome: Welcome): void {
    if (this.me?.id !== welcome.you.id) this.startOver();
    for (const { link } of this.others) if (link.state !== 'connected') link.reconnect();
    this.me = welcome.you;
    this.entered = true;
    this.offline = false;
    this.patientUntil = 0;
    this.cancelLonely();
    this.chat.iAm(welcome.you.id);
    this.keepIceServers(welcome.iceServers);
    if (welcome.snapshot) this.takeOver(welcome.snapshot, welcome.restarted, welcome.resumeTimeout);
    this.settle();
  }

  /** A new seat: to the others we are somebody new. */
  private startOver(): void {
    for (const id of [...this.peers.keys()]) this.drop(id);
    this.connectedAt = null;
    this.knocks = [];
  }

  private takeOver({ room, participants, chat }: Snapshot, restarted: boolean, patience: number): void {
    this.room = room;
    this.knocks = []; // they are told again
    this.chat.load(chat, restarted);
    const here = new Set(participants.map(({ id }) => id));
    for (const [id, peer] of this.peers) {
      if (here.has(id)) continue;
      if (restarted) this.awaitReturn(id, peer, patience);
      else this.drop(id);
    }
    for (const participant of participants) this.arrive(participant);
  }

  /** Back from a server that was started anew, somebody else may not be yet. */
  private awaitReturn(id: number, peer: Peer, patience: number): void {
    peer.participant = { ...peer.participant, connected: false };
    const cancel = this.world.transport.after(patience, () => {
      this.drop(id);
      this.settle();
    });
    this.cancelFarewell.set(id, cancel);
  }

  private keepIceServers(told: readonly IceServer[]): void {
    const { transport } = this.options.wishes;
    const servers = transport ? onlyOver(told, transport) : told;
    this.iceServers = servers;
    this.iceServersAt = this.world.transport.now();
    this.noRelay = !servers.some(({ urls }) => urls.some((url) => /^turns?:/.test(url)));
    for (const { link } of this.others) link.setIceServers(servers);
  }

  private async refreshIceServers(): Promise<void> {
    const now = this.world.transport.now();
    if (now - this.iceServersAt < iceServersAgeMs) return;
    this.iceServersAt = now;
    const outcome = await this.request({ type: 'ice' });
    if (outcome.ok && outcome.iceServers) this.keepIceServers(outcome.iceServers);
  }

  private event(event: RoomEvent): void {
    switch (event.type) {
      case 'joined':
        if (!this.peers.has(event.participant.id)) this.owner.happened('joined', event.participant.name);
        this.arrive(event.participant);
        break;
      case 'left':
        this.leftBehind(event.id);
        break;
      case 'changed':
        this.change(event);
        break;
      case 'signal':
        this.signal(event.from, event.data);
        return;
      case 'message':
        return; // nothing of ours says any yet
      case 'chat':
        this.chat.arrive(event.line);
        return;
      case 'room':
        if (this.room) this.room = { ...this.room, ...event.change };
        break;
      case 'mute':
        this.owner.asked(event.what);
        break;
      case 'knock':
        this.knocks = [...this.knocks.filter((k) => k.knock !== event.knock), event];
        break;
      case 'knock_over':
        this.knocks = this.knocks.filter((k) => k.knock !== event.knock);
        break;
    }
    this.settle();
  }

  private arrive(participant: Participant): void {
    const known = this.peers.get(participant.id);
    this.cancelFarewell.get(participant.id)?.();
    this.cancelFarewell.delete(participant.id);
    if (known) {
      known.participant = participant;
      known.link.repeat();
    } else {
      this.peers.set(participant.id, { participant, link: this.newLink(participant), stats: null, history: [], unheard: false });
    }
    this.leaver = null;
    void this.refreshIceServers();
    this.count();
  }

  private newLink({ id, offer, legacy }: Participant): Link {
    const { iceServers, tracks } = this;
    const { wishes } = this.options;
    const link = this.world.link({ iceServers, wishes, offer, legacy }, tracks, {
      send: (signal) => void this.send(id, signal),
      online: () => !this.offline,
      changed: () => {
        if (!this.over && this.peers.has(id)) this.settle();
      },
      channel: (channel) => {
        const peer = this.peers.get(id);
        if (peer) this.owner.channel(peer.participant, channel);
      },
    });
    if (offer) link.start();
    return link;
  }

  private async send(to: number, signal: Signal): Promise<void> {
    const outcome = await this.request({ type: 'signal', to, data: formatSignal(signal) });
    const peer = this.peers.get(to);
    if (peer && !outcome.ok && outcome.refusal.code === 'queue-full') peer.unheard = true;
  }

  private count(): void {
    for (const { link } of this.others) link.setOthers(this.peers.size);
  }

  private drop(id: number): void {
    this.cancelFarewell.get(id)?.();
    this.cancelFarewell.delete(id);
    this.peers.get(id)?.link.close();
    this.peers.delete(id);
    this.owner.parted(id);
    this.count();
  }

  private leftBehind(id: number): void {
    const peer = this.peers.get(id);
    if (!peer) return;
    this.leaver = peer.participant.name;
    this.owner.happened('left', peer.participant.name);
    this.drop(id);
  }

  private change({ id, change }: Extract<RoomEvent, { type: 'changed' }>): void {
    const peer = this.peers.get(id);
    if (peer) {
      peer.participant = { ...peer.participant, ...change };
      if (change.connected && peer.unheard) peer.link.repeat();
      if (change.connected) peer.unheard = false;
      if (change.role === 'host') this.owner.happened('host', peer.participant.name);
    } else if (this.me && id === this.me.id) {
      if (change.role === 'host' && !this.isHost) this.owner.happened('host', '');
      if (change.role === 'guest') this.knocks = [];
      if (change.hand === false) this.owner.asked('hand');
      this.me = { ...this.me, ...change };
    }
  }

  private signal(from: number, data: string): void {
    const peer = this.peers.get(from);
    const signal = parseSignal(data);
    if (!peer || !signal) return;
    if (!peer.link.belongs(signal)) {
      peer.link.close();
      this.owner.parted(from);
      peer.link = this.newLink({ ...peer.participant, offer: false });
      this.count();
    }
    peer.link.receive(signal);
  }

  private lost(): void {
    this.offline = true;
    this.cancelLonely();
    this.cancelLonely = this.world.transport.after(lonelyMs, () => this.lonely());
    this.owner.changed();
  }

  /** A call that still runs waits for the server as long as it likes. */
  private lonely(): void {
    if (this.phase !== 'connected') return this.fail('server-unreachable');
    this.cancelLonely = this.world.transport.after(retryMs, () => this.lonely());
  }

  private ended(end: End): void {
    if (end.kind === 'bye') {
      this.reason = end.reason;
      this.end('left');
      return;
    }
    const code = end.kind === 'refused' ? end.refusal.code : 'server-unreachable';
    const { transport } = this.world;
    const forgotten = this.entered && (code === 'session-ended' || code === 'bad-resume');
    if (forgotten) this.patientUntil = transport.now() + rejoinMs;
    const again = worthRetrying.includes(code) || (this.entered && code === 'server-unreachable');
    if (forgotten || (again && transport.now() < this.patientUntil)) this.enterAgain(forgotten ? 0 : retryMs);
    else this.fail(code);
  }

  /** The seat is gone. A call that still runs keeps running until a new one is found. */
  private enterAgain(pause: number): void {
    this.client = this.newClient();
    const { client } = this;
    this.world.transport.after(pause, () => {
      if (!this.over && this.client === client) client.start();
    });
  }

  /** What the links say all together. */
  private settle(): void {
    if (this.over) return;
    const states = this.others.map(({ link }) => link.state);
    if (states.length === 0) this.connectedAt = null;
    if (states.includes('connected')) {
      this.connectedAt ??= Date.now();
      this.show('connected');
    } else if (states.length > 0 && states.every((state) => state === 'failed')) {
      this.fail('ice-failed');
    } else if (this.connectedAt !== null && states.some((s) => s === 'interrupted' || s === 'failed')) {
      this.show('reconnecting');
    } else {
      this.show(this.entered ? 'waiting' : this.phase);
    }
  }

  private fail(error: string): void {
    if (this.over) return;
    const { client } = this;
    this.error = error;
    this.end('failed');
    void client.leave();
  }

  private end(phase: 'left' | 'failed'): void {
    this.over = true;
    this.cancelLonely();
    for (const id of [...this.peers.keys()]) this.drop(id);
    this.show(phase);
  }

  private show(phase: SessionPhase): void {
    this.phase = phase;
    this.owner.changed();
  }
}
