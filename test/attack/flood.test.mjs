// U: floods and reflection. What strangers send, from however many sources, costs the server no
// memory, makes no allocation, keeps nobody honest out, and comes back at most three times as large.

import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { attribute, channelData, Message, method, uint32 } from '../conformance/stun.mjs';
import { channel, lifetime, peer, udp } from '../conformance/client.mjs';
import { suite } from '../conformance/suite.mjs';
import { Inbox } from '../conformance/transport.mjs';
import {
  allocateRequest, at, flood, growth, honest, many, meanwhile, metric, MiB, send,
} from './attack.mjs';

// A budget of answers would end the floods early; how it ends them is told by a test of its own.
const quiet = suite({ settings: ['turn.stun_rate=0'] });
const ceiling = 8 * MiB;
const allocations = (server) => metric(server, 'ahoy_turn_allocations');

/** Buffers and tables that the first packets fill are there before anything is counted. */
async function warm(world) {
  await flood(world.server, [allocateRequest()], { sources: 2000 });
  await honest(world);
}

/** Honest clients come while it lasts, and then there is no more memory or allocation than before. */
async function costsNothing(world, attack) {
  await warm(world);
  const { result, grown } = await growth(world.server, () => meanwhile(world, attack()));
  assert.ok(grown <= ceiling, `${grown} bytes more`);
  return { ...result.result, served: result.served, grown };
}

quiet('UDP', 'U1 noise of all sizes is answered with nothing', async (world, t) => {
  const noise = { sources: 65_536, random: many(100, 1000) * 1_000_000 };
  const told = await costsNothing(world, () => flood(world.server, [], noise));
  t.diagnostic(JSON.stringify(told));
  assert.equal(told.replies, 0);
  assert.equal(await allocations(world.server), 1);
});

quiet('UDP', 'U2 Allocate requests of very many strangers leave nothing behind', async (world, t) => {
  const told = await costsNothing(world, () => flood(world.server, [allocateRequest()], { sources: many(100_000, 1_000_000) }));
  t.diagnostic(JSON.stringify(told));
  assert.deepEqual(Object.keys(told.codes), ['401']);
  assert.ok(told.reply_bytes <= 3 * told.sent_bytes);
  assert.equal(await allocations(world.server), 1);
});

const limit = 1000;
const budget = suite({ settings: [`turn.stun_rate=${limit}`] });
budget('UDP', 'U2 U5 a network of strangers gets the answers of its budget, and another network its own', async (world, t) => {
  const told = await flood(world.server, [allocateRequest()], { sources: 250, repeat: many(80, 800), rate: 0 });
  t.diagnostic(JSON.stringify(told));
  // A second's worth may come at once.
  assert.ok(told.replies <= limit * (told.seconds + 2), `${told.replies} answers in ${told.seconds} s`);
  assert.ok(told.sent > 4 * told.replies);
  await honest(world); // from 127.0.0/24
});

/** What looks proved and is not: what it is, the code it may get (0 is silence), and itself. */
async function forgeries(world) {
  const mine = await world.client();
  await mine.challenge();
  const wrong = randomBytes(16);
  const named = (nonce, what = method.allocate, attributes = [udp]) => new Message(what).all([...attributes,
    [attribute.username, Buffer.from('alice')], [attribute.realm, Buffer.from(mine.realm)], [attribute.nonce, nonce]]);
  // Long enough to be answered at all.
  const bare = (what, ...attributes) => new Message(what).all([...attributes, [attribute.software, Buffer.alloc(8)]]);
  const forged = Buffer.from(mine.nonce);
  forged[20] ^= 1;
  return [
    ['a forged integrity and no names', 400, new Message(method.allocate).all([udp]).integrity(wrong)],
    ['a forged nonce', 438, named(forged).integrity(mine.key)],
    ["another's nonce, with the right password", 438, named(mine.nonce).integrity(mine.key)],
    ["another's nonce, with a wrong one", 438, named(mine.nonce).integrity(wrong)],
    ["Refresh with another's nonce", 438, named(mine.nonce, method.refresh, [lifetime(600)]).integrity(mine.key)],
    ['Refresh', 401, bare(method.refresh, lifetime(600))],
    ['CreatePermission', 401, bare(method.createPermission, peer(at('127.0.0.1')))],
    ['ChannelBind', 401, bare(method.channelBind, channel(0x4000), peer(at('127.0.0.1')))],
    ['ConnectionBind', 401, bare(method.connectionBind, [attribute.connectionId, uint32(1)])],
    ['Send', 0, send(at('127.0.0.1'), Buffer.from('x'))],
    ['ChannelData', 0, channelData(0x4000, Buffer.from('x'))],
    ['ChannelData with a wrong length', 0, channelData(0x4000, Buffer.from('x'), { length: 65_535 })],
  ];
}

