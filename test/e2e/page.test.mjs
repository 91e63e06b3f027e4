import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';

const here = stage();

const tabTo = async (person, action) => {
  for (let i = 0; i < 40; i += 1) {
    await person.page.keyboard.press('Tab');
    const focused = await person.page.evaluate(() => document.activeElement?.getAttribute('data-action'));
    if (focused === action) return;
  }
  assert.fail(`the Tab key never reaches ${action}`);
};

test('a call needs no mouse', async () => {
  const room = newRoom();
  const person = await here.person();
  await person.open(`/r/${room}`);
  await person.state('lobby');
  await person.page.waitForSelector('[data-action="mic"][aria-pressed="true"]');
  await tabTo(person, 'mic');
  await person.page.keyboard.press('Space');
  await person.pressed('mic', false);
  await tabTo(person, 'join');
  await person.page.keyboard.press('Enter');
  await person.state('waiting');
  await tabTo(person, 'leave');
  await person.page.keyboard.press('Enter');
  await person.state('left');
  await tabTo(person, 'rejoin');
  await person.page.keyboard.press('Enter');
  await person.state('waiting');
});

test("AppRTC's keys work in a call", async () => {
  const { first } = await here.couple();
  const { keyboard } = first.page;
  await keyboard.press('m');
  await first.pressed('mic', false);
  await keyboard.press('Space');
  await first.pressed('mic', true);
  await keyboard.press('c');
  await first.pressed('camera', false);
  await keyboard.press('i');
  await first.pressed('stats', true);
  await keyboard.press('Escape');
  await first.pressed('stats', false);
  await keyboard.press('l');
  await first.page.waitForSelector('.mini.hidden', { state: 'attached' });
  await keyboard.press('q');
  await first.state('left');
});

test('every key that a button tells of is in the overview, and does what the button does', async () => {
  const { first } = await here.couple();
  const told = await first.page.$$eval('[aria-keyshortcuts]', (buttons) =>
    buttons.map((b) => [b.dataset.action, b.getAttribute('aria-keyshortcuts').split(' ')]),
  );
  assert.ok(told.length >= 6, String(told));
  await first.page.keyboard.press('?');
  for (const [action, keys] of told) {
    const listed = await first.page.locator(`dialog [data-act="${action}"] kbd`).allTextContents();
    assert.deepEqual(listed.map((key) => key.toLowerCase()), keys.map((key) => key.toLowerCase()), action);
  }
  await first.page.keyboard.press('?');
  for (const [action, [key]] of told.filter(([name]) => name !== 'leave')) {
    const before = await first.page.getAttribute(`[data-action="${action}"]`, 'aria-pressed');
    await first.page.keyboard.press(key);
    await first.pressed(action, before !== 'true');
    await first.page.keyboard.press('Escape');
  }
});

test('? shows what keys there are, keeps the focus, and gives it back', async () => {
  const { first } = await here.couple();
  const { keyboard } = first.page;
  const focused = (selector) => first.page.waitForSelector(`${selector}:focus`);
  await keyboard.press('t');
  await focused('textarea');
  await keyboard.type('what?');
  assert.equal(await first.page.locator('dialog').count(), 0, 'a question mark that is written is one');
  await first.page.focus('[data-action="mic"]');
  await keyboard.press('?');
  await focused('dialog [data-action="close-keys"]');
  for (let i = 0; i < 5; i += 1) {
    await keyboard.press('Tab');
    const outside = await first.page.evaluate(() => {
      const { activeElement } = document;
      return activeElement !== document.body && activeElement.closest('dialog') === null;
    });
    assert.ok(!outside, 'the focus stays');
  }
  await keyboard.press('c');
  await keyboard.press('Escape');
  await focused('[data-action="mic"]');
  await first.pressed('camera', true);
  await first.pressed('chat', true);
  await keyboard.press('?');
  await first.page.waitForSelector('dialog');
  await keyboard.press('?');
  await focused('[data-action="mic"]');
  assert.equal(await first.page.locator('dialog').count(), 0);
  await first.opens('settings');
  await first.press('keys');
  await first.page.click('[data-action="close-keys"]');
  await focused('[data-panel="settings"] [data-action="keys"]');
});

