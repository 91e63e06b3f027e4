import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stage } from './fixture.mjs';

const here = stage();

test('two people see and hear each other directly', async () => {
  const { first, second } = await here.couple();
  for (const person of [first, second]) {
    const flow = await person.receives();
    assert.notEqual(flow.localType, 'relay');
    assert.notEqual(flow.remoteType, 'relay');
  }
});

test('with it=relay sound and picture go through the TURN server on both sides', async () => {
  const { first, second } = await here.couple('&it=relay');
  for (const person of [first, second]) {
    const flow = await person.receives();
    assert.equal(flow.localType, 'relay');
    assert.equal(flow.remoteType, 'relay');
  }
  await first.page.waitForSelector('.badge:has-text("relay")');
});

test('each side is told the name of the other', async () => {
  const { first, second } = await here.couple();
  await first.page.waitForSelector('.chip:has-text("Bo")');
  await second.page.waitForSelector('.chip:has-text("Ada")');
});

test('the connection details name the route', async () => {
  const { first } = await here.couple();
  await first.press('stats');
  await first.page.waitForSelector('[data-panel="stats"] dd:has-text("direct")');
  await first.pressed('stats', true);
});

test('a server that stops during a call ends cleanly, and the call goes on', async () => {
  const { Server } = await import('./server.mjs');
  const server = await Server.start();
  const [first, second] = [await here.person({ server }), await here.person({ server })];
  for (const person of [first, second]) person.expectErrors(/ERR_CONNECTION_REFUSED|WebSocket/);
  await first.join('stopped-during-call');
  await first.state('waiting');
  await second.join('stopped-during-call');
  await Promise.all([first.inCall(), second.inCall()]);
  await server.stop();
  await first.page.waitForSelector('[data-notice="server-lost"]');
  await first.receives();
  await second.receives();
});
