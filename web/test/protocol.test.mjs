import assert from 'node:assert/strict';
import { join as path } from 'node:path';
import { test } from 'node:test';
import { FakeTransport, settle } from './fake.mjs';

const { Client } = await import(path(process.env.BUILT, 'protocol.mjs'));

const me = { name: 'Alice', mic: true, camera: true, screen: false, hand: false };
const welcome = (fields = {}) => ({
  type: 'welcome',
  version: 1,
  seq: 0,
  received: 0,
  resumed: false,
  you: { id: 1, role: 'host', ...me },
  room: { name: 'daily', capacity: 8, locked: false, lobby: false },
  participants: [],
  chat: [],
  ice_servers: [],
  resume: 'first',
  resume_timeout: 30_000,
  ...fields,
});
const chat = (seq) => ({ type: 'chat', seq, n: seq, from: 2, name: 'Bob', text: `line ${seq}`, time: 0 });

function started(entry = { room: 'daily' }) {
  const net = new FakeTransport();
  const told = [];
  const client = new Client(net, 'wss://example.org/v1/ws', entry, me, {
    waiting: () => told.push('waiting'),
    welcome: (w) => told.push(w.snapshot ? 'welcome' : 'resumed'),
    event: (event) => told.push(event.type === 'chat' ? event.line.text : event.type),
    lost: () => told.push('lost'),
    ended: (end) => told.push(end.kind === 'refused' ? end.refusal.code : (end.reason ?? end.kind)),
  });
  client.start();
  return { net, client, told };
}

function entered() {
  const all = started();
  all.net.latest.open();
  all.net.latest.receive(welcome());
  all.told.length = 0;
  return all;
}

/** The socket breaks and another one is opened. */
async function reopen(net) {
  const before = net.sockets.length;
  net.latest.drop();
  await net.pass(0);
  assert.equal(net.sockets.length, before + 1);
  net.latest.open();
}

/** What was sent over the newest socket, of one type. */
const sent = (net, type) => net.latest.sent.filter((frame) => frame.type === type);
const requests = (net) => net.latest.sent.filter((frame) => frame.id !== undefined);

test('hello says who enters which room; welcome lets in', () => {
  const { net, client, told } = started({ room: 'daily', token: 'jwt', invite: 'key' });
  assert.equal(net.latest.url, 'wss://example.org/v1/ws');
  net.latest.open();
  assert.deepEqual(net.latest.sent, [{ type: 'hello', version: 1, room: 'daily', token: 'jwt', invite: 'key', ...me }]);
  assert.ok(!client.online);
  net.latest.receive(welcome());
  assert.deepEqual(told, ['welcome']);
  assert.ok(client.online);
});

test('who must wait in the lobby is told so, and knocks again when the socket is lost', async () => {
  const { net, told } = started();
  net.latest.open();
  net.latest.receive({ type: 'waiting' });
  await reopen(net);
  assert.equal(sent(net, 'hello')[0].room, 'daily');
  net.latest.receive({ type: 'waiting' });
  net.latest.receive(welcome());
  assert.deepEqual(told, ['waiting', 'lost', 'waiting', 'welcome']);
});

for (const code of ['room-full', 'room-locked', 'denied', 'bad-token', 'draining']) {
  test(`an entry that is refused with ${code} ends there`, async () => {
    const { net, told } = started();
    net.latest.open();
    net.latest.receive({ type: 'error', code, message: '', retry: code === 'room-full' });
    net.latest.drop();
    await net.pass(60_000);
    assert.deepEqual(told, [code]);
    assert.equal(net.sockets.length, 1);
  });
}

test('a server that is not there, or does not answer, is unreachable', async () => {
  const gone = started();
  gone.net.latest.drop();
  assert.deepEqual(gone.told, ['unreachable']);
  const mute = started();
  mute.net.latest.open();
  await mute.net.pass(9_000);
  assert.deepEqual(mute.told, ['unreachable']);
  assert.ok(mute.net.latest.ended);
});

