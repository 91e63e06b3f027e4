// The numbers behind a call, and the report that one sends to who runs the server.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRoom } from './browser.mjs';
import { Firefox, FirefoxPerson } from './firefox.mjs';
import { stage } from './fixture.mjs';

const here = stage();

const shoot = (person, name) =>
  process.env.AHOY_SHOTS && person.page.screenshot({ path: `${process.env.AHOY_SHOTS}/stats-${name}.png` });

const value = (person, name) =>
  person.page.$$eval(
    '[data-panel="stats"] dl > div',
    (rows, wanted) => rows.find((row) => row.querySelector('dt').textContent === wanted)?.querySelector('dd').innerText ?? '',
    name,
  );

/** Waits until this row says something that matches. */
const says = (person, name, pattern) =>
  person.page.waitForFunction(
    ([wanted, source]) =>
      [...document.querySelectorAll('[data-panel="stats"] dl > div')].some(
        (row) => row.querySelector('dt').textContent === wanted && new RegExp(source).test(row.querySelector('dd').innerText),
      ),
    [name, pattern.source],
  );

const readings = (person) =>
  person.page.$eval('.plots svg path:not(.base)', (path) => path.getAttribute('d').split(/[ML]/).length - 1);

test('the numbers of a call move, and say in words what the curves show', async () => {
  const { first } = await here.couple();
  await first.opens('stats');
  await says(first, 'Receiving', /\d (k|M)bit\/s/);
  await says(first, 'Sending', /\d (k|M)bit\/s/);
  await says(first, 'Round trip', /^\d+ ms/);
  await says(first, 'Jitter', /^\d+ ms/);
  await says(first, 'Loss', /^[\d.]+ %/);
  await says(first, 'Route', /^direct, UDP/);
  await says(first, 'Picture in', /\d+ × \d+, \d+ fps, VP[89]|H264|AV1/);
  await says(first, 'Sound in', /opus/);
  const frames = async () => Number(/([\d,]+) frames/.exec(await value(first, 'Picture in'))?.[1].replace(',', ''));
  const [before, drawn] = [await frames(), await readings(first)];
  await first.page.waitForFunction(
    (n) => document.querySelector('.plots svg path:not(.base)').getAttribute('d').split(/[ML]/).length > n + 3,
    drawn,
  );
  assert.ok((await frames()) > before, 'frames are counted');
  const words = await first.page.textContent('.plots > div:has(dt:text-is("Receiving")) dd');
  assert.match(words, /In the last minute [\d.,]+ .bit\/s to [\d.,]+ .bit\/s/);
});

test('a shared screen has its own rows, on both sides', async () => {
  const { first, second } = await here.couple();
  await first.press('screen');
  await first.pressed('screen', true);
  await first.opens('stats');
  await second.opens('stats');
  await says(first, 'Screen out', /\d+ × \d+/);
  await says(second, 'Screen in', /\d+ × \d+/);
  await says(second, 'Picture in', /\d+ × \d+/);
});

test('addresses are masked until one asks', async () => {
  const { first } = await here.couple();
  await first.opens('stats');
  await says(first, 'Yours', /…/);
  assert.doesNotMatch(await value(first, 'Yours'), /:\d+$/m);
  await first.press('addresses');
  await first.pressed('addresses', true);
  await says(first, 'Yours', /(\d+\.\d+|:[0-9a-f]*\]|\.local):\d+/);
  await first.press('addresses');
  await says(first, 'Yours', /…/);
});

