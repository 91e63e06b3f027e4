// Small files from one participant to another (docs/protocol.md): a data channel for each file and
// receiver, so that it can be refused, be slow, or break off by itself.  Nothing moves before the
// receiver has asked for it, and what the sender says of a file is a stranger's word.

export const largestFile = 16 * 1024 * 1024;
/** Channels of this kind; others are not ours. */
export const fileProtocol = 'ahoy-file';
/** That many files may be on their way from, or to, one person. */
export const mostAtOnce = 4;
/** Strangers may fill neither our memory nor our sight. */
const mostShown = 30;

/** What every browser takes in one message. */
const chunkBytes = 16 * 1024;
/** Enough to keep a fast line busy; little enough to stop at once. */
const mostBuffered = 256 * 1024;
const longestControl = 4_096;
const longestName = 100;

export interface FileOffer {
  readonly name: string;
  readonly size: number;
}
type Control = ({ readonly type: 'offer' } & FileOffer) | { readonly type: 'accept' | 'received' | 'cancel' };

export function parseControl(text: string): Control | null {
  if (text.length > longestControl) return null;
  try {
    const { type, name, size } = Object(JSON.parse(text)) as { readonly [key: string]: unknown };
    switch (type) {
      case 'offer': {
        if (typeof name !== 'string' || !Number.isSafeInteger(size)) return null;
        const bytes = size as number;
        return bytes >= 0 && bytes <= largestFile ? { type, name: safeName(name), size: bytes } : null;
      }
      case 'accept':
      case 'received':
      case 'cancel':
        return { type };
      default:
        return null;
    }
  } catch {
    return null;
  }
}

