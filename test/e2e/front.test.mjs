// The front page as it stands in the server's answer: seen before its script is there, and not moved by it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stage } from './fixture.mjs';
import { textsIn } from './texts.mjs';

const here = stage();

/** Holds back what the page does by itself; the answer lets it go. */
async function withoutApp(person) {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  await person.page.route('**/assets/app-*.js', async (route) => {
    await released;
    await route.continue();
  });
  return release;
}

/**
 * Runs in the page: where everything is, but for what is written on the picture, which comes and goes, and for
 * whether the camera is on already.
 */
const places = () =>
  [...document.querySelectorAll('.lobby :is(h1, p, label, input, button, .brand, .preview):not(.veil *)')].map((part) => {
    const { x, y, width, height } = part.getBoundingClientRect();
    return [part.tagName, part.className.replace(' off', ''), x, y, width, height].join(' ');
  });

for (const [locale, viewport] of [
  ['en', { width: 1280, height: 800 }],
  ['de', { width: 1280, height: 800 }],
  ['de', { width: 390, height: 844 }],
]) {
  test(`the front page is there before its script and stays where it is, ${locale}, ${viewport.width} wide`, async () => {
    const person = await here.person({ locale, viewport });
    const release = await withoutApp(person);
    await person.page.addInitScript(() => {
      globalThis.moved = [];
      const note = ({ sources }) =>
        globalThis.moved.push(...sources.filter(({ node }) => !node?.closest?.('.veil')).map(({ node }) => node?.outerHTML));
      new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type: 'layout-shift', buffered: true });
    });
    await person.page.goto(`${here.server.url}/`, { waitUntil: 'commit' });
    await person.page.waitForSelector(`h1:text-is("${textsIn(locale).lobby.heading}")`);
    assert.equal(await person.page.getAttribute('html', 'lang'), locale);
    assert.equal(await person.page.getAttribute('#app', 'inert'), '', 'nothing can be pressed in vain');
    assert.equal(await person.page.getAttribute('body', 'data-state'), null);
    const before = await person.page.evaluate(places);
    assert.ok(before.length > 10);
    release();
    await person.state('lobby');
    assert.deepEqual(await person.page.evaluate(places), before);
    assert.deepEqual(await person.page.evaluate(() => globalThis.moved), []);
    assert.equal(await person.page.getAttribute('#app', 'inert'), null);
    assert.equal(await person.page.locator('main').count(), 1, 'drawn over, not once more');
    await person.press('join');
    await person.state('waiting');
  });
}

test('who has been here before, or comes for a room, does not see the front page of a stranger', async () => {
  const person = await here.person();
  await person.open('/');
  await person.state('lobby');
  await person.press('join');
  await person.state('waiting');
  const release = await withoutApp(person);
  for (const path of ['/', '/r/some-room', '/embed/some-room']) {
    await person.page.goto(`${here.server.url}${path}`, { waitUntil: 'commit' });
    await person.page.waitForFunction(() => document.readyState !== 'loading');
    assert.equal(await person.page.locator('#app > *').count(), 0, path);
  }
  release();
});
