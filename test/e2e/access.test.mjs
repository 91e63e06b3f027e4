// What axe-core finds serious, on every screen, by day and by night.

import { test } from 'node:test';
import { look } from './axe.mjs';
import { newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';
import { textsIn } from './texts.mjs';

const here = stage();

for (const colorScheme of ['light', 'dark']) {
  test(`no serious obstacle where a call cannot be, and where it has ended, ${colorScheme}`, async () => {
    const person = await here.person({ colorScheme });
    let code = '';
    let frame = () => ({ type: 'error', code, message: '', retry: false });
    await person.page.routeWebSocket('**/v1/ws', (socket) => {
      socket.onMessage(() => {
        socket.send(JSON.stringify(frame()));
        socket.close();
      });
    });
    const { errors, endings } = textsIn('en');
    for (code of Object.keys(errors)) {
      await person.join(newRoom());
      await person.seesError(code);
      await look(person, code);
    }
    frame = () => ({ type: 'bye', reason: code, message: '', retry: false });
    for (code of Object.keys(endings)) {
      await person.join(newRoom());
      await person.page.waitForSelector(`[data-reason="${code}"]`);
      await look(person, code);
    }
  });

  test(`no serious obstacle where devices are missing, ${colorScheme}`, async () => {
    const person = await here.person({ colorScheme });
    let wrong = '';
    await person.page.exposeFunction('wrong', () => wrong);
    await person.page.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException('', await globalThis.wrong());
      };
    });
    const room = newRoom();
    for (const [name, shown] of [
      ['NotAllowedError', 'media-blocked'],
      ['NotFoundError', 'media-none'],
      ['AbortError', 'media-busy'],
    ]) {
      wrong = name;
      await person.open(`/r/${room}`);
      await person.seesError(shown);
      await look(person, shown);
    }
    await person.press('join');
    await person.state('waiting');
    await person.seesError('media-busy');
    await look(person, 'waiting without devices');
  });

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
    await person.page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new DOMException('', 'NotAllowedError'));
      navigator.mediaDevices.getDisplayMedia = () => new Promise(() => {});
    });
    await person.press('screen');
    await person.press('copy');
    await person.page.waitForSelector('[data-failure="copy"]');
    await look(person, 'one thing under way, another one that came to nothing');
    await person.press('dismiss-failure');
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
    await person.page.setInputFiles('input[type="file"]', { name: 'a.txt', mimeType: '', buffer: Buffer.from('a') });
    await other.page.setInputFiles('input[type="file"]', { name: 'b.txt', mimeType: '', buffer: Buffer.from('b') });
    await person.page.waitForSelector('[data-file="offered"]');
    await person.page.waitForSelector('[data-transfer="offered"]');
    await look(person, 'files');
    await person.press('accept-file');
    await person.page.waitForSelector('[data-file="done"]');
    await look(person, 'a file that came');
    await person.page.focus('[data-action="mic"]');
    await person.page.keyboard.press('?');
    await person.page.waitForSelector('dialog');
    await look(person, 'keys');
    await person.page.keyboard.press('Escape');
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
