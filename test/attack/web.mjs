// What the attacks on HTTP, WebSockets and rooms share: connections whose bytes one writes oneself, honest
// clients, and pairs of those that talk while an attack goes on (canaries.mjs).

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Worker } from 'node:worker_threads';
import { JsonSocket, masked } from '../program/websocket.mjs';
import { until } from './attack.mjs';

/** A connection as an attacker has it. */
export class Wire {
  bytes = Buffer.alloc(0);
  ended = false;

  static async open({ port, tls = false, reads = true, localAddress } = {}) {
    const wire = new Wire();
    const to = { port, host: '127.0.0.1', localAddress };
    wire.socket = tls ? connectTls({ ...to, rejectUnauthorized: false }) : connect(to);
    wire.socket.on('error', () => {});
    if (reads) wire.socket.on('data', (chunk) => (wire.bytes = Buffer.concat([wire.bytes, chunk])));
    wire.gone = once(wire.socket, 'close').then(() => (wire.ended = true), () => (wire.ended = true));
    await Promise.race([once(wire.socket, tls ? 'secureConnect' : 'connect'), wire.gone]).catch(() => {});
    return wire;
  }

  write(bytes) {
    if (!this.ended) this.socket.write(bytes);
    return this;
  }
  get text() {
    return this.bytes.toString('latin1');
  }
  get statuses() {
    return [...this.text.matchAll(/HTTP\/1\.[01] (\d{3}) [A-Z]/g)].map((match) => Number(match[1]));
  }
  async says(pattern) {
    await until(() => pattern.test(this.text) || this.ended, String(pattern));
    assert.match(this.text, pattern);
  }
  /** Upgrades, and forgets the answer; false when it was refused. */
  async upgrade(path, headers = {}) {
    this.write(upgradeRequest(path, headers));
    await until(() => this.text.includes('\r\n\r\n') || this.ended, 'an answer to the upgrade');
    const opened = this.statuses[0] === 101;
    if (opened) this.bytes = this.bytes.subarray(this.bytes.indexOf('\r\n\r\n') + 4);
    return opened;
  }
  /** The status of the server's close frame, or undefined. */
  get closeCode() {
    return this.frames.findLast((frame) => frame.opcode === 8)?.payload.readUInt16BE(0);
  }
  /** What the server has sent since the upgrade. */
  get frames() {
    const frames = [];
    for (let rest = this.bytes; rest.length >= 2; ) {
      const wide = { 126: 2, 127: 8 }[rest[1]] ?? 0;
      if (rest.length < 2 + wide) break;
      const length = wide === 0 ? rest[1] : Number(wide === 2 ? rest.readUInt16BE(2) : rest.readBigUInt64BE(2));
      if (rest.length < 2 + wide + length) break;
      frames.push({ opcode: rest[0] & 15, payload: rest.subarray(2 + wide, 2 + wide + length) });
      rest = rest.subarray(2 + wide + length);
    }
    return frames;
  }
  reset() {
    this.socket.resetAndDestroy?.() ?? this.socket.destroy();
  }
  end() {
    this.socket.destroy();
  }
}

export function upgradeRequest(path, headers = {}) {
  const all = {
    Host: 'call.example.org', Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': 13,
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'), ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** A client's frame, of any kind, also of a wrong one. */
export function frame(payload, { opcode = 1, last = true, reserved = 0, masked: isMasked = true, length } = {}) {
  const bytes = Buffer.from(payload);
  const said = length ?? BigInt(bytes.length);
  const size = said < 126n ? Buffer.from([Number(said)]) : said < 65_536n ? Buffer.from([126, Number(said >> 8n), Number(said & 255n)])
    : Buffer.concat([Buffer.from([127]), Buffer.from(said.toString(16).padStart(16, '0'), 'hex')]);
  if (isMasked) size[0] |= 0x80;
  const mask = isMasked ? randomBytes(4) : Buffer.alloc(0);
  const body = isMasked ? masked(bytes, mask) : bytes;
  return Buffer.concat([Buffer.from([(last ? 0x80 : 0) | (reserved << 4) | opcode]), size, mask, body]);
}

/** An exchange that the client ends by `Connection: close`, or the server by itself. */
export async function exchange(port, bytes) {
  const wire = await Wire.open({ port });
  wire.write(bytes);
  await wire.gone;
  return wire;
}

// ---- rooms

export const dialects = { apprtc: '/ws', native: '/v1/ws' };

export async function post(server, path, init = {}) {
  const reply = await fetch(server.url + path, { method: 'POST', ...init });
  return { status: reply.status, text: await reply.text() };
}

/** Once the server has answered somebody who asked after all that was sent to it before. */
export async function answered(server) {
  await (await fetch(`${server.url}/livez`)).arrayBuffer();
}

/** A client of AppRTC with a seat and, unless told otherwise, a registered socket. */
export async function joined(server, room, { registers = true } = {}) {
  const { text } = await post(server, `/join/${room}`);
  const { result, params } = JSON.parse(text);
  if (result !== 'SUCCESS') return { result };
  const client = { result, id: params.client_id, first: params.is_initiator === 'true', messages: params.messages };
  if (registers) client.socket = await registered(server, room, client.id);
  return client;
}

export async function registered(server, room, id) {
  const socket = await JsonSocket.open(`ws://127.0.0.1:${server.port}/ws`);
  socket.say({ cmd: 'register', roomid: room, clientid: id });
  return socket;
}

/** A participant of our own protocol, and its first answer. */
export async function entered(server, room, fields = {}) {
  const socket = await JsonSocket.open(`ws://127.0.0.1:${server.port}/v1/ws`);
  const hello = fields.resume ? {} : { room, name: 'Alice' };
  socket.say({ type: 'hello', version: 1, ...hello, ...fields });
  const answer = await socket.hear();
  let id = 0;
  const ask = (type, more = {}) => socket.say({ type, id: ++id, ...more });
  return { socket, answer, ask, number: answer?.you?.id };
}

/** The attack, with honest pairs beside; says how they fared.  They have a thread of their own, so that what they wait
    for is the server, and not the attacker. */
export async function besides(t, server, attack) {
  const { url, port } = server;
  const canaries = new Worker(new URL('canaries.mjs', import.meta.url), { workerData: { url, port } });
  await once(canaries, 'message'); // they are there; what goes wrong with them is an error event
  const report = once(canaries, 'message');
  report.catch(() => {});
  try {
    return await attack();
  } finally {
    canaries.postMessage('stop');
    t.diagnostic((await report)[0]);
  }
}

// ---- what is seen of the server

export const memory = (server) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) * 1024;
export const descriptors = (server) => readdirSync(`/proc/${server.pid}/fd`).length;

export async function gauge(server, name) {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:{[^}]*})? (\\S+)`, 'm').exec(text)[1]);
}

/** When nobody holds a seat or a WebSocket any more. */
export async function empty(server, patience) {
  await until(async () => (await gauge(server, 'ahoy_room_clients')) + (await gauge(server, 'ahoy_websockets')) === 0,
    'all seats and sockets are free', patience);
}
