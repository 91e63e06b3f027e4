// A client's WebSocket (RFC 6455) that exchanges JSON: Node 20 has none of its own.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** RFC 6455, section 5.3.  In a loop, because some tests are to cost the server more than themselves. */
export function masked(payload, mask) {
  const bytes = Buffer.allocUnsafe(payload.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = payload[i] ^ mask[i & 3];
  return bytes;
}

/** A frame of up to 64 KiB, masked as a client has to. */
function frame(opcode, payload) {
  const mask = randomBytes(4);
  const length = payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...length]), mask, masked(payload, mask)]);
}

/** The first frame in `bytes`, if all of it is there: servers do not mask. */
function parse(bytes) {
  if (bytes.length < 2) return null;
  const wide = bytes[1] === 126 ? 2 : bytes[1] === 127 ? 8 : 0;
  if (bytes.length < 2 + wide) return null;
  const length = wide === 0 ? bytes[1] : Number(wide === 2 ? bytes.readUInt16BE(2) : bytes.readBigUInt64BE(2));
  const size = 2 + wide + length;
  return bytes.length < size ? null : { opcode: bytes[0] & 15, payload: bytes.subarray(2 + wide, size), size };
}

export class JsonSocket {
  #socket;
  #bytes = Buffer.alloc(0);
  #heard = [];
  #closed = false;
  #wake = () => {};

  static async open(url) {
    const upgrade = request(url.replace(/^ws/, 'http'), {
      headers: { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': 13, 'Sec-WebSocket-Key': randomBytes(16).toString('base64') },
    }).end();
    const [, socket, head] = await once(upgrade, 'upgrade');
    return new JsonSocket(socket, head);
  }

  constructor(socket, head) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#take(bytes)).on('close', () => this.#end()).on('error', () => {});
    this.#take(head);
  }

  /** Messages wait to be heard, pings do not. */
  #take(bytes) {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (let next; (next = parse(this.#bytes)); this.#bytes = this.#bytes.subarray(next.size)) {
      if (next.opcode === TEXT) this.#heard.push(JSON.parse(next.payload));
      if (next.opcode === PING) this.#socket.write(frame(PONG, next.payload));
      if (next.opcode === CLOSE) this.#end();
    }
    this.#wake();
  }
  #end() {
    this.#closed = true;
    this.#wake();
  }

  say(object) {
    this.sayText(JSON.stringify(object));
  }

  /** Also what is no JSON. */
  sayText(text) {
    this.#socket.write(frame(TEXT, Buffer.from(text)));
  }

  /** The next message, or null when the server has closed. */
  async hear() {
    while (!this.#heard.length && !this.#closed) await new Promise((resolve) => (this.#wake = resolve));
    return this.#heard.shift() ?? null;
  }

  /** The next message of that type; what comes before is of no interest. */
  async hearOf(type) {
    for (;;) {
      const message = await this.hear();
      if (!message || message.type === type) return message;
    }
  }

  /** Answers with a close frame, or begins with one. */
  close() {
    this.#socket.end(frame(CLOSE, Buffer.from([0x03, 0xe8])));
  }

  /** No goodbye: what a lost network looks like. */
  vanish() {
    this.#socket.destroy();
  }
}
