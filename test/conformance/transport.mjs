// A client's connection to the server over each transport, as a pipe of whole messages: STUN messages
// and ChannelData. On streams they are cut out by their lengths; a datagram is taken as it is.

import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { constants, openSync } from 'node:fs';
import { connect as connectTcp, isIPv6, Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { here } from './places.mjs';
import { scratch } from './scratch.mjs';
import { isChannelData } from './stun.mjs';

/** How long an answer that must come may take until the test fails; nothing waits for it to pass. */
export const patience = Number(process.env.CONFORMANCE_PATIENCE ?? 10_000);

/** What comes in, kept until somebody asks for it. */
export class Inbox {
  #items = [];
  #waiting = [];
  #closed = false;

  put(item) {
    const taker = this.#waiting.shift();
    if (taker) taker(item);
    else this.#items.push(item);
  }

  /** After the end, undefined comes out. */
  close() {
    this.#closed = true;
    for (const taker of this.#waiting.splice(0)) taker(undefined);
  }

  get length() {
    return this.#items.length;
  }

  async take(what = 'message') {
    if (this.#items.length) return this.#items.shift();
    if (this.#closed) return undefined;
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no ${what} came`)), patience);
    });
    const item = new Promise((resolve) => this.#waiting.push(resolve));
    return Promise.race([item, late]).finally(() => clearTimeout(timer));
  }
}

class UdpTransport {
  inbox = new Inbox();

  static async open({ address, port, localPort = 0, localAddress, reuse = false }) {
    const self = new UdpTransport();
    const family = isIPv6(address) ? 'udp6' : 'udp4';
    self.socket = createSocket({ type: family, recvBufferSize: 1 << 20, reuseAddr: reuse });
    self.socket.on('message', (bytes) => self.inbox.put(bytes));
    self.socket.on('error', () => {});
    self.socket.bind(localPort, localAddress ?? (isIPv6(address) ? here.v6 : here.v4[0]));
    await once(self.socket, 'listening');
    // A connected socket takes only what comes from where it sends to (A20).
    self.socket.connect(port, address);
    await once(self.socket, 'connect');
    self.local = { address: self.socket.address().address, port: self.socket.address().port };
    return self;
  }

  send(bytes) {
    return new Promise((resolve) => this.socket.send(bytes, () => resolve()));
  }

  async close() {
    this.socket.close();
    await once(this.socket, 'close');
  }
}

/** What follows the success of ConnectionBind is no message any more, but bytes of the peer (RFC 6062). */
const connectionBound = 0x010b;

/** Cuts messages out of a stream; ChannelData is padded to four bytes there, but not in DTLS. */
function framer(inbox, { padded }) {
  let rest = Buffer.alloc(0);
  let raw = false;
  return (bytes) => {
    if (raw) return inbox.put(bytes);
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 4 && !raw) {
      const length = rest.readUInt16BE(2);
      const size = isChannelData(rest) ? 4 + length : 20 + length;
      const taken = padded ? (size + 3) & ~3 : size;
      if (rest.length < taken) break;
      inbox.put(Buffer.from(rest.subarray(0, size)));
      raw = rest.readUInt16BE(0) === connectionBound;
      rest = rest.subarray(taken);
    }
    if (raw && rest.length) inbox.put(rest);
  };
}

class StreamTransport {
  inbox = new Inbox();
  received = Buffer.alloc(0);

  static async open({ address, port, tls, localPort }) {
    const self = new StreamTransport();
    self.socket = tls
      ? connectTls({ host: address, port, rejectUnauthorized: false, ...tls })
      : connectTcp({ host: address, port, localPort, noDelay: true });
    self.socket.on('data', framer(self.inbox, { padded: true }));
    self.socket.on('error', () => {});
    self.closed = new Promise((resolve) => self.socket.on('close', resolve));
    self.closed.then(() => self.inbox.close());
    self.socket.on('end', () => self.inbox.close());
    await new Promise((resolve, reject) => {
      self.socket.once(tls ? 'secureConnect' : 'connect', resolve);
      self.socket.once('error', reject);
    });
    self.socket.setNoDelay(true);
    self.local = { address: self.socket.localAddress, port: self.socket.localPort };
    return self;
  }

  send(bytes) {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  async close() {
    this.socket.destroy();
    await this.closed;
  }
}

async function freeUdpPort(address) {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/** A named pipe, which a child can open by its name as it cannot Node's own pipes. */
function namedPipe(name) {
  const path = join(scratch(), name);
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return { path, socket: new Socket({ fd, readable: true, writable: false }) };
}

/**
 * DTLS is openssl's. What is written into its pipe could be joined there with what follows, and then
 * be one datagram; so each write waits until openssl tells, by -msg, that a record has left.
 */
class DtlsTransport {
  static #count = 0;
  inbox = new Inbox();
  #left = new Inbox();

  static async open({ address, port, version = '-dtls1_2', options = [] }) {
    const self = new DtlsTransport();
    const host = isIPv6(address) ? `[${address}]` : address;
    const ours = isIPv6(address) ? here.v6 : here.v4[0];
    self.local = { address: ours, port: await freeUdpPort(ours) };
    const messages = namedPipe(`dtls-${self.local.port}-${DtlsTransport.#count++}`);
    self.process = spawn('openssl', ['s_client', version, '-quiet', '-nocommands', '-msg', '-msgfile', messages.path,
      '-bind', `${host === address ? ours : `[${ours}]`}:${self.local.port}`, '-connect', `${host}:${port}`,
      ...options], { stdio: ['pipe', 'pipe', 'pipe'] });
    let complaint = '';
    self.process.stderr.setEncoding('utf8').on('data', (text) => (complaint += text));
    self.process.stdout.on('data', framer(self.inbox, { padded: false }));
    self.process.stdin.on('error', () => {});
    self.process.on('exit', () => {
      messages.socket.destroy();
      self.inbox.close();
      self.#left.close();
    });
    const connected = new Promise((resolve) => self.#watch(messages.socket, resolve));
    const failed = once(self.process, 'exit').then(() => {
      throw new Error(`the DTLS handshake failed: ${complaint}`);
    });
    failed.catch(() => {});
    const watchdog = setTimeout(() => self.process.kill('SIGKILL'), patience);
    await Promise.race([connected, failed]).finally(() => clearTimeout(watchdog));
    return self;
  }

  /** It tells of each record's 13 bytes: type (0x16 handshake, 0x17 data), version, epoch and so on. */
  #watch(messages, connected) {
    let text = '';
    messages.setEncoding('latin1').on('data', (more) => {
      text += more;
      const header = /^(<<<|>>>) [^\n]*\[length 000d\]\n\s+(\w\w) \w\w \w\w (\w\w \w\w)(?: \w\w){8}\s*\n/m;
      for (let found; (found = header.exec(text));) {
        text = text.slice(found.index + found[0].length);
        const [, way, type, epoch] = found;
        if (way === '<<<' && type === '16' && epoch === '00 01') connected();
        if (way === '>>>' && type === '17') this.#left.put(true);
      }
    });
  }

  async send(bytes) {
    this.process.stdin.write(bytes);
    await this.#left.take('word of openssl');
  }

  async close() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }
}

/** "UDP", "TCP", "TLS", "DTLS", and each with IPv6, as "UDP6". */
export const transports = ['UDP', 'TCP', 'TLS', 'DTLS', 'UDP6', 'TCP6', 'TLS6', 'DTLS6'];
export const isStream = (transport) => /^T/.test(transport);
export const isDatagram = (transport) => !isStream(transport);
export const isSix = (transport) => transport.endsWith('6');

export function open(transport, at, options = {}) {
  switch (transport.replace('6', '')) {
    case 'UDP': return UdpTransport.open({ ...at, ...options });
    case 'TCP': return StreamTransport.open({ ...at, ...options });
    case 'TLS': return StreamTransport.open({ ...at, tls: {}, ...options });
    default: return DtlsTransport.open({ ...at, ...options });
  }
}
