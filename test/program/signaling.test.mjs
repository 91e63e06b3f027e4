// What clients of rooms are told by the server as a whole: how far they are, that they talk too fast,
// where to go when it stops.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Server } from '../e2e/server.mjs';
import { JsonSocket } from './websocket.mjs';

async function enter(server, room = 'tea') {
  const socket = await JsonSocket.open(`${server.url}/v1/ws`);
  socket.say({ type: 'hello', version: 1, room });
  assert.equal((await socket.hear()).type, 'welcome');
  return socket;
}

async function metric(server, line) {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const found = text.split('\n').find((each) => each.startsWith(`${line} `));
  assert.ok(found, `/metrics has ${line}`);
  return Number(found.slice(line.length));
}

test('server.moved_to sends participants to another server when it stops', async () => {
  const url = 'wss://other.example.org/v1/ws';
  const server = await Server.start({ settings: [`server.moved_to="${url}"`] });
  const socket = await enter(server);
  const stopped = server.stop();
  const bye = await socket.hearOf('bye');
  assert.deepEqual([bye.reason, bye.url, bye.retry], ['moved', url, true]);
  assert.ok(bye.retry_after > 0);
  socket.close();
  await stopped;
});

test('a room that talks too much is told so, counted, and stays', async () => {
  const server = await Server.start({ settings: ['rooms.room_messages_per_second=1'] });
  const socket = await enter(server);
  for (let id = 1; id <= 11; ++id) socket.say({ type: 'message', id, data: 'x' });
  const error = await socket.hearOf('error');
  assert.deepEqual([error.code, error.id, error.retry], ['too-fast', 11, true]);
  socket.say({ type: 'ping', time: 5 });
  assert.equal((await socket.hearOf('pong')).time, 5);
  assert.equal(await metric(server, 'ahoy_too_fast_total{limit="room"}'), 1);
  assert.equal(await metric(server, 'ahoy_too_fast_total{limit="client"}'), 0);
  socket.close();
  await server.stop();
});

test('a client that talks too much is told so, counted, and sent away', async () => {
  const server = await Server.start({ settings: ['rooms.messages_per_second=1'] });
  const socket = await enter(server);
  for (let time = 1; time <= 11; ++time) socket.say({ type: 'ping', time });
  assert.equal((await socket.hearOf('error')).code, 'too-fast');
  assert.equal(await socket.hear(), null);
  socket.close();
  while ((await metric(server, 'ahoy_too_fast_total{limit="client"}')) !== 1);
  await server.stop();
});
