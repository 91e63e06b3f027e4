// Room names that are secrets: where they come from, what they open, and who sees them.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { Server } from '../e2e/server.mjs';
import { JsonSocket } from './websocket.mjs';

const secret = randomBytes(32).toString('hex');

const start = (...settings) => Server.start({ settings: [`rooms.name_secret=${secret}`, ...settings] });

async function newName(server) {
  const reply = await fetch(`${server.url}/v1/names`, { method: 'POST' });
  assert.equal(reply.status, 200);
  assert.equal(reply.headers.get('cache-control'), 'no-store');
  return reply.json();
}

async function joinRoom(server, room) {
  const reply = await fetch(`${server.url}/join/${room}`, { method: 'POST' });
  return { status: reply.status, ...(await reply.json()) };
}

async function enter(server, room) {
  const socket = await JsonSocket.open(`${server.url}/v1/ws`);
  socket.say({ type: 'hello', version: 1, room });
  const answer = await socket.hear();
  socket.close();
  return answer;
}

test('any name will do, and a new one may be had', async () => {
  const server = await Server.start();
  const { room, required } = await newName(server);
  assert.equal(required, false);
  assert.match(room, /^[\w-]{32}$/);
  for (const name of ['tea', room]) assert.equal((await joinRoom(server, name)).result, 'SUCCESS');
  assert.equal((await fetch(`${server.url}/v1/names`)).status, 405);
  await server.stop();
  assert.ok(server.log.includes(`room=${room}`));
});

test('where names are secrets, rooms open under those that the server has made, and no log shows them', async () => {
  const server = await start('rooms.require_join=false');
  const { room, required } = await newName(server);
  assert.equal(required, true);
  for (const wrong of ['tea', `${room.slice(0, -1)}${room.endsWith('A') ? 'B' : 'A'}`, room.slice(1)]) {
    const refused = await joinRoom(server, wrong);
    assert.deepEqual([refused.status, refused.result, refused.error], [404, 'ERROR', 'unknown-room']);
    const { type, code, retry } = await enter(server, wrong);
    assert.deepEqual([type, code, retry], ['error', 'unknown-room', false]);
    const collider = await JsonSocket.open(`${server.url}/ws`);
    collider.say({ cmd: 'register', roomid: wrong, clientid: 'alice' });
    assert.match((await collider.hear()).error, /unknown 'clientid' or 'roomid'/);
    collider.close();
  }
  assert.equal((await joinRoom(server, room)).result, 'SUCCESS');
  const { room: other } = await newName(server);
  assert.notEqual(other, room);
  assert.equal((await enter(server, other)).type, 'welcome');
  await server.stop();

  const again = await start();
  assert.equal((await joinRoom(again, room)).result, 'SUCCESS', 'the name is good after a restart');
  await again.stop();
  for (const { log } of [server, again]) {
    assert.ok(log.includes(`event=room.opened room=${room.slice(0, 16)}\n`), log);
    for (const name of [room, other]) assert.ok(!log.includes(name.slice(16)));
    assert.ok(!log.includes(secret));
  }
});

test('a secret that could be guessed is refused', async () => {
  await assert.rejects(Server.start({ settings: ['rooms.name_secret=short'] }), /rooms\.name_secret: found 5 characters/);
});
