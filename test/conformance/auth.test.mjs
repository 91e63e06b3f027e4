// Group D, first half: long-term credentials as clients of RFC 5389 know them (RFC 8489 §9.2).

import assert from 'node:assert/strict';
import { attribute, error, md5Key, Message, method, success, uint32, uint8 } from './stun.mjs';
import { granted, lifetime, peer, refused, udp } from './client.mjs';
import { realm, secret, tokens, users, which } from './server.mjs';
import { seal } from './access_token.mjs';
import { createHmac, randomBytes } from 'node:crypto';
import { here } from './places.mjs';
import { every, suite } from './suite.mjs';

const over = suite();
const allocation = () => new Message(method.allocate).all([udp]);
const cookie = 'obMatJos2';
const somebody = { address: here.v4[0], port: 9 };

const unsigned = (answer) =>
  assert.ok(!answer.has(attribute.integrity) && !answer.has(attribute.integritySha256), `unsigned: ${answer}`);
const anonymous = (answer) =>
  assert.ok(!answer.has(attribute.username) && !answer.has(attribute.userhash), `names nobody: ${answer}`);

over(every, 'D01 a request without integrity gets 401 with REALM and NONCE, and without names or integrity', async (world) => {
  const client = await world.client();
  const answer = refused(await client.ask(allocation()), 401);
  assert.equal(answer.text(attribute.realm), realm);
  assert.ok(answer.get(attribute.nonce).length > 0);
  unsigned(answer);
  anonymous(answer);
});

over(every, 'D02 the nonce begins with the cookie and 24 feature bits', async (world) => {
  const client = await world.client();
  const nonce = (await client.challenge()).text(attribute.nonce);
  assert.ok(nonce.startsWith(cookie), nonce);
  const bits = nonce.slice(cookie.length, cookie.length + 4);
  assert.match(bits, /^[A-Za-z0-9+/]{4}$/);
  assert.equal(Buffer.from(bits, 'base64').length, 3);
});

over(every, 'D03 PASSWORD-ALGORITHMS is there exactly when its feature bit is set', async (world) => {
  const client = await world.client();
  const answer = await client.challenge();
  const nonce = answer.text(attribute.nonce);
  assert.ok(nonce.startsWith(cookie), nonce);
  const first = Buffer.from(nonce.slice(cookie.length, cookie.length + 4), 'base64')[0];
  assert.equal((first & 0x80) !== 0, answer.has(attribute.passwordAlgorithms), nonce);
});

over(every, 'D04 a second socket with the first\'s nonce gets 438', async (world) => {
  const [first, second] = [await world.client(), await world.client()];
  second.remember(await first.challenge());
  refused(await second.ask(second.signed(method.allocate, [udp])), 438);
});

over('UDP', 'D05 nonces do not repeat, nor follow from each other', async (world) => {
  const seen = new Set();
  for (let i = 0; i < 20; i++) {
    const client = await world.client();
    const nonce = (await client.challenge()).text(attribute.nonce);
    seen.add(nonce.slice(-10));
  }
  assert.equal(seen.size, 20);
});

for (const missing of ['username', 'realm', 'nonce']) {
  over(every, `D06 integrity without ${missing.toUpperCase()} gets 400, unsigned and without names`, async (world) => {
    const client = await world.client();
    await client.challenge();
    const all = { username: Buffer.from('alice'), realm: Buffer.from(realm), nonce: client.nonce };
    const parts = Object.keys(all).filter((name) => name !== missing).map((name) => [attribute[name], all[name]]);
    const answer = refused(await client.ask(allocation().all(parts).integrity(client.key)), 400);
    unsigned(answer);
    anonymous(answer);
    assert.ok(!answer.has(attribute.nonce) && !answer.has(attribute.realm), String(answer));
  });
}

over(every, 'D07 a forged nonce, or one with another cookie, gets 438', async (world) => {
  const client = await world.client();
  await client.challenge();
  const good = client.nonce;
  for (const change of [(n) => n.slice(0, -1) + (n.endsWith('A') ? 'B' : 'A'), (n) => `X${n.slice(1)}`, () => 'x',
    (n) => n.slice(0, 9), (n) => `${n}=`]) {
    client.nonce = Buffer.from(change(String(good)));
    refused(await client.ask(client.signed(method.allocate, [udp])), 438, String(client.nonce));
  }
});

over(every, 'D08 a 438 has REALM and a nonce with which the request succeeds', async (world) => {
  const client = await world.client();
  await client.challenge();
  client.nonce = Buffer.from(`${String(client.nonce).slice(0, -4)}AAAA`);
  const answer = refused(await client.ask(client.signed(method.allocate, [udp])), 438);
  assert.equal(answer.text(attribute.realm), realm);
  assert.notDeepEqual(answer.get(attribute.nonce), client.nonce);
  client.remember(answer);
  const nonce = client.nonce.toString();
  const bit = nonce.startsWith(cookie) && (Buffer.from(nonce.slice(9, 13), 'base64')[0] & 0x80) !== 0;
  assert.equal(bit, answer.has(attribute.passwordAlgorithms));
  await client.allocate();
});

