// Group D, second half: the choice of an algorithm, SHA-256 and USERHASH (RFC 8489 §9.2.3 to §9.2.5).

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { attribute, md5Key, Message, method, sha256Key, userhash } from './stun.mjs';
import { granted, refused, udp } from './client.mjs';
import { NotSupported, realm, secret, users } from './server.mjs';
import { every, suite } from './suite.mjs';

const over = suite();
const md5 = 1, sha256 = 2;
const cookie = 'obMatJos2';

const algorithm = (number) => Buffer.from([0, number, 0, 0]);
const key = (number, { user = 'alice', password = users[user] } = {}) =>
  (number === md5 ? md5Key : sha256Key)(user, realm, password);

const featureBits = (client) => Buffer.from(client.nonce.toString().slice(cookie.length, cookie.length + 4), 'base64')[0];

/** A client that was offered algorithms; a server may leave them out where a datagram is too small. */
async function offered(world, options) {
  const client = await world.client(options);
  // SOFTWARE makes the request as large as a browser's, or larger.
  const large = new Message(method.allocate).all([udp, [attribute.software, Buffer.alloc(100, 'x')]]);
  client.algorithms = client.remember(refused(await client.ask(large), 401)).get(attribute.passwordAlgorithms);
  if (!client.algorithms) throw new NotSupported('PASSWORD-ALGORITHMS is not offered');
  return client;
}

/** Signed as the client that chose the number would: both attributes, MESSAGE-INTEGRITY-SHA256. */
function chosen(client, number, { list = client.algorithms, attributes = [udp], type = method.allocate } = {}) {
  const message = client.named(type, attributes);
  if (list) message.add(attribute.passwordAlgorithms, list);
  if (number) message.add(attribute.passwordAlgorithm, algorithm(number));
  return message;
}

/** Lets the world's end delete what was allocated. */
function keep(client, answer) {
  client.relayed = granted(answer).address(attribute.xorRelayedAddress);
  return answer;
}

over(every, 'D03 the list has SHA-256 and MD5, of no parameters, and the bit for it', async (world) => {
  const client = await offered(world);
  const list = client.algorithms;
  assert.equal(list.length % 4, 0);
  const numbers = [];
  for (let i = 0; i < list.length; i += 4) {
    numbers.push(list.readUInt16BE(i));
    assert.equal(list.readUInt16BE(i + 2), 0);
  }
  assert.deepEqual(numbers.sort(), [md5, sha256]);
  assert.equal(featureBits(client) & 0x80, 0x80);
});

over(every, 'D12 who chooses nothing is taken for MD5', async (world) => {
  const client = await offered(world);
  const answer = keep(client, await client.ask(client.signed(method.allocate, [udp])));
  assert.ok(answer.signedBy(key(md5)));
});

over(every, 'D13 PASSWORD-ALGORITHM without PASSWORD-ALGORITHMS, or the reverse, is 400', async (world) => {
  const client = await offered(world);
  refused(await client.ask(chosen(client, sha256, { list: null }).integritySha256(key(sha256))), 400);
  refused(await client.ask(chosen(client, 0).integritySha256(key(sha256))), 400);
});

over(every, 'D14 another list than the offered one is 400', async (world) => {
  const client = await offered(world);
  for (const list of [algorithm(md5), algorithm(sha256), Buffer.concat([client.algorithms, algorithm(3)]),
    Buffer.concat([algorithm(md5), algorithm(md5)])]) {
    const number = list.readUInt16BE(0);
    refused(await client.ask(chosen(client, number, { list }).integritySha256(key(number))), 400, list.toString('hex'));
  }
});

over(every, 'D15 an algorithm that is not in the list is 400', async (world) => {
  const client = await offered(world);
  refused(await client.ask(chosen(client, 3).integritySha256(key(sha256))), 400);
});

over(every, 'D16 with SHA-256 the key is SHA-256 of user, realm and password', async (world) => {
  const client = await offered(world);
  keep(client, await client.ask(chosen(client, sha256).integritySha256(key(sha256))));
});

over(every, 'D16 the key of the other algorithm does not do', async (world) => {
  const client = await offered(world);
  refused(await client.ask(chosen(client, sha256).integritySha256(key(md5))), 401);
  refused(await client.ask(chosen(client, md5).integritySha256(key(sha256))), 401);
});

over(every, 'D17 MD5 may be chosen', async (world) => {
  const client = await offered(world);
  keep(client, await client.ask(chosen(client, md5).integritySha256(key(md5))));
});

over(every, 'D18 who chose is answered with MESSAGE-INTEGRITY-SHA256 alone, who did not with MESSAGE-INTEGRITY', async (world) => {
  for (const number of [md5, sha256]) {
    const client = await offered(world);
    const answer = keep(client, await client.ask(chosen(client, number).integritySha256(key(number))));
    assert.ok(answer.signedBy(key(number), { sha256: true }), String(answer));
    assert.ok(!answer.has(attribute.integrity));
    const error = refused(await client.ask(chosen(client, number, { attributes: [], type: method.channelBind }).integritySha256(key(number))), 400);
    assert.ok(error.signedBy(key(number), { sha256: true }), String(error));
  }
  const old = await offered(world);
  const answer = keep(old, await old.ask(old.signed(method.allocate, [udp])));
  assert.ok(answer.signedBy(key(md5)) && !answer.has(attribute.integritySha256), String(answer));
  for (const absent of ['realm', 'nonce', 'username']) assert.ok(!answer.has(attribute[absent]));
});

