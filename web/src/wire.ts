// The frames of Ahoy's own protocol (docs/protocol.md), as types, and how they are read from text.
// What comes from the network is parsed here and nowhere else: a frame that makes no sense is null.

export interface SdpSignal {
  readonly type: 'offer' | 'answer';
  readonly sdp: string;
}
export interface CandidateSignal {
  readonly type: 'candidate';
  readonly label: number;
  readonly id: string;
  readonly candidate: string;
}
/** What two participants tell each other to connect: AppRTC's payloads, so that its clients understand. */
export type Signal = SdpSignal | CandidateSignal;

export interface IceServer {
  readonly urls: string[];
  readonly username?: string;
  readonly credential?: string;
}

export type Role = 'host' | 'guest';
export type Switch = 'mic' | 'camera' | 'screen' | 'hand';
export const switches: readonly Switch[] = ['mic', 'camera', 'screen', 'hand'];

/** What a participant says of itself. */
export interface Presence {
  readonly name: string;
  readonly mic: boolean;
  readonly camera: boolean;
  readonly screen: boolean;
  readonly hand: boolean;
}
export interface Me extends Presence {
  readonly id: number;
  readonly role: Role;
}
export interface Participant extends Me {
  readonly connected: boolean;
  /** On a client of AppRTC. */
  readonly legacy: boolean;
  /** We make the first offer; the other one is the polite side. */
  readonly offer: boolean;
}
export interface RoomState {
  readonly name: string;
  readonly capacity: number;
  readonly locked: boolean;
  readonly lobby: boolean;
}
export interface ChatLine {
  readonly n: number;
  readonly from: number;
  readonly name: string;
  readonly text: string;
  readonly time: number;
}

/** How things are in the room, where no events can tell. */
export interface Snapshot {
  readonly room: RoomState;
  readonly participants: readonly Participant[];
  readonly chat: readonly ChatLine[];
}
export interface Welcome {
  readonly type: 'welcome';
  readonly seq: number;
  readonly received: number;
  readonly you: Me;
  /** Null after a resume without loss: what is known holds. */
  readonly snapshot: Snapshot | null;
  /** The server was started anew: who is not back yet is missing in the snapshot, and may still come. */
  readonly restarted: boolean;
  readonly iceServers: readonly IceServer[];
  readonly resume: string;
  readonly resumeTimeout: number;
}

export type Change = Partial<Presence & Pick<Participant, 'role' | 'connected'>>;
export type RoomChange = Partial<Pick<RoomState, 'locked' | 'lobby'>>;
export type RoomEvent =
  | { readonly type: 'joined'; readonly participant: Participant }
  | { readonly type: 'left'; readonly id: number; readonly reason: string }
  | { readonly type: 'changed'; readonly id: number; readonly change: Change }
  | { readonly type: 'signal'; readonly from: number; readonly data: string }
  | { readonly type: 'message'; readonly from: number; readonly data: string; readonly private: boolean }
  | { readonly type: 'chat'; readonly line: ChatLine }
  | { readonly type: 'room'; readonly change: RoomChange }
  | { readonly type: 'mute'; readonly from: number; readonly what: Switch }
  | { readonly type: 'knock'; readonly knock: number; readonly name: string }
  | { readonly type: 'knock_over'; readonly knock: number };

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly retry: boolean;
  readonly retryAfter: number | null;
}

/** What a request gets beside its acknowledgement; an event, so that it is not lost with a socket. */
export type Answer =
  | { readonly type: 'error'; readonly id: number; readonly refusal: Refusal }
  | { readonly type: 'ice'; readonly id: number; readonly iceServers: readonly IceServer[] }
  | { readonly type: 'invite'; readonly id: number; readonly key: string };

