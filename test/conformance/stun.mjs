// STUN messages as bytes (RFC 8489 §5, §14), written from the RFC and apart from the server's own
// code. A Message is built in the order of its calls, so that a test can put anything anywhere;
// decode() is strict, because a server's answers have to be without fault.

import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';

export const cookie = 0x2112a442;
export const request = 0, indication = 1, success = 2, error = 3;

export const method = {
  binding: 0x001, allocate: 0x003, refresh: 0x004, send: 0x006, data: 0x007, createPermission: 0x008,
  channelBind: 0x009, connect: 0x00a, connectionBind: 0x00b, connectionAttempt: 0x00c,
};

export const attribute = {
  mappedAddress: 0x0001, changeRequest: 0x0003, username: 0x0006, integrity: 0x0008, errorCode: 0x0009,
  unknownAttributes: 0x000a, channelNumber: 0x000c, lifetime: 0x000d, xorPeerAddress: 0x0012, data: 0x0013,
  realm: 0x0014, nonce: 0x0015, xorRelayedAddress: 0x0016, requestedAddressFamily: 0x0017, evenPort: 0x0018,
  requestedTransport: 0x0019, dontFragment: 0x001a, accessToken: 0x001b, integritySha256: 0x001c,
  passwordAlgorithm: 0x001d, userhash: 0x001e, xorMappedAddress: 0x0020, reservationToken: 0x0022,
  padding: 0x0026, responsePort: 0x0027, connectionId: 0x002a, additionalAddressFamily: 0x8000,
  addressErrorCode: 0x8001, passwordAlgorithms: 0x8002, alternateDomain: 0x8003, icmp: 0x8004,
  software: 0x8022, alternateServer: 0x8023, transmitCounter: 0x8025, fingerprint: 0x8028,
  responseOrigin: 0x802b, otherAddress: 0x802c, thirdPartyAuthorization: 0x802e, origin: 0x802f,
  mobilityTicket: 0x8030,
};

const nameOf = (table, value) =>
  Object.keys(table).find((key) => table[key] === value) ?? `0x${value.toString(16).padStart(4, '0')}`;

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

export function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

export const md5Key = (user, realm, password) => createHash('md5').update(`${user}:${realm}:${password}`).digest();
export const sha256Key = (user, realm, password) => createHash('sha256').update(`${user}:${realm}:${password}`).digest();
export const userhash = (user, realm) => createHash('sha256').update(`${user}:${realm}`).digest();

export const uint8 = (value) => Buffer.from([value, 0, 0, 0]);
export const uint16 = (value) => Buffer.from([value >> 8, value & 0xff, 0, 0]);
export function uint32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** The type's 14 bits: the class sits in bits 4 and 8 among those of the method (§5). */
export const typeOf = (method, cls) =>
  ((method & 0xf80) << 2) | ((method & 0x70) << 1) | (method & 0xf) | ((cls & 2) << 7) | ((cls & 1) << 4);

const ipv4Bytes = (text) => Buffer.from(text.split('.').map(Number));

export function ipv6Bytes(text) {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted) text = dotted[1] + ipv4Bytes(dotted[2]).toString('hex').replace(/(....)(....)/, '$1:$2');
  const [head, tail] = text.split('::').map((half) => (half ? half.split(':') : []));
  const zeros = tail ? Array(8 - head.length - tail.length).fill('0') : [];
  const bytes = Buffer.alloc(16);
  [...head, ...zeros, ...(tail ?? [])].forEach((group, i) => bytes.writeUInt16BE(parseInt(group, 16), 2 * i));
  return bytes;
}

export function addressBytes({ address, port }, mask = Buffer.alloc(16)) {
  const ip = isIPv6(address) ? ipv6Bytes(address) : ipv4Bytes(address);
  const value = Buffer.concat([Buffer.from([0, ip.length === 16 ? 2 : 1, port >> 8, port & 0xff]), ip]);
  for (let i = 2; i < 4; i++) value[i] ^= mask[i - 2];
  for (let i = 0; i < ip.length; i++) value[4 + i] ^= mask[i];
  return value;
}

export function readAddress(value, mask = Buffer.alloc(16)) {
  assert.equal(value[0], 0, 'the first byte of an address is zero');
  assert.ok(value[1] === 1 || value[1] === 2, 'a family is 1 or 2');
  assert.equal(value.length, value[1] === 1 ? 8 : 20, 'an address has its family\'s size');
  const ip = Buffer.from(value.subarray(4)).map((byte, i) => byte ^ mask[i]);
  const port = value.readUInt16BE(2) ^ mask.readUInt16BE(0);
  if (value[1] === 1) return { address: [...ip].join('.'), port };
  const groups = Array.from({ length: 8 }, (_, i) => ip.readUInt16BE(2 * i).toString(16));
  return { address: new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1), port };
}

const maskOf = (transaction) => Buffer.concat([uint32(cookie), transaction]);
const padded = (length) => (length + 3) & ~3;

export class Message {
  #parts = [];
  transaction;

  constructor(method, cls = request, transaction = randomBytes(12)) {
    this.type = typeOf(method, cls);
    this.transaction = transaction;
  }

  add(type, value = Buffer.alloc(0), { padding = 0, length } = {}) {
    value = Buffer.from(value);
    const head = Buffer.alloc(4);
    head.writeUInt16BE(type, 0);
    head.writeUInt16BE(length ?? value.length, 2);
    this.#parts.push(head, value, Buffer.alloc(padded(value.length) - value.length, padding));
    return this;
  }