over(every, 'D19 MESSAGE-INTEGRITY-SHA256 of 12, 18 or 36 bytes is refused, of 32 taken', async (world) => {
  const client = await offered(world);
  for (const size of [12, 18, 36, 0]) {
    const answer = await client.ask(chosen(client, sha256).integritySha256(key(sha256), size));
    assert.ok([400, 401].includes(answer.code), `${size}: ${answer}`);
  }
  keep(client, await client.ask(chosen(client, sha256).integritySha256(key(sha256), 32)));
});

over(every, 'D20 of MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 the latter counts', async (world) => {
  const client = await offered(world);
  const wrong = Buffer.alloc(16, 1);
  refused(await client.ask(chosen(client, sha256).integrity(key(sha256)).integritySha256(wrong)), 401);
  keep(client, await client.ask(chosen(client, sha256).integrity(wrong).integritySha256(key(sha256))));
});

/** USERHASH in the place of USERNAME. */
function hashed(client, hash, { both } = {}) {
  const message = new Message(method.allocate).all([udp]);
  if (both) message.add(attribute.username, Buffer.from(both));
  return message.add(attribute.userhash, hash).add(attribute.realm, Buffer.from(realm)).add(attribute.nonce, client.nonce)
    .add(attribute.passwordAlgorithms, client.algorithms).add(attribute.passwordAlgorithm, algorithm(sha256));
}

over(every, 'D22 USERHASH stands for a user', async (world) => {
  const client = await offered(world);
  keep(client, await client.ask(hashed(client, userhash('alice', realm)).integritySha256(key(sha256))));
});

over(every, 'D22 a USERHASH of nobody is 401, as an unknown name is', async (world) => {
  const client = await offered(world);
  const answer = refused(await client.ask(hashed(client, userhash('mallory', realm)).integritySha256(key(sha256))), 401);
  assert.ok(answer.has(attribute.realm) && answer.has(attribute.nonce) && !answer.has(attribute.userhash));
});

over(every, 'D22 a USERHASH of another size than 32 is refused', async (world) => {
  const client = await offered(world);
  const answer = await client.ask(hashed(client, userhash('alice', realm).subarray(0, 20)).integritySha256(key(sha256)));
  assert.ok([400, 401].includes(answer.code), String(answer));
});

over(every, 'D23 where anonymity is offered, a USERNAME and a USERHASH are both taken', async (world) => {
  const [named, hidden] = [await offered(world), await offered(world)];
  if (!(featureBits(named) & 0x40)) throw new NotSupported('anonymity is not offered');
  keep(named, await named.ask(chosen(named, sha256).integritySha256(key(sha256))));
  keep(hidden, await hidden.ask(hashed(hidden, userhash('alice', realm)).integritySha256(key(sha256))));
});

over(every, 'D23 USERNAME and USERHASH of two users are refused', async (world) => {
  const client = await offered(world);
  const answer = await client.ask(hashed(client, userhash('alice', realm), { both: 'bob' }).integritySha256(key(sha256)));
  assert.ok([400, 401].includes(answer.code), String(answer));
});

over(['UDP', 'TCP'], 'D08 a 438 offers the algorithms again, and the retry succeeds', async (world) => {
  const client = await offered(world);
  client.nonce = Buffer.from(`${client.nonce.toString().slice(0, -4)}AAAA`);
  const stale = refused(await client.ask(chosen(client, sha256).integritySha256(key(sha256))), 438);
  assert.deepEqual(stale.get(attribute.passwordAlgorithms), client.algorithms);
  client.remember(stale);
  keep(client, await client.ask(chosen(client, sha256).integritySha256(key(sha256))));
});

over(every, 'D14 a client from which the list was kept away cannot be held down to a shorter nonce', async (world) => {
  const client = await offered(world);
  // In between somebody clears the feature bits of the nonce: it is none of the server's any more.
  const nonce = client.nonce.toString();
  client.nonce = Buffer.from(`${cookie}AAAA${nonce.slice(13)}`);
  refused(await client.ask(client.signed(method.allocate, [udp])), 438);
});

const rest = suite({ rest: true });
rest(every, 'D16 a REST credential may be used with SHA-256', async (world) => {
  const user = `${Math.floor(Date.now() / 1000) + 3600}:alice`;
  const password = createHmac('sha1', secret).update(user).digest('base64');
  const client = await offered(world, { user, password });
  keep(client, await client.ask(chosen(client, sha256).integritySha256(sha256Key(user, realm, password))));
});

const accents = suite({ users: { 'jos\u00e9': 'caf\u00e9' } });
accents('UDP', 'D24 composed and decomposed letters are the same in the configuration', async (world) => {
  const client = await world.client({ user: 'jos\u00e9', password: 'caf\u00e9' });
  await client.allocate();
});

const decomposed = suite({ users: { 'jose\u0301': 'cafe\u0301' } });
decomposed('UDP', 'D24 a configured name in decomposed letters is that of a client in composed ones', async (world) => {
  const client = await world.client({ user: 'jos\u00e9', password: 'caf\u00e9' });
  await client.allocate();
});
