import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, afterEach, test } from 'node:test';
import { newRoom } from './browser.mjs';
import { executable, FirefoxPerson } from './firefox.mjs';
import { stage } from './fixture.mjs';

const skip = existsSync(executable) ? false : `${executable} is not installed`;
const here = stage();
let fox = null;

async function firefox() {
  fox = await FirefoxPerson.at(here.server);
  return fox;
}
afterEach(async () => {
  const { errors } = fox ?? { errors: [] };
  await fox?.close();
  fox = null;
  assert.deepEqual(errors, [], "no error in Firefox's console");
});
after(() => fox?.close());

test('Firefox joins Chromium', { skip }, async () => {
  const room = newRoom();
  const [chromium, other] = [await here.person(), await firefox()];
  await chromium.join(room, '&name=Ada');
  await chromium.state('waiting');
  await other.join(room, '&name=Fox');
  await Promise.all([chromium.inCall(), other.inCall()]);
  await Promise.all([chromium.receives(), other.receives()]);
  await chromium.page.waitForSelector('.chip:has-text("Fox")');
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
