// Rooms for who has a token: how one is made, what it opens, and how keys are changed.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { setInterval as ticks } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Server } from '../e2e/server.mjs';
import { JsonSocket } from './websocket.mjs';

const binary = process.env.AHOY_BIN ?? fileURLToPath(new URL('../../build/release/ahoy', import.meta.url));
const patienceMs = 60_000;
const secret = randomBytes(32).toString('hex');

let folder;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'ahoy-'))));
after(() => rm(folder, { recursive: true }));

let files = 0;
async function newFile(text) {
  const file = join(folder, `${++files}.toml`);
  await writeFile(file, text);
  return file;
}

const configuration = (keys) => `[rooms]\naccess = "token"\n[rooms.tokens]\n${keys}\n`;

function run(...args) {
  return new Promise((resolve) => {
    execFile(binary, args, { timeout: 20_000 }, (error, stdout, stderr) =>
      resolve({ status: error ? error.code : 0, stdout, stderr }));
  });
}

async function makeToken(config, ...args) {
  const { status, stdout, stderr } = await run('token', 'make', '--config', config, ...args);
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

async function joinRoom(server, room, token) {
  const query = token === undefined ? '' : `?token=${token}`;
  const reply = await fetch(`${server.url}/join/${room}${query}`, { method: 'POST' });
  return { status: reply.status, ...(await reply.json()) };
}

async function isRefused(server, room, token, error) {
  const reply = await joinRoom(server, room, token);
  assert.deepEqual([reply.status, reply.result, reply.error], [401, 'ERROR', error]);
}

async function isLetIn(server, room, token) {
  const reply = await joinRoom(server, room, token);
  assert.deepEqual([reply.status, reply.result], [200, 'SUCCESS'], JSON.stringify(reply));
  return reply.params;
}

const part = (object) => Buffer.from(JSON.stringify(object)).toString('base64url');
const soon = () => Math.floor(Date.now() / 1000) + 60;

test('a token opens its room, and no other', async () => {
  const config = await newFile(configuration(`keys = { main = "${secret}" }`));
  const server = await Server.start({ config });
  const token = await makeToken(config, '--room', 'tea', '--name', 'Alice', '--role', 'host');
  await isRefused(server, 'tea', undefined, 'token-required');
  await isRefused(server, 'coffee', token, 'bad-token');
  await isRefused(server, 'tea', `${token}x`, 'bad-token');
  const { client_id: id } = await isLetIn(server, 'tea', token);
  const said = await fetch(`${server.url}/message/tea/${id}`, { method: 'POST', body: 'offer' });
  assert.equal((await said.json()).result, 'SUCCESS');
  await server.stop();
  assert.ok(!server.log.includes(token) && !server.log.includes(secret));
});

test('TURN credentials are for who has a token, and /join says where', async () => {
  const config = await newFile(configuration(`keys = { main = "${secret}" }`));
  const server = await Server.start({ config });
  assert.equal((await fetch(`${server.url}/v1alpha/iceconfig`, { method: 'POST' })).status, 401);
  assert.equal((await fetch(`${server.url}/turn`)).status, 401);
  const token = await makeToken(config, '--room', 'tea');
  const params = await isLetIn(server, 'tea', token);
  const ice = await (await fetch(params.ice_server_url, { method: 'POST' })).json();
  assert.ok(ice.iceServers.some(({ username }) => username));
  assert.equal((await fetch(params.turn_url)).status, 200);
  assert.equal(params.room_link, `${server.url}/r/tea`);
  await server.stop();
});

/** Enters by our own protocol, and gives the socket and the answer. */
async function enter(server, hello) {
  const socket = await JsonSocket.open(`${server.url}/v1/ws`);
  socket.say({ type: 'hello', version: 1, ...hello });
  return { socket, answer: await socket.hear() };
}

async function isTurnedAway(server, hello, code) {
  const { socket, answer } = await enter(server, hello);
  assert.deepEqual([answer.type, answer.code, answer.retry], ['error', code, false]);
  assert.equal(await socket.hear(), null);
  socket.close();
}

test('in our own protocol the token lets in, with its name and its role', async () => {
  const config = await newFile(configuration(`keys = { main = "${secret}" }`));
  const server = await Server.start({ config });
  const guests = await makeToken(config, '--room', 'tea', '--name', 'Bob', '--role', 'guest');
  const hosts = await makeToken(config, '--room', 'tea', '--role', 'host');
  await isTurnedAway(server, { room: 'tea' }, 'token-required');
  await isTurnedAway(server, { room: 'coffee', token: guests }, 'bad-token');
  await isTurnedAway(server, { room: 'tea', token: `${guests}x` }, 'bad-token');

  const bob = await enter(server, { room: 'tea', name: 'Mallory', token: guests });
  assert.deepEqual([bob.answer.type, bob.answer.you.name, bob.answer.you.role], ['welcome', 'Bob', 'guest']);
  assert.ok(bob.answer.ice_servers.some(({ username }) => username));
  bob.socket.say({ type: 'room', id: 1, locked: true });
  assert.equal((await bob.socket.hearOf('error')).code, 'not-host');

  const alice = await enter(server, { room: 'tea', name: 'Alice', token: hosts });
  assert.deepEqual([alice.answer.you.name, alice.answer.you.role], ['Alice', 'host']);
  assert.deepEqual(alice.answer.participants.map(({ name }) => name), ['Bob']);
  bob.socket.say({ type: 'set', id: 2, name: 'Mallory', hand: true });
  assert.deepEqual({ ...(await alice.socket.hearOf('changed')), seq: 0 }, { type: 'changed', seq: 0, id: bob.answer.you.id, hand: true });

  // Back to the seat, which asks for no token.
  const again = await enter(server, { resume: bob.answer.resume, seq: bob.answer.seq });
  assert.equal(again.answer.type, 'welcome');
  assert.equal(again.answer.you.name, 'Bob');
  for (const { socket } of [alice, bob, again]) socket.close();
  await server.stop();
  assert.ok(!server.log.includes(guests) && !server.log.includes(hosts));
});

test("the claims of a made token are what was asked for, and other libraries' signature is the same", async () => {
  const config = await newFile(configuration(`keys = { main = "${secret}" }`));
  const before = Math.floor(Date.now() / 1000);
  const token = await makeToken(config, '--room', 'team-*', '--name', 'Älice', '--role', 'guest', '--sub', 'u7', '--for', '2h');
  const [header, payload, signature] = token.split('.');
  assert.deepEqual(JSON.parse(Buffer.from(header, 'base64url')), { alg: 'HS256', typ: 'JWT', kid: 'main' });
  const { exp, ...claims } = JSON.parse(Buffer.from(payload, 'base64url'));
  assert.deepEqual(claims, { room: 'team-*', name: 'Älice', role: 'guest', sub: 'u7' });
  assert.ok(exp >= before + 7200 && exp <= Math.floor(Date.now() / 1000) + 7200);
  assert.equal(createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url'), signature);
});

test("tokens of another program: HS256, and Ed25519 by a JWK Set's key", async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const jwks = join(folder, 'keys.json');
  await writeFile(jwks, JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'web' }] }));
  const config = await newFile(configuration(`keys = { main = "${secret}" }\njwks = "${jwks}"`));
  const server = await Server.start({ config });
  const hs256 = `${part({ alg: 'HS256', kid: 'main' })}.${part({ room: 'tea', exp: soon() })}`;
  await isLetIn(server, 'tea', `${hs256}.${createHmac('sha256', secret).update(hs256).digest('base64url')}`);
  const eddsa = `${part({ alg: 'EdDSA', kid: 'web' })}.${part({ room: '*', exp: soon() })}`;
  await isLetIn(server, 'coffee', `${eddsa}.${sign(null, Buffer.from(eddsa), privateKey).toString('base64url')}`);
  const none = `${part({ alg: 'none', kid: 'main' })}.${part({ room: '*', exp: soon() })}.`;
  await isRefused(server, 'coffee', none, 'bad-token');
  const old = `${part({ alg: 'HS256', kid: 'main' })}.${part({ room: 'tea', exp: soon() - 3600 })}`;
  const expired = `${old}.${createHmac('sha256', secret).update(old).digest('base64url')}`;
  await isRefused(server, 'tea', expired, 'token-expired');
  await isTurnedAway(server, { room: 'tea', token: expired }, 'token-expired');
  await server.stop();
});

