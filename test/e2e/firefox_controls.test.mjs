// Every control of a call, in Firefox, with people in Chromium who see what comes of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRoom } from './browser.mjs';
import { skip, stageFirefox } from './firefox.mjs';
import { stage } from './fixture.mjs';
import { textsIn } from './texts.mjs';

const here = stage();
const firefox = stageFirefox(here);
const en = textsIn('en');
let fox = null;

/** Fox is the host; Ada, and whoever else, sees them. */
async function call(...names) {
  const room = newRoom();
  fox = await firefox();
  await fox.join(room, '&name=Fox');
  await fox.state('waiting');
  const others = [];
  for (const name of names) {
    const person = await here.person();
    await person.join(room, `&name=${name}`);
    await person.state('connected');
    others.push(person);
  }
  await Promise.all([fox, ...others].map((person) => person.inCall(names.length)));
  return { room, others };
}

const sees = (person, selector, state = 'visible') => person.page.waitForSelector(selector, { state });

test('microphone, camera and hand, by button and by key', { skip }, async () => {
  const { others } = await call('Ada');
  const [ada] = others;
  const { keyboard } = fox.page;
  await ada.receives();
  for (const [action, key, sign] of [
    ['mic', 'm', '.call-head .muted'],
    ['camera', 'c', '.no-picture'],
  ]) {
    await fox.press(action);
    await fox.pressed(action, false);
    await sees(ada, sign);
    await keyboard.press(key);
    await fox.pressed(action, true);
    await sees(ada, sign, 'detached');
  }
  await fox.press('hand');
  await sees(ada, '.call-head .hand');
  await keyboard.press('h');
  await fox.pressed('hand', false);
  await sees(ada, '.call-head .hand', 'detached');
  await keyboard.press(' ');
  await fox.pressed('mic', false);
  await keyboard.press('l');
  await fox.page.waitForSelector('.mini.hidden');
});

test('another camera and microphone, another language and another name', { skip }, async () => {
  const { others } = await call('Ada');
  const [ada] = others;
  await fox.press('settings');
  for (const kind of ['camera', 'microphone']) {
    await fox.page.waitForSelector(`#device-${kind}:not(:disabled) option`);
    const before = await fox.page.evaluate(() => document.querySelector('video[data-local]').srcObject.id);
    await fox.page.evaluate((id) => {
      document.querySelector(id).dispatchEvent(new Event('change', { bubbles: true }));
    }, `#device-${kind}`);
    await fox.page.waitForFunction(
      (old) => (document.querySelector('video[data-local]').srcObject?.id ?? old) !== old,
      {},
      before,
    );
    await fox.page.waitForSelector(`#device-${kind}:not([aria-busy])`);
  }
  await ada.receives();
  assert.equal(await ada.page.evaluate(() => globalThis.peerConnections.length), 1, 'without a new connection');
  await fox.page.type('#call-name', 'y');
  await sees(ada, '.call-head .peer-name:has-text("Foxy")');
  await fox.page.select('#language', 'de');
  await fox.page.waitForSelector('html[lang="de"]');
  await fox.page.select('#language', 'en');
  await fox.page.waitForSelector('html[lang="en"]');
  await fox.page.click('[data-action="speaker-test"]');
  await fox.page.waitForSelector('[data-action="speaker-test"]:not([aria-busy])');
});

test('a screen: there is none, then there is one; the picker is closed, then it is not', { skip }, async () => {
  const { others } = await call('Ada');
  const [ada] = others;
  const refused = async (words) => {
    await fox.page.click('[data-action="screen"]');
    assert.equal(await fox.failure('screen'), words);
    await fox.press('dismiss-failure');
    await fox.pressed('screen', false);
  };
  await refused(en.screen.other); // without a display there is nothing to choose from
  await fox.page.evaluate(() => {
    navigator.mediaDevices.getDisplayMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'));
  });
  await refused(en.screen.NotAllowedError);
  await fox.page.evaluate(() => {
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('2d');
    setInterval(() => context.fillRect(0, 0, canvas.width, canvas.height), 100);
    navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(10);
  });
  await fox.page.click('[data-action="screen"]');
  await fox.pressed('screen', true);
  await sees(ada, 'video[data-screen].active');
  await fox.press('stop-sharing');
  await fox.pressed('screen', false);
  await sees(ada, 'video[data-screen]', 'detached');
});

