// The HTTP API and the webhooks, as a product that embeds calls meets them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'node:test';
import { Server } from '../e2e/server.mjs';

const { WebSocket } = createRequire(new URL('../e2e/package.json', import.meta.url))('ws');
const key = 'a-key-of-the-shop-that-nobody-guesses';
const secret = 'a-secret-of-the-webhook-nobody-knows';

/** A server with an API; `call` asks it, with the shop's key unless told otherwise. */
async function withApi(settings, action, config) {
  const api = ['api.listen=["127.0.0.1:0"]', `api.keys={shop="${key}"}`];
  const server = await Server.start(config ? { config } : { settings: [...api, ...settings] });
  const port = /\bapi=127\.0\.0\.1:(\d+)/.exec(server.log)[1];
  const call = async (method, path, body, authorization = `Bearer ${key}`) => {
    const reply = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: authorization ? { authorization } : {},
    });
    const said = await reply.text();
    if (reply.status === 204) assert.equal(reply.headers.get('content-length'), null);
    return { status: reply.status, type: reply.headers.get('content-type'), body: said ? JSON.parse(said) : null };
  };
  try {
    await action(server, call);
  } finally {
    await server.stop();
  }
}

/** Somebody of our own protocol; hears() is the next frame of that type. */
class Person {
  #frames = [];
  #news = new EventEmitter();

  constructor(server, room, name) {
    this.socket = new WebSocket(`ws://127.0.0.1:${server.port}/v1/ws`);
    this.socket.on('open', () => this.socket.send(JSON.stringify({ type: 'hello', version: 1, room, name, mic: true })));
    this.socket.on('message', (data) => {
      this.#frames.push(JSON.parse(data));
      this.#news.emit('frame');
    });
    this.closed = once(this.socket, 'close');
  }

  async hears(type) {
    for (;;) {
      const at = this.#frames.findIndex((frame) => frame.type === type);
      if (at >= 0) return this.#frames.splice(at, 1)[0];
      await once(this.#news, 'frame');
    }
  }
}

/** What a webhook points to: keeps what it is told, and answers what `answers` says, then 204. */
class Receiver {
  events = [];
  attempts = [];
  answers = [];
  hangs = false;
  #news = new EventEmitter();

  constructor(server = createServer()) {
    this.server = server.on('request', async (request, response) => {
      const body = await text(request);
      this.attempts.push({ headers: request.headers, body });
      if (this.hangs) return this.#news.emit('news');
      const status = this.answers.shift() ?? 204;
      if (status < 300) this.events.push(JSON.parse(body));
      response.writeHead(status).end();
      this.#news.emit('news');
    });
  }

