// R: what strangers, and people with bad luck, can do to rooms, in each dialect.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test, { after, before } from 'node:test';
import { Server } from '../e2e/server.mjs';
import { many, until } from './attack.mjs';
import { entered, joined, post, registered } from './web.mjs';

let server;
const quick = ['rooms.register_timeout="2s"', 'rooms.resume_timeout="2s"', 'rooms.messages_per_second=0', 'rooms.bytes_per_second=0'];
before(async () => (server = await Server.start({ settings: quick })));
after(() => server.stop());

let rooms = 0;
const newRoom = () => `room-${++rooms}`;
const guess = (i) => (i % 2 ? String(10_000_000 + i) : randomBytes(16).toString('base64url'));

async function together(count, attempt, at = 50) {
  for (let i = 0; i < count; i += at) {
    await Promise.all(Array.from({ length: Math.min(at, count - i) }, (_, k) => attempt(i + k)));
  }
}

const del = async (path) => {
  const reply = await fetch(server.url + path, { method: 'DELETE' });
  await reply.arrayBuffer();
};

/** Two of each dialect, who must notice nothing. */
async function victims() {
  const [legacy, native] = [newRoom(), newRoom()];
  const [a, b] = [await joined(server, legacy), await joined(server, legacy)];
  const [c, d] = [await entered(server, native), await entered(server, native)];
  await c.socket.hearOf('joined');
  return { legacy, native, a, b, c, d };
}

/** The next that each hears is what the other says now. */
async function undisturbed({ a, b, c, d }) {
  a.socket.say({ cmd: 'send', msg: 'still here' });
  assert.deepEqual(await b.socket.hear(), { msg: 'still here', error: '' });
  b.socket.say({ cmd: 'send', msg: 'and here' });
  assert.deepEqual(await a.socket.hear(), { msg: 'and here', error: '' });
  c.ask('signal', { to: d.number, data: 'still here' });
  assert.equal((await d.socket.hear()).data, 'still here');
  assert.equal((await c.socket.hear()).type, 'ack');
}

test('R1 R3 outsiders inject nothing and remove nobody', { timeout: 1_200_000 }, async () => {
  const here = await victims();
  const other = await joined(server, newRoom());
  const gone = await joined(server, newRoom(), { registers: false });
  const stranger = await entered(server, newRoom());
  const left = await entered(server, here.native, { name: 'Carol' });
  const ticket = left.answer.resume;
  left.ask('leave');
  await left.socket.hearOf('bye');
  for (const each of [here.c, here.d]) await each.socket.hearOf('left');
  const ids = (i) => [guess(i), other.id, gone.id, '', '%00', '..', 'LOOPBACK_CLIENT_ID', String(here.c.number)][i % 8];
  await together(many(400, 12_500), async (i) => {
    for (const room of [here.legacy, here.native]) {
      const id = ids(i);
      const message = await post(server, `/message/${room}/${id}`, { body: 'injected' });
      assert.doesNotMatch(message.text, /SUCCESS/);
      const posted = await post(server, `/collider/${room}/${id}`, { body: 'injected' });
      assert.notEqual(posted.status, 200, posted.text);
      await post(server, `/leave/${room}/${id}`);
      await del(`/collider/${room}/${id}`);
    }
  });
  await together(many(40, 2000), async (i) => {
    const socket = await registered(server, here.legacy, guess(i));
    socket.say({ cmd: 'send', msg: 'injected' });
    assert.match((await socket.hear()).error, /unknown 'clientid'/);
    assert.equal(await socket.hear(), null);
    const forged = `${ticket.slice(0, -1)}${ticket.endsWith('A') ? 'B' : 'A'}`;
    const asNumber = ticket.replace(`.${left.number}.`, `.${here.c.number}.`);
    for (const [resume, code] of [[ticket, 'session-ended'], [forged, 'bad-resume'], [asNumber, 'bad-resume'],
      [guess(i), 'bad-resume'], [`${ticket}.${ticket}`, 'bad-resume']]) {
      const { answer } = await entered(server, '', { resume, seq: 0 });
      assert.equal(answer.code, code);
    }
  });
  // Who has a seat elsewhere reaches no one here, and no one is host by saying so.
  // Numbers are a room's own; one of the two is not the stranger's.
  const to = [here.c.number, here.d.number].find((number) => number !== stranger.number);
  for (const [type, fields] of [['signal', { data: 'x' }], ['message', { data: 'x' }], ['remove', {}], ['mute', { what: 'mic' }]]) {
    stranger.ask(type, { to, ...fields });
    assert.equal((await stranger.socket.hear()).code, 'unknown-participant');
  }
  for (const [type, fields] of [['remove', { to: here.c.number }], ['close', {}], ['room', { locked: true }], ['invite', {}]]) {
    here.d.ask(type, fields);
    assert.equal((await here.d.socket.hear()).code, 'not-host');
  }
  await undisturbed(here);
});