export type Frame =
  | Welcome
  | { readonly type: 'waiting' }
  | { readonly type: 'ack'; readonly id: number }
  | { readonly type: 'pong'; readonly time: number }
  /** The socket closes. */
  | { readonly type: 'refused'; readonly refusal: Refusal }
  | { readonly type: 'bye'; readonly reason: string; readonly refusal: Refusal }
  /** A request that was too large to count has an answer outside of the events. */
  | { readonly type: 'answer'; readonly answer: Answer }
  /** Null for an event of a kind that we do not know: it is acknowledged like the others. */
  | { readonly type: 'event'; readonly seq: number; readonly event: RoomEvent | Answer | null };

export type Request =
  | { readonly type: 'signal'; readonly to: number; readonly data: string }
  | { readonly type: 'message'; readonly to?: number; readonly data: string }
  | { readonly type: 'chat'; readonly text: string }
  | ({ readonly type: 'set' } & Partial<Presence>)
  | ({ readonly type: 'room' } & RoomChange)
  | { readonly type: 'admit' | 'deny'; readonly knock: number }
  | { readonly type: 'mute'; readonly to: number; readonly what: Switch }
  | { readonly type: 'remove' | 'host'; readonly to: number }
  | { readonly type: 'revoke'; readonly key: string }
  | { readonly type: 'ice' | 'invite' | 'close' | 'leave' };

type Json = { readonly [key: string]: unknown };

function parseJson(text: string): Json | null {
  try {
    return object(JSON.parse(text));
  } catch {
    return null;
  }
}

