// The pictures of the README: AHOY_SCREENSHOTS=docs node --test screenshot.test.mjs

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, Person } from './browser.mjs';
import { dusk, morning, writeScene } from './scene.mjs';
import { Server } from './server.mjs';

const folder = process.env.AHOY_SCREENSHOTS;
const skip = folder ? false : 'AHOY_SCREENSHOTS names no folder';
const viewport = { width: 960, height: 600 };
const phone = { viewport: { width: 390, height: 600 }, isMobile: true, hasTouch: true };

const scenes = mkdtempSync(join(tmpdir(), 'ahoy-scenes-'));
const browsers = {};
let server = null;

/** A camera is a browser's, so that everybody who is to be told apart has a browser of their own. */
async function browserThatSees(palette) {
  const file = join(scenes, `${Object.keys(browsers).length}.y4m`);
  writeScene(file, palette);
  return launch({
    args: [
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-video-capture=${file}`,
    ],
  });
}

before(async () => {
  if (skip) return;
  server = await Server.start();
  browsers.dusk = await browserThatSees(dusk);
  browsers.morning = await browserThatSees(morning);
});
after(async () => {
  for (const browser of Object.values(browsers)) await browser.close();
  await server?.stop();
  rmSync(scenes, { recursive: true });
});

/** They meet one after the other, each as `[name, scene, options]`. */
async function meet(room, ...who) {
  const people = [];
  for (const [name, scene, options] of who) {
    const person = await Person.at(browsers[scene], server, { viewport, ...options });
    people.push(person);
    await person.join(room, `&name=${name}`);
    await person.state('waiting', 'connected');
  }
  await Promise.all(people.map((person) => person.inCall(who.length - 1)));
  return people;
}

/** Sharp pictures, and the controls in sight. */
async function take({ page }, name) {
  await page.waitForFunction(() =>
    [...document.querySelectorAll('video[data-peer]:not(.tile:has(.no-picture) video)')].every((v) => v.videoWidth >= 480),
  );
  await page.waitForSelector('.toast', { state: 'detached' });
  await page.mouse.move(200, 300);
  await page.waitForFunction(() =>
    ['.bar', '.call-head'].every((part) => getComputedStyle(document.querySelector(part)).opacity === '1'),
  );
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

test('two in a call', { skip }, async () => {
  const people = await meet('calm-heron-lagoon-k7qd', ['Alice', 'dusk'], ['Bob', 'morning']);
  await people[0].waitForWidth(960);
  await take(people[0], 'call');
  for (const person of people) await person.close();
});

test('three with chat and a file, by night', { skip }, async () => {
  const dark = { colorScheme: 'dark' };
  const people = await meet('brave-osprey-harbour-x4mp', ['Alice', 'dusk', dark], ['Bob', 'morning'], ['Carol', 'dusk']);
  const [alice, bob, carol] = people;
  await carol.press('camera');
  await carol.press('hand');
  await bob.write('Here is the chart of the harbour. Slack water is at ten.');
  await alice.opens('chat');
  await alice.reads('Slack water');
  const chart = { name: 'Harbour chart.pdf', mimeType: '', buffer: Buffer.alloc(2_340_000) };
  await bob.page.setInputFiles('input[type="file"]', chart);
  await alice.page.waitForSelector('[data-file="offered"]');
  await alice.page.waitForSelector('.tile .hand');
  await take(alice, 'group');
  for (const person of people) await person.close();
});

test('on a phone, in German', { skip }, async () => {
  const german = { ...phone, colorScheme: 'dark', locale: 'de-DE' };
  const people = await meet('kluger-otter-hafen-7rxk', ['Alice', 'dusk', german], ['Bob', 'morning'], ['Carol', 'dusk']);
  await take(people[0], 'phone');
  for (const person of people) await person.close();
});
