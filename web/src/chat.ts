// Written words in the room: plain text, kept by the server for who comes later.

import type { ChatLine } from './wire.ts';

export interface Line {
  readonly mine: boolean;
  /** The name of who wrote it, then. */
  readonly from: string;
  readonly text: string;
  readonly at: number;
  /** Not yet back from the server. */
  readonly sending: boolean;
}

/** The server takes 4000 bytes; a character may have four. */
export const longestLine = 1_000;
/** Strangers may fill neither our memory nor our sight. */
const mostLines = 500;

export class Chat {
  unread = 0;
  /** What one was writing when the panel was closed. */
  draft = '';
  lines: readonly Line[] = [];

  private readonly me = new Set<number>();
  private known: ChatLine[] = [];
  private outbox: Line[] = [];

  constructor(private readonly changed: (arrived: Line | null) => void) {}

  /** A seat of ours: what it writes is ours. */
  iAm(id: number): void {
    this.me.add(id);
  }

  /** What was written before we came, or while we could not listen.  A new server counts anew. */
  load(lines: readonly ChatLine[], restarted: boolean): void {
    if (restarted) this.known = this.known.map((line) => ({ ...line, n: 0 }));
    for (const line of lines) {
      const { from, time, text } = line;
      const again = this.known.some((k) => k.from === from && k.time === time && k.text === text);
      if (line.n > this.latest && !again) this.keep(line);
    }
    this.publish(null);
  }

  arrive(line: ChatLine): void {
    if (line.n <= this.latest) return;
    this.keep(line);
    this.publish(line);
  }

  /** Shown at once; the line itself comes back from the server like everybody's. */
  sending(text: string): void {
    this.outbox.push({ mine: true, from: '', text, at: Date.now(), sending: true });
    this.publish(null);
  }

  /** The server did not take it: back to where it can be changed or tried again. */
  refused(text: string): void {
    this.takeOut(text);
    this.draft = this.draft === '' ? text : `${text}\n${this.draft}`;
    this.publish(null);
  }

  read(): void {
    this.unread = 0;
  }

  forget(): void {
    this.me.clear();
    this.known = [];
    this.outbox = [];
    this.unread = 0;
    this.draft = '';
    this.publish(null);
  }

  private get latest(): number {
    return this.known.at(-1)?.n ?? 0;
  }

  private keep(line: ChatLine): void {
    this.known = [...this.known, line].slice(-mostLines);
    if (this.me.has(line.from)) this.takeOut(line.text);
    else this.unread += 1;
  }

  private takeOut(text: string): void {
    const at = this.outbox.findIndex((line) => line.text === text);
    if (at >= 0) this.outbox.splice(at, 1);
  }

  private publish(arrived: ChatLine | null): void {
    const shown = (line: ChatLine): Line => {
      const { from, name, text, time } = line;
      return { mine: this.me.has(from), from: name, text, at: time, sending: false };
    };
    this.lines = [...this.known.map(shown), ...this.outbox];
    this.changed(arrived && !this.me.has(arrived.from) ? shown(arrived) : null);
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
