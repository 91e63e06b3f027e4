// The wire of AppRTC's room server and of Collider, as a client speaks it: join, register, send, bye,
// leave.  It knows no DOM, no clock and no network: a Transport brings those, and tests bring their own.
//
// Two rules of the protocol shape this file.  The initiator sends everything by POST /message, because
// the room server keeps it for whoever comes next; the other side sends over the WebSocket.  And a lost
// socket keeps its seat for ten seconds, in which the same client id may register again.

export interface SdpMessage {
  readonly type: 'offer' | 'answer';
  readonly sdp: string;
}
export interface CandidateMessage {
  readonly type: 'candidate';
  readonly label: number;
  readonly id: string;
  readonly candidate: string;
}
export interface ByeMessage {
  readonly type: 'bye';
}
export type Message = SdpMessage | CandidateMessage | ByeMessage;

export interface IceServer {
  readonly urls: string[];
  readonly username?: string;
  readonly credential?: string;
}

export interface HttpReply {
  readonly status: number;
  readonly body: string;
}

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
  /** Rejects when nobody answered; an HTTP error status is an answer. */
  request(method: 'POST' | 'DELETE', url: string, body?: string): Promise<HttpReply>;
  /** `closed` is called exactly once, whether or not the socket ever opened. */
  socket(url: string, handlers: SocketHandlers): Socket;
  /** Sent even while the page goes away; nobody waits for an answer. */
  beacon(url: string): void;
  now(): number;
  after(milliseconds: number, run: () => void): () => void;
  /** In [0, 1): spreads the reconnects of many clients. */
  random(): number;
}

type Json = { readonly [key: string]: unknown };

