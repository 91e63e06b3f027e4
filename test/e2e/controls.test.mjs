// No dead button: what each control shows between the press and its effect, and what it says when there is none.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';
import { textsIn } from './texts.mjs';

const here = stage();
const all = { permissions: ['clipboard-read', 'clipboard-write', 'camera', 'microphone'] };
const languages = { en: textsIn('en'), de: textsIn('de') };

const isBusy = (person, action) => person.page.waitForSelector(`[data-action="${action}"][aria-busy="true"]`);
const isIdle = (person, action) => person.page.waitForSelector(`[data-action="${action}"]:not([aria-busy], [data-failed])`);

/** The control is marked, its words are read out, and with them it is dismissed. */
async function saysWhy(person, task, words, action = task) {
  const notice = await person.page.waitForSelector(`[role="alert"][data-failure="${task}"]`);
  assert.equal(await notice.$eval('p', (p) => p.textContent), words);
  await person.page.waitForSelector(`[data-action="${action}"][data-failed][aria-describedby="failure"]`);
  const toCopy = await notice.$eval('div', (div) => div.querySelector('.to-copy')?.textContent ?? null);
  await person.press('dismiss-failure');
  await isIdle(person, action);
  return toCopy;
}

/** Runs in the page: these functions of an object give an answer when a test does, which is what it says. */
function hold([path, name]) {
  const object = path.split('.').reduce((value, key) => value[key], globalThis);
  const original = object[name];
  globalThis.asked ??= {};
  globalThis.answer ??= {};
  globalThis.asked[name] = 0;
  object[name] = function (...args) {
    globalThis.asked[name] += 1;
    return new Promise((resolve, reject) => {
      globalThis.answer[name] = (error) => {
        if (error) reject(new DOMException('', error));
        else resolve(original.apply(this, args));
      };
    });
  };
}
const holds = (person, path, name) => person.page.addInitScript(hold, [path, name]);
const asked = (person, name) => person.page.evaluate((n) => globalThis.asked[n], name);
/** Without an error it is done as the browser does it. */
async function answers(person, name, error = '') {
  await person.page.waitForFunction((n) => globalThis.answer[n], name);
  await person.page.evaluate(
    ([n, e]) => {
      globalThis.answer[n](e);
      delete globalThis.answer[n];
    },
    [name, error],
  );
}

/** Between a person and the server: requests of these types wait until a test lets them through or refuses. */
async function slowServer(person, ...types) {
  const server = { held: [], count: 0 };
  await person.page.routeWebSocket('**/v1/ws', (socket) => {
    const real = socket.connectToServer();
    socket.onMessage((text) => {
      const frame = JSON.parse(text);
      if (!types.includes(frame.type)) return real.send(text);
      server.count += 1;
      server.held.push({
        pass: () => real.send(text),
        refuse: (code) => socket.send(JSON.stringify({ type: 'error', id: frame.id, code, message: '', retry: false })),
      });
    });
  });
  server.next = async () => {
    while (server.held.length === 0) await person.page.evaluate(() => new Promise(requestAnimationFrame));
    return server.held.shift();
  };
  return server;
}

test('a camera that takes its time says so, the microphone can be muted meanwhile, and nothing stays on', async () => {
  const person = await here.person();
  await holds(person, 'navigator.mediaDevices', 'getUserMedia');
  await person.open(`/r/${newRoom()}`);
  await Promise.all([isBusy(person, 'mic'), isBusy(person, 'camera')]);
  await answers(person, 'getUserMedia');
  await person.pressed('mic', true);
  await person.opens('settings');
  await person.page.waitForSelector('#device-camera option', { state: 'attached' });
  await person.page.$eval('#device-camera', (select) => select.dispatchEvent(new Event('change', { bubbles: true })));
  await isBusy(person, 'camera');
  await person.page.waitForSelector('#device-camera[aria-busy="true"]');
  await isIdle(person, 'mic');
  await person.press('mic');
  await person.pressed('mic', false);
  await answers(person, 'getUserMedia', 'NotReadableError');
  assert.match(await person.seesError('media-busy'), /Your camera did not start.*Close the other program/);
  await isIdle(person, 'camera');
  await person.press('camera');
  await isBusy(person, 'camera');
  await answers(person, 'getUserMedia');
  await person.pressed('camera', true);
  await person.page.waitForSelector('[data-error]', { state: 'detached' });
});

test('who leaves while the browser asks has nothing switched on by the answer', async () => {
  const person = await here.person();
  await person.page.addInitScript(() => {
    globalThis.opened = [];
    const { getUserMedia } = navigator.mediaDevices;
    navigator.mediaDevices.getUserMedia = async function (...args) {
      const stream = await getUserMedia.apply(this, args);
      globalThis.opened.push(...stream.getTracks());
      return stream;
    };
  });
  await holds(person, 'navigator.mediaDevices', 'getUserMedia');
  await person.join(newRoom());
  await person.state('joining');
  await person.press('leave');
  await person.state('left');
  await answers(person, 'getUserMedia');
  await person.page.waitForFunction(
    () => globalThis.opened.length === 2 && globalThis.opened.every((track) => track.readyState === 'ended'),
  );
  await person.press('rejoin');
  await person.state('joining');
  await answers(person, 'getUserMedia');
  await person.state('waiting');
  await person.pressed('camera', true);
});

