// The quick look at the network in front of the door.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { look } from './axe.mjs';
import { blackHole, eachUrl, portOf, rewrites } from './blocked.mjs';
import { newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';

const here = stage({ server: { settings: ['turn.relay_addresses=["127.0.0.1"]'] } });

test('where UDP is blocked, a line says that calls will be slower, and leads to the check', async (t) => {
  const person = await here.person();
  const hole = await blackHole(t);
  await rewrites(person, eachUrl((url) => (/=tcp/.test(url) ? url : portOf(url, hole.udp))));
  await person.open(`/r/${newRoom()}#token=key`);
  await person.page.waitForSelector('[data-outlook="slower"]:has-text("calls will work, a little slower")');
  assert.equal(await person.page.getAttribute('[data-outlook] a', 'href'), '/check#token=key');
  await look(person, 'a line about the network');
});

test('where no relay is within reach, it says that there may be no call', async (t) => {
  const person = await here.person();
  const hole = await blackHole(t);
  await rewrites(person, eachUrl((url) => portOf(url, /=tcp/.test(url) ? hole.tcp : hole.udp)));
  await person.open('/');
  await person.page.waitForSelector('[data-outlook="doubtful"]:has-text("may not let calls through")');
});

test('where all is well, nothing is said: one allocation told enough', async () => {
  const person = await here.person();
  await person.open(`/r/${newRoom()}`);
  await person.page.waitForFunction(
    () => globalThis.peerConnections.length > 0 && globalThis.peerConnections.every((pc) => pc.connectionState === 'closed'),
  );
  assert.equal(await person.page.evaluate(() => globalThis.peerConnections.length), 1);
  assert.equal(await person.page.locator('[data-outlook]').count(), 0);
  await person.press('join');
  await person.state('waiting');
});
