// A TURN client of plain moves: ask, sign, allocate, bind; and a peer to talk with. It does nothing by
// itself, no retransmission and no refresh, so that what is on the wire is what a test says.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import {
  attribute, channelData, error, indication, isChannelData, md5Key, Message, method, Received, success, uint16, uint8,
} from './stun.mjs';
import { here } from './places.mjs';
import { users } from './server.mjs';
import { Inbox, open } from './transport.mjs';

export const udp = [attribute.requestedTransport, uint8(17)];
export const family = (value) => [attribute.requestedAddressFamily, uint8(value)];
export const lifetime = (seconds) => {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(seconds);
  return [attribute.lifetime, value];
};
export const peer = (at) => (message) => message.peer(at);
export const channel = (number) => [attribute.channelNumber, uint16(number)];
export const data = (bytes) => [attribute.data, bytes];

/** The answer is an error of this number, and well-formed (§14.8). */
export function refused(answer, code, why = '') {
  assert.equal(answer.class, error, `${why} an error ${code} was due, not ${answer}`);
  const value = answer.get(attribute.errorCode);
  assert.ok(value && value.length >= 4, `ERROR-CODE is in an error: ${answer}`);
  assert.equal(answer.code, code, `${why} ${answer}`);
  return answer;
}

export function granted(answer, why = '') {
  assert.equal(answer.class, success, `${why} a success was due, not ${answer}`);
  return answer;
}

export class Client {
  #held = [];

  static async open(server, transport, { user = 'alice', password = users[user], signingKey, at, peers, ...options } = {}) {
    const self = new Client();
    self.link = await open(transport, at ?? server.at(transport), options);
    return Object.assign(self, { server, transport, user, password, signingKey, peers });
  }

  get local() {
    return this.link.local;
  }

  get key() {
    return this.signingKey ?? md5Key(this.user, this.realm, this.password);
  }

  send(message) {
    return this.link.send(message instanceof Message ? message.bytes() : message);
  }

  async ask(message) {
    await this.send(message);
    return this.answerTo(message);
  }

  /** The answer to a request; whatever else comes meanwhile is held for next(). */
  async answerTo(message) {
    for (;;) {
      const frame = await this.#take('answer');
      if (!isChannelData(frame)) {
        const received = new Received(frame);
        if (received.class >= success && received.transaction.equals(message.transaction)) {
          assert.equal(received.method, method0(message), 'an answer has its request\'s method');
          return received;
        }
      }
      this.#held.push(frame);
    }
  }

  async #take(what) {
    const frame = await this.link.inbox.take(what);
    if (!frame) throw new Error('the server closed the connection');
    return frame;
  }

  /** The next message that is no answer: a Buffer of ChannelData, or what decodes as STUN. */
  async next() {
    const frame = this.#held.shift() ?? (await this.#take('message'));
    return isChannelData(frame) ? frame : new Received(frame);
  }

  get unread() {
    return this.#held.length;
  }

  /** Once this is answered, everything that was sent before has been seen by the server. */
  async fence() {
    return granted(await this.ask(new Message(method.binding)), 'fence:');
  }

  /** The messages, one by one, are answered with nothing. */
  async silence(...messages) {
    for (const message of messages) await this.send(message);
    await this.fence();
    assert.equal(this.#held.length, 0, `silence was due, not ${this.#held.map((frame) => frame.toString('hex'))}`);
  }

  /** Realm and nonce of a 401 or 438 are those to sign with. */
  remember(answer) {
    this.realm = answer.text(attribute.realm);
    this.nonce = answer.get(attribute.nonce);
    return answer;
  }

  async challenge() {
    return this.remember(refused(await this.ask(new Message(method.allocate).all([udp])), 401));
  }

  /** USERNAME, REALM and NONCE, in front of what signs. */
  named(method, attributes = []) {
    return new Message(method).all([
      ...attributes,
      [attribute.username, Buffer.from(this.user)],
      [attribute.realm, Buffer.from(this.realm)],
      [attribute.nonce, this.nonce],
    ]);
  }

  signed(method, attributes = []) {
    return this.named(method, attributes).integrity(this.key);
  }

  async request(method, attributes = []) {
    if (!this.nonce) await this.challenge();
    return this.ask(this.signed(method, attributes));
  }

  async allocate(attributes = this.peers === 'IPv6' ? [udp, family(2)] : [udp]) {
    const answer = granted(await this.request(method.allocate, attributes));
    this.relays = answer.addresses(attribute.xorRelayedAddress);
    this.relayed = this.relays[0];
    return answer;
  }

  refresh(attributes = []) {
    return this.request(method.refresh, attributes);
  }

  permit(...peers) {
    return this.request(method.createPermission, peers.map(peer));
  }

  bind(number, at) {
    return this.request(method.channelBind, [channel(number), peer(at)]);
  }

  indicate(at, bytes, more = []) {
    return this.send(new Message(method.send, indication).all([peer(at), ...more, data(bytes)]));
  }

  relay(number, bytes) {
    return this.send(channelData(number, bytes, { padTo: this.transport.startsWith('T') ? 4 : 1 }));
  }

  async close() {
    // The allocations of datagram clients would live on.
    if (this.relayed && /^(UDP|DTLS)/.test(this.transport)) {
      await this.send(this.signed(method.refresh, [lifetime(0)])).catch(() => {});
    }
    await this.link.close();
  }
}

const method0 = (message) => new Received(message.bytes()).method;

export class Peer {
  #inbox = new Inbox();

  static async open(address = here.v4[0]) {
    const self = new Peer();
    self.socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 });
    self.socket.on('message', (bytes, { address, port }) => self.#inbox.put({ bytes, from: { address, port } }));
    self.socket.bind(0, address);
    await once(self.socket, 'listening');
    self.at = { address, port: self.socket.address().port };
    return self;
  }

  send(bytes, to) {
    return new Promise((resolve, reject) =>
      this.socket.send(bytes, to.port, to.address, (failure) => (failure ? reject(failure) : resolve())));
  }

  receive() {
    return this.#inbox.take('datagram');
  }

  async close() {
    this.socket.close();
    await once(this.socket, 'close');
  }
}