test('who does not want to wait for devices joins without, and they come along later', async () => {
  const room = newRoom();
  const [first, second] = [await here.person(), await here.person()];
  await second.join(room, '&name=Bo');
  await second.state('waiting');
  await holds(first, 'navigator.mediaDevices', 'getUserMedia');
  await first.join(room, '&name=Ada');
  await first.page.click('[data-action="enter-now"]:has-text("Join without waiting")');
  await first.inCall();
  await second.page.waitForSelector('.no-picture:has-text("Camera is off")');
  await isBusy(first, 'camera');
  await answers(first, 'getUserMedia');
  await first.pressed('camera', true);
  await second.page.waitForSelector('.no-picture', { state: 'detached' });
  await second.receives();
});

test('who joins before the server has made a name sees that the button is at work', async () => {
  const person = await here.person();
  let name;
  const named = new Promise((resolve) => (name = resolve));
  await person.page.route('**/v1/names', async (route) => {
    await named;
    await route.fulfill({ json: { room: 'made-by-the-server', required: true } });
  });
  await person.page.addInitScript(() => (AbortSignal.timeout = () => new AbortController().signal)); // our patience is longer
  await person.open('/');
  await person.state('lobby');
  await person.press('join');
  await isBusy(person, 'join');
  name();
  await person.state('waiting');
  assert.equal(person.page.url(), `${here.server.url}/r/made-by-the-server`);
});

