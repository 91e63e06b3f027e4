// First impressions: what a person reads before, instead of and around a call.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';

const here = stage();
const link = (room) => `${here.server.url}/r/${room}`;

test('the front page suggests a room, another one on demand, and remembers the last', async () => {
  const person = await here.person();
  await person.open('/');
  await person.state('lobby');
  await person.page.waitForSelector('h1:has-text("Just share a link")');
  const suggested = await person.page.inputValue('#room');
  assert.match(suggested, /^[a-z]+-[a-z]+-[a-z]+-[a-z0-9]{4}$/);
  await person.page.click('button[aria-label="Suggest another name"]');
  await person.page.waitForFunction((old) => document.querySelector('#room').value !== old, suggested);
  const room = await person.page.inputValue('#room');
  await person.press('join');
  await person.state('waiting');
  assert.equal(person.page.url(), link(room));
  await person.press('leave');
  await person.state('left');
  await person.press('new-room');
  await person.state('lobby');
  await person.page.click(`.recent-room:text-is("${room}")`);
  await person.state('waiting');
  await person.press('leave');
  await person.press('new-room');
  await person.page.click(`button[aria-label="Forget ${room}"]`);
  await person.page.waitForSelector('.recent', { state: 'detached' });
});

test('the link is copied, and the button says so', async () => {
  const room = newRoom();
  const person = await here.person({ permissions: ['clipboard-read', 'clipboard-write', 'camera', 'microphone'] });
  await person.join(room);
  await person.state('waiting');
  await person.press('copy');
  await person.page.waitForSelector('[data-action="copy"]:has-text("Copied")');
  assert.equal(await person.page.evaluate(() => navigator.clipboard.readText()), link(room));
});

for (const touch of [true, false]) {
  test(`a ${touch ? 'phone' : 'desktop'} ${touch ? 'offers' : 'does not offer'} to share the link`, async () => {
    const room = newRoom();
    const person = await here.person(touch ? { isMobile: true, hasTouch: true } : {});
    await person.page.addInitScript(() => {
      navigator.share = (what) => {
        globalThis.shared = what;
        return Promise.resolve();
      };
    });
    await person.join(room);
    await person.state('waiting');
    await person.page.waitForSelector('[data-action="copy"]');
    assert.equal(await person.page.locator('[data-action="share"]').count(), touch ? 1 : 0);
    if (!touch) return;
    await person.press('share');
    await person.page.waitForFunction((url) => globalThis.shared?.url === url, link(room));
  });
}

test('a page without the right to a camera says why, and joins all the same', async () => {
  const person = await here.person();
  await person.page.addInitScript(() => {
    Object.defineProperty(navigator, 'mediaDevices', { value: undefined });
  });
  await person.open(`/r/${newRoom()}`);
  assert.match(await person.seesError('media-unavailable'), /only over HTTPS.*still join.*https:\/\//);
  await person.page.click('[data-action="join"]:has-text("Join without camera or microphone")');
  await person.state('waiting');
});

test('a browser without WebRTC is told which ones have it', async () => {
  const person = await here.person();
  await person.page.addInitScript(() => {
    delete globalThis.RTCPeerConnection;
  });
  await person.open(`/r/${newRoom()}`);
  assert.match(await person.seesError('unsupported'), /cannot make calls.*Firefox, Chrome, Edge or Safari/s);
  await person.state('failed');
});

/** A server that answers every hello with this. */
async function refusing(person, code, more = {}) {
  await person.page.routeWebSocket('**/v1/ws', (socket) => {
    socket.onMessage(() => {
      socket.send(JSON.stringify({ type: 'error', code, message: '', retry: false, ...more }));
      socket.close();
    });
  });
}

for (const [code, words] of Object.entries({
  'room-locked': /locked.*closed the door.*unlock it.*invite link/s,
  denied: /not let in.*declined.*Knock again/s,
  'lobby-closed': /Nobody can let you in.*Wait until the host is there/s,
  'token-required': /needs an invitation.*personal link/s,
  'bad-token': /not valid.*copy all of it/s,
  'token-expired': /expired.*Ask for a new link/s,
  'too-many-rooms': /no room left.*in a few minutes/s,
  'too-many-joins': /Too many attempts.*Wait a minute/s,
  draining: /about to restart.*in a minute/s,
  'unsupported-version': /out of date.*Reload/s,
  'server-refused': /did not let us into this room.*Try again in a moment/s,
})) {
  test(`every refusal has words of its own: ${code}`, async () => {
    const person = await here.person();
    await refusing(person, code);
    await person.join(newRoom());
    assert.match(await person.seesError(code), words);
    await person.state('failed');
  });
}
