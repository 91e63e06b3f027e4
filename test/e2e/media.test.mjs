import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { denied, launch, newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';

const here = stage();
let refusing, equipped;
before(async () => {
  refusing = await launch({ args: denied });
  equipped = await launch({
    args: ['--use-fake-device-for-media-stream=device-count=2,fps=10', '--use-fake-ui-for-media-stream'],
  });
});
after(() => Promise.all([refusing?.close(), equipped?.close()]));

const enabled = (person, kind, value) =>
  person.page.waitForFunction(
    ([wanted, state]) =>
      document.querySelector('video[data-local]').srcObject.getTracks().find((t) => t.kind === wanted).enabled === state,
    [kind, value],
  );

test('the microphone button silences and unsilences', async () => {
  const { first, second } = await here.couple();
  await second.hears(true);

  await first.press('mic');
  await first.pressed('mic', false);
  await enabled(first, 'audio', false);
  await second.page.waitForSelector('.call-head .muted');
  await second.hears(false);

  await first.press('mic');
  await first.pressed('mic', true);
  await second.page.waitForSelector('.call-head .muted', { state: 'detached' });
  await second.hears(true);
});

test('the camera button darkens the picture and brings it back', async () => {
  const { first, second } = await here.couple();
  await second.waitForBrightness(false);
  await first.press('camera');
  await first.pressed('camera', false);
  await enabled(first, 'video', false);
  await second.waitForBrightness(true);
  await second.page.waitForSelector('.no-picture:has-text("Camera is off")');
  await first.press('camera');
  await first.pressed('camera', true);
  await second.waitForBrightness(false);
  await second.page.waitForSelector('.no-picture', { state: 'detached' });
});

test('who denies camera and microphone is told so and can still watch and listen', async () => {
  const room = newRoom();
  const [shy, other] = [await here.person({ browser: refusing }), await here.person()];
  await shy.open(`/r/${room}`);
  assert.match(await shy.seesError('media-blocked'), /camera and microphone are blocked.*You can still join/);
  await shy.press('join');
  await shy.state('waiting');
  await other.join(room);
  await Promise.all([shy.inCall(), other.state('connected')]);
  await shy.receives();
});

test('who denies may also be the second to come', async () => {
  const room = newRoom();
  const [shy, other] = [await here.person({ browser: refusing }), await here.person()];
  await other.join(room);
  await other.state('waiting');
  await shy.join(room);
  await Promise.all([shy.inCall(), other.state('connected')]);
  await shy.receives();
  await other.page.waitForSelector('.no-picture');
});

test('who denied them may ask again in the call, and is told why it still fails', async () => {
  const room = newRoom();
  const [shy, other] = [await here.person({ browser: refusing }), await here.person()];
  await other.join(room);
  await other.state('waiting');
  await shy.join(room);
  await shy.state('connected');
  await shy.page.waitForSelector('[data-error]', { state: 'detached' });
  await shy.press('mic');
  assert.match(await shy.seesError('media-blocked'), /blocked.*icon next to the address/);
  await shy.press('dismiss');
  await shy.page.waitForSelector('[data-error]', { state: 'detached' });
  await shy.pressed('mic', false);
});

test('another camera and microphone are taken up without a new connection', async () => {
  const room = newRoom();
  const [first, second] = [await here.person({ browser: equipped }), await here.person()];
  await first.join(room);
  await first.state('waiting');
  await second.join(room);
  await Promise.all([first.inCall(), second.inCall()]);
  await first.opens('settings');
  for (const kind of ['camera', 'microphone']) {
    const chosen = first.page.locator(`#device-${kind}`);
    const options = await chosen.locator('option').evaluateAll((all) => all.map((option) => option.value));
    const before = await chosen.inputValue();
    // And back: of the invented cameras only the first has pictures.
    for (const wanted of [options.findLast((id) => id !== before && id !== 'default'), before]) {
      await chosen.selectOption(wanted);
      await first.page.waitForFunction(
        ([media, id]) => {
          const [sender] = globalThis.peerConnections.at(-1).getSenders().filter(({ track }) => track?.kind === media);
          return sender?.track.getSettings().deviceId === id && sender.track.readyState === 'live';
        },
        [kind === 'camera' ? 'video' : 'audio', wanted],
      );
      await first.page.waitForSelector(`#device-${kind}:not([aria-busy])`);
    }
  }
  await second.receives();
  assert.equal(await first.page.evaluate(() => globalThis.peerConnections.length), 1);
  assert.equal(await second.page.evaluate(() => globalThis.peerConnections.length), 1);
});

test('the loudspeaker can be tried before the call', async () => {
  const person = await here.person();
  await person.page.addInitScript(() => {
    globalThis.notes = 0;
    const { start } = OscillatorNode.prototype;
    OscillatorNode.prototype.start = function (...when) {
      globalThis.notes += 1;
      return start.apply(this, when);
    };
  });
  await person.open(`/r/${newRoom()}`);
  await person.opens('settings');
  await person.press('speaker-test');
  await person.page.waitForSelector('[data-action="speaker-test"][aria-busy]');
  await person.page.waitForSelector('[data-action="speaker-test"]:not([aria-busy])');
  assert.equal(await person.page.evaluate(() => globalThis.notes), 1);
});

test('sound goes before pictures where there is not enough for both', async () => {
  const { first, second } = await here.couple();
  for (const { page } of [first, second]) {
    const priorities = await page.evaluate(() =>
      globalThis.peerConnections
        .filter((pc) => pc.connectionState === 'connected')
        .pop()
        .getSenders()
        .filter(({ track }) => track)
        .map((sender) => [sender.track.kind, sender.getParameters().encodings[0].priority]),
    );
    assert.deepEqual(Object.fromEntries(priorities), { audio: 'high', video: 'low' });
  }
});

test('a camera that stops by itself is named, and can be had again', async () => {
  const { first, second } = await here.couple();
  await second.waitForBrightness(false);
  await first.page.evaluate(() => {
    const track = document.querySelector('video[data-local]').srcObject.getVideoTracks()[0];
    track.stop();
    track.dispatchEvent(new Event('ended'));
  });
  assert.match(await first.seesError('media-ended'), /Your camera stopped.*Plug it in again/);
  await second.page.waitForSelector('.no-picture:has-text("Camera is off")');
  await first.press('retry-media');
  await first.page.waitForSelector('[data-error]', { state: 'detached' });
  await first.pressed('camera', true);
  await second.page.waitForSelector('.no-picture', { state: 'detached' });
  await second.receives();
});

test('who has no camera is heard', async () => {
  const room = newRoom();
  const [first, second, third] = [await here.person(), await here.person(), await here.person()];
  await first.join(room, '&name=Ada&video=false');
  await first.state('waiting');
  await second.join(room, '&name=Bo&video=false');
  await Promise.all([first.inCall(), second.inCall()]);
  await third.join(room, '&name=Cy');
  await Promise.all([first, second, third].map((person) => person.inCall(2)));
  for (const { page } of [first, second, third]) {
    await page.waitForFunction(() =>
      [...document.querySelectorAll('video[data-peer]')].every(({ currentTime, muted }) => currentTime > 0.5 && !muted),
    );
  }
  assert.equal(await third.page.locator('.no-picture:has-text("Camera is off")').count(), 2);
});

test('two people without any device are still connected', async () => {
  const room = newRoom();
  const [first, second] = [await here.person({ browser: refusing }), await here.person({ browser: refusing })];
  await first.join(room, '&name=Ada');
  await first.state('waiting');
  await second.join(room);
  await Promise.all([first.state('connected'), second.state('connected')]);
  await second.page.waitForSelector('.no-picture:has-text("Ada")');
});
