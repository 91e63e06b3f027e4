// One stay in a room: join, find ICE servers, keep a channel and a peer link, and bring them back when
// the other side leaves, the socket breaks or the server forgets us.

import { PeerLink, type LocalTracks, type Presence } from './call.ts';
import type { Chat } from './chat.ts';
import {
  Channel,
  fetchIceServers,
  join,
  leaveUrl,
  type ChannelEvent,
  type IceServer,
  type JoinResult,
  type Message,
  type Seat,
  type Transport,
} from './protocol.ts';

export type SessionPhase = 'joining' | 'waiting' | 'connected' | 'reconnecting' | 'left' | 'failed';

export type SessionError =
  | 'room-full'
  | 'bad-room-name'
  | 'server-unreachable'
  | 'server-refused'
  | 'ice-failed';

export interface SessionOptions {
  readonly room: string;
  readonly relayOnly: boolean;
  /** A reloaded page may find its own old seat still taken. */
  readonly patient: boolean;
}

/** After the other side's bye: its /leave may still be on the way, and the offer must find us alone. */
const offerDelayMs = 250;
const patienceMs = 12_000;
const rejoinMs = 30_000;
const firstRetryMs = 500;
const longestRetryMs = 8_000;
/** TURN credentials live for a day; ask again long before. */
const iceServersAgeMs = 3_600_000;

export class Session {
  phase: SessionPhase = 'joining';
  error: SessionError | null = null;
  /** The other side was here and left. */
  peerLeft = false;
  /** What it called itself; empty if it did not. */
  leaver = '';
  /** Both are here; the connection is being made. */
  negotiating = false;
  /** The server is out of reach; media may still flow. */
  offline = false;
  /** The server had no TURN server for us, or did not say. */
  noRelay = false;
  link: PeerLink | null = null;
  connectedAt: number | null = null;

  private channel: Channel | null = null;
  private seat: Seat | null = null;
  private iceServers: readonly IceServer[] = [];
  private iceServersAt = 0;
  private initiator = false;
  private over = false;
  private cancelOffer: () => void = () => {};

  constructor(
    private readonly transport: Transport,
    private readonly options: SessionOptions,
    private tracks: LocalTracks,
    private me: Presence,
    private readonly chat: Chat,
    private readonly changed: () => void,
  ) {}

  async start(): Promise<void> {
    const result = await this.tryToJoin(this.options.patient ? patienceMs : 0, ['full']);
    await this.settle(result);
  }

  setTracks(tracks: LocalTracks): void {
    this.tracks = tracks;
    this.link?.setTracks(tracks);
  }

  setPresence(me: Presence): void {
    this.me = me;
    this.link?.setPresence(me);
  }

  networkBack(): void {
    this.channel?.retryNow();
  }

  async leave(): Promise<void> {
    if (this.over) return;
    const channel = this.channel;
    this.end('left');
    await channel?.leave();
  }

  /** The page goes away. */
  abandon(): void {
    if (this.over) return;
    this.channel?.abandon();
    this.end('left');
  }

  private async tryToJoin(
    patience: number,
    worthWaiting: readonly JoinResult['kind'][],
  ): Promise<JoinResult> {
    const until = this.transport.now() + patience;
    for (let delay = firstRetryMs; ; delay = Math.min(delay * 2, longestRetryMs)) {
      const result = await join(this.transport, this.options.room);
      const alive = this.link?.state === 'connected';
      if (this.over || !worthWaiting.includes(result.kind)) return result;
      if (!alive && this.transport.now() + delay > until) return result;
      await new Promise<void>((wake) => {
        this.transport.after(delay * (0.75 + this.transport.random() / 2), wake);
      });
    }
  }

  private async sitDown(seat: Seat): Promise<void> {
    this.link?.close();
    this.link = null;
    this.connectedAt = null;
    this.seat = seat;
    this.initiator = seat.initiator;
    this.offline = false;
    const early: Message[] = [];
    let ready = false;
    const channel = new Channel(this.transport, seat, (event) => {
      if (this.over || this.channel !== channel) return;
      if (event.kind === 'message' && !ready) early.push(event.message);
      else this.onChannel(event);
    });
    this.channel = channel;
    await this.refreshIceServers();
    if (this.over || this.channel !== channel) return;
    ready = true;
    this.show('waiting');
    if (this.initiator) this.offer();
    for (const message of [...seat.messages, ...early]) this.onMessage(message);
  }