test('every button has a name, and toggles say whether they are pressed', async () => {
  const { first } = await here.couple();
  const nameless = await first.page.$$eval('button', (buttons) =>
    buttons.filter((b) => !(b.getAttribute('aria-label') ?? b.textContent ?? '').trim()).map((b) => b.outerHTML),
  );
  assert.deepEqual(nameless, []);
  for (const action of ['mic', 'camera', 'screen', 'chat', 'stats', 'settings']) {
    const value = await first.page.getAttribute(`[data-action="${action}"]`, 'aria-pressed');
    assert.match(value ?? '', /^(true|false)$/, action);
  }
});

for (const [name, viewport] of [
  ['portrait', { width: 390, height: 844 }],
  ['small portrait', { width: 320, height: 568 }],
  ['landscape', { width: 844, height: 390 }],
]) {
  test(`nothing is cut off on a phone, ${name}`, async () => {
    const person = await here.person({ viewport, isMobile: true, hasTouch: true });
    // Phones share no screen, but a window can be as small.
    await person.page.addInitScript(() => (MediaDevices.prototype.getDisplayMedia ??= () => {}));
    const fits = async (where) => {
      const width = await person.page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= viewport.width, `${where}: ${width} px wide`);
      const outside = await person.page.$$eval('button:not(.recent button), h1, .link', (parts) =>
        parts
          .map((part) => ({ part: part.outerHTML.slice(0, 80), box: part.getBoundingClientRect() }))
          .filter(({ box }) => box.width > 0 && (box.left < 0 || box.right > innerWidth + 0.5))
          .map(({ part }) => part),
      );
      assert.deepEqual(outside, [], where);
      const wide = await person.page.$$eval('.panel', (panels) => panels.map((p) => p.scrollWidth - p.clientWidth));
      assert.ok(wide.every((excess) => excess <= 0), `${where}: a panel of ${wide} px too much`);
      const small = await person.page.$$eval('button:not(.inline), input, select, textarea', (parts) =>
        parts
          .map((part) => ({ part: part.outerHTML.slice(0, 80), box: part.getBoundingClientRect() }))
          .filter(({ box }) => box.width > 0 && (box.width < 43.5 || box.height < 43.5))
          .map(({ part, box }) => `${box.width} x ${box.height}: ${part}`),
      );
      assert.deepEqual(small, [], `${where}: too small for a thumb`);
    };
    await person.open('/');
    await person.state('lobby');
    await fits('front page');
    await person.open('/r/a-rather-long-room-name-that-somebody-typed-by-hand-0123456789');
    await fits('lobby');
    await person.press('join');
    await person.state('waiting');
    await fits('waiting');
    const other = await here.person();
    const name = 'Bartholomew Featherstonehaugh-Cholmondeley the Younger, Esq.';
    await other.join('a-rather-long-room-name-that-somebody-typed-by-hand-0123456789', `&name=${name}`);
    await person.inCall();
    await fits('in a call');
    for (const panel of ['stats', 'settings', 'people', 'chat']) {
      await person.press(panel);
      await person.page.waitForSelector(`[data-panel="${panel}"]`);
      if (panel === 'stats') await person.page.waitForSelector('[data-panel="stats"] dd');
      if (panel === 'people') await person.page.click('[data-action="manage"]');
      await fits(panel);
    }
    await person.press('leave');
    await person.state('left');
    await fits('left');
  });
}

test('the touch that wakes the resting controls presses none of them', async () => {
  const phone = await here.person({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
  const other = await here.person();
  const room = newRoom();
  await phone.join(room);
  await phone.state('waiting');
  await other.join(room);
  await phone.inCall();
  await phone.page.waitForSelector('.call.idle');
  const tapLeave = async () => {
    const { x, y, width, height } = await phone.page.locator('[data-action="leave"]').boundingBox();
    await phone.page.touchscreen.tap(x + width / 2, y + height / 2);
  };
  await tapLeave();
  await phone.page.waitForSelector('.call:not(.idle)');
  await phone.state('connected');
  // On a slow machine they may rest again before the second touch; then that one wakes them, too.
  const left = phone.state('left').then(() => true);
  const resting = () => phone.page.waitForSelector('.call.idle').then(() => false, () => true);
  do await tapLeave();
  while (!(await Promise.race([left, resting()])));
  await left;
});
