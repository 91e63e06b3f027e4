// More than two in one room: everybody sees everybody.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { stage } from './fixture.mjs';
import { morning, small, writeScene } from './scene.mjs';

const scenes = mkdtempSync(join(tmpdir(), 'ahoy-scenes-'));
const scene = join(scenes, 'small.y4m');
writeScene(scene, morning, small);
after(() => rmSync(scenes, { recursive: true }));

const here = stage({
  browser: {
    args: [
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      '--auto-select-desktop-capture-source=Entire screen',
      `--use-file-for-fake-video-capture=${scene}`,
    ],
  },
});

const boxes = (person) =>
  person.page.$$eval('.tile', (all) =>
    all.map((tile) => {
      const { left, top, right, bottom } = tile.getBoundingClientRect();
      return { left, top, right, bottom };
    }),
  );

test('three people see and hear each other; who leaves is missed by two, who comes back is met by both', async () => {
  const { people, room } = await here.group(['Ada', 'Bo', 'Cy']);
  const [ada, bo, cy] = people;
  await Promise.all(people.map((person) => person.sees(2)));
  await ada.page.waitForSelector('.tile:has-text("Cy")');
  await Promise.all([ada.glimpses('Bo left'), cy.glimpses('Bo left'), bo.press('leave')]);
  await Promise.all([ada.inCall(1), cy.inCall(1)]);
  await bo.press('rejoin');
  await Promise.all(people.map((person) => person.inCall(2)));
  await Promise.all(people.map((person) => person.sees(2)));
  assert.equal(new URL(bo.page.url()).pathname, `/r/${room}`);
});

test('six people see each other, each in a place of their own', async () => {
  const { people } = await here.group(['Ada', 'Bo', 'Cy', 'Di', 'Ed', 'Flo']);
  await Promise.all(people.map((person) => person.sees(5)));
  for (const person of people) {
    await person.page.waitForFunction(() => document.querySelectorAll('.tile').length === 6);
    const all = await boxes(person);
    for (const [i, a] of all.entries()) {
      for (const b of all.slice(i + 1)) {
        const apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
        assert.ok(apart, JSON.stringify([a, b]));
      }
    }
  }
});

test('one person can be kept large', async () => {
  const { people } = await here.group(['Ada', 'Bo', 'Cy']);
  const [ada] = people;
  const width = async (name) => (await ada.page.locator(`.tile:has-text("${name}")`).boundingBox()).width;
  await ada.page.hover('.tile:has-text("Cy")');
  await ada.page.click('.tile:has-text("Cy") [data-action="pin"]');
  await ada.pressed('layout', true);
  await ada.page.waitForFunction(() => document.getAnimations().length === 0);
  assert.ok((await width('Cy')) > 2 * (await width('Bo')));
  await ada.page.keyboard.press('v');
  await ada.pressed('layout', false);
  await Promise.all(people.map((person) => person.sees(2)));
});

test('a raised hand is seen by all, and lowered by who raised it or by the host', async () => {
  const { people } = await here.group(['Ada', 'Bo', 'Cy']);
  const [ada, bo, cy] = people;
  await cy.press('hand');
  await cy.pressed('hand', true);
  for (const person of [ada, bo]) await person.page.waitForSelector('.tile:has-text("Cy") .hand');
  await cy.press('hand');
  for (const person of [ada, bo]) await person.page.waitForSelector('.tile .hand', { state: 'detached' });
  await cy.page.keyboard.press('h');
  await ada.manages('Cy');
  await Promise.all([cy.glimpses('The host has lowered your hand'), ada.press('ask-hand')]);
  await cy.pressed('hand', false);
  await bo.page.waitForSelector('.tile .hand', { state: 'detached' });
});

test('a camera that is switched on later is seen by all', async () => {
  const { people, room } = await here.group(['Ada', 'Bo']);
  const late = await here.person();
  await late.page.addInitScript(() => {
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    let calls = 0;
    navigator.mediaDevices.getUserMedia = (wish) => {
      calls += 1;
      return calls > 3 ? ask(wish) : Promise.reject(new DOMException('none', 'NotFoundError'));
    };
  });
  await late.join(room, '&name=Cy');
  await late.inCall(2);
  await people[0].page.waitForSelector('.tile:has-text("Cy"):has-text("Camera is off")');
  await late.press('camera');
  await late.pressed('camera', true);
  for (const person of people) await person.page.waitForSelector('.tile:has-text("Cy") video.seen');
  await Promise.all(people.map((person) => person.sees(2)));
});

test('a shared screen is shown large beside the camera, to all, and also to who comes later', async () => {
  const { people, room } = await here.group(['Ada', 'Bo']);
  const [ada, bo] = people;
  await bo.press('screen');
  await bo.pressed('screen', true);
  await bo.page.waitForSelector('[data-notice="sharing"]');
  await ada.page.waitForSelector('video[data-screen].seen');
  await ada.page.waitForSelector('video[data-peer].seen');
  const late = await here.person();
  await late.join(room, '&name=Cy');
  await late.page.waitForSelector('video[data-screen].seen');
  await late.inCall(2);
  await late.press('screen');
  await bo.page.waitForSelector('video[data-screen].seen');
  await ada.page.waitForFunction(() => document.querySelectorAll('video[data-screen].seen').length === 2);
  await bo.press('stop-sharing');
  await bo.pressed('screen', false);
  await ada.page.waitForFunction(() => document.querySelectorAll('video[data-screen].seen').length === 1);
  await bo.press('screen');
  await ada.page.waitForFunction(() => document.querySelectorAll('video[data-screen].seen').length === 2);
});

test('two screens that are shared in the same moment are both seen', async () => {
  const { people } = await here.group(['Ada', 'Bo']);
  await Promise.all(people.map((person) => person.press('screen')));
  for (const person of people) await person.page.waitForSelector('video[data-screen].seen');
  await Promise.all(people.map((person) => person.press('stop-sharing')));
  for (const person of people) await person.page.waitForSelector('video[data-screen]', { state: 'detached' });
  await Promise.all(people.map((person) => person.sees(1)));
});