/** A name and nothing but a name: no path, nothing invisible, nothing that turns the text around. */
export function safeName(name: string): string {
  const plain = name
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')
    .replace(/[/\\:*?"<>|]/g, '_')
    .replace(/^[\s.]+|[\s.]+$/g, '');
  const letters = [...plain];
  if (letters.length <= longestName) return plain || 'file';
  const ending = /\.\w{1,10}$/.exec(plain)?.[0] ?? '';
  return letters.slice(0, longestName - ending.length).join('') + ending;
}

export type TransferState =
  | 'connecting'
  /** The receiver is asked. */
  | 'offered'
  | 'moving'
  | 'done'
  /** We did not want it any more. */
  | 'cancelled'
  /** They did not. */
  | 'refused'
  /** The connection broke. */
  | 'lost'
  /** They did not keep to the protocol, or the file could not be read. */
  | 'broken';

/** What both ends of a channel have in common. */
abstract class Transfer {
  state: TransferState = 'connecting';
  /** Bytes. */
  moved = 0;
  abstract readonly size: number;

  constructor(
    protected readonly channel: RTCDataChannel,
    private readonly changed: () => void,
  ) {
    channel.binaryType = 'arraybuffer';
    channel.onopen = () => this.opened();
    channel.onclose = () => this.lost();
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (this.over) return;
      if (typeof data === 'string') this.control(parseControl(data));
      else if (data instanceof ArrayBuffer) this.chunk(new Uint8Array(data));
    };
  }

  get over(): boolean {
    return !['connecting', 'offered', 'moving'].includes(this.state);
  }

  get percent(): number {
    return this.size === 0 ? 0 : Math.floor((this.moved / this.size) * 100);
  }

  cancel(): void {
    if (this.over) return;
    this.say({ type: 'cancel' });
    this.end('cancelled');
  }

  /** The channel is gone, and what was not done will not be. */
  lost(): void {
    if (!this.over) this.end('lost');
  }

  protected opened(): void {}
  protected abstract control(message: Control | null): void;
  protected abstract chunk(bytes: Uint8Array): void;

  protected say(message: Control): void {
    if (this.channel.readyState === 'open') this.channel.send(JSON.stringify(message));
  }

  protected progress(state: TransferState): void {
    this.state = state;
    this.changed();
  }

  /** Who draws it wants to hear of each hundredth, not of each message. */
  protected move(bytes: number): void {
    const before = this.percent;
    this.moved += bytes;
    if (this.percent !== before) this.changed();
  }

  protected fault(): void {
    this.say({ type: 'cancel' });
    this.end('broken');
  }

  protected end(state: TransferState): void {
    this.progress(state);
    this.channel.close(); // after what is waiting to be sent
  }
}

export class Sending extends Transfer {
  constructor(
    channel: RTCDataChannel,
    private readonly file: Blob,
    private readonly name: string,
    changed: () => void,
  ) {
    super(channel, changed);
    channel.bufferedAmountLowThreshold = mostBuffered / 4;
    if (channel.readyState === 'open') this.opened();
  }

  get size(): number {
    return this.file.size;
  }

  protected override opened(): void {
    this.say({ type: 'offer', name: this.name, size: this.size });
    this.progress('offered');
  }

  protected control(message: Control | null): void {
    if (message?.type === 'cancel') this.end('refused');
    else if (message?.type === 'accept' && this.state === 'offered') void this.pour();
    else if (message?.type === 'received' && this.state === 'moving' && this.moved === this.size) this.end('done');
    else this.fault();
  }

  protected chunk(): void {
    this.fault();
  }

  private async pour(): Promise<void> {
    this.progress('moving');
    try {
      while (this.moved < this.size) {
        const bytes = await this.file.slice(this.moved, this.moved + chunkBytes).arrayBuffer();
        await this.room();
        if (this.over) return;
        this.channel.send(bytes);
        this.move(bytes.byteLength);
      }
    } catch {
      if (this.channel.readyState !== 'open') this.lost();
      else if (!this.over) this.fault(); // the file was changed or removed
    }
  }

  /** Until the channel has room, or is of no use any more. */
  private async room(): Promise<void> {
    if (this.over || this.channel.bufferedAmount <= mostBuffered) return;
    await new Promise<void>((resolve) => {
      this.channel.onbufferedamountlow = () => resolve();
      this.stopped = resolve;
    });
  }

  private stopped: () => void = () => {};

  protected override end(state: TransferState): void {
    super.end(state);
    this.stopped();
  }
}

export class Receiving extends Transfer {
  offer: FileOffer | null = null;
  /** All of it, when it is done; of no type that a browser would show. */
  blob: Blob | null = null;
  private bytes: Uint8Array<ArrayBuffer> | null = null;

  constructor(
    channel: RTCDataChannel,
    /** There is something to decide. */
    private readonly offered: () => void,
    changed: () => void,
  ) {
    super(channel, changed);
  }

  get size(): number {
    return this.offer?.size ?? 0;
  }

  accept(): void {
    if (this.state !== 'offered') return;
    this.bytes = new Uint8Array(this.size);
    this.say({ type: 'accept' });
    this.progress('moving');
    this.complete();
  }

  protected control(message: Control | null): void {
    if (message?.type === 'cancel') this.end('refused');
    else if (message?.type === 'offer' && this.offer === null) this.ask(message);
    else this.fault();
  }

  protected chunk(chunk: Uint8Array): void {
    if (!this.bytes || chunk.length === 0 || this.moved + chunk.length > this.size) return this.fault();
    this.bytes.set(chunk, this.moved);
    this.move(chunk.length);
    this.complete();
  }

  protected override end(state: TransferState): void {
    this.bytes = null;
    super.end(state);
  }

  private ask({ name, size }: FileOffer): void {
    this.offer = { name, size };
    this.state = 'offered';
    this.offered();
  }

  private complete(): void {
    if (!this.bytes || this.moved < this.size) return;
    this.blob = new Blob([this.bytes], { type: 'application/octet-stream' });
    this.say({ type: 'received' });
    this.end('done');
  }
}

/** Somebody to send to. */
export interface Receiver {
  readonly id: number;
  readonly name: string;
  /** Null where their program knows no files. */
  readonly channel: RTCDataChannel | null;
}

export interface SentFile {
  readonly kind: 'sent';
  readonly key: string;
  readonly at: number;
  /** It stands below the lines of this time. */
  readonly after: number;
  readonly name: string;
  readonly size: number;
  readonly to: readonly { readonly id: number; readonly name: string; readonly transfer: Sending | null }[];
}
export interface OfferedFile {
  readonly kind: 'offered';
  readonly key: string;
  readonly at: number;
  readonly after: number;
  readonly from: { readonly id: number; readonly name: string };
  readonly name: string;
  readonly transfer: Receiving;
}
export type FileItem = SentFile | OfferedFile;

const isOver = (item: FileItem) =>
  item.kind === 'sent' ? item.to.every(({ transfer }) => transfer?.over ?? true) : item.transfer.over;

export interface FilesOwner {
  changed(): void;
  /** Somebody asks whether we want it. */
  offered(item: OfferedFile): void;
  /** We wanted it, and have it. */
  arrived(name: string, file: Blob): void;
  /** The time of the newest written line, by the clock of the server. */
  newest(): number;
}

/** All files of a stay in a room, sent and offered. */
export class Files {
  unread = 0;
  items: readonly FileItem[] = [];

  private count = 0;
  /** Channels that have said nothing yet, and whose they are. */
  private readonly silent = new Map<Receiving, number>();

  constructor(private readonly owner: FilesOwner) {}

  /** As many are being sent as may be. */
  get full(): boolean {
    return this.items.filter((item) => item.kind === 'sent' && !isOver(item)).length >= mostAtOnce;
  }

  send(file: File, receivers: readonly Receiver[]): void {
    const name = safeName(file.name);
    const to = receivers.map(({ id, name: who, channel }) => ({
      id,
      name: who,
      transfer: channel && new Sending(channel, file, name, () => this.owner.changed()),
    }));
    this.keep({ kind: 'sent', ...this.place(), name, size: file.size, to });
    this.owner.changed();
  }

  /** Somebody opened a channel to us. */
  arrive(from: { readonly id: number; readonly name: string }, channel: RTCDataChannel): void {
    const open = this.items.filter((item) => item.kind === 'offered' && item.from.id === from.id && !isOver(item));
    const silent = [...this.silent.values()].filter((id) => id === from.id);
    if (open.length + silent.length >= mostAtOnce) {
      channel.close();
      return;
    }
    const transfer: Receiving = new Receiving(
      channel,
      () => this.offered(from, transfer),
      () => this.received(transfer),
    );
    this.silent.set(transfer, from.id);
  }

  /** The connection to somebody is gone. */
  parted(id: number): void {
    for (const [transfer, from] of this.silent) if (from === id) transfer.lost();
    for (const item of this.items) {
      if (item.kind === 'offered' && item.from.id === id) item.transfer.lost();
      if (item.kind === 'sent') for (const one of item.to) if (one.id === id) one.transfer?.lost();
    }
  }

  read(): void {
    this.unread = 0;
  }

  forget(): void {
    for (const item of this.items) {
      if (item.kind === 'offered') item.transfer.cancel();
      else for (const { transfer } of item.to) transfer?.cancel();
    }
    for (const transfer of this.silent.keys()) transfer.cancel();
    this.items = [];
    this.unread = 0;
    this.owner.changed();
  }

  private offered(from: OfferedFile['from'], transfer: Receiving): void {
    this.silent.delete(transfer);
    const name = transfer.offer?.name ?? '';
    const item: OfferedFile = { kind: 'offered', ...this.place(), from, name, transfer };
    this.keep(item);
    this.unread += 1;
    this.owner.offered(item);
  }

  private received(transfer: Receiving): void {
    if (transfer.over) this.silent.delete(transfer);
    if (transfer.blob && transfer.state === 'done') this.owner.arrived(transfer.offer?.name ?? '', transfer.blob);
    this.owner.changed();
  }

  private place(): Pick<FileItem, 'key' | 'at' | 'after'> {
    this.count += 1;
    return { key: `file ${this.count}`, at: Date.now(), after: this.owner.newest() };
  }

  /** What is over makes room first. */
  private keep(item: FileItem): void {
    const items = [...this.items, item];
    const oldest = items.length > mostShown ? items.findIndex(isOver) : -1;
    if (oldest >= 0) items.splice(oldest, 1);
    this.items = items;
  }
}
