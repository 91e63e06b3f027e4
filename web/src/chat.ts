// Written words between the two pages: plain text over a data channel of its own.  Nothing of it
// reaches the server, and both pages forget it when the call is left.

export interface Line {
  readonly mine: boolean;
  /** The other side's name when it wrote. */
  readonly from: string;
  readonly text: string;
  readonly at: number;
}

export const longestLine = 2_000;
/** The other side is a stranger: it may neither fill our memory nor our sight. */
const mostLines = 500;
/** Beyond this the words pile up unsent. */
const mostBuffered = 64 * 1024;

export class Chat {
  lines: readonly Line[] = [];
  unread = 0;
  /** What one was writing when the panel was closed. */
  draft = '';

  private channel: RTCDataChannel | null = null;

  constructor(
    private readonly peerName: () => string,
    private readonly changed: (arrived: Line | null) => void,
  ) {}

  /** Whether somebody's page is there to show what we write. */
  get open(): boolean {
    return this.channel?.readyState === 'open';
  }

  /** The channel of a new connection; the lines of the old one stay. */
  attach(channel: RTCDataChannel): void {
    this.channel = channel;
    channel.onopen = channel.onclose = () => this.changed(null);
    channel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data !== 'string' || data.trim() === '') return;
      this.add(false, data.trim().slice(0, longestLine));
    };
  }

  /** False when nobody would read it. */
  send(text: string): boolean {
    const { channel } = this;
    if (!channel || channel.readyState !== 'open' || channel.bufferedAmount > mostBuffered) return false;
    channel.send(text);
    this.add(true, text);
    return true;
  }

  read(): void {
    this.unread = 0;
  }

  forget(): void {
    this.lines = [];
    this.unread = 0;
    this.draft = '';
    this.channel = null;
  }

  private add(mine: boolean, text: string): void {
    const line = { mine, from: mine ? '' : this.peerName(), text, at: Date.now() };
    this.lines = [...this.lines, line].slice(-mostLines);
    if (!mine) this.unread += 1;
    this.changed(mine ? null : line);
  }
}

export interface Piece {
  readonly text: string;
  /** Only ever http: or https:. */
  readonly href: string | null;
}

/** Cuts a text at its links.  A full stop or bracket after an address is not part of it. */
export function linkify(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  const plain = (to: number) => {
    if (to > end) pieces.push({ text: text.slice(end, to), href: null });
    end = to;
  };
  for (const match of text.matchAll(/\bhttps?:\/\/[^\s<>"“”]+/gi)) {
    const address = trimmed(match[0]);
    if (!isAddress(address)) continue;
    plain(match.index);
    pieces.push({ text: address, href: address });
    end += address.length;
  }
  plain(text.length);
  return pieces;
}

function isAddress(text: string): boolean {
  try {
    return new URL(text).host !== '';
  } catch {
    return false;
  }
}

function trimmed(address: string): string {
  const bare = address.replace(/[.,;:!?'’]+$/, '');
  const unbalanced = bare.endsWith(')') && !bare.includes('(');
  return unbalanced ? trimmed(bare.slice(0, -1)) : bare;
}