test('R2 whoever invents ids takes no seat', { timeout: 1_200_000 }, async () => {
  const room = newRoom();
  const first = await joined(server, room);
  await together(many(500, 100_000), async (i) => {
    const posted = await post(server, `/collider/${i % 3 ? room : `${room}-${i}`}/${guess(i)}`, { body: 'x' });
    assert.equal(posted.status, 403);
  });
  const second = await joined(server, room);
  assert.equal(second.result, 'SUCCESS');
  assert.deepEqual(second.messages, []);
  assert.equal((await joined(server, room)).result, 'FULL');
  first.socket.say({ cmd: 'send', msg: 'hello' });
  assert.equal((await second.socket.hear()).msg, 'hello');
});

test('R4 a second register disturbs nobody, and a forged resume neither', async () => {
  const here = await victims();
  for (let i = 0; i < many(20, 1000); i++) {
    const thief = await registered(server, here.legacy, here.a.id);
    assert.equal((await thief.hear()).error, 'Duplicated registration');
    assert.equal(await thief.hear(), null);
  }
  await undisturbed(here);
});

test('R5 a message without text is an error, and what was said before is not said again', async () => {
  const here = await victims();
  here.a.socket.say({ cmd: 'send', msg: 'once' });
  here.a.socket.say({ cmd: 'send' });
  assert.equal((await here.b.socket.hear()).msg, 'once');
  assert.match((await here.a.socket.hear()).error, /missing 'msg'/);
  assert.equal(await here.a.socket.hear(), null);
  here.c.ask('signal', { to: here.d.number, data: 'once' });
  assert.equal((await here.c.socket.hear()).type, 'ack');
  here.c.ask('signal', { to: here.d.number });
  assert.equal((await here.c.socket.hear()).code, 'bad-message');
  assert.equal(await here.c.socket.hear(), null);
  assert.equal((await here.d.socket.hear()).data, 'once');
  assert.equal((await here.d.socket.hear()).connected, false);
});

test('R6 the seat of a lost socket is free after its grace, in each dialect', { timeout: 120_000 }, async (t) => {
  const patient = await Server.start({ settings: many(quick, ['rooms.resume_timeout="10s"']) });
  t.after(() => patient.stop());
  const grace = many(2000, 10_000);
  const [a, b] = [await joined(patient, 'a'), await joined(patient, 'a')];
  const [c, d] = [await entered(patient, 'b'), await entered(patient, 'b')];
  await c.socket.hearOf('joined');
  const since = performance.now();
  a.socket.vanish();
  d.socket.vanish();
  assert.equal((await joined(patient, 'a', { registers: false })).result, 'FULL');
  assert.equal((await b.socket.hear()).msg, '{"type":"bye"}');
  const told = performance.now() - since;
  assert.equal((await c.socket.hearOf('left')).reason, 'lost');
  t.diagnostic(`told after ${(told / 1000).toFixed(2)} s and ${((performance.now() - since) / 1000).toFixed(2)} s`);
  assert.ok(told >= grace - 100, 'not before');
  assert.equal((await joined(patient, 'a', { registers: false })).result, 'SUCCESS');
});