test('requests carry growing ids, and one ack stands for all before it', async () => {
  const { net, client } = entered();
  const outcomes = [];
  for (const text of ['a', 'b', 'c']) void client.request({ type: 'chat', text }).then((o) => outcomes.push(o.ok));
  assert.deepEqual(requests(net).map((r) => [r.id, r.text]), [[1, 'a'], [2, 'b'], [3, 'c']]);
  net.latest.receive({ type: 'error', id: 1, code: 'too-large', message: '', retry: false }); // without seq
  net.latest.receive({ type: 'ack', id: 2 });
  await settle();
  assert.deepEqual(outcomes, [false, true]);
});

test('a request for data gets them', async () => {
  const { net, client } = entered();
  const ice = client.request({ type: 'ice' });
  const invite = client.request({ type: 'invite' });
  net.latest.receive({ type: 'ice', seq: 1, id: 1, ice_servers: [{ urls: ['stun:192.0.2.1'] }] });
  net.latest.receive({ type: 'invite', seq: 2, id: 2, key: 'k' });
  net.latest.receive({ type: 'ack', id: 2 });
  assert.deepEqual((await ice).iceServers, [{ urls: ['stun:192.0.2.1'] }]);
  assert.equal((await invite).key, 'k');
});

test('what came too fast is asked again, later and under a new id', async () => {
  const { net, client } = entered();
  const outcome = client.request({ type: 'chat', text: 'a' });
  net.latest.receive({ type: 'error', seq: 1, id: 1, code: 'too-fast', message: '', retry: true, retry_after: 700 });
  await net.pass(600);
  assert.equal(requests(net).length, 1);
  await net.pass(200);
  assert.deepEqual(requests(net)[1], { type: 'chat', text: 'a', id: 2 });
  net.latest.receive({ type: 'ack', id: 2 });
  assert.ok((await outcome).ok);
});

test('events are handed on in their order, each once', () => {
  const { net, told } = entered();
  for (const seq of [1, 2, 2, 1, 3]) net.latest.receive(chat(seq));
  assert.deepEqual(told, ['line 1', 'line 2', 'line 3']);
});

test('events are acknowledged every 32, and after five seconds', async () => {
  const { net } = entered();
  for (let seq = 1; seq <= 33; seq += 1) net.latest.receive(chat(seq));
  assert.deepEqual(sent(net, 'ack'), [{ type: 'ack', seq: 32 }]);
  await net.pass(4_900);
  assert.equal(sent(net, 'ack').length, 1);
  await net.pass(200);
  assert.deepEqual(sent(net, 'ack')[1], { type: 'ack', seq: 33 });
  await net.pass(9_000);
  assert.equal(sent(net, 'ack').length, 2, 'and nothing while nothing happens');
});

test('an event that we do not know is acknowledged all the same', async () => {
  const { net, told } = entered();
  net.latest.receive({ type: 'fireworks', seq: 1 });
  await net.pass(5_100);
  assert.deepEqual(sent(net, 'ack'), [{ type: 'ack', seq: 1 }]);
  assert.deepEqual(told, []);
});

test('pings measure the round trip', async () => {
  const { net, client } = entered();
  const [first] = sent(net, 'ping');
  net.latest.receive({ type: 'pong', time: first.time });
  await net.pass(10_000);
  const ping = sent(net, 'ping')[1];
  await net.pass(42);
  net.latest.receive({ type: 'pong', time: ping.time });
  assert.equal(client.roundTrip, 42);
});

test('a socket that falls silent counts as lost, one with any frame does not', async () => {
  const { net, told } = entered();
  await net.pass(9_000);
  net.latest.receive(chat(1));
  await net.pass(10_000);
  assert.equal(net.sockets.length, 1);
  await net.pass(2_000);
  assert.deepEqual(told, ['line 1', 'lost']);
  assert.ok(net.sockets[0].ended);
  assert.equal(net.sockets.length, 2);
});

