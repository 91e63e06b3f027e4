// A client of Ahoy's own protocol (docs/protocol.md): one seat in one room, from the hello to the bye,
// over as many sockets as that takes.  It knows no DOM, no clock and no network: a Transport brings
// those, and tests bring their own.
//
// Two counters make a lost socket harmless.  Requests carry ids and stay here until they are
// acknowledged; events carry seq, and the server keeps them until we acknowledge.  A new socket names
// both, and each side sends what the other has not seen.

import {
  parseFrame,
  type Answer,
  type Frame,
  type IceServer,
  type Presence,
  type Refusal,
  type Request,
  type RoomEvent,
  type Welcome,
} from './wire.ts';

export interface Socket {
  send(text: string): void;
  close(): void;
}

export interface SocketHandlers {
  opened(): void;
  received(text: string): void;
  closed(): void;
}

export interface Transport {
  /** `closed` is called exactly once, whether or not the socket ever opened. */
  socket(url: string, handlers: SocketHandlers): Socket;
  now(): number;
  after(milliseconds: number, run: () => void): () => void;
  /** In [0, 1): spreads the reconnects of many clients. */
  random(): number;
}

export interface Entry {
  readonly room: string;
  readonly token?: string;
  readonly invite?: string;
}

export type Outcome =
  | { readonly ok: true; readonly iceServers?: readonly IceServer[]; readonly key?: string }
  | { readonly ok: false; readonly refusal: Refusal };