/** Until the log says for the n-th time what a reload has come to. */
async function reload(server, pattern, times = 1) {
  server.reload();
  const deadline = Date.now() + patienceMs;
  for await (const _ of ticks(50)) {
    if (server.log.split('\n').filter((line) => pattern.test(line)).length === times) return;
    assert.ok(Date.now() < deadline, server.log);
  }
}

test('SIGHUP changes the keys, and a wrong file changes nothing', async () => {
  const config = await newFile(configuration(`keys = { old = "${secret}" }`));
  const server = await Server.start({ config });
  const old = await makeToken(config, '--room', 'tea');
  await writeFile(config, configuration('keys = { new = "short" }'));
  await reload(server, /event=server\.reload_failed .*the secret of .*new.* has 5 bytes/);
  await isLetIn(server, 'tea', old);
  await writeFile(config, configuration(`keys = { new = "${secret}" }`));
  await reload(server, /event=server\.reloaded/);
  await isRefused(server, 'tea', old, 'bad-token');
  await isLetIn(server, 'tea', await makeToken(config, '--room', 'tea'));
  await writeFile(config, '');
  await reload(server, /event=server\.reloaded/, 2);
  await isLetIn(server, 'coffee');
  await server.stop();
});

test('a server whose Collider lets anybody in does not begin to ask for tokens', async () => {
  const config = await newFile('[rooms]\nrequire_join = false\n');
  const server = await Server.start({ config });
  await writeFile(config, configuration(`keys = { main = "${secret}" }`));
  await reload(server, /event=server\.reload_failed .*rooms\.access: .*takes a restart/);
  await isLetIn(server, 'tea');
  await server.stop();
});