test('R7 what a joiner was handed who never comes is the next one’s, once', { timeout: 120_000 }, async () => {
  const room = newRoom();
  const first = await joined(server, room);
  for (const text of ['offer', 'candidate']) await post(server, `/message/${room}/${first.id}`, { body: text });
  const ghost = await joined(server, room, { registers: false });
  assert.deepEqual(ghost.messages, ['offer', 'candidate']);
  let next;
  await until(async () => (next = await joined(server, room)).result === 'SUCCESS', 'the ghost’s seat is free', 60_000);
  assert.deepEqual(next.messages, ['offer', 'candidate']);
  first.socket.say({ cmd: 'send', msg: 'later' });
  assert.equal((await next.socket.hear()).msg, 'later');
});

test('R8 of many who come at once as many get in as there are seats, one of them first', { timeout: 1_800_000 }, async () => {
  const count = many(100, 1000);
  for (let round = 0; round < many(5, 100); round++) {
    const room = newRoom();
    const all = await Promise.all(Array.from({ length: count }, () => joined(server, room, { registers: false })));
    const inside = all.filter(({ result }) => result === 'SUCCESS');
    assert.equal(inside.length, 2);
    assert.equal(all.filter(({ result }) => result === 'FULL').length, count - 2);
    assert.equal(inside.filter(({ first }) => first).length, 1);
  }
  for (let round = 0; round < many(2, 20); round++) {
    const room = newRoom();
    const all = await Promise.all(Array.from({ length: count }, () => entered(server, room)));
    const inside = all.filter(({ answer }) => answer.type === 'welcome');
    assert.equal(inside.length, 8);
    assert.equal(all.filter(({ answer }) => answer.code === 'room-full').length, count - 8);
    assert.equal(inside.filter(({ answer }) => answer.you.role === 'host').length, 1);
    for (const { socket } of inside) socket.vanish();
  }
});

/** `total` numbered texts, while who should hear them loses its socket and comes back. */
const numbers = (total) => Array.from({ length: total }, (_, i) => String(i + 1));

test('R9 all that one says arrives, in order and once, whenever the other comes and goes (AppRTC)', { timeout: 1_800_000 }, async () => {
  const total = many(60, 1024);
  for (let round = 0; round < many(6, 40); round++) {
    const room = newRoom();
    const from = await joined(server, room);
    const early = 1 + (round * 7) % (total - 1);
    for (const text of numbers(early)) await post(server, `/message/${room}/${from.id}`, { body: text });
    const to = await joined(server, room, { registers: false });
    const heard = [...to.messages];
    const listen = async (socket) => {
      for (let message; (message = await socket.hear()); ) if (message.msg) heard.push(message.msg);
    };
    let socket = await registered(server, room, to.id), listening = listen(socket);
    for (let n = early + 1; n <= total; n++) {
      // Over one way only may the order count; over both, each is waited for.
      if (n % 3) await post(server, `/message/${room}/${from.id}`, { body: String(n) });
      else await post(server, `/collider/${room}/${from.id}`, { body: String(n) });
      if ((n * (round + 3)) % 17 === 0) {
        await until(() => heard.length === n, 'what was sent is read'); // what the dead socket took is nobody's
        socket.vanish();
        await listening;
        await until(async () => {
          socket = await registered(server, room, to.id);
          socket.say({ cmd: 'nothing' });
          return (await socket.hear()).error === "Invalid message: unexpected 'cmd'";
        }, 'the old socket is given up');
        listening = listen(socket);
      }
    }
    await until(() => heard.length >= total, 'all is heard');
    assert.deepEqual(heard, numbers(total));
    socket.vanish();
    from.socket.vanish();
  }
});