function object(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number => (typeof value === 'number' ? value : 0);

function list<T>(value: unknown, parse: (entry: Json) => T | null): T[] {
  if (!Array.isArray(value)) return [];
  return (value as unknown[])
    .map((entry) => parse(object(entry) ?? {}))
    .filter((entry) => entry !== null);
}

/** Null for what we do not know: other clients may say more than we understand. */
export function parseSignal(data: string): Signal | null {
  const json = parseJson(data);
  switch (json?.type) {
    case 'offer':
    case 'answer':
      return typeof json.sdp === 'string' ? { type: json.type, sdp: json.sdp } : null;
    case 'candidate':
      return typeof json.candidate === 'string'
        ? {
            type: 'candidate',
            label: number(json.label),
            id: text(json.id),
            candidate: json.candidate,
          }
        : null;
    default:
      return null;
  }
}

/** Key order as AppRTC's page writes it. */
export function formatSignal(signal: Signal): string {
  if (signal.type !== 'candidate') return JSON.stringify({ sdp: signal.sdp, type: signal.type });
  const { type, label, id, candidate } = signal;
  return JSON.stringify({ type, label, id, candidate });
}

export function parseIceServers(value: unknown): IceServer[] {
  return list(value, ({ urls, username, credential }) => {
    const known = (Array.isArray(urls) ? (urls as unknown[]) : [urls]).filter(
      (url): url is string => typeof url === 'string' && url !== '',
    );
    if (known.length === 0) return null; // browsers refuse the whole configuration for one empty list
    return {
      urls: known,
      ...(typeof username === 'string' ? { username } : {}),
      ...(typeof credential === 'string' ? { credential } : {}),
    };
  });
}

function parseMe(json: Json): Me {
  return {
    id: number(json.id),
    name: text(json.name).trim(),
    role: json.role === 'host' ? 'host' : 'guest',
    mic: json.mic === true,
    camera: json.camera === true,
    screen: json.screen === true,
    hand: json.hand === true,
  };
}

function parseParticipant(json: Json): Participant | null {
  if (typeof json.id !== 'number') return null;
  return {
    ...parseMe(json),
    connected: json.connected !== false,
    legacy: json.legacy === true,
    offer: json.offer === true,
  };
}

function parseLine(json: Json): ChatLine | null {
  if (typeof json.text !== 'string') return null;
  return {
    n: number(json.n),
    from: number(json.from),
    name: text(json.name).trim(),
    text: json.text,
    time: number(json.time),
  };
}

function parseWelcome(json: Json): Welcome {
  const room = object(json.room) ?? {};
  return {
    type: 'welcome',
    seq: number(json.seq),
    received: number(json.received),
    you: parseMe(object(json.you) ?? {}),
    snapshot:
      json.resumed === true
        ? null
        : {
            room: {
              name: text(room.name),
              capacity: number(room.capacity),
              locked: room.locked === true,
              lobby: room.lobby === true,
            },
            participants: list(json.participants, parseParticipant),
            chat: list(json.chat, parseLine),
          },
    restarted: json.resumed !== true && json.missed === null,
    iceServers: parseIceServers(json.ice_servers),
    resume: text(json.resume),
    resumeTimeout: number(json.resume_timeout),
  };
}

function parseChange(json: Json): Change {
  const me = parseMe(json);
  return {
    ...(typeof json.name === 'string' ? { name: me.name } : {}),
    ...(typeof json.role === 'string' ? { role: me.role } : {}),
    ...(typeof json.connected === 'boolean' ? { connected: json.connected } : {}),
    ...Object.fromEntries(switches.filter((s) => typeof json[s] === 'boolean').map((s) => [s, json[s]])),
  };
}

function parseRefusal(json: Json): Refusal {
  return {
    code: text(json.code),
    message: text(json.message),
    retry: json.retry === true,
    retryAfter: typeof json.retry_after === 'number' ? json.retry_after : null,
  };
}

function parseEvent(json: Json): RoomEvent | null {
  const from = number(json.from);
  switch (json.type) {
    case 'joined': {
      const participant = parseParticipant(object(json.participant) ?? {});
      return participant && { type: 'joined', participant };
    }
    case 'left':
      return { type: 'left', id: number(json.id), reason: text(json.reason) };
    case 'changed':
      return { type: 'changed', id: number(json.id), change: parseChange(json) };
    case 'signal':
      return { type: 'signal', from, data: text(json.data) };
    case 'message':
      return { type: 'message', from, data: text(json.data), private: json.private === true };
    case 'chat': {
      const line = parseLine(json);
      return line && { type: 'chat', line };
    }
    case 'room':
      return {
        type: 'room',
        change: {
          ...(typeof json.locked === 'boolean' ? { locked: json.locked } : {}),
          ...(typeof json.lobby === 'boolean' ? { lobby: json.lobby } : {}),
        },
      };
    case 'mute': {
      const what = switches.find((s) => s === json.what);
      return what ? { type: 'mute', from, what } : null;
    }
    case 'knock':
      return { type: 'knock', knock: number(json.knock), name: text(json.name).trim() };
    case 'knock_over':
      return { type: 'knock_over', knock: number(json.knock) };
    default:
      return null;
  }
}

function parseAnswer(json: Json): Answer | null {
  const { id } = json;
  if (typeof id !== 'number') return null;
  switch (json.type) {
    case 'error':
      return { type: 'error', id, refusal: parseRefusal(json) };
    case 'ice':
      return { type: 'ice', id, iceServers: parseIceServers(json.ice_servers) };
    case 'invite':
      return { type: 'invite', id, key: text(json.key) };
    default:
      return null;
  }
}

export function parseFrame(body: string): Frame | null {
  const json = parseJson(body);
  if (!json) return null;
  switch (json.type) {
    case 'welcome':
      return parseWelcome(json);
    case 'waiting':
      return { type: 'waiting' };
    case 'ack':
      return { type: 'ack', id: number(json.id) };
    case 'pong':
      return { type: 'pong', time: number(json.time) };
    case 'bye':
      return { type: 'bye', reason: text(json.reason), refusal: parseRefusal(json) };
  }
  const answer = parseAnswer(json);
  if (typeof json.seq === 'number') return { type: 'event', seq: json.seq, event: answer ?? parseEvent(json) };
  if (answer) return { type: 'answer', answer };
  return json.type === 'error' ? { type: 'refused', refusal: parseRefusal(json) } : null;
}
