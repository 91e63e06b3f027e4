// Golden exchanges: what clients of AppRTC and Collider send, and every byte that they get for it, as it
// stands in exchanges/*.txt.
//
// `alice> ` is what the client sends over the connection of that name, `alice< ` what comes back, and a change
// of the two or an empty line ends it: one HTTP message or one WebSocket frame. Line ends of HTTP's are added.
// A name that ends in @collider is connected to Collider's own port. `$name` stands for what came there before,
// or is found out now; of `$date` and `$any` only the form is looked at. `set` is for the configuration.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Server } from '../e2e/server.mjs';
import { masked } from './websocket.mjs';

const folder = new URL('exchanges/', import.meta.url);
const patienceMs = 60_000;
/** One shard answers in the order in which it was asked; a slow machine frees nobody's seat. */
const common = ['server.threads=1', 'http.public_url="https://call.example.org"', 'rooms.register_timeout="5m"'];
const opcodes = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 };
const forms = { date: '\\w{3}, \\d{2} \\w{3} \\d{4} \\d{2}:\\d{2}:\\d{2} GMT', any: '[\\w.:+/=-]+' };

/** { settings, steps: [{ line, name, sends, text }] } */
function read(transcript) {
  const settings = [];
  const steps = [];
  let step = null;
  for (const [i, line] of transcript.split('\n').entries()) {
    const [, name, way, text] = /^([\w@]+)([<>]) ?([^]*)$/.exec(line) ?? [];
    if (name === undefined) {
      if (line.startsWith('set ')) settings.push(line.slice(4));
      step = null;
    } else if (step?.name === name && step.sends === (way === '>')) {
      step.text += `\n${text}`;
    } else {
      steps.push((step = { line: i + 1, name, sends: way === '>', text }));
    }
  }
  return { settings, steps };
}

class Connection {
  isWebSocket = false;
  #socket;
  #bytes = Buffer.alloc(0);
  #ended = false;
  #wake = () => {};
  #asksForHead = false;

  static async open(port) {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Connection(socket);
  }

  constructor(socket) {
    this.#socket = socket;
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    socket.on('end', end).on('close', end).on('error', end).on('data', (bytes) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      this.#wake();
    });
  }

  send(text) {
    if (text === 'END') this.#socket.end();
    else this.#socket.write(this.isWebSocket ? frameOf(text) : this.#request(text));
  }

  #request(text) {
    const [, head, body] = /^([^]*?)(?:\n\n([^]*))?$/.exec(text);
    this.#asksForHead = head.startsWith('HEAD ');
    const length = String(Buffer.byteLength(body ?? ''));
    return `${head.replace('$length', length).replaceAll('\n', '\r\n')}\r\n\r\n${body ?? ''}`;
  }

  /** The next message or frame. */
  async receive() {
    for (;;) {
      const next = this.isWebSocket ? this.#frame() : this.#response();
      if (next === 'PING') continue; // at its own time
      if (next !== null) return next;
      if (this.#ended) return 'END';
      await new Promise((resolve) => (this.#wake = resolve));
    }
  }

  get unread() {
    return this.#bytes.toString();
  }

  close() {
    this.#socket.destroy();
  }

  #take(size) {
    const taken = this.#bytes.subarray(0, size);
    this.#bytes = this.#bytes.subarray(size);
    return taken;
  }

  #response() {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) return null;
    const head = this.#bytes.toString('latin1', 0, end);
    const length = this.#asksForHead ? 0 : Number(/^Content-Length: (\d+)$/im.exec(head)?.[1] ?? 0);
    if (this.#bytes.length < end + 4 + length) return null;
    const lines = this.#take(end + 4).toString('latin1').split('\r\n').slice(0, -2);
    this.isWebSocket = lines[0].startsWith('HTTP/1.1 101 ');
    const body = this.#take(length).toString();
    return lines.join('\n') + (body && `\n\n${body}`);
  }

  /** Whole, unmasked, and its length as short as it can be written. */
  #frame() {
    const bytes = this.#bytes;
    if (bytes.length < 4 && !(bytes.length >= 2 && bytes[1] < 126)) return null;
    const header = bytes[1] < 126 ? 2 : 4;
    const length = header === 2 ? bytes[1] : bytes.readUInt16BE(2);
    if (bytes.length < header + length) return null;
    const name = Object.keys(opcodes).find((each) => opcodes[each] === (bytes[0] & 15));
    assert.ok(bytes[0] >> 4 === 8 && bytes[1] <= 126 && (header === 2 || length > 125), 'a frame like any other');
    this.#take(header);
    const payload = this.#take(length);
    if (name === 'PING') this.#socket.write(frameOf(`PONG ${payload}`));
    if (name === 'PING') return name;
    const text = name === 'CLOSE' && length ? `${payload.readUInt16BE()} ${payload.subarray(2)}`.trimEnd() : payload.toString();
    return `${name} ${text}`.replace(/ $/, '');
  }
}

