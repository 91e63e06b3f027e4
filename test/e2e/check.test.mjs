// The page /check: what it finds in networks and at servers of several kinds, and what it says then.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { certify, shows, trust } from '../authority.mjs';
import { look } from './axe.mjs';
import { blackHole, deafFront, eachUrl, portOf, rewrites } from './blocked.mjs';
import { denied, launch, patience } from './browser.mjs';
import { executable as firefox, Firefox } from './firefox.mjs';
import { stage } from './fixture.mjs';
import { Server } from './server.mjs';

const relay = 'turn.relay_addresses=["127.0.0.1"]';

// Chromium's own trust is in the NSS database of its user.
const folder = mkdtempSync(join(tmpdir(), 'ahoy-check-'));
const authority = await certify(folder, 'IP:127.0.0.1');
mkdirSync(join(folder, '.pki/nssdb'), { recursive: true });
await trust(authority, join(folder, '.pki/nssdb'));
const env = { ...process.env, HOME: folder };

const here = stage({
  server: {
    settings: [relay, ...shows(authority), 'turn.tls_listen=["127.0.0.1:0"]'],
  },
  browser: { env },
});
const browsers = {};
before(async () => {
  browsers.denied = await launch({ args: denied });
  browsers.blind = await launch({
    args: ['--use-fake-device-for-media-stream=device-count=0', '--use-fake-ui-for-media-stream'],
  });
});
after(async () => {
  for (const browser of Object.values(browsers)) await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

/** By keyboard, as all of it can be done. */
async function begins(person, path = '/check') {
  await person.open(path);
  await person.page.waitForSelector('body[data-check="ready"] [data-action="run"]');
  await person.page.focus('[data-action="run"]');
  await person.page.keyboard.press('Enter');
}

async function ends(person, verdict) {
  await person.page.waitForSelector('body[data-check="done"]');
  assert.equal(await person.page.evaluate(() => document.body.dataset.verdict), verdict);
  return person.page.textContent('[data-summary]');
}

/** The outcome of each step, in one word: its reason where it has one. */
const outcomes = (person) =>
  person.page.$$eval('[data-step]', (steps) =>
    Object.fromEntries(steps.map(({ dataset: { step, state, why } }) => [step, why ?? state])),
  );

const well = {
  camera: 'ok', microphone: 'ok', speaker: 'on-click', server: 'ok', socket: 'ok', stun: 'ok', udp: 'ok', tcp: 'ok',
  tls: 'ok', quality: 'ok',
};

test('where all is well, it says so, and the report holds no secret', async () => {
  const person = await here.person({ permissions: ['clipboard-read', 'clipboard-write', 'camera', 'microphone'] });
  const told = person.page.waitForResponse('**/v1alpha/iceconfig*').then((response) => response.json());
  await begins(person);
  assert.match(await ends(person, 'good'), /Ready for calls.*lets calls through.*Camera and microphone work/s);
  assert.deepEqual(await outcomes(person), well);
  assert.match(await person.page.textContent('[data-step="quality"] .outcome'), /bit\/s.*% lost.*ms delay, over UDP/);

  await person.press('copy-report');
  await person.page.waitForSelector('[data-action="copy-report"]:has-text("Copied")');
  const report = await person.page.evaluate(() => navigator.clipboard.readText());
  assert.match(report, /^Ahoy check.*Ready for calls.*\ntls: ok /s);
  for (const { username, credential } of (await told).iceServers.filter((server) => server.credential)) {
    assert.ok(!report.includes(username) && !report.includes(credential), 'a credential is in the report');
  }
  assert.doesNotMatch(report, /127\.0\.0\.1/);
});

test('a speaker that cannot play is unheard without a question', async () => {
  const person = await here.person();
  await person.page.addInitScript(() => {
    OscillatorNode.prototype.start = () => {
      throw new DOMException('', 'InvalidStateError');
    };
  });
  await person.open('/check');
  await person.press('speaker');
  await person.page.waitForSelector('[data-step="speaker"][data-why="unheard"]');
  await person.page.waitForSelector('[data-action="speaker"]:not(:disabled)');
});

test('the speaker plays a tone, and asks whether it was heard', async () => {
  const person = await here.person();
  await person.open('/check');
  await person.press('speaker');
  await person.page.waitForSelector('[data-step="speaker"]:has-text("Did you hear it?")');
  await person.press('not-heard');
  await person.page.waitForSelector('[data-step="speaker"][data-state="failed"]:has-text("you did not hear it")');
  await begins(person, '/check?again');
  await person.press('speaker');
  await person.press('heard');
  await ends(person, 'good');
  assert.deepEqual(await outcomes(person), { ...well, speaker: 'ok' });
});

test('a server whose name has an address of a family that it does not listen on is still found', async (t) => {
  const server = await Server.start({ settings: [relay, 'turn.public_host="turn.localhost"'] });
  t.after(() => server.stop());
  const person = await here.person({ server });
  await begins(person);
  await ends(person, 'good');
  assert.deepEqual(await outcomes(person), { ...well, tls: 'not-offered' });
  await person.close();
  here.people.pop();
});

test('where UDP and plain TCP are swallowed, calls go over TLS, and the network\'s people are named', async (t) => {
  const person = await here.person();
  const hole = await blackHole(t);
  await rewrites(person, eachUrl((url) => {
    if (url.startsWith('turns:')) return url;
    return portOf(url, /=tcp/.test(url) ? hole.tcp : hole.udp);
  }));
  await begins(person);
  const words = await ends(person, 'limited');
  assert.match(words, /Your network blocks UDP; calls will work over TLS, a little slower\./);
  assert.match(words, new RegExp(`Whoever runs your network.*UDP to 127\\.0\\.0\\.1:${hole.udp} to be`));
  const silent = 'no-answer';
  assert.deepEqual(await outcomes(person), { ...well, stun: silent, udp: silent, tcp: silent });
  assert.match(await person.page.textContent('[data-step="quality"] .outcome'), /over TLS/);
});

test('where nothing but web pages gets through, it says what to ask for, and what to do until then', async (t) => {
  const person = await here.person();
  const hole = await blackHole(t);
  await rewrites(person, eachUrl((url) => portOf(url, /=tcp/.test(url) ? hole.tcp : hole.udp)));
  await begins(person);
  assert.match(await ends(person, 'bad'), /lets no call through.*UDP and TCP to 127\.0\.0\.1.*another network.*relay may be down/s);
  assert.equal(await person.page.locator('[data-action="call"]').count(), 0);
});

test('a relay that does not know us has refused, which is not the network\'s fault', async () => {
  const person = await here.person();
  await rewrites(person, (servers) => servers.map((server) => (server.credential ? { ...server, credential: 'wrong' } : server)));
  await begins(person);
  assert.match(await ends(person, 'bad'), /relay refused.*Whoever runs this server/s);
  const { stun, udp, quality } = await outcomes(person);
  assert.deepEqual([stun, udp, quality], ['ok', 'refused', 'needs-relay']);
  assert.match(await person.page.textContent('[data-step="udp"] .outcome'), /refused, code 401/);
});

test('a relay that answers and passes nothing on is at fault, not the network', async (t) => {
  const person = await here.person();
  const front = await deafFront(t, here.server.turnPort);
  await rewrites(person, (servers) => servers.map((server) => ({ ...server, urls: [portOf(server.urls[0], front)] })));
  await begins(person);
  assert.match(await ends(person, 'bad'), /relay answers, but nothing gets through it.*Whoever runs this server/s);
  const { stun, udp, tcp } = await outcomes(person);
  assert.deepEqual([stun, udp, tcp], ['ok', 'not-relayed', 'not-offered']);
});

test('what a server does not offer is no failure', async (t) => {
  const server = await Server.start({ settings: ['turn.listen=[]'] });
  t.after(() => server.stop());
  const person = await here.person({ server });
  await begins(person);
  assert.match(await ends(person, 'limited'), /neither STUN nor a relay.*Whoever runs this server/s);
  const none = 'not-offered';
  assert.deepEqual(await outcomes(person), { ...well, stun: none, udp: none, tcp: none, tls: none, quality: 'needs-relay' });
  await person.close();
  here.people.pop();
});

test('where calls are for invited people, it takes their token', async (t) => {
  const key = 'c'.repeat(64);
  const server = await Server.start({
    settings: [relay, 'rooms.access="token"', `rooms.tokens.keys={ main = "${key}" }`],
  });
  t.after(() => server.stop());
  const person = await here.person({ server });
  person.expectErrors(/401/);
  await begins(person);
  assert.match(await ends(person, 'unknown'), /only for those who were invited.*Open your invitation link/s);
  assert.equal((await outcomes(person)).udp, 'needs-server');
  const part = (claims) => Buffer.from(JSON.stringify(claims)).toString('base64url');
  const signed = `${part({ alg: 'HS256' })}.${part({ room: '*', exp: Math.floor(Date.now() / 1000) + 600 })}`;
  const token = `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
  await begins(person, `/check?again#token=${token}`); // another query: what stands behind the # alone loads no page
  await ends(person, 'good');
  await person.close();
  here.people.pop();
});

test('a device without a camera is told so, and its microphone still works', async () => {
  const person = await here.person({ browser: browsers.blind });
  await begins(person);
  assert.match(await ends(person, 'limited'), /Nobody will see you\..*Plug in a camera/s);
  const { camera, microphone } = await outcomes(person);
  assert.deepEqual([camera, microphone], ['none', 'ok']);
});

test('who denies camera and microphone is told how to allow them', async () => {
  const person = await here.person({ browser: browsers.denied });
  await begins(person);
  assert.match(await ends(person, 'limited'), /Nobody will see or hear you.*icon next to the address/s);
  const { camera, microphone, udp } = await outcomes(person);
  assert.deepEqual([camera, microphone, udp], ['blocked', 'blocked', 'ok']);
});

test('a server that goes away during the check is named, instead of the network', async () => {
  const server = await Server.start({ settings: [relay] });
  const person = await here.person({ server });
  person.expectErrors(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
  await person.page.routeWebSocket('**/v1/ws', () => {}); // mute, so that there is time to stop the server
  await begins(person);
  await person.page.waitForSelector('[data-step="server"][data-state="ok"]');
  await server.kill();
  assert.match(await ends(person, 'bad'), /stopped answering during the check.*connected to the internet/s);
  assert.equal((await outcomes(person)).server, 'lost');
  await person.close();
  here.people.pop();
});

test('a server that is gone before the check is named', async () => {
  const server = await Server.start();
  const person = await here.person({ server });
  person.expectErrors(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
  await person.open('/check');
  await person.page.waitForSelector('[data-action="run"]');
  await server.stop();
  await person.press('run');
  assert.match(await ends(person, 'bad'), /server does not answer.*connected to the internet.*Whoever runs this server/s);
  await person.close();
  here.people.pop();
});

test('in Firefox, too, all is well', { skip: existsSync(firefox) ? false : `${firefox} is not installed` }, async (t) => {
  const fox = await Firefox.launch();
  t.after(() => fox.close());
  const page = await fox.newPage();
  await page.goto(`${here.server.url}/check`);
  await page.waitForSelector('[data-action="run"]');
  await page.click('[data-action="run"]');
  await page.waitForSelector('body[data-check="done"]', { timeout: patience });
  const { tls, ...rest } = await outcomes({ page });
  const { tls: _, ...wanted } = well;
  assert.deepEqual(rest, wanted);
  assert.equal(tls, 'no-answer', 'Firefox reaches a relay over TLS by its name alone, and does not trust ours');
  assert.equal(await page.evaluate(() => document.body.dataset.verdict), 'good');
});

for (const [colorScheme, viewport] of [['light', { width: 360, height: 740 }], ['dark', { width: 1280, height: 800 }]]) {
  test(`the check is for everybody, at ${viewport.width} pixels, ${colorScheme}`, async () => {
    const person = await here.person({ colorScheme, viewport });
    await rewrites(person, (servers) => servers.map((server) => (server.credential ? { ...server, credential: 'wrong' } : server)));
    await person.open('/check');
    await person.page.waitForSelector('[data-action="run"]');
    await look(person, 'before the check');
    await person.press('run');
    await ends(person, 'bad');
    await person.page.click('.report summary');
    await look(person, 'after the check');
    const wide = await person.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${wide} pixels too wide`);
  });
}