test('R9 all that one says arrives, in order and once, whenever the other comes and goes (own protocol)', { timeout: 1_800_000 }, async () => {
  const total = many(200, 1024);
  for (let round = 0; round < many(6, 40); round++) {
    const room = newRoom();
    let to = await entered(server, room);
    let resume = to.answer.resume, seq = to.answer.seq;
    const from = await entered(server, room);
    const heard = [];
    const listen = async ({ socket, answer }) => {
      if (answer.type === 'welcome') resume = answer.resume;
      for (let message; (message = await socket.hear()); ) {
        if (message.seq) seq = message.seq;
        if (message.type === 'signal') heard.push(message.data);
      }
    };
    let listening = listen(to);
    for (let n = 1; n <= total; n++) {
      from.ask('signal', { to: to.number, data: String(n) });
      if ((n * (round + 3)) % 23 !== 0) continue;
      to.socket.vanish(); // with whatever is on its way
      await listening;
      to = { ...(await entered(server, '', { resume, seq })), number: to.number };
      assert.equal(to.answer.resumed, true);
      listening = listen(to);
    }
    await until(() => heard.length >= total, 'all is heard');
    assert.deepEqual(heard, numbers(total));
    to.socket.vanish();
    from.socket.vanish();
  }
});

test('R10 a full queue refuses, says so, and loses nothing of what it has', { timeout: 300_000 }, async (t) => {
  const patient = await Server.start({ settings: [...quick, 'rooms.resume_timeout="10m"'] });
  t.after(() => patient.stop());
  const room = newRoom();
  const from = await joined(server, room);
  for (const text of numbers(1024)) {
    assert.match((await post(server, `/message/${room}/${from.id}`, { body: text })).text, /SUCCESS/);
  }
  assert.match((await post(server, `/message/${room}/${from.id}`, { body: '1025' })).text, /ERROR/);
  from.socket.say({ cmd: 'send', msg: '1025' });
  assert.match((await from.socket.hear()).error, /Too many messages/);
  const { messages } = await joined(server, room);
  assert.deepEqual(messages, numbers(1024));

  const wide = newRoom();
  const big = await joined(server, wide);
  const text = 'x'.repeat(100_000);
  let taken = 0;
  while (/SUCCESS/.test((await post(server, `/message/${wide}/${big.id}`, { body: text })).text)) taken += 1;
  assert.equal(taken, Math.floor((1 << 20) / text.length));

  const own = newRoom();
  const [talker, away] = [await entered(patient, own), await entered(patient, own)];
  const { resume, seq } = away.answer;
  await talker.socket.hearOf('joined');
  away.socket.vanish();
  assert.equal((await talker.socket.hear()).connected, false);
  const answers = { ack: 0, error: 0 };
  for (const data of numbers(1030)) {
    talker.ask('signal', { to: away.number, data });
    const { type, code } = await talker.socket.hear();
    answers[type] += 1;
    if (type === 'error') assert.equal(code, 'queue-full');
  }
  assert.deepEqual(answers, { ack: 1024, error: 6 });
  const back = await entered(patient, '', { resume, seq });
  assert.equal(back.answer.resumed, true);
  for (const data of numbers(1024)) assert.equal((await back.socket.hear()).data, data);
});

const strange = ['\u0000', '\u2028\u2029', 'é\u0301', '🏴‍☠️', '\\u0000', '"\\"', '<!--', '\u202eecila', '{"a":1,"a":2}', '1e400', '\r\n.\r\n', ' ',
  'x'.repeat(20_000), JSON.stringify({ sdp: 'v=0\r\n'.repeat(3000), type: 'offer' })];

