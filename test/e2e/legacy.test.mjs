// The page and a client of AppRTC in one room: the server translates.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppRtcClient } from './apprtc.mjs';
import { newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';

const here = stage();

async function pageAndClient() {
  const [page, client] = [await here.person(), await AppRtcClient.at(here.browser, here.server)];
  here.people.push(client);
  return { page, client, room: newRoom() };
}

async function talk(page, client) {
  await Promise.all([page.inCall(), client.connected()]);
  await Promise.all([page.receives(), client.receives()]);
  await page.page.waitForSelector('video[data-peer].seen');
  assert.deepEqual(await client.unknown(), [], 'nothing that a native client would hang up for');
}

test('a client of AppRTC joins the page', async () => {
  const { page, client, room } = await pageAndClient();
  await page.join(room, '&name=Ada');
  await page.state('waiting');
  assert.equal(await client.enter(room), 'SUCCESS');
  await talk(page, client);
});

test('the page joins a client of AppRTC, which had left its offer', async () => {
  const { page, client, room } = await pageAndClient();
  assert.equal(await client.enter(room), 'SUCCESS');
  await page.join(room, '&name=Ada');
  await talk(page, client);
});

test('a camera that is switched on later, and a screen, reach a client of AppRTC in the place of the first', async () => {
  const { page, client, room } = await pageAndClient();
  await client.enter(room);
  await page.join(room);
  await talk(page, client);
  await page.press('screen');
  await page.pressed('screen', true);
  await talk(page, client);
  await page.press('stop-sharing');
  await page.pressed('screen', false);
  await talk(page, client);
});

test('who hangs up is missed on the other side', async () => {
  const { page, client, room } = await pageAndClient();
  await client.enter(room);
  await page.join(room);
  await talk(page, client);
  await page.press('leave');
  await client.saysBye();
  const again = await pageAndClient();
  await again.page.join(again.room);
  await again.page.state('waiting');
  await again.client.enter(again.room);
  await talk(again.page, again.client);
  await again.client.hangUp();
  await again.page.state('waiting');
});

test('with a client of AppRTC a room holds two, and chat says that it is not read', async () => {
  const { page, client, room } = await pageAndClient();
  await page.join(room);
  await page.state('waiting');
  await client.enter(room);
  await talk(page, client);
  const third = await here.person();
  await third.join(room);
  assert.match(await third.seesError('room-full'), /AppRTC program/);
  await page.opens('chat');
  await page.page.waitForSelector(':text("The other side’s program has no chat.")');
});