  async listen(port = 0) {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    return this.server.address().port;
  }
  async until(condition) {
    while (!condition(this)) await once(this.#news, 'news');
  }
  told() {
    return this.events.map((e) => [e.type, e.client, e.reason].filter((x) => x !== undefined).join(' '));
  }
  async close() {
    if (!this.server.listening) return;
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

async function metricsSay(server, pattern) {
  while (!pattern.test(await (await fetch(`${server.url}/metrics`)).text()));
}

const hooks = (port, scheme = 'http') => [
  `webhooks.url=${scheme}://127.0.0.1:${port}/ahoy?x=1`,
  `webhooks.secret=${secret}`,
];

async function enter(server, room) {
  const reply = await fetch(`${server.url}/join/${room}`, { method: 'POST' });
  return (await reply.json()).params.client_id;
}
const leave = (server, room, client) => fetch(`${server.url}/leave/${room}/${client}`, { method: 'POST' });

/** Two come and go, one after the other; what a webhook is to be told of it. */
async function aCall(server, room) {
  const first = await enter(server, room);
  const second = await enter(server, room);
  await leave(server, room, first);
  await leave(server, room, second);
}
const kinds = ['room.opened', 'client.joined', 'client.joined', 'client.left', 'client.left', 'room.closed'];

test('only who has a key may use the API, and everybody may read what it is', async () => {
  let log;
  await withApi([], async (server, call) => {
    log = () => server.log;
    for (const wrong of [null, 'Bearer wrong', `Bearer ${key}x`, `Basic ${key}`]) {
      const refused = await call('GET', '/v1/rooms', undefined, wrong);
      assert.equal(refused.status, 401);
      assert.equal(refused.type, 'application/problem+json');
      assert.equal(refused.body.code, 'unauthorized');
    }
    const contract = await call('GET', '/openapi.json', undefined, null);
    assert.equal(contract.status, 200);
    assert.equal(contract.body.openapi, '3.1.0');
    assert.deepEqual((await call('GET', '/v1/rooms')).body, { rooms: [] });
    // Not on the port that everybody reaches.
    const elsewhere = await fetch(`${server.url}/v1/rooms`, { headers: { authorization: `Bearer ${key}` } });
    assert.equal(elsewhere.status, 404);
    await call('PUT', '/v1/rooms/tea', {});
  });
  // Complete once it has stopped.
  assert.match(log(), /event=api\.changed key=shop method=PUT path=\/v1\/rooms\/tea status=201/);
  assert.ok(!log().includes(key));
});

test('a key that could be guessed is refused with a sentence', async () => {
  await assert.rejects(
    Server.start({ settings: ['api.listen=["127.0.0.1:0"]', 'api.keys={shop="secret-of-the-shop"}'] }),
    (error) => /api\.keys: that of "shop" has 18 characters, expected at least 32/.test(error.message) &&
      !error.message.includes('secret-of-the-shop'));
});

test('keys are read again on SIGHUP', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ahoy-'));
  const config = join(folder, 'ahoy.toml');
  const write = (name, value) =>
    writeFileSync(config, `[api]\nlisten = ["127.0.0.1:0"]\nkeys = { ${name} = "${value}" }\n`);
  write('shop', key);
  await withApi([], async (server, call) => {
    write('school', key.toUpperCase());
    server.reload();
    while (!server.log.includes('event=server.reloaded')) await fetch(`${server.url}/livez`);
    assert.equal((await call('GET', '/v1/rooms')).status, 401);
    assert.equal((await call('GET', '/v1/rooms', undefined, `Bearer ${key.toUpperCase()}`)).status, 200);
  }, config);
  rmSync(folder, { recursive: true });
});

test('the list comes in pages, whichever shard has the rooms', async () => {
  await withApi(['server.threads=3'], async (server, call) => {
    const names = Array.from({ length: 20 }, (_, i) => `room-${String(i).padStart(2, '0')}`);
    for (const name of names) assert.equal((await call('PUT', `/v1/rooms/${name}`, { capacity: 3 })).status, 201);
    const listed = [];
    for (let after = ''; after !== undefined;) {
      const page = await call('GET', `/v1/rooms?limit=7&after=${after}`);
      assert.ok(page.body.rooms.length <= 7);
      listed.push(...page.body.rooms.map((room) => room.room));
      after = page.body.next;
    }
    assert.deepEqual(listed, names);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(metrics, /^ahoy_api_requests_total\{result="answered"\} 2[3-9]$/m);
  });
});

test('a room with a secret name is made, changed and ended, and the log shows half of its name', async () => {
  let name, log;
  await withApi([`rooms.name_secret=${secret}`], async (server, call) => {
    log = () => server.log;
    const made = await call('POST', '/v1/rooms', { lobby: true });
    assert.deepEqual([made.status, made.body.lobby], [201, true]);
    name = made.body.room;
    assert.equal((await call('PUT', `/v1/rooms/${name}`, { locked: true })).status, 200);
    const chosen = await call('PUT', '/v1/rooms/tea', {});
    assert.deepEqual([chosen.status, chosen.body.code], [404, 'unknown-room']);
    assert.deepEqual((await call('GET', '/v1/rooms')).body.rooms.map(({ room }) => room), [name]);
    assert.equal((await call('DELETE', `/v1/rooms/${name}`)).status, 204);
  });
  assert.match(log(), /event=api\.changed key=shop method=POST path=\/v1\/rooms status=201/);
  assert.ok(log().includes(`method=DELETE path=/v1/rooms/${name.slice(0, 16)} status=204`));
  assert.ok(!log().includes(name.slice(16)));
});

test('a participant is seen and removed, and a room is closed for all', async () => {
  await withApi([], async (server, call) => {
    const alice = new Person(server, 'tea', 'Alice');
    const { you } = await alice.hears('welcome');
    const bob = new Person(server, 'tea', 'Bob');
    const bobs = (await bob.hears('welcome')).you.id;
    const seen = (await call('GET', '/v1/rooms/tea')).body;
    assert.deepEqual(seen.participants.map((p) => [p.id, p.name, p.role, p.connected, p.legacy, p.mic, p.camera]), [
      [you.id, 'Alice', 'host', true, false, true, false],
      [bobs, 'Bob', 'guest', true, false, true, false],
    ]);
    assert.equal((await call('DELETE', `/v1/rooms/tea/participants/${bobs}`)).status, 204);
    assert.equal((await bob.hears('bye')).reason, 'removed');
    assert.equal((await alice.hears('left')).reason, 'removed');
    assert.equal((await call('PUT', '/v1/rooms/tea', { locked: true })).status, 200);
    assert.equal((await alice.hears('room')).locked, true);
    assert.equal((await new Person(server, 'tea', 'Carol').hears('error')).code, 'room-locked');
    assert.equal((await call('DELETE', '/v1/rooms/tea')).status, 204);
    assert.equal((await alice.hears('bye')).reason, 'closed');
    await Promise.all([alice.closed, bob.closed]);
    assert.equal((await call('DELETE', '/v1/rooms/tea')).body.code, 'unknown-room');
  });
});

test('a token that was made opens its room, to who bears it', async () => {
  await withApi(['rooms.access=token', `rooms.tokens.keys={main="${secret}"}`], async (server, call) => {
    const made = await call('POST', '/v1/rooms/daily/tokens', { name: 'Alice', role: 'host' });
    assert.equal(made.status, 201);
    const join = (room, token) => fetch(`${server.url}/join/${room}?token=${token}`, { method: 'POST' });
    assert.equal((await join('daily', made.body.token)).status, 200);
    assert.equal((await join('weekly', made.body.token)).status, 401);
    assert.equal((await call('POST', '/v1/rooms/daily/tokens', { role: 'king' })).status, 400);
  });
  await withApi([], async (server, call) => {
    assert.equal((await call('POST', '/v1/rooms/daily/tokens')).body.code, 'rooms-are-open');
  });
});

test('a webhook is told what happens, in order and signed', async (t) => {
  const receiver = new Receiver();
  t.after(() => receiver.close());
  await withApi(hooks(await receiver.listen()), async (server) => {
    await aCall(server, 'tea');
    await receiver.until(({ events }) => events.length === kinds.length);
    const [, first, second] = receiver.events.map((event) => event.client);
    assert.deepEqual(receiver.told(), [
      'room.opened', `client.joined ${first}`, `client.joined ${second}`,
      `client.left ${first} left`, `client.left ${second} left`, 'room.closed empty',
    ]);
    for (const { headers, body } of receiver.attempts) {
      // As docs/api.md has it.
      const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
      const expected = 'v1,' + createHmac('sha256', secret).update(signed).digest('base64');
      assert.equal(headers['webhook-signature'], expected);
      assert.ok(Math.abs(Date.now() / 1000 - headers['webhook-timestamp']) < 300);
      assert.equal(headers['webhook-id'], JSON.parse(body).id);
      assert.equal(JSON.parse(body).room, 'tea');
      assert.ok(Math.abs(Date.now() - Date.parse(JSON.parse(body).time)) < 300_000);
    }
    assert.equal(new Set(receiver.events.map((event) => event.id)).size, kinds.length);
    // It is counted when the receipt has come back.
    await metricsSay(server, /^ahoy_webhook_attempts_total\{result="delivered"\} 6$/m);
    assert.ok(!server.log.includes(secret));
  });
});

test('what a webhook refuses comes again, before what happened later in that room', async (t) => {
  const receiver = new Receiver();
  t.after(() => receiver.close());
  receiver.answers = [500, 302];
  await withApi(hooks(await receiver.listen()), async (server) => {
    await aCall(server, 'tea');
    await receiver.until(({ events }) => events.length === kinds.length);
    assert.deepEqual(receiver.events.map((event) => event.type), kinds);
    const [once_, twice, thrice] = receiver.attempts.map((attempt) => attempt.headers['webhook-id']);
    assert.ok(once_ === twice && twice === thrice);
    while (!/webhooks\.failing reason=refused[^]*webhooks\.delivering_again/.test(server.log)) await fetch(server.url);
  });
});

test('a webhook that is not there is told later', async (t) => {
  const placeholder = new Receiver();
  const port = await placeholder.listen();
  await placeholder.close();
  const receiver = new Receiver();
  t.after(() => receiver.close());
  await withApi(hooks(port), async (server) => {
    await aCall(server, 'tea');
    while (!/webhooks\.failing reason=unreachable/.test(server.log)) await enter(server, 'other');
    await receiver.listen(port);
    await receiver.until(({ events }) => events.filter((e) => e.room === 'tea').length === kinds.length);
    assert.deepEqual(receiver.events.filter((e) => e.room === 'tea').map((e) => e.type), kinds);
  });
});

test('a webhook that never answers harms nobody, not even the stop', async (t) => {
  const receiver = new Receiver();
  t.after(() => receiver.close());
  receiver.hangs = true;
  await withApi(hooks(await receiver.listen()), async (server, call) => {
    for (let i = 0; i < 40; ++i) await aCall(server, `tea-${i}`);
    await receiver.until(({ attempts }) => attempts.length >= 16);
    assert.equal((await call('PUT', '/v1/rooms/tea', {})).status, 201);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(metrics, /^ahoy_webhook_events_queued 240$/m);
  });
});

test('over https a webhook needs a certificate that the system trusts', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'ahoy-'));
  const [certificate, privateKey] = ['certificate.pem', 'key.pem'].map((name) => join(folder, name));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2',
    '-out', certificate, '-keyout', privateKey], { stdio: 'ignore' });
  const receiver = new Receiver(
    createTlsServer({ cert: readFileSync(certificate), key: readFileSync(privateKey) }));
  const port = await receiver.listen();
  await withApi(hooks(port, 'https'), async (server) => {
    while (!/webhooks\.failing reason=bad_tls/.test(server.log)) await aCall(server, 'tea');
    assert.equal(receiver.attempts.length, 0);
  });
  process.env.SSL_CERT_FILE = certificate;
  try {
    await withApi(hooks(port, 'https'), async (server) => {
      await aCall(server, 'tea');
      await receiver.until(({ events }) => events.length === kinds.length);
      assert.deepEqual(receiver.events.map((event) => event.type), kinds);
    });
  } finally {
    delete process.env.SSL_CERT_FILE;
    rmSync(folder, { recursive: true });
    await receiver.close();
  }
});