export type End =
  | { readonly kind: 'bye'; readonly reason: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** No server answered the first hello. */
  | { readonly kind: 'unreachable' };

export interface Owner {
  /** In the lobby, until the host decides. */
  waiting(): void;
  /** After the first hello, and again after every lost socket. */
  welcome(welcome: Welcome): void;
  event(event: RoomEvent): void;
  /** The socket broke; another one is being opened. */
  lost(): void;
  /** Nothing follows.  Not called after leave(), abandon() and stop(). */
  ended(end: End): void;
}

const answerMs = 8_000; // from opening a socket to the answer to its hello
const firstPauseMs = 500;
const longestPauseMs = 5_000;
const pingMs = 10_000;
const silenceMs = 10_000;
/** After a change of networks nothing tells that the old socket leads nowhere, except silence. */
const hurriedSilenceMs = 3_000;
const ackEvents = 32;
const ackMs = 5_000;
const leaveMs = 2_000;
const tooFastMs = 1_000;
const mostPending = 1_024;

interface Pending {
  readonly request: Request;
  readonly settle: (outcome: Outcome) => void;
}

const refusal = (code: string): Refusal => ({ code, message: '', retry: false, retryAfter: null });

export class Client {
  /** Of the last ping, in milliseconds. */
  roundTrip: number | null = null;

  private socket: Socket | null = null;
  private over = false;
  private greeted = false; // by a welcome or a waiting: from then on a lost socket is opened again
  private welcomed = false; // over the socket of now
  private resume = '';
  private handled = 0; // seq
  private acked = 0; // seq
  private latest = 0; // id
  /** The latest id that reached the server before a resume.  Refusals among them come again as events, so
      they count as acknowledged only with the pong that follows those. */
  private covered = 0;
  private readonly pending = new Map<number, Pending>();
  private told: Presence | null = null; // what the server knows of us
  private attempt = 0;
  private hellos = 0;
  private pause: number | null = null; // the server's wish
  private drop: () => void = () => {}; // the socket of now counts as lost
  private whenClosed: () => void = () => {};
  private cancelRetry: () => void = () => {};
  private cancelAck: (() => void) | null = null;
  private cancelPing: () => void = () => {};
  private cancelSilence: () => void = () => {};

  constructor(
    private readonly transport: Transport,
    private readonly url: string,
    private readonly entry: Entry,
    private me: Presence,
    private readonly owner: Owner,
  ) {}

  start(): void {
    this.connect();
  }

  get online(): boolean {
    return this.welcomed;
  }

  /** Settles when the server has answered, however many sockets that takes. */
  request(request: Request): Promise<Outcome> {
    if (this.over) return Promise.resolve({ ok: false, refusal: refusal('session-ended') });
    if (this.pending.size >= mostPending) return Promise.resolve({ ok: false, refusal: refusal('queue-full') });
    return new Promise((settle) => this.ask({ request, settle }));
  }

  /** What the others are told of us. */
  present(me: Presence): void {
    this.me = me;
    this.tellPresence();
  }

  /** The network changed or is back: neither sit out a pause nor trust the old socket. */
  networkChanged(): void {
    if (this.over) return;
    if (this.socket === null) {
      this.cancelRetry();
      this.connect();
    } else if (this.welcomed) {
      this.ping(hurriedSilenceMs);
    }
  }

  /** Resolves when the server has said bye, or has had its chance to. */
  async leave(): Promise<void> {
    const { socket } = this;
    if (this.over || !this.sayLeave() || !socket) {
      this.stop();
      return;
    }
    this.finish();
    await new Promise<void>((closed) => {
      this.whenClosed = closed;
      this.transport.after(leaveMs, closed);
    });
    socket.close();
  }

  /** Leaves while the page goes away and can wait for nothing. */
  abandon(): void {
    if (this.over) return;
    this.sayLeave();
    this.stop();
  }

  /** Lets go of everything without a word: the seat stays until the server's patience ends. */
  stop(): void {
    this.finish();
    this.socket?.close();
  }

  private sayLeave(): boolean {
    if (!this.welcomed) return false;
    this.latest += 1;
    this.send({ type: 'leave', id: this.latest });
    return true;
  }

  private finish(): void {
    this.over = true;
    this.welcomed = false;
    this.cancelRetry();
    this.cancelAck?.();
    this.cancelPing();
    this.cancelSilence();
    for (const { settle } of this.pending.values()) settle({ ok: false, refusal: refusal('session-ended') });
    this.pending.clear();
  }

  private end(end: End): void {
    if (this.over) return;
    this.stop();
    this.owner.ended(end);
  }

  private send(frame: object): void {
    this.socket?.send(JSON.stringify(frame));
  }

  private ask(pending: Pending): void {
    this.latest += 1;
    this.pending.set(this.latest, pending);
    if (this.welcomed) this.send({ ...pending.request, id: this.latest });
  }

  private tellPresence(): void {
    if (!this.welcomed || !this.told) return;
    const changes = Object.entries(this.me).filter(([key, value]) => this.told?.[key as keyof Presence] !== value);
    if (changes.length === 0) return;
    this.told = this.me;
    void this.request({ type: 'set', ...(Object.fromEntries(changes) as Partial<Presence>) });
  }

  private connect(): void {
    let current = true;
    const ended = () => {
      if (!current) return;
      current = false;
      this.closed();
    };
    const socket = this.transport.socket(this.url, {
      opened: () => {
        if (current && !this.over) this.hello();
      },
      received: (text) => {
        if (!current || this.over) return;
        this.cancelSilence(); // any frame shows that the server is there
        const frame = parseFrame(text);
        if (frame) this.receive(frame);
      },
      closed: ended,
    });
    this.socket = socket;
    this.drop = () => {
      ended();
      socket.close();
    };
    this.expectFrame(answerMs);
  }

  private expectFrame(milliseconds: number): void {
    this.cancelSilence();
    this.cancelSilence = this.transport.after(milliseconds, () => this.drop());
  }

  private ping(patience: number): void {
    this.cancelPing();
    this.send({ type: 'ping', time: Math.round(this.transport.now()) });
    this.expectFrame(patience);
    this.schedulePing();
  }

  private schedulePing(): void {
    this.cancelPing();
    this.cancelPing = this.transport.after(pingMs, () => this.ping(silenceMs));
  }

  private hello(): void {
    this.hellos += 1;
    const which = this.resume === '' ? this.entry : { resume: this.resume, seq: this.handled, attempt: this.hellos };
    this.send({ type: 'hello', version: 1, ...which, ...this.me });
  }

  private receive(frame: Frame): void {
    switch (frame.type) {
      case 'welcome':
        return this.welcome(frame);
      case 'waiting':
        this.greeted = true;
        this.attempt = 0;
        this.schedulePing();
        return this.owner.waiting();
      case 'event':
        return this.event(frame.seq, frame.event);
      case 'ack':
        return this.acknowledge(frame.id);
      case 'answer':
        return this.answer(frame.answer);
      case 'pong':
        this.roundTrip = Math.max(0, this.transport.now() - frame.time);
        return this.acknowledge(this.covered);
      case 'refused':
        this.pause = frame.refusal.retryAfter;
        if (this.resume === '' || !frame.refusal.retry) this.end({ kind: 'refused', refusal: frame.refusal });
        return;
      case 'bye':
        if (frame.reason !== 'shutdown' && frame.reason !== 'moved') return this.end({ kind: 'bye', reason: frame.reason });
        // Also when the server has moved: whoever moves it moves the name that this page came by.
        this.pause = frame.refusal.retryAfter;
        return this.drop();
    }
  }

  private welcome(welcome: Welcome): void {
    this.greeted = true;
    this.attempt = 0;
    this.resume = welcome.resume;
    this.handled = welcome.seq;
    this.acked = welcome.seq;
    this.told = welcome.you;
    this.covered = welcome.received;
    this.welcomed = true;
    for (const [id, { request }] of this.pending) if (id > this.covered) this.send({ ...request, id });
    this.ping(silenceMs);
    this.owner.welcome(welcome);
    this.tellPresence();
  }

  private event(seq: number, event: RoomEvent | Answer | null): void {
    if (seq <= this.handled) return;
    this.handled = seq;
    if (event?.type === 'error' || event?.type === 'ice' || event?.type === 'invite') this.answer(event);
    else if (event) this.owner.event(event);
    if (this.handled - this.acked >= ackEvents) this.ackEvents();
    else this.cancelAck ??= this.transport.after(ackMs, () => this.ackEvents());
  }

  private ackEvents(): void {
    this.cancelAck?.();
    this.cancelAck = null;
    if (!this.welcomed || this.acked === this.handled) return;
    this.acked = this.handled;
    this.send({ type: 'ack', seq: this.handled });
  }

  /** One acknowledgement stands for all requests up to it that were not refused. */
  private acknowledge(upTo: number): void {
    for (const id of this.pending.keys()) {
      if (id > upTo) break; // a Map keeps the order in which ids were given
      this.settle(id, { ok: true });
    }
  }

  private answer(answer: Answer): void {
    switch (answer.type) {
      case 'ice':
        return this.settle(answer.id, { ok: true, iceServers: answer.iceServers });
      case 'invite':
        return this.settle(answer.id, { ok: true, key: answer.key });
      case 'error':
        return this.refused(answer.id, answer.refusal);
    }
  }

  private settle(id: number, outcome: Outcome): void {
    this.pending.get(id)?.settle(outcome);
    this.pending.delete(id);
  }

  private refused(id: number, refusal: Refusal): void {
    const pending = this.pending.get(id);
    if (refusal.code !== 'too-fast' || !pending) return this.settle(id, { ok: false, refusal });
    this.pending.delete(id);
    this.transport.after(refusal.retryAfter ?? tooFastMs, () => {
      if (this.over) pending.settle({ ok: false, refusal });
      else this.ask(pending);
    });
  }

  private closed(): void {
    this.socket = null;
    this.welcomed = false;
    this.cancelPing();
    this.cancelSilence();
    this.cancelAck?.();
    this.cancelAck = null;
    if (this.over) return this.whenClosed();
    if (!this.greeted) return this.end({ kind: 'unreachable' });
    if (this.attempt === 0) this.owner.lost();
    this.cancelRetry = this.transport.after(this.nextPause(), () => this.connect());
  }

  private nextPause(): number {
    const { attempt, pause } = this;
    this.attempt += 1;
    this.pause = null;
    if (pause !== null) return pause;
    if (attempt === 0) return 0;
    const full = Math.min(firstPauseMs * 2 ** (attempt - 1), longestPauseMs);
    return full * (1 - this.transport.random() / 2);
  }
}