test('after a change of networks silence is not borne for long', async () => {
  const { net, client, told } = entered();
  client.networkChanged();
  assert.equal(sent(net, 'ping').length, 2);
  await net.pass(3_100);
  assert.deepEqual(told, ['lost']);
});

test('a new socket resumes with the latest key and seq, and unanswered requests go out again', async () => {
  const { net, client, told } = entered();
  const outcomes = [];
  for (const text of ['a', 'b']) void client.request({ type: 'chat', text }).then((o) => outcomes.push([text, o.ok]));
  net.latest.receive(chat(1));
  net.latest.drop();
  void client.request({ type: 'chat', text: 'c' });
  await net.pass(0);
  net.latest.open();
  assert.deepEqual(net.latest.sent, [{ type: 'hello', version: 1, resume: 'first', seq: 1, attempt: 2, ...me }]);
  net.latest.receive(welcome({ resumed: true, seq: 1, received: 1, resume: 'second' }));
  net.latest.receive({ type: 'pong', time: 0 });
  await settle();
  assert.deepEqual(requests(net), [
    { type: 'chat', text: 'b', id: 2 },
    { type: 'chat', text: 'c', id: 3 },
  ]);
  assert.deepEqual(outcomes, [['a', true]]);
  assert.deepEqual(told, ['line 1', 'lost', 'resumed']);
  net.latest.receive(chat(2));
  await reopen(net);
  const { resume, seq } = net.latest.sent[0];
  assert.deepEqual([resume, seq], ['second', 2]);
});

test('answers that were lost with the socket come again before anything counts as acknowledged', async () => {
  const { net, client } = entered();
  const outcomes = [];
  for (const request of [{ type: 'invite' }, { type: 'chat', text: 'a' }, { type: 'chat', text: 'b' }]) {
    void client.request(request).then((o) => outcomes.push(o.key ?? o.refusal?.code ?? 'ok'));
  }
  await reopen(net);
  net.latest.receive(welcome({ resumed: true, received: 3 }));
  assert.deepEqual(requests(net), []);
  await settle();
  assert.deepEqual(outcomes, []);
  net.latest.receive({ type: 'invite', seq: 1, id: 1, key: 'k' });
  net.latest.receive({ type: 'error', seq: 2, id: 2, code: 'too-large', message: '', retry: false });
  net.latest.receive({ type: 'pong', time: sent(net, 'ping')[0].time });
  await settle();
  assert.deepEqual(outcomes, ['k', 'too-large', 'ok']);
});

test('a server that was started anew tells how things are, and counts from its own seq', async () => {
  const { net, told } = entered();
  for (let seq = 1; seq <= 3; seq += 1) net.latest.receive(chat(seq));
  await reopen(net);
  net.latest.receive(welcome({ resumed: false, missed: null, seq: 0 }));
  net.latest.receive(chat(1));
  assert.deepEqual(told.slice(3), ['lost', 'welcome', 'line 1']);
});

test('what changed while there was no socket is told when there is one', async () => {
  const { net, client } = entered();
  client.present({ ...me, mic: false });
  assert.deepEqual(requests(net), [{ type: 'set', mic: false, id: 1 }]);
  client.present({ ...me, mic: false });
  assert.equal(requests(net).length, 1, 'and nothing when nothing changed');
  await reopen(net);
  client.present({ ...me, mic: false, hand: true });
  net.latest.receive(welcome({ resumed: true, received: 1, you: { id: 1, ...me, mic: false } }));
  assert.deepEqual(requests(net), [{ type: 'set', hand: true, id: 2 }]);
});

test('the first new socket comes at once, then the pauses double up to five seconds, shortened at random', async () => {
  const { net, told } = entered();
  const { socket } = net;
  const times = [];
  net.socket = (url, handlers) => {
    times.push(net.now());
    const attempt = socket.call(net, url, handlers);
    net.after(1, () => attempt.drop());
    return attempt;
  };
  net.latest.drop();
  await net.pass(30_000);
  const pauses = times.map((t, i) => t - (times[i - 1] ?? 0) - (i > 0 ? 1 : 0));
  assert.deepEqual(pauses.slice(0, 7), [0, 375, 750, 1_500, 3_000, 3_750, 3_750]); // random() is 0.5
  assert.deepEqual(told, ['lost']);
});