test('what is wrong with keys and with wishes is said', async () => {
  const config = await newFile(configuration(`keys = { a = "${secret}", b = "${secret}" }`));
  const says = async (pattern, ...args) => {
    const { status, stderr } = await run('token', 'make', '--config', config, ...args);
    assert.equal(status, 2);
    assert.match(stderr, pattern);
    assert.ok(!stderr.includes(secret));
  };
  await says(/--key: found "", expected one of .*"a", "b"/, '--room', 'tea');
  await makeToken(config, '--room', 'tea', '--key', 'b');
  await says(/--room: found "a b"/, '--room', 'a b', '--key', 'a');
  await says(/--for: found "soon", expected a duration/, '--room', 'tea', '--for', 'soon', '--key', 'a');
  await says(/--role: found "king", expected host or guest/, '--room', 'tea', '--role', 'king', '--key', 'a');
  await says(/--name.*at most 64 characters/, '--room', 'tea', '--name', 'x'.repeat(65), '--key', 'a');

  const jwks = join(folder, 'weak.json');
  await writeFile(jwks, '{"keys":[{"kty":"oct","kid":"a","k":"c2hvcnQ"}]}');
  for (const [file, pattern] of [[jwks, /weak\.json: key 1: its secret has 5 bytes/], ['/nowhere.json', /No such file/]]) {
    const weak = await newFile(configuration(`jwks = "${file}"`));
    const { status, stderr } = await run('serve', '--config', weak, '--set', 'http.listen=[]', '--set', 'turn.listen=[]');
    assert.equal(status, 2);
    assert.match(stderr, pattern);
  }
});
