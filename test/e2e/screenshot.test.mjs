// A connected call as a picture, for the README: AHOY_SCREENSHOT=call.png node --test screenshot.test.mjs

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { launch, Person } from './browser.mjs';
import { dusk, morning, writeScene } from './scene.mjs';
import { Server } from './server.mjs';

const path = process.env.AHOY_SCREENSHOT;
const scheme = process.env.AHOY_SCREENSHOT_SCHEME ?? 'light';

test('a picture of a call', { skip: path ? false : 'AHOY_SCREENSHOT names no file' }, async () => {
  const scenes = mkdtempSync(join(tmpdir(), 'ahoy-scenes-'));
  const server = await Server.start();
  const browsers = [];
  try {
    const people = [];
    for (const [name, palette] of Object.entries({ Ada: dusk, Grace: morning })) {
      const file = join(scenes, `${name}.y4m`);
      writeScene(file, palette);
      const browser = await launch({
        args: [
          '--use-fake-device-for-media-stream',
          '--use-fake-ui-for-media-stream',
          `--use-file-for-fake-video-capture=${file}`,
        ],
      });
      browsers.push(browser);
      const person = await Person.at(browser, server, { colorScheme: scheme });
      people.push(person);
      await person.join('calm-heron-lagoon-k7qd', `&name=${name}`);
      await person.state('waiting', 'connected');
    }
    const [ada, grace] = people;
    await Promise.all([ada.inCall(), grace.inCall()]);
    await ada.waitForWidth(960);
    await ada.press('stats');
    await ada.page.waitForSelector('[data-panel="stats"] dd:has-text("bit/s")');
    await ada.press('stats');
    await ada.page.waitForSelector('[data-panel]', { state: 'detached' });
    await ada.page.mouse.move(640, 200);
    await ada.page.waitForFunction(() =>
      ['.bar', '.call-head'].every((part) => getComputedStyle(document.querySelector(part)).opacity === '1'),
    );
    await ada.page.screenshot({ path });
    for (const person of people) await person.close();
  } finally {
    for (const browser of browsers) await browser.close();
    await server.stop();
    rmSync(scenes, { recursive: true });
  }
});