function parseJson(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Json)
      : null;
  } catch {
    return null;
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Null for what we do not know: other clients may say more than we understand. */
export function parseMessage(body: string): Message | null {
  const json = parseJson(body);
  switch (json?.type) {
    case 'offer':
    case 'answer':
      return typeof json.sdp === 'string' ? { type: json.type, sdp: json.sdp } : null;
    case 'candidate':
      return typeof json.candidate === 'string'
        ? {
            type: 'candidate',
            label: typeof json.label === 'number' ? json.label : 0,
            id: text(json.id),
            candidate: json.candidate,
          }
        : null;
    case 'bye':
      return { type: 'bye' };
    default:
      return null;
  }
}

/** Key order as AppRTC's page writes it. */
export function formatMessage(message: Message): string {
  switch (message.type) {
    case 'offer':
    case 'answer':
      return JSON.stringify({ sdp: message.sdp, type: message.type });
    case 'candidate':
      return JSON.stringify({
        type: 'candidate',
        label: message.label,
        id: message.id,
        candidate: message.candidate,
      });
    case 'bye':
      return JSON.stringify({ type: 'bye' });
  }
}

export function parseIceServers(value: unknown): IceServer[] {
  if (!Array.isArray(value)) return [];
  const servers: IceServer[] = [];
  for (const entry of value as unknown[]) {
    if (typeof entry !== 'object' || entry === null) continue;
    const { urls, username, credential } = entry as Json;
    const list = (Array.isArray(urls) ? (urls as unknown[]) : [urls]).filter(
      (url): url is string => typeof url === 'string' && url !== '',
    );
    if (list.length === 0) continue; // browsers refuse the whole configuration for one empty list
    servers.push({
      urls: list,
      ...(typeof username === 'string' ? { username } : {}),
      ...(typeof credential === 'string' ? { credential } : {}),
    });
  }
  return servers;
}

export interface Seat {
  readonly kind: 'joined';
  readonly room: string;
  readonly client: string;
  readonly initiator: boolean;
  /** What the other client said before we came, oldest first. */
  readonly messages: Message[];
  readonly iceServers: IceServer[];
  readonly iceServerUrl: string;
  readonly socketUrl: string;
  readonly postUrl: string;
}

export type JoinResult =
  | Seat
  | { readonly kind: 'full' }
  | { readonly kind: 'bad-name' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unreachable'; readonly reason: string };

const encode = encodeURIComponent;

export async function join(transport: Transport, room: string): Promise<JoinResult> {
  let reply: HttpReply;
  try {
    reply = await transport.request('POST', `/join/${encode(room)}`, '');
  } catch (error) {
    return { kind: 'unreachable', reason: String(error) };
  }
  if (reply.status === 404) return { kind: 'bad-name' };
  const json = parseJson(reply.body);
  if (reply.status !== 200 || json === null) {
    return { kind: 'unreachable', reason: `HTTP status ${reply.status}` };
  }
  if (json.result === 'FULL') return { kind: 'full' };
  const params = typeof json.params === 'object' ? (json.params as Json | null) : null;
  if (json.result !== 'SUCCESS' || params === null) {
    return { kind: 'refused', reason: text(json.result) || 'no result' };
  }
  const messages = Array.isArray(params.messages) ? (params.messages as unknown[]) : [];
  return {
    kind: 'joined',
    room: text(params.room_id) || room,
    client: text(params.client_id),
    initiator: params.is_initiator === 'true',
    messages: messages.map((m) => parseMessage(text(m))).filter((m) => m !== null),
    iceServers: parseIceServers(parseJson(text(params.pc_config))?.iceServers),
    iceServerUrl: text(params.ice_server_url),
    socketUrl: text(params.wss_url),
    postUrl: text(params.wss_post_url),
  };
}

export function leaveUrl(seat: Seat): string {
  return `/leave/${encode(seat.room)}/${encode(seat.client)}`;
}

/** An empty list when the provider is silent: a direct call may still succeed. */
export async function fetchIceServers(transport: Transport, url: string): Promise<IceServer[]> {
  if (url === '') return [];
  try {
    const reply = await transport.request('POST', url, '');
    return reply.status === 200 ? parseIceServers(parseJson(reply.body)?.iceServers) : [];
  } catch {
    return [];
  }
}

export type ChannelEvent =
  | { readonly kind: 'message'; readonly message: Message }
  /** The socket broke; it is being opened again. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'restored' }
  /** The seat is gone: only a new join helps. */
  | { readonly kind: 'expired'; readonly reason: string };

/** How long a server keeps the seat of a lost socket, Collider's registerTimeoutSec. */
export const graceMs = 10_000;
const connectTimeoutMs = 4_000;
const stableMs = 2_000;
const firstDelayMs = 250;
const longestDelayMs = 2_000;
const closeMs = 5_000;
const postAttempts = 4;

/**
 * One seat's way to the other client.  Messages leave in the order of send(), whatever happens to the
 * socket in between, until the seat expires or is left.
 */
export class Channel {
  private initiator: boolean;
  private socket: Socket | null = null;
  private open = false;
  private done = false;
  private lostAt: number;
  private everOpen = false;
  private attempt = 0;
  private refusal = '';
  private unsent: string[] = []; // for the socket, while there is none
  private posts: Promise<void> = Promise.resolve();
  private epoch = 0;
  private cancelRetry: () => void = () => {};
  private cancelStable: () => void = () => {};
  private cancelGrace: () => void = () => {};
  private whenClosed: () => void = () => {};

  constructor(
    private readonly transport: Transport,
    private readonly seat: Seat,
    private readonly onEvent: (event: ChannelEvent) => void,
  ) {
    this.initiator = seat.initiator;
    this.lostAt = transport.now();
    this.cancelGrace = transport.after(graceMs, () => this.graceOver());
    this.connect();
  }

  send(message: Message): void {
    if (this.done) return;
    const body = formatMessage(message);
    if (this.initiator) {
      const epoch = this.epoch;
      this.posts = this.posts.then(() => this.post(body, epoch));
    } else if (this.open) {
      this.socket?.send(JSON.stringify({ cmd: 'send', msg: body }));
    } else {
      this.unsent.push(body);
    }
  }

  /** The other client left: from now on we offer, and nothing of the old call may follow. */
  becomeInitiator(): void {
    this.initiator = true;
    this.epoch += 1;
    this.unsent = [];
  }

  /** The network is back: do not sit out the pause. */
  retryNow(): void {
    if (this.done || this.socket !== null) return;
    this.cancelRetry();
    this.connect();
  }

  /**
   * Hangs up.  /leave comes first, because on bye the other client offers anew at once, and by then
   * the server must see it alone.
   */
  async leave(): Promise<void> {
    if (this.done) return;
    const { socket, open } = this;
    const url = `${this.seat.postUrl}/${encode(this.seat.room)}/${encode(this.seat.client)}`;
    const bye = formatMessage({ type: 'bye' });
    this.finish();
    const quietly = (method: 'POST' | 'DELETE', to: string, body?: string) =>
      this.transport.request(method, to, body).catch(() => null);
    await quietly('POST', leaveUrl(this.seat));
    if (socket && open) {
      socket.send(JSON.stringify({ cmd: 'send', msg: bye }));
      await this.closing(socket);
    } else {
      socket?.close();
      await quietly('POST', url, bye);
    }
    await quietly('DELETE', url);
  }

  /** Hangs up while the page goes away and can wait for nothing. */
  abandon(): void {
    if (this.done) return;
    const { socket, open } = this;
    this.finish();
    this.transport.beacon(leaveUrl(this.seat));
    if (open) socket?.send(JSON.stringify({ cmd: 'send', msg: formatMessage({ type: 'bye' }) }));
    socket?.close();
  }

  /** A DELETE that overtook the bye would take the right to say it. */
  private closing(socket: Socket): Promise<void> {
    return new Promise((closed) => {
      this.whenClosed = closed;
      this.transport.after(closeMs, closed);
      socket.close();
    });
  }

  private finish(): void {
    this.done = true;
    this.open = false;
    this.cancelRetry();
    this.cancelStable();
    this.cancelGrace();
  }

  private expire(reason: string): void {
    if (this.done) return;
    const socket = this.socket;
    this.finish();
    socket?.close();
    this.onEvent({ kind: 'expired', reason });
  }

  private graceOver(): void {
    if (!this.open) this.expire('the server did not answer in time');
  }

  private connect(): void {
    let current = true;
    const ended = () => {
      if (!current) return;
      current = false;
      cancelTimeout();
      this.closed();
    };
    const socket = this.transport.socket(this.seat.socketUrl, {
      opened: () => {
        if (!current || this.done) return;
        cancelTimeout();
        this.opened();
      },
      received: (frame) => {
        if (current && !this.done) this.received(frame);
      },
      closed: ended,
    });
    this.socket = socket;
    const cancelTimeout = this.transport.after(connectTimeoutMs, () => {
      ended();
      socket.close();
    });
  }

  private opened(): void {
    const again = this.everOpen;
    this.everOpen = true;
    this.open = true;
    this.refusal = '';
    this.socket?.send(
      JSON.stringify({ cmd: 'register', roomid: this.seat.room, clientid: this.seat.client }),
    );
    for (const msg of this.unsent.splice(0)) {
      this.socket?.send(JSON.stringify({ cmd: 'send', msg }));
    }
    // Nothing acknowledges a register; a refusal closes the socket soon.
    this.cancelStable = this.transport.after(stableMs, () => this.settled());
    if (again) this.onEvent({ kind: 'restored' });
  }

  private settled(): void {
    this.attempt = 0;
    this.cancelGrace();
    this.cancelStable();
  }

  private received(frame: string): void {
    const json = parseJson(frame);
    if (json === null) return;
    const error = text(json.error);
    if (error !== '') {
      this.refusal = error;
      return;
    }
    this.settled();
    const message = parseMessage(text(json.msg));
    if (message !== null) this.onEvent({ kind: 'message', message });
  }

  private closed(): void {
    this.socket = null;
    if (this.done) {
      this.whenClosed();
      return;
    }
    this.cancelStable();
    const wasOpen = this.open;
    this.open = false;
    // "Duplicated registration" only says that the server has not yet noticed the old socket's end.
    if (this.refusal !== '' && this.refusal !== 'Duplicated registration') {
      this.expire(this.refusal);
      return;
    }
    if (wasOpen) this.onEvent({ kind: 'lost' });
    if (wasOpen && this.attempt === 0) {
      this.lostAt = this.transport.now();
      this.cancelGrace();
      this.cancelGrace = this.transport.after(graceMs, () => this.graceOver());
    } else if (this.transport.now() - this.lostAt >= graceMs) {
      this.expire('the server did not answer in time');
      return;
    }
    const delay = Math.min(firstDelayMs * 2 ** this.attempt, longestDelayMs);
    this.attempt += 1;
    this.cancelRetry = this.transport.after(delay * (0.5 + this.transport.random() / 2), () =>
      this.connect(),
    );
  }

  private async post(body: string, epoch: number): Promise<void> {
    const url = `/message/${encode(this.seat.room)}/${encode(this.seat.client)}`;
    for (let attempt = 0; attempt < postAttempts; attempt += 1) {
      if (this.done || epoch !== this.epoch) return;
      try {
        const reply = await this.transport.request('POST', url, body);
        const result = parseJson(reply.body)?.result;
        if (result === 'SUCCESS') return;
        if (result === 'UNKNOWN_ROOM' || result === 'UNKNOWN_CLIENT') {
          this.expire(result);
          return;
        }
      } catch {
        // The socket's own troubles decide when to give up.
      }
      await new Promise<void>((wake) => {
        this.transport.after(firstDelayMs * 2 ** attempt, wake);
      });
    }
  }
}