over(every, 'D09 an unknown user gets 401 with REALM and NONCE, which looks as for a wrong password (D10)', async (world) => {
  const strangers = [await world.client({ user: 'mallory', password: 'wonder' }), await world.client({ password: 'wrong' })];
  const shapes = [];
  for (const client of strangers) {
    await client.challenge();
    const answer = refused(await client.ask(client.signed(method.allocate, [udp])), 401);
    assert.equal(answer.text(attribute.realm), realm);
    assert.ok(answer.has(attribute.nonce));
    unsigned(answer);
    anonymous(answer);
    shapes.push(answer.attributes.map(({ type, value }) =>
      [type, type === attribute.nonce ? value.length : value.toString('hex')]));
  }
  assert.deepEqual(shapes[0], shapes[1]);
});

over(every, 'D10 a wrong password gets 401 with REALM and NONCE, unsigned', async (world) => {
  const client = await world.client({ password: 'wrong' });
  await client.challenge();
  const answer = refused(await client.ask(client.signed(method.allocate, [udp])), 401);
  assert.ok(answer.has(attribute.realm) && answer.has(attribute.nonce));
  unsigned(answer);
  client.password = users.alice;
  client.remember(answer);
  await client.allocate();
});

over(every, 'D11 a wrong realm gets 401 with the right one', async (world) => {
  const client = await world.client();
  await client.challenge();
  client.realm = 'elsewhere';
  const answer = refused(await client.ask(client.signed(method.allocate, [udp])), 401);
  assert.equal(answer.text(attribute.realm), realm);
});

over(every, 'D21 the length in the integrity\'s input ends with the integrity, whatever follows', async (world) => {
  const client = await world.client();
  await client.challenge();
  const answer = granted(await client.ask(client.signed(method.allocate, [udp]).fingerprint()));
  assert.ok(answer.signedBy(client.key));
  client.relayed = answer.address(attribute.xorRelayedAddress);
});

over(every, 'D23b of a bad nonce and a bad integrity, one is said: 401 or 438', async (world) => {
  const client = await world.client({ password: 'wrong' });
  await client.challenge();
  client.nonce = Buffer.from(`${String(client.nonce).slice(0, -4)}AAAA`);
  const answer = await client.ask(client.signed(method.allocate, [udp]));
  assert.ok([401, 438].includes(answer.code), String(answer));
  unsigned(answer);
});

over(every, 'D25 what is answered after authentication is signed, refusals too', async (world) => {
  const client = await world.client();
  await client.challenge();
  const code = async (expected, name, attributes) => {
    const answer = await client.request(method[name], attributes);
    assert.equal(answer.code, expected, String(answer));
    assert.ok(answer.signedBy(client.key), String(answer));
  };
  await code(437, 'refresh');
  await code(437, 'createPermission', [peer(somebody)]);
  await code(400, 'allocate');
  await code(442, 'allocate', [[attribute.requestedTransport, uint8(99)]]);
  await code(420, 'allocate', [udp, [0x7f01]]);
  const allocated = await client.allocate();
  assert.ok(allocated.signedBy(client.key));
  await code(437, 'allocate', [udp]);
  await code(400, 'createPermission');
  await code(403, 'createPermission', [peer({ address: '10.0.0.1', port: 9 })]);
  await code(undefined, 'createPermission', [peer(somebody)]);
  await code(undefined, 'refresh', [lifetime(0)]);
});

over(every, 'D26 401, 438 and the 400 of missing attributes are unsigned', async (world) => {
  const client = await world.client();
  unsigned(await client.challenge());
  unsigned(refused(await client.ask(allocation().integrity(client.key)), 400));
  client.nonce = Buffer.from('forged');
  unsigned(refused(await client.ask(client.signed(method.allocate, [udp])), 438));
});

over(every, 'D28 a Send indication needs no integrity', async (world) => {
  const { client, peer: listener } = await world.pair();
  await client.indicate(listener.at, Buffer.from('hello'));
  assert.equal(String((await listener.receive()).bytes), 'hello');
});

over(every, 'D30 another user on an allocation gets 441, signed with that user\'s key', async (world) => {
  const client = await world.client();
  await client.allocate();
  Object.assign(client, { user: 'bob', password: users.bob });
  const requests = [[method.refresh, []], [method.createPermission, [peer(somebody)]], [method.allocate, [udp]],
    [method.channelBind, [[attribute.channelNumber, Buffer.from([0x40, 0, 0, 0])], peer(somebody)]]];
  for (const [name, attributes] of requests) {
    const answer = await client.request(name, attributes);
    // RFC 8656 §7.2 looks for an existing allocation first: an Allocate may be 437.
    assert.ok(answer.code === 441 || (name === method.allocate && answer.code === 437), String(answer));
    assert.ok(answer.signedBy(client.key), String(answer));
  }
  Object.assign(client, { user: 'alice', password: users.alice });
  granted(await client.refresh());
});

