import assert from 'node:assert/strict';
import { join as path } from 'node:path';
import { test } from 'node:test';

const { blank, changes, Conversation, parseCommand } = await import(path(process.env.BUILT, 'embed.mjs'));

const shop = 'https://shop.example.org';
const other = 'https://other.example.org';

function conversation(parent = shop, origins = [shop, 'http://localhost:3000']) {
  const posted = [];
  const page = new Conversation(origins, parent, (message, origin) => posted.push([message, origin]));
  return { page, posted };
}

const alice = { id: 7, name: 'Alice', role: 'host' };
const inCall = { ...blank, state: 'waiting', me: alice };
const types = (events) => events.map(({ type }) => type);

test('an order of a listed origin is understood, and answered to that origin alone', () => {
  const { page, posted } = conversation();
  const order = page.hear({ ahoy: 1, id: 3, type: 'mic', on: false }, shop);
  assert.deepEqual(order, { id: 3, command: { type: 'mic', on: false } });
  page.answer(order.id, null);
  page.answer(4, 'not-host');
  assert.deepEqual(posted, [
    [{ ahoy: 1, type: 'done', id: 3 }, shop],
    [{ ahoy: 1, type: 'error', code: 'not-host', id: 4 }, shop],
  ]);
});

test('who is not on the list is neither heard nor told anything', () => {
  const { page, posted } = conversation(other);
  page.tell({ type: 'ready', room: 'daily' });
  for (const origin of [other, 'null', '', '*', 'https://shop.example.org:8443', 'http://shop.example.org', 'https://SHOP.example.org']) {
    assert.equal(page.hear({ ahoy: 1, type: 'leave' }, origin), null, origin);
  }
  assert.deepEqual(posted, []);
});

test('with an empty list there is nobody to talk to', () => {
  const { page, posted } = conversation(shop, []);
  page.tell({ type: 'ready', room: 'daily' });
  assert.equal(page.hear({ ahoy: 1, type: 'hello' }, shop), null);
  assert.deepEqual(posted, []);
});

test('where the browser does not tell who is around, the page says hello first', () => {
  const { page, posted } = conversation(null);
  page.tell({ type: 'ready', room: 'daily' });
  assert.deepEqual(posted, []);
  assert.deepEqual(page.hear({ ahoy: 1, type: 'hello' }, shop), { id: null, command: { type: 'hello' } });
  page.tell({ type: 'ready', room: 'daily' });
  assert.deepEqual(posted, [[{ ahoy: 1, type: 'ready', room: 'daily' }, shop]]);
});

test("other scripts' messages are none of ours", () => {
  const { page, posted } = conversation();
  for (const data of [null, undefined, 7, 'leave', [], {}, { type: 'leave' }, new Map()]) {
    assert.equal(page.hear(data, shop), null);
  }
  assert.deepEqual(posted, []);
});

test('an order of another version, or without sense, is refused by name', () => {
  const { page, posted } = conversation();
  assert.equal(page.hear({ ahoy: 2, id: 1, type: 'leave' }, shop), null);
  assert.equal(page.hear({ ahoy: 1, id: 2, type: 'dance' }, shop), null);
  assert.equal(page.hear({ ahoy: 1, id: 1e300, type: 'mic' }, shop), null);
  assert.deepEqual(posted.map(([message]) => message), [
    { ahoy: 1, type: 'error', code: 'unsupported-version', id: 1 },
    { ahoy: 1, type: 'error', code: 'bad-command', id: 2 },
    { ahoy: 1, type: 'error', code: 'bad-command' },
  ]);
});

test('a field of the wrong kind makes no command', () => {
  assert.deepEqual(parseCommand({ type: 'join', name: 'Alice', token: 'a.b.c', more: 1 }), {
    type: 'join',
    name: 'Alice',
    token: 'a.b.c',
  });
  assert.deepEqual(parseCommand({ type: 'join' }), { type: 'join' });
  for (const command of [
    { type: 'join', name: 7 },
    { type: 'join', token: null },
    { type: 'mic' },
    { type: 'camera', on: 'yes' },
    { type: 'constructor' },
    {},
  ]) {
    assert.equal(parseCommand(command), null, JSON.stringify(command));
  }
});

test('what happens in a call is told in order, and once', () => {
  assert.deepEqual(changes(blank, { ...blank, state: 'lobby', mic: true, camera: true }), [
    { type: 'state', state: 'lobby' },
    { type: 'media', mic: true, camera: true, screen: false },
  ]);
  assert.deepEqual(changes({ ...blank, state: 'joining' }, inCall), [
    { type: 'state', state: 'waiting' },
    { type: 'joined', ...alice },
  ]);
  const two = { ...inCall, peers: new Map([[8, 'Bob'], [9, 'Carol']]) };
  assert.deepEqual(changes(inCall, two), [
    { type: 'peer-joined', id: 8, name: 'Bob' },
    { type: 'peer-joined', id: 9, name: 'Carol' },
  ]);
  assert.deepEqual(changes(two, { ...inCall, peers: new Map([[9, 'Carol']]), chat: true }), [
    { type: 'peer-left', id: 8 },
    { type: 'chat', on: true },
  ]);
  assert.deepEqual(changes(two, two), []);
});

test('another name of somebody, or of oneself, is told', () => {
  const before = { ...inCall, peers: new Map([[8, 'Bob'], [9, 'Carol']]) };
  const after = { ...before, me: { ...alice, name: 'Al' }, peers: new Map([[8, 'Bobby'], [9, 'Carol']]) };
  assert.deepEqual(changes(before, after), [
    { type: 'renamed', id: alice.id, name: 'Al' },
    { type: 'renamed', id: 8, name: 'Bobby' },
  ]);
});

test('whoever leaves is told so once, and of nobody else', () => {
  const two = { ...inCall, peers: new Map([[8, 'Bob']]) };
  assert.deepEqual(changes(two, { ...blank, state: 'left', reason: 'removed' }), [
    { type: 'left', reason: 'removed' },
    { type: 'state', state: 'left' },
  ]);
  const failed = { ...blank, state: 'failed', reason: 'failed', troubles: new Set(['ice-failed']) };
  assert.deepEqual(changes(two, failed), [
    { type: 'error', code: 'ice-failed' },
    { type: 'left', reason: 'failed' },
    { type: 'state', state: 'failed' },
  ]);
});

test('a new seat is another stay: the others are told anew', () => {
  const before = { ...inCall, peers: new Map([[8, 'Bob']]) };
  const after = { ...before, me: { ...alice, id: 70 } };
  assert.deepEqual(types(changes(before, after)), ['left', 'joined', 'peer-joined']);
  assert.deepEqual(changes(before, after)[0], { type: 'left', reason: 'lost' });
});

test('a trouble is told when it appears, and again when it comes back', () => {
  const blocked = { ...inCall, troubles: new Set(['media-blocked']) };
  assert.deepEqual(changes(inCall, blocked), [{ type: 'error', code: 'media-blocked' }]);
  assert.deepEqual(changes(blocked, blocked), []);
  assert.deepEqual(changes(blocked, inCall), []);
});