test('a network that is back ends the pause', async () => {
  const { net, client } = entered();
  net.latest.drop();
  await net.pass(0);
  net.latest.drop();
  const before = net.sockets.length;
  client.networkChanged();
  assert.equal(net.sockets.length, before + 1);
});

test('a server that stops says when to come back', async () => {
  const { net, told } = entered();
  net.latest.receive({ type: 'bye', reason: 'shutdown', message: '', retry: true, retry_after: 2_000 });
  await net.pass(1_900);
  assert.equal(net.sockets.length, 1);
  await net.pass(200);
  assert.equal(net.sockets.length, 2);
  assert.deepEqual(told, ['lost']);
});

test('a server that drains is asked again, one that has forgotten the seat is not', async () => {
  const { net, told } = entered();
  await reopen(net);
  net.latest.receive({ type: 'error', code: 'draining', message: '', retry: true, retry_after: 3_000 });
  net.latest.drop();
  await net.pass(3_100);
  net.latest.open();
  net.latest.receive({ type: 'error', code: 'session-ended', message: '', retry: false });
  net.latest.drop();
  await net.pass(60_000);
  assert.deepEqual(told, ['lost', 'session-ended']);
  assert.equal(net.sockets.length, 3);
});

for (const reason of ['removed', 'closed', 'replaced', 'expired']) {
  test(`a bye that says ${reason} is the end`, async () => {
    const { net, client, told } = entered();
    const outcome = client.request({ type: 'chat', text: 'a' });
    net.latest.receive({ type: 'bye', reason, message: '', retry: false });
    assert.equal((await outcome).ok, false);
    await net.pass(60_000);
    assert.deepEqual(told, [reason]);
    assert.equal(net.sockets.length, 1);
    assert.equal((await client.request({ type: 'chat', text: 'b' })).ok, false);
  });
}

test('leaving waits for the bye, but not for ever', async () => {
  const quick = entered();
  const left = quick.client.leave();
  assert.deepEqual(requests(quick.net), [{ type: 'leave', id: 1 }]);
  quick.net.latest.receive({ type: 'bye', reason: 'left', message: '', retry: false });
  quick.net.latest.drop();
  await left;
  const slow = entered();
  let gone = false;
  void slow.client.leave().then(() => (gone = true));
  await slow.net.pass(1_900);
  assert.ok(!gone);
  await slow.net.pass(200);
  assert.ok(gone && slow.net.latest.ended);
  assert.deepEqual([...quick.told, ...slow.told], []);
});

test('a page that goes away leaves and waits for nothing', async () => {
  const { net, client, told } = entered();
  client.abandon();
  assert.deepEqual(requests(net), [{ type: 'leave', id: 1 }]);
  assert.ok(net.latest.ended);
  await net.pass(60_000);
  assert.equal(net.sockets.length, 1);
  assert.deepEqual(told, []);
});

test('a page that goes away while its socket is away can only stop looking for one', async () => {
  for (const pause of [0, 700]) {
    const { net, client, told } = entered();
    net.latest.drop();
    await net.pass(pause); // a new one is wanted, or being opened
    const sockets = net.sockets.length;
    client.abandon();
    net.latest.open();
    await net.pass(60_000);
    assert.equal(net.sockets.length, sockets, `after ${pause} ms`);
    assert.ok(net.latest.ended);
    assert.deepEqual(sockets === 1 ? requests(net) : net.latest.sent, []);
    assert.deepEqual(told, ['lost']);
  }
});

test('what nobody takes is not kept without bound', async () => {
  const { client } = entered();
  for (let i = 0; i < 1_024; i += 1) void client.request({ type: 'chat', text: 'x' });
  const { refusal } = await client.request({ type: 'chat', text: 'x' });
  assert.equal(refusal.code, 'queue-full');
});
