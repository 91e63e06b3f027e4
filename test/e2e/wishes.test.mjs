// AppRTC's URL parameters, by what then flows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRoom } from './browser.mjs';
import { stage } from './fixture.mjs';

const here = stage();

/** What is sent and received by the newest connection: codecs, the sender's limit, and what the encoder aims at. */
const streams = (person) =>
  person.page.evaluate(async () => {
    const pc = globalThis.peerConnections.filter((c) => c.connectionState === 'connected').pop();
    const report = await pc.getStats();
    const all = [...report.values()];
    const rtp = (type, kind) => {
      const found = all.find((s) => s.type === type && s.kind === kind);
      return { codec: report.get(found?.codecId)?.mimeType.split('/')[1] ?? '', aim: found?.targetBitrate ?? NaN };
    };
    const limit = (kind) =>
      pc.getSenders().find(({ track }) => track?.kind === kind)?.getParameters().encodings[0].maxBitrate ?? null;
    return {
      sent: { ...rtp('outbound-rtp', 'video'), limit: limit('video') },
      received: rtp('inbound-rtp', 'video'),
      sound: { ...rtp('outbound-rtp', 'audio'), limit: limit('audio') },
      transports: all.filter((s) => s.type === 'local-candidate').map((s) => s.relayProtocol ?? s.candidateType),
    };
  });

/** Two people, the first by such an address; both are seen. */
async function call(query) {
  const room = newRoom();
  const [first, second] = [await here.person(), await here.person()];
  await first.join(room, query);
  await first.state('waiting');
  await second.join(room);
  await Promise.all([first.inCall(), second.inCall()]);
  await Promise.all([first.receives(), second.receives()]);
  return { first, second };
}

test('vrc: one gets the codec that one asked for', async () => {
  const { first } = await call('&vrc=VP9');
  assert.equal((await streams(first)).received.codec, 'VP9');
});

test('vsc: one sends the codec that one asked for, also when the other side made the offer', async () => {
  const { first, second } = await call('&vsc=VP9');
  assert.equal((await streams(first)).sent.codec, 'VP9');
  assert.equal((await streams(second)).received.codec, 'VP9');
});

test('a codec that nobody has is no reason not to talk', async () => {
  const { first } = await call('&vsc=theora&arc=speex&vrc=h261');
  assert.notEqual((await streams(first)).sent.codec, '');
});

test('vsbr, asbr: no more is sent than that', async () => {
  const { first, second } = await call('&vsbr=200&asbr=24');
  const { sent, sound } = await streams(first);
  assert.equal(sent.limit, 200_000);
  assert.equal(sound.limit, 24_000);
  assert.ok(sent.aim <= 200_000, `${sent.aim} is more`);
  assert.equal((await streams(second)).sent.limit, 2_500_000);
});

test('vrbr: the other side is asked to send no more, and does not', async () => {
  const { first, second } = await call('&vrbr=150');
  const { aim } = (await streams(second)).sent;
  assert.ok(aim <= 150_000, `${aim} is more`);
  assert.equal((await streams(first)).sent.limit, 2_500_000);
});

test('tt, it: the relay is reached by that transport alone', async () => {
  const { first } = await call('&it=relay&tt=tcp');
  assert.deepEqual([...new Set((await streams(first)).transports)], ['tcp']);
});

test('audio=false, video=false: no device is asked for until a button is pressed', async () => {
  const person = await here.person();
  await person.join(newRoom(), '&audio=false&video=false');
  await person.state('waiting');
  await person.pressed('mic', false);
  await person.pressed('camera', false);
  assert.equal(await person.page.locator('[data-error]').count(), 0);
  await person.press('camera');
  await person.pressed('camera', true);
  await person.pressed('mic', false);
});

test('hd: the camera is asked for it, and the parameters go along to another room', async () => {
  const person = await here.person();
  await person.page.addInitScript(() => {
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (wish) => {
      globalThis.asked = wish;
      return ask(wish);
    };
  });
  await person.open('/?hd=true&name=Ada');
  await person.state('lobby');
  await person.press('join');
  await person.state('waiting');
  assert.match(person.page.url(), /\/r\/[\w-]+\?hd=true$/);
  const { width, height } = await person.page.evaluate(() => globalThis.asked.video);
  assert.deepEqual([width, height], [{ min: 1280 }, { min: 720 }]);
});
