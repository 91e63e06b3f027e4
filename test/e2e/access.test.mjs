// What axe-core finds serious, on every screen, by day and by night.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';

const here = stage();
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Looks when nothing fades in any more: half-transparent text is no contrast. */
async function look(person, where) {
  const { page } = person;
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter((a) => a.effect.getComputedTiming().endTime !== Infinity)
        .map((a) => a.finished.catch(() => {})),
    ),
  );
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document);
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map((n) => `${id}: ${n.html.slice(0, 120)} ${n.failureSummary}`));
  });
  assert.deepEqual(found, [], where);
}

for (const colorScheme of ['light', 'dark']) {
  test(`no serious obstacle on any screen, ${colorScheme}`, async () => {
    const room = newRoom();
    const [person, other] = [await here.person({ colorScheme }), await here.person()];
    await person.open('/');
    await person.state('lobby');
    await look(person, 'front page');
    await person.page.fill('#room', 'abc');
    await person.press('join');
    await person.seesError('bad-room-name');
    await look(person, 'a wrong name');
    await person.open(`/r/${room}`);
    await person.state('lobby');
    await person.press('settings');
    await person.page.waitForSelector('[data-panel="settings"]');
    await look(person, 'lobby and settings');
    await person.press('join');
    await person.state('waiting');
    await look(person, 'waiting');
    await other.join(room, '&name=Bo');
    await Promise.all([person.inCall(), other.inCall()]);
    await look(person, 'in a call');
    await person.press('chat');
    await person.page.waitForSelector('[data-panel="chat"]');
    await look(person, 'an empty chat');
    await other.write('Look: https://example.org/');
    await person.page.waitForSelector('.line a');
    await person.write('Seen');
    await look(person, 'chat');
    for (const panel of ['people', 'stats', 'settings']) {
      await person.press(panel);
      await person.page.waitForSelector(`[data-panel="${panel}"]`);
      await look(person, panel);
    }
    await person.manages('Bo');
    await look(person, 'a host at work');
    await person.press('lobby');
    await person.pressed('lobby', true);
    const third = await here.person({ colorScheme });
    await third.join(room, '&name=Cy');
    await third.state('knocking');
    await look(third, 'knocking');
    await person.page.waitForSelector('[data-panel="people"] [data-knock]');
    await look(person, 'a knock in the panel');
    await person.press('people');
    await person.page.waitForSelector('.notices [data-knock]');
    await look(person, 'a knock');
    await person.press('admit');
    await Promise.all([person, other, third].map((p) => p.inCall(2)));
    await look(person, 'three');
    await person.press('layout');
    await look(person, 'one large');
    await person.press('leave');
    await person.state('left');
    await look(person, 'left');
    await person.open('/r/abc?autojoin=1');
    await person.state('failed');
    await look(person, 'failed');
  });
}