  /** Attributes as [type, value], or as what adds them: an XOR address needs the transaction id. */
  all(attributes) {
    for (const entry of attributes) typeof entry === 'function' ? entry(this) : this.add(...entry);
    return this;
  }

  /** An XOR address. */
  address(type, at) {
    return this.add(type, addressBytes(at, maskOf(this.transaction)));
  }

  peer(at) {
    return this.address(attribute.xorPeerAddress, at);
  }

  /** What an attribute that ends the message covers: all before it, with the length up to its end. */
  #covered(valueSize) {
    const body = Buffer.concat(this.#parts);
    return Buffer.concat([this.#header(body.length + 4 + valueSize), body]);
  }

  #header(length) {
    const head = Buffer.alloc(20);
    head.writeUInt16BE(this.type, 0);
    head.writeUInt16BE(length & 0xffff, 2);
    head.writeUInt32BE(cookie, 4);
    this.transaction.copy(head, 8);
    return head;
  }

  integrity(key) {
    return this.add(attribute.integrity, createHmac('sha1', key).update(this.#covered(20)).digest());
  }

  integritySha256(key, size = 32) {
    const mac = createHmac('sha256', key).update(this.#covered(padded(size))).digest();
    return this.add(attribute.integritySha256, Buffer.concat([mac, Buffer.alloc(32)]).subarray(0, size));
  }

  fingerprint() {
    return this.add(attribute.fingerprint, uint32((crc32(this.#covered(4)) ^ 0x5354554e) >>> 0));
  }

  bytes() {
    const body = Buffer.concat(this.#parts);
    return Buffer.concat([this.#header(body.length), body]);
  }
}

export class Received {
  constructor(bytes) {
    this.bytes = bytes;
    const type = bytes.readUInt16BE(0);
    assert.ok(bytes.length >= 20 && type < 0x4000, 'a STUN message');
    this.method = ((type >> 2) & 0xf80) | ((type >> 1) & 0x70) | (type & 0xf);
    this.class = ((type >> 7) & 2) | ((type >> 4) & 1);
    assert.equal(bytes.readUInt32BE(4), cookie);
    this.transaction = bytes.subarray(8, 20);
    assert.equal(bytes.readUInt16BE(2), bytes.length - 20, 'the length is that of what follows the header');
    this.attributes = [];
    for (let at = 20; at < bytes.length;) {
      const length = bytes.readUInt16BE(at + 2);
      const end = at + 4 + padded(length);
      assert.ok(end <= bytes.length, 'attributes end inside their message');
      const value = bytes.subarray(at + 4, at + 4 + length);
      const padding = bytes.subarray(at + 4 + length, end);
      this.attributes.push({ type: bytes.readUInt16BE(at), value, padding, at });
      at = end;
    }
    const print = this.attributes.findIndex(({ type }) => type === attribute.fingerprint);
    if (print >= 0) this.#checkFingerprint(print);
  }

  #checkFingerprint(index) {
    assert.equal(index, this.attributes.length - 1, 'FINGERPRINT is the last attribute');
    const { at, value } = this.attributes[index];
    assert.equal(value.readUInt32BE(0), (crc32(this.bytes.subarray(0, at)) ^ 0x5354554e) >>> 0, 'FINGERPRINT');
  }

  has(type) {
    return this.attributes.some((each) => each.type === type);
  }

  get(type) {
    return this.attributes.find((each) => each.type === type)?.value;
  }

  addresses(type) {
    const mask = maskOf(this.transaction);
    return this.attributes.filter((each) => each.type === type).map(({ value }) => readAddress(value, mask));
  }

  address(type) {
    return this.addresses(type)[0];
  }

  text(type) {
    return this.get(type)?.toString();
  }

  number(type) {
    return this.get(type)?.readUInt32BE(0);
  }

  /** The number of an ERROR-CODE, or undefined in an answer that is none. */
  get code() {
    const value = this.get(attribute.errorCode);
    return value && (value[2] & 7) * 100 + value[3];
  }

  /** Whether the MESSAGE-INTEGRITY in it is that of the key. */
  signedBy(key, { sha256 = false } = {}) {
    const type = sha256 ? attribute.integritySha256 : attribute.integrity;
    const found = this.attributes.find((each) => each.type === type);
    if (!found) return false;
    const head = Buffer.from(this.bytes.subarray(0, found.at));
    head.writeUInt16BE(found.at + 4 + found.value.length - 20, 2);
    return createHmac(sha256 ? 'sha256' : 'sha1', key).update(head).digest().equals(found.value);
  }

  toString() {
    const kind = ['request', 'indication', 'success', 'error'][this.class];
    const names = this.attributes.map(({ type, value }) => `${nameOf(attribute, type)}=${value.toString('hex')}`);
    return `${nameOf(method, this.method)} ${kind}${this.code ? ` ${this.code}` : ''} {${names.join(' ')}}`;
  }
}

export function channelData(number, data, { length = data.length, padTo = 1 } = {}) {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(number, 0);
  head.writeUInt16BE(length, 2);
  return Buffer.concat([head, data, Buffer.alloc((padTo - (data.length % padTo)) % padTo)]);
}

export const isChannelData = (bytes) => bytes[0] >= 0x40 && bytes[0] < 0x80;