test('R11 a text arrives as it was said, or is refused', async () => {
  const here = await victims();
  for (const text of strange) {
    here.a.socket.say({ cmd: 'send', msg: text });
    assert.equal((await here.b.socket.hear()).msg, text);
    assert.match((await post(server, `/message/${here.legacy}/${here.b.id}`, { body: text })).text, /SUCCESS/);
    assert.equal((await here.a.socket.hear()).msg, text);
    here.c.ask('signal', { to: here.d.number, data: text });
    assert.equal((await here.d.socket.hear()).data, text);
    assert.equal((await here.c.socket.hear()).type, 'ack');
  }
  // Of what is no text, or too much of it, nothing is passed on.
  for (const body of [Buffer.from([0xff, 0xfe]), Buffer.from('c328', 'hex'), Buffer.from('eda080', 'hex'), 'x'.repeat(140_000)]) {
    assert.doesNotMatch((await post(server, `/message/${here.legacy}/${here.a.id}`, { body })).text, /SUCCESS/);
    assert.notEqual((await post(server, `/collider/${here.legacy}/${here.a.id}`, { body })).status, 200);
  }
  const lone = newRoom();
  const sockets = [await entered(server, lone), await joined(server, newRoom())];
  for (const [{ socket }, text] of [[sockets[0], '{"type":"chat","id":1,"text":"\\ud800"}'], [sockets[1], '{"cmd":"send","msg":"\\ud800"}']]) {
    socket.sayText(text);
    const answer = await socket.hear();
    assert.ok(answer.code === 'bad-message' || /Receive error/.test(answer.error), JSON.stringify(answer));
    assert.equal(await socket.hear(), null);
  }
  await undisturbed(here);
});

test('R13 the loopback’s names reach nobody else', async () => {
  const here = await victims();
  const names = ['LOOPBACK_CLIENT_ID', 'loopback_client_id'];
  for (const name of names) {
    const socket = await registered(server, here.legacy, name);
    assert.match((await socket.hear()).error, /unknown 'clientid'/);
    assert.notEqual((await post(server, `/collider/${here.legacy}/${name}`, { body: 'x' })).status, 200);
  }
  const room = newRoom();
  await post(server, `/join/${room}?debug=loopback`);
  assert.equal((await joined(server, room)).result, 'FULL');
  for (const name of names) {
    assert.notEqual((await post(server, `/collider/${room}/${name}`, { body: 'x' })).status, 200);
    assert.doesNotMatch((await post(server, `/message/${room}/${name}`, { body: 'x' })).text, /SUCCESS/);
  }
  // Who is there already is not made an echo by somebody's wish.
  assert.equal(JSON.parse((await post(server, `/join/${here.legacy}?debug=loopback`)).text).result, 'FULL');
  await undisturbed(here);
});

test('W8 whoever changes the network again and again keeps the seat, and hears all once', { timeout: 1_800_000 }, async () => {
  const here = await victims();
  let { resume, seq } = here.d.answer;
  for (let i = 0; i < many(100, 10_000); i++) {
    // Our own protocol takes the seat from a socket that still stands, AppRTC's must have noticed the loss.
    const again = await entered(server, '', { resume, seq });
    assert.equal(again.answer.resumed, true, JSON.stringify(again.answer));
    assert.equal(again.answer.you.id, here.d.number);
    resume = again.answer.resume;
    here.d.socket.vanish();
    here.d = { ...again, answer: again.answer };
    here.c.ask('signal', { to: here.d.number, data: String(i) });
    const said = await here.d.socket.hearOf('signal');
    assert.equal(said.data, String(i));
    seq = said.seq;
    assert.equal((await here.c.socket.hearOf('ack')).type, 'ack');

    here.b.socket.vanish();
    await until(async () => {
      here.b.socket = await registered(server, here.legacy, here.b.id);
      here.b.socket.say({ cmd: 'nothing' });
      return (await here.b.socket.hear()).error === "Invalid message: unexpected 'cmd'";
    }, 'the old socket is given up');
    here.a.socket.say({ cmd: 'send', msg: String(i) });
    assert.equal((await here.b.socket.hear()).msg, String(i));
  }
  for (const { socket } of [here.a, here.b, here.c, here.d]) socket.vanish();
});
