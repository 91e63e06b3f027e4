// A call in another site's page: the example of docs/embed.md, served from an origin of its own.

import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { newRoom } from './browser.mjs';
import { Firefox, FirefoxPerson } from './firefox.mjs';
import { stage } from './fixture.mjs';
import { Server } from './server.mjs';

/** A web server of its own; what it serves is said later. */
async function site(host) {
  const pages = new Map();
  const server = createServer((request, reply) => {
    const { pathname } = new URL(request.url, 'http://site');
    const page = pages.get(pathname);
    reply.writeHead(page === undefined ? 204 : 200, { 'Content-Type': 'text/html' }).end(page ?? '');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { origin: `http://${host}:${server.address().port}`, pages, close: () => server.close() };
}

const shop = await site('localhost');
const stranger = await site('127.0.0.1');
after(() => [shop, stranger].forEach((s) => s.close()));

const here = stage({ server: { settings: [`http.embed_origins=["${shop.origin}"]`] } });

const example = /```html\n([^]*?)```/.exec(readFileSync(new URL('../../docs/embed.md', import.meta.url), 'utf8'))[1];

/** Puts the example's page onto a site, with a frame that shows `room`; all that the frame says is kept. */
function serve(at, room, query = '', server = here.server) {
  const keep = '<script>globalThis.heard = []; addEventListener("message", (e) => heard.push(e.data));</script>';
  at.pages.set(
    `/${room}`,
    example
      .replaceAll('https://call.example.org', server.url)
      .replace('/embed/help-desk-7', `/embed/${room}${query}`)
      .replace('<script>', `${keep}<script>`)
      .replace('const tell =', 'var tell ='), // so that a test can
  );
}

/** A person at the example's page. */
async function visitor(room, { at = shop, query = '', server = here.server } = {}) {
  const person = await here.person({ server });
  serve(at, room, query, server);
  await person.page.goto(`${at.origin}/${room}`);
  const page = {
    person,
    heard: () => person.page.evaluate(() => globalThis.heard),
    /** Waits for an event that has these fields. */
    hears: (fields) =>
      person.page.waitForFunction(
        (wanted) => globalThis.heard.find((e) => Object.entries(wanted).every(([k, v]) => e[k] === v)),
        { ahoy: 1, ...fields },
      ),
    /** Tells the frame, and waits for the answer. */
    tells: async (command) => {
      const id = (page.latest = (page.latest ?? 0) + 1);
      await person.page.evaluate((c) => tell(c), { id, ...command });
      await person.page.waitForFunction((n) => globalThis.heard.some((e) => e.id === n), id);
      return (await page.heard()).find((e) => e.id === id);
    },
    frame: () => person.page.frames().find((f) => f.url().includes('/embed/')),
  };
  return page;
}

test('a page of the list drives a call with somebody on the ordinary page', async () => {
  const room = newRoom();
  const bo = await here.person();
  await bo.join(room, '&name=Bo');
  await bo.state('waiting');
  const page = await visitor(room);
  const { person } = page;
  await page.hears({ type: 'ready', room });
  await page.hears({ type: 'state', state: 'lobby' });

  await person.page.click('#talk');
  await page.hears({ type: 'joined', name: 'Alice', role: 'guest' });
  await page.hears({ type: 'peer-joined', name: 'Bo' });
  await page.hears({ type: 'state', state: 'connected' });
  await person.page.waitForFunction(() => document.querySelector('#state').value === 'connected');
  await bo.inCall();
  await bo.receives();
  await bo.page.waitForSelector('.chip .peer-name:has-text("Alice")');

  await person.page.click('#mute');
  await page.hears({ type: 'media', mic: false });
  await bo.page.waitForSelector('.call-head .muted');
  await person.page.click('#mute');
  await bo.page.waitForSelector('.call-head .muted', { state: 'detached' });
  assert.equal((await page.tells({ type: 'camera', on: false })).type, 'done');
  await page.hears({ type: 'media', mic: true, camera: false });
  assert.equal((await page.tells({ type: 'chat', on: true })).type, 'done');
  await page.frame().waitForSelector('[data-panel="chat"]');
  assert.equal((await page.tells({ type: 'chat', on: true })).type, 'done', 'is open already');
  assert.equal((await page.tells({ type: 'close' })).code, 'not-host');
  assert.equal((await page.tells({ type: 'join' })).code, 'already-joined');
  assert.equal((await page.tells({ type: 'dance' })).code, 'bad-command');
  assert.equal((await page.tells({ ahoy: 2, type: 'leave' })).code, 'unsupported-version');

  const { id } = (await page.heard()).find((e) => e.type === 'peer-joined');
  await bo.opens('settings');
  await bo.page.fill('#call-name', 'Bobby');
  await page.hears({ type: 'renamed', id, name: 'Bobby' });
  await bo.press('leave');
  await page.hears({ type: 'peer-left', id });
  await person.page.click('#hang');
  await page.hears({ type: 'left', reason: 'left' });
  await page.hears({ type: 'state', state: 'left' });
  assert.equal((await page.tells({ type: 'leave' })).code, 'not-joined');
  assert.equal((await page.tells({ type: 'mic', on: true })).type, 'done', 'it is asked for again');
});

test('a screen is shared with a click that the page around lends', async () => {
  const room = newRoom();
  const page = await visitor(room, { query: '?autojoin=1&name=Alice' });
  await page.hears({ type: 'state', state: 'waiting' });
  await page.person.page.evaluate(() => {
    talk.onclick = () =>
      frame.postMessage({ ahoy: 1, type: 'screen', on: true }, { targetOrigin: server, delegate: 'display-capture' });
  });
  await page.person.page.click('#talk');
  await page.hears({ type: 'media', screen: true });
  assert.equal((await page.tells({ type: 'screen', on: false })).type, 'done');
});

test('what goes wrong is told by its code', async () => {
  const room = newRoom();
  const bo = await here.person();
  await bo.join(room, '&name=Bo');
  await bo.state('waiting');
  await bo.opens('people');
  await bo.press('lock');
  await bo.pressed('lock', true);
  const page = await visitor(room, { query: '?autojoin=1&name=Alice' });
  await page.hears({ type: 'error', code: 'room-locked' });
  await page.hears({ type: 'state', state: 'failed' });
  const words = await page.frame().textContent('[data-error="room-locked"]');
  assert.match(words, /This room is locked/);
  assert.equal(await page.frame().locator('[data-action="new-room"]').count(), 0);
});

const base64url = (data) => Buffer.from(data).toString('base64url');

/** A JSON Web Token with HS256 (RFC 7519), as a site makes it for its visitor. */
function tokenFor(claims, key) {
  const signed = [{ alg: 'HS256', typ: 'JWT' }, claims].map((part) => base64url(JSON.stringify(part))).join('.');
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

test('a site lets its visitor in with a token, and with no other', async () => {
  const key = randomBytes(32).toString('hex');
  const server = await Server.start({
    settings: [`http.embed_origins=["${shop.origin}"]`, 'rooms.access="token"', `rooms.tokens.keys={ main = "${key}" }`],
  });
  const room = newRoom();
  const exp = Math.floor(Date.now() / 1000) + 600;
  const page = await visitor(room, { server });
  await page.hears({ type: 'state', state: 'lobby' });
  await page.tells({ type: 'join', name: 'Mallory' });
  await page.hears({ type: 'error', code: 'token-required' });
  await page.tells({ type: 'join', token: tokenFor({ room, exp }, randomBytes(32).toString('hex')) });
  await page.hears({ type: 'error', code: 'bad-token' });
  await page.tells({ type: 'join', name: 'Mallory', token: tokenFor({ room, exp, name: 'Alice', role: 'host' }, key) });
  await page.hears({ type: 'joined', name: 'Alice', role: 'host' });
  await page.tells({ type: 'close' });
  await page.hears({ type: 'left', reason: 'closed' });
  await page.person.close();
  here.people.splice(here.people.indexOf(page.person), 1);
  await server.stop();
});

test('a frame without allow= has no camera, and says so', async () => {
  const room = newRoom();
  const person = await here.person();
  person.expectErrors(/permissions policy/i);
  shop.pages.set(
    `/${room}-plain`,
    `<!doctype html><script>globalThis.heard = []; addEventListener("message", (e) => heard.push(e.data));</script>
     <iframe src="${here.server.url}/embed/${room}"></iframe>`,
  );
  await person.page.goto(`${shop.origin}/${room}-plain`);
  await person.page.waitForFunction(() => globalThis.heard.some((e) => e.code === 'media-blocked'));
});

test('an origin that is not on the list cannot frame a call', async () => {
  const room = newRoom();
  const bo = await here.person();
  await bo.join(room);
  await bo.state('waiting');
  const { person } = await visitor(room, { at: stranger, query: '?autojoin=1&name=Mallory' });
  person.expectErrors(/frame-ancestors|postMessage/);
  await person.page.waitForFunction(() => document.readyState === 'complete');
  const frame = person.page.frames().find((f) => f !== person.page.mainFrame());
  await frame.waitForLoadState();
  assert.match(frame.url(), /^chrome-error:/);
  await person.page.click('#talk');
  assert.deepEqual(await person.page.evaluate(() => globalThis.heard), []);
  assert.equal(await bo.page.evaluate(() => document.body.dataset.state), 'waiting');
  person.expectErrors(/does not match|chrome-error/);
});

test('messages of anybody but the page around it are ignored', async () => {
  const room = newRoom();
  const page = await visitor(room, { query: '?autojoin=1&name=Alice' });
  await page.hears({ type: 'state', state: 'waiting' });
  // Other frames in the same page reach the call's window, but are not its parent: a stranger's, and one of
  // an origin that is on the list.
  for (const [id, { origin, pages }] of [[66, stranger], [67, shop]]) {
    pages.set('/frame', '<!doctype html><title>Mallory</title>');
    await page.person.page.evaluate(async (src) => {
      const mallory = document.createElement('iframe');
      mallory.src = src;
      const loaded = new Promise((resolve) => (mallory.onload = resolve));
      document.body.append(mallory);
      await loaded;
    }, `${origin}/frame`);
    const mallory = page.person.page.frames().find((f) => f.url() === `${origin}/frame`);
    await mallory.evaluate(
      ([target, n]) => parent.frames[0].postMessage({ ahoy: 1, id: n, type: 'leave' }, target),
      [here.server.url, id],
    );
    // The parent's comes after it, and is answered: the other's would have been by then.
    assert.equal((await page.tells({ type: 'hello' })).type, 'done');
    assert.equal(await page.frame().evaluate(() => document.body.dataset.state), 'waiting');
    assert.equal((await page.heard()).some((e) => e.id === id), false);
  }
});

test('who opens the page as a window of their own cannot drive it', async () => {
  const room = newRoom();
  const person = await here.person();
  shop.pages.set(`/${room}-popup`, '<!doctype html><button>open</button>');
  await person.page.goto(`${shop.origin}/${room}-popup`);
  const opened = person.context.waitForEvent('page');
  await person.page.evaluate((url) => {
    globalThis.heard = [];
    addEventListener('message', (e) => globalThis.heard.push(e.data));
    document.querySelector('button').onclick = () => (globalThis.call = open(url));
  }, `${here.server.url}/embed/${room}?autojoin=1&name=Alice`);
  await person.page.click('button');
  const popup = await opened;
  await popup.waitForFunction(() => document.body.dataset.state === 'waiting');
  await popup.evaluate(() => {
    globalThis.told = new Promise((resolve) => addEventListener('message', resolve, { once: true }));
  });
  await person.page.evaluate((origin) => globalThis.call.postMessage({ ahoy: 1, id: 1, type: 'leave' }, origin), here.server.url);
  await popup.evaluate(() => globalThis.told.then(() => {}));
  assert.equal(await popup.evaluate(() => document.body.dataset.state), 'waiting');
  assert.deepEqual(await person.page.evaluate(() => globalThis.heard), []);
});

test('Firefox does the same, and tells again who says hello', async () => {
  const room = newRoom();
  const bo = await here.person();
  await bo.join(room, '&name=Bo');
  await bo.state('waiting');
  const fox = await Firefox.launch();
  try {
    const { page } = await FirefoxPerson.at(fox, here.server);
    const hears = (fields) =>
      page.waitForFunction(
        (wanted) => globalThis.heard.some((e) => Object.entries(wanted).every(([k, v]) => e[k] === v)),
        {},
        { ahoy: 1, ...fields },
      );
    serve(shop, room);
    await page.goto(`${shop.origin}/${room}`);
    await hears({ type: 'state', state: 'lobby' });
    await page.click('#talk');
    await hears({ type: 'joined', name: 'Alice' });
    await hears({ type: 'state', state: 'connected' });
    await bo.inCall();
    await bo.receives();
    await page.evaluate(() => {
      globalThis.heard.length = 0;
      globalThis.tell({ id: 1, type: 'hello' });
    });
    await hears({ type: 'done', id: 1 });
    const again = await page.evaluate(() => globalThis.heard.map((e) => e.type));
    assert.deepEqual(again.slice(0, 4), ['ready', 'state', 'joined', 'peer-joined']);
    await page.click('#hang');
    await hears({ type: 'left', reason: 'left' });
    await bo.state('waiting');
  } finally {
    await fox.close();
  }
});

for (const [width, height] of [[320, 240], [640, 360]]) {
  test(`a frame of ${width} × ${height} has place for everything`, async () => {
    const room = newRoom();
    const page = await visitor(room);
    await page.person.page.setViewportSize({ width: width + 40, height: height + 100 });
    await page.person.page.evaluate(
      ([w, h]) => Object.assign(document.querySelector('iframe'), { width: w, height: h }),
      [width, height],
    );
    const fits = async (where) => {
      const outside = await page.frame().$$eval('button, h1, input', (parts) =>
        parts
          .map((part) => ({ html: part.outerHTML.slice(0, 90), box: part.getBoundingClientRect(), part }))
          .filter(({ part, box }) => box.width > 0 && !part.closest('.panel, .lobby, .end, .waiting'))
          .filter(({ box }) => box.left < 0 || box.top < 0 || box.right > innerWidth + 0.5 || box.bottom > innerHeight + 0.5)
          .map(({ html }) => html),
      );
      assert.deepEqual(outside, [], where);
      const wide = await page.frame().evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${where}: ${wide} px too wide`);
      const small = await page.frame().$$eval('button', (parts) =>
        parts
          .map((part) => ({ html: part.outerHTML.slice(0, 90), box: part.getBoundingClientRect() }))
          .filter(({ box }) => box.width > 0 && (box.width < 24 || box.height < 24))
          .map(({ html }) => html),
      );
      assert.deepEqual(small, [], `${where}: too small (WCAG 2.2, 2.5.8)`);
    };
    const shoot = (name) =>
      process.env.AHOY_SHOTS && page.person.page.screenshot({ path: `${process.env.AHOY_SHOTS}/embed-${width}-${name}.png` });
    await page.hears({ type: 'state', state: 'lobby' });
    await fits('lobby');
    await shoot('lobby');
    await page.tells({ type: 'join', name: 'Alice' });
    await page.hears({ type: 'state', state: 'waiting' });
    await fits('waiting');
    await shoot('waiting');
    const bo = await here.person();
    await bo.join(room, '&name=Bo');
    await bo.inCall();
    await page.hears({ type: 'state', state: 'connected' });
    await page.frame().waitForSelector('video[data-peer].seen');
    await fits('in a call');
    await shoot('call');
    await page.tells({ type: 'chat', on: true });
    await page.frame().waitForSelector('[data-panel="chat"]');
    await fits('chat');
    await shoot('chat');
    await page.tells({ type: 'chat', on: false });
    await page.tells({ type: 'leave' });
    await page.frame().waitForSelector('.end');
    await fits('left');
    await shoot('left');
  });
}