for (const [language, t] of Object.entries(languages)) {
  const speaking = (settings = {}) => here.person({ locale: language, ...settings });

  test(`a screen that is not shared: no second question, and each reason in words, ${language}`, async () => {
    const person = await speaking();
    await holds(person, 'navigator.mediaDevices', 'getDisplayMedia');
    await person.join(newRoom());
    await person.state('waiting');
    for (const [error, words] of [
      ['NotAllowedError', t.screen.NotAllowedError],
      ['InvalidStateError', t.screen.InvalidStateError],
      ['NotReadableError', t.screen.other],
    ]) {
      const before = await asked(person, 'getDisplayMedia');
      await person.press('screen');
      await isBusy(person, 'screen');
      await person.press('screen');
      assert.equal(await asked(person, 'getDisplayMedia'), before + 1);
      await answers(person, 'getDisplayMedia', error);
      await saysWhy(person, 'screen', words);
      await person.pressed('screen', false);
    }
    await person.press('screen');
    await answers(person, 'getDisplayMedia');
    await person.pressed('screen', true);
  });

  test(`what the server is slow to do is under way, and what it refuses has words, ${language}`, async () => {
    const room = newRoom();
    const [host, guest] = [await speaking(all), await here.person()];
    const server = await slowServer(host, 'room', 'invite', 'mute', 'host', 'remove', 'close', 'chat');
    await host.join(room, '&name=Ada');
    await host.state('waiting');
    await guest.join(room, '&name=Bo');
    await Promise.all([host.inCall(), guest.inCall()]);
    await host.manages('Bo');
    const tries = [
      ['lock', 'lock'],
      ['lobby', 'lobby'],
      ['invite', 'invite'],
      ['ask-mic', /^ask-mic \d+$/],
      ['make-host', /^make-host \d+$/],
      ['remove', /^remove \d+$/],
      ['close', 'close'],
    ];
    for (const [action] of tries) {
      const twice = action === 'remove' || action === 'close';
      await host.press(action);
      if (twice) await host.press(action);
      await isBusy(host, action);
      const { count } = server;
      await host.press(action);
      if (twice) await host.press(action);
      assert.equal(server.count, count, `${action}: pressed again, asked once`);
      (await server.next()).refuse('not-host');
      const notice = await host.page.waitForSelector('[data-failure]');
      await saysWhy(host, await notice.getAttribute('data-failure'), t.refusals['not-host'], action);
    }
    await host.press('lock');
    (await server.next()).pass();
    await host.pressed('lock', true);
    await isIdle(host, 'lock');
    await host.press('close'); // once: nothing is sent
    await host.opens('chat');
    await host.page.fill('textarea', 'long words');
    await host.press('send');
    await host.page.waitForSelector(`.line:has-text("${t.chat.sending}")`);
    await host.page.fill('textarea', 'more');
    (await server.next()).refuse('too-large');
    await saysWhy(host, 'send', t.refusals['too-large']);
    assert.equal(await host.page.inputValue('textarea'), 'long words\nmore', 'nothing written is lost');
  });

  test(`what cannot be copied can be selected, ${language}`, async () => {
    const room = newRoom();
    const person = await speaking();
    const link = `${here.server.url}/r/${room}`;
    await holds(person, 'navigator.clipboard', 'writeText');
    await person.join(room);
    await person.state('waiting');
    const fails = async (action) => {
      await person.press(action);
      await isBusy(person, action);
      await answers(person, 'writeText', 'NotAllowedError');
      return saysWhy(person, action, t.toasts.notCopied);
    };
    assert.equal(await fails('copy'), link);
    assert.equal(await person.page.textContent('[data-action="copy"]'), t.waiting.copy, 'it does not say that it has');
    await person.opens('people');
    assert.match(await fails('invite'), new RegExp(`^${link}#invite=.+`));
    await person.opens('stats');
    assert.match(await fails('copy-report'), /^Ahoy/);
    const other = await here.person();
    await other.join(room);
    await person.inCall();
    assert.equal(await fails('copy'), link);
  });

  test(`a speaker that cannot be used, a test that nobody can hear, a screen that is not filled, ${language}`, async () => {
    const person = await speaking();
    await holds(person, 'HTMLMediaElement.prototype', 'setSinkId');
    await holds(person, 'Element.prototype', 'requestFullscreen');
    await person.page.addInitScript(() => {
      OscillatorNode.prototype.start = () => {
        throw new DOMException('', 'InvalidStateError');
      };
    });
    await person.join(newRoom());
    await person.state('waiting');
    await person.press('fullscreen');
    await isBusy(person, 'fullscreen');
    await answers(person, 'requestFullscreen', 'TypeError');
    await saysWhy(person, 'fullscreen', t.toasts.notFullscreen);
    await person.page.keyboard.press('f');
    await answers(person, 'requestFullscreen');
    await person.pressed('fullscreen', true);
    await person.page.keyboard.press('f');
    await person.pressed('fullscreen', false);
    await person.opens('settings');
    await person.press('speaker-test');
    await saysWhy(person, 'speaker-test', t.settings.noSound);
    const speaker = person.page.locator('#device-speaker');
    await speaker.locator('option').first().waitFor({ state: 'attached' });
    const before = await speaker.inputValue();
    const others = await speaker.locator('option').evaluateAll((options) => options.map(({ value }) => value));
    await speaker.selectOption(others.find((value) => value !== before));
    await person.page.waitForSelector('#device-speaker[aria-busy="true"]');
    await answers(person, 'setSinkId', 'NotFoundError');
    await person.page.waitForSelector('#device-speaker[data-failed]');
    await person.page.waitForSelector(`[data-failure="speaker"]:has-text("${t.settings.noSpeaker}")`);
    assert.equal(await speaker.inputValue(), before, 'the old one stays');
  });

  test(`a file that nobody can get or that is too large is not offered, ${language}`, async () => {
    const room = newRoom();
    const [person, other] = [await speaking(), await here.person()];
    await person.join(room);
    await person.state('waiting');
    await person.opens('chat');
    await person.press('attach');
    await saysWhy(person, 'attach', t.files.nobody);
    await other.join(room);
    await person.inCall();
    await person.page.evaluate(() => {
      const large = new File([], 'large.bin');
      Object.defineProperty(large, 'size', { value: 1e9 });
      const input = document.querySelector('input[type="file"]');
      Object.defineProperty(input, 'files', { value: [large, new File(['a'], 'small.txt')], configurable: true });
      input.dispatchEvent(new Event('change', { bubbles: true }));
    });
    const notice = await person.page.waitForSelector('[data-failure="attach"]');
    assert.ok((await notice.textContent()).startsWith(t.files.tooLarge('large.bin', '').slice(0, 14)));
    await person.page.waitForSelector('[data-file]:has-text("small.txt")');
    assert.equal(await person.page.locator('[data-file]').count(), 1);
    await person.press('leave');
    await person.state('left');
    assert.equal(await person.page.locator('[data-failure]').count(), 0, 'no news any more');
  });

  test(`a link that is not shared can be copied, ${language}`, async () => {
    const person = await speaking({ isMobile: true, hasTouch: true });
    const room = newRoom();
    await person.page.addInitScript(() => (navigator.share = () => {}));
    await holds(person, 'navigator', 'share');
    await person.join(room);
    await person.state('waiting');
    await person.press('share');
    await isBusy(person, 'share');
    await answers(person, 'share', 'AbortError');
    await isIdle(person, 'share');
    await person.press('share');
    await answers(person, 'share', 'NotAllowedError');
    assert.equal(await saysWhy(person, 'share', t.toasts.notShared), `${here.server.url}/r/${room}`);
  });
}

test('who leaves while they choose a screen shares none', async () => {
  const person = await here.person();
  await holds(person, 'navigator.mediaDevices', 'getDisplayMedia');
  await person.page.addInitScript(() => {
    const { getDisplayMedia } = navigator.mediaDevices;
    navigator.mediaDevices.getDisplayMedia = async function (...args) {
      globalThis.shared = await getDisplayMedia.apply(this, args);
      return globalThis.shared;
    };
  });
  await person.join(newRoom());
  await person.state('waiting');
  await person.press('screen');
  await isBusy(person, 'screen');
  await person.press('leave');
  await person.state('left');
  await answers(person, 'getDisplayMedia');
  await person.page.waitForFunction(() => globalThis.shared?.getTracks().every((track) => track.readyState === 'ended'));
});
