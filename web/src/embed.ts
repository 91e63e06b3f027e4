// What a framed call and the page around it say to each other (docs/embed.md).  No DOM: who may talk,
// what their messages mean, and what there is to tell, as values.
//
// Both directions are checked against the server's list of origins (http.embed_origins): a message of
// another origin is not read, and none is ever sent to "*".

export const embedVersion = 1;

export type Command =
  | { readonly type: 'hello' | 'leave' | 'close' }
  | { readonly type: 'join'; readonly name?: string; readonly token?: string }
  | { readonly type: 'mic' | 'camera' | 'screen' | 'chat'; readonly on: boolean };

/** An order with an `id` is answered, with `done` or `error`. */
export interface Order {
  readonly id: number | null;
  readonly command: Command;
}

export type EmbedEvent =
  | { readonly type: 'ready'; readonly room: string }
  | { readonly type: 'state'; readonly state: string }
  | { readonly type: 'joined'; readonly id: number; readonly name: string; readonly role: string }
  | { readonly type: 'left'; readonly reason: string }
  | { readonly type: 'peer-joined'; readonly id: number; readonly name: string }
  | { readonly type: 'renamed'; readonly id: number; readonly name: string }
  | { readonly type: 'peer-left'; readonly id: number }
  | { readonly type: 'media'; readonly mic: boolean; readonly camera: boolean; readonly screen: boolean }
  | { readonly type: 'chat'; readonly on: boolean }
  | { readonly type: 'done'; readonly id: number }
  | { readonly type: 'error'; readonly code: string; readonly id?: number };

/** What of a call is told outside, at one moment. */
export interface View {
  readonly state: string;
  readonly me: { readonly id: number; readonly name: string; readonly role: string } | null;
  readonly peers: ReadonlyMap<number, string>;
  /** How the last stay ended. */
  readonly reason: string;
  /** Why the call failed, or what is wrong with camera or microphone. */
  readonly troubles: ReadonlySet<string>;
  readonly mic: boolean;
  readonly camera: boolean;
  readonly screen: boolean;
  readonly chat: boolean;
}

/** Before anything was told. */
export const blank: View = {
  state: '',
  me: null,
  peers: new Map(),
  reason: '',
  troubles: new Set(),
  mic: false,
  camera: false,
  screen: false,
  chat: false,
};

/** Causes come before their effects: why it failed before the failed state, who is here after oneself. */
export function changes(before: View, after: View): EmbedEvent[] {
  const told: EmbedEvent[] = [];
  for (const code of after.troubles) if (!before.troubles.has(code)) told.push({ type: 'error', code });
  const stayed = before.me !== null && before.me.id === after.me?.id;
  if (before.me && !stayed) told.push({ type: 'left', reason: after.me ? 'lost' : after.reason });
  if (before.state !== after.state) told.push({ type: 'state', state: after.state });
  if (after.me && !stayed) told.push({ type: 'joined', ...after.me });
  else if (after.me && before.me?.name !== after.me.name) told.push({ type: 'renamed', id: after.me.id, name: after.me.name });
  // With oneself everybody is gone, and that has been said.
  const known = stayed ? before.peers : blank.peers;
  for (const id of known.keys()) if (!after.peers.has(id)) told.push({ type: 'peer-left', id });
  for (const [id, name] of after.peers) {
    if (!known.has(id)) told.push({ type: 'peer-joined', id, name });
    else if (known.get(id) !== name) told.push({ type: 'renamed', id, name });
  }
  const { mic, camera, screen, chat } = after;
  if (mic !== before.mic || camera !== before.camera || screen !== before.screen) {
    told.push({ type: 'media', mic, camera, screen });
  }
  if (chat !== before.chat) told.push({ type: 'chat', on: chat });
  return told;
}

type Json = { readonly [key: string]: unknown };

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string | undefined => value === undefined || typeof value === 'string';

/** Null for one that makes no sense. */
export function parseCommand(message: Json): Command | null {
  const { type, on, name, token } = message;
  switch (type) {
    case 'hello':
    case 'leave':
    case 'close':
      return { type };
    case 'join':
      if (!isText(name) || !isText(token)) return null;
      return { type, ...(name === undefined ? {} : { name }), ...(token === undefined ? {} : { token }) };
    case 'mic':
    case 'camera':
    case 'screen':
    case 'chat':
      return typeof on === 'boolean' ? { type, on } : null;
    default:
      return null;
  }
}

export class Conversation {
  private origin: string | null = null;

  /** `parent` is where the page around us seems to be from, where the browser tells; `post` delivers to
      that page, if it is of the origin that is named. */
  constructor(
    private readonly origins: readonly string[],
    parent: string | null,
    private readonly post: (message: object, origin: string) => void,
  ) {
    this.meet(parent);
  }

  tell(event: EmbedEvent): void {
    if (this.origin !== null) this.post({ ahoy: embedVersion, ...event }, this.origin);
  }

  /** Null for what is none of ours, or was refused. */
  hear(data: unknown, origin: string): Order | null {
    if (!this.origins.includes(origin)) return null;
    if (!isObject(data) || data.ahoy === undefined) return null; // pages have other things to say, too
    this.meet(origin);
    const id = Number.isSafeInteger(data.id) ? (data.id as number) : null;
    const command = data.ahoy === embedVersion ? parseCommand(data) : null;
    if (command) return { id, command };
    this.refuse(id, data.ahoy === embedVersion ? 'bad-command' : 'unsupported-version');
    return null;
  }

  /** `code` is null for what was done. */
  answer(id: number | null, code: string | null): void {
    if (code !== null) this.refuse(id, code);
    else if (id !== null) this.tell({ type: 'done', id });
  }

  private refuse(id: number | null, code: string): void {
    this.tell({ type: 'error', code, ...(id === null ? {} : { id }) });
  }

  private meet(origin: string | null): void {
    if (origin !== null && this.origins.includes(origin)) this.origin = origin;
  }
}