test('a report is copied as it is shown, and contains no secret', async () => {
  const settings = { permissions: ['clipboard-read', 'clipboard-write', 'camera', 'microphone'] };
  const { first, second, room } = await here.couple('', undefined, settings);
  await second.write('the password is swordfish');
  await first.reads('swordfish');
  await first.opens('stats');
  await says(first, 'Receiving', /\d (k|M)bit\/s/);
  await first.press('copy-report');
  await first.glimpses('Report copied');
  const report = await first.page.evaluate(() => navigator.clipboard.readText());

  assert.match(report, /^Ahoy, a call at \d{4}-\d\d-\d\dT/);
  assert.match(report, /\nstate: connected, for \d+ s\n/);
  assert.match(report, /\nserver: \d+ ms away\nrelay: offered\nparticipant: \d+\nswitched on: microphone, camera\n/);
  assert.match(report, /\nWith \d+: connected\n {2}path: (host|prflx|srflx) \S*… -> (host|prflx|srflx)\b.*, udp, direct\n/);
  assert.match(report, /\n {2}receiving: \d+ kbit\/s \(\d+ to \d+\)\n/);
  assert.match(report, /\n {2}picture in: \d+ x \d+, \d+ fps, \w+, \d+ frames, \d+ dropped/);

  const secrets = await first.page.evaluate(async () => {
    const pc = globalThis.peerConnections.at(-1);
    const servers = pc.getConfiguration().iceServers.flatMap(({ username, credential }) => [username, credential]);
    const sdp = [pc.localDescription.sdp, pc.remoteDescription.sdp].flatMap((text) =>
      [...text.matchAll(/^a=(?:ice-ufrag|ice-pwd|fingerprint):(.*)$/gm)].map(([, secret]) => secret.trim()),
    );
    const all = [...(await pc.getStats()).values()];
    const addresses = all.flatMap(({ address, port }) => (address ? [address, `:${port}`] : []));
    return [...servers, ...sdp, ...addresses].filter(Boolean);
  });
  assert.ok(secrets.length > 8, `${secrets.length} secrets`);
  for (const secret of [...secrets, room, 'Ada', 'swordfish', 'password', 'turn:', 'token', 'resume']) {
    assert.ok(!report.includes(secret), `"${secret}" is in the report:\n${report}`);
  }
  assert.doesNotMatch(report, /\bBo\b/);

  await first.page.click('.report summary');
  const shown = await first.page.textContent('.report pre');
  const shape = (text) => text.replace(/\d+(\.\d+)?/g, '0').replace(/\?/g, '0');
  assert.equal(shape(shown).split('\n').length, shape(report).split('\n').length);
});

test('Firefox has the same numbers', async () => {
  const room = newRoom();
  const bo = await here.person();
  await bo.join(room, '&name=Bo');
  await bo.state('waiting');
  const fox = await Firefox.launch();
  try {
    const ada = await FirefoxPerson.at(fox, here.server);
    await ada.join(room, '&name=Ada');
    await ada.inCall();
    await ada.press('stats');
    const rows = { 'Round trip': 'ms$', Jitter: 'ms$', Receiving: 'bit/s$', Sending: 'bit/s$', Loss: '%$', 'Frames a second in': '^\\d+$', Route: 'direct, UDP', 'Picture in': '\\d+ × \\d+', 'Sound out': 'opus' };
    await ada.page.waitForFunction(
      (wanted) => {
        const found = [...document.querySelectorAll('[data-panel="stats"] dl > div')];
        return Object.entries(wanted).every(([name, pattern]) =>
          found.some((row) => row.querySelector('dt').textContent === name && new RegExp(pattern, 'm').test(row.querySelector('dd').firstChild.textContent)),
        );
      },
      {},
      rows,
    );
  } finally {
    await fox.close();
  }
});

test('each of several people has numbers of their own', async () => {
  const { people } = await here.group(['Ada', 'Bo', 'Cy']);
  const [ada] = people;
  await ada.opens('stats');
  await ada.page.waitForFunction(() => document.querySelectorAll('.person-stats').length === 2);
  const names = await ada.page.$$eval('.person-stats summary .peer-name', (all) => all.map((e) => e.textContent));
  assert.deepEqual(names.sort(), ['Bo', 'Cy']);
  await ada.page.click('.person-stats:not([open]) summary');
  await ada.page.waitForFunction(() => document.querySelectorAll('.person-stats[open]').length === 2);
  await shoot(ada, 'three');
});

for (const colorScheme of ['light', 'dark']) {
  for (const [device, context] of [
    ['desktop', {}],
    ['phone', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }],
  ]) {
    test(`pictures of the panel: ${device}, ${colorScheme}`, { skip: process.env.AHOY_SHOTS ? false : 'AHOY_SHOTS names no folder' }, async () => {
      const { first } = await here.couple('', undefined, { colorScheme, ...context });
      await first.opens('stats');
      await first.page.waitForFunction(() =>
        (document.querySelector('.plots svg path:not(.base)')?.getAttribute('d').split(/[ML]/).length ?? 0) > 20);
      await shoot(first, `${device}-${colorScheme}`);
      await first.page.evaluate(() => document.querySelector('.report').scrollIntoView());
      await first.page.click('.report summary');
      await first.page.evaluate(() => document.querySelector('.report pre').scrollIntoView());
      await shoot(first, `${device}-${colorScheme}-report`);
    });
  }
}
