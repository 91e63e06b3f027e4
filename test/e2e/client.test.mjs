// The package @ahoy/client against the server: in Node, and the example of its README in a browser.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';
import { Proxy } from './proxy.mjs';
import { Server } from './server.mjs';

const web = fileURLToPath(new URL('../../web', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ahoy-client-'));
execFileSync(process.execPath, [join(web, 'client/build.mjs'), '--out', folder]);
after(() => rmSync(folder, { recursive: true }));
const { Client, webSocketTransport } = await import(join(folder, 'client.js'));

const here = stage();
const presence = (name) => ({ name, mic: true, camera: false, screen: false, hand: false });

/** A program in a room, and all that it is told. */
class Caller {
  told = [];
  people = new Map();
  #waiting = [];

  constructor(server, name, entry, Socket = WebSocket) {
    const tell = (what) => {
      this.told.push(what);
      this.#waiting = this.#waiting.filter((look) => !look());
    };
    const url = `${server.url.replace(/^http/, 'ws')}/v1/ws`;
    this.client = new Client(webSocketTransport(Socket), url, entry, presence(name), {
      waiting: () => tell({ type: 'waiting' }),
      welcome: (welcome) => {
        this.id = welcome.you.id;
        for (const person of welcome.snapshot?.participants ?? []) this.people.set(person.id, person.name);
        tell({ ...welcome, type: 'welcome' });
      },
      event: (event) => {
        if (event.type === 'joined') this.people.set(event.participant.id, event.participant.name);
        if (event.type === 'left') this.people.delete(event.id);
        tell(event);
      },
      lost: () => tell({ type: 'lost' }),
      ended: (end) => tell({ type: 'ended', end }),
    });
    this.client.start();
  }

  /** What was told first of all that `holds` is true of: now, or as soon as it is. */
  hears(type, holds = () => true) {
    const find = () => this.told.find((what) => what.type === type && holds(what));
    return new Promise((resolve) => {
      const look = () => {
        const found = find();
        if (found) resolve(found);
        return found !== undefined;
      };
      if (!look()) this.#waiting.push(look);
    });
  }

  static async in(server, name, room, Socket) {
    const caller = new Caller(server, name, { room }, Socket);
    await caller.hears('welcome');
    return caller;
  }
}

test('two programs see who is there, and talk', async () => {
  const room = newRoom();
  const alice = await Caller.in(here.server, 'Alice', room);
  const bob = await Caller.in(here.server, 'Bob', room);
  await alice.hears('joined');
  assert.deepEqual([...alice.people.values()], ['Bob']);
  assert.deepEqual([...bob.people.values()], ['Alice']);

  assert.deepEqual(await alice.client.request({ type: 'message', data: 'to all' }), { ok: true });
  await alice.client.request({ type: 'message', to: bob.id, data: 'to you' });
  await alice.client.request({ type: 'chat', text: 'hello' });
  const { from, private: alone } = await bob.hears('message', ({ data }) => data === 'to you');
  assert.deepEqual([from, alone], [alice.id, true]);
  await bob.hears('message', ({ data, private: p }) => data === 'to all' && !p);
  const { line } = await bob.hears('chat');
  assert.deepEqual([line.text, line.name, line.from], ['hello', 'Alice', alice.id]);

  bob.client.present({ ...presence('Bob'), hand: true });
  assert.deepEqual((await alice.hears('changed')).change, { hand: true });
  const refused = await bob.client.request({ type: 'room', locked: true });
  assert.deepEqual([refused.ok, refused.refusal.code, refused.refusal.retry], [false, 'not-host', false]);

  await bob.client.leave();
  assert.equal((await alice.hears('left')).reason, 'left');
  assert.equal(alice.people.size, 0);
  await alice.client.leave();
});

test('a cut loses nothing of what either side said', async () => {
  const room = newRoom();
  const proxy = await Proxy.to(here.server);
  const alice = await Caller.in(proxy, 'Alice', room);
  const bob = await Caller.in(here.server, 'Bob', room);
  await alice.hears('joined');
  proxy.cut();
  await alice.hears('lost');
  await bob.hears('changed', ({ change }) => change.connected === false);
  await bob.client.request({ type: 'chat', text: 'are you there?' });
  const answer = alice.client.request({ type: 'chat', text: 'back again' });
  proxy.mend();
  assert.deepEqual(await answer, { ok: true });
  await alice.hears('welcome', ({ snapshot }) => snapshot === null);
  const lines = (caller) => caller.told.filter(({ type }) => type === 'chat').map(({ line }) => line.text);
  await alice.hears('chat', ({ line }) => line.text === 'back again');
  await bob.hears('chat', ({ line }) => line.text === 'back again');
  assert.deepEqual(lines(alice), ['are you there?', 'back again']);
  assert.deepEqual(lines(bob), ['are you there?', 'back again']);
  assert.deepEqual([...alice.people.values()], ['Bob']);
  await Promise.all([alice.client.leave(), bob.client.leave()]);
  await proxy.close();
});

test('a refusal says whether to try again, and then it works', async () => {
  const server = await Server.start({ settings: ['rooms.capacity=2', 'rooms.messages_per_second=20'] });
  const room = newRoom();
  const alice = await Caller.in(server, 'Alice', room);
  const bob = await Caller.in(server, 'Bob', room);
  const early = new Caller(server, 'Carol', { room });
  const { end } = await early.hears('ended');
  assert.deepEqual([end.kind, end.refusal.code, end.refusal.retry], ['refused', 'room-full', true]);
  await bob.client.leave();
  const carol = await Caller.in(server, 'Carol', room);

  // More at once than a client may say: the client itself says the rest later.
  const outcomes = await Promise.all(
    Array.from({ length: 230 }, (_, n) => carol.client.request({ type: 'message', data: `${n}` })),
  );
  assert.ok(outcomes.every(({ ok }) => ok));
  const heard = () => new Set(alice.told.filter(({ type }) => type === 'message').map(({ data }) => data)).size;
  await alice.hears('message', () => heard() === 230);

  const wrong = new Caller(server, 'Dave', { room: 'not a name' });
  const bad = (await wrong.hears('ended')).end.refusal;
  assert.deepEqual([bad.code, bad.retry], ['bad-room', false]);
  await Promise.all([alice.client.leave(), carol.client.leave()]);
  await server.stop();
});

test('without a server the end comes at once, and a program goes on', async () => {
  const gone = await Server.start();
  await gone.stop();
  const alice = new Caller(gone, 'Alice', { room: newRoom() });
  assert.deepEqual((await alice.hears('ended')).end, { kind: 'unreachable' });
  assert.equal((await alice.client.request({ type: 'chat', text: 'hello?' })).refusal.code, 'session-ended');
});

const own = globalThis.WebSocket;
test("Node's own WebSocket will do", { skip: own ? false : 'this Node has none' }, async () => {
  const alice = await Caller.in(here.server, 'Alice', newRoom(), own);
  assert.deepEqual(await alice.client.request({ type: 'chat', text: 'hello' }), { ok: true });
  await alice.client.leave();
});

test('the example of the README calls somebody on the page, and itself', async () => {
  const room = newRoom();
  const [, example] = /```js\n([^]*?)```/.exec(readFileSync(join(web, 'client/README.md'), 'utf8'));
  const lines = example.split('\n').filter((line) => line !== '');
  assert.ok(lines.length <= 30, `${lines.length} lines`);
  const script = example.replace('wss://call.example.org', here.server.url.replace(/^http/, 'ws')).replace("'daily'", `'${room}'`);
  const files = {
    '/': ['text/html', `<!doctype html><script type="importmap">{"imports":{"@ahoy/client":"/client.js"}}</script><body><script type="module" src="/example.js"></script>`],
    '/client.js': ['text/javascript', readFileSync(join(folder, 'client.js'))],
    '/example.js': ['text/javascript', script],
  };
  const site = createServer(({ url }, reply) => {
    const [type, body] = files[url] ?? ['text/plain', ''];
    reply.writeHead(200, { 'Content-Type': type }).end(body);
  }).listen(0, '127.0.0.1');
  await once(site, 'listening');
  const at = { url: `http://127.0.0.1:${site.address().port}` };

  const bo = await here.person();
  await bo.join(room, '&name=Bo');
  await bo.state('waiting');
  const first = await here.person({ server: at });
  await first.open('/');
  await bo.inCall();
  await bo.receives();
  await bo.page.waitForSelector('.chip .peer-name:has-text("Alice")');
  await first.sees(1);
  const second = await here.person({ server: at });
  await second.open('/');
  await Promise.all([bo.inCall(2), bo.sees(2), first.sees(2), second.sees(2)]);
  assert.equal(await first.page.locator('video').count(), 2);
  await bo.press('leave');
  await first.page.waitForFunction(() => document.querySelectorAll('video').length === 1);
  site.close();
});