  private async refreshIceServers(): Promise<void> {
    const now = this.transport.now();
    if (!this.seat || (this.iceServersAt > 0 && now - this.iceServersAt < iceServersAgeMs)) return;
    const provided = await fetchIceServers(this.transport, this.seat.iceServerUrl);
    this.iceServers = [...this.seat.iceServers, ...provided];
    this.noRelay = !this.iceServers.some((s) => s.urls.some((url) => /^turns?:/.test(url)));
    this.iceServersAt = this.noRelay ? 0 : now;
  }

  private newLink(): PeerLink {
    this.link?.close();
    this.negotiating = false;
    const link: PeerLink = new PeerLink(
      {
        iceServers: this.iceServers.map((server) => ({ ...server })),
        iceTransportPolicy: this.options.relayOnly ? 'relay' : 'all',
      },
      this.tracks,
      this.me,
      this.initiator,
      {
        send: (message) => {
          if (this.link === link) this.channel?.send(message);
        },
        chat: (channel) => {
          if (this.link === link) this.chat.attach(channel);
        },
        changed: () => {
          if (this.link === link) this.onLink(link);
        },
      },
    );
    this.link = link;
    return link;
  }

  private offer(): void {
    this.newLink().start();
  }

  private onChannel(event: ChannelEvent): void {
    switch (event.kind) {
      case 'message':
        this.onMessage(event.message);
        break;
      case 'lost':
        this.offline = true;
        this.changed();
        break;
      case 'restored':
        this.offline = false;
        this.changed();
        break;
      case 'expired':
        void this.rejoin();
        break;
    }
  }

  private onMessage(message: Message): void {
    if (message.type === 'bye') {
      this.restartAlone();
      return;
    }
    if (message.type === 'offer') {
      if (this.initiator) return; // the server says who offers
      if (!this.link?.belongs(message)) this.newLink();
      this.peerLeft = false;
    }
    this.link?.receive(message);
  }

  /** The one who stays becomes the initiator and waits with a fresh offer. */
  private restartAlone(): void {
    this.leaver = this.link?.presence?.name ?? '';
    this.link?.close();
    this.link = null;
    this.connectedAt = null;
    this.initiator = true;
    this.peerLeft = true;
    this.negotiating = false;
    const channel = this.channel;
    channel?.becomeInitiator();
    this.show('waiting');
    this.cancelOffer();
    this.cancelOffer = this.transport.after(offerDelayMs, () => {
      void this.refreshIceServers().then(() => {
        if (!this.over && this.channel === channel && this.link === null) this.offer();
      });
    });
  }

  private onLink(link: PeerLink): void {
    switch (link.state) {
      case 'connecting':
        this.negotiating = true;
        this.changed();
        break;
      case 'connected':
        this.connectedAt ??= Date.now();
        this.peerLeft = false;
        this.negotiating = false;
        this.show('connected');
        break;
      case 'interrupted':
        this.show(this.connectedAt === null ? 'waiting' : 'reconnecting');
        break;
      case 'failed':
        this.fail('ice-failed');
        break;
      case 'new':
        this.changed();
        break;
    }
  }

  /** Our seat is gone. A call that still runs keeps running until a new seat is found. */
  private async rejoin(): Promise<void> {
    this.channel = null;
    this.offline = true;
    this.cancelOffer();
    if (this.link?.state === 'connected') this.changed();
    else this.show('reconnecting');
    const result = await this.tryToJoin(rejoinMs, ['unreachable', 'full', 'refused']);
    await this.settle(result);
  }

  private async settle(result: JoinResult): Promise<void> {
    if (result.kind !== 'joined') this.refuse(result);
    else if (this.over) this.transport.beacon(leaveUrl(result)); // left before the answer came
    else await this.sitDown(result);
  }

  private refuse(result: Exclude<JoinResult, Seat>): void {
    switch (result.kind) {
      case 'full':
        return this.fail('room-full');
      case 'bad-name':
        return this.fail('bad-room-name');
      case 'refused':
        return this.fail('server-refused');
      case 'unreachable':
        return this.fail('server-unreachable');
    }
  }

  private fail(error: SessionError): void {
    if (this.over) return;
    const channel = this.channel;
    // Without the server nobody can mend a broken connection: that is what to tell.
    this.error = error === 'ice-failed' && channel === null ? 'server-unreachable' : error;
    this.end('failed');
    void channel?.leave();
  }

  private end(phase: 'left' | 'failed'): void {
    this.over = true;
    this.cancelOffer();
    this.link?.close();
    this.link = null;
    this.channel = null;
    this.phase = phase;
    this.changed();
  }

  private show(phase: SessionPhase): void {
    this.phase = phase;
    this.changed();
  }
}