const streams = suite({ tcpRelay: true, settings: ['turn.stun_rate=0'] });
streams('UDP', 'U3 what looks proved and is not is told so, each kind with its code', async (world) => {
  for (const [name, code, message] of await forgeries(world)) {
    const told = await flood(world.server, [message], { sources: 200, rate: 2000 });
    assert.deepEqual(Object.keys(told.codes), code ? [String(code)] : [], name);
  }
});

streams('UDP', 'U3 and leaves nothing behind, however much of it there is', async (world, t) => {
  const all = (await forgeries(world)).map(([, , message]) => message);
  const told = await costsNothing(world, () => flood(world.server, all, { sources: many(10_000, 100_000) }));
  t.diagnostic(JSON.stringify(told));
  assert.deepEqual(Object.keys(told.codes).sort(), ['400', '401', '438']);
  assert.equal(await allocations(world.server), 1);
});

// ---- DTLS

/** A ClientHello of DTLS 1.2 (RFC 6347, section 4.2.1), with the cookie if there is one. */
function clientHello(cookie = Buffer.alloc(0), random = Buffer.alloc(32, 7)) {
  const suites = Buffer.from('0004c02bc02f', 'hex');
  const extensions = Buffer.from('000a00040002001d' + '000b00020100' + '000d000600040403' + '0804', 'hex');
  const size = Buffer.alloc(2);
  size.writeUInt16BE(extensions.length);
  const body = Buffer.concat([Buffer.from([0xfe, 0xfd]), random, Buffer.from([0]), Buffer.from([cookie.length]), cookie,
    suites, Buffer.from([1, 0]), size, extensions]);
  const message = Buffer.alloc(12);
  message[0] = 1;
  message.writeUIntBE(body.length, 1, 3);
  message[5] = cookie.length ? 1 : 0; // the second message of this handshake
  message.writeUIntBE(body.length, 9, 3);
  return record(22, Buffer.concat([message, body]), cookie.length ? 1 : 0);
}

function record(type, bytes, number = 0) {
  const head = Buffer.alloc(13);
  head[0] = type;
  head.writeUInt16BE(0xfeff, 1);
  head.writeUInt16BE(number, 9);
  head.writeUInt16BE(bytes.length, 11);
  return Buffer.concat([head, bytes]);
}

class Stranger {
  #inbox = new Inbox();

