import assert from 'node:assert/strict';
import { join as path } from 'node:path';
import { test } from 'node:test';

const { formatSignal, parseFrame, parseIceServers, parseSignal } = await import(path(process.env.BUILT, 'wire.mjs'));
const read = (frame) => parseFrame(JSON.stringify(frame));

test("signals survive the way out and back, in AppRTC's own form; unknown ones are ignored", () => {
  for (const signal of [
    { type: 'offer', sdp: 'v=0' },
    { type: 'answer', sdp: 'v=0' },
    { type: 'candidate', label: 1, id: 'video', candidate: 'candidate:1 1 udp' },
  ]) {
    assert.deepEqual(parseSignal(formatSignal(signal)), signal);
  }
  assert.equal(formatSignal({ type: 'offer', sdp: 'v=0' }), '{"sdp":"v=0","type":"offer"}');
  for (const noise of ['{"type":"remove-candidates","candidates":[]}', '[]', '{"type":"offer"}', 'null', '{'])
    assert.equal(parseSignal(noise), null, noise);
});

test('ICE entries without a URL are left out, because a browser refuses them all for one', () => {
  const turn = { urls: ['turn:192.0.2.1'], username: 'u', credential: 'p' };
  assert.deepEqual(parseIceServers([{ urls: [] }, turn, { urls: 'stun:192.0.2.1' }, null, 7]), [
    turn,
    { urls: ['stun:192.0.2.1'] },
  ]);
  assert.deepEqual(parseIceServers('none'), []);
});

test('a welcome says how things are, or nothing of it when they are as they were', () => {
  const bob = { id: 7, name: ' Bob ', role: 'guest', mic: true, camera: false, connected: true, offer: true };
  const welcome = read({
    type: 'welcome',
    seq: 3,
    received: 2,
    resumed: false,
    missed: null,
    you: { id: 8, name: 'Alice', role: 'host', mic: true },
    room: { name: 'daily', capacity: 8, locked: true, lobby: false },
    participants: [bob, 'noise', {}],
    chat: [{ n: 1, from: 7, name: 'Bob', text: 'hello?', time: 9 }, {}],
    ice_servers: [],
    resume: 'key',
    resume_timeout: 30_000,
  });
  assert.deepEqual(welcome.you, { id: 8, name: 'Alice', role: 'host', mic: true, camera: false, screen: false, hand: false });
  assert.deepEqual(welcome.snapshot.participants, [
    { ...bob, name: 'Bob', screen: false, hand: false, legacy: false },
  ]);
  assert.equal(welcome.snapshot.chat.length, 1);
  assert.ok(welcome.snapshot.room.locked && !welcome.snapshot.room.lobby);
  assert.ok(welcome.restarted);
  const resumed = read({ type: 'welcome', resumed: true, seq: 3, received: 2, missed: 0 });
  assert.deepEqual([resumed.snapshot, resumed.restarted], [null, false]);
});

test('a change holds what changed and nothing else', () => {
  const change = (fields) => read({ type: 'changed', seq: 1, id: 7, ...fields }).event.change;
  assert.deepEqual(change({ mic: false }), { mic: false });
  assert.deepEqual(change({ role: 'host', connected: false }), { role: 'host', connected: false });
  assert.deepEqual(change({ name: 'Bo', hand: true, mic: 'yes' }), { name: 'Bo', hand: true });
});

test('an event of a later version is an event all the same, and a frame of one is nothing', () => {
  assert.deepEqual(read({ type: 'fireworks', seq: 4 }), { type: 'event', seq: 4, event: null });
  assert.deepEqual(read({ type: 'mute', seq: 5, what: 'the sea' }), { type: 'event', seq: 5, event: null });
  assert.equal(read({ type: 'fireworks' }), null);
  assert.equal(read([]), null);
  assert.equal(parseFrame('not json'), null);
});

test('a refusal says whether and when to try again, and which request it is about', () => {
  const error = { type: 'error', code: 'too-fast', message: 'Slower', retry: true, retry_after: 900 };
  const refusal = { code: 'too-fast', message: 'Slower', retry: true, retryAfter: 900 };
  const answer = { type: 'error', id: 7, refusal };
  assert.deepEqual(read({ ...error, id: 7, seq: 3 }), { type: 'event', seq: 3, event: answer });
  assert.deepEqual(read({ ...error, id: 7 }), { type: 'answer', answer });
  assert.deepEqual(read(error), { type: 'refused', refusal });
});