/** "TEXT hello", masked as a client's; "TEXT+ hel" is a fragment that others follow. */
function frameOf(line) {
  const [, name, more, text] = /^([A-Z]+)(\+?) ?([^]*)$/.exec(line);
  const closing = name === 'CLOSE' && text;
  const payload = closing ? Buffer.from([Number(text) >> 8, Number(text) & 255]) : Buffer.from(text);
  const length = payload.length < 126 ? [0x80 | payload.length] : [0xfe, payload.length >> 8, payload.length & 255];
  const mask = randomBytes(4);
  return Buffer.concat([Buffer.from([(more ? 0 : 0x80) | opcodes[name], ...length]), mask, masked(payload, mask)]);
}

const literally = (text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** Learns what `expected` has a new name for. */
function compare(got, expected, known, line) {
  const named = new Set();
  const pattern = expected.split(/\$(\w+)/).map((part, i) => {
    if (i % 2 === 0) return literally(part);
    if (part in forms) return forms[part];
    if (part in known) return literally(known[part]);
    if (named.has(part)) return `\\k<${part}>`;
    named.add(part);
    return `(?<${part}>[\\w-]+)`;
  });
  const found = new RegExp(`^${pattern.join('')}$`).exec(got);
  if (!found) assert.equal(got, expected, `line ${line}`);
  Object.assign(known, found.groups);
}

/** A message that never comes is a failure, not a test without end. */
async function soon(message, what) {
  const ends = new AbortController();
  const patience = setTimeout(patienceMs, 'nothing', { signal: ends.signal }).then(() => assert.fail(`nothing came of ${what}`));
  patience.catch(() => {});
  return Promise.race([message, patience]).finally(() => ends.abort());
}

async function play(steps, server) {
  const known = { space: ' ' };
  const connections = new Map();
  const collider = Number(/\bcollider=127\.0\.0\.1:(\d+)/.exec(server.log)?.[1]);
  try {
    for (const { line, name, sends, text } of steps) {
      if (!connections.has(name)) connections.set(name, await Connection.open(name.endsWith('@collider') ? collider : server.port));
      const connection = connections.get(name);
      if (sends) connection.send(text.replace(/\$(\w+)/g, (all, variable) => known[variable] ?? all));
      else compare(await soon(connection.receive(), `line ${line}: ${text}`), text, known, line);
    }
    for (const [name, { unread }] of connections) assert.equal(unread, '', `${name} has got nothing else`);
  } finally {
    for (const connection of connections.values()) connection.close();
  }
}

for (const file of readdirSync(folder).sort()) {
  const transcript = readFileSync(new URL(file, folder), 'utf8');
  const [, title] = /^# (.*?)[.,:\n]/.exec(transcript);
  const { settings, steps } = read(transcript);
  test(`${title}, byte for byte (${file})`, async () => {
    const server = await Server.start({ settings: [...common, ...settings] });
    await play(steps, server);
    await server.stop();
  });
}