  static async open(server, address) {
    const self = new Stranger();
    self.to = server.at('DTLS');
    self.socket = createSocket('udp4').on('message', (bytes) => self.#inbox.put(bytes));
    self.socket.bind(0, address);
    await once(self.socket, 'listening');
    return self;
  }

  async ask(bytes) {
    this.socket.send(bytes, this.to.port, this.to.address);
    return this.#inbox.take('answer');
  }

  /** The server's, out of its HelloVerifyRequest. */
  async cookie() {
    const answer = await this.ask(clientHello());
    assert.equal(answer[0], 22);
    assert.equal(answer[13], 3, 'a HelloVerifyRequest');
    return answer.subarray(13 + 12 + 3, 13 + 12 + 3 + answer[13 + 12 + 2]);
  }

  close() {
    this.socket.close();
  }
}

const dtlsPort = (server) => ({ at: () => server.at('DTLS') });

quiet('DTLS', 'U4 ClientHellos without a cookie of their own, and other records, leave nothing', async (world, t) => {
  const thief = world.own(await Stranger.open(world.server, '127.0.0.1'));
  const stolen = await thief.cookie();
  const attacks = {
    'without a cookie': clientHello(), "with another's": clientHello(stolen),
    data: record(23, randomBytes(40)), alert: record(21, Buffer.from([2, 40])),
    'a change of cipher': record(20, Buffer.from([1])),
  };
  await honest(world, 'DTLS');
  for (const [name, datagram] of Object.entries(attacks)) {
    await flood(dtlsPort(world.server), [datagram], { sources: 1000 });
    const { result, grown } = await growth(world.server, () => meanwhile(world,
      flood(dtlsPort(world.server), [datagram], { sources: many(10_000, 100_000), rate: 20_000 }), 'DTLS'));
    t.diagnostic(`${name}: ${grown} bytes, ${JSON.stringify(result)}`);
    assert.ok(grown <= ceiling, `${name}: ${grown} bytes`);
    assert.ok(result.result.reply_bytes <= 3 * result.result.sent_bytes, name);
    if (!/^with/.test(name)) assert.equal(result.result.replies, 0, name);
  }
});

quiet('DTLS', 'U4 who stalls after the cookie keeps no place from others', async (world, t) => {
  await honest(world, 'DTLS');
  const before = world.server.memory();
  const stalled = many(500, 5000);
  for (let i = 0; i < stalled; i++) {
    const stranger = await Stranger.open(world.server, `127.20.${i >> 8}.${i & 255}`);
    const answer = await stranger.ask(clientHello(await stranger.cookie()));
    assert.equal(answer[0], 22);
    stranger.close();
  }
  const each = (world.server.memory() - before) / stalled;
  t.diagnostic(`${Math.round(each)} bytes each`);
  assert.ok(each < 100 * 1024);
  for (let i = 0; i < many(10, 100); i++) await honest(world, 'DTLS');
});

// ---- reflection

const pick = (list) => list[randomInt(list.length)];

/** A request, an indication or something like one, of any attributes. */
function shape() {
  const methods = [...Object.values(method), 0x00d, 0x7ff];
  const message = new Message(pick(methods), pick([0, 0, 0, 0, 0, 1, 2, 3]));
  const types = [...Object.values(attribute), 0x7fff, 0x4001, 0xc001];
  for (let left = randomInt(4); left > 0; left--) {
    message.add(pick(types), randomBytes(pick([0, 1, 4, 4, 8, 20, 40, randomInt(200)])));
  }
  if (randomInt(3) === 0) message.integrity(randomBytes(16));
  if (randomInt(4) === 0) message.integritySha256(randomBytes(32));
  if (randomInt(2) === 0) message.fingerprint();
  const bytes = message.bytes();
  if (randomInt(8) === 0) bytes[randomInt(bytes.length)] = randomInt(256);
  return bytes;
}

streams(['UDP', 'UDP6'], 'U5 nothing that a stranger sends comes back more than three times as large', async (world, t) => {
  const client = await world.client();
  const table = [
    ...Object.values(method).map((each) => new Message(each).bytes()), allocateRequest().bytes(),
    allocateRequest().fingerprint().bytes(), new Message(method.allocate).add(0x7fff).bytes(),
  ];
  let worst = 0;
  const tries = many(2000, 20_000);
  for (let i = 0; i < tries + table.length; i++) {
    const bytes = table[i] ?? shape();
    await client.send(bytes);
    const fence = new Message(method.binding);
    await client.send(fence);
    let size = 0;
    for (;;) {
      const answer = await client.link.inbox.take('answer');
      if (answer.subarray(8, 20).equals(fence.transaction)) break;
      size += answer.length;
    }
    assert.ok(size <= 3 * bytes.length, `${bytes.toString('hex')}: ${size}`);
    worst = Math.max(worst, size / bytes.length);
  }
  t.diagnostic(`at most ${worst.toFixed(2)} times`);
});

streams('UDP', 'U5 an Allocate of a header alone is not answered, and a Binding request with no word too many', async (world) => {
  const client = await world.client();
  await client.silence(new Message(method.allocate));
  assert.equal((await client.ask(new Message(method.binding))).bytes.length, 32);
});

streams('UDP6', 'U5 over IPv6 a Binding response has 44 bytes', async (world) => {
  const client = await world.client();
  assert.equal((await client.ask(new Message(method.binding))).bytes.length, 44);
});
