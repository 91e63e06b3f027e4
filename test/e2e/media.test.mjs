import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { denied, launch, newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';

const here = stage();
let refusing;
before(async () => {
  refusing = await launch({ args: denied });
});
after(() => refusing?.close());

const pressed = (person, action) =>
  person.page.getAttribute(`[data-action="${action}"]`, 'aria-pressed');
const enabled = (person, kind) =>
  person.page.evaluate(
    (wanted) =>
      document.querySelector('video[data-local]').srcObject.getTracks().find((t) => t.kind === wanted).enabled,
    kind,
  );

test('the microphone button silences and unsilences', async () => {
  const { first, second } = await here.couple();
  assert.ok((await second.receives({ packets: 100 })).energy > 0.001, 'heard before');

  await first.press('mic');
  assert.equal(await pressed(first, 'mic'), 'false');
  assert.equal(await enabled(first, 'audio'), false);
  await second.page.waitForSelector('.call-head .muted');
  await second.receives(); // what was on its way
  assert.ok((await second.receives({ packets: 100 })).energy < 0.0001, 'silent while muted');

  await first.press('mic');
  assert.equal(await pressed(first, 'mic'), 'true');
  await second.page.waitForSelector('.call-head .muted', { state: 'detached' });
  assert.ok((await second.receives({ packets: 100 })).energy > 0.001, 'heard again');
});

test('the camera button darkens the picture and brings it back', async () => {
  const { first, second } = await here.couple();
  await second.waitForBrightness(false);
  await first.press('camera');
  assert.equal(await pressed(first, 'camera'), 'false');
  assert.equal(await enabled(first, 'video'), false);
  await second.waitForBrightness(true);
  await second.page.waitForSelector('.no-picture:has-text("Camera is off")');
  await first.press('camera');
  assert.equal(await pressed(first, 'camera'), 'true');
  await second.waitForBrightness(false);
  await second.page.waitForSelector('.no-picture', { state: 'detached' });
});

test('who denies camera and microphone is told so and can still watch and listen', async () => {
  const room = newRoom();
  const [shy, other] = [await here.person({ browser: refusing }), await here.person()];
  await shy.open(`/r/${room}`);
  assert.match(await shy.seesError('media-blocked'), /blocked/);
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

test('two people without any device are still connected', async () => {
  const room = newRoom();
  const [first, second] = [await here.person({ browser: refusing }), await here.person({ browser: refusing })];
  await first.join(room, '&name=Ada');
  await first.state('waiting');
  await second.join(room);
  await Promise.all([first.state('connected'), second.state('connected')]);
  await second.page.waitForSelector('.no-picture:has-text("Ada")');
});
