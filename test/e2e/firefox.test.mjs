import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { AppRtcClient } from './apprtc.mjs';
import { newRoom } from './browser.mjs';
import { skip, stageFirefox } from './firefox.mjs';
import { stage } from './fixture.mjs';

const here = stage();
const firefox = stageFirefox(here);

test('Firefox joins Chromium', { skip }, async () => {
  const room = newRoom();
  const [chromium, other] = [await here.person(), await firefox()];
  await chromium.join(room, '&name=Ada');
  await chromium.state('waiting');
  await other.join(room, '&name=Fox');
  await Promise.all([chromium.inCall(), other.inCall()]);
  await Promise.all([chromium.receives(), other.receives()]);
  await chromium.page.waitForSelector('.chip:has-text("Fox")');
  await chromium.write('Ahoy, https://example.org/');
  await other.reads('Ahoy, https://example.org/');
  await other.write('Ahoy yourself');
  await chromium.page.waitForSelector('.line:has-text("Ahoy yourself")');
});

test('files go from Firefox to Chromium and back', { skip }, async () => {
  const room = newRoom();
  const [chromium, other] = [await here.person(), await firefox()];
  await chromium.join(room, '&name=Ada');
  await chromium.state('waiting');
  await other.join(room, '&name=Fox');
  await Promise.all([chromium.inCall(), other.inCall()]);
  const bytes = randomBytes(1_000_000);
  await chromium.opens('chat');
  await chromium.page.waitForSelector('[data-action="attach"]:not(:disabled)');
  await chromium.page.setInputFiles('input[type="file"]', { name: 'tide.bin', mimeType: '', buffer: bytes });
  await other.page.waitForSelector('.unread');
  await other.press('chat');
  await other.page.waitForSelector('[data-action="accept-file"]');
  await other.press('accept-file');
  await other.page.waitForSelector('[data-file="done"]');
  assert.equal(await other.savedDigest(), createHash('sha256').update(bytes).digest('hex'));
  await other.sends('fox.txt', 'What does the fox say?');
  await chromium.page.waitForSelector('[data-file="offered"]:has-text("fox.txt")');
  const [download] = await Promise.all([chromium.page.waitForEvent('download'), chromium.press('accept-file')]);
  assert.equal(await readFile(await download.path(), 'utf8'), 'What does the fox say?');
  await other.page.waitForSelector('.receivers [data-transfer="done"]');
});

test('Chromium joins Firefox, leaves, and comes back', { skip }, async () => {
  const room = newRoom();
  const [other, chromium] = [await firefox(), await here.person()];
  await other.join(room);
  await other.state('waiting');
  await chromium.join(room);
  await Promise.all([chromium.inCall(), other.inCall()]);
  await Promise.all([chromium.receives(), other.receives()]);
  await chromium.press('leave');
  await other.state('waiting');
  await chromium.press('rejoin');
  await Promise.all([chromium.inCall(), other.inCall()]);
  await Promise.all([chromium.receives(), other.receives()]);
});

for (const first of ['Firefox', 'the client']) {
  test(`Firefox and a client of AppRTC in Chromium, ${first} first`, { skip }, async () => {
    const room = newRoom();
    const [client, other] = [await AppRtcClient.at(here.browser, here.server), await firefox()];
    here.people.push(client);
    if (first === 'Firefox') {
      await other.join(room);
      await other.state('waiting');
    }
    assert.equal(await client.enter(room), 'SUCCESS');
    if (first !== 'Firefox') await other.join(room);
    await Promise.all([client.connected(), other.inCall()]);
    await Promise.all([client.receives(), other.receives()]);
    assert.deepEqual(await client.unknown(), [], 'nothing that a native client would hang up for');
  });
}

test('Firefox and Chromium through the relay', { skip }, async () => {
  const room = newRoom();
  const [chromium, other] = [await here.person(), await firefox()];
  await chromium.join(room, '&it=relay');
  await chromium.state('waiting');
  await other.join(room, '&it=relay');
  await Promise.all([chromium.inCall(), other.inCall()]);
  const flow = await chromium.receives();
  assert.equal(flow.localType, 'relay');
  assert.equal(await other.selectedLocalType(), 'relay');
  await other.receives();
});