const rest = suite({ rest: true });
const restPassword = (name, key = secret, hash = 'sha1') => createHmac(hash, key).update(name).digest('base64');
const later = () => Math.floor(Date.now() / 1000) + 3600;

over(every, 'D17 the key is MD5 of user, realm and password', async (world) => {
  const client = await world.client();
  await client.challenge();
  assert.ok((await client.allocate()).signedBy(md5Key('alice', realm, 'wonder')));
});

rest(every, 'D32 a REST credential allocates until its time', async (world) => {
  for (const name of [`${later()}:alice`, `${later()}:room:42`]) {
    const client = await world.client({ user: name, password: restPassword(name) });
    await client.allocate();
  }
  const past = `${Math.floor(Date.now() / 1000) - 10}:alice`;
  const client = await world.client({ user: past, password: restPassword(past) });
  refused(await client.request(method.allocate, [udp]), 401);
});

rest(every, 'D32 the password of a REST credential may be made with SHA-256', async (world) => {
  const name = `${later()}:alice`;
  const client = await world.client({ user: name, password: restPassword(name, secret, 'sha256') });
  await client.allocate();
});

rest('UDP', 'D32 a REST credential of another secret gets 401', async (world) => {
  const name = `${later()}:alice`;
  const client = await world.client({ user: name, password: restPassword(name, 'another secret, as long as the first') });
  refused(await client.request(method.allocate, [udp]), 401);
});

rest(['UDP', 'TLS'], 'D33 REST names without a time or a user get 401, and nothing breaks', async (world) => {
  for (const name of ['alice', ':alice', '-1:alice', '99999999999999999999999999:alice', '9223372036854775808:a', `${later()}:`,
    `${later()}`, '0x7fffffff:alice', ' 99999999999:alice', '1e99:alice', ':']) {
    const client = await world.client({ user: name, password: restPassword(name) });
    refused(await client.request(method.allocate, [udp]), 401, JSON.stringify(name));
    await client.fence();
  }
});

const oauth = suite({ oauth: true });
oauth(every, 'D34 a 401 tells of third-party authorization', async (world) => {
  const client = await world.client();
  const answer = await client.challenge();
  assert.equal(answer.text(attribute.thirdPartyAuthorization), tokens.serverName);
});

// coturn signs with 16 bytes of a longer one.
const macKeySize = which === 'coturn' ? 16 : 20;

async function withToken(world, given = {}) {
  const macKey = randomBytes(macKeySize);
  const client = await world.client({ user: tokens.kid, signingKey: macKey });
  await client.challenge();
  client.token = [attribute.accessToken, seal({ macKey, ...given })];
  return client;
}

oauth(every, 'D34 a token allocates, and its key signs what follows', async (world) => {
  const client = await withToken(world);
  const answer = await client.allocate([udp, client.token]);
  assert.ok(answer.signedBy(client.key), 'the answer is signed with the key of the token');
  const listener = await world.peer();
  granted(await client.permit(listener.at));
  await client.indicate(listener.at, Buffer.from('hello'));
  assert.equal(String((await listener.receive()).bytes), 'hello');
  granted(await client.refresh([lifetime(600), client.token]));
});

oauth('UDP', 'D34 the allocation lives no longer than the token', async (world) => {
  const client = await withToken(world, { lifetime: 100 });
  const seconds = (await client.allocate([udp, client.token])).get(attribute.lifetime).readUInt32BE();
  assert.ok(seconds > 0 && seconds <= 105, `${seconds} s`);
});

oauth('UDP', 'D34 what is expired, changed, sealed for another server or signed with another key gets 401', async (world) => {
  for (const given of [{ timestamp: Date.now() / 1000 - 7200 }, { serverName: 'turn.example.com' }]) {
    const client = await withToken(world, given);
    refused(await client.request(method.allocate, [udp, client.token]), 401);
  }
  const changed = await withToken(world);
  changed.token[1][20] ^= 1;
  refused(await changed.request(method.allocate, [udp, changed.token]), 401);
  const other = await withToken(world);
  other.signingKey = randomBytes(20);
  refused(await other.request(method.allocate, [udp, other.token]), 401);
  const none = await withToken(world);
  refused(await none.request(method.allocate, [udp]), 401);
});

over(every, 'D25 a signed answer is signed with MESSAGE-INTEGRITY where the request was', async (world) => {
  const client = await world.client();
  const answer = await client.allocate([udp, [attribute.lifetime, uint32(600)]]);
  assert.ok(answer.class === success || answer.class === error);
  assert.ok(answer.has(attribute.integrity) && !answer.has(attribute.integritySha256), String(answer));
});
