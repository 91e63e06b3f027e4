// A: what must not be guessed, told by time, or misread.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import test from 'node:test';
import { promisify } from 'node:util';
import { attribute, Message, method } from '../conformance/stun.mjs';
import { Client, granted, lifetime, refused, udp } from '../conformance/client.mjs';
import { secret, Server } from '../conformance/server.mjs';
import { suite } from '../conformance/suite.mjs';
import { beside, many } from './attack.mjs';

const over = suite();

/** Of all bits together, the share that is set; and, as chi-square, how evenly the byte values are used. */
function statistics(bytes) {
  const counts = new Array(256).fill(0);
  let ones = 0;
  for (const byte of bytes) {
    counts[byte] += 1;
    for (let rest = byte; rest; rest &= rest - 1) ones += 1;
  }
  const expected = bytes.length / 256;
  return {
    ones: ones / (8 * bytes.length),
    // 255 degrees of freedom: above 341 once in 10,000 times by chance.
    chiSquare: counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0),
  };
}

function looksRandom(bytes, what) {
  const { ones, chiSquare } = statistics(bytes);
  const deviation = 6 * Math.sqrt(0.25 / (8 * bytes.length));
  assert.ok(Math.abs(ones - 0.5) < deviation, `${what}: ${ones} of the bits are set`);
  assert.ok(chiSquare < 400, `${what}: chi-square ${chiSquare}`);
}

test('A1 the program has no other generator than the cryptographic one', () => {
  const symbols = execFileSync('nm', ['-DC', '--undefined-only', process.env.AHOY_BIN ?? beside('ahoy')], { encoding: 'utf8' });
  assert.doesNotMatch(symbols, /\b(rand|rand_r|random|srand|srandom|drand48|lrand48|mrand48|arc4random)(@|$)/m);
});

const macOf = (nonce) => Buffer.from(nonce.subarray(13).toString(), 'base64url').subarray(4);

over('UDP', 'A1 the MACs of nonces are even, and none comes twice', async (world) => {
  const seen = new Set();
  const all = [];
  for (let i = 0; i < many(4000, 50_000); i++) {
    const client = await Client.open(world.server, 'UDP', { localAddress: `127.30.${i >> 8}.${i & 255}` });
    await client.challenge();
    const mac = macOf(client.nonce);
    assert.ok(!seen.has(mac.toString('hex')));
    seen.add(mac.toString('hex'));
    all.push(mac);
    await client.close();
  }
  looksRandom(Buffer.concat(all), 'MACs');
});

test('A1 two servers that start at the same instant have nothing in common', async () => {
  const servers = await Promise.all([Server.start(), Server.start()]);
  try {
    const nonces = [];
    for (const server of servers) {
      const client = await Client.open(server, 'UDP', { localPort: 33_433 });
      nonces.push((await client.challenge(), client.nonce));
      await client.close();
    }
    assert.notDeepEqual(macOf(nonces[0]), macOf(nonces[1]));
  } finally {
    for (const server of servers) await server.stop();
  }
});

over('UDP', 'A1 the next relayed port does not follow from those before', async (world) => {
  const client = await world.client();
  const ports = [];
  for (let i = 0; i < many(1500, 10_000); i++) {
    await client.allocate();
    ports.push(client.relayed.port - 49_152);
    granted(await client.refresh([lifetime(0)]));
  }
  client.relayed = undefined;
  const range = 65_536 - 49_152;
  // What guesses best from the last one: the same difference again. And: near the last one.
  let steps = 0, near = 0;
  for (let i = 2; i < ports.length; i++) {
    if (ports[i] - ports[i - 1] === ports[i - 1] - ports[i - 2]) steps += 1;
    if (Math.abs(ports[i] - ports[i - 1]) <= range / 100) near += 1;
  }
  const chance = ports.length * 0.02;
  assert.ok(near < chance + 5 * Math.sqrt(chance), `${near} near the one before, of ${ports.length}`);
  assert.ok(steps <= 3, `${steps} equal steps`);
  looksRandom(Buffer.from(ports.map((port) => port & 255)), 'ports');
});

test('A2 time does not tell how much of a secret was right', { timeout: 1_200_000 }, async (t) => {
  const { stdout } = await promisify(execFile)(beside('attack_timing'), [String(many(200_000, 10_000_000))]);
  t.diagnostic(`\n${stdout}`);
});