test('layout, who is kept large, panels, the overview of keys, the whole screen', { skip }, async () => {
  await call('Ada', 'Bo');
  const { page } = fox;
  const large = (count) =>
    page.waitForFunction(
      (wanted) => {
        const widths = [...document.querySelectorAll('.tile')].map((tile) => Math.round(tile.getBoundingClientRect().width));
        return widths.filter((width) => width > Math.min(...widths) + 20).length === wanted;
      },
      {},
      count,
    );
  await large(0);
  await fox.press('layout');
  await fox.pressed('layout', true);
  await large(1);
  await page.keyboard.press('v');
  await fox.pressed('layout', false);
  await large(0);
  await fox.press('pin');
  await fox.pressed('pin', true);
  await large(1);
  await fox.press('pin');
  for (const [panel, key] of [['chat', 't'], ['people', 'p'], ['stats', 'i']]) {
    await page.keyboard.press(key);
    await page.waitForSelector(`[data-panel="${panel}"]`);
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.querySelector('.panel') === null);
  }
  await page.keyboard.press('?');
  await page.waitForSelector('dialog[open]');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.querySelector('dialog') === null);
  await page.click('[data-action="fullscreen"]');
  await fox.pressed('fullscreen', true);
  await page.keyboard.press('f');
  await fox.pressed('fullscreen', false);
});

test('the host locks, admits, declines, mutes, hands over and removes', { skip }, async () => {
  const { room, others } = await call('Ada');
  const [ada] = others;
  const late = await here.person();
  await fox.press('people');
  await fox.page.waitForSelector('[data-action="lock"]');
  await fox.press('lock');
  await fox.pressed('lock', true);
  await late.join(room, '&name=Cy');
  await late.seesError('room-locked');
  await fox.press('lock');
  await fox.pressed('lock', false);
  await fox.press('lobby');
  await fox.pressed('lobby', true);
  await late.press('rejoin');
  await fox.page.waitForSelector('[data-knock]');
  await fox.press('deny');
  await late.seesError('denied');
  await late.press('rejoin');
  await fox.page.waitForSelector('[data-knock]');
  await fox.press('admit');
  await Promise.all([fox, ada, late].map((person) => person.inCall(2)));
  await fox.manages('Ada');
  await Promise.all([ada.glimpses(en.toasts.asked.mic), fox.press('ask-mic')]);
  await ada.pressed('mic', false);
  await fox.press('manage');
  await fox.manages('Cy');
  await fox.press('remove');
  await fox.press('remove');
  await late.page.waitForSelector('[data-reason="removed"]');
  await fox.manages('Ada');
  await Promise.all([ada.glimpses(en.toasts.youHost), fox.press('make-host')]);
  await fox.page.waitForFunction(() => document.querySelector('[data-panel="people"] [data-action="lock"]') === null);
  await ada.opens('people');
  await ada.press('close');
  await ada.press('close');
  await fox.page.waitForSelector('[data-reason="closed"]');
});

test('what cannot be copied can be selected, and the report says how things are', { skip }, async () => {
  const { room } = await call('Ada');
  await fox.page.evaluate(() => {
    navigator.clipboard.writeText = () => Promise.reject(new DOMException('', 'NotAllowedError'));
  });
  await fox.press('copy');
  assert.ok((await fox.failure('copy')).startsWith(en.toasts.notCopied));
  assert.equal(await fox.page.$eval('.to-copy', (text) => text.textContent), `${here.server.url}/r/${room}`);
  await fox.press('stats');
  await fox.page.waitForSelector('[data-panel="stats"] dd');
  await fox.press('addresses');
  await fox.pressed('addresses', true);
  await fox.press('copy-report');
  assert.ok((await fox.failure('copy-report')).startsWith(en.toasts.notCopied));
  assert.match(await fox.page.$eval('.to-copy', (text) => text.textContent), /^Ahoy/);
});

test('leave, come back, another room, a name for it, and a room of before', { skip }, async () => {
  const { room } = await call('Ada');
  await fox.page.keyboard.press('q');
  await fox.state('left');
  await fox.press('rejoin');
  await fox.inCall();
  await fox.press('leave');
  await fox.state('left');
  await fox.press('new-room');
  await fox.state('lobby');
  await fox.page.waitForSelector('.recent-room');
  const suggested = await fox.page.$eval('#room', ({ value }) => value);
  await fox.page.click('.input-with-button .inside');
  await fox.page.waitForFunction((old) => document.querySelector('#room').value !== old, {}, suggested);
  assert.equal(await fox.page.$eval('.recent-room', (button) => button.textContent), room);
  await fox.page.click('.recent-room');
  await fox.inCall();
});