const hostile = [
  '%s%n%s%n%s%n', 'a\r\nDEL x', 'a\r\nevent=forged user=root', 'a\u0000b', 'a'.repeat(509), 'a'.repeat(513), 'a'.repeat(763),
  '\u202eecila', '{"a":1}', "'; DROP TABLE turnusers_lt; --", '*.>', '$G.> ', '"\\"', '\u001b[2J', '../../etc/passwd', '', ' ',
];
const broken = [Buffer.from([0xc3, 0x28]), Buffer.from([0xff, 0xfe, 0xfd]), Buffer.from('edA080', 'hex')];

const spoken = suite({ users: { alice: 'wonder', 'a "b" c=d': 'x' } });
spoken(['UDP', 'TCP'], 'A3 hostile names and texts are refused as what they are, and the log keeps its lines', async (world) => {
  const texts = [...hostile.map((text) => Buffer.from(text)), ...broken];
  for (const type of [attribute.username, attribute.realm, attribute.software, attribute.nonce]) {
    for (const text of texts) {
      const client = await Client.open(world.server, world.transport);
      await client.challenge();
      const fields = new Map([[attribute.username, Buffer.from('alice')], [attribute.realm, Buffer.from('ahoy')],
        [attribute.nonce, client.nonce]]);
      fields.set(type, text);
      const answer = await client.ask(new Message(method.allocate).all([udp, ...fields]).integrity(randomBytes(16)));
      assert.ok([400, 401, 438].includes(answer.code), `${type} ${text.toString('hex')}: ${answer}`);
      await client.close();
    }
  }
  const strange = await world.client({ user: 'a "b" c=d', password: 'x' });
  await strange.allocate();
  for (const line of world.server.log.trim().split('\n').filter((each) => !/^Ahoy is ready/.test(each))) {
    assert.match(line, /^time=\S+ level=\w+ event=[\w.]+( [\w.]+=("([^"\\]|\\.)*"|[^\s"=]*))*$/);
  }
  assert.doesNotMatch(world.server.log, /^event=forged/m);
});

over('UDP', 'A4 a client id that was guessed opens nothing, and whoever is there stays', async (world) => {
  const url = `http://127.0.0.1:${world.server.httpPort}`;
  const post = async (path, init = {}) => {
    const reply = await fetch(url + path, { method: 'POST', ...init });
    return { status: reply.status, text: await reply.text() };
  };
  const joined = JSON.parse((await post('/join/attacked')).text).params;
  assert.ok(joined.client_id.length >= 22, '128 bits');
  const guesses = many(1000, 250_000);
  for (let i = 0; i < guesses; i++) {
    const id = i % 2 ? String(10_000_000 + i) : randomBytes(16).toString('base64url');
    const [message, leave, kicked] = await Promise.all([
      post(`/message/attacked/${id}`, { body: 'x' }),
      post(`/leave/attacked/${id}`),
      fetch(`${url}/attacked/${id}`, { method: 'DELETE' }),
    ]);
    assert.doesNotMatch(message.text, /SUCCESS/);
    await kicked.arrayBuffer();
    assert.ok(leave.status >= 200);
  }
  const again = await post(`/message/attacked/${joined.client_id}`, { body: 'still here' });
  assert.match(again.text, /SUCCESS/);
});

const rest = suite({ rest: true });

const minted = (expiry, user = 'carol') => {
  const name = `${expiry}${user ? `:${user}` : ''}`;
  return { user: name, password: createHmac('sha1', secret).update(name).digest('base64') };
};

rest(['UDP', 'TCP'], 'A5 a REST credential lasts until its second, be it after 2038 or 2106', async (world) => {
  const now = Math.floor(Date.now() / 1000);
  for (const expiry of [now + 30, 2_147_483_648, 4_294_967_295, 4_294_967_296, 99_999_999_999]) {
    const client = await world.client(minted(expiry));
    await client.allocate();
  }
  const wrong = [0, 1, now - 86_400, now - 1, -1, '18446744073709551616', '9223372036854775808', '0x7fffffff', '1e12',
    ' 99999999999', '+99999999999', ''];
  for (const expiry of wrong) {
    const client = await world.client(minted(expiry));
    refused(await client.request(method.allocate, [udp]), 401, `expiry "${expiry}":`);
  }
});
